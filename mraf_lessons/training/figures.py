"""Figures of the training objective: soft teachers, pulled embeddings, who learns from what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from mraf.evaluation.differences import OPEN
from mraf_lessons.kit.forest import forest
from mraf_lessons.kit.results import LOSSES
from mraf_lessons.kit.style import (
    FUSED,
    GREY,
    INK,
    PALETTE,
    SETTING,
    Figure,
    describe,
    new_figure,
    percent_axis,
    require,
    styled,
)
from mraf_lessons.training.view import spread

COLOURS = [PALETTE[name] for name in ("blue", "orange", "green", "purple", "vermillion", "sky")]


@styled
def softened(
    probability: Mapping[float, NDArray[Any]], gradient: pd.DataFrame, names: Sequence[str]
) -> Figure:
    """A teacher at several temperatures, and the size of the gradient that a student gets from it.

    Args:
        probability: softmax(z / T), shape (C,), by T.
        gradient: index T; columns "with the factor T²" and "without".
        names: of the C speakers, as they are drawn.
    """
    figure = new_figure(9, 3.1)
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    width = 0.85 / len(probability)
    sentences = []
    for number, (temperature, p) in enumerate(probability.items()):
        x = np.arange(len(p)) + (number - (len(probability) - 1) / 2) * width
        left.bar(x, p, width, color=COLOURS[number % len(COLOURS)], label=f"T = {temperature:g}")
        sentences.append(f"T = {temperature:g}: largest {p.max():.2f}, smallest {p.min():.3f}.")
    left.set_xticks(np.arange(len(names)), list(names))
    left.set(title="Softened teacher", xlabel="speaker", ylabel="probability")
    left.legend(ncols=2)
    left.grid(axis="y")
    for column, line in zip(gradient.columns, ("-", "--"), strict=False):
        right.plot(gradient.index, gradient[column], line, color=INK, marker=".", label=column)
        first, last = gradient[column].iloc[[0, -1]]
        sentences.append(f"Gradient {column}: from {first:.3f} to {last:.3f}.")
    right.set(title="Gradient on the student", xlabel="temperature T (log scale)", ylabel="length")
    right.set_xscale("log", base=2)
    right.xaxis.set_major_formatter("{x:g}")
    right.set_ylim(0)
    right.legend()
    right.grid()
    return describe(figure, "Bars of a teacher's probabilities. " + " ".join(sentences))


def _legend(figure: Figure, handles: list[Line2D], title: str) -> None:
    small: dict[str, Any] = {"fontsize": 8.5, "title_fontproperties": {"size": 8.5}}
    figure.legend(
        handles=handles, title=title, loc="outside lower center", ncols=len(handles), **small
    )


@styled
def pull(
    paths: Mapping[str, NDArray[Any]], centers: Mapping[str, NDArray[Any]], group: NDArray[Any]
) -> Figure:
    """Where points and centres went under each objective, in the plane.

    Args:
        paths: steps of the points (S, N, 2) by the name of the objective.
        centers: where the centres are in the end (C, 2), by the same names; may lack some.
        group: class of each point (N,).
    """
    figure = new_figure(3.1 * len(paths), 4.0)
    panels = figure.subplots(1, len(paths), squeeze=False)[0]
    sentences = []
    for axes, (name, path) in zip(panels, paths.items(), strict=True):
        for c, colour in zip(np.unique(group), COLOURS, strict=False):
            own = path[:, group == c]
            axes.plot(own[..., 0], own[..., 1], color=colour, lw=0.7, alpha=0.45)
            axes.scatter(*own[0].T, s=10, facecolors="none", edgecolors=[colour], lw=0.8)
            axes.scatter(own[-1, :, 0], own[-1, :, 1], s=16, color=colour, lw=0)
        if name in centers:
            axes.scatter(*np.asarray(centers[name]).T, marker="+", s=110, color=INK, lw=2, zorder=4)
        limit = 1.08 * max(float(np.abs(other).max()) for other in paths.values())
        axes.set(title=name, xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
        axes.grid()
        before, after = spread(path[0], group), spread(path[-1], group)
        sentences.append(
            f"{name}: within classes the spread goes from {before[0]:.2f} to {after[0]:.2f}, "
            f"between them from {before[1]:.2f} to {after[1]:.2f}."
        )
    handles = [
        Line2D([], [], ls="", marker="o", mfc="none", color=GREY, label="start"),
        Line2D([], [], ls="", marker="o", color=GREY, label="end"),
        Line2D([], [], ls="", marker="+", color=INK, ms=9, mew=2, label="centre"),
    ]
    _legend(figure, handles, "first and second number of a 2-d embedding")
    return describe(figure, f"Paths of {len(group)} points. " + " ".join(sentences))


@styled
def gradient_reach(table: pd.DataFrame) -> Figure:
    """Which part of the objective moves which part of the network; exactly zero is left white.

    Args:
        table: lengths of gradients, one row a part of the objective, one column a part of the
            network.
    """
    require(table)
    figure = new_figure(9.4, 1.7 + 0.42 * len(table))
    axes = figure.subplots()
    values = table.to_numpy(float)
    shown = np.ma.masked_equal(values, 0)
    image = axes.imshow(shown, cmap="Blues", norm=LogNorm(), aspect="auto")
    middle = np.sqrt(shown.min() * shown.max())
    for row, column in np.ndindex(values.shape):
        value = values[row, column]
        colour = "white" if value > middle * 3 else INK
        text = f"{value:.1g}" if value else "0"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8.5)
    axes.set_xticks(range(len(table.columns)), [str(c).replace(" ", "\n") for c in table.columns])
    axes.set_yticks(range(len(table)), [str(name) for name in table.index])
    axes.tick_params(length=0, labelsize=8.5)
    axes.spines[:].set_visible(False)
    axes.set(title="Length of the gradient", xlabel="part of the network")
    bar = figure.colorbar(image, ax=axes, pad=0.01, aspect=15)
    bar.outline.set_visible(False)
    bar.set_label("log scale", fontsize=8)
    sentences = []
    for name, row in table.iterrows():
        moved = ", ".join(str(column) for column in table.columns if row[column])
        sentences.append(f"{name} moves {moved or 'nothing'}.")
    return describe(figure, "A table of gradients. " + " ".join(sentences))


@styled
def progress(history: pd.DataFrame, scores: pd.DataFrame, epochs: int | None = None) -> Figure:
    """Loss parts and P3–P6 by epoch, while a run is under way or when it is over.

    Args:
        history: of the run so far: epoch and the loss parts.
        scores: accuracy (fractions) of each judged epoch: index epoch, columns P3 … P6.
        epochs: how many there will be; by default as many as there are.
    """
    require(history, "epoch", "loss")
    epochs = epochs or int(history.epoch.max())
    figure = new_figure(9, 3.9)
    left, right = figure.subplots(1, 2)
    for column, (label, colour, line) in LOSSES.items():
        if column in history.columns and (history[column] > 0).any():
            left.plot(history.epoch, history[column], line, color=colour, label=label, marker=".")
    left.set_yscale("log")
    left.set(title="Loss and its parts, unweighted", xlabel="epoch", ylabel="loss (log scale)")
    left.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.19), ncols=3)
    for (name, values), mark in zip(scores.items(), "os^D", strict=False):
        colour, line = SETTING.get(str(name), (FUSED, "-"))
        right.plot(scores.index, values, line, color=colour, marker=mark, ms=4, label=str(name))
    right.set(title="Accuracy on held-out videos", xlabel="epoch", ylim=(-0.02, 1.03))
    right.legend(ncols=2, loc="lower right")
    percent_axis(right)
    for axes in (left, right):
        axes.grid()
        axes.set_xlim(0.5, epochs + 0.5)
        axes.xaxis.get_major_locator().set_params(integer=True)
    last = ", ".join(f"{name} {values.iloc[-1]:.1%}" for name, values in scores.items())
    text = (
        f"Two line plots, {len(history)} of {epochs} epochs. The loss goes from "
        f"{history.loss.iloc[0]:.3g} to {history.loss.iloc[-1]:.3g}. Last accuracies: {last}."
    )
    return describe(figure, text)


def ablation(table: pd.DataFrame, against: str) -> Figure:
    """What a change does to the accuracy in each setting: a dot a seed with its interval.

    Args:
        table: columns variant, setting, seed, difference, low, high (fractions) and verdict, the
            columns of ``mraf.evaluation.differences.paired_difference``.
        against: what the variants are compared with, for the label of the axis.
    """
    require(table, "variant", "setting", "seed", "difference", "low", "high", "verdict")
    clear = table.verdict != OPEN
    figure = forest(
        table.assign(hollow=~clear, colour=np.where(clear, FUSED, GREY)), "variant", "setting",
        "difference", split="seed", points=True, zero=True,
        legend={"told apart": FUSED, OPEN: GREY},
        label=f"difference to {against}, in points; 95% intervals over videos",
    )  # fmt: skip
    of = table.assign(clear=clear).groupby(["variant", "setting"], sort=False)
    said = [
        f"{variant}, {setting}: {100 * rows.difference.mean():+.1f} points on average, "
        f"told apart in {rows.clear.sum()} of {len(rows)} seeds."
        for (variant, setting), rows in of
    ]
    return describe(figure, "Differences with intervals, a dot a seed.", *said)


@styled
def curves(table: pd.DataFrame, x: str, y: str, by: str, title: str) -> Figure:
    """Lines of a measured quantity, one for each value of a column.

    Args:
        table: columns x, y and by.
    """
    require(table, x, y, by)
    figure = new_figure(6.4, 3.2)
    axes = figure.subplots()
    sentences = []
    for (name, rows), colour in zip(table.groupby(by, sort=False), COLOURS, strict=False):
        axes.plot(rows[x], rows[y], color=colour, marker=".", label=str(name))
        sentences.append(f"{name}: from {rows[y].iloc[0]:.3g} to {rows[y].iloc[-1]:.3g}.")
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.legend()
    axes.grid()
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return describe(figure, f"Lines of {y} over {x}. " + " ".join(sentences))
