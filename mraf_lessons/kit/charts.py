"""Charts that several lessons draw from a table: curves, and distributions as ridges."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mraf_lessons.kit import style
from mraf_lessons.kit.panels import groups_of, panel_for_each
from mraf_lessons.kit.style import Figure, describe, styled

Say = Callable[[pd.DataFrame], str]
DASHES = ("-", "--", "-.", ":") * 3


@styled
def curves(
    table: pd.DataFrame, x: str, y: str, by: str, facet: str = "", *,
    text: str, title: str = "", say: Say | None = None,
    looks: Mapping[str, Mapping[str, Any]] | None = None,
    width: float = 6.4, height: float = 3.4, margin: float = 0.0, sharey: bool = True,
) -> Figure:  # fmt: skip
    """A line for each value of a column, with a band where the table has `low` and `high`.

    There is a panel for each value of `facet`, if given. Lines differ in colour and dashes, or look
    as told by their names. The text alternative begins with `text` and tells what `say` says of the
    rows of a line, else its ends. Sizes are in inches. Raises DataError for no rows or columns.
    """
    style.require(table, x, y, by, *filter(None, [facet]))
    shown = table if facet else table.assign(panel="")
    figure, panels = panel_for_each(shown, facet or "panel", width, height, margin, sharey=sharey)
    said = [text]
    for axes, panel, own in panels:
        for (name, rows), dashes in zip(groups_of(own, by), DASHES, strict=False):
            rows = rows.sort_values(x)
            usual = {"ls": dashes, "marker": "." if len(rows) < 40 else ""}
            look = {"label": name, "ms": 4, **(looks or {}).get(name, usual)}
            (line,) = axes.plot(rows[x], rows[y], **look)
            if {"low", "high"} <= set(rows):
                look = {"color": line.get_color(), "alpha": 0.2, "lw": 0}
                axes.fill_between(rows[x], rows.low, rows.high, **look)
            ends = "from {:.3g} to {:.3g}".format(*rows[y].iloc[[0, -1]])
            said.append(f"{', '.join(filter(None, [panel, name]))}: {say(rows) if say else ends}.")
        axes.set_xlabel(x)
        axes.grid()
    panels[0][0].set_ylabel(y)
    return describe(figure, *said, title=title)


@styled
def distributions(
    table: pd.DataFrame, value: str, group: str, facet: str = "", *, edges: NDArray[Any],
    colours: Sequence[str], text: str, label: str, width: float = 7.6, say: Say | None = None,
) -> Figure:  # fmt: skip
    """A ridge for each group, its median marked; a panel for each value of `facet`, if given.

    The text alternative begins with `text` and tells what `say` says of a group, by default its
    median. Sizes are in inches. Raises DataError for no rows, or a column missing.
    """
    style.require(table, value, group, *filter(None, [facet]))
    shown = table if facet else table.assign(panel="")
    names = [str(name) for name in table[group].unique()]
    height = 1.3 + 0.62 * len(names)
    figure, panels = panel_for_each(shown, facet or "panel", width, height, sharey=True)
    said = [text]
    for axes, panel, own in panels:
        for name, rows in groups_of(own, group):
            row = names.index(name)
            style.ridge(axes, row, rows[value].to_numpy(float), edges, colours[row % len(colours)])
            words = say(rows) if say else f"median {np.median(rows[value]):.2f}"
            said.append(f"{', '.join(filter(None, [panel, name]))}: {words}.")
        style.ridge_rows(axes, names)
        axes.set_xlabel(label)
    return describe(figure, *said)
