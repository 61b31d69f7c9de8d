"""Figures of ablations: arms beside the paper's points, and differences that say their verdict."""

import numpy as np
import pandas as pd

from mraf.evaluation.differences import BETTER, EQUAL, OPEN, WORSE, ArmRuns
from mraf_lessons.ablations.arms import in_words
from mraf_lessons.kit import charts, style
from mraf_lessons.kit.forest import FAR, dot, forest, wrapped, zero_line
from mraf_lessons.kit.panels import name_rows
from mraf_lessons.kit.style import Figure, describe, draws, percent_axis, row_of_panels, styled

WITH, WITHOUT = "with face", "without face"
GROUPS = {"P3": WITH, "P5": WITH, "P4": WITHOUT, "P6": WITHOUT, "mean": "all four"}
COLOUR = {BETTER: style.FUSED, WORSE: style.MISSING, EQUAL: style.VOICE, OPEN: style.GREY}


def accuracies(table: pd.DataFrame, title: str = "") -> Figure:
    """Accuracy of every arm (a label), a dot with its interval, beside the paper's (or NaN)."""
    paper, ours = "paper, on the official test clips", {"ours, with its 95% interval": style.FUSED}
    figure = forest(table, "arm", "metric", far=True, paper=paper, legend=ours, title=title)
    mean = table[table.metric == "mean"].itertuples()
    said = [f"{row.arm}: {row.accuracy:.1%}, paper {row.paper:.2%}." for row in mean]
    text = " ".join(said).replace(", paper nan%", "")
    return describe(figure, title and f"{title}.", "Accuracies, of which the mean:", text)


@draws("metric", "difference", "low", "high", "verdict")
def differences(
    table: pd.DataFrame, title: str = "", row: str = "arm", label: str = "minus the reference"
) -> Figure:
    """Every arm (`row`) minus the reference, in points, coloured by the verdict."""
    figure = forest(
        table.assign(colour=table.verdict.map(COLOUR)), row, "metric", "difference", points=True,
        zero=True, far=True, paper="paper" if "paper" in table.columns else "", title=title,
        label=f"points, {label}",
        legend={name: COLOUR[name] for name in COLOUR if (table.verdict == name).any()},
    )  # fmt: skip
    said = in_words(table.assign(arm=table[row]), (BETTER, WORSE))
    return describe(figure, title and f"{title}.", f"Points, {label}. {said}.")


@draws("share", "metric", "accuracy", "low", "high")
def sampling(table: pd.DataFrame, best: float = 0.2, title: str = "") -> Figure:
    """Figure 3: accuracy over the share p_a of hidden faces in training; the paper's best."""

    def highest(rows: pd.DataFrame) -> str:
        top = rows.loc[rows.accuracy.idxmax()]
        return f"highest, {top.accuracy:.1%}, at {top.share:g}"

    table = pd.concat([table[table.metric == metric] for metric in GROUPS], ignore_index=True)
    table["group"] = table.metric.map(GROUPS)
    is_far = table.accuracy < table.groupby("metric").accuracy.transform("median") - FAR
    settings = {**style.SETTING, "mean": (style.FUSED, "-")}
    looks = {m: {"color": colour, "ls": line, "marker": "o"}
             for m, (colour, line) in settings.items()}  # fmt: skip
    figure = charts.curves(
        table[~is_far], "share", "accuracy", "metric", "group", say=highest, looks=looks,
        text="Accuracy over p_a.", title=title, width=3.07, sharey=False,
    )  # fmt: skip
    for axes in figure.axes:
        axes.axvline(best, color=style.GREY, ls="--", lw=1)
        axes.set(xlabel="$p_a$", xlim=(-0.05, 1.05))
        axes.legend(loc="lower center", ncols=2)
        low, high = axes.get_ylim()
        axes.set_ylim(low - 0.25 * (high - low), high)  # the legend stands below
        far = table[is_far & (table.group == axes.get_title("left"))]
        if len(far):
            lines = [f"{one.metric} {one.accuracy:.0%}" for one in far.itertuples()]
            axes.annotate("\n".join([*lines, "↓"]), (far.share.min(), 0.13), (0, 0),
                          ("data", "axes fraction"), "offset points", ha="center", va="bottom",
                          fontsize=7.5, color=style.GREY)  # fmt: skip
            figure.alt += f" Far below: {', '.join(lines)}."
        percent_axis(axes)
    figure.axes[0].set_ylabel("accuracy, 95% interval")
    figure.axes[-1].annotate("paper's best", (best, 1), (4, -2), ("data", "axes fraction"),
                             textcoords="offset points", va="top", fontsize=8)  # fmt: skip
    return figure


@styled
def shared_noise(first: ArmRuns, second: ArmRuns, intervals: pd.DataFrame) -> Figure:
    """What two arms share on each video in P3, and what that is worth.

    The index of `intervals` names differences; its columns are difference, low, high (fractions).
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
    zero_line(right)
    shown = 100 * intervals[["difference", "low", "high"]].to_numpy(float)
    for row, (value, low, high) in enumerate(shown):
        dot(right, row, value, low, high, style.FUSED)
    name_rows(right, [wrapped(str(name), 24) for name in intervals.index], room=0.7)
    right.grid(axis="x")
    right.set_title("The difference, in points")
    correlation = np.corrcoef(x, y)[0, 1]
    widths = (100 * (intervals.high - intervals.low)).map("{:.1f} points wide".format)
    return describe(
        figure,
        f"Accuracies of {len(clips)} videos under two arms, correlation {correlation:.2f}. "
        f"Intervals of the difference: {', '.join(widths.index + ': ' + widths)}.",
    )
