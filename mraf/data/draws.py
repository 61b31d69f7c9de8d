"""Draws of clips: another person's for each, or a few of each person."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mraf.data.clips import FeatureSet
from mraf.errors import DataError


def other_speakers(
    speaker: NDArray[np.int64], pool: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """For each clip a row of a pool that is another speaker's, all such rows equally probable.

    Args:
        speaker: labels of the clips (N,).
        pool: labels of the rows to draw from (M,).
    Returns:
        Rows of the pool, shape (N,).
    Raises:
        DataError: the pool holds nobody but one of the speakers.
    """
    rows = np.argsort(pool, kind="stable")
    first, last = (np.searchsorted(pool[rows], speaker, side) for side in ("left", "right"))
    others = len(rows) - (last - first)
    if (others == 0).any():
        known = speaker[(others == 0).argmax()]
        raise DataError(f"nobody but speaker {known} to draw another speaker's clip from")
    drawn = (rng.random(len(speaker)) * others).astype(np.int64)  # counted without the own rows
    chosen: NDArray[np.int64] = rows[np.where(drawn < first, drawn, drawn + last - first)]
    return chosen


def enrolled(clips: FeatureSet, per_speaker: int, rng: np.random.Generator) -> FeatureSet:
    """A few clips of each speaker, drawn at random; all of a speaker who has no more.

    From a generator in the same state, a smaller draw is part of a larger one.

    Raises:
        DataError: fewer than one clip a speaker, or hidden labels.
    """
    if per_speaker < 1:
        raise DataError(f"{per_speaker} clips a speaker: at least 1 is needed.")
    order = rng.permutation(len(clips))
    order = order[np.argsort(clips.labels[order], kind="stable")]
    speaker = clips.labels[order]
    place = np.arange(len(clips)) - np.searchsorted(speaker, speaker)  # 0, 1, … of each speaker
    return clips[np.sort(order[place < per_speaker])]
