"""The figure of scale: time and memory against the number of speakers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from mraf_lessons.kit.style import PALETTE, Figure, describe, new_figure, require, styled

PARTS = {
    "training step": "a step of training, 64 clips",
    "query of the network": "naming a clip with the network",
    "search": "naming a clip by nearest class mean",
}
COLOURS = [PALETTE[name] for name in ("vermillion", "blue", "green", "orange", "purple")]
MARKS = "os^Dv"


@styled
def against_speakers(table: pd.DataFrame) -> Figure:
    """Time above, memory below, on logarithmic axes; a column for each kind of work.

    Args:
        table: columns what, method, speakers, clips, seconds, memory_mb, as
            ``benchmarks/scale.py`` records them. Queries are shown one clip at a time.
    Raises:
        DataError: no rows, or a column missing.
    """
    require(table, "what", "method", "speakers", "clips", "seconds", "memory_mb")
    parts = [what for what in PARTS if (table.what == what).any()]
    figure = new_figure(3.4 * len(parts) + 0.4, 5.6)
    panels = figure.subplots(2, len(parts), sharex=True, squeeze=False)
    sentences = []
    for column, what in zip(panels.T, parts, strict=True):
        rows = table[table.what == what]
        rows = rows[rows.clips == rows.clips.min()]
        for number, (method, own) in enumerate(rows.groupby("method", sort=False)):
            own = own.sort_values("speakers")
            style = {"color": COLOURS[number % 5], "marker": MARKS[number % 5], "ms": 4.5}
            column[0].plot(own.speakers, own.seconds, label=method, **style)
            column[1].plot(own.speakers, own.memory_mb, **style)
            first, last = own.iloc[0], own.iloc[-1]
            sentences.append(
                f"{what}, {method}: {duration(first.seconds)} and {first.memory_mb:.3g} MB with "
                f"{first.speakers:,} speakers, {duration(last.seconds)} and {last.memory_mb:.3g} "
                f"MB with {last.speakers:,}."
            )
        column[0].set_title(PARTS[what], fontsize=9.5)
        column[0].legend(fontsize=7.5, loc="upper left")
        for axes, unit in zip(column, (duration, "{:g} MB".format), strict=True):
            _logarithmic(axes, table.speakers.unique(), unit)
        column[1].set_xlabel("speakers")
    panels[0, 0].set_ylabel("time")
    panels[1, 0].set_ylabel("memory")
    return describe(figure, "Time and memory against speakers. " + " ".join(sentences))


def _logarithmic(axes: Axes, speakers: np.ndarray, unit: Callable[[float], str]) -> None:
    axes.set(xscale="log", yscale="log")
    axes.set_xticks(speakers, [f"{n:,}" for n in speakers])
    axes.xaxis.set_minor_formatter(NullFormatter())
    low, high = axes.get_ylim()
    axes.set_ylim(low / 2, max(high * (high / low) ** 0.3, 20 * low))  # room for the legend
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: unit(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=0)
    axes.grid()


def duration(value: float) -> str:
    """Seconds with a unit that suits them."""
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if value * factor >= 1:
            return f"{value * factor:.3g} {unit}"
    return f"{value * 1e6:.3g} µs"
