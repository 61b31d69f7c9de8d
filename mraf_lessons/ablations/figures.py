"""Figures of ablations: arms beside the paper's points, and differences that say their verdict."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from mraf.evaluation.differences import (
    BETTER,
    EQUAL,
    METRICS,
    OPEN,
    SHOWN,
    WORSE,
    ArmRuns,
    corrected,
    difference,
)
from mraf_lessons.kit import style
from mraf_lessons.kit.forest import FAR, dot, forest, in_words, wrapped, zero_line
from mraf_lessons.kit.live import fast_panels
from mraf_lessons.kit.style import Figure, describe, draws, percent_axis, row_of_panels, styled

COLOUR = {BETTER: style.FUSED, WORSE: style.MISSING, EQUAL: style.VOICE, OPEN: style.GREY}


def accuracies(table: pd.DataFrame, title: str = "") -> Figure:
    """Accuracy of every arm, a dot with its interval, beside the paper's.

    The column `arm` holds labels; `paper` is NaN where the paper has no such row.
    """
    paper, ours = "paper, on the official test clips", {"ours, with its 95% interval": style.FUSED}
    figure = forest(table, "arm", "metric", far=True, paper=paper, legend=ours, title=title)
    return describe(figure, f"Accuracy by arm, {_last_metric(table, 'accuracy')}.", title=title)


@draws("arm", "metric", "difference", "low", "high", "verdict", "paper")
def differences(table: pd.DataFrame, title: str = "") -> Figure:
    """Every arm minus the reference, in points, coloured by the verdict.

    The column `arm` holds labels; `paper` is NaN where the paper has no such row.
    """
    figure = forest(
        table.assign(colour=table.verdict.map(COLOUR)), "arm", "metric", "difference", points=True,
        zero=True, far=True, paper="paper", title=title, label="points, minus the reference",
        legend={name: COLOUR[name] for name in COLOUR if (table.verdict == name).any()},
    )  # fmt: skip
    said = _last_metric(table, "difference", points=True)
    return describe(figure, f"Differences in points, {said}.", title=title)


def _last_metric(table: pd.DataFrame, value: str, points: bool = False) -> str:
    """The numbers of the last metric, the mean as a rule, as a text alternative says them."""
    rows = table[table.metric == table.metric.iloc[-1]].to_dict("records")
    said = (
        ", ".join(
            [f"{one['arm']}: {in_words(one, value, points)}", *filter(None, [one.get("verdict")])]
        )
        for one in rows
    )
    return f"{rows[0]['metric']}: {'; '.join(said)}"


@draws("share", "metric", "accuracy", "low", "high")
def sampling(table: pd.DataFrame, best: float = 0.2, title: str = "") -> Figure:
    """Figure 3: accuracy over the share of clips whose face is hidden in training.

    The share p_a that the paper found best is marked.
    """
    figure, panels = row_of_panels(3, 3.07, 3.4, sharex=True)
    groups = {"with face": ("P3", "P5"), "without face": ("P4", "P6"), "all four": ("mean",)}
    sentences = []
    for axes, (name, metrics) in zip(panels, groups.items(), strict=True):
        far: list[str] = []
        at: list[float] = []
        for metric in metrics:
            rows = table[table.metric == metric].sort_values("share")
            if rows.empty:
                continue
            colour, line = style.SETTING.get(metric, (style.FUSED, "-"))
            near = rows.accuracy > rows.accuracy.median() - FAR
            far += [f"{metric} {r.accuracy:.0%}" for r in rows[~near].itertuples()]
            at += rows.share[~near].tolist()
            rows = rows[near]
            axes.fill_between(rows.share, rows.low, rows.high, color=colour, alpha=0.15, lw=0)
            axes.plot(rows.share, rows.accuracy, f"o{line}", ms=4, color=colour, label=metric)
            top = rows.loc[rows.accuracy.idxmax()]
            sentences.append(f"{metric}: highest, {top.accuracy:.1%}, at {top.share:g}.")
        sentences += [f"Far below: {text}." for text in far]
        axes.axvline(best, color=style.GREY, ls="--", lw=1)
        axes.set(title=name, xlabel="$p_a$", xlim=(-0.05, 1.05))
        axes.grid(axis="y")
        axes.legend(loc="lower center", ncols=2)
        low, high = axes.get_ylim()
        axes.set_ylim(low - 0.25 * (high - low), high)  # the legend stands below
        if far:
            axes.annotate("\n".join(far) + "\n↓", (min(at), 0.13), (0, 0),
                          ("data", "axes fraction"), "offset points", ha="center", va="bottom",
                          fontsize=7.5, color=style.GREY)  # fmt: skip
        percent_axis(axes)
    panels[0].set_ylabel("accuracy, 95% interval")
    panels[2].annotate("paper's best", (best, 1), (4, -2), ("data", "axes fraction"),
                       textcoords="offset points", va="top", fontsize=8)  # fmt: skip
    return describe(figure, "Accuracy over p_a.", *sentences, title=title)


@styled
def pair(first: ArmRuns, second: ArmRuns, metric: str = "mean", on: Figure | None = None) -> Figure:
    """Two arms: seed by seed in one metric, and their difference in all.

    Raises:
        RunError: they are not paired, or lack a setting of the metric.
    """
    found = corrected(difference(first, second, list(SHOWN)))
    figure, (left, right) = fast_panels(
        on, 8.8, 3.6, panels=2, width_ratios=[2, 3],
        left=0.07, right=0.85, bottom=0.14, top=0.9, wspace=0.2,
    )  # fmt: skip
    values = [_by_seed(arm, metric) for arm in (first, second)]
    for one, other in zip(*values, strict=True):
        left.plot(
            [0, 1],
            [one, other],
            "o-",
            color=style.PALE if one == other else style.GREY,
            lw=1.2,
            ms=0,
        )
    for x, accuracy in enumerate(values):
        left.plot(np.full(len(accuracy), x), accuracy, "o", color=style.FUSED, ms=5)
    left.set_xticks([0, 1], [wrapped(arm.name, 18) for arm in (first, second)])
    left.set(title=f"{metric}, a line a seed", xlim=(-0.4, 1.4))
    left.grid(axis="y")
    left.yaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10]))
    left.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
    said = []
    _differences(right, found)
    right.set_title("first minus second, in points")
    for y, one in enumerate(found.itertuples()):
        text = f"{one.verdict}\nfirst ahead: {one.superiority:.0%}"
        right.text(1.02, y, text, transform=right.get_yaxis_transform(), va="center",
                   fontsize=7.5, color=style.GREY)  # fmt: skip
        words = in_words(found.loc[one.Index], "difference", points=True)
        said.append(f"{one.Index}: {words}, {one.verdict}.")
    text = f"{first.name} minus {second.name}, {len(first.seeds)} seeds, in points."
    return describe(figure, text, *said)


@styled
def shared_noise(first: ArmRuns, second: ArmRuns, intervals: pd.DataFrame) -> Figure:
    """What two arms share on each video, and what that is worth.

    Args:
        first, second: judged in P3; accuracies of videos are means over seeds.
        intervals: index the names of differences, columns low, high, difference (fractions).
    Raises:
        DataError: no rows, or a column missing.
    """
    style.require(intervals, "difference", "low", "high")
    figure, (left, right) = row_of_panels(2, 4.2, 3.6, width_ratios=[2, 3])
    clips = first.clips["english"]
    x, y = (arm.correct["P3"].mean(axis=0) / clips for arm in (first, second))
    left.plot([0, 1], [0, 1], color=style.PALE, lw=1)
    left.scatter(x, y, s=8 + 3 * clips, color=style.FUSED, alpha=0.5, lw=0)
    left.set(title="Each video", xlabel="accuracy, first arm", ylabel="accuracy, second arm")
    percent_axis(left, "both")
    left.grid()
    _differences(right, intervals)
    right.set_title("The difference, in points")
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


def _differences(axes: Axes, found: pd.DataFrame) -> None:
    """Differences in points with their intervals, a row each, coloured by the verdict if known."""
    zero_line(axes)
    for y, one in enumerate(found.to_dict("records")):
        value, low, high = (100 * float(one[key]) for key in ("difference", "low", "high"))
        dot(axes, y, value, low, high, COLOUR.get(one.get("verdict", ""), style.FUSED))
    axes.set_yticks(range(len(found)), [wrapped(str(name), 24) for name in found.index])
    axes.set_ylim(len(found) - 0.5, -0.7)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")


def _by_seed(runs: ArmRuns, metric: str) -> np.ndarray:
    """Accuracy of each seed, shape (S,)."""
    parts = [weight * runs.accuracy(setting) for setting, weight in METRICS[metric].items()]
    return np.sum(parts, axis=0)
