"""Checks of notebook 14, the class enrols itself."""

import numpy as np

from mraf.data.clips import unit
from mraf_lessons.kit.checker import Answer, Array, Verdict, ask, judge


def enrolled(answer: Answer) -> Verdict:
    """Voices (N, D) and speakers 0 … C-1 (N,) to class means (C, D) of length 1."""
    rng = np.random.default_rng(0)
    voice, speaker = (
        rng.normal(1, 1, (7, 4)) * rng.uniform(1, 9, (7, 1)),
        np.array([0, 1] * 3 + [0]),
    )

    def means(rows: Array) -> Array:
        return np.stack([rows[speaker == number].mean(axis=0) for number in (0, 1)])

    said = {
        "Every clip counts the same, however long its vector is.": unit(means(unit(voice))),
        "Long vectors count more here. Bring each voice to length 1 first.": unit(means(voice)),
        "The means are right, but not yet of length 1.": (means(unit(voice)), means(voice)),
    }
    return judge(ask(answer, voice, speaker), said)


def lowest(answer: Answer) -> Verdict:
    """The lowest accuracy that still names n of n videos rightly once in twenty times."""
    videos = 10
    said = {
        "Ten videos without an error leave a quarter of all others open.": 0.05 ** (1 / videos),
        "That is the two-sided end, 2.5% at each side. Solve for one in twenty.": (
            0.025 ** (1 / videos)
        ),
        "That is the chance of n right ones at an accuracy of 0.05.": 0.05**videos,
        "Here 19 of 20 times all are right; they are to be right once in 20 times.": (
            0.95 ** (1 / videos)
        ),
        "That is the rule of three, an approximation for many videos.": 1 - 3 / videos,
        "That is the highest share of errors. Take it from 1.": 1 - 0.05 ** (1 / videos),
    }
    return judge(ask(answer, videos), said, rtol=1e-3)


def needed(answer: Answer) -> Verdict:
    """How many videos an interval of half-width h around an accuracy p takes, rounded up."""
    p, h = 0.9, 0.03
    exact = 1.96**2 * p * (1 - p) / h**2
    said = {
        "Half the width takes four times as many videos.": np.ceil(exact),
        "Round up: of 384.2 videos, 384 are not quite enough.": (exact, np.floor(exact)),
        "h is the half-width; do not halve it again.": (np.ceil(4 * exact), 4 * exact),
        "The half-width enters as a square.": (np.ceil(exact * h), exact * h),
        "That is without the 1.96 of a 95% interval.": (np.ceil(exact / 1.96**2), exact / 1.96**2),
    }
    return judge(ask(answer, p, h), said, rtol=1e-6)
