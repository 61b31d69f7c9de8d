"""Checks of notebook 07, ablations and claims."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mraf.evaluation import verdicts
from mraf_lessons.kit.checker import Mistake, Verdict, compare, compare_interval, unanswered

Array = NDArray[Any]


def effective_clips(answer: Callable[[int, int, float], Any]) -> Verdict:
    """How many independent clips N clips of videos of m clips are worth, at a correlation rho."""
    n, m, rho = 1500, 20, 0.6
    right = n / (1 + (m - 1) * rho)
    mistakes = [
        Mistake(n, "That is all of them: clips of a video would tell nothing about each other."),
        Mistake(n / m, "That is the number of videos, right only where rho is 1."),
        Mistake(n / (1 + m * rho), "A clip has m - 1 neighbours in its video, not m."),
        Mistake(n * (1 - rho), "The size of a video matters: with m = 1 nothing is lost."),
        Mistake(
            n / np.sqrt(1 + (m - 1) * rho),
            "The root is the factor of the interval's width; clips count by the variance.",
        ),
        Mistake(1 + (m - 1) * rho, "That is the design effect; divide N by it."),
    ]
    given = answer(n, m, rho)
    praise = f"{n:,} clips are worth {right:.0f}, not many more than the {n // m} videos."
    return compare(given, right, mistakes, praise)


def paired_interval(answer: Callable[[Array, Array, Array, np.random.Generator], Any]) -> Verdict:
    """A 95% interval of first - second that draws videos, for counts (V,) and clips (V,)."""
    first, second, clips = _two_arms()
    given = answer(first.copy(), second.copy(), clips.copy(), np.random.default_rng(1))
    right, mistakes = _intervals(first, second, clips)
    times = np.ptp(mistakes[0].answer) / np.ptp(right)
    praise = f"Drawn for each arm apart, it would be {times:.1f} times as wide."
    return compare_interval(given, right, mistakes, "difference", praise, near=0.15)


def _two_arms() -> tuple[Array, Array, Array]:
    """Counts of two arms on the same 60 videos, some of which are hard for both."""
    rng = np.random.default_rng(0)
    clips = rng.integers(2, 40, 60)
    rate = np.where(rng.random(60) < 0.3, 0.25, 0.95)
    first = rng.binomial(clips, rate)
    second = rng.binomial(clips, np.clip(rate - 0.06 * (rng.random(60) < 0.5), 0, 1))
    return first, second, clips


def _intervals(first: Array, second: Array, clips: Array) -> tuple[Array, list[Mistake]]:
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
    mistakes = [
        Mistake(
            between(apart),
            "You drew other videos for each arm: a hard video then counts as a difference between "
            "them. Draw once, and judge both on what was drawn.",
        ),
        Mistake(
            between(of_clips),
            "You drew clips: clips of one video are right or wrong together. Draw videos.",
        ),
        Mistake(
            between(draws @ (delta / clips) / videos),
            "You averaged the videos' differences, so that a short video counts as much as a long "
            "one. Add up the counts and the clips of what was drawn, then divide.",
        ),
        Mistake(
            between(ratio, 5),
            "That holds 90% of the draws: 2.5% are to be left out at either end.",
        ),
        Mistake(-between(ratio)[::-1], "That is second minus first."),
    ]
    return between(ratio), mistakes


def superiority(answer: Callable[[Array, Array], Any]) -> Verdict:
    """How often the first arm is ahead when both start from the same seed, accuracies (S,)."""
    first = np.array([0.91, 0.88, 0.93, 0.90, 0.86, 0.92])
    second = np.array([0.90, 0.87, 0.93, 0.91, 0.85, 0.91])
    ahead, tied = (first > second).mean(), (first == second).mean()
    every = first[:, None] - second[None, :]
    mistakes = [
        Mistake(ahead, "A tie is neither a win nor a loss: count it half."),
        Mistake(ahead + tied, "You counted the tie as a win: count it half."),
        Mistake(
            (every > 0).mean() + 0.5 * (every == 0).mean(),
            "You compared every seed with every other: then a lucky seed of one arm meets an "
            "unlucky one of the other. Compare within each seed.",
        ),
        Mistake(1 - ahead - tied / 2, "That is how often the second is ahead."),
        Mistake(float(first.mean() > second.mean()), "Count seeds, do not compare the means."),
    ]
    praise = "Six seeds, though: one that goes the other way moves it by a sixth."
    return compare(answer(first.copy(), second.copy()), ahead + tied / 2, mistakes, praise)


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
    mistakes = [
        Mistake(p, "Nothing was corrected."),
        Mistake(np.minimum(p * m, 1), "That is Bonferroni: all are multiplied by M."),
        Mistake(p * m, "That is Bonferroni: all are multiplied by M."),
        Mistake(
            np.sort(right), "These are sorted; give them back in the order in which they came."
        ),
        Mistake(
            back(np.minimum(steps, 1)),
            "A larger p-value has come out below a smaller one: take the running maximum.",
        ),
        Mistake(back(steps), "Take the running maximum, and let nothing exceed 1."),
        Mistake(back(np.maximum.accumulate(steps)), "A probability above 1: cut it off there."),
        Mistake(
            back(np.minimum(p[order] * m / np.arange(1, m + 1), 1)),
            "That is near Benjamini and Hochberg: it bounds the share of false finds, not the "
            "chance of any.",
        ),
    ]
    praise = "Four of the five were below 5%; after the correction none is."
    return compare(answer(p.copy()), right, mistakes, praise)


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
        where = f"[{100 * low:+.1f}, {100 * high:+.1f}] points, p = {p:g}: "
        if said not in known:
            return Verdict(False, f"{where}'{said}' is none of {', '.join(sorted(known))}.")
        if said == verdicts.EQUAL and (low > 0 or high < 0) and p < 0.05:
            return Verdict(
                False,
                f"{where}you call them equal, but it lies off zero, however narrow it is: equal "
                "is only an interval that is wholly within half a point of zero.",
            )
        if said == verdicts.EQUAL:
            return Verdict(
                False,
                f"{where}you call them equal since no difference was found. Absence of evidence: "
                "they are equal only where the whole interval is within half a point.",
            )
        if expected == verdicts.OPEN and p >= 0.05 and (low > 0 or high < 0):
            return Verdict(False, f"{where}the corrected p-value takes it back; ask both.")
        if expected == verdicts.OPEN and p < 0.05:
            return Verdict(False, f"{where}p alone is below 5%, zero is in the interval; ask both.")
        if expected == verdicts.EQUAL:
            return Verdict(
                False, f"{where}sure or not, it is too small to matter; look at that first."
            )
        return Verdict(False, f"{where}'{expected}' is expected.")
    return Verdict(True, "Four verdicts, and 'not significant' is none of them.")
