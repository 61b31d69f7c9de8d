"""Figures of worse faces and voices: what they cost, who notices, how sure systems still are."""

import numpy as np
import pandas as pd

from mraf_lessons.kit import charts, style
from mraf_lessons.kit.forest import forest
from mraf_lessons.kit.style import Figure, draws, percent_axis

SHADES = [style.PALETTE[c] for c in ("purple", "green", "orange", "blue", "vermillion", "sky")]
"""Colours of scorers or systems, in order."""
ENROLLED = {"face": (style.FACE, "-"), "voice": (style.VOICE, "--"), "sum": (style.FUSED, "-")}
"""Colour and line of class means, by what they are of."""
MARKS = "osD^vP"


@draws("condition", "evidence")
def evidence(table: pd.DataFrame, certain: float) -> Figure:
    """The evidence ln B of clips, a row for each condition; ln C is the most that B can say."""

    def said(own: pd.DataFrame) -> str:
        below = own.evidence < 0
        return f"median {own.evidence.median():.1f}, below 0 {below.mean():.0%}"

    edges = np.linspace(table.evidence.min() - 0.4, certain + 0.4, 120)
    figure = charts.distributions(
        table, "evidence", "condition", edges=edges, colours=SHADES,
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
    """Accuracy against the amount of each damage, a line for each scorer, a band if given."""
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
    """Mean accuracy and its range over draws against training clips a speaker, by setting."""
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
