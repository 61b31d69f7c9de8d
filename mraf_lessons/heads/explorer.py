"""Margin, scale and curvature in hand, on the circle and in the Poincaré disk."""

import ipywidgets as widgets

from mraf_lessons.heads.figures import margin_explorer
from mraf_lessons.heads.view import margins
from mraf_lessons.kit.explorer import Control, Explorer, choice, inputs, slider

KINDS = {"AM: cos θ − m": "am", "AAM: cos(θ + m)": "aam", "HAM: −(d + m)": "ham"}


class MarginExplorer(Explorer):
    """Three speakers on a circle under a head with a margin."""

    def __init__(self) -> None:
        controls = {
            "kind": choice("Head", list(KINDS.items()),
                           "The same m: which head leaves most of the circle to nobody?"),
            "margin": slider("Margin m", "How large may m be before nobody wins anything?", 0.2,
                             high=0.6, shown=".2f"),
            "scale": Control(
                inputs(widgets.FloatLogSlider, "Scale s", base=2, min=0, max=6, step=0.5, value=32,
                       readout_format=".3g"),
                "At which s is a clip at its own centre still not believed?",
            ),
            "curvature": slider(
                "Curvature c", "It moves the dashed circle. What else does it change?",
                3.0, 1.2, 12, 0.2, ".2f",
                idle=lambda values: "" if values["kind"] == "ham" else "Only HAM has a curvature.",
            ),
        }  # fmt: skip
        super().__init__(controls, margin_explorer, margins)
