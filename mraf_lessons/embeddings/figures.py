"""Figures of maps of embeddings: who lies where, what a map keeps, where clips move."""

import itertools
import re
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from mraf.errors import DataError
from mraf_lessons.embeddings.maps import nearest, same_share
from mraf_lessons.kit import style
from mraf_lessons.kit.panels import name_rows
from mraf_lessons.kit.style import Figure, describe, percent_axis, row_of_panels, styled

UNNAMED = ""  # the label of points that are drawn in the background
COLOURS = [style.PALETTE[name] for name in ("blue", "vermillion", "green", "orange", "purple")]
SHAPES = "o^s"
MARKS = [*itertools.product(SHAPES, COLOURS)]  # 15 groups can be told apart
PLACES = ("space", "map")
typeset = partial(re.sub, r"\be_(\w)\b", r"$e_\1$")  # e_f, e_a and e_c as mathematics
NO_UNIT = "axes of a map have no unit: read only who is near whom"


@styled
def maps(
    planes: Mapping[Any, NDArray[Any]], label: NDArray[np.str_], columns: int = 3,
    same_axes: Collection[Any] = (), neighbours: int = 15, size: float = 2.85,
    colours: Mapping[str, str] | None = None,
) -> Figure:  # fmt: skip
    """Maps of the same points side by side, coloured by a label.

    Planes are points (N, 2) by the title of their panel; the label "" draws a point in grey behind
    the others; `same_axes` are titles of panels that are parts of one map. The text alternative
    speaks about so many `neighbours`. Raises DataError for no maps, or labels that do not fit.
    """
    names = _in_order(label)
    if not planes or any(len(plane) != len(label) for plane in planes.values()):
        raise DataError("give at least one map, and as many labels as it has points.")
    if len(names) > len(MARKS):
        raise DataError(f"{len(names)} labels; at most {len(MARKS)} can be told apart.")
    looks = {name: ("o", colours[name]) if colours else MARKS[n] for n, name in enumerate(names)}
    columns = min(columns, len(planes))
    rows = -(-len(planes) // columns)
    figure = style.new_figure(0.3 + size * columns, 0.75 + (size - 0.1) * rows)
    known = label != UNNAMED
    number, shares = min(neighbours, int(known.sum()) - 1), {}
    for place, (title, plane) in enumerate(planes.items(), 1):
        axes = figure.add_subplot(rows, columns, place)
        _points(axes, plane, label, looks)
        kin = [planes[other] for other in same_axes] if title in same_axes else [plane]
        _frame(axes, np.concatenate(kin))
        axes.set_title(typeset(str(title)))
        if number > 0:
            near = nearest(plane[known], number, "euclidean")
            shares[title] = same_share(near, label[known])
    others = {"others": ("o", style.PALE)} if names and (label == UNNAMED).any() else {}
    _legend(figure, looks | others)
    coloured = f", coloured by {len(names)} labels" if names else ""
    text = f"Maps of {len(label)} points{coloured}: {'; '.join(map(str, planes))}."
    order = sorted(shares, key=lambda title: -shares[title])
    said = (f"{shares[title]:.0%} of the {number} nearest points share their label in '{title}'."
            for title in dict.fromkeys(order[:1] + order[-1:]))  # fmt: skip
    return describe(figure, *said, text)


def _in_order(label: NDArray[np.str_]) -> list[str]:
    """The names among the labels, speaker 2 before speaker 10."""
    names = {str(name) for name in label if name != UNNAMED}
    return sorted(names, key=lambda name: (len(name), name))


def _points(
    axes: Axes, plane: NDArray[Any], label: NDArray[np.str_], looks: dict[str, tuple[str, str]]
) -> None:
    """The points, each with the mark and colour of its label, those without one behind them."""
    colour, size = (style.PALE, 5) if looks else (style.GREY, 9)
    x, y = plane[label == UNNAMED].T
    axes.scatter(x, y, s=size, color=colour, lw=0)
    mixed = np.random.default_rng(0).permutation(len(plane))  # no label lies on top of the others
    for shape in SHAPES:
        colours = {name: colour for name, (mark, colour) in looks.items() if mark == shape}
        rows = mixed[np.isin(label[mixed], list(colours))]
        c = [colours[str(name)] for name in label[rows]]
        axes.scatter(plane[rows, 0], plane[rows, 1], s=28, marker=shape, c=c, alpha=0.5, lw=0)


def _frame(axes: Axes, points: NDArray[Any]) -> None:
    """A square around the points, the same scale on both axes, and no ticks."""
    low, high = points.min(axis=0), points.max(axis=0)
    middle, half = (low + high) / 2, 0.55 * float((high - low).max())
    (left, bottom), (right, top) = middle - half, middle + half
    axes.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[], aspect="equal")
    axes.spines[["left", "bottom"]].set_color(style.PALE)


