"""Figures of an evaluation looked at closely: intervals, errors, confusions, calibration."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mraf.errors import DataError
from mraf_lessons.kit import charts, style
from mraf_lessons.kit.forest import forest
from mraf_lessons.kit.panels import colour_bar, table_image
from mraf_lessons.kit.style import Figure, describe, draws, percent_axis, row_of_panels, styled

UNIT = {"drawing clips": style.PALETTE["vermillion"], "drawing videos": style.FUSED}


@draws("setting", "drawn", "accuracy", "low", "high")
def interval_comparison(table: pd.DataFrame) -> Figure:
    """Intervals that draw clips beside intervals that draw videos, as the column drawn says."""
    drawing = "drawing " + table.drawn
    names = {name: f"{name}: {condition}" for name, condition in style.CONDITIONS.items()}
    shown = table.assign(facet="", drawing=drawing, row=table.setting.replace(names))
    shown["colour"] = drawing.map(UNIT).fillna(style.OTHER)
    legend = dict(zip(shown.drawing, shown.colour, strict=True))
    label = "accuracy, with its 95% interval"
    return forest(shown, "row", "facet", split="drawing", legend=legend, label=label)


@draws("videos", "drawn", "covers")
def coverage(table: pd.DataFrame) -> Figure:
    """The share of trials whose interval holds the truth, by videos judged and what was drawn."""
    drawing = "drawing " + table.drawn
    looks = {name: {"marker": "o", "color": UNIT.get(name, style.OTHER)} for name in drawing}
    figure = charts.curves(
        table.assign(drawn=drawing), "videos", "covers", "drawn", width=5.6, looks=looks,
        text="How often a 95% interval holds the truth.",
        say=lambda own: ", ".join(f"{r.covers:.0%} of {r.videos} videos" for r in own.itertuples()),
    )  # fmt: skip
    (axes,) = figure.axes
    axes.axhline(0.95, color=style.GREY, ls="--", lw=1, label="promised: 95%")
    axes.set(xlabel="videos judged", ylabel="intervals that hold the truth", ylim=(0, 1.05))
    axes.set_xticks(sorted(table.videos.unique()))
    percent_axis(axes)
    axes.legend(loc="lower right")
    return figure


@styled
def errors_by_video(
    errors: Mapping[str, NDArray[Any]], clips: Mapping[str, NDArray[Any]]
) -> Figure:
    """Which share of the errors the worst videos hold, one curve a setting.

    Both are numbers of clips of each video (V,) by setting. Raises DataError for other shapes.
    """
    if not errors or any(np.shape(errors[k]) != np.shape(clips[k]) for k in errors):
        raise DataError("give errors and clips of each video, by setting, in arrays of one shape.")
    figure, (left, right) = row_of_panels(2, 4.3, 3.5)
    said = ["Curves of errors over videos."]
    evenly: list[NDArray[Any]] = []
    for setting, wrong in errors.items():
        wrong, size = np.asarray(wrong, dtype=float), np.asarray(clips[setting], dtype=float)
        colour, line = style.SETTING.get(setting, (style.FUSED, "-"))
        videos, share = np.linspace(0, 1, len(wrong) + 1), wrong / size
        right.plot(videos[1:], np.sort(share)[::-1], line, color=colour, label=setting)
        if not wrong.any():
            said.append(f"{setting}: no errors.")
            continue
        part = _held_by_first(wrong)
        left.plot(videos, part, line, color=colour, label=setting)
        if not any(np.array_equal(size, other) for other in evenly):  # P4 has the clips of P3
            label = None if evenly else "errors at one rate"
            left.plot(videos, _held_by_first(size), ":", color=colour, lw=1.2, label=label)
            evenly.append(size)
        said.append(
            f"{setting}: half of the {int(wrong.sum())} errors are in {int(np.argmax(part >= 0.5))}"
            f" of {len(wrong)} videos; {int((share > 0.5).sum())} videos are mostly misnamed."
        )
    left.set(title="Errors are in few videos", ylabel="share of the errors")
    right.set(title="How much of a video is misnamed", ylabel="clips misnamed")
    for axes, first in ((left, "most errors"), (right, "worst")):
        axes.set_xlabel(f"share of the videos, {first} first")
        percent_axis(axes, "both")
        axes.grid()
    left.legend(fontsize=8, loc="lower right")
    return describe(figure, *said)


def _held_by_first(counts: NDArray[Any]) -> NDArray[np.float64]:
    """What the first 0, 1, … V of V videos hold of all, the largest first, shape (V + 1,)."""
    return np.cumsum([0, *np.sort(counts)[::-1]]) / counts.sum()


@styled
def confusions(counts: pd.DataFrame) -> Figure:
    """Whom clips of a true speaker (row) were taken for (column, or "others"), as shares."""
    if counts.empty:
        raise DataError("the table to be drawn has no rows; it needs speakers.")
    share = counts.div(counts.sum(axis=1), axis=0)
    width, height = 2.4 + 0.36 * counts.shape[1], 1.3 + 0.34 * len(counts)
    figure, (axes,) = row_of_panels(1, width, height)
    image = table_image(  # others are many, each is few: no colour
        axes, (share * (share.columns != "others")).to_numpy(), counts.index, counts.columns, 0.6,
        np.where(counts > 0, counts.astype(str), ""), cmap="Greens", vmin=0, vmax=1,
    )  # fmt: skip
    for text in axes.texts:
        column, row = (int(place) for place in text.get_position())
        if counts.columns[column] == counts.index[row]:
            text.set_fontweight("bold")
    axes.tick_params(axis="x", rotation=90)
    axes.set(xlabel="named speaker", ylabel="true speaker, worst first")
    percent_axis(colour_bar(figure, image, axes, "share of the speaker's clips"))
    wrong = share.drop(columns="others", errors="ignore").stack()
    wrong = wrong[[true != named for true, named in wrong.index]]
    true, named = wrong.idxmax()
    worst = f"{wrong.max():.0%} of the clips of speaker {true} were taken for {named}."
    return describe(figure, f"A matrix of {len(counts)} speakers. Most frequent: {worst}")


@styled
def reliability_diagrams(bins: Mapping[str, pd.DataFrame]) -> Figure:
    """Accuracy against confidence by panel, for tables of ``reliability_bins``; below it clips."""
    if not bins:
        raise DataError("nothing to draw; give at least one table of bins.")
    figure = style.new_figure(1.2 + 2.0 * len(bins), 3.5)
    panels = figure.subplots(
        2, len(bins), sharex=True, sharey="row", squeeze=False, height_ratios=[3, 1]
    )
    said = ["Bars of accuracy by confidence."]
    for (upper, lower), (name, table) in zip(panels.T, bins.items(), strict=True):
        style.require(table, "low", "high", "clips", "confidence", "accuracy")
        share = table.clips / table.clips.sum()
        width, centre = 0.94 * (table.high - table.low), (table.low + table.high) / 2
        upper.plot([0, 1], [0, 1], color=style.GREY, ls="--", lw=1)
        upper.bar(centre, table.accuracy, width, color=style.FUSED, alpha=0.6)
        upper.plot(table.confidence, table.accuracy, "o", color=style.INK, ms=3)
        ece = 100 * (share * (table.accuracy - table.confidence).abs()).sum()
        upper.set_title(name)
        style.note(upper, 0.04, 0.9, f"ECE {ece:.1f} points", color=style.INK)
        lower.bar(centre, share, width, color=style.PALE)
        for axes in (upper, lower):
            percent_axis(axes)
            axes.grid(axis="y")
        said.append(
            f"{name}: mean confidence {(share * table.confidence).sum():.1%}, accuracy "
            f"{(share * table.accuracy).sum():.1%}, expected calibration error {ece:.1f} points."
        )
    panels[0, 0].set(ylabel="accuracy", ylim=(0, 1.02), xlim=(0, 1))
    panels[1, 0].set_ylabel("clips")
    percent_axis(panels[1, 0], "x")
    figure.supxlabel("confidence: probability of the named speaker", fontsize=9.5)
    return describe(figure, *said)
