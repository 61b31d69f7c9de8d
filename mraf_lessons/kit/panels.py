"""What panels of several lessons hold alike: one panel a group, signed images, named rows."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from mraf_lessons.kit.style import INK, Figure, row_of_panels


def panel_for_each(
    table: pd.DataFrame, column: str, width: float, height: float, margin: float = 0.0,
    **options: Any,
) -> tuple[Figure, list[tuple[Axes, str, pd.DataFrame]]]:  # fmt: skip
    """A figure and, for each value of a column, its panel, titled with it, its name and rows."""
    names = table[column].unique()
    figure, panels = row_of_panels(len(names), width, height, margin, **options)
    groups = []
    for axes, name in zip(panels, names, strict=True):
        axes.set_title(str(name))
        groups.append((axes, str(name), table[table[column] == name]))
    return figure, groups


def groups_of(table: pd.DataFrame, column: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of each value of a column, in order of appearance."""
    for name, rows in table.groupby(column, sort=False):
        yield str(name), rows


def name_rows(axes: Axes, names: Sequence[str], room: float = 0.5) -> None:
    """Name the rows 0, 1, … from the top, with so much room above the first."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -room)
    axes.tick_params(axis="y", length=0)


def signed_image(axes: Axes, values: NDArray[Any], limit: float, ticks: bool = False) -> AxesImage:
    """Numbers as colours, from violet (negative) over white (zero) to orange (positive)."""
    if not ticks:
        axes.set(xticks=[], yticks=[])
    return axes.imshow(
        values, cmap="PuOr_r", vmin=-limit or -1, vmax=limit or 1, aspect="auto",
        interpolation="nearest",
    )  # fmt: skip


def table_image(axes: Axes, values: Any, names: Sequence[Any], columns: Sequence[Any], dark: float,
                texts: NDArray[Any], **look: Any) -> AxesImage:  # fmt: skip
    """A table as colours, with a text in each cell, white where its value is above `dark`."""
    image = axes.imshow(values, aspect="auto", **look)
    for (row, column), text in np.ndenumerate(texts):
        colour = "white" if values[row, column] > dark else INK
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(columns)), [str(name) for name in columns])
    axes.set_yticks(range(len(names)), [str(name) for name in names])
    axes.tick_params(length=0)
    return image


def colour_bar(
    figure: Figure, image: AxesImage, axes: Axes | list[Axes], label: str = "", **look: Any
) -> Axes:
    """The scale of an image's colours, beside its panel or panels; returned for its own labels."""
    bar = figure.colorbar(image, ax=axes, **({"pad": 0.02, "aspect": 30} | look))
    bar.outline.set_visible(False)
    bar.set_label(label, fontsize=9)
    return bar.ax
