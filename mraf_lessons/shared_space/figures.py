"""A space shared by faces and voices: its margin, its scores, its errors on strangers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from mraf.related.metrics import Curve, eer
from mraf.related.shared_space.study import RIVAL, WINNER
from mraf_lessons.kit import style
from mraf_lessons.kit.forest import dot, forest
from mraf_lessons.kit.live import fast_panels
from mraf_lessons.kit.style import Figure, describe, draws, percent_axis, row_of_panels, styled

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
    figure, (axes,) = row_of_panels(1, 6.4, 3.4)
    for (name, target), line in zip(targets.items(), ("-", "-", "--", ":"), strict=False):
        axes.plot(np.degrees(angle), target, line, label=name)
    axes.set(
        title="A margin asks for more than the angle gives",
        xlabel="angle θ between an embedding and its class weight, in degrees",
        ylabel="in the place of cos θ",
    )
    axes.xaxis.set_major_locator(FixedLocator(range(0, 181, 30)))
    axes.legend()
    axes.grid()
    ends = "; ".join(f"{name}: {t[0]:.2f} at the start, {t[-1]:.2f} at the end" for name, t in
                     targets.items())  # fmt: skip
    return describe(figure, f"Target against the angle. {ends}.")


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

    The rows are those of the metric "EER" in `mraf.related.shared_space.study.table`.
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
def det(table: pd.DataFrame, title: str = "", shown: Sequence[str] = tuple(COLOUR)) -> Figure:
    """Detection error trade-off, heard and unheard, on scales where normal scores give lines.

    Of the rows of the metric "FRR", `at` is the false-accept rate, and `value` the other.
    """
    figure, panels = row_of_panels(2, 4.0, 4.1, sharey=True)
    said = []
    for axes, condition in zip(panels, CONDITIONS, strict=True):
        rows = table[table.condition == condition]
        for name in [name for name in shown if name in set(rows.system)]:
            of = rows[rows.system == name]
            inside = (of.value > 0) & (of.value < 1)
            axes.plot(
                ndtri(of["at"][inside]), ndtri(of.value[inside]), color=COLOUR[name], label=name
            )
            tenth = of.loc[(of["at"] - 0.1).abs().idxmin()].value
            said.append(f"{name}, {condition}: FRR {tenth:.0%} at FAR 10%")
        ends = ndtri([TICKS[0], TICKS[-1]])
        axes.plot(ends, -ends, color=style.INK, lw=1, ls="--", label="chance")
        axes.plot(ends, ends, color=style.PALE, lw=1, zorder=0)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(FixedLocator(ndtri(TICKS[::2])))
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(FuncFormatter(lambda x, _: f"{ndtr(x):.0%}"))
        axes.set(xlim=ends, ylim=ends, title=condition, xlabel="FAR: strangers taken for one")
        axes.set_aspect("equal")
        axes.grid()
    panels[0].set_ylabel("FRR: one person taken for two")
    style.legend_below(figure)
    return describe(figure, f"False rejects against false accepts. {'; '.join(said)}.", title=title)


@draws("system", "condition", "at", "value", "low", "high")
def matching(table: pd.DataFrame, title: str = "", shown: Sequence[str] = tuple(COLOUR)) -> Figure:
    """How often the right face is picked among 2, 5, 10, against a guess.

    Of the rows of the metric "matching", `at` is the number of candidates.
    """
    figure, panels = row_of_panels(2, 3.8, 3.4, sharey=True)
    said = []
    for axes, condition in zip(panels, CONDITIONS, strict=True):
        rows = table[table.condition == condition]
        candidates = sorted(rows["at"].unique())
        names = [name for name in shown if name in set(rows.system)]
        for number, name in enumerate(names):
            of = rows[rows.system == name].sort_values("at")
            values = []
            for x, one in enumerate(of.to_dict("records")):
                dot(axes, x + 0.16 * (number - (len(names) - 1) / 2), one["value"], one["low"],
                    one["high"], COLOUR[name], upright=True, label=None if x else name)  # fmt: skip
                values.append(f"{one['value']:.0%} of {one['at']:.0f}")
            said.append(f"{name}, {condition}: {', '.join(values)}")
        places = np.arange(len(candidates))
        guess: dict[str, Any] = {"color": style.INK, "ls": "--", "lw": 1, "label": "a guess"}
        axes.hlines(1 / np.array(candidates), places - 0.35, places + 0.35, **guess)
        axes.set_xticks(places, [f"{c:.0f}" for c in candidates])
        axes.set(title=condition, xlabel="candidate faces", ylim=(0, 1))
        percent_axis(axes)
        axes.grid(axis="y")
    panels[0].set_ylabel("picked rightly")
    panels[1].legend(loc="upper right", fontsize=8)
    return describe(figure, f"Right picks: {'; '.join(said)}. Dashed: a guess.", title=title)


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
    left.axvline(threshold, color=style.INK, lw=1.6)
    left.axvspan(threshold, 1, color=style.PALE, alpha=0.4, lw=0, zorder=0)
    left.set(title=title, xlabel="cosine of face and voice; grey: accepted")
    left.legend(loc="upper left", fontsize=8)
    every = slice(1, None, 1 + len(found.threshold) // 500)  # finer than a pixel
    right.plot(found.threshold[every], found.false_accept[every], color=DIFFERENT, label="FAR")
    right.plot(found.threshold[every], found.false_reject[every], color=SAME, label="FRR")
    right.axvline(threshold, color=style.INK, lw=1.6)
    right.plot([threshold] * 2, [far, frr], "o", color=style.INK, ms=5)
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
