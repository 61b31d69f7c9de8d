"""Figures of worse faces and voices: what they cost, who notices, how sure systems still are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mraf_lessons.ablations.figures import COLOUR
from mraf_lessons.kit import style
from mraf_lessons.kit.forest import dot, forest
from mraf_lessons.kit.live import fast_panels
from mraf_lessons.kit.style import Figure, describe, draws, percent_axis, row_of_panels

SHADES = [style.PALETTE[c] for c in ("purple", "green", "orange", "blue", "vermillion", "sky")]
"""Colours of scorers or systems, in order."""
ENROLLED = {"face": (style.FACE, "-"), "voice": (style.VOICE, "--"), "sum": (style.FUSED, "-")}
"""Colour and line of class means, by what they are of."""
MARKS = "osD^vP"


@draws("condition", "evidence")
def evidence(table: pd.DataFrame, certain: float) -> Figure:
    """How far the evidence ln B tells apart own faces and others, a row for each condition.

    Args:
        table: columns condition and evidence, a row for each clip.
        certain: ln C, the most that B can say.
    """
    groups = dict(iter(table.groupby("condition", sort=False).evidence))
    figure, (axes,) = row_of_panels(1, 7.6, 1.0 + 0.62 * len(groups))
    style.ridges(axes, groups, np.linspace(-10, certain + 0.4, 90), SHADES)
    axes.axvline(0, color=style.GREY, lw=1, ls="--")
    axes.text(0.1, -0.95, "tells nothing", fontsize=8, color=style.GREY)
    axes.axvline(certain, color=style.GREY, lw=1, ls=":")
    axes.set(title="Does the face belong to the voice?", xlabel=r"evidence $\ln B$")
    text = "Distributions of ln B over clips; 0 tells nothing, ln C is certainty."
    said = (
        f"{k}: median {v.median():.1f}, below 0 {(v < 0).mean():.0%}." for k, v in groups.items()
    )
    return describe(figure, text, *said)


@draws("scorer", "face", "reliability")
def noticed(table: pd.DataFrame) -> Figure:
    """Reliabilities that each scorer gives to own and to swapped faces, a panel for each scorer."""
    figure, panels = row_of_panels(table.scorer.nunique(), 3.7, 2.5, sharey=True)
    said = []
    for axes, (scorer, rows) in zip(panels, table.groupby("scorer", sort=False), strict=True):
        groups = dict(iter(rows.groupby("face", sort=False).reliability))
        style.ridges(axes, groups, np.linspace(0, 1, 61), (style.FACE, style.MISSING))
        said += [f"{scorer}, {face}: median {v.median():.2f}." for face, v in groups.items()]
        axes.set(title=scorer, xlabel="reliability of the face, $r_f$", xlim=(0, 1))
    return describe(figure, "Distributions of r_f over clips.", *said)


@draws("damage", "amount", "scorer", "accuracy")
def damage_curves(table: pd.DataFrame, title: str = "") -> Figure:
    """Accuracy against the amount of each damage, a line for each scorer.

    With the columns `low` and `high`, bands show the intervals.
    """
    scorers = table.scorer.unique()
    looks = {name: (colour, "-") for name, colour in zip(scorers, SHADES, strict=False)}
    figure = _curves(table, "amount", "scorer", "damage", looks, "Accuracy against damage.", title)
    for axes in figure.axes:
        axes.set(xlabel="amount", xlim=(0, 1), xticks=[0, 0.5, 1])
        percent_axis(axes, "x")
    figure.axes[0].set_ylabel("accuracy, fused head")
    return figure


def price(table: pd.DataFrame, title: str = "") -> Figure:
    """What a damage costs each arm, in points, beside its accuracy on clean clips."""
    return forest(table, "arm", "quantity", "value", points=True, same_scale=False, title=title,
                  label="points")  # fmt: skip


@draws("system", "setting", "clips", "accuracy", "low", "high")
def enrolment(table: pd.DataFrame, title: str = "") -> Figure:
    """Accuracy against training clips a speaker, a panel for each setting, a line for each system.

    The accuracy is a mean, `low` and `high` are the range over draws.
    """
    systems, ticks = table.system.unique(), sorted(table.clips.unique())
    looks = {name: ENROLLED.get(name.rpartition(", ")[2], (style.INK, "-")) for name in systems}
    figure = _curves(table, "clips", "system", "setting", looks, "Accuracy by enrolment.", title)
    for axes in figure.axes:
        axes.set(xlabel="clips a speaker", xscale="log")
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
    return figure


def _curves(
    table: pd.DataFrame, x: str, by: str, facet: str, looks: Mapping[str, tuple[str, str]],
    text: str, title: str,
) -> Figure:  # fmt: skip
    """Accuracies over a column: a panel a facet, a line with its band for each look."""
    figure, panels = row_of_panels(table[facet].nunique(), 2.15, 3.4, 0.4, sharey=True)
    said = []
    for axes, (name, rows) in zip(panels, table.groupby(facet, sort=False), strict=True):
        for (one, (colour, line)), mark in zip(looks.items(), MARKS, strict=False):
            of = rows[rows[by] == one].sort_values(x)
            if of.empty:
                continue
            above = 3 if line == "--" else 2  # without a face the sum is the voice: both are seen
            axes.plot(of[x], of.accuracy, f"{mark}{line}", color=colour, ms=4, label=one,
                      zorder=above)  # fmt: skip
            if "low" in of:
                axes.fill_between(of[x], of.low, of.high, color=colour, alpha=0.2, lw=0)
            first, last = of.accuracy.iloc[[0, -1]]
            said.append(f"{name}, {one}: from {first:.0%} to {last:.0%}.")
        style.heading(axes, str(name), lines=1)
        axes.grid(axis="y")
    panels[0].set_ylabel("accuracy")
    percent_axis(panels[0])
    style.legend_below(figure)
    return describe(figure, text, *said, title=title)


@draws("scorer", "setting", "damage", "amount", "accuracy", "low", "middle", "high")
def damage_result(
    table: pd.DataFrame, damage: str, amount: float, on: Figure | None = None
) -> Figure:
    """One damage at one amount: accuracies of the scorers, and the weights that they give.

    The table is that of `mraf.evaluation.robustness.damage_table`, with the rows of amount 0.
    """
    rows = table[(table.damage == damage) & np.isclose(table.amount, amount)]
    style.require(rows, "scorer")
    figure, (left, right) = fast_panels(
        on, 8.2, 3.2, panels=2, width_ratios=[5, 3],
        left=0.09, right=0.98, bottom=0.2, top=0.86, wspace=0.2,
    )  # fmt: skip
    settings, scorers = list(rows.setting.unique()), list(rows.scorer.unique())
    clean = table[(table.damage == damage) & (table.amount == 0)]
    said = []
    for number, (scorer, colour) in enumerate(zip(scorers, SHADES, strict=False)):
        for x, setting in enumerate(settings):
            now, before = (
                t[(t.scorer == scorer) & (t.setting == setting)].iloc[0] for t in (rows, clean)
            )
            place = x + 0.3 * (number - (len(scorers) - 1) / 2)
            label = scorer if x == 0 else None
            left.bar(place, now.accuracy, 0.26, color=colour, label=label, alpha=0.85)
            left.plot([place - 0.13, place + 0.13], [before.accuracy] * 2, color=style.GREY, lw=2)
            left.text(place, 0.03, f"{now.accuracy:.0%}", ha="center", color="white", fontsize=9)
            y = x + 0.22 * (number - (len(scorers) - 1) / 2)
            dot(right, y, now.middle, now.low, now.high, colour)
            said.append(
                f"{setting}, {scorer}: {now.accuracy:.0%} (clean {before.accuracy:.0%}), median "
                f"w_f {now.middle:.2f}."
            )
    names = [f"{s}: {style.CONDITIONS[s].partition(',')[0]}" for s in settings]
    left.set_xticks(range(len(settings)), names)
    left.set(ylim=(0, 1.0), title=f"{damage}, {amount:.0%}", ylabel="accuracy")
    left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2, fontsize=8.5)
    percent_axis(left)
    left.grid(axis="y")
    right.set(xlim=(-0.02, 1.02), ylim=(len(settings) - 0.5, -0.5), title="$w_f$, middle half")
    right.set_yticks(range(len(settings)), settings)
    right.grid(axis="x")
    text = f"{damage}, amount {amount:.0%}; grey: accuracy of clean clips."
    return describe(figure, text, *said)


LAYERS = {
    "fused": "fused head alone",
    "mean": "mean of the heads",
    "weighted": "confidence-weighted mean",
    "corrected": "fused head, corrected",
}


def decision_layers(points: pd.DataFrame, differences: pd.DataFrame, title: str = "") -> Figure:
    """Accuracy of the fused head and of every layer, coloured by what it does to the fused head.

    Args:
        points, differences: as `mraf.related.decision.study.compared` gives them.
        title: says of what.
    Raises:
        DataError: no rows, or a column missing.
    """
    style.require(points, "accuracy", "low", "high")
    style.require(differences, "difference", "low", "high", "verdict")
    shown = points.join(differences[["difference", "verdict"]]).reset_index()
    is_fused = shown.arm == "fused"
    shown["name"] = [  # an ending says what the layer was fitted on
        LAYERS.get(name, name) + comma + ending
        for name, comma, ending in (arm.partition(",") for arm in shown.arm)
    ]
    shown["where"] = ("face " + shown.condition).where(shown.condition != "clean", "all there")
    shown["colour"] = shown.verdict.map(COLOUR).where(~is_fused, "black")
    shown["text"] = [
        f"{one.accuracy:.1%}" if one.arm == "fused" else f"{100 * one.difference:+.1f}"
        for one in shown.itertuples()
    ]
    found = [verdict for verdict in COLOUR if (differences.verdict == verdict).any()]
    alone = shown[is_fused].set_index("where").accuracy.to_dict()
    figure = forest(
        shown, "name", "where", same_scale=False, reference=alone, title=title,
        legend={verdict: COLOUR[verdict] for verdict in found},
        label="accuracy, with its 95% interval; points and colours: against the fused head",
    )  # fmt: skip
    text = "Decision layers over the three heads, with paired differences to the fused head."
    said = []
    for condition, rows in shown.groupby("condition", sort=False):
        layers = "".join(
            f", {one.arm} {one.text} points ({one.verdict})"
            for one in rows.itertuples()
            if one.arm != "fused"
        )
        fused = rows.accuracy[rows.arm == "fused"].iloc[0]
        said.append(f"Face {condition}: fused head alone {fused:.1%}{layers}.")
    return describe(figure, text, *said, title=title)
