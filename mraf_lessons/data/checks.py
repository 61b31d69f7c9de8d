"""Checks of notebook 01, data inspection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mraf.data.clips import FeatureSet
from mraf.data.describe import unit
from mraf.data.splits import Split
from mraf.evaluation.baselines import class_means
from mraf_lessons.kit.checker import Verdict, compare, unanswered

Array = NDArray[Any]


def cosine(answer: Callable[[Array, Array], Any]) -> Verdict:
    """The cosine of every row of (N, D) with every row of (M, D), zero for a missing face."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=(3, 4)) * [[1], [5], [9]]
    b = rng.normal(size=(5, 4)) * [[2], [4], [6], [8], [3]]

    def scaled(rows: Array, axis: int | None) -> Array:
        return rows / np.linalg.norm(rows, axis=axis, keepdims=True)

    mistakes = {
        "You forgot to normalise: a long voice would look like a similar one.": a @ b.T,
        "Only the first rows are normalised; divide the others, too.": unit(a) @ b.T,
        "Only the second rows are normalised; divide the others, too.": a @ unit(b).T,
        "You divided by the length of the whole matrix: np.linalg.norm needs axis=1.": (
            scaled(a, None) @ scaled(b, None).T
        ),
        "You normalised the columns: a clip is a row, so the norm runs along axis=1.": (
            scaled(a, 0) @ scaled(b, 0).T
        ),
    }
    verdict = compare(answer(a.copy(), b.copy()), unit(a) @ unit(b).T, mistakes)
    if not verdict:
        return verdict
    for name, rows in (("a", a), ("b", b)):
        rows[1] = 0  # a missing face
        with np.errstate(invalid="ignore", divide="ignore"):
            found = np.asarray(answer(a.copy(), b.copy()), dtype=float)
        if not np.isfinite(found).all():
            hint = "a row of zeros, becomes 0 / 0; it has no direction: score 0."
            return Verdict(
                False, f"Right for faces that are there, but a missing face in {name}, {hint}"
            )
    praise = "And a missing face is equally unlike everybody."
    return compare(found, unit(a) @ unit(b).T, praise=praise)


def speaker_average(answer: Any, correct: NDArray[np.bool_], labels: NDArray[np.int64]) -> Verdict:
    """The mean over the judged speakers of the share of their clips that was named rightly."""
    clips = np.bincount(labels)
    share = np.bincount(labels, weights=correct) / np.maximum(clips, 1)
    mistakes = {
        "You averaged zeros into a mean: speakers who are not judged count as always wrong.": (
            share.mean()
        ),
        "That is the mean over clips: a speaker with many clips counts more.": correct.mean(),
    }
    praise = "Report which mean you took: they answer different questions."
    return compare(answer, share[clips > 0].mean(), mistakes, praise)


def hold_out(
    answer: Callable[[FeatureSet, np.random.Generator], Any], clips: FeatureSet
) -> Verdict:
    """A mask of the held-out clips: whole videos, at least one of each speaker left to train on."""
    held, again = (answer(clips, np.random.default_rng(seed)) for seed in (0, 1))
    if unanswered(held):
        return Verdict(None)
    held = np.asarray(held)
    if held.dtype != bool or held.shape != (len(clips),):
        return Verdict(
            False,
            f"A mask is expected, True or False for each of the {len(clips):,} clips; this is "
            f"an array of {held.dtype} of shape {held.shape}.",
        )
    both = np.intersect1d(clips.video[held], clips.video[~held])
    lost = np.setdiff1d(clips.labels, clips.labels[~held])
    hint = ""
    if not held.any() or held.all():
        hint = f"{'Every' if held.any() else 'No'} clip is held out."
    elif len(both):
        hint = (
            f"A clip-level split: {len(both)} videos have clips on both sides, so near-copies of "
            "what is judged were trained on. Draw videos, not clips."
        )
    elif len(lost):
        hint = (
            f"{len(lost)} speakers, {lost[0]} among them, have no clip left to train on: hold out "
            "a video only of those who have another."
        )
    elif not 0.1 <= held.mean() <= 0.35:
        hint = f"{held.mean():.0%} of the clips are held out; aim at about a fifth."
    elif np.array_equal(held, again):
        hint = "Another generator gives the same mask: draw with `rng`."
    if hint:
        return Verdict(False, hint)
    speakers = len(np.unique(clips.labels[held]))
    return Verdict(True, f"{held.sum():,} clips of {speakers} speakers are held out.")


def centred(answer: Callable[[FeatureSet], Any], split: Split) -> Verdict:
    """Cosine scores to English class means, each language's unit voices moved to mean zero."""
    train, voice = unit(split.train.voice), unit(split.cross.voice)
    raw_train, raw_voice = split.train.voice, split.cross.voice

    def scores(train: Array, voice: Array) -> Array:
        labels = np.arange(split.speakers)[:, None] == split.train.labels
        return unit(voice) @ unit(labels.astype(np.float32) @ train).T

    right = scores(train - train.mean(0), voice - voice.mean(0))
    mistakes = {
        "These are the scores without centring: nothing was moved.": (
            voice @ class_means(split.train, "voice").T
        ),
        "You moved both languages by the English mean: the distance between them stays.": (
            scores(train - train.mean(0), voice - train.mean(0))
        ),
        "Only the judged clips were moved: centre the training clips, too.": (
            scores(train, voice - voice.mean(0))
        ),
        "You centred before you normalised: long voices pulled the mean towards themselves.": (
            scores(raw_train - raw_train.mean(0), raw_voice - raw_voice.mean(0))
        ),
        "Turn it round: a row for each clip, a column for each speaker.": right.T,
    }
    given = answer(split.cross)
    if np.ndim(given) == 2:  # a clip's scores may be scaled: that leaves the nearest mean as it is
        given, right = unit(given), unit(right)
        mistakes = {hint: unit(np.asarray(wrong)) for hint, wrong in mistakes.items()}
    return compare(given, right, mistakes, "Now see whether it helps.", rtol=1e-3)
