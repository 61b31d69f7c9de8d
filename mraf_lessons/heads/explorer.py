"""Margin, scale and curvature in hand, on the circle and in the Poincaré disk."""

from __future__ import annotations

import ipywidgets as widgets

from mraf_lessons.heads.figures import margin_explorer
from mraf_lessons.heads.view import margins
from mraf_lessons.kit.explorer import Control, ViewExplorer, inputs

QUESTION = "The same m: which head leaves most of the circle to nobody?"
KINDS = {"AM: cos θ − m": "am", "AAM: cos(θ + m)": "aam", "HAM: −(d + m)": "ham"}


class MarginExplorer(ViewExplorer):
    """Three speakers on a circle under a head with a margin."""

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
        grid = {"kind": list(KINDS.values()), "margin": (0, 0.2, 0.4)}
        super().__init__(controls, margins, margin_explorer, grid)
