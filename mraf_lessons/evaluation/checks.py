"""Checks of notebook 05, evaluation in P3–P6."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mraf.evaluation.calibration import (
    expected_calibration_error,
    fit_temperature,
    reliability_bins,
)
from mraf_lessons.kit.checker import Mistake, Verdict, compare, compare_interval, unanswered

Array = NDArray[Any]


def challenge_score(answer: Callable[[dict[str, Array]], Any]) -> Verdict:
    """The mean of the four accuracies, for outcomes (N,) by setting."""
    correct = {
        "P3": np.array([True, True, True, False]),
        "P4": np.array([True, False, False, False]),
        "P5": np.repeat([True, False], [9, 1]),
        "P6": np.repeat([True, False], [3, 7]),
    }
    accuracy = [x.mean() for x in correct.values()]
    names = list(correct)
    pairs = [(0, 1, "one language"), (2, 3, "one language"), (0, 2, "faces"), (1, 3, "voices")]
    pooled = np.concatenate(list(correct.values()))
    mistakes = [
        Mistake(
            pooled.mean(),
            "You pooled the clips: the language with more clips then counts more. The score is a "
            "mean of four accuracies.",
        ),
        Mistake(np.sum(accuracy), "That is the sum of the four; divide by their number."),
        Mistake(np.prod(accuracy), "The accuracies are averaged, not multiplied."),
        Mistake(np.median(accuracy), "The mean is asked for, not the median."),
        *(
            Mistake(
                (accuracy[i] + accuracy[j]) / 2,
                f"That is {names[i]} and {names[j]} alone, {only} only; all four count.",
            )
            for i, j, only in pairs
        ),
    ]
    praise = "Half of the score is without a face, half in another language."
    return compare(answer(dict(correct)), np.mean(accuracy), mistakes, praise)


def video_interval(answer: Callable[[Array, Array, np.random.Generator], Any]) -> Verdict:
    """A 95% interval (low, high) of the accuracy that draws whole videos, given (N,) outcomes."""
    rng = np.random.default_rng(0)
    size = rng.integers(2, 40, 60)
    rate = np.where(rng.random(60) < 0.25, 0.2, 0.98)
    video = np.repeat([f"video {number}" for number in range(60)], size)
    correct = rng.random(len(video)) < np.repeat(rate, size)
    given = answer(correct.copy(), video.copy(), np.random.default_rng(1))
    right, mistakes = _intervals(correct, video)
    times = np.ptp(right) / np.ptp(mistakes[0].answer)
    praise = f"It is {times:.1f} times as wide as one that draws clips."
    return compare_interval(given, right, mistakes, "accuracy", praise, near=0.12, fractions=True)


def _intervals(correct: Array, video: Array) -> tuple[Array, list[Mistake]]:
    """The right interval, and what typical mistakes give."""
    rng = np.random.default_rng(2)
    number = np.unique(video, return_inverse=True)[1]
    right, clips = np.bincount(number, weights=correct), np.bincount(number)
    videos = len(clips)
    draws = rng.multinomial(videos, np.full(videos, 1 / videos), size=4000)

    def between(values: Array, tail: float = 2.5) -> Array:
        return np.percentile(values, [tail, 100 - tail])

    ratio = (draws @ right) / (draws @ clips)
    of_clips = rng.binomial(len(correct), correct.mean(), size=4000) / len(correct)
    mistakes = [
        Mistake(
            between(of_clips),
            "You drew clips: clips of one video are near-copies, and the interval is too narrow. "
            "Draw videos, and take all clips of each.",
        ),
        Mistake(
            between(draws @ (right / clips) / videos),
            "You averaged the videos' accuracies, so that a short video counts as much as a long "
            "one. Add up their right clips and their clips, then divide.",
        ),
        Mistake(
            between(ratio, 5),
            "That holds 90% of the draws: 2.5% are to be left out at either end.",
        ),
        Mistake(
            between(right / clips),
            "That is the spread of single videos, not of the accuracy.",
        ),
    ]
    return between(ratio), mistakes


def calibration_error(answer: Callable[[Array, Array], Any]) -> Verdict:
    """ECE with 15 bins, for confidences (N,) and outcomes (N,)."""
    rng = np.random.default_rng(0)
    confidence = rng.beta(4, 1.5, 500)
    correct = rng.random(500) < np.clip(confidence - 0.1 + 0.3 * (confidence < 0.5), 0, 1)
    table = reliability_bins(confidence, correct)
    gap = table.accuracy - table.confidence
    middle = (table.low + table.high) / 2
    mistakes = [
        Mistake(
            gap.abs().mean(),
            "Every bin counts the same: a bin of three clips weighs as much as one of a hundred. "
            "Weigh the gaps by the bins' clips.",
        ),
        Mistake(
            gap.abs().sum() / 15,
            "Every bin counts the same, and empty ones as zeros. Weigh the gaps by their clips.",
        ),
        Mistake(
            abs(np.average(gap, weights=table.clips)),
            "Signs cancelled: a bin that is too sure made up for one that is too modest. Take "
            "|gap| in each bin first.",
        ),
        Mistake(np.average(gap, weights=table.clips), "Take the absolute value of each gap."),
        Mistake(
            np.average((table.accuracy - middle).abs(), weights=table.clips),
            "You compared with the middle of each bin; take the mean confidence of its clips.",
        ),
        Mistake(np.average(gap.abs(), weights=table.clips) * 500, "Divide by the number of clips."),
    ]
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
    named = logits.argmax(axis=1)
    mistakes = [
        Mistake(1 / right, "That is 1 / T: the logits are divided by T."),
        Mistake(
            fit_temperature(logits, labels),
            "T was fit to all clips: then none are left to judge it on.",
        ),
        Mistake(
            fit_temperature(logits[~mask], labels[~mask]),
            "T was fit to the other half, the one that is to judge it.",
        ),
        Mistake(
            fit_temperature(logits[mask], named[mask]),
            "You took the named speakers for the true ones: no network doubts itself.",
        ),
    ]
    side = "overconfident" if right > 1 else "too modest"
    praise = f"T = {right:.2f}: the network was {side} on these clips, and no answer changes."
    return compare(answer, right, mistakes, praise, rtol=0.02)


def transduced(answer: Callable[[Array, NDArray[np.int64]], Any]) -> Verdict:
    """Prototypes from judged clips: unit voices (N, D) and names given (N,) to the names (N,)."""
    rng = np.random.default_rng(0)
    centre = rng.normal(size=(4, 6))
    labels = np.repeat([0, 1, 3], [5, 6, 4])  # nobody is named 2
    voice = centre[labels] + 0.6 * rng.normal(size=(15, 6))
    voice /= np.linalg.norm(voice, axis=1, keepdims=True)
    names = labels.copy()
    names[[0, 7]] = [3, 0]
    given = answer(voice.copy(), names.copy())
    if unanswered(given):
        return Verdict(None)
    present = np.unique(names)
    means = np.stack([voice[names == c].mean(axis=0) for c in present])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    nearest = (voice @ means.T).argmax(axis=1)
    mistakes = [
        Mistake(nearest, "These are rows of the prototypes; turn them into names of speakers."),
        Mistake(
            np.full(len(names), 2),
            "Speaker 2, after whom no clip was named, has a mean of 0 / 0 and wins everywhere: "
            "leave such speakers out.",
        ),
        Mistake(names, "These are the names from the face; compare the voices once more."),
    ]
    praise = "The face is withheld, yet it has spoken: through the other clips of its video."
    return compare(given, present[nearest], mistakes, praise)
