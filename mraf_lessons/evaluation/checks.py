"""Checks of notebook 05, evaluation in P3–P6."""

import numpy as np

from mraf_lessons.evaluation.calibration import reliability_bins
from mraf_lessons.kit.checker import (
    Answer,
    Array,
    Verdict,
    ask,
    judge,
    judge_interval,
    numbers,
    refused,
)
from mraf_related.calibration import fit_temperature


def challenge_score(answer: Answer) -> Verdict:
    """The mean of the four accuracies, for outcomes (N,) by setting."""
    right = {"P3": (7, 8), "P4": (2, 8), "P5": (9, 10), "P6": (3, 10)}  # of so many clips
    correct = {setting: np.arange(clips) < number for setting, (number, clips) in right.items()}
    p3, p4, p5, p6 = four = [outcomes.mean() for outcomes in correct.values()]
    pooled = np.concatenate(list(correct.values())).mean()
    said = {
        "Half of the score is without a face, half in another language.": np.mean(four),
        "You pooled the clips. The score is a mean of four accuracies.": pooled,
        "That is the sum of the four; divide by their number.": np.sum(four),
        "That is one language only; all four count.": ((p3 + p4) / 2, (p5 + p6) / 2),
        "That is with or without faces only; all four count.": ((p3 + p5) / 2, (p4 + p6) / 2),
    }
    return judge(ask(answer, correct), said)


def video_interval(answer: Answer) -> Verdict:
    """A 95% interval (low, high) of the accuracy that draws whole videos, given (N,) outcomes."""
    rng = np.random.default_rng(0)
    clips = rng.integers(2, 40, 60)
    rate = np.where(rng.random(60) < 0.25, 0.2, 0.98)
    video = np.repeat(np.arange(60), clips)
    correct = rng.random(len(video)) < rate[video]
    right = np.bincount(video, weights=correct)
    draws = rng.multinomial(60, np.full(60, 1 / 60), size=4000)
    by_video, of_means = (draws @ right) / (draws @ clips), draws @ (right / clips) / 60
    once = ((draws > 0) @ right) / ((draws > 0) @ clips)
    by_clip = rng.binomial(len(correct), correct.mean(), size=4000) / len(correct)
    times = by_video.std() / by_clip.std()
    said = {
        f"It is {times:.1f} times as wide as one that draws clips.": by_video,
        "You drew clips, and clips of a video are near-copies. Draw whole videos.": by_clip,
        "You averaged the videos' accuracies: a short one counts as much as a long one.": of_means,
        "A video that is drawn twice counts twice, with all of its clips.": once,
    }
    given = ask(answer, correct, np.char.add("video ", video.astype(str)), np.random.default_rng(1))
    return judge_interval(given, said, "accuracy", near=0.12, lowest=0)


def calibration_error(answer: Answer) -> Verdict:
    """ECE with 15 bins, for confidences (N,) and outcomes (N,)."""
    rng = np.random.default_rng(0)
    confidence = rng.beta(4, 1.5, 500)
    correct = rng.random(500) < np.clip(confidence - 0.1 + 0.3 * (confidence < 0.5), 0, 1)
    table = reliability_bins(confidence, correct)
    gap, centre = table.accuracy - table.confidence, (table.low + table.high) / 2
    gaps = [gap.abs(), gap, (table.accuracy - centre).abs()]
    right, signed, middle = (np.average(one, weights=table.clips) for one in gaps)
    unweighted = gap.abs().mean(), gap.abs().sum() / 15
    said = {
        "": right,
        "Every bin counts the same. Weigh the gaps by the bins' clips.": unweighted,
        "Signs cancelled. Take |gap| in each bin first.": (abs(signed), signed),
        "You compared with the middle of each bin; take the mean confidence of its clips.": middle,
        "Divide by the number of clips.": right * len(correct),
    }
    return judge(ask(answer, confidence, correct), said)


def temperature(answer: object, fit: object, logits: Array, labels: Array, video: Array) -> Verdict:
    """T that makes the labels of the clips in the mask `fit` likeliest; both halves by video."""
    mask = numbers(fit, "b")
    if mask is None or mask.shape != labels.shape:
        hint = f"A mask is expected, True or False for each of the {len(labels):,} clips."
        return refused(fit, hint)
    if not 0.2 <= mask.mean() <= 0.8:
        return Verdict(False, f"{mask.mean():.0%} of the clips are in the mask; aim at half.")
    if both := len(np.intersect1d(video[mask], video[~mask])):
        hint = f"A clip-level split: {both} videos have clips in both halves. Draw videos."
        return Verdict(False, hint)
    fit_to, named = fit_temperature, logits.argmax(axis=1)
    right, others = (fit_to(logits[half], labels[half]) for half in (mask, ~mask))
    whole, sure = fit_to(logits, labels), fit_to(logits[mask], named[mask])
    side = "overconfident" if right > 1 else "too modest"
    said = {
        f"T = {right:.2f}: the network was {side} on these clips, and no answer changes.": right,
        "That is 1 / T: the logits are divided by T.": 1 / right,
        "T was fit to all clips: then none are left to judge it on.": whole,
        "T was fit to the other half, the one that is to judge it.": others,
        "You took the named speakers for the true ones: no network doubts itself.": sure,
    }
    return judge(answer, said, rtol=0.02)
