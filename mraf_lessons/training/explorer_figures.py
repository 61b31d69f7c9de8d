"""The figure of the centre-loss explorer, drawn anew at each move of a control."""

import numpy as np

from mraf_lessons.kit import style
from mraf_lessons.kit.live import fast_panel, fast_panels
from mraf_lessons.kit.style import Figure, describe, styled
from mraf_lessons.training.figures import draw_paths
from mraf_lessons.training.view import Pulled


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
    limit = 1.08 * max(2.5, float(np.abs(found.path).max()))
    draw_paths(plane, found.path[: found.step + 1], found.group, shown, limit)
    if shown is not None:
        plane.legend(loc="upper right", fontsize=8.5)
    fast_panel(plane, "Embeddings in the plane", "hollow: start · filled: now")
    curves.plot(found.between, color=style.FUSED, label="between classes")
    curves.plot(found.within, "--", color=style.OTHER, label="within classes")
    curves.axvline(found.step, color=style.INK, lw=1)
    top = 1.3 * max(float(found.within.max()), float(found.between.max()))
    curves.set(xlim=(0, len(found.path) - 1), ylim=(0, top))
    curves.grid()
    curves.legend(loc="upper right", fontsize=8.5)
    fast_panel(curves, "Spread (root mean square)", "step of the gradient descent")
    centers = "There is no centre loss."
    if shown is not None:
        distance = np.linalg.norm(shown, axis=1).mean()
        centers = f"The centres lie {distance:.2f} from zero on average."
    return describe(
        figure,
        f"{len(found.group)} points of {found.group.max() + 1} classes after {found.step} steps. "
        f"Spread within classes {within:.2f} (at first {found.within[0]:.2f}), between them "
        f"{between:.2f} (at first {found.between[0]:.2f}).",
        centers,
    )
