"""The missing token from zero to learned to random: what changes, and what does not."""

from __future__ import annotations

import ipywidgets as widgets

from mraf.data.clips import FeatureSet
from mraf.variants.build import Network
from mraf.variants.config import MissingReliability
from mraf_lessons.kit.explorer import Control, Explorer, amount, inputs
from mraf_lessons.kit.recording import Recording, record
from mraf_lessons.kit.style import Figure
from mraf_lessons.missing_token.step_figures import token_effect
from mraf_lessons.missing_token.substitution import TokenEffect, TokenKind, replace_token


class MissingTokenExplorer(Explorer):
    """Replace the learned missing token by another and watch how far the change gets.

    Args:
        model: a trained network with ``missing_face="token"``.
        clips: one of them is shown, without its face.
    Raises:
        RunError: the network has no token.
    """

    found: TokenEffect

    def __init__(self, model: Network, clips: FeatureSet) -> None:
        self.model, self.clips = model, clips
        self.kind = inputs(widgets.Dropdown, "Token, towards", options=["zero", "random"])
        self.share = amount("How far")
        self.reliability = inputs(
            widgets.Dropdown,
            "Missing face",
            options=[("r_f = 0, as in the paper", "zero"), ("ask the scorer", "learned")],
        )
        self.clip = inputs(widgets.IntSlider, "Clip", min=1, max=len(clips), value=1)
        controls = [
            Control(self.kind, "Will a token of zeros change more, or one of noise?"),
            Control(self.share, "Up to which step does the change get? Where does it end?"),
            Control(self.reliability, "Which bars appear when the scorer is asked? Why those?"),
            Control(self.clip, "Does it depend on the clip?"),
        ]
        self.share.value = 1.0
        super().__init__(controls, self._drawn)

    def recorded(self) -> Recording:
        """Both kinds, some amounts and both reliabilities, to answer without a kernel."""
        reliabilities: dict[str, MissingReliability] = {
            "0, as in the paper": "zero",
            "asked of the scorer": "learned",
        }

        def draw(reliability: str, kind: TokenKind, far: str) -> Figure:
            share, asked = float(far[:-1]) / 100, reliabilities[reliability]
            return token_effect(replace_token(self.model, self._chosen, kind, share, asked))

        return record(
            draw,
            {
                "r_f": list(reliabilities),
                "Token, towards": ["zero", "random"],
                "How far": ["0%", "50%", "100%"],
            },
            "Up to which step does the change get?",
        )

    @property
    def _chosen(self) -> FeatureSet:
        return self.clips[self.clip.value - 1 : self.clip.value]

    def _drawn(self) -> Figure:
        self.found = replace_token(
            self.model, self._chosen, self.kind.value, self.share.value, self.reliability.value
        )
        return token_effect(self.found)
