"""The centre loss of Eq. 17 beside the cross-entropy, with their weights in hand."""

from functools import partial
from typing import Any

import ipywidgets as widgets
import numpy as np
from numpy.typing import NDArray

from mraf_lessons.kit.explorer import Control, Explorer, inputs, slider, yes_or_no
from mraf_lessons.training.explorer_figures import pulled
from mraf_lessons.training.view import pull


class CentreExplorer(Explorer):
    """Weigh the centre loss and see where it pulls the points of each class.

    Args:
        points: in the plane, shape (N, 2).
        group: their classes, shape (N,).
    """

    def __init__(self, points: NDArray[Any], group: NDArray[np.int64]) -> None:
        controls = {
            "ce_weight": slider(
                "Cross-entropy", "What happens to the three classes at 0?", 0.3, shown=".2f"
            ),
            "center_weight": slider(
                "Centre loss", "Does more of it bring the classes together or apart?", 0.3,
                shown=".2f",
            ),
            "trained": yes_or_no(
                "Centres trained",
                "They start at zero. Where does a class go whose centre stays there?",
                idle=lambda values: "" if values["center_weight"] else "There is no centre loss.",
            ),
            "step": Control(
                inputs(widgets.IntSlider, "Step", min=0, max=150, step=5, value=150),
                "Which comes first: do the classes get narrow, or do they part?",
            ),
        }  # fmt: skip
        super().__init__(controls, pulled, partial(pull, points, group))
