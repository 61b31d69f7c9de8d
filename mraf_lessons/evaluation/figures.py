"""Figures of an evaluation looked at closely: intervals, errors, confusions, calibration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mraf.errors import DataError
from mraf_lessons.kit.forest import forest
from mraf_lessons.kit.style import (
    CONDITIONS,
    FUSED,
    GREY,
    INK,
    OTHER,
    PALE,
    PALETTE,
    SETTING,
    Figure,
    describe,
    new_figure,
    percent_axis,
    require,
    styled,
)

UNIT = {"clips": PALETTE["vermillion"], "videos": FUSED}


def interval_comparison(table: pd.DataFrame) -> Figure:
    """Intervals that draw clips beside intervals that draw videos.

    Args:
        table: columns setting, drawn ("clips", "videos"), accuracy, low, high (fractions).
    Raises:
        DataError: no rows, or a column missing.
    """
    require(table, "setting", "drawn", "accuracy", "low", "high")
    colours = {unit: UNIT.get(unit, OTHER) for unit in table.drawn.unique()}
    shown = table.assign(
        facet="", colour=table.drawn.map(colours), split="drawing " + table.drawn,
        row=[f"{s}: {CONDITIONS[s]}" if s in CONDITIONS else s for s in table.setting],
    )  # fmt: skip
    legend = {f"drawing {unit}": colour for unit, colour in colours.items()}
    return forest(shown, "row", "facet", split="split", legend=legend,
                  label="accuracy, with its 95% interval")  # fmt: skip


@styled
def coverage(table: pd.DataFrame) -> Figure:
    """How often intervals from few videos hold the accuracy of all of them.

    Args:
        table: columns videos (how many were drawn), drawn ("clips", "videos") and covers (share of
            the trials whose interval holds the truth).
    Raises:
        DataError: no rows, or a column missing.
    """
    require(table, "videos", "drawn", "covers")
    figure = new_figure(5.6, 3.4)
    axes = figure.subplots()
    sentences = []
    for unit, rows in table.groupby("drawn", sort=False):
        rows = rows.sort_values("videos")
        colour = UNIT.get(str(unit), OTHER)
        axes.plot(rows.videos, rows.covers, "o-", color=colour, label=f"drawing {unit}")
        points = ", ".join(f"{r.covers:.0%} of {r.videos} videos" for r in rows.itertuples())
        sentences.append(f"Drawing {unit}: {points}.")
    axes.axhline(0.95, color=GREY, ls="--", lw=1)
    axes.annotate("promised: 95%", (1, 0.95), (0, 4), ("axes fraction", "data"),
                  textcoords="offset points", ha="right", fontsize=8, color=GREY)  # fmt: skip
    axes.set(xlabel="videos judged", ylabel="intervals that hold the truth", ylim=(0, 1.05))
    axes.set_xticks(sorted(table.videos.unique()))
    percent_axis(axes)
    axes.grid()
    axes.legend(loc="lower right")
    return describe(figure, "How often a 95% interval holds the truth. " + " ".join(sentences))


@styled
def errors_by_video(
    errors: Mapping[str, NDArray[Any]], clips: Mapping[str, NDArray[Any]]
) -> Figure:
    """Which share of the errors the worst videos hold, one curve a setting.

    Args:
        errors: by setting, the number of misnamed clips of each video, shape (V,).
        clips: by setting, the number of clips of each video, shape (V,).
    Raises:
        DataError: nothing to draw, or shapes that differ.
    """
    if not errors or any(np.shape(errors[k]) != np.shape(clips[k]) for k in errors):
        raise DataError("give errors and clips of each video, by setting, in arrays of one shape.")
    figure = new_figure(8.6, 3.5)
    left, right = figure.subplots(1, 2)
    sentences: list[str] = []
    evenly: list[NDArray[Any]] = []
    for setting, wrong in errors.items():
        wrong, size = np.asarray(wrong, dtype=float), np.asarray(clips[setting], dtype=float)
        colour, line = SETTING.get(setting, (FUSED, "-"))
        share = wrong / size
        rank = (np.arange(len(share)) + 1) / len(share)
        right.plot(rank, np.sort(share)[::-1], line, color=colour, label=setting)
        if not wrong.any():
            sentences.append(f"{setting}: no errors.")
            continue
        part = _held_by_first(wrong)
        left.plot(np.linspace(0, 1, len(part)), part, line, color=colour, label=setting)
        if not any(np.array_equal(size, other) for other in evenly):  # P4 has the clips of P3
            of_clips, label = _held_by_first(size), None if evenly else "errors at one rate"
            left.plot(
                np.linspace(0, 1, len(part)), of_clips, ":", color=colour, lw=1.2, label=label
            )
            evenly.append(size)
        half = int(np.argmax(part >= 0.5))
        sentences.append(
            f"{setting}: half of the {int(wrong.sum())} errors are in {half} of {len(wrong)} "
            f"videos; {int((share > 0.5).sum())} videos are mostly misnamed."
        )
    left.set(title="Errors are in few videos", xlabel="share of the videos, most errors first",
             ylabel="share of the errors")  # fmt: skip
    right.set(title="How much of a video is misnamed", xlabel="share of the videos, worst first",
              ylabel="clips misnamed")  # fmt: skip
    for axes in (left, right):
        percent_axis(axes)
        percent_axis(axes, "x")
        axes.grid()
    left.legend(fontsize=8, loc="lower right")
    return describe(figure, "Curves of errors over videos. " + " ".join(sentences))


def _held_by_first(counts: NDArray[Any]) -> NDArray[np.float64]:
    """What the first 0, 1, … V of V videos hold of all, the largest first, shape (V + 1,)."""
    return np.concatenate([[0], np.cumsum(np.sort(counts)[::-1])]) / counts.sum()


@styled
def errors_by_training_clips(table: pd.DataFrame) -> Figure:
    """Accuracy of each speaker against how many clips of theirs were trained on.

    Args:
        table: columns setting, trained (training clips, at least 1), accuracy, clips (judged).
    Raises:
        DataError: no rows, or a column missing.
    """
    require(table, "setting", "trained", "accuracy", "clips")
    settings = [str(name) for name in table.setting.unique()]
    figure = new_figure(1.2 + 2.1 * len(settings), 3)
    panels = figure.subplots(1, len(settings), sharex=True, sharey=True, squeeze=False)[0]
    sentences = []
    for axes, setting in zip(panels, settings, strict=True):
        rows = table[table.setting == setting]
        size = 8 + 60 * rows.clips.astype(float) / float(table.clips.max())
        axes.scatter(rows.trained, rows.accuracy, s=size, color=FUSED, alpha=0.6, lw=0)
        rank = float(rows.trained.rank().corr(rows.accuracy.rank()))
        axes.set_title(setting)
        axes.text(1, 1.03, f"rank correlation {rank:.2f}", transform=axes.transAxes,
                  ha="right", fontsize=8, color=GREY)  # fmt: skip
        axes.set_xscale("log")
        axes.grid()
        sentences.append(f"{setting}: rank correlation {rank:.2f} over {len(rows)} speakers.")
    percent_axis(panels[0])
    panels[0].set_ylabel("accuracy of the speaker")
    figure.supxlabel("clips of the speaker in training (log scale)", fontsize=9.5)
    text = "Scatter plots of speakers: accuracy against the number of their training clips. "
    return describe(figure, text + " ".join(sentences))


@styled
def confusions(counts: pd.DataFrame) -> Figure:
    """Whom the clips of the worst speakers were taken for, as shares of each speaker's clips.

    Args:
        counts: one row a true speaker, one column a named speaker (or "others"), clips.
    Raises:
        DataError: no rows.
    """
    if counts.empty:
        raise DataError("the table to be drawn has no rows; it needs speakers.")
    share = counts.div(counts.sum(axis=1), axis=0)
    figure = new_figure(2.4 + 0.36 * counts.shape[1], 1.3 + 0.34 * len(counts))
    axes = figure.subplots()
    image = axes.imshow(share, cmap="Greens", vmin=0, vmax=1, aspect="auto")
    for i, true in enumerate(counts.index):
        for j, named in enumerate(counts.columns):
            if counts.iat[i, j]:
                colour = "white" if share.iat[i, j] > 0.6 else INK
                axes.text(j, i, str(counts.iat[i, j]), ha="center", va="center", fontsize=7.5,
                          color=colour, weight="bold" if true == named else "normal")  # fmt: skip
    axes.set_xticks(range(counts.shape[1]), [str(name) for name in counts.columns], rotation=90)
    axes.set_yticks(range(len(counts)), [str(name) for name in counts.index])
    axes.set(xlabel="named speaker", ylabel="true speaker, worst first")
    axes.tick_params(length=0)
    bar = figure.colorbar(image, ax=axes, pad=0.02, aspect=30)
    bar.set_label("share of the speaker's clips", fontsize=9)
    percent_axis(bar.ax)
    bar.outline.set_visible(False)
    wrong = share.drop(columns="others", errors="ignore")  # others are many, each is few
    for name in share.index.intersection(share.columns):
        wrong.loc[name, name] = 0.0
    true, named = wrong.stack().idxmax()
    text = (
        f"A matrix of {len(counts)} speakers and whom their clips were taken for. Most frequent: "
        f"{wrong.loc[true, named]:.0%} of the clips of speaker {true} were taken for {named}."
    )
    return describe(figure, text)


@styled
def reliability_diagrams(bins: Mapping[str, pd.DataFrame]) -> Figure:
    """Accuracy against confidence, bin by bin, a panel for each name; below it the bins' clips.

    Args:
        bins: tables of ``mraf.evaluation.calibration.reliability_bins`` by the name of the panel.
    Raises:
        DataError: nothing to draw, or a table without rows or lacking a column.
    """
    if not bins:
        raise DataError("nothing to draw; give at least one table of bins.")
    figure = new_figure(1.2 + 2.0 * len(bins), 3.5)
    panels = figure.subplots(
        2, len(bins), sharex=True, sharey="row", squeeze=False, height_ratios=[3, 1]
    )
    sentences = []
    for (upper, lower), (name, table) in zip(panels.T, bins.items(), strict=True):
        require(table, "low", "high", "clips", "confidence", "accuracy")
        width, centre = table.high - table.low, (table.low + table.high) / 2
        upper.plot([0, 1], [0, 1], color=GREY, ls="--", lw=1)
        upper.bar(centre, table.accuracy, 0.94 * width, color=FUSED, alpha=0.6)
        upper.plot(table.confidence, table.accuracy, "o", color=INK, ms=3)
        ece = np.average((table.accuracy - table.confidence).abs(), weights=table.clips)
        means = [
            float(np.average(table[k], weights=table.clips)) for k in ("confidence", "accuracy")
        ]
        upper.set_title(name)
        upper.text(0.04, 0.9, f"ECE {100 * ece:.1f} points", transform=upper.transAxes, fontsize=8)
        lower.bar(centre, table.clips / table.clips.sum(), 0.94 * width, color=PALE)
        for axes in (upper, lower):
            percent_axis(axes)
            axes.grid(axis="y")
        sentences.append(
            f"{name}: mean confidence {means[0]:.1%}, accuracy {means[1]:.1%}, expected "
            f"calibration error {100 * ece:.1f} points."
        )
    panels[0, 0].set(ylabel="accuracy", ylim=(0, 1.02), xlim=(0, 1))
    panels[1, 0].set_ylabel("clips")
    percent_axis(panels[1, 0], "x")
    figure.supxlabel("confidence: probability of the named speaker", fontsize=9.5)
    return describe(figure, "Bars of accuracy by confidence. " + " ".join(sentences))
