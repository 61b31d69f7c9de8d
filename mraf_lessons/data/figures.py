"""Figures of a corpus: how many clips, how long and how alike their features, how it is split."""

import itertools
from collections.abc import Mapping

import numpy as np
import pandas as pd

from mraf.data.clips import Corpus, FeatureSet, unit
from mraf.errors import DataError
from mraf_lessons.kit import charts, style
from mraf_lessons.kit.forest import forest
from mraf_lessons.kit.panels import colour_bar, signed_image
from mraf_lessons.kit.style import Figure, describe, draws, new_figure, row_of_panels, styled

PARTS = {"train": "train", "cross": "cross", "test_english": "test", "test_cross": "test"}
RELATIONS = [style.PALETTE[name] for name in ("blue", "green", "sky", "vermillion", "purple")]
SYSTEMS = [style.PALETTE[name] for name in ("vermillion", "blue", "green", "purple")]


@styled
def counts_and_imbalance(corpus: Corpus) -> Figure:
    """Clips of each speaker in both languages, most English ones first, and the videos of each."""
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
            axes.grid(axis="y")
        known = clips[clips > 0]
        said.append(
            f"{part.language}: {len(part):,} clips, {known.min()} to {known.max()} a speaker "
            f"(median {np.median(known):g}), {int((videos == 1).sum())} speakers with one video."
        )
    upper.set_yscale("log")
    upper.yaxis.set_major_formatter("{x:g}")
    upper.set(title="Clips of each speaker", ylabel="clips (log scale)")
    upper.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)  # bars may reach every corner
    lower.set(title="Videos of each speaker", ylabel="videos", xlim=(-0.8, corpus.speakers - 0.2))
    lower.set_xlabel("speakers, those with the most English clips first")
    return describe(figure, *said)


@styled
def norms(corpus: Corpus) -> Figure:
    """Distribution of the length of the embeddings, for each modality and part of the corpus."""
    figure, panels = row_of_panels(2, 4, 3.4, sharey=True)
    said = ["Distributions of lengths; a tick marks each median."]
    for axes, (modality, colour) in zip(panels, style.MODALITY.items(), strict=True):
        lengths = {}
        for name, part in corpus.parts.items():
            length = np.linalg.norm(getattr(part, modality), axis=1)
            if (length > 0).any():
                lengths[f"{part.language} {PARTS[name]}"] = length[length > 0]
        everything = np.concatenate(list(lengths.values()))
        low, middle, high = np.percentile(everything, [0, 50, 100])
        alike = high - low < 0.01 * middle  # do not magnify rounding
        ends = np.array([0.5, 1.5]) * middle if alike else np.percentile(everything, [0.5, 99.5])
        for row, length in enumerate(lengths.values()):
            style.ridge(axes, row, length, np.linspace(ends[0], ends[1], 60), colour)
        style.ridge_rows(axes, list(lengths))
        axes.set(title=f"{modality} ({getattr(corpus.train, modality).shape[1]} numbers)")
        axes.set_xlabel(f"all of length {middle:.3g}" if alike else "length of the embedding")
        said.append(
            f"{modality.capitalize()} embeddings have lengths from {low:.4g} to {high:.4g}, "
            f"median {middle:.4g}."
        )
    return describe(figure, *said)


@draws("modality", "relation", "cosine")
def cosine_distributions(samples: pd.DataFrame) -> Figure:
    """How alike two clips are, by what they share: one speaker, one video, one language."""
    figure = charts.distributions(
        samples, "cosine", "relation", "modality", edges=np.linspace(-1, 1, 101),
        colours=RELATIONS, label="cosine similarity", width=8.6 / samples.modality.nunique(),
        text="Densities of cosine similarity between two clips; a tick marks each median.",
    )  # fmt: skip
    for axes in figure.axes:
        axes.set_xlim(-0.5, 1.02)
    return figure


@styled
def feature_rows(groups: Mapping[str, FeatureSet], numbers: int = 96) -> Figure:
    """Features as coloured stripes, one clip a row, group below group. DataError for no groups."""
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
        means = unit(np.stack([own.mean(axis=0) for own in np.split(rows, starts[1:])]))
        for (j, other), (i, one) in itertools.combinations(enumerate(groups), 2):
            cosine = f"cosine of the means {means[i] @ means[j]:.2f}"
            said.append(f"{modality}, {one} and {other}: {cosine}.")
    panels[0].set_yticks(starts + (sizes - 1) / 2, list(groups))
    return describe(figure, *said)


@draws("modality", "system", "split", "accuracy")
def split_comparison(table: pd.DataFrame) -> Figure:
    """Accuracy of each system under each way of splitting: a dot at the mean, a stroke a seed."""
    means = table.groupby(["modality", "split", "system"], sort=False).accuracy.agg(
        strokes=list, accuracy="mean"
    )
    means = means.reset_index().assign(low=np.nan, high=np.nan)
    colours = dict(zip(means.system.unique(), itertools.cycle(SYSTEMS), strict=False))
    return forest(
        means.assign(colour=means.system.map(colours)), "split", "modality", split="system",
        legend=colours, label="accuracy: each stroke a seed, the dot their mean",
    )  # fmt: skip
