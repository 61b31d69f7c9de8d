"""Checks of notebook 06, maps of embeddings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mraf_lessons.embeddings.maps import nearest, same_share
from mraf_lessons.kit.checker import Mistake, Verdict, compare, unanswered

Array = NDArray[Any]


def neighbour_share(answer: Callable[[Array, Array, Array, int], Any]) -> Verdict:
    """Share of same-speaker clips among the k nearest of other videos, by cosine."""
    rng = np.random.default_rng(0)
    video = np.repeat(np.arange(12), 4)
    speaker = video // 2  # two videos each
    rows = rng.normal(size=(6, 8))[speaker] + 0.8 * rng.normal(size=(12, 8))[video]
    rows = (rows + 0.5 * rng.normal(size=(48, 8))) * rng.uniform(0.2, 5, size=(48, 1))
    k = 3

    def share(apart: Array | None, metric: Any = "cosine", number: int = k) -> float:
        return same_share(nearest(rows, number, metric, apart), speaker)

    everyone = np.argsort(1 - _cosines(rows), axis=1, kind="stable")[:, :k]  # itself included
    own = speaker[nearest(rows, k).index] == speaker[:, None]
    other = video[nearest(rows, k).index] != video[:, None]
    mistakes = [
        Mistake(
            np.mean(speaker[everyone] == speaker[:, None]),
            "Each clip counts as its own nearest neighbour: that is always the right speaker.",
        ),
        Mistake(
            share(None),
            "Clips of the same video are among the neighbours: near-copies, which prove nothing.",
        ),
        Mistake(
            np.mean(own & other),
            "You looked up the neighbours first and left the own video out after: then a clip with "
            "a long video has none left. Leave it out before the nearest are chosen.",
        ),
        Mistake(
            share(video, "euclidean"),
            "Those are the nearest by length, too: compare directions, by the cosine.",
        ),
        Mistake(
            _farthest(rows, video, speaker, k),
            "Those are the farthest: a large cosine means near, so sort it downwards.",
        ),
    ]
    given = answer(rows.copy(), speaker.copy(), video.copy(), k)
    praise = "This number speaks of people; with the own video it speaks of recordings."
    return compare(given, share(video), mistakes, praise)


def _cosines(rows: Array) -> Array:
    scaled = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled @ scaled.T


def _farthest(rows: Array, video: Array, speaker: Array, k: int) -> float:
    cosine = _cosines(rows)
    cosine[video[:, None] == video] = np.inf
    index = np.argsort(cosine, axis=1)[:, :k]
    return float(np.mean(speaker[index] == speaker[:, None]))


def chance(answer: Any, label: Array) -> Verdict:
    """The share of same-label neighbours if neighbours were drawn at random among the others."""
    count = np.unique(label, return_counts=True)[1]
    n = len(label)
    right = np.sum(count * (count - 1)) / (n * (n - 1))
    mistakes = [
        Mistake(
            1 / len(count),
            "That holds if every label is equally frequent; frequent ones meet each other more.",
        ),
        Mistake(
            np.sum((count / n) ** 2),
            "Nearly: a clip is not drawn as its own neighbour, so one fewer is left of its label.",
        ),
        Mistake(count.max() / n, "That is the chance of meeting the most frequent label."),
    ]
    praise = "Every share of neighbours should be read against this one."
    return compare(answer, right, mistakes, praise, rtol=1e-6)


CLAIMS = {
    "a": (False, "no: UMAP stretches and shrinks; look at distances in the space itself."),
    "b": (False, "no: the size of a group depends on min_dist and on how many points it has."),
    "c": (True, "yes: a neighbour in the space is mostly one in the map, as was measured."),
    "d": (False, "no: noise has shown groups, too, when n_neighbors was small."),
    "e": (True, "yes: accuracy is computed from scores; a map takes no part in it."),
}
"""Statements of exercise 3 by letter: whether they hold, and why."""


def claims(answer: Mapping[str, bool] | None) -> Verdict:
    """Which statements about a map hold."""
    if unanswered(answer) or answer is None or any(unanswered(given) for given in answer.values()):
        return Verdict(None)
    if set(answer) != set(CLAIMS) or not all(isinstance(given, bool) for given in answer.values()):
        return Verdict(False, f"Say True or False for each of {', '.join(CLAIMS)}.")
    wrong = [key for key, (holds, _) in CLAIMS.items() if answer[key] != holds]
    if wrong:
        return Verdict(False, f"Think again about {wrong[0]}: {CLAIMS[wrong[0]][1]}")
    return Verdict(True, "A map raises questions; the space answers them.")


def gap(answer: Callable[[Array, Array], Any]) -> Verdict:
    """Remove from each condition its own mean: paired embeddings with and without the face."""
    rng = np.random.default_rng(0)
    with_face, without = rng.normal(size=(6, 4)), rng.normal(size=(6, 4)) + 3
    given = answer(with_face.copy(), without.copy())
    if unanswered(given):
        return Verdict(None)

    def stack(a: Array, b: Array) -> Array:
        return np.stack([a, b])

    right = stack(with_face - with_face.mean(axis=0), without - without.mean(axis=0))
    both = np.concatenate([with_face, without])
    mistakes = [
        Mistake(
            stack(with_face - both.mean(axis=0), without - both.mean(axis=0)),
            "Both were moved by their common mean: the gap between them stays as it is.",
        ),
        Mistake(
            stack(with_face - with_face.mean(axis=0), without - with_face.mean(axis=0)),
            "Both were moved by the first mean: the gap stays as it is.",
        ),
        Mistake(
            stack(
                with_face - with_face.mean(axis=1, keepdims=True),
                without - without.mean(axis=1, keepdims=True),
            ),
            "You took the mean of each clip's numbers (axis=1): take it over the clips (axis=0).",
        ),
        Mistake(
            stack(with_face - with_face.mean(), without - without.mean()),
            "That is one number for all: the mean over the clips is a vector, axis=0.",
        ),
        Mistake(stack(with_face, without), "Nothing was moved."),
    ]
    try:
        moved = np.stack([np.asarray(part, dtype=float) for part in given])
    except (TypeError, ValueError):
        return Verdict(False, "Return two arrays, one for each condition.")
    return compare(moved, right, mistakes, "Now see what becomes of the islands.")
