"""Figures of ablations: arms beside the paper's points, and differences that say their verdict."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from mraf.evaluation.differences import (
    BETTER,
    DELTA,
    EQUAL,
    METRICS,
    OPEN,
    SHOWN,
    WORSE,
    ArmRuns,
    corrected,
    difference,
)
from mraf_lessons.kit.results import CONDITIONS
from mraf_lessons.kit.style import (
    FUSED,
    GREY,
    INK,
    MISSING,
    PALE,
    SETTING,
    VOICE,
    Figure,
    describe,
    new_figure,
    percent_axis,
    require,
    styled,
)

FAR = 0.2  # below the median, as a fraction
COLOUR = {BETTER: FUSED, WORSE: MISSING, EQUAL: VOICE, OPEN: GREY}
PAPER: dict[str, Any] = {"marker": "D", "ls": "", "mfc": "none", "mec": INK, "ms": 5.5}


@styled
def accuracies(table: pd.DataFrame, title: str = "") -> Figure:
    """Accuracy of every arm, a dot with its interval, beside the paper's.

    Args:
        table: columns arm (its label), metric, accuracy, low, high (fractions), and paper, NaN
            where the paper has no such row.
    Raises:
        DataError: no rows, or a column missing.
    """
    require(table, "arm", "metric", "accuracy", "low", "high", "paper")
    figure, panels, arms = _grid(table, title)
    for axes, (metric, rows) in zip(panels, table.groupby("metric", sort=False), strict=True):
        rows = rows.set_index("arm").loc[arms]
        for y, row in enumerate(rows.itertuples()):
            _interval(axes, y, row.low, row.high, row.accuracy, FUSED)
            axes.plot(row.paper, y - 0.22, **PAPER)
        _heading(axes, str(metric))
        percent_axis(axes, "x")
    handles = [Line2D([], [], color=FUSED, marker="o", lw=2.4), Line2D([], [], **PAPER)]
    _legend(figure, handles, ["ours, with its 95% interval", "paper, on the official test clips"])
    means = table[table.metric == table.metric.iloc[-1]]
    said = "; ".join(
        f"{row.arm}: {row.accuracy:.1%} [{row.low:.1%}, {row.high:.1%}]"
        + (f", paper {row.paper:.2%}" if not np.isnan(row.paper) else "")
        for row in means.itertuples()
    )
    return describe(figure, f"{title}. Accuracy by arm, {means.metric.iloc[0]}: {said}.")


@styled
def differences(table: pd.DataFrame, title: str = "") -> Figure:
    """Every arm minus the reference, in points, coloured by the verdict.

    Args:
        table: columns arm, metric, difference, low, high (fractions), verdict, and paper, NaN
            where the paper has no such row.
    Raises:
        DataError: no rows, or a column missing.
    """
    require(table, "arm", "metric", "difference", "low", "high", "verdict", "paper")
    figure, panels, arms = _grid(table, title)
    for axes, (metric, rows) in zip(panels, table.groupby("metric", sort=False), strict=True):
        _zero(axes)
        rows = rows.set_index("arm").loc[arms]
        for y, row in enumerate(rows.itertuples()):
            low, high, value, paper = (
                100 * x for x in (row.low, row.high, row.difference, row.paper)
            )
            _interval(axes, y, low, high, value, COLOUR[str(row.verdict)])
            axes.plot(paper, y - 0.22, **PAPER)
        _heading(axes, str(metric))
    figure.supxlabel("points, minus the reference", fontsize=9.5, x=0.01, ha="left")
    found = [verdict for verdict in COLOUR if verdict in set(table.verdict)]
    handles: list[Any] = [Line2D([], [], color=COLOUR[v], marker="o", lw=2.4) for v in found]
    labels = list(found)
    if table.paper.notna().any():
        handles.append(Line2D([], [], **PAPER))
        labels.append("paper")
    _legend(figure, handles, labels)
    means = table[table.metric == table.metric.iloc[-1]]
    said = "; ".join(
        f"{row.arm}: {100 * row.difference:+.1f} [{100 * row.low:+.1f}, {100 * row.high:+.1f}], "
        f"{row.verdict}"
        for row in means.itertuples()
    )
    return describe(figure, f"{title}. Differences, {means.metric.iloc[0]}, in points: {said}.")


@styled
def sampling(table: pd.DataFrame, best: float = 0.2, title: str = "") -> Figure:
    """Figure 3: accuracy over the share of clips whose face is hidden in training.

    Args:
        table: columns share (p_a), metric ("P3" … "mean"), accuracy, low, high (fractions).
        best: the share that the paper found best.
    Raises:
        DataError: no rows, or a column missing.
    """
    require(table, "share", "metric", "accuracy", "low", "high")
    figure = new_figure(9.2, 3.4)
    panels = figure.subplots(1, 3, sharex=True)
    groups = {"with face": ("P3", "P5"), "without face": ("P4", "P6"), "all four": ("mean",)}
    sentences = []
    for axes, (name, metrics) in zip(panels, groups.items(), strict=True):
        far: list[str] = []
        at: list[float] = []
        for metric in metrics:
            rows = table[table.metric == metric].sort_values("share")
            if rows.empty:
                continue
            colour, line = SETTING.get(metric, (FUSED, "-"))
            near = rows.accuracy > rows.accuracy.median() - FAR
            far += [f"{metric} {r.accuracy:.0%}" for r in rows[~near].itertuples()]
            at += rows.share[~near].tolist()
            rows = rows[near]
            axes.fill_between(rows.share, rows.low, rows.high, color=colour, alpha=0.15, lw=0)
            axes.plot(rows.share, rows.accuracy, f"o{line}", ms=4, color=colour, label=metric)
            top = rows.loc[rows.accuracy.idxmax()]
            sentences.append(f"{metric}: highest, {top.accuracy:.1%}, at {top.share:g}.")
        sentences += [f"Far below: {text}." for text in far]
        axes.axvline(best, color=GREY, ls="--", lw=1)
        axes.set(title=name)
        axes.set_xlabel("$p_a$")
        axes.grid(axis="y")
        axes.legend(loc="lower center", ncols=2)
        axes.set_xlim(-0.05, 1.05)
        low, high = axes.get_ylim()
        axes.set_ylim(low - 0.25 * (high - low), high)  # the legend stands below
        if far:
            axes.annotate("\n".join(far) + "\n↓", (min(at), 0.13), (0, 0),
                          ("data", "axes fraction"), "offset points", ha="center", va="bottom",
                          fontsize=7.5, color=GREY)  # fmt: skip
        percent_axis(axes)
    panels[0].set_ylabel("accuracy, 95% interval")
    panels[2].annotate("paper's best", (best, 1), (4, -2), ("data", "axes fraction"),
                       textcoords="offset points", va="top", fontsize=8, color=GREY)  # fmt: skip
    if title:
        figure.suptitle(title, fontsize=9.5, color=GREY, x=0.01, ha="left")
    return describe(figure, f"{title}. Accuracy over p_a. " + " ".join(sentences))


@styled
def pair(first: ArmRuns, second: ArmRuns, metric: str = "mean") -> Figure:
    """Two arms: seed by seed in one metric, and their difference in all.

    Raises:
        RunError: they are not paired, or lack a setting of the metric.
    """
    found = corrected(difference(first, second, list(SHOWN)))
    figure = new_figure(8.8, 3.6)
    left, right = figure.subplots(1, 2, width_ratios=[2, 3])
    values = [_by_seed(arm, metric) for arm in (first, second)]
    for one, other in zip(*values, strict=True):
        left.plot([0, 1], [one, other], "o-", color=PALE if one == other else GREY, lw=1.2, ms=0)
    for x, accuracy in enumerate(values):
        left.plot(np.full(len(accuracy), x), accuracy, "o", color=FUSED, ms=5)
    left.set_xticks([0, 1], [_wrapped(arm.name, 18) for arm in (first, second)])
    left.set(title=f"{metric}, a line a seed", xlim=(-0.4, 1.4))
    left.grid(axis="y")
    left.yaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10]))
    left.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
    _zero(right)
    sentences = []
    for y, (name, row) in enumerate(found.iterrows()):
        low, high, value = (100 * float(x) for x in (row.low, row.high, row.difference))
        _interval(right, y, low, high, value, COLOUR[row.verdict])
        said = f"{row.verdict}\nfirst ahead: {row.superiority:.0%}"
        right.annotate(said, (1.02, y), xycoords=("axes fraction", "data"), va="center",
                       fontsize=7.5, color=GREY)  # fmt: skip
        sentences.append(f"{name}: {value:+.1f} [{low:+.1f}, {high:+.1f}], {row.verdict}.")
    right.set_yticks(range(len(found)), [str(name) for name in found.index])
    right.set(ylim=(len(found) - 0.5, -0.7), title="first minus second, in points")
    right.tick_params(axis="y", length=0)
    right.grid(axis="x")
    text = f"{first.name} minus {second.name}, {len(first.seeds)} seeds, in points. "
    return describe(figure, text + " ".join(sentences))


@styled
def shared_noise(first: ArmRuns, second: ArmRuns, intervals: pd.DataFrame) -> Figure:
    """What two arms share on each video, and what that is worth.

    Args:
        first, second: judged in P3; accuracies of videos are means over seeds.
        intervals: index the names of differences, columns low, high, difference (fractions).
    Raises:
        DataError: no rows, or a column missing.
    """
    require(intervals, "difference", "low", "high")
    figure = new_figure(8.4, 3.6)
    left, right = figure.subplots(1, 2, width_ratios=[2, 3])
    clips = first.clips["english"]
    x, y = (arm.correct["P3"].mean(axis=0) / clips for arm in (first, second))
    left.plot([0, 1], [0, 1], color=PALE, lw=1)
    left.scatter(x, y, s=8 + 3 * clips, color=FUSED, alpha=0.5, lw=0)
    left.set(title="Each video", xlabel="accuracy, first arm", ylabel="accuracy, second arm")
    for axis in ("x", "y"):
        percent_axis(left, axis)
    left.grid()
    _zero(right)
    for row, (_, found) in enumerate(intervals.iterrows()):
        low, high, value = (100 * float(found[name]) for name in ("low", "high", "difference"))
        _interval(right, row, low, high, value, FUSED)
    right.set_yticks(range(len(intervals)), [_wrapped(str(n), 24) for n in intervals.index])
    right.set(ylim=(len(intervals) - 0.5, -0.6), title="The difference, in points")
    right.tick_params(axis="y", length=0)
    right.grid(axis="x")
    correlation = np.corrcoef(x, y)[0, 1]
    widths = ", ".join(
        f"{name}: {100 * (found.high - found.low):.1f} points wide"
        for name, found in intervals.iterrows()
    )
    return describe(
        figure,
        f"Accuracies of {len(clips)} videos under two arms, correlation {correlation:.2f}. "
        f"Intervals of the difference: {widths}.",
    )


# --- parts -------------------------------------------------------------------------------------


def _by_seed(runs: ArmRuns, metric: str) -> np.ndarray:
    """Accuracy of each seed, shape (S,)."""
    return np.sum(
        [weight * runs.accuracy(setting) for setting, weight in METRICS[metric].items()], axis=0
    )


def _grid(table: pd.DataFrame, title: str) -> tuple[Figure, Sequence[Axes], list[str]]:
    """A panel for each metric, a row for each arm."""
    arms = [str(arm) for arm in table.arm.unique()]
    count = table.metric.nunique()
    figure = new_figure(2.6 + 1.45 * count, 1.5 + 0.42 * len(arms))
    panels = figure.subplots(1, count, sharex=True, sharey=True, squeeze=False)[0]
    panels[0].set_yticks(range(len(arms)), [_wrapped(arm, 32) for arm in arms])
    panels[0].set_ylim(len(arms) - 0.5, -0.6)
    for axes in panels:
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
    if title:
        figure.suptitle(title, fontsize=9.5, color=GREY, x=0.01, ha="left")
    return figure, panels, arms


def _heading(axes: Axes, metric: str) -> None:
    axes.set_title(metric, pad=27)
    condition = CONDITIONS.get(metric, "").replace(", ", ",\n")
    axes.text(0, 1.02, condition, transform=axes.transAxes, fontsize=7.5, color=GREY)


def _interval(axes: Axes, y: float, low: float, high: float, value: float, colour: str) -> None:
    axes.plot([low, high], [y, y], color=colour, lw=2.4, alpha=0.5, solid_capstyle="butt")
    axes.plot(value, y, "o", color=colour, ms=5.5)


def _zero(axes: Axes) -> None:
    """Zero, and around it what nobody needs to care about."""
    axes.axvspan(-100 * DELTA, 100 * DELTA, color=PALE, alpha=0.6, lw=0)
    axes.axvline(0, color=GREY, lw=1)


def _legend(figure: Figure, handles: Sequence[Any], labels: Sequence[str]) -> None:
    figure.legend(handles, labels, loc="outside lower right", ncols=len(labels), fontsize=8.5)


def _wrapped(text: str, width: int) -> str:
    return textwrap.fill(text.replace("(the paper)", "(the\N{NO-BREAK SPACE}paper)"), width)
