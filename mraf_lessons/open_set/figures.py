"""Figures of open-set identification: confidences, thresholds, losses, fusions and results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mraf.errors import DataError
from mraf.related.metrics import Curve, Trials, curve
from mraf.related.open_set.protocol import measures
from mraf_lessons.kit import style
from mraf_lessons.kit.forest import forest
from mraf_lessons.kit.style import Figure, describe, draws, percent_axis, row_of_panels, styled

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
    figure, (axes,) = row_of_panels(1, 7.6, 1.2 + 0.75 * len(groups))
    together = np.concatenate(list(groups.values()))
    edges = np.linspace(together.min(), together.max(), 61)
    colours = [COLOUR.get(name, own) for name, own in zip(groups, style.CYCLE[2:], strict=False)]
    named = {f"{name}\n{len(values):,} clips": values for name, values in groups.items()}
    style.ridges(axes, named, edges, colours)
    axes.set(xlabel=label, title="How sure of the best name?")
    said = "; ".join(f"{name}: {np.median(v):.2f}" for name, v in groups.items())
    return describe(figure, f"Distributions of the {label}, with these medians. {said}.")


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
        middle.set_xlim(at[-1], at[0])
        middle.plot(at, found.false_accept[1:], color=style.MISSING, label="FAR: others accepted")
        middle.plot(
            at, found.false_reject[1:], color=style.FUSED, ls="--", label="FRR: enrolled refused"
        )
        middle.set(xlabel=label, ylim=(0, 1), title=f"EER {self.metrics['EER']:.1%}")
        middle.legend(loc="lower right", fontsize=8)
        percent_axis(middle)
        right.fill_between(found.false_accept, found.named, color=style.VOICE, alpha=0.15, lw=0)
        right.plot(found.false_accept, found.named, color=style.VOICE)
        right.set(
            xlabel="FAR: others accepted", ylabel="CCR: enrolled and named rightly",
            xlim=(0, 1), ylim=(0, 1), title=f"OSCR {self.metrics['OSCR']:.1%}",
        )  # fmt: skip
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
        for line in self._lines:
            line.set_xdata([value, value])
        far, frr = point.false_accept, point.false_reject
        for dot, place in zip(
            self._dots, ((value, far), (value, frr), (far, point.named)), strict=True
        ):
            dot.set_data(*([x] for x in place))
        text = (
            f"Threshold {value:.3f}: {point.false_accept:.1%} of the others' clips are accepted, "
            f"{point.false_reject:.1%} of the enrolled speakers' refused, {point.named:.1%} "
            f"accepted and named rightly. EER {self.metrics['EER']:.1%}, "
            f"OSCR {self.metrics['OSCR']:.1%}."
        )
        return describe(self.figure, text)


def _histograms(axes: Axes, groups: Mapping[str, NDArray[Any]], label: str) -> None:
    together = np.concatenate(list(groups.values()))
    edges = np.linspace(together.min(), together.max(), 41)
    for name, values in groups.items():
        if len(values):
            weights = np.full(len(values), 1 / len(values))
            axes.hist(
                values, edges.tolist(), weights=weights, histtype="step", label=name,
                color=COLOUR[name], ls="--" if name == WRONG else "-", lw=1.6,
            )  # fmt: skip
    axes.set(xlabel=label, ylabel="share of the clips", title="accepted from the line on")
    axes.set_ylim(top=1.3 * axes.get_ylim()[1])  # room for the legend
    axes.legend(loc="upper right", fontsize=8)
    percent_axis(axes)


@styled
def lines(table: pd.DataFrame, x: str, y: str, by: str, title: str, mark: float = np.nan) -> Figure:
    """Curves of a table, one for each value of a column, their ends named beside them.

    Args:
        mark: an x to be marked.
    Raises:
        DataError: no rows, or a column missing.
    """
    style.require(table, x, y, by)
    figure, (axes,) = row_of_panels(1, 7.6, 3.6)
    said = []
    for number, (name, rows) in enumerate(table.groupby(by, sort=False)):
        line, colour = ("-", "--", "-.", ":")[number % 4], style.CYCLE[number % len(style.CYCLE)]
        axes.plot(rows[x], rows[y], line, color=colour, label=str(name))
        lowest = rows.loc[rows[y].idxmin()]
        said.append(f"{name}: lowest, {lowest[y]:.2f}, at {lowest[x]:.2f}")
    if np.isfinite(mark):
        axes.axvline(mark, color=style.GREY, lw=1, zorder=0)
    axes.set(xlabel=x, ylabel=y, title=title)
    axes.legend(loc="center right", fontsize=8.5)
    axes.grid(axis="y")
    return describe(figure, f"{title}: {y} over {x}. {'. '.join(said)}.")


@draws("rank", "EER", "kept")
def selection(table: pd.DataFrame) -> Figure:
    """Rank of runs by their eigenvalue variance against their EER, kept and dropped runs apart.

    By their rank runs are kept, the lowest first.
    """
    figure, (axes,) = row_of_panels(1, 6.0, 3.6)
    looks = {True: (style.FUSED, "o", "kept"), False: (style.MISSING, "X", "dropped")}
    for kept, (colour, mark, name) in looks.items():
        rows = table[table.kept == kept]
        axes.scatter(rows["rank"], rows.EER, color=colour, marker=mark, s=45, label=name)
    r = np.corrcoef(table["rank"], table.EER)[0, 1] if len(table) > 2 else np.nan
    ranks, title = "sum of the ranks of its two eigenvalue variances", f"{len(table)} runs"
    axes.set(xlabel=ranks, ylabel="EER of the run alone", title=f"{title}; correlation {r:+.2f}")
    axes.legend()
    percent_axis(axes)
    means = table.groupby("kept").EER.mean()
    said = ", ".join(f"{looks[kept][2]} {value:.1%}" for kept, value in means.items())
    return describe(figure, f"EER of {len(table)} runs, correlation {r:+.2f}; means: {said}.")


@draws("system", "shots", "language", "draw", "metric", "value", "low", "high")
def by_shots(table: pd.DataFrame, systems: Sequence[str], metric: str, title: str) -> Figure:
    """A metric over the number of shots with its interval, a panel for each language.

    The table is that of `mraf.related.open_set.study.table`.
    """
    rows = table[(table.draw == "mean") & (table.metric == metric) & table.system.isin(systems)]
    rows = rows[rows.shots > 0]
    style.require(rows, "value")
    languages = list(rows.language.unique())
    figure, panels = row_of_panels(len(languages), 4.6, 3.9, 0.8, sharey=True)
    sentences = []
    shots = sorted(rows.shots.unique())
    for axes, language in zip(panels, languages, strict=True):
        for number, name in enumerate(systems):
            own = rows[(rows.system == name) & (rows.language == language)].sort_values("shots")
            place = np.searchsorted(shots, own.shots) + 0.09 * (number - (len(systems) - 1) / 2)
            colour = style.CYCLE[number % len(style.CYCLE)]
            axes.vlines(place, own.low, own.high, color=colour, lw=3, alpha=0.3)
            axes.plot(place, own.value, "o-", color=colour, ms=4, lw=1.4, label=name)
            said = ", ".join(f"{r.shots}: {r.value:.1%}" for r in own.itertuples())
            sentences.append(f"{language}, {name}, by shots {said}.")
        axes.set_xticks(range(len(shots)), [str(n) for n in shots])
        axes.set(xlabel="clips enrolled of each speaker", title=language)
        axes.grid(axis="y")
        percent_axis(axes)
    panels[0].set_ylabel(metric)
    style.legend_below(figure, columns=3)
    return describe(figure, f"{metric} with 95% intervals.", *sentences, title=title)


@draws("system", "shots", "language", "draw", "metric", "value", "low", "high")
def conditions(table: pd.DataFrame, metric: str, title: str) -> Figure:
    """A metric of the systems at the door, whichever face stands before it.

    As in `mraf.related.open_set.study.table`, systems are called "NAME · FACE".
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
