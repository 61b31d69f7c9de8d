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

from mraf.related.shared_space.study import RIVAL, WINNER
from mraf.related.shared_space.trials import Rates, eer
from mraf_lessons.kit.live import fast_figure
from mraf_lessons.kit.style import (
    FUSED,
    GREY,
    INK,
    LANGUAGES,
    MISSING,
    PALE,
    PALETTE,
    VOICE,
    Figure,
    describe,
    new_figure,
    percent_axis,
    require,
    styled,
)

SAME, DIFFERENT = VOICE, MISSING
COLOUR = {WINNER: FUSED, RIVAL: GREY, "CCA": PALETTE["orange"]}
CONDITIONS = dict(zip(("heard", "unheard"), LANGUAGES, strict=True))
COSINES = (-1, -0.5, 0, 0.5, 1)
TICKS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)


@styled
def margin(angle: NDArray[Any], targets: Mapping[str, NDArray[Any]]) -> Figure:
    """What stands for cos θ_y in the loss, at every angle θ_y.

    Args:
        angle: θ_y in radians, rising, shape (N,).
        targets: by name, shape (N,).
    """
    figure = new_figure(6.4, 3.4)
    axes = figure.subplots()
    for (name, target), style in zip(targets.items(), ("-", "-", "--", ":"), strict=False):
        axes.plot(np.degrees(angle), target, style, label=name)
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
    figure = new_figure(4.2 * len(panels), 3.1)
    said = []
    row = figure.subplots(1, len(panels), sharex=True, squeeze=False)[0]
    for axes, (title, (cosine, same)) in zip(row, panels.items(), strict=True):
        _distributions(axes, cosine, same)
        axes.set(title=title, xlabel="cosine of face and voice")
        said.append(
            f"{title}: median cosine {np.median(cosine[same]):.2f} for one person, "
            f"{np.median(cosine[~same]):.2f} for two."
        )
    row[0].set_ylabel("density")
    row[0].legend(loc="upper left")
    return describe(figure, "Distributions of cosines. " + " ".join(said))


def _distributions(axes: Axes, cosine: NDArray[Any], same: NDArray[Any]) -> None:
    edges = np.linspace(-1, 1, 61)
    for which, colour, name in ((same, SAME, "one person"), (~same, DIFFERENT, "two people")):
        height = np.histogram(cosine[which], edges, density=True)[0]
        axes.stairs(height, edges, fill=True, color=colour, alpha=0.45, label=name, lw=0)
    axes.set(xlim=(-1, 1), xticks=COSINES, yticks=[])
    axes.spines["left"].set_visible(False)


@styled
def systems(table: pd.DataFrame, title: str = "") -> Figure:
    """EER of every system, heard and unheard: mean and interval, and each fold as a small dot.

    Args:
        table: rows of the metric "EER" as `mraf.related.shared_space.study.table` makes them.
    Raises:
        DataError: no rows, or a column missing.
    """
    require(table, "system", "condition", "fold", "value", "low", "high")
    names = list(dict.fromkeys(table.system))
    figure = new_figure(7.6, 1.5 + 0.46 * len(names))
    axes = figure.subplots()
    said = []
    for shift, (condition, colour) in zip((-0.15, 0.15), CONDITIONS.items(), strict=True):
        rows = table[table.condition == condition]
        for y, name in enumerate(names):
            of = rows[rows.system == name]
            mean = of[of.fold == "all"].iloc[0]
            folds = of[of.fold != "all"].value
            axes.plot([mean.low, mean.high], [y + shift] * 2, color=colour, lw=4, alpha=0.35,
                      solid_capstyle="butt")  # fmt: skip
            axes.plot(folds, [y + shift] * len(folds), "|", color=colour, ms=7, mew=1)
            axes.plot(mean.value, y + shift, "o", color=colour, ms=5.5,
                      label=f"{condition} ({mean.language})" if y == 0 else None)  # fmt: skip
            said.append(f"{name}, {condition}: {mean.value:.1%} [{mean.low:.1%}, {mean.high:.1%}]")
    axes.axvline(0.5, color=INK, lw=1, ls="--")
    axes.annotate("chance", (0.5, -0.75), xytext=(-3, 0), textcoords="offset points", ha="right",
                  fontsize=8.5)  # fmt: skip
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.9)
    axes.tick_params(axis="y", length=0)
    axes.set_title(title or "Equal error rate on strangers")
    axes.set_xlabel("EER; bar: 95% interval over identities, strokes: folds")
    percent_axis(axes, "x")
    axes.grid(axis="x")
    figure.legend(loc="outside lower right", ncols=2)
    return describe(figure, f"{title} Equal error rates. {'; '.join(said)}.")