def _legend(figure: Figure, looks: dict[str, tuple[str, str]], *more: Line2D) -> None:
    handles = [Line2D([], [], ls="", marker=mark, color=colour, ms=5, label=name)
               for name, (mark, colour) in looks.items()]  # fmt: skip
    if not looks and not more:
        figure.supxlabel(NO_UNIT, fontsize=8, color=style.GREY)
        return
    columns = max(2, int(figure.get_figwidth() / 1.4))
    figure.legend(
        handles=[*handles, *more], loc="outside lower center", ncols=columns, fontsize=8,
        title=NO_UNIT, title_fontproperties={"size": 8},
    )  # fmt: skip


@styled
def preservation(table: pd.DataFrame, groups: Mapping[str, float]) -> Figure:
    """What a map keeps of each space: neighbours as such, and the company that clips keep.

    A row of the table is a space's `maps.preservation`; groups have the share that chance gives.
    """
    needed = (f"{group}, in the {place}" for group in groups for place in PLACES)
    style.require(table, "kept", "trustworthiness", *needed)
    count = 1 + len(groups)
    figure, panels = row_of_panels(count, 2.3 + 0.9 / count, 1.5 + 0.36 * len(table), sharey=True)
    rows, first = np.arange(len(table)), panels[0]
    first.plot(table.trustworthiness, rows, "o", color=COLOURS[0], label="trustworthiness")
    first.plot(table.kept, rows, "s", color=COLOURS[3], label="neighbours kept")
    first.set(title="the map", xlabel="0: nothing kept, 1: all")
    kept = table.kept.agg(["idxmin", "min", "idxmax", "max"])
    said = ["The maps keep {1:.0%} ({0}) to {3:.0%} ({2}) of the neighbours, ".format(*kept)
            + f"with a trustworthiness of at least {table.trustworthiness.min():.2f}."]  # fmt: skip
    for axes, (group, chance) in zip(panels[1:], groups.items(), strict=True):
        space, plane = (table[f"{group}, in the {place}"] for place in PLACES)
        axes.hlines(rows, space, plane, color=style.PALE, lw=2)
        axes.plot(space, rows, "o", color=style.INK, label="in the space")
        axes.plot(plane, rows, "D", color=style.FUSED, ms=5, label="in the map")
        axes.axvline(chance, color=style.GREY, lw=1, ls=":", label="chance")
        axes.set(title=group, xlabel="share of neighbours")
        percent_axis(axes, "x")
        apart = 100 * (plane - space).abs().max()
        said.append(f"{group}: {space.min():.0%} to {space.max():.0%} in the space, within "
                    f"{apart:.0f} points in the map, by chance {chance:.0%}.")  # fmt: skip
    for axes in panels:
        axes.set_xlim(-0.03, 1.03)
        axes.grid(axis="x")
        name_rows(axes, table.index.map(str).map(typeset))
    handles = [line for axes in panels[:2] for line in axes.get_legend_handles_labels()[0]]
    figure.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=8)
    return describe(figure, *said, f"Dots for {len(table)} spaces and their maps.")


@styled
def moves(
    before: NDArray[Any], after: NDArray[Any], right: NDArray[np.bool_], label: NDArray[np.str_],
    shown: NDArray[Any] | None = None,
) -> Figure:  # fmt: skip
    """Arrows from where clips (N, 2) lie with their faces to where they lie without, on one map.

    Their colour says whether a clip is still named `right` (N,) without its face; clips with the
    label "" are in the background. `shown` are the rows of the arrows, by default all.
    """
    shown = np.arange(len(before)) if shown is None else shown
    looks = dict(zip(_in_order(label), MARKS, strict=False))
    figure, (left, moved) = row_of_panels(2, 4.5, 4.9)
    _points(left, before, label, looks)
    left.set_title("with the face: who lies where")
    moved.set_title("the face is taken away")
    moved.scatter(before[:, 0], before[:, 1], s=3, color=style.PALE, lw=0)
    arrows, steps = [], after - before
    said = [
        f"A map of {len(before)} clips with their faces, and {len(shown)} arrows to where the "
        f"same clips lie without: {int(right[shown].sum())} of them still named rightly."
    ]
    for of, words, colour, width in (
        (right, "still named rightly", style.GREY, 0.0025),
        (~right, "no longer", style.INK, 0.004),
    ):
        chosen = shown[of[shown]]
        moved.quiver(*before[chosen].T, *steps[chosen].T, angles="xy", scale_units="xy", scale=1,
                     color=colour, alpha=0.6, width=width, headwidth=5)  # fmt: skip
        arrows.append(Line2D([], [], color=colour, lw=1000 * width - 1, label=words))
        if of.any():
            those = words if of is right else f"{words} named rightly"
            step = np.median(np.hypot(*steps[of].T))
            said.append(f"Median step of those {those}: {step:.1f} map units.")
    for axes in (left, moved):
        _frame(axes, np.concatenate([before, after]))
    _legend(figure, looks, *arrows)
    return describe(figure, *said)
