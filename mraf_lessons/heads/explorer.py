"""Margin, scale and curvature in hand, on the circle and in the Poincaré disk."""

from __future__ import annotations

import ipywidgets as widgets

from mraf_lessons.heads.figures import margin_explorer
from mraf_lessons.heads.view import Margins, margins
from mraf_lessons.kit.explorer import Control, Explorer, inputs
from mraf_lessons.kit.recording import Recording, record
from mraf_lessons.kit.style import Figure

QUESTION = "The same m: which head leaves most of the circle to nobody?"
KINDS = {"AM: cos θ − m": "am", "AAM: cos(θ + m)": "aam", "HAM: −(d + m)": "ham"}


class MarginExplorer(Explorer):
    """Three speakers on a circle under a head with a margin.

    ``inputs`` holds the controls by name; their ``value`` may also be set from code. ``found`` is
    what is shown, as numbers.
    """

    found: Margins

    def __init__(self) -> None:
        controls = {
            "kind": Control(
                inputs(widgets.Dropdown, "Head", options=list(KINDS.items()), value="am"),
                QUESTION,
            ),
            "margin": Control(
                inputs(widgets.FloatSlider, "Margin m", min=0, max=0.6, step=0.05, value=0.2),
                "How large may m be before nobody wins anything?",
            ),
            "scale": Control(
                inputs(widgets.FloatLogSlider, "Scale s", base=2, min=0, max=6, step=0.5, value=32,
                       readout_format=".3g"),
                "At which s is a clip at its own centre still not believed?",
            ),
            "curvature": Control(
                inputs(widgets.FloatSlider, "Curvature c", min=1.2, max=12, step=0.2,
                       value=3.0),
                "It moves the dashed circle. What else does it change?",
            ),
        }  # fmt: skip
        self.inputs = {name: control.widget for name, control in controls.items()}
        super().__init__(list(controls.values()), self._drawn)

    def _drawn(self) -> Figure:
        self.found = margins(**{name: widget.value for name, widget in self.inputs.items()})
        return margin_explorer(self.found)

    def recorded(self) -> Recording:
        """A grid of heads and margins, at the scale and curvature of now, to show anywhere."""
        values = {"Head": list(KINDS), "Margin m": ["0", "0.2", "0.4"]}
        scale, curvature = self.inputs["scale"].value, self.inputs["curvature"].value

        def draw(kind: str, margin: str) -> Figure:
            return margin_explorer(margins(KINDS[kind], float(margin), scale, curvature))

        return record(draw, values, QUESTION)
