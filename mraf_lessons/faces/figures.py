"""Figures of worse faces and voices: what they cost, who notices, how sure systems still are."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mraf_lessons.ablations.figures import COLOUR
from mraf_lessons.kit import style
from mraf_lessons.kit.forest import dot, forest
from mraf_lessons.kit.style import Figure, describe, draws, percent_axis, row_of_panels

SHADES = (
    style.OTHER,
    style.FUSED,
    style.FACE,
    style.VOICE,
    style.MISSING,
    style.PALETTE["sky"],
)  # of scorers or systems, in order
ENROLLED = {
    "face": (style.FACE, "-"),
    "voice": (style.VOICE, "--"),
    "sum": (style.FUSED, "-"),
}  # class means of
MARKS = "osD^vP"


@draws("condition", "evidence")
def evidence(table: pd.DataFrame, certain: float) -> Figure:
    """How far the evidence ln B tells apart own faces and others, a row for each condition.

    Args:
        table: columns condition and evidence, a row for each clip.
        certain: ln C, the most that B can say.
    """
    names = [str(name) for name in table.condition.unique()]
    figure = style.new_figure(7.6, 1.0 + 0.62 * len(names))
    axes = figure.subplots()
    edges = np.linspace(-10, certain + 0.4, 90)
    said = []
    for row, (name, colour) in enumerate(zip(names, SHADES, strict=False)):
        values = table.evidence[table.condition == name].to_numpy(dtype=float)
        style.ridge(axes, row, values, edges, colour)
        said.append(f"{name}: median {np.median(values):.1f}, below 0 {np.mean(values < 0):.0%}.")
    axes.axvline(0, color=style.GREY, lw=1, ls="--")
    axes.text(0.1, -0.95, "tells nothing", fontsize=8, color=style.GREY)
    axes.axvline(certain, color=style.GREY, lw=1, ls=":")
    style.ridge_rows(axes, names)
    axes.set(title="Does the face belong to the voice?", xlabel=r"evidence $\ln B$")
    text = "Distributions of ln B over clips; 0 tells nothing, ln C is certainty."
    return describe(figure, text, *said)


@draws("scorer", "face", "reliability")
def noticed(table: pd.DataFrame) -> Figure:
    """Reliabilities that each scorer gives to own and to swapped faces, a panel for each scorer."""
    scorers = [str(name) for name in table.scorer.unique()]
    figure, panels = row_of_panels(len(scorers), 3.7, 2.5, sharey=True)
    said = []
    for axes, scorer in zip(panels, scorers, strict=True):
        rows = table[table.scorer == scorer]
        faces = [str(name) for name in rows.face.unique()]
        for y, (face, colour) in enumerate(zip(faces, (style.FACE, style.MISSING), strict=True)):
            values = rows.reliability[rows.face == face].to_numpy(dtype=float)
            style.ridge(axes, y, values, np.linspace(0, 1, 61), colour)
            said.append(f"{scorer}, {face}: median {np.median(values):.2f}.")
        style.ridge_rows(axes, faces)
        axes.set(title=scorer, xlabel="reliability of the face, $r_f$", xlim=(0, 1))
    return describe(figure, "Distributions of r_f over clips.", *said)


@draws("damage", "amount", "scorer", "accuracy")
def damage_curves(table: pd.DataFrame, title: str = "") -> Figure:
    """Accuracy against the amount of each damage, a line for each scorer.

    With the columns `low` and `high`, bands show the intervals.
    """
    damages = [str(name) for name in table.damage.unique()]
    scorers = [str(name) for name in table.scorer.unique()]
    figure, panels = row_of_panels(len(damages), 2.05, 3.3, 0.4, sharey=True)
    said = []
    for axes, damage in zip(panels, damages, strict=True):
        for scorer, colour, mark in zip(scorers, SHADES, MARKS, strict=False):
            rows = table[(table.damage == damage) & (table.scorer == scorer)].sort_values("amount")
            axes.plot(rows.amount, rows.accuracy, f"{mark}-", color=colour, ms=4, label=scorer)
            if "low" in rows:
                axes.fill_between(rows.amount, rows.low, rows.high, color=colour, alpha=0.15, lw=0)
            ends = rows.iloc[[0, -1]].accuracy.tolist()
            said.append(f"{damage}, {scorer}: from {ends[0]:.0%} to {ends[1]:.0%}.")
        axes.set(title=damage, xlabel="amount", xlim=(0, 1), xticks=[0, 0.5, 1])
        percent_axis(axes, "x")
        axes.grid(axis="y")
    panels[0].set_ylabel("accuracy, fused head")
    percent_axis(panels[0])
    style.legend_below(figure)
    return describe(figure, "Accuracy against damage.", *said, title=title)


def price(table: pd.DataFrame, title: str = "") -> Figure:
    """What a damage costs each arm, in points, beside its accuracy on clean clips."""
    return forest(table, "arm", "quantity", "value", points=True, same_scale=False, title=title,
                  label="points")  # fmt: skip


@draws("system", "setting", "clips", "accuracy", "low", "high")
def enrolment(table: pd.DataFrame, title: str = "") -> Figure:
    """Accuracy against training clips a speaker, a panel for each setting, a line for each system.

    The accuracy is a mean, `low` and `high` are the range over draws.
    """
    settings, systems = list(table.setting.unique()), list(table.system.unique())
    figure, panels = row_of_panels(len(settings), 2.2, 3.4, 0.4, sharey=True)
    said = []
    for axes, setting in zip(panels, settings, strict=True):
        for system, mark in zip(systems, MARKS, strict=False):
            rows = table[(table.setting == setting) & (table.system == system)]
            rows = rows.sort_values("clips")
            if rows.empty:
                continue
            modality = str(system).rpartition(", ")[2]
            colour, line = ENROLLED.get(modality, (style.INK, "-"))
            axes.plot(
                rows.clips, rows.accuracy, f"{mark}{line}", color=colour, ms=4, label=system,
                zorder=3 if line == "--" else 2,  # without a face the sum is the voice
            )  # fmt: skip
            axes.fill_between(rows.clips, rows.low, rows.high, color=colour, alpha=0.2, lw=0)
            ends = rows.iloc[[0, -1]].accuracy.tolist()
            said.append(f"{setting}, {system}: from {ends[0]:.0%} to {ends[1]:.0%}.")
        axes.set_xscale("log")
        ticks = sorted(table.clips.unique())
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        style.heading(axes, str(setting), lines=1)
        axes.set_xlabel("clips a speaker")
        axes.grid(axis="y")
    panels[0].set_ylabel("accuracy")
    percent_axis(panels[0])
    style.legend_below(figure)
    return describe(figure, "Accuracy by enrolment.", *said, title=title)


@draws("scorer", "setting", "damage", "amount", "accuracy", "low", "middle", "high")
def damage_result(table: pd.DataFrame, damage: str, amount: float) -> Figure:
    """One damage at one amount: accuracies of the scorers, and the weights that they give.

    The table is that of `mraf.evaluation.robustness.damage_table`, with the rows of amount 0.
    """
    rows = table[(table.damage == damage) & np.isclose(table.amount, amount)]
    style.require(rows, "scorer")
    figure = style.new_figure(8.2, 3.2)
    figure.set_layout_engine("none")  # it would take most of the time of a moved slider
    left, right = (figure.add_axes((x, 0.2, w, 0.66)) for x, w in ((0.09, 0.5), (0.67, 0.31)))
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