@styled
def det(table: pd.DataFrame, title: str = "", shown: Sequence[str] = tuple(COLOUR)) -> Figure:
    """Detection error trade-off, heard and unheard, on scales where normal scores give lines.

    Args:
        table: mean rows of the metric "FRR": `at` is the false-accept rate, `value` the other.
        shown: systems.
    Raises:
        DataError: no rows, or a column missing.
    """
    require(table, "system", "condition", "at", "value")
    figure = new_figure(8.0, 4.1)
    said = []
    for axes, condition in zip(figure.subplots(1, 2, sharey=True), CONDITIONS, strict=True):
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
        axes.plot(ends, -ends, color=INK, lw=1, ls="--", label="chance")
        axes.plot(ends, ends, color=PALE, lw=1, zorder=0)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(FixedLocator(ndtri(TICKS[::2])))
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(FuncFormatter(lambda x, _: f"{ndtr(x):.0%}"))
        axes.set(xlim=ends, ylim=ends, title=condition, xlabel="FAR: strangers taken for one")
        axes.set_aspect("equal")
        axes.grid()
    figure.axes[0].set_ylabel("FRR: one person taken for two")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=10.5)
    return describe(figure, f"{title} False rejects against false accepts. {'; '.join(said)}.")


@styled
def matching(table: pd.DataFrame, title: str = "", shown: Sequence[str] = tuple(COLOUR)) -> Figure:
    """How often the right face is picked among 2, 5, 10, against a guess.

    Args:
        table: mean rows of the metric "matching": `at` is the number of candidates.
        shown: systems.
    Raises:
        DataError: no rows, or a column missing.
    """
    require(table, "system", "condition", "at", "value", "low", "high")
    figure = new_figure(7.6, 3.4)
    said = []
    for axes, condition in zip(figure.subplots(1, 2, sharey=True), CONDITIONS, strict=True):
        rows = table[table.condition == condition]
        candidates = sorted(rows["at"].unique())
        names = [name for name in shown if name in set(rows.system)]
        for number, name in enumerate(names):
            of = rows[rows.system == name].sort_values("at")
            x = np.arange(len(of)) + 0.16 * (number - (len(names) - 1) / 2)
            axes.vlines(x, of.low, of.high, color=COLOUR[name], lw=4, alpha=0.35)
            axes.plot(x, of.value, "o", color=COLOUR[name], ms=5.5, label=name)
            values = ", ".join(
                f"{v:.0%} of {a:.0f}" for a, v in zip(of["at"], of.value, strict=True)
            )
            said.append(f"{name}, {condition}: {values}")
        guess = 1 / np.array(candidates)
        axes.hlines(guess, np.arange(len(guess)) - 0.35, np.arange(len(guess)) + 0.35, color=INK,
                    ls="--", lw=1, label="a guess")  # fmt: skip
        axes.set_xticks(range(len(candidates)), [f"{c:.0f}" for c in candidates])
        axes.set(title=condition, xlabel="candidate faces", ylim=(0, 1))
        percent_axis(axes)
        axes.grid(axis="y")
    figure.axes[0].set_ylabel("picked rightly")
    figure.axes[1].legend(loc="upper right", fontsize=8)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=10.5)
    return describe(figure, f"{title} Right picks: {'; '.join(said)}. Dashed: a guess.")


@styled
def at_threshold(
    cosine: NDArray[Any], same: NDArray[Any], found: Rates, threshold: float, title: str
) -> Figure:
    """Distributions with a threshold, and beside them both errors at every threshold.

    Args:
        cosine, same: of the trials, shape (N,).
        found: their rates.
    """
    figure = fast_figure(8.4, 3.3)
    left, right = figure.add_axes((0.03, 0.16, 0.44, 0.7)), figure.add_axes((0.56, 0.16, 0.42, 0.7))
    far = float((cosine[~same] >= threshold).mean())
    frr = float((cosine[same] < threshold).mean())
    _distributions(left, cosine, same)
    left.axvline(threshold, color=INK, lw=1.6)
    left.axvspan(threshold, 1, color=PALE, alpha=0.4, lw=0, zorder=0)
    left.set(title=title, xlabel="cosine of face and voice; grey: accepted")
    left.legend(loc="upper left", fontsize=8)
    every = slice(1, None, 1 + len(found.threshold) // 500)  # finer than a pixel
    right.plot(found.threshold[every], found.false_accept[every], color=DIFFERENT, label="FAR")
    right.plot(found.threshold[every], found.false_reject[every], color=SAME, label="FRR")
    right.axvline(threshold, color=INK, lw=1.6)
    right.plot([threshold] * 2, [far, frr], "o", color=INK, ms=5)
    equal = float(eer(found))
    right.axhline(equal, color=GREY, lw=1, ls="--")
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
