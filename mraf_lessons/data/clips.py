"""Figures of single clips and of splits: what a feature looks like, what a held-out clip meets."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import pandas as pd

from mraf.data.clips import FeatureSet
from mraf.data.describe import unit
from mraf.errors import DataError
from mraf_lessons.kit.style import (
    INK,
    PALETTE,
    Figure,
    describe,
    new_figure,
    percent_axis,
    require,
    styled,
)


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
    figure = new_figure(8.6, 1.2 + 0.2 * sizes.sum())
    panels = figure.subplots(1, 2, sharey=True)
    sentences = []
    for axes, modality in zip(panels, ("face", "voice"), strict=True):
        rows = unit(np.concatenate([getattr(clips, modality) for clips in groups.values()]))
        limit = float(np.quantile(np.abs(rows), 0.98)) or 1.0
        image = axes.imshow(
            rows[:, :numbers], cmap="PuOr_r", vmin=-limit, vmax=limit, aspect="auto",
            interpolation="nearest",
        )  # fmt: skip
        for start in starts[1:]:
            axes.axhline(start - 0.5, color="white", lw=3)
        axes.set(title=f"{modality}, the first {min(numbers, rows.shape[1])} of {rows.shape[1]}")
        axes.set_xlabel("number in the feature")
        axes.tick_params(length=0)
        colours = figure.colorbar(image, ax=axes, pad=0.02, aspect=30, extend="both")
        colours.outline.set_visible(False)
        means = np.stack([part.mean(axis=0) for part in np.split(rows, starts[1:])])
        cosines = unit(means) @ unit(means).T
        names = list(groups)
        sentences += [
            f"{modality}, {names[i]} and {names[j]}: cosine of the means {cosines[i, j]:.2f}."
            for i in range(len(names))
            for j in range(i)
        ]
    panels[0].set_yticks(starts + (sizes - 1) / 2, list(groups))
    text = f"Two images of {sizes.sum()} features in {len(groups)} groups, one clip a row. "
    return describe(figure, text + " ".join(sentences))


@styled
def split_comparison(table: pd.DataFrame) -> Figure:
    """Accuracy of each system under each way of splitting, a dot for each seed, a tick at the mean.

    Args:
        table: columns modality, system, split and accuracy (fraction), one row a seed.
    Raises:
        DataError: no rows, or a column missing.
    """
    require(table, "modality", "system", "split", "accuracy")
    modalities = [str(name) for name in table.modality.unique()]
    splits = [str(name) for name in table.split.unique()]
    systems = [str(name) for name in table.system.unique()]
    figure = new_figure(8.6, 1.5 + 0.42 * len(splits) * len(systems))
    panels = figure.subplots(1, len(modalities), sharex=True, sharey=True, squeeze=False)[0]
    palette = itertools.cycle(PALETTE[name] for name in ("vermillion", "blue", "green", "purple"))
    colours = dict(zip(systems, palette, strict=False))
    sentences = []
    for axes, modality in zip(panels, modalities, strict=True):
        for block, split in enumerate(splits):
            for line, (system, colour) in enumerate(colours.items()):
                chosen = table[
                    (table.modality == modality) & (table.split == split) & (table.system == system)
                ].accuracy.to_numpy()
                row = block + (line - (len(colours) - 1) / 2) * 0.3
                axes.plot(chosen, np.full(len(chosen), row), "o", color=colour, alpha=0.5, ms=5)
                axes.plot([chosen.mean()] * 2, [row - 0.12, row + 0.12], color=INK, lw=2)
                if block == 0:
                    axes.plot([], [], "o", color=colour, label=system)
                sentences.append(f"{modality}, {split}, {system}: mean {chosen.mean():.1%}.")
        axes.set(title=modality, xlabel="accuracy")
        percent_axis(axes, "x")
        axes.grid(axis="x")
        axes.tick_params(axis="y", length=0)
    panels[0].set_yticks(range(len(splits)), splits)
    panels[0].set_ylim(len(splits) - 0.5, -0.5)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    text = "Dots of accuracies, one for each seed, by split and system; a tick marks each mean. "
    return describe(figure, text + " ".join(sentences))
