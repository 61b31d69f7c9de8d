"""Checks of notebook 07, ablations and claims."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mraf.evaluation import verdicts
from mraf_lessons.kit.answers import Hints, judge, mistakes
from mraf_lessons.kit.checker import Verdict, compare_interval, unanswered

Array = NDArray[Any]


def effective_clips(answer: Callable[[int, int, float], Any]) -> Verdict:
    """How many independent clips N clips of videos of m clips are worth, at a correlation rho."""
    n, m, rho = 1500, 20, 0.6
    right = n / (1 + (m - 1) * rho)
    said = {
        f"{n:,} clips are worth {right:.0f}, not many more than the {n // m} videos.": right,
        "That is all of them: clips of a video would tell nothing about each other.": n,
        "That is the number of videos, right only where rho is 1.": n / m,
        "A clip has m - 1 neighbours in its video, not m.": n / (1 + m * rho),
        "The size of a video matters: with m = 1 nothing is lost.": n * (1 - rho),
        "The root is the factor of the interval's width; clips count by the variance.": n
        / np.sqrt(1 + (m - 1) * rho),
        "That is the design effect; divide N by it.": 1 + (m - 1) * rho,
    }
    given = answer(n, m, rho)
    return judge(given, said)


def paired_interval(answer: Callable[[Array, Array, Array, np.random.Generator], Any]) -> Verdict:
    """A 95% interval of first - second that draws videos, for counts (V,) and clips (V,)."""
    first, second, clips = _two_arms()
    given = answer(first.copy(), second.copy(), clips.copy(), np.random.default_rng(1))
    right, hints = _intervals(first, second, clips)
    times = np.ptp(next(iter(hints.values()))) / np.ptp(right)
    praise = f"Drawn for each arm apart, it would be {times:.1f} times as wide."
    return compare_interval(given, right, mistakes(hints), "difference", praise, near=0.15)


def _two_arms() -> tuple[Array, Array, Array]:
    """Counts of two arms on the same 60 videos, some of which are hard for both."""
    rng = np.random.default_rng(0)
    clips = rng.integers(2, 40, 60)
    rate = np.where(rng.random(60) < 0.3, 0.25, 0.95)
    first = rng.binomial(clips, rate)
    second = rng.binomial(clips, np.clip(rate - 0.06 * (rng.random(60) < 0.5), 0, 1))
    return first, second, clips


def _intervals(first: Array, second: Array, clips: Array) -> tuple[Array, Hints]:
    """The right interval, and what typical mistakes give."""
    rng = np.random.default_rng(2)
    videos = len(clips)
    draws, others = rng.multinomial(videos, np.full(videos, 1 / videos), size=(2, 4000))

    def between(values: Array, tail: float = 2.5) -> Array:
        return np.percentile(values, [tail, 100 - tail])

    delta = first - second
    ratio = (draws @ delta) / (draws @ clips)
    apart = (draws @ first) / (draws @ clips) - (others @ second) / (others @ clips)
    n = clips.sum()
    of_clips = (
        rng.binomial(n, first.sum() / n, size=4000) - rng.binomial(n, second.sum() / n, size=4000)
    ) / n
    hints = {
        "You drew other videos for each arm: a hard video then counts as a difference between "
        "them. Draw once, and judge both on what was drawn.": between(apart),
        "You drew clips: clips of one video are right or wrong together. Draw videos.": between(
            of_clips
        ),
        "You averaged the videos' differences, so that a short video counts as much as a long one. "
        "Add up the counts and the clips of what was drawn, then divide.": between(
            draws @ (delta / clips) / videos
        ),
        "That holds 90% of the draws: 2.5% are to be left out at either end.": between(ratio, 5),
        "That is second minus first.": -between(ratio)[::-1],
    }
    return between(ratio), hints


def superiority(answer: Callable[[Array, Array], Any]) -> Verdict:
    """How often the first arm is ahead when both start from the same seed, accuracies (S,)."""
    first = np.array([0.91, 0.88, 0.93, 0.90, 0.86, 0.92])
    second = np.array([0.90, 0.87, 0.93, 0.91, 0.85, 0.91])
    ahead, tied = (first > second).mean(), (first == second).mean()
    every = first[:, None] - second[None, :]
    said = {
        "Six seeds, though: one that goes the other way moves it by a sixth.": ahead + tied / 2,
        "A tie is neither a win nor a loss: count it half.": ahead,
        "You counted the tie as a win: count it half.": ahead + tied,
        "You compared every seed with every other: then a lucky seed of one arm meets an unlucky "
        "one of the other. Compare within each seed.": (every > 0).mean()
        + 0.5 * (every == 0).mean(),
        "That is how often the second is ahead.": 1 - ahead - tied / 2,
        "Count seeds, do not compare the means.": float(first.mean() > second.mean()),
    }
    return judge(answer(first.copy(), second.copy()), said)


def holm(answer: Callable[[Array], Any]) -> Verdict:
    """Holm's corrected p-values, in the order of the given ones, shape (M,)."""
    p = np.array([0.04, 0.011, 0.9, 0.012, 0.03])
    m, order = len(p), np.argsort(p)
    steps = p[order] * np.arange(m, 0, -1)

    def back(values: Array) -> Array:
        placed = np.empty(m)
        placed[order] = values
        return placed

    right = back(np.minimum(np.maximum.accumulate(steps), 1))
    said = {
        "Four of the five were below 5%; after the correction none is.": right,
        "Nothing was corrected.": p,
        "That is Bonferroni: all are multiplied by M.": (np.minimum(p * m, 1), p * m),
        "These are sorted; give them back in the order in which they came.": np.sort(right),
        "A larger p-value has come out below a smaller one: take the running maximum.": back(
            np.minimum(steps, 1)
        ),
        "Take the running maximum, and let nothing exceed 1.": back(steps),
        "A probability above 1: cut it off there.": back(np.maximum.accumulate(steps)),
        "That is near Benjamini and Hochberg: it bounds the share of false finds, not the chance "
        "of any.": back(np.minimum(p[order] * m / np.arange(1, m + 1), 1)),
    }
    return judge(answer(p.copy()), said)


