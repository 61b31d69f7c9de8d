"""Figures of worse faces and voices: what they cost, who notices, how sure systems still are."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mraf_lessons.kit import charts, style
from mraf_lessons.kit.forest import dot, forest
from mraf_lessons.kit.live import fast_panels
from mraf_lessons.kit.panels import name_rows
from mraf_lessons.kit.style import Figure, describe, draws, percent_axis

SHADES = [style.PALETTE[c] for c in ("purple", "green", "orange", "blue", "vermillion", "sky")]
"""Colours of scorers or systems, in order."""
ENROLLED = {"face": (style.FACE, "-"), "voice": (style.VOICE, "--"), "sum": (style.FUSED, "-")}
"""Colour and line of class means, by what they are of."""
MARKS = "osD^vP"


@draws("condition", "evidence")
def evidence(table: pd.DataFrame, certain: float) -> Figure:
    """How far the evidence ln B tells apart own faces and others, a row for each condition.

    Args:
        table: a row for each clip.
        certain: ln C, the most that B can say.
    """

    def said(own: pd.DataFrame) -> str:
        below = own.evidence < 0
        return f"median {own.evidence.median():.1f}, below 0 {below.mean():.0%}"

    figure = charts.distributions(
        table, "evidence", "condition", edges=np.linspace(-10, certain + 0.4, 90), colours=SHADES,
        label=r"evidence $\ln B$",
        text="Distributions of ln B over clips; 0 tells nothing, ln C is certainty.",
        say=said,
    )  # fmt: skip
    (axes,) = figure.axes
    axes.axvline(0, color=style.GREY, lw=1, ls="--")
    axes.text(0.1, -0.95, "tells nothing", fontsize=8, color=style.GREY)
    axes.axvline(certain, color=style.GREY, lw=1, ls=":")
    axes.set_title("Does the face belong to the voice?")
    return figure


@draws("scorer", "face", "reliability")
def noticed(table: pd.DataFrame) -> Figure:
    """Reliabilities that each scorer gives to own and to swapped faces, a panel for each scorer."""
    return charts.distributions(
        table, "reliability", "face", "scorer", edges=np.linspace(0, 1, 61), width=3.7,
        colours=(style.FACE, style.MISSING), label="reliability of the face, $r_f$",
        text="Distributions of r_f over clips.",
    )  # fmt: skip


@draws("damage", "amount", "scorer", "accuracy")
def damage_curves(table: pd.DataFrame, title: str = "") -> Figure:
    """Accuracy against the amount of each damage, a line for each scorer.

    With the columns `low` and `high`, bands show the intervals.
    """
    names = table.scorer.unique()
    looks = {name: (colour, "-") for name, colour in zip(names, SHADES, strict=False)}
    figure = _curves(table, "amount", "scorer", "damage", looks, "Accuracy against damage.", title)
    for axes in figure.axes:
        axes.set(xlim=(0, 1), xticks=[0, 0.5, 1])
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
        style.heading(axes, axes.get_title("left"), lines=1)
        axes.set(xlabel="clips a speaker", xscale="log")
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
    return figure


def _curves(
    table: pd.DataFrame, x: str, by: str, facet: str, looks: dict[str, tuple[str, str]],
    text: str, title: str,
) -> Figure:  # fmt: skip
    """Accuracies over a column: a panel a facet, a line with its band for each look."""

    def ends(rows: pd.DataFrame) -> str:
        return "from {:.0%} to {:.0%}".format(*rows.accuracy.iloc[[0, -1]])

    plotted = {  # without a face the sum is the voice: dashes above show both
        name: {"color": colour, "ls": line, "marker": mark, "zorder": 3 if line == "--" else 2}
        for (name, (colour, line)), mark in zip(looks.items(), MARKS, strict=False)
    }
    figure = charts.curves(
        table, x, "accuracy", by, facet, say=ends, text=text, looks=plotted, title=title,
        width=2.15, margin=0.4,
    )  # fmt: skip
    percent_axis(figure.axes[0])
    style.legend_below(figure)
    return figure


@draws("scorer", "setting", "damage", "amount", "accuracy", "low", "middle", "high")
def damage_result(
    table: pd.DataFrame, damage: str, amount: float, on: Figure | None = None
) -> Figure:
    """One damage at one amount: accuracies of the scorers, and the weights that they give.

    The table is that of `mraf_lessons.faces.damage.damage_table`, with the rows of amount 0.
    """
    table = table[table.damage == damage]
    rows = table[np.isclose(table.amount, amount)]
    style.require(rows, "scorer")
    figure, (left, right) = fast_panels(
        on, 8.2, 3.2, panels=2, width_ratios=[5, 3],
        left=0.09, right=0.98, bottom=0.2, top=0.86, wspace=0.2,
    )  # fmt: skip
    settings, scorers = list(rows.setting.unique()), rows.scorer.unique()
    clean = table[table.amount == 0].set_index(["scorer", "setting"]).accuracy
    said = []
    for number, (scorer, colour) in enumerate(zip(scorers, SHADES, strict=False)):
        beside = number - (len(scorers) - 1) / 2
        now = rows[rows.scorer == scorer].set_index("setting").loc[settings]
        before, place = clean[scorer].loc[settings], np.arange(len(settings)) + 0.3 * beside
        left.bar(place, now.accuracy, 0.26, color=colour, label=scorer, alpha=0.85)
        left.hlines(before, place - 0.13, place + 0.13, color=style.GREY, lw=2)
        for x, one in enumerate(now.itertuples()):
            accuracy = f"{one.accuracy:.0%}"
            left.text(place[x], 0.03, accuracy, ha="center", color="white", fontsize=9)
            dot(right, x + 0.22 * beside, one.middle, one.low, one.high, colour)
            said.append(
                f"{one.Index}, {scorer}: {accuracy} (clean {before.iloc[x]:.0%}), median w_f "
                f"{one.middle:.2f}."
            )
    names = [f"{s}: {style.CONDITIONS[s].partition(',')[0]}" for s in settings]
    left.set_xticks(range(len(settings)), names)
    left.set(ylim=(0, 1.0), title=f"{damage}, {amount:.0%}", ylabel="accuracy")
    left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2, fontsize=8.5)
    percent_axis(left)
    left.grid(axis="y")
    right.set(xlim=(-0.02, 1.02), title="$w_f$, middle half")
    name_rows(right, settings)
    right.grid(axis="x")
    text = f"{damage}, amount {amount:.0%}; grey: accuracy of clean clips."
    return describe(figure, text, *said)
