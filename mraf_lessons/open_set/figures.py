"""Figures of open-set identification: confidences, thresholds, losses, fusions and results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mraf.errors import DataError
from mraf_lessons.kit import charts, style
from mraf_lessons.kit.forest import forest
from mraf_lessons.kit.panels import groups_of
from mraf_lessons.kit.style import Figure, describe, draws, percent_axis, row_of_panels, styled
from mraf_related.metrics import Curve, Trials, curve
from mraf_related.open_set.protocol import measures
from mraf_related.open_set.study import LIST_SHOTS

RIGHT, WRONG, STRANGER = "enrolled, named rightly", "enrolled, named wrongly", "not enrolled"
COLOUR = {RIGHT: style.FUSED, WRONG: style.OTHER, STRANGER: style.MISSING}


def grouped(trials: Trials) -> dict[str, NDArray[np.float64]]:
    """The confidences of the clips by what becomes of them when all are accepted."""
    known, named = trials.accept, trials.named
    which = {RIGHT: named, WRONG: known & ~named, STRANGER: ~known}
    return {name: trials.score[mask] for name, mask in which.items()}


@styled
def confidences(
    groups: Mapping[str, NDArray[Any]], label: str = "cosine to the nearest class mean"
) -> Figure:
    """Distributions of a confidence, a row for each group.

    Raises:
        DataError: no group, or a group without a clip.
    """
    if not groups or min(map(len, groups.values())) == 0:
        raise DataError("every group needs at least one clip to be drawn.")
    colours = [COLOUR.get(name, own) for name, own in zip(groups, style.CYCLE[2:], strict=False)]
    named = {f"{name},\n{len(values):,} clips": values for name, values in groups.items()}
    table = pd.concat({name: pd.Series(values) for name, values in named.items()}, names=["group"])
    figure = charts.distributions(
        table.reset_index(name="confidence"), "confidence", "group", label=label, colours=colours,
        edges=np.linspace(table.min(), table.max(), 61),
        text=f"Distributions of the {label}, with these medians.",
    )  # fmt: skip
    figure.axes[0].set_title("How sure of the best name?")
    return figure


def at_threshold(found: Curve, threshold: float) -> Curve:
    """The one point at which every trial with at least this score is accepted."""
    point = np.searchsorted(-found.threshold, -threshold, side="right") - 1
    return Curve(*(part[..., point] for part in found))


@styled
def threshold(trials: Trials, value: float, label: str = "score of the best name") -> Figure:
    """One threshold on the confidences, on both errors, and as a point of the OSCR curve."""
    return ThresholdPicture(trials, label).show(value)


class ThresholdPicture:
    """The figure of ``threshold``, made once; another threshold moves two lines and three dots."""

    @styled
    def __init__(self, trials: Trials, label: str = "score of the best name") -> None:
        self.curve = found = curve(trials)
        self.metrics = {name: float(value) for name, value in measures(found).items()}
        self.figure = Figure(figsize=(10.4, 3.5), dpi=110)  # no search for a layout: that is slow
        places = {"left": 0.065, "right": 0.972, "bottom": 0.155, "top": 0.91, "wspace": 0.28}
        left, middle, right = self.figure.subplots(1, 3, gridspec_kw=places)
        _histograms(left, grouped(trials), label)
        at = found.threshold[1:]
        far, frr = found.false_accept[1:], found.false_reject[1:]
        middle.plot(at, far, color=style.MISSING, label="FAR: others accepted")
        middle.plot(at, frr, color=style.FUSED, ls="--", label="FRR: enrolled refused")
        middle.set(xlabel=label, xlim=at[[-1, 0]], ylim=(0, 1))
        middle.set_title(f"EER {self.metrics['EER']:.1%}")
        middle.legend(loc="lower right", fontsize=8)
        right.fill_between(found.false_accept, found.named, color=style.VOICE, alpha=0.15, lw=0)
        right.plot(found.false_accept, found.named, color=style.VOICE)
        right.set(xlabel="FAR: others accepted", ylabel="CCR: enrolled and named rightly")
        right.set(xlim=(0, 1), ylim=(0, 1), title=f"OSCR {self.metrics['OSCR']:.1%}")
        percent_axis(middle)
        percent_axis(right, "both")
        self._lines = [axes.axvline(at[0], color=style.INK, lw=1.4) for axes in (left, middle)]
        self._dots = [
            axes.plot(axes.get_xlim()[:1], [0], "o", color=colour, ms=6, clip_on=False)[0]
            for axes, colour in ((middle, style.MISSING), (middle, style.FUSED), (right, style.INK))
        ]

    @styled
    def show(self, value: float) -> Figure:
        """Move the threshold; the same figure each time."""
        point = at_threshold(self.curve, value)
        far, frr, named = point.false_accept, point.false_reject, point.named
        for line in self._lines:
            line.set_xdata([value, value])
        for dot, (x, y) in zip(self._dots, ((value, far), (value, frr), (far, named)), strict=True):
            dot.set_data([x], [y])
        text = (
            f"Threshold {value:.3f}: {far:.1%} of the others' clips are accepted, {frr:.1%} of the "
            f"enrolled speakers' refused, {named:.1%} accepted and named rightly. "
            f"EER {self.metrics['EER']:.1%}, OSCR {self.metrics['OSCR']:.1%}."
        )
        return describe(self.figure, text)


def _histograms(axes: Axes, groups: Mapping[str, NDArray[Any]], label: str) -> None:
    together = np.concatenate(list(groups.values()))
    edges = np.linspace(together.min(), together.max(), 41)
    for name, values in groups.items():
        if len(values):
            share = np.histogram(values, edges)[0] / len(values)
            line = "--" if name == WRONG else "-"
            axes.stairs(share, edges, label=name, color=COLOUR[name], ls=line, lw=1.6)
    axes.set(xlabel=label, ylabel="share of the clips", title="accepted from the line on")
    axes.set_ylim(0, 1.3 * axes.get_ylim()[1])  # room for the legend
    axes.legend(loc="upper right", fontsize=8)
    percent_axis(axes)


@styled
def lines(table: pd.DataFrame, x: str, y: str, by: str, title: str, mark: float = np.nan) -> Figure:
    """Curves of a table, one for each value of a column, and a mark at an x."""

    def lowest(rows: pd.DataFrame) -> str:
        at = rows.loc[rows[y].idxmin()]
        return f"lowest, {at[y]:.2f}, at {at[x]:.2f}"

    table = table.reset_index(drop=True)
    figure = charts.curves(table, x, y, by, say=lowest, text=f"{title}: {y} over {x}.", width=7.6)
    (axes,) = figure.axes
    axes.axvline(mark, color=style.GREY, lw=1, zorder=0)
    axes.set_title(title)
    axes.legend(loc="center right", fontsize=8.5)
    return figure


@draws("rank", "EER", "kept")
def selection(table: pd.DataFrame) -> Figure:
    """Rank of runs by their eigenvalue variance against their EER, kept and dropped runs apart.

    By their rank runs are kept, the lowest first.
    """
    figure, (axes,) = row_of_panels(1, 6.0, 3.6)
    means = []
    for kept, colour, mark, name in (
        (False, style.MISSING, "X", "dropped"),
        (True, style.FUSED, "o", "kept"),
    ):
        rows = table[table.kept == kept]
        axes.scatter(rows["rank"], rows.EER, color=colour, marker=mark, s=45, label=name)
        means += [f"{name} {rows.EER.mean():.1%}"] if len(rows) else []
    r = np.corrcoef(table["rank"], table.EER)[0, 1] if len(table) > 2 else np.nan
    axes.set(xlabel="sum of the ranks of its two eigenvalue variances")
    axes.set(ylabel="EER of the run alone", title=f"{len(table)} runs; correlation {r:+.2f}")
    axes.legend()
    percent_axis(axes)
    said = ", ".join(means)
    return describe(figure, f"EER of {len(table)} runs, correlation {r:+.2f}; means: {said}.")


@draws("system", "targets", "shots", "language", "draw", "metric", "value", "low", "high")
def by_number(
    table: pd.DataFrame, systems: Sequence[str], metric: str, title: str, over: str = "shots"
) -> Figure:
    """A metric over the number of shots of the whole list, with intervals; a panel per language.

    Over the number of "targets" it is with five shots.

    The table is that of `mraf_related.open_set.study.table`.
    """
    rows = table[(table.draw == "mean") & (table.metric == metric) & table.system.isin(systems)]
    fixed = rows.shots == LIST_SHOTS if over == "targets" else rows.targets == rows.targets.max()
    rows = rows[fixed]
    style.require(rows, "value")
    colours = dict(zip(systems, style.CYCLE * len(systems), strict=False))
    beside = {name: 0.09 * (n - (len(systems) - 1) / 2) for n, name in enumerate(systems)}
    label = "speakers enrolled" if over == "targets" else "clips enrolled of each speaker"
    numbers = sorted(rows[over].unique())
    rows = rows.assign(at=np.searchsorted(numbers, rows[over]) + rows.system.map(beside))
    rows = rows.sort_values("system", key=lambda names: names.map(systems.index), kind="stable")
    figure = charts.curves(
        rows.drop(columns=["low", "high"]).rename(columns={"at": label, "value": metric}),
        label, metric, "system", "language", title=title, text=f"{metric} with 95% intervals.",
        looks={name: {"marker": "o", "lw": 1.4, "color": colours[name]} for name in systems},
        say=lambda own: ", ".join(own[metric].map("{:.1%}".format) + " with " + own[over].map(str)),
        width=4.6, height=3.9, margin=0.8,
    )  # fmt: skip
    for axes, (_, own) in zip(figure.axes, groups_of(rows, "language"), strict=True):
        axes.vlines(own["at"], own.low, own.high, colors=own.system.map(colours), lw=3, alpha=0.3)
        axes.set_xticks(range(len(numbers)), [str(n) for n in numbers])
        percent_axis(axes)
    style.legend_below(figure, columns=3)
    return figure


@draws("system", "shots", "language", "draw", "metric", "value", "low", "high")
def conditions(table: pd.DataFrame, metric: str, title: str) -> Figure:
    """A metric of the systems at the door, whichever face stands before it.

    As in `mraf_related.open_set.door.table`, systems are called "NAME · FACE".
    """
    rows = table[(table.draw == "mean") & (table.metric == metric) & (table.shots == 0)]
    rows = rows[~rows.system.str.contains(" − ")].copy()
    style.require(rows, "value")
    rows[["name", "face"]] = rows.system.str.split(" · ", expand=True)
    colours = dict(zip(rows.name.unique(), style.CYCLE, strict=False))
    return forest(
        rows.assign(colour=rows.name.map(colours)), "face", "language", "value", split="name",
        legend=colours, title=title, label=metric,
    )  # fmt: skip