CASES = (  # low, high, p
    (0.012, 0.031, 0.002),
    (-0.03, -0.01, 0.01),
    (-0.02, 0.03, 0.6),
    (0.001, 0.02, 0.09),
    (-0.003, 0.004, 0.7),
    (0.001, 0.004, 0.01),
    (0.012, 0.018, 0.001),
    (-0.02, 0.03, 0.01),
)


def say(answer: Callable[[float, float, float], Any]) -> Verdict:
    """The verdict on a difference from its interval (fractions) and corrected p-value."""
    given = [answer(*case) for case in CASES]
    if any(unanswered(said) for said in given):
        return Verdict(None)
    right = [verdicts.verdict(*case) for case in CASES]
    known = {verdicts.BETTER, verdicts.WORSE, verdicts.OPEN, verdicts.EQUAL}
    for case, said, expected in zip(CASES, given, right, strict=True):
        if said == expected:
            continue
        low, high, p = case
        clear = low > 0 or high < 0
        if said not in known:
            hint = f"'{said}' is none of {', '.join(sorted(known))}."
        elif said == verdicts.EQUAL and clear and p < 0.05:
            hint = (
                "you call them equal, but it lies off zero, however narrow it is: equal "
                "is only an interval that is wholly within half a point of zero."
            )
        elif said == verdicts.EQUAL:
            hint = (
                "you call them equal since no difference was found. Absence of evidence: "
                "they are equal only where the whole interval is within half a point."
            )
        elif expected == verdicts.OPEN and p >= 0.05 and clear:
            hint = "the corrected p-value takes it back; ask both."
        elif expected == verdicts.OPEN and p < 0.05:
            hint = "p alone is below 5%, zero is in the interval; ask both."
        elif expected == verdicts.EQUAL:
            hint = "sure or not, it is too small to matter; look at that first."
        else:
            hint = f"'{expected}' is expected."
        return Verdict(False, f"[{100 * low:+.1f}, {100 * high:+.1f}] points, p = {p:g}: {hint}")
    return Verdict(True, "Four verdicts, and 'not significant' is none of them.")
