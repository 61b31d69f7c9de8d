"""Notebook 14: its checkers tell the typical mistakes apart, and a player shows its picture."""

from __future__ import annotations

import numpy as np
import pytest
from verdicts import judged

from mraf_lessons.enrolment import checks as check
from mraf_lessons.waveform.figures import players


def means(voice, speaker, before=True, after=True):
    rows = voice / np.linalg.norm(voice, axis=1, keepdims=True) if before else voice
    found = np.stack([np.average(rows[speaker == c], axis=0) for c in np.unique(speaker)])
    return found / np.linalg.norm(found, axis=1, keepdims=True) if after else found


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (means, None),
        (lambda x, y: means(x, y, before=False), "Long vectors count more"),
        (lambda x, y: means(x, y, after=False), "not yet of length 1"),
        (lambda x, y: means(x, y, False, False), "not yet of length 1"),
    ],
)
def test_enrolled(answer, message):
    judged(check.enrolled(answer), message)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda n: np.exp(np.log(1 / 20) / n), None),
        (lambda n: (1 / 20) ** n, "chance of n right ones"),
        (lambda n: 0.025 ** (1 / n), "two-sided end"),
        (lambda n: 0.95 ** (1 / n), "19 of 20 times"),
        (lambda n: 1 - 3 / n, "rule of three"),
        (lambda n: 1 - 0.05 ** (1 / n), "share of errors"),
    ],
)
def test_lowest(answer, message):
    judged(check.lowest(answer), message)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda p, h: -int(-p * (1 - p) * (1.96 / h) ** 2 // 1), None),
        (lambda p, h: int(p * (1 - p) * (1.96 / h) ** 2), "Round up"),
        (lambda p, h: np.ceil(p * (1 - p) * (1.96 / (h / 2)) ** 2), "half-width"),
        (lambda p, h: p * (1 - p) * 1.96**2 / h, "as a square"),
        (lambda p, h: np.ceil(p * (1 - p) / h**2), "without the 1.96"),
    ],
)
def test_needed(answer, message):
    judged(check.needed(answer), message)


def test_a_picture_stands_over_its_player_and_is_told_in_words():
    shown = players({"ann": np.ones(9), "bo": np.ones(9)}, {"ann": (b"PNG", 'a "face"')}).data
    assert shown.count("<audio") == 2
    assert shown.count("<img") == 1
    assert 'alt="a &quot;face&quot;"' in shown
