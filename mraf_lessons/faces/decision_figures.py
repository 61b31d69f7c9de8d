"""The figure of decision fusion: what each layer is worth with clean, missing, swapped faces."""

from __future__ import annotations

import pandas as pd
from matplotlib.lines import Line2D

from mraf_lessons.ablations.figures import COLOUR
from mraf_lessons.kit.style import GREY, Figure, describe, new_figure, percent_axis, require, styled

LABEL = {
    "fused": "fused head alone",
    "mean": "mean of the heads",
    "weighted": "confidence-weighted mean",
    "corrected": "fused head, corrected",
}


@styled
def decision_layers(points: pd.DataFrame, differences: pd.DataFrame, title: str = "") -> Figure:
    """Accuracy of the fused head and of every layer, coloured by what it does to the fused head.

    Args:
        points, differences: as `mraf.related.decision.study.compared` gives them.
        title: says of what.
    Raises:
        DataError: no rows, or a column missing.
    """
    require(points, "accuracy", "low", "high")
    require(differences, "difference", "low", "high", "verdict")
    conditions = list(dict.fromkeys(points.index.get_level_values("condition")))
    arms = list(dict.fromkeys(points.index.get_level_values("arm")))
    figure = new_figure(3.1 * len(conditions) + 1.8, 1.5 + 0.36 * len(arms))
    panels = figure.subplots(1, len(conditions), sharey=True, squeeze=False)[0]
    sentences, verdicts = [], set()
    for axes, condition in zip(panels, conditions, strict=True):
        alone = points.loc[(condition, "fused")]
        axes.axvline(alone.accuracy, color=GREY, lw=1.2, ls="--", zorder=0)
        said = [f"fused head alone {alone.accuracy:.1%}"]
        for y, arm in enumerate(arms):
            point, colour, text = points.loc[(condition, arm)], "black", f"{alone.accuracy:.1%}"
            if arm != "fused":
                apart = differences.loc[(condition, arm)]
                verdicts.add(apart.verdict)
                colour, text = COLOUR[apart.verdict], f"{100 * apart.difference:+.1f}"
                said.append(f"{arm} {text} points ({apart.verdict})")
            axes.plot(
                [point.low, point.high], [y, y], color=colour, lw=4, alpha=0.35,
                solid_capstyle="butt",
            )  # fmt: skip
            axes.plot(point.accuracy, y, "o", color=colour, ms=5)
            axes.annotate(
                text, (point.accuracy, y), xytext=(0, 5), textcoords="offset points",
                ha="center", fontsize=7.5, bbox={"fc": "white", "ec": "none", "pad": 0.4},
            )  # fmt: skip
        axes.set_title(f"face {condition}" if condition != "clean" else "all there")
        axes.set_xlabel("accuracy, with its 95% interval")
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        percent_axis(axes, "x")
        sentences.append(f"Face {condition}: {', '.join(said)}.")
    panels[0].set_yticks(range(len(arms)), [_label(arm) for arm in arms])
    panels[0].set_ylim(len(arms) - 0.5, -0.8)
    found = [verdict for verdict in COLOUR if verdict in verdicts]
    handles = [Line2D([], [], color=COLOUR[name], marker="o", lw=2.4) for name in found]
    figure.legend(
        handles, found, loc="outside lower right", ncols=len(found), title="than the fused head",
        fontsize=8.5, title_fontsize=8.5,
    )  # fmt: skip
    figure.suptitle(title, x=0.01, ha="left", fontsize=10.5)
    text = "Decision layers over the three heads, with paired differences to the fused head."
    return describe(figure, " ".join([title, text, *sentences]).strip())


def _label(arm: str) -> str:
    name, comma, ending = arm.partition(",")
    return LABEL.get(name, name) + comma + ending  # an ending says what it was fitted on
