"""Figures of a corpus: how many clips, how long their embeddings, how alike two of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mraf.data.clips import Corpus
from mraf_lessons.kit.style import (
    GREY,
    LANGUAGES,
    MODALITY,
    PALETTE,
    Figure,
    describe,
    new_figure,
    require,
    ridge,
    ridge_rows,
    styled,
)


@styled
def counts_and_imbalance(corpus: Corpus) -> Figure:
    """Clips of each speaker in both languages, most English ones first, and the videos of each.

    The first panel shows how unequal speakers are, the second how few videos stand behind them.
    """
    order = np.argsort(-np.bincount(corpus.train.labels, minlength=corpus.speakers), kind="stable")
    figure = new_figure(8, 5.2)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    rank = np.arange(corpus.speakers)
    sentences = []
    for part, colour, side in zip((corpus.train, corpus.cross), LANGUAGES, (-1, 1), strict=True):
        clips = np.bincount(part.labels, minlength=corpus.speakers)
        pairs = np.unique(np.stack([part.labels.astype(str), part.video]), axis=1)[0].astype(int)
        videos = np.bincount(pairs, minlength=corpus.speakers)
        for axes, values in ((upper, clips), (lower, videos)):
            axes.bar(rank + 0.21 * side, values[order], 0.42, color=colour, label=part.language)
        known = clips[clips > 0]
        sentences.append(
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
    return describe(figure, "Bars of clips and videos per speaker. " + " ".join(sentences))


@styled
def norms(corpus: Corpus) -> Figure:
    """Distribution of the length of the embeddings, for each modality and part of the corpus."""
    figure = new_figure(8, 3.4)
    panels = figure.subplots(1, 2)
    sentences = []
    names = {"train": "train", "cross": "cross", "test_english": "test", "test_cross": "test"}
    for axes, modality in zip(panels, ("face", "voice"), strict=True):
        lengths = {}
        for name, part in corpus.parts.items():
            length = np.linalg.norm(getattr(part, modality), axis=1)
            if (length > 0).any():
                lengths[f"{part.language} {names[name]}"] = length[length > 0]
        _boxes(axes, lengths, MODALITY[modality])
        axes.set(title=f"{modality} ({getattr(corpus.train, modality).shape[1]} numbers)")
        axes.set_xlabel("length of the embedding (whiskers: 5% to 95%)")
        everything = np.concatenate(list(lengths.values()))
        low, middle, high = np.percentile(everything, [0, 50, 100])
        if high - low < 0.01 * middle:  # all alike: do not magnify rounding
            axes.set_xlim(0.5 * middle, 1.5 * middle)
            axes.text(1.04 * middle, 1.5, f"all of length {middle:.3g}", color=GREY, va="center")
        sentences.append(
            f"{modality.capitalize()} embeddings have lengths from {low:.4g} to {high:.4g}, "
            f"median {middle:.4g}."
        )
    panels[1].tick_params(labelleft=False)
    return describe(figure, "Box plots of lengths. " + " ".join(sentences))


def _boxes(axes: Axes, values: dict[str, NDArray[Any]], colour: str) -> None:
    """Boxes (quartiles) with whiskers from the 5th to the 95th percentile, the first on top."""
    axes.boxplot(
        list(values.values()),
        orientation="horizontal",
        whis=(5, 95),
        widths=0.55,
        showfliers=False,
        patch_artist=True,
        boxprops={"facecolor": colour, "alpha": 0.45, "edgecolor": colour},
        medianprops={"color": "black", "linewidth": 1.8},
        whiskerprops={"color": GREY},
        capprops={"color": GREY},
    )
    axes.set_yticks(range(1, len(values) + 1), list(values))
    axes.invert_yaxis()
    axes.grid(axis="x")


RELATION_COLOURS = ("blue", "green", "sky", "vermillion", "purple")


@styled
def cosine_distributions(samples: pd.DataFrame) -> Figure:
    """How alike two clips are, by what they share: one speaker, one video, one language.

    Args:
        samples: columns modality ("face", "voice"), relation and cosine, one row per pair.
    Raises:
        DataError: no rows, or a column missing.
    """
    require(samples, "modality", "relation", "cosine")
    modalities = [str(name) for name in samples.modality.unique()]
    relations = [str(name) for name in samples.relation.unique()]
    figure = new_figure(8.6, 1.3 + 0.62 * len(relations))
    panels = figure.subplots(1, len(modalities), sharey=True, squeeze=False)[0]
    edges = np.linspace(-1, 1, 101)
    sentences = []
    for axes, modality in zip(panels, modalities, strict=True):
        for row, relation in enumerate(relations):
            chosen = (samples.modality == modality) & (samples.relation == relation)
            cosines = samples.cosine[chosen].to_numpy()
            if len(cosines):
                colour = PALETTE[RELATION_COLOURS[row % len(RELATION_COLOURS)]]
                ridge(axes, row, cosines, edges, colour)
                sentences.append(f"{modality}, {relation}: median {np.median(cosines):.2f}.")
        axes.set(title=modality, xlabel="cosine similarity", xlim=(-0.5, 1.02))
        ridge_rows(axes, relations)
    text = "Densities of cosine similarity between two clips; a tick marks each median. "
    return describe(figure, text + " ".join(sentences))
