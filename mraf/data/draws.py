"""Draws of clips: another person's for each, pairs by kind."""

import numpy as np
from numpy.typing import NDArray

from mraf.errors import DataError

PAIRS = (
    "same speaker, same video",
    "same speaker, other video",
    "same speaker, other language",
    "different speakers",  # of one language
    "different speakers, other language",
)
"""The five kinds of pairs of clips."""


def other_speakers(
    speaker: NDArray[np.int64], pool: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """For each clip a row of a pool that is another speaker's, all equally probable, shape (N,).

    ``speaker`` and ``pool`` are labels of the clips (N,), and of the rows to draw from (M,). Raises
    DataError: the pool holds nobody but one of the speakers.
    """
    rows = np.argsort(pool, kind="stable")
    first, last = (np.searchsorted(pool[rows], speaker, side) for side in ("left", "right"))
    others = len(rows) - (last - first)
    if (others == 0).any():
        known = speaker[(others == 0).argmax()]
        raise DataError(f"nobody but speaker {known} to draw another speaker's clip from")
    drawn = (rng.random(len(speaker)) * others).astype(np.int64)  # counted without the own rows
    return rows[np.where(drawn < first, drawn, drawn + last - first)]


def draw_pairs(
    rng: np.random.Generator,
    speaker: NDArray[np.int64],
    language: NDArray[np.int64],
    video: NDArray[np.int64],
    pairs: int,
) -> dict[str, NDArray[np.int64]]:
    """Pairs of rows, an array (2, pairs) for each kind of `PAIRS` that there is.

    All pairs of a kind are equally likely, drawn with replacement; speaker, language and video are
    of each row (N,). A pair of a shared video across languages is no pair: it may be the same clip.
    """
    drawn = {kind: np.empty((2, 0), dtype=np.int64) for kind in PAIRS}
    order = np.argsort(speaker, kind="stable")
    size = np.bincount(speaker)
    start = np.cumsum(size) - size
    chance = size[speaker] / size[speaker].sum()
    wanted = 4 * pairs
    for _ in range(8):  # rare kinds need more than one draw
        i = rng.choice(len(speaker), wanted, p=chance)
        one = np.stack([i, order[start[speaker[i]] + rng.integers(0, size[speaker[i]])]])
        two = rng.integers(0, len(speaker), (2, wanted))
        alike, same_video = np.equal(*language[one]), np.equal(*video[one])
        strangers, one_language = np.not_equal(*speaker[two]), np.equal(*language[two])
        found = (
            one[:, alike & same_video & np.not_equal(*one)],
            one[:, alike & ~same_video],
            one[:, ~alike & ~same_video],
            two[:, strangers & one_language],
            two[:, strangers & ~one_language],
        )
        for kind, more in zip(PAIRS, found, strict=True):
            drawn[kind] = np.concatenate([drawn[kind], more], axis=1)[:, :pairs]
        if all(some.shape[1] == pairs for some in drawn.values()):
            break
    return {kind: some for kind, some in drawn.items() if some.shape[1]}


def pair_cosines(rows: NDArray[np.float32], pairs: NDArray[np.int64]) -> NDArray[np.float32]:
    """Cosines of pairs (2, P) of unit-length rows (N, D), in chunks; shape (P,)."""
    chunks = np.array_split(pairs, max(1, pairs.shape[1] // 8192), axis=1)
    return np.concatenate([np.einsum("pd,pd->p", rows[i], rows[j]) for i, j in chunks])
