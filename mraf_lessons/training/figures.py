"""Figures of the training objective: soft teachers, pulled embeddings, who learns from what."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from mraf.evaluation.differences import BETTER, OPEN, WORSE
from mraf_lessons.kit import charts, style
from mraf_lessons.kit.forest import forest
from mraf_lessons.kit.panels import colour_bar, table_image
from mraf_lessons.kit.results import history
from mraf_lessons.kit.style import Figure, describe, draws, row_of_panels, styled
from mraf_lessons.training.view import spread_in_words

progress = history

COLOURS = [style.PALETTE[c] for c in ("blue", "orange", "green", "purple", "vermillion", "sky")]


@styled
def softened(
    probability: Mapping[float, NDArray[Any]], gradient: pd.DataFrame, names: Sequence[str]
) -> Figure:
    """A teacher softmax(z / T) (C,) by T, and the length of the student's gradient.

    The gradient has the index T and the columns "with the factor T²" and "without".
    """
    figure, (left, right) = row_of_panels(2, 4.5, 3.1, width_ratios=[3, 2])
    teacher = pd.DataFrame(probability, index=list(names)).rename(columns="T = {:g}".format)
    teacher.plot.bar(ax=left, width=0.85, rot=0, color=COLOURS)
    left.set(title="Softened teacher", xlabel="speaker", ylabel="probability")
    left.legend(ncols=2)
    left.grid(axis="y")
    gradient.plot(ax=right, style=[".-", ".--"], color=style.INK)
    right.set(title="Gradient on the student", xlabel="temperature T (log scale)", ylabel="length")
    right.set_xscale("log", base=2)
    right.xaxis.set_major_formatter("{x:g}")
    right.set_ylim(0)
    right.grid()
    said = [f"{t}: largest {p.max():.2f}, smallest {p.min():.3f}." for t, p in teacher.items()]
    said += [f"Gradient {name}: from {length.iloc[0]:.3f} to {length.iloc[-1]:.3f}."
             for name, length in gradient.items()]  # fmt: skip
    return describe(figure, "Bars of a teacher's probabilities.", *said)


def draw_paths(
    axes: Axes, path: NDArray[Any], group: NDArray[Any], centers: Any, limit: float
) -> None:
    """The ways of points (S, N, 2) from hollow to filled by their class (N,), and the centres."""
    for c, colour in zip(np.unique(group), COLOURS, strict=False):
        own = path[:, group == c]
        axes.plot(own[..., 0], own[..., 1], color=colour, lw=0.7, alpha=0.4)
        axes.plot(*own[0].T, "o", mfc="none", mec=colour, ms=4, mew=0.8)
        axes.plot(*own[-1].T, "o", color=colour, ms=5, mew=0)
    if centers is not None:
        axes.plot(
            *np.transpose(centers), "+", color=style.INK, ms=13, mew=2.5, zorder=4, label="centre"
        )
    axes.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    axes.grid()


@styled
def pull(
    paths: Mapping[str, NDArray[Any]], centers: Mapping[str, NDArray[Any]], group: NDArray[Any]
) -> Figure:
    """Where points (S, N, 2) of classes (N,) went under each objective, and their last centres."""
    figure, panels = row_of_panels(len(paths), 3.1, 4.0)
    limit = 1.08 * max(float(np.abs(path).max()) for path in paths.values())
    said = [f"Paths of {len(group)} points."]
    for axes, (name, path) in zip(panels, paths.items(), strict=True):
        draw_paths(axes, path, group, centers.get(name), limit)
        axes.set_title(name)
        said.append(f"{name}: {spread_in_words(path, group)}.")
    grey: Any = {"ls": "", "marker": "o", "color": style.GREY}
    handles = [
        Line2D([], [], mfc="none", label="start", **grey),
        Line2D([], [], label="end", **grey),
        Line2D([], [], ls="", marker="+", color=style.INK, ms=9, mew=2, label="centre"),
    ]
    figure.legend(
        handles=handles, title="first and second number of a 2-d embedding", ncols=len(handles),
        loc="outside lower center", fontsize=8.5, title_fontproperties={"size": 8.5},
    )  # fmt: skip
    return describe(figure, *said)


@styled
def gradient_reach(table: pd.DataFrame) -> Figure:
    """Lengths of gradients by part of the objective and of the network; exactly zero is white."""
    style.require(table)
    figure, (axes,) = row_of_panels(1, 9.4, 1.7 + 0.42 * len(table))
    shown = np.ma.masked_equal(table.to_numpy(float), 0)
    texts = np.array([[f"{value:.1g}" if value else "0" for value in row] for row in table.values])
    columns = [str(name).replace(" ", "\n") for name in table.columns]
    dark = 3 * np.sqrt(shown.min() * shown.max())
    colours: dict[str, Any] = {"cmap": "Blues", "norm": LogNorm()}
    image = table_image(axes, shown, table.index, columns, dark, texts, **colours)
    axes.tick_params(labelsize=8.5)
    axes.spines[:].set_visible(False)
    axes.set(title="Length of the gradient", xlabel="part of the network")
    colour_bar(figure, image, axes, "log scale", pad=0.01, aspect=15)
    said = (
        f"{name} moves {', '.join(map(str, row.index[row != 0])) or 'nothing'}."
        for name, row in table.iterrows()
    )
    return describe(figure, "A table of gradients.", *said)


@draws("variant", "setting", "seed", "difference", "low", "high", "verdict")
def ablation(table: pd.DataFrame, against: str) -> Figure:
    """What a change does to the accuracy in each setting: a dot a seed with its interval."""
    clear = table.verdict.isin([BETTER, WORSE])
    return forest(
        table.assign(hollow=~clear, colour=np.where(clear, style.FUSED, style.GREY)),
        "variant", "setting", "difference", split="seed", points=True, zero=True,
        legend={"told apart": style.FUSED, f"equal, or {OPEN}": style.GREY},
        label=f"difference to {against}, in points; 95% intervals over videos",
    )  # fmt: skip


@styled
def curves(table: pd.DataFrame, x: str, y: str, by: str, title: str) -> Figure:
    """Lines of a measured quantity, one for each value of a column."""
    figure = charts.curves(table, x, y, by, text=f"Lines of {y} over {x}.")
    (axes,) = figure.axes
    axes.set_title(title)
    axes.legend()
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure
