"""Two explorers: another missing token in place of the learned one, and one clip step by step."""

from __future__ import annotations

from functools import lru_cache

from mraf.data.clips import FeatureSet
from mraf.model import MRAF
from mraf.variants.build import Network
from mraf_lessons.kit.explorer import Explorer, choice, number, slider, yes_or_no
from mraf_lessons.missing_token.explorer_figures import clip_step, token_effect
from mraf_lessons.missing_token.other_token import replace_token
from mraf_lessons.missing_token.steps import Step, forward_steps

RELIABILITIES = [("r_f = 0, as in the paper", "zero"), ("ask the scorer", "learned")]


class MissingTokenExplorer(Explorer):
    """Replace the learned missing token by another and watch how far the change gets.

    Args:
        model: a trained network with ``missing_face="token"``.
        clips: one of them is shown, without its face.
    Raises:
        RunError: the network has no token.
    """

    def __init__(self, model: Network, clips: FeatureSet) -> None:
        controls = {
            "kind": choice(
                "Token, towards",
                ["zero", "random"],
                "Will a token of zeros change more, or one of noise?",
                idle=lambda values: "" if values["share"] else "The token is the learned one.",
            ),
            "share": slider(
                "How far", "Up to which step does the change get? Where does it end?", 1.0
            ),
            "reliability": choice(
                "Missing face",
                RELIABILITIES,
                "Which bars appear when the scorer is asked? Why those?",
            ),
            "clip": number("Clip", len(clips), "Does it depend on the clip?"),
        }
        super().__init__(
            controls,
            token_effect,
            lambda kind, share, reliability, clip: replace_token(
                model, clips[clip - 1 : clip], kind, share, reliability
            ),
        )


class FollowOneClip(Explorer):
    """Press the arrow keys on the slider to see what the network does next.

    Args:
        model: a trained network.
        clips: with their faces; the slider *Clip* chooses one.
    """

    def __init__(self, model: MRAF, clips: FeatureSet) -> None:
        @lru_cache
        def steps(face: bool, clip: int) -> tuple[Step, ...]:
            chosen = clips[clip - 1 : clip]
            return forward_steps(model, chosen if face else chosen.without_faces())

        count = len(steps(True, 1))
        controls = {
            "step": number(
                "Step", count, "Before you press: which shape will the next values have?"
            ),
            "face": yes_or_no(
                "The face is there",
                "Which values of the voice does a missing face change, and which not?",
            ),
            "clip": number(
                "Clip", len(clips), "Which steps look alike for all clips, and which do not?"
            ),
        }
        super().__init__(
            controls,
            lambda found, on: clip_step(found[0], found[1], on),
            lambda step, face, clip: (steps(face, clip), step),
        )

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the clip that is shown, as numbers."""
        steps: tuple[Step, ...] = self.found[0]
        return steps
