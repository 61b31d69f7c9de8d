"""The centre loss of Eq. 17 beside the cross-entropy, with their weights in hand."""

from functools import partial
from typing import Any

import ipywidgets as widgets
import numpy as np
from numpy.typing import NDArray

from mraf_lessons.kit import style
from mraf_lessons.kit.explorer import Control, Explorer, inputs, slider, yes_or_no
from mraf_lessons.kit.live import fast_panel, fast_panels
from mraf_lessons.kit.style import Figure, describe, styled
from mraf_lessons.training.figures import draw_paths
from mraf_lessons.training.view import Pulled, pull


class CentreExplorer(Explorer):
    """Weigh the centre loss and see where it pulls points (N, 2) of classes (N,) in the plane."""

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


@styled
def pulled(found: Pulled, on: Figure | None = None) -> Figure:
    """Where the points of each class are, how they came there, and how wide they lie."""
    within, between = found.within[found.step], found.between[found.step]
    apart = "all in one place" if between < 0.05 else f"ratio {within / between:.2f}"
    remark = f"spread within {within:.2f}, between {between:.2f}: {apart}"
    figure, (plane, curves) = fast_panels(
        on, 9.6, 4.4, f"After {found.step} steps", remark, panels=2, width_ratios=[5, 8],
        left=0.06, right=0.985, top=0.82, bottom=0.13, wspace=0.16,
    )  # fmt: skip
    shown = found.centers[found.step] if found.center_weight else None
    limit = np.ceil(1.08 * max(2.5, float(np.abs(found.path).max())))  # frames are drawn anew only
    draw_paths(plane, found.path[: found.step + 1], found.group, shown, limit)
    if shown is not None:
        plane.legend(loc="upper right", fontsize=8.5)
    fast_panel(plane, "Embeddings in the plane", "hollow: start · filled: now")
    curves.plot(found.between, color=style.FUSED, label="between classes")
    curves.plot(found.within, "--", color=style.OTHER, label="within classes")
    curves.axvline(found.step, color=style.INK, lw=1)
    top = np.ceil(1.3 * max(found.within.max(), found.between.max()))  # where these change
    curves.set(xlim=(0, len(found.path) - 1), ylim=(0, top))
    curves.grid()
    curves.legend(loc="upper right", fontsize=8.5)
    fast_panel(curves, "Spread (root mean square)", "step of the gradient descent")
    return describe(
        figure,
        f"{len(found.group)} points of {found.group.max() + 1} classes after {found.step} steps. "
        f"Spread within classes {within:.2f} (at first {found.within[0]:.2f}), between them "
        f"{between:.2f} (at first {found.between[0]:.2f}).",
        "" if found.center_weight else "There is no centre loss.",
    )
