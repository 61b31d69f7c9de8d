"""Checks of notebook 07, ablations and claims."""

import numpy as np

from mraf.evaluation.differences import BETTER, EQUAL, OPEN, WORSE, verdict
from mraf_lessons.kit.checker import Answer, Array, Verdict, ask, judge, judge_interval, refused


def effective_clips(answer: Answer) -> Verdict:
    """How many independent clips N clips of videos of m clips are worth, at a correlation rho."""
    n, m, rho = 1500, 20, 0.6
    effect = 1 + (m - 1) * rho
    right = n / effect
    said = {
        f"{n:,} clips are worth {right:.0f}, not many more than the {n // m} videos.": right,
        "That is all of them: clips of a video would tell nothing about each other.": n,
        "That is the number of videos, right only where rho is 1.": n / m,
        "A clip has m - 1 neighbours in its video, not m.": n / (1 + m * rho),
        "That is the design effect; divide N by it.": effect,
    }
    return judge(ask(answer, n, m, rho), said)


def paired_interval(answer: Answer) -> Verdict:
    """A 95% interval of first - second that draws videos, for counts (V,) and clips (V,)."""
    rng = np.random.default_rng(0)
    clips = rng.integers(2, 40, 60)
    rate = np.where(rng.random(60) < 0.3, 0.25, 0.95)  # some videos are hard for both
    first = rng.binomial(clips, rate)
    second = rng.binomial(clips, np.clip(rate - 0.06 * (rng.random(60) < 0.5), 0, 1))
    draws, others = rng.multinomial(60, np.full(60, 1 / 60), size=(2, 4000))
    together = (draws @ (first - second)) / (draws @ clips)
    apart = (draws @ first) / (draws @ clips) - (others @ second) / (others @ clips)
    n = clips.sum()
    one, other = (rng.binomial(n, arm.sum() / n, 4000) / n for arm in (first, second))
    said = {
        f"Drawn for each arm apart, it would be {apart.std() / together.std():.1f} times as "
        "wide.": together,
        "You drew other videos for each arm. Draw once, and judge both on what was drawn.": apart,
        "You drew clips: clips of one video are right or wrong together. Draw videos.": one - other,
        "You averaged the videos' differences, so that a short video counts as much as a long "
        "one.": draws @ ((first - second) / clips) / 60,
        "That is second minus first.": -together,
    }
    given = ask(answer, first, second, clips, np.random.default_rng(1))
    return judge_interval(given, said, "difference", near=0.15)


def superiority(answer: Answer) -> Verdict:
    """How often the first arm is ahead when both start from the same seed, accuracies (S,)."""
    first = np.array([0.91, 0.88, 0.93, 0.90, 0.86, 0.92])
    second = np.array([0.90, 0.87, 0.93, 0.91, 0.85, 0.91])
    ahead, tied = (first > second).mean(), (first == second).mean()
    every = np.sign(first[:, None] - second)
    pairs = ((every.mean() + 1) / 2, (every > 0).mean(), (every >= 0).mean())
    said = {
        "Six seeds, though: one that goes the other way moves it by a sixth.": ahead + tied / 2,
        "A tie is neither a win nor a loss: count it half.": (ahead, ahead + tied),
        "You compared every seed with every other. Compare within each seed.": pairs,
        "That is how often the second is ahead.": (1 - ahead - tied / 2, 1 - ahead - tied),
    }
    return judge(ask(answer, first, second), said)


def holm(answer: Answer) -> Verdict:
    """Holm's corrected p-values, in the order of the given ones, shape (M,)."""
    p = np.array([0.04, 0.011, 0.9, 0.012, 0.6])
    m, order = len(p), np.argsort(p)
    steps = p[order] * np.arange(m, 0, -1)
    rising = np.maximum.accumulate(steps)

    def back(values: Array) -> Array:
        return values[np.argsort(order)]

    right, falling = back(np.minimum(rising, 1)), back(np.minimum(steps, 1))
    said = {
        "Three of the five were below 5%; after the correction none is.": right,
        "Nothing was corrected.": p,
        "That is Bonferroni: all are multiplied by M.": (np.minimum(p * m, 1), p * m),
        "These are sorted; give them back in the order in which they came.": np.sort(right),
        "A larger p-value has come out below a smaller one: take the running maximum.": falling,
        "A probability above 1: cut it off there.": (back(steps), back(rising)),
    }
    return judge(ask(answer, p), said)


CASES = (  # low, high, p
    (0.012, 0.031, 0.002), (-0.03, -0.01, 0.01), (-0.02, 0.03, 0.6), (0.001, 0.02, 0.09),
    (-0.02, -0.001, 0.09), (-0.003, 0.004, 0.7), (0.001, 0.004, 0.01), (-0.004, -0.001, 0.01),
    (0.012, 0.018, 0.001), (-0.02, 0.03, 0.01),
)  # fmt: skip


def say(answer: Answer) -> Verdict:
    """The verdict on a difference from its interval (fractions) and corrected p-value."""
    known = [BETTER, OPEN, EQUAL, WORSE]
    for low, high, p in CASES:
        said, right = ask(answer, low, high, p), verdict(low, high, p)
        where = f"[{100 * low:+.1f}, {100 * high:+.1f}] points, p = {p:g}: "
        if not isinstance(said, str) or said not in known:
            return refused(said, f"{where}'{said}' is none of {', '.join(known)}.")
        hints = {
            "you call them equal; they are only where the whole interval is within half a point "
            "of zero. That no difference was found is absence of evidence.": said == EQUAL,
            "the corrected p-value takes it back; ask both.": right == OPEN
            and not low <= 0 <= high,
            "p alone is below 5%, zero is in the interval; ask both.": right == OPEN and p < 0.05,
            "sure or not, it is too small to matter; look at that first.": right == EQUAL,
            f"'{right}' is expected.": True,
        }
        if said != right:
            return Verdict(False, where + next(hint for hint, holds in hints.items() if holds))
    return Verdict(True, "Four verdicts, and 'not significant' is none of them.")
