"""A space shared by faces and voices: its margin, its scores, its errors on strangers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from mraf_lessons.kit import charts, style
from mraf_lessons.kit.forest import forest
from mraf_lessons.kit.live import fast_panels
from mraf_lessons.kit.style import Figure, describe, draws, percent_axis, row_of_panels, styled
from mraf_related.metrics import Curve, eer
from mraf_related.shared_space.study import RIVAL, WINNER

SAME, DIFFERENT = style.VOICE, style.MISSING
COLOUR = {WINNER: style.FUSED, RIVAL: style.GREY, "CCA": style.PALETTE["orange"]}
CONDITIONS = dict(zip(("heard", "unheard"), style.LANGUAGES, strict=True))
COSINES = (-1, -0.5, 0, 0.5, 1)
TICKS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)


@styled
def margin(angle: NDArray[Any], targets: Mapping[str, NDArray[Any]]) -> Figure:
    """What stands for cos θ_y in the loss, at every angle θ_y.

    Args:
        angle: θ_y in radians, rising, shape (N,).
        targets: by name, shape (N,).
    """
    table = pd.DataFrame(targets, index=np.degrees(angle)).rename_axis("angle")
    figure = charts.curves(
        table.melt(var_name="target", ignore_index=False).reset_index(), "angle", "value", "target",
        say=lambda t: "{:.2f} at the start, {:.2f} at the end".format(*t.value.iloc[[0, -1]]),
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
    """Cosines of faces with voices of the same person and of another, one panel each.

    Args:
        panels: by title, cosines (N,) and whether both are of one person (N,).
    """
    figure, row = row_of_panels(len(panels), 4.2, 3.1, sharex=True)
    said = []
    for axes, (title, (cosine, same)) in zip(row, panels.items(), strict=True):
        _distributions(axes, cosine, same)
        axes.set(title=title, xlabel="cosine of face and voice")
        said.append(
            f"{title}: median cosine {np.median(cosine[same]):.2f} for one person, "
            f"{np.median(cosine[~same]):.2f} for two."
        )
    row[0].set_ylabel("density")
    row[0].legend(loc="upper left")
    return describe(figure, "Distributions of cosines.", *said)


def _distributions(axes: Axes, cosine: NDArray[Any], same: NDArray[Any]) -> None:
    edges = np.linspace(-1, 1, 61)
    for which, colour, name in ((same, SAME, "one person"), (~same, DIFFERENT, "two people")):
        height = np.histogram(cosine[which], edges, density=True)[0]
        axes.stairs(height, edges, fill=True, color=colour, alpha=0.45, label=name, lw=0)
    axes.set(xlim=(-1, 1), xticks=COSINES, yticks=[])
    axes.spines["left"].set_visible(False)


@draws("system", "condition", "fold", "value", "low", "high")
def systems(table: pd.DataFrame, title: str = "") -> Figure:
    """EER of every system, heard and unheard: mean and interval, and each fold as a stroke.

    The rows are those of the metric "EER" in `mraf_related.shared_space.study.table`.
    """
    folds = table[table.fold != "all"].groupby(["system", "condition"]).value.apply(list)
    means = table[table.fold == "all"].assign(facet="EER", colour=table.condition.map(CONDITIONS))
    means = means.join(folds.rename("strokes"), on=["system", "condition"])
    languages = means.drop_duplicates("condition").set_index("condition").language
    return forest(
        means, "system", "facet", "value", split="condition", reference={"EER": 0.5},
        legend={f"{name} ({languages[name]})": colour for name, colour in CONDITIONS.items()},
        title=title or "Equal error rate on strangers",
        label="EER; bar: 95% interval over identities, strokes: folds, dashed: chance",
    )  # fmt: skip


@draws("system", "condition", "at", "value")
def det(table: pd.DataFrame, title: str = "") -> Figure:
    """Detection error trade-off, heard and unheard, on scales where normal scores give lines.

    Of the rows of the metric "FRR", `at` is the false-accept rate, and `value` the other.
    """

    def at_a_tenth(rows: pd.DataFrame) -> str:
        return f"FRR {rows.value.loc[(rows['at'] - 0.1).abs().idxmin()]:.0%} at FAR 10%"

    rows = table[table.system.isin(COLOUR) & table.value.between(0, 1, inclusive="neither")]
    rows = rows.assign(far=ndtri(rows["at"]), frr=ndtri(rows.value)).reset_index()
    looks = {name: {"color": colour, "label": name} for name, colour in COLOUR.items()}
    figure = charts.curves(
        rows, "far", "frr", "system", "condition", say=at_a_tenth, looks=looks, title=title,
        text="False rejects against false accepts.", width=4.0, height=4.1,
    )  # fmt: skip
    ends = ndtri([TICKS[0], TICKS[-1]])
    for axes in figure.axes:
        axes.plot(ends, -ends, color=style.INK, lw=1, ls="--", label="chance")
        axes.plot(ends, ends, color=style.PALE, lw=1, zorder=0)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(FixedLocator(ndtri(TICKS[::2])))
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(FuncFormatter(lambda x, _: f"{ndtr(x):.0%}"))
        axes.set(xlim=ends, ylim=ends, xlabel="FAR: strangers taken for one", aspect="equal")
    figure.axes[0].set_ylabel("FRR: one person taken for two")
    style.legend_below(figure)
    return figure


@draws("system", "condition", "at", "value", "low", "high")
def matching(table: pd.DataFrame, title: str = "") -> Figure:
    """How often the right face is picked among 2, 5, 10, against a guess.

    Of the rows of the metric "matching", `at` is the number of candidates.
    """
    rows = table[table.system.isin(COLOUR)]
    guess = rows.drop_duplicates(["condition", "at"]).assign(
        system="a guess", value=lambda one: 1 / one["at"], low=np.nan, high=np.nan, hollow=True
    )
    colours = COLOUR | {"a guess": style.INK}
    rows = pd.concat([rows.assign(hollow=False), guess]).sort_values("at", kind="stable")
    return forest(
        rows.assign(
            of="among " + rows["at"].map("{:.0f}".format), colour=rows.system.map(colours)
        ), "of", "condition", "value", split="system", legend=colours, title=title,
        label="right face picked",
    )  # fmt: skip


@styled
def at_threshold(
    cosine: NDArray[Any], same: NDArray[Any], found: Curve, threshold: float, title: str,
    on: Figure | None = None,
) -> Figure:  # fmt: skip
    """Distributions with a threshold, and beside them both errors at every threshold.

    Args:
        cosine, same: of the trials, shape (N,).
        found: their rates.
    """
    places: Any = {"left": 0.03, "right": 0.98, "bottom": 0.16, "top": 0.86, "wspace": 0.21}
    figure, (left, right) = fast_panels(on, 8.4, 3.3, panels=2, **places)
    far = float((cosine[~same] >= threshold).mean())
    frr = float((cosine[same] < threshold).mean())
    _distributions(left, cosine, same)
    left.axvspan(threshold, 1, color=style.PALE, alpha=0.4, lw=0, zorder=0)
    left.set(title=title, xlabel="cosine of face and voice; grey: accepted")
    left.legend(loc="upper left", fontsize=8)
    every = slice(1, None, 1 + len(found.threshold) // 500)  # finer than a pixel
    right.plot(found.threshold[every], found.false_accept[every], color=DIFFERENT, label="FAR")
    right.plot(found.threshold[every], found.false_reject[every], color=SAME, label="FRR")
    right.plot([threshold] * 2, [far, frr], "o", color=style.INK, ms=5)
    for axes in (left, right):
        axes.axvline(threshold, color=style.INK, lw=1.6)
    equal = float(eer(found))
    right.axhline(equal, color=style.GREY, lw=1, ls="--")
    right.text(0.98, equal + 0.02, f"EER {equal:.1%}", fontsize=8.5, ha="right")
    right.set(xlim=(-1, 1), ylim=(0, 1), xlabel="threshold", xticks=COSINES)
    right.set_title(f"FAR {far:.1%}, FRR {frr:.1%}")
    right.legend(loc="lower left", fontsize=8)
    right.grid()
    percent_axis(right)
    text = (
        f"{title}: at threshold {threshold:.2f} {far:.1%} of the trials of two people are accepted "
        f"and {frr:.1%} of those of one are rejected; the equal error rate is {equal:.1%}."
    )
    return describe(figure, text)
