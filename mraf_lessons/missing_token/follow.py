"""One clip through Eq. 2–14, a step per press."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from mraf.data.clips import FeatureSet
from mraf.model import MRAF
from mraf_lessons.kit.explorer import Control, Explorer, inputs
from mraf_lessons.kit.recording import Recording, record
from mraf_lessons.kit.style import Figure
from mraf_lessons.missing_token.step_figures import clip_step
from mraf_lessons.missing_token.trace import trace


class FollowOneClip(Explorer):
    """Press *Next* (or the arrow keys on the slider) to see what the network does next.

    Args:
        model: a trained network.
        clips: with their faces; the slider *Clip* chooses one.
    """

    def __init__(self, model: MRAF, clips: FeatureSet) -> None:
        self.model, self.clips = model, clips
        self.clip = inputs(widgets.IntSlider, "Clip", min=1, max=len(clips), value=1)
        self.face = inputs(widgets.Checkbox, "The face is there", value=True, indent=True)
        self._trace()
        self.step = inputs(widgets.IntSlider, "Step", min=1, max=len(self.steps), value=1)
        self.back, self.next = (
            widgets.Button(description=name, layout=widgets.Layout(width="100px"))
            for name in ("◀ Back", "Next ▶")
        )
        self.back.on_click(lambda _: self._go(-1))
        self.next.on_click(lambda _: self._go(1))
        self.clip.observe(self._trace, names="value")
        self.face.observe(self._trace, names="value")
        controls = [
            Control(self.step, "Before you press: which shape will the next values have?"),
            Control(
                self.face, "Which values of the voice does a missing face change, and which not?"
            ),
            Control(self.clip, "Which steps look alike for all clips, and which do not?"),
        ]
        super().__init__(controls, self._drawn)
        column = self.children[0]
        column.children = (widgets.HBox([self.back, self.next]), *column.children)

    def _go(self, steps: int) -> None:
        self.step.value = min(max(self.step.value + steps, 1), len(self.steps))

    def _trace(self, change: Any = None) -> None:
        row = self.clip.value - 1
        clip = self.clips[row : row + 1]
        self.steps = trace(self.model, clip if self.face.value else clip.without_faces())

    def _drawn(self) -> Figure:
        return clip_step(self.steps, self.step.value)

    def recorded(self) -> Recording:
        """Every step of the present clip, with its face and without, to answer without a kernel."""
        row = self.clip.value - 1
        clip = self.clips[row : row + 1]
        ways = {
            "is there": trace(self.model, clip),
            "is missing": trace(self.model, clip.without_faces()),
        }
        steps = [str(number) for number in range(1, len(self.steps) + 1)]
        return record(
            lambda face, step: clip_step(ways[face], int(step)),
            {"The face": list(ways), "Step": steps},
            "Which values of the voice does a missing face change, and which not?",
        )
