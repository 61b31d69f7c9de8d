"""Figures of a corpus: how many clips, how long and how alike their features, how it is split."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mraf.data.clips import Corpus, FeatureSet
from mraf.data.describe import unit
from mraf.errors import DataError
from mraf_lessons.kit import style
from mraf_lessons.kit.panels import colour_bar, name_rows, panel_for_each, signed_image
from mraf_lessons.kit.style import (
    Figure,
    describe,
    draws,
    legend_below,
    new_figure,
    percent_axis,
    ridge,
    ridge_rows,
    row_of_panels,
    styled,
)

PARTS = {"train": "train", "cross": "cross", "test_english": "test", "test_cross": "test"}
RELATIONS = [style.PALETTE[name] for name in ("blue", "green", "sky", "vermillion", "purple")]
# of a box plot; Matplotlib 3.10 has renamed the argument
LYING: dict[str, Any] = (
    {"orientation": "horizontal"} if matplotlib.__version_info__ >= (3, 10) else {"vert": False}
)
SYSTEMS = [style.PALETTE[name] for name in ("vermillion", "blue", "green", "purple")]


@styled
def counts_and_imbalance(corpus: Corpus) -> Figure:
    """Clips of each speaker in both languages, most English ones first, and the videos of each.

    The first panel shows how unequal speakers are, the second how few videos stand behind them.
    """
    order = np.argsort(-np.bincount(corpus.train.labels, minlength=corpus.speakers), kind="stable")
    figure = new_figure(8, 5.2)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    rank = np.arange(corpus.speakers)
    said = ["Bars of clips and videos per speaker."]
    for part, colour, side in zip(
        (corpus.train, corpus.cross), style.LANGUAGES, (-1, 1), strict=True
    ):
        table = pd.DataFrame({"speaker": part.labels, "video": part.video})
        clips = np.bincount(part.labels, minlength=corpus.speakers)
        videos = np.bincount(table.drop_duplicates().speaker, minlength=corpus.speakers)
        for axes, values in ((upper, clips), (lower, videos)):
            axes.bar(rank + 0.21 * side, values[order], 0.42, color=colour, label=part.language)
        known = clips[clips > 0]
        said.append(
            f"{part.language}: {len(part):,} clips, {known.min()} to {known.max()} a speaker "
            f"(median {np.median(known):g}), {int((videos == 1).sum())} speakers with one video."
        )
    upper.set_yscale("log")
    upper.yaxis.set_major_formatter("{x:g}")
    upper.set(title="Clips of each speaker", ylabel="clips (log scale)")
    beside_title: Any = {"loc": "lower right", "bbox_to_anchor": (1, 1), "ncols": 2}
    upper.legend(**beside_title)  # bars may reach every corner of the panel
    lower.set(
        title="Videos of each speaker",
        ylabel="videos",
        xlabel="speakers, those with the most English clips first",
        xlim=(-0.8, corpus.speakers - 0.2),
    )
    for axes in (upper, lower):
        axes.grid(axis="y")
    return describe(figure, *said)


@styled
def norms(corpus: Corpus) -> Figure:
    """Distribution of the length of the embeddings, for each modality and part of the corpus."""
    figure, panels = row_of_panels(2, 4, 3.4)
    said = ["Box plots of lengths."]
    for axes, modality in zip(panels, style.MODALITY, strict=True):
        lengths = {}
        for name, part in corpus.parts.items():
            length = np.linalg.norm(getattr(part, modality), axis=1)
            if (length > 0).any():
                lengths[f"{part.language} {PARTS[name]}"] = length[length > 0]
        colour, grey = style.MODALITY[modality], {"color": style.GREY}
        axes.boxplot(
            list(lengths.values()), **LYING, whis=(5, 95), widths=0.55,
            showfliers=False, patch_artist=True,
            boxprops={"facecolor": colour, "alpha": 0.45, "edgecolor": colour},
            medianprops={"color": "black", "linewidth": 1.8}, whiskerprops=grey, capprops=grey,
        )  # fmt: skip
        axes.set_yticks(range(1, len(lengths) + 1), list(lengths))
        axes.invert_yaxis()
        axes.grid(axis="x")
        axes.set(title=f"{modality} ({getattr(corpus.train, modality).shape[1]} numbers)")
        axes.set_xlabel("length of the embedding (whiskers: 5% to 95%)")
        everything = np.concatenate(list(lengths.values()))
        low, middle, high = np.percentile(everything, [0, 50, 100])
        if high - low < 0.01 * middle:  # all alike: do not magnify rounding
            axes.set_xlim(0.5 * middle, 1.5 * middle)
            axes.text(
                1.04 * middle, 1.5, f"all of length {middle:.3g}", color=style.GREY, va="center"
            )
        said.append(
            f"{modality.capitalize()} embeddings have lengths from {low:.4g} to {high:.4g}, "
            f"median {middle:.4g}."
        )
    panels[1].tick_params(labelleft=False)
    return describe(figure, *said)


@draws("modality", "relation", "cosine")
def cosine_distributions(samples: pd.DataFrame) -> Figure:
    """How alike two clips are, by what they share: one speaker, one video, one language."""
    relations = [str(name) for name in samples.relation.unique()]
    width, height = 8.6 / samples.modality.nunique(), 1.3 + 0.62 * len(relations)
    figure, panels = panel_for_each(samples, "modality", width, height, sharey=True)
    edges = np.linspace(-1, 1, 101)
    said = ["Densities of cosine similarity between two clips; a tick marks each median."]
    for axes, modality, own in panels:
        colours = zip(relations, itertools.cycle(RELATIONS), strict=False)
        for row, (relation, colour) in enumerate(colours):
            cosines = own.cosine[own.relation == relation].to_numpy()
            if len(cosines):
                ridge(axes, row, cosines, edges, colour)
                said.append(f"{modality}, {relation}: median {np.median(cosines):.2f}.")
        axes.set(xlabel="cosine similarity", xlim=(-0.5, 1.02))
        ridge_rows(axes, relations)
    return describe(figure, *said)


@styled
def feature_rows(groups: Mapping[str, FeatureSet], numbers: int = 96) -> Figure:
    """Features as coloured stripes, one clip a row, group below group: alike clips look alike.

    Args:
        groups: clips by what they have in common ("speaker 3, video a"); drawn in this order.
        numbers: how many numbers of each unit-length feature are shown.
    Raises:
        DataError: no groups.
    """
    if not groups:
        raise DataError("no clips to draw; give at least one group of clips.")
    sizes = np.array([len(clips) for clips in groups.values()])
    starts = np.cumsum(sizes) - sizes
    figure, panels = row_of_panels(2, 4.3, 1.2 + 0.2 * sizes.sum(), sharey=True)
    said = [f"Two images of {sizes.sum()} features in {len(groups)} groups, one clip a row."]
    for axes, modality in zip(panels, style.MODALITY, strict=True):
        rows = unit(np.concatenate([getattr(clips, modality) for clips in groups.values()]))
        limit = float(np.quantile(np.abs(rows), 0.98)) or 1.0
        image = signed_image(axes, rows[:, :numbers], limit, ticks=True)
        for start in starts[1:]:
            axes.axhline(start - 0.5, color="white", lw=3)
        axes.set(title=f"{modality}, the first {min(numbers, rows.shape[1])} of {rows.shape[1]}")
        axes.set_xlabel("number in the feature")
        axes.tick_params(length=0)
        colour_bar(figure, image, axes, extend="both")
        said += _cosines_of_means(
            modality, dict(zip(groups, np.split(rows, starts[1:]), strict=True))
        )
    panels[0].set_yticks(starts + (sizes - 1) / 2, list(groups))
    return describe(figure, *said)


def _cosines_of_means(modality: str, groups: Mapping[str, NDArray[Any]]) -> list[str]:
    means = unit(np.stack([rows.mean(axis=0) for rows in groups.values()]))
    named = dict(zip(groups, means, strict=True))
    return [
        f"{modality}, {one} and {other}: cosine of the means {named[one] @ named[other]:.2f}."
        for other, one in itertools.combinations(groups, 2)
    ]


@draws("modality", "system", "split", "accuracy")
def split_comparison(table: pd.DataFrame) -> Figure:
    """Accuracy of each system under each way of splitting: a dot a seed, a tick at the mean."""
    splits, systems = ([str(x) for x in table[name].unique()] for name in ("split", "system"))
    width, height = 8.6 / table.modality.nunique(), 1.5 + 0.42 * len(splits) * len(systems)
    figure, panels = panel_for_each(table, "modality", width, height, sharex=True, sharey=True)
    said = ["Dots of accuracies, one for each seed, by split and system; a tick marks each mean."]
    for axes, modality, own in panels:
        for (block, split), (line, system) in itertools.product(
            enumerate(splits), enumerate(systems)
        ):
            scores = own.accuracy[(own.split == split) & (own.system == system)].to_numpy()
            y, mean = block + (line - (len(systems) - 1) / 2) * 0.3, scores.mean()
            look: dict[str, Any] = {"color": SYSTEMS[line % len(SYSTEMS)], "alpha": 0.5, "ms": 5}
            axes.plot(scores, np.full(len(scores), y), "o", label=None if block else system, **look)
            axes.plot([mean, mean], [y - 0.12, y + 0.12], color=style.INK, lw=2)
            said.append(f"{modality}, {split}, {system}: mean {mean:.1%}.")
        axes.set_xlabel("accuracy")
        percent_axis(axes, "x")
        axes.grid(axis="x")
        name_rows(axes, splits)
    legend_below(figure, columns=4)
    return describe(figure, *said)
