"""Checks of notebook 05, evaluation in P3–P6."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mraf.data.describe import unit
from mraf.evaluation.calibration import fit_temperature
from mraf_lessons.evaluation.calibration import expected_calibration_error, reliability_bins
from mraf_lessons.kit.checker import Verdict, compare, compare_interval, unanswered

Array = NDArray[Any]


def challenge_score(answer: Callable[[dict[str, Array]], Any]) -> Verdict:
    """The mean of the four accuracies, for outcomes (N,) by setting."""
    correct = {
        "P3": np.array([True, True, True, False]),
        "P4": np.array([True, False, False, False]),
        "P5": np.repeat([True, False], [9, 1]),
        "P6": np.repeat([True, False], [3, 7]),
    }
    accuracy = {name: x.mean() for name, x in correct.items()}
    four = list(accuracy.values())
    mistakes = {
        "You pooled the clips: the language with more clips then counts more. The score is a mean "
        "of four accuracies.": np.concatenate(list(correct.values())).mean(),
        "That is the sum of the four; divide by their number.": np.sum(four),
        "The accuracies are averaged, not multiplied.": np.prod(four),
        "The mean is asked for, not the median.": np.median(four),
    }
    for pair, only in (
        (("P3", "P4"), "one language"),
        (("P5", "P6"), "one language"),
        (("P3", "P5"), "faces"),
        (("P4", "P6"), "voices"),
    ):
        hint = f"That is {' and '.join(pair)} alone, {only} only; all four count."
        mistakes[hint] = np.mean([accuracy[name] for name in pair])
    praise = "Half of the score is without a face, half in another language."
    return compare(answer(dict(correct)), np.mean(four), mistakes, praise)


def video_interval(answer: Callable[[Array, Array, np.random.Generator], Any]) -> Verdict:
    """A 95% interval (low, high) of the accuracy that draws whole videos, given (N,) outcomes."""
    rng = np.random.default_rng(0)
    size = rng.integers(2, 40, 60)
    rate = np.where(rng.random(60) < 0.25, 0.2, 0.98)
    video = np.repeat([f"video {number}" for number in range(60)], size)
    correct = rng.random(len(video)) < np.repeat(rate, size)
    given = answer(correct.copy(), video.copy(), np.random.default_rng(1))

    number = np.unique(video, return_inverse=True)[1]
    right, clips = np.bincount(number, weights=correct), np.bincount(number)
    rng = np.random.default_rng(2)
    draws = rng.multinomial(60, np.full(60, 1 / 60), size=4000)
    ratio = (draws @ right) / (draws @ clips)
    of_clips = rng.binomial(len(correct), correct.mean(), size=4000) / len(correct)

    def between(values: Array, tail: float = 2.5) -> Array:
        return np.percentile(values, [tail, 100 - tail])

    mistakes = {
        "You drew clips: clips of one video are near-copies, and the interval is too narrow. Draw "
        "videos, and take all clips of each.": between(of_clips),
        "You averaged the videos' accuracies, so that a short video counts as much as a long one. "
        "Add up their right clips and their clips, then divide.": (
            between(draws @ (right / clips) / 60)
        ),
        "That holds 90% of the draws: 2.5% are to be left out at either end.": between(ratio, 5),
        "That is the spread of single videos, not of the accuracy.": between(right / clips),
    }
    times = np.ptp(between(ratio)) / np.ptp(between(of_clips))
    praise = f"It is {times:.1f} times as wide as one that draws clips."
    return compare_interval(
        given, between(ratio), mistakes, "accuracy", praise, near=0.12, fractions=True
    )


def calibration_error(answer: Callable[[Array, Array], Any]) -> Verdict:
    """ECE with 15 bins, for confidences (N,) and outcomes (N,)."""
    rng = np.random.default_rng(0)
    confidence = rng.beta(4, 1.5, 500)
    correct = rng.random(500) < np.clip(confidence - 0.1 + 0.3 * (confidence < 0.5), 0, 1)
    table = reliability_bins(confidence, correct)
    gap = table.accuracy - table.confidence
    to_middle = (table.accuracy - (table.low + table.high) / 2).abs()
    mistakes = {
        "Every bin counts the same: a bin of three clips weighs as much as one of a hundred. Weigh "
        "the gaps by the bins' clips.": gap.abs().mean(),
        "Every bin counts the same, and empty ones as zeros. Weigh the gaps by their clips.": (
            gap.abs().sum() / 15
        ),
        "Signs cancelled: a bin that is too sure made up for one that is too modest. Take |gap| in "
        "each bin first.": abs(np.average(gap, weights=table.clips)),
        "Take the absolute value of each gap.": np.average(gap, weights=table.clips),
        "You compared with the middle of each bin; take the mean confidence of its clips.": (
            np.average(to_middle, weights=table.clips)
        ),
        "Divide by the number of clips.": (gap.abs() * table.clips).sum(),
    }
    right = expected_calibration_error(confidence, correct)
    return compare(answer(confidence.copy(), correct.copy()), right, mistakes)


def temperature(
    answer: Any, fit: Any, logits: Array, labels: NDArray[np.int64], video: NDArray[np.str_]
) -> Verdict:
    """T that makes the labels of the clips in the mask `fit` likeliest; both halves by video."""
    if unanswered(answer) or unanswered(fit):
        return Verdict(None)
    mask = np.asarray(fit)
    if mask.dtype != bool or mask.shape != labels.shape:
        return Verdict(
            False, f"A mask is expected, True or False for each of the {len(labels):,} clips."
        )
    if not 0.2 <= mask.mean() <= 0.8:
        return Verdict(False, f"{mask.mean():.0%} of the clips are in the mask; aim at half.")
    both = np.intersect1d(video[mask], video[~mask])
    if len(both):
        return Verdict(
            False,
            f"A clip-level split: {len(both)} videos have clips in both halves, so T is judged on "
            "near-copies of what it was fit to. Draw videos.",
        )
    right = fit_temperature(logits[mask], labels[mask])
    mistakes = {
        "That is 1 / T: the logits are divided by T.": 1 / right,
        "T was fit to all clips: then none are left to judge it on.": (
            fit_temperature(logits, labels)
        ),
        "T was fit to the other half, the one that is to judge it.": (
            fit_temperature(logits[~mask], labels[~mask])
        ),
        "You took the named speakers for the true ones: no network doubts itself.": (
            fit_temperature(logits[mask], logits[mask].argmax(axis=1))
        ),
    }
    side = "overconfident" if right > 1 else "too modest"
    praise = f"T = {right:.2f}: the network was {side} on these clips, and no answer changes."
    return compare(answer, right, mistakes, praise, rtol=0.02)


def transduced(answer: Callable[[Array, NDArray[np.int64]], Any]) -> Verdict:
    """Prototypes from judged clips: unit voices (N, D) and names given (N,) to the names (N,)."""
    rng = np.random.default_rng(0)
    centre = rng.normal(size=(4, 6))
    labels = np.repeat([0, 1, 3], [5, 6, 4])  # nobody is named 2
    voice = unit(centre[labels] + 0.6 * rng.normal(size=(15, 6)))
    names = labels.copy()
    names[[0, 7]] = [3, 0]
    present = np.unique(names)
    means = unit(np.stack([voice[names == c].mean(axis=0) for c in present]))
    nearest = (voice @ means.T).argmax(axis=1)
    mistakes = {
        "These are rows of the prototypes; turn them into names of speakers.": nearest,
        "Speaker 2, after whom no clip was named, has a mean of 0 / 0 and wins everywhere: leave "
        "such speakers out.": np.full(len(names), 2),
        "These are the names from the face; compare the voices once more.": names,
    }
    praise = "The face is withheld, yet it has spoken: through the other clips of its video."
    return compare(answer(voice.copy(), names.copy()), present[nearest], mistakes, praise)
