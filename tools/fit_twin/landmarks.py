"""A few numbers in which the twin agrees with the real features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from mraf.data.draws import draw_pairs, pair_cosines

Array = NDArray[Any]
Measure = Callable[[Array], dict[str, float]]
ACCURACY, COSINE = 1.0, 0.03
"""Differences, in points and in cosine, that weigh the same."""


def landmarks(speaker: Array, language: Array, video: Array, train: Array, cross: Array) -> Measure:
    """A function of unit-length rows (N, D): their accuracies in percent and cosines, by name.

    Args:
        speaker, language, video: of each row, shape (N,); languages are 0 and 1, videos differ
            between speakers and languages.
        train, cross: rows that are trained on, and those judged in the second language.
    """
    kinds = draw_pairs(np.random.default_rng(0), speaker, language, video, pairs=3000)

    def measure(rows: Array) -> dict[str, float]:
        accuracy = held_out_accuracy(rows, speaker, video, train, cross)
        found = {f"accuracy, {name}": value for name, value in accuracy.items()}
        for kind, pairs in kinds.items():
            cosines = pair_cosines(rows, pairs)
            for level in (5, 50, 95):
                found[f"{kind}, {level}%"] = float(np.percentile(cosines, level))
        return found

    return measure


def distance(found: dict[str, float], wanted: dict[str, float]) -> float:
    """Mean difference in units of `ACCURACY` and `COSINE`; a fourth power: large ones tell."""
    units = [ACCURACY if name.startswith("accuracy") else COSINE for name in wanted]
    misses = np.array([found[name] - value for name, value in wanted.items()]) / units
    return float(np.mean(misses**4) ** 0.25)


def group_means(values: Array, group: Array, groups: int) -> Array:
    """Mean of the rows of each group, shape (groups, D); zeros for an empty group."""
    size = np.maximum(np.bincount(group, minlength=groups), 1)
    weight = (1 / size[group]).astype(values.dtype)
    member = csr_array((weight, (group, np.arange(len(group)))), shape=(groups, len(group)))
    return member @ values


def held_out_accuracy(
    rows: Array, speaker: Array, video: Array, train: Array, cross: Array
) -> dict[str, float]:
    """Expected accuracy in percent of class means over the validation splits, in each language.

    Each English video of a speaker with at least two is held out in turn from the own class mean,
    with the chance that a split has to choose it; the other speakers' means stay whole, which
    makes this quick.

    Args:
        rows: unit length, shape (N, D); the others as in `landmarks`.
    """
    label, (names, index) = speaker[train], np.unique(video[train], return_inverse=True)
    people, clips = np.bincount(label), np.bincount(index)
    owner = np.zeros(len(names), dtype=np.int64)
    owner[index] = label
    total = group_means(rows[train], label, len(people)) * people[:, None]
    rest = total[owner] - group_means(rows[train], index, len(clips)) * clips[:, None]
    videos = np.bincount(owner)
    rest[videos[owner] == 1] = total[owner[videos[owner] == 1]]  # nothing is held out
    means, without = (
        (sums / np.linalg.norm(sums, axis=1, keepdims=True)).astype(rows.dtype)
        for sums in (total, rest)
    )

    def others(members: Array) -> Array:
        cosine = rows[members] @ means.T
        cosine[np.arange(len(members)), speaker[members]] = -np.inf
        return cosine.max(axis=1)

    right = np.einsum("nd,nd->n", rows[train], without[index]) > others(train)
    english = np.average(right, weights=np.where(videos[label] > 1, 1 / videos[label], 0))
    rivals, chance = others(cross), np.zeros(len(cross))
    for one in np.unique(speaker[cross]):
        own = np.flatnonzero(speaker[cross] == one)
        wins = rows[cross[own]] @ without[owner == one].T > rivals[own, None]
        chance[own] = wins.mean(axis=1)
    return {"english": 100 * float(english), "cross": 100 * float(chance.mean())}
