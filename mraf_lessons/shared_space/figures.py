"""A space shared by faces and voices: its margin, its scores, its errors on strangers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mraf_lessons.kit import charts, style
from mraf_lessons.kit.forest import forest
from mraf_lessons.kit.style import Figure, describe, draws, row_of_panels, styled
from mraf_related.study import MINUS

SAME, DIFFERENT = style.VOICE, style.MISSING
CONDITIONS = dict(zip(("heard", "unheard"), style.LANGUAGES, strict=True))
COSINES = (-1, -0.5, 0, 0.5, 1)


@styled
def margin(angle: NDArray[Any], targets: Mapping[str, NDArray[Any]]) -> Figure:
    """What stands for cos θ_y in the loss by name (N,), at rising angles θ_y in radians (N,)."""
    table = pd.DataFrame(targets, index=np.degrees(angle)).rename_axis("angle")
    figure = charts.curves(
        table.melt(var_name="target", ignore_index=False).reset_index(), "angle", "value", "target",
        text="Target against the angle.",
    )  # fmt: skip
    (axes,) = figure.axes
    axes.set(title="A margin asks for more than the angle gives", ylabel="in the place of cos θ")
    axes.set_xlabel("angle θ between an embedding and its class weight, in degrees")
    axes.set_xticks(range(0, 181, 30))
    axes.legend()
    return figure


@styled
def score_panels(panels: Mapping[str, tuple[NDArray[Any], NDArray[Any]]]) -> Figure:
    """Cosines of faces with voices (N,), and whether both are of one person (N,), by panel."""
    figure, row = row_of_panels(len(panels), 4.2, 3.1, sharex=True)
    edges = np.linspace(-1, 1, 61)
    said = []
    for axes, (title, (cosine, same)) in zip(row, panels.items(), strict=True):
        for which, colour, name in ((same, SAME, "one person"), (~same, DIFFERENT, "two people")):
            height = np.histogram(cosine[which], edges, density=True)[0]
            axes.stairs(height, edges, fill=True, color=colour, alpha=0.45, label=name, lw=0)
        axes.set(xlim=(-1, 1), xticks=COSINES, yticks=[])
        axes.spines["left"].set_visible(False)
        axes.set(title=title, xlabel="cosine of face and voice")
        said.append(
            f"{title}: median cosine {np.median(cosine[same]):.2f} for one person, "
            f"{np.median(cosine[~same]):.2f} for two."
        )
    row[0].set_ylabel("density")
    row[0].legend(loc="upper left")
    return describe(figure, "Distributions of cosines.", *said)


@draws("system", "condition", "draw", "value", "low", "high")
def systems(table: pd.DataFrame, title: str = "") -> Figure:
    """EER of every system, heard and unheard: mean and interval, and each fold as a stroke."""
    table = table[~table.system.str.contains(MINUS)]
    folds = table[table.draw != "mean"].groupby(["system", "condition"]).value.apply(list)
    means = table[table.draw == "mean"].assign(facet="EER", colour=table.condition.map(CONDITIONS))
    means = means.join(folds.rename("strokes"), on=["system", "condition"])
    languages = means.drop_duplicates("condition").set_index("condition").language
    return forest(
        means, "system", "facet", "value", split="condition", reference={"EER": 0.5},
        legend={f"{name} ({languages[name]})": colour for name, colour in CONDITIONS.items()},
        title=title or "Equal error rate on strangers",
        label="EER; bar: 95% interval over identities, strokes: folds, dashed: chance",
    )  # fmt: skip
