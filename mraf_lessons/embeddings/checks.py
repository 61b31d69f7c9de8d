"""Checks of notebook 06, maps of embeddings."""

import numpy as np

from mraf_lessons.embeddings.maps import nearest, same_share
from mraf_lessons.kit.checker import Answer, Array, Verdict, ask, judge, numbers, refused, unless


def neighbour_share(answer: Answer) -> Verdict:
    """Share of same-speaker clips among the k nearest of other videos, by cosine."""
    rng = np.random.default_rng(0)
    video = np.repeat(np.arange(12), 4)
    speaker = video // 2  # two videos each
    rows = rng.normal(size=(6, 8))[speaker] + 0.8 * rng.normal(size=(12, 8))[video]
    rows = (rows + 0.5 * rng.normal(size=(48, 8))) * rng.uniform(0.2, 5, size=(48, 1))
    k = 3

    near = nearest(rows, k).index
    itself = (1 + (k - 1) * same_share(nearest(rows, k - 1), speaker)) / k
    of_speaker, of_video = (group[near] == group[:, None] for group in (speaker, video))
    by_length = same_share(nearest(rows, k, "euclidean", video), speaker)
    right = same_share(nearest(rows, k, apart=video), speaker)
    left_out_after = ((of_speaker & ~of_video).mean(), of_speaker[~of_video].mean())
    said = {
        "This number speaks of people; with the own video it speaks of recordings.": right,
        "Each clip counts as its own nearest neighbour: that is always the right speaker.": itself,
        "Clips of the same video are among the neighbours: near-copies, which prove "
        "nothing.": of_speaker.mean(),
        "You looked up the neighbours first and left the own video out after: then a clip with a "
        "long video has none left. Leave it out before the nearest are chosen.": left_out_after,
        "Those are the nearest by length, too: compare directions, by the cosine.": by_length,
    }
    return judge(ask(answer, rows, speaker, video, k), said)


def chance(answer: object, label: Array) -> Verdict:
    """The share of same-label neighbours if neighbours were drawn at random among the others."""
    count = np.unique(label, return_counts=True)[1]
    n = len(label)
    right, with_itself = (count * (count - 1)).sum() / (n * (n - 1)), (count**2).sum() / n**2
    even = 1 / len(count)
    said = {
        "Every share of neighbours should be read against this one.": right,
        "That holds if every label is equally frequent; frequent ones meet each other more.": even,
        "Nearly: a clip is not drawn as its own neighbour, so one fewer is left of its "
        "label.": with_itself,
        "That is the chance of meeting the most frequent label.": count.max() / n,
    }
    return judge(answer, said, rtol=1e-6)


CLAIMS = {
    "a": (False, "no: UMAP stretches and shrinks; look at distances in the space itself."),
    "b": (False, "no: the size of a group depends on min_dist and on how many points it has."),
    "c": (True, "yes: a neighbour in the space is mostly one in the map, as was measured."),
    "d": (False, "no: noise has shown groups, too, when n_neighbors was small."),
    "e": (True, "yes: accuracy is computed from scores; a map takes no part in it."),
}
"""Statements of exercise 3 by letter: whether they hold, and why."""


def claims(answer: object) -> Verdict:
    """Which statements about a map hold."""
    given = answer if isinstance(answer, dict) else {}
    if any(value is None or value is ... for value in (answer, *given.values())):
        return Verdict(None)
    known = set(given) == set(CLAIMS)
    if not known or not all(isinstance(value, bool | np.bool_) for value in given.values()):
        return Verdict(False, f"Say True or False for each of {', '.join(CLAIMS)}.")
    hints = {
        f"Think again about {key}: {why}": given[key] != holds
        for key, (holds, why) in CLAIMS.items()
    }
    return unless(hints, "A map raises questions; the space answers them.")


def gap(answer: Answer) -> Verdict:
    """Remove from each condition its own mean: paired embeddings with and without the face."""
    both = np.random.default_rng(0).normal(size=(2, 6, 4))  # with the face, without it
    both[1] += 3
    axes = (1, (0, 1), 2, (1, 2))
    right, common, of_clip, one = (both - both.mean(axis=axis, keepdims=True) for axis in axes)
    said = {
        "Now see what becomes of the islands.": right,
        "Both were moved by their common mean: the gap between them stays as it is.": common,
        "Both were moved by the first mean: the gap stays as it is.": both - both[0].mean(axis=0),
        "That is the mean of each clip's numbers: take it over the clips (axis=0).": of_clip,
        "That is one number for all: the mean over the clips is a vector, axis=0.": one,
        "Nothing was moved.": both,
    }
    given = ask(answer, *both)
    moved = numbers(given)
    if moved is None or not moved.ndim:
        return refused(given, "Return two arrays, one for each condition.")
    return judge(moved, said)
