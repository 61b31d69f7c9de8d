"""Draws of clips: another person's for each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
