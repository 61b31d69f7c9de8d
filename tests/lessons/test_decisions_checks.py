"""The checkers of notebook 09b tell the typical mistakes apart."""

from __future__ import annotations

import numpy as np
import pytest
from verdicts import judged

from mraf_lessons.decisions import checks as check


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda c, h: (c[1] - c[0]) / (c[1] - c[0] + h[0] - h[1]), None),
        (lambda c, h: (h[0] - h[1]) / (c[1] - c[0] + h[0] - h[1]), "with their own faces"),
        (lambda c, h: (c[1] - c[0]) / (h[0] - h[1]), "are shares of the clips"),
        (lambda c, h: (c[1] - c[0]) / (c[1] - c[0] - h[0] + h[1]), "do not subtract"),
        (lambda c, h: c[1] - c[0] - h[0] + h[1], "at which rate"),
    ],
)
def test_cancelling_rate(answer, message):
    judged(check.cancelling_rate(answer), message)
    assert check.cancelling_rate(lambda *_: ...).right is None


def weighted(weights, p):
    return np.einsum("hn,hnc->nc", weights / weights.sum(axis=0), p)


def sure(p, sighted):
    w = p.max(axis=-1)
    w[0] *= sighted
    return w


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda p, s: weighted(sure(p, s), p), None),
        (lambda p, s: (sure(p, s)[..., None] * p).sum(axis=0), "sum to 1"),
        (lambda p, s: weighted(p.max(axis=-1), p), "missing face"),
        (lambda p, s: weighted((sure(p, s) > 0).astype(float), p), "count the same"),
        (lambda p, s: p[sure(p, s).argmax(axis=0), np.arange(len(s))], "surest head alone"),
    ],
)
def test_confidence_weighted(answer, message):
    judged(check.confidence_weighted(answer), message)
    assert check.confidence_weighted(lambda *_: ...).right is None


def deciding(largest=True, enough=True, further=True, other=True, there=True, fallback=True):
    """The rule, or the same with a part left out."""

    def answer(p, sighted, tau, delta):
        ahead = np.diff(np.sort(p, axis=-1)[..., -2:], axis=-1)[..., 0]
        may = (p.max(axis=-1) >= tau * enough) & (~np.eye(3, dtype=bool)[2][:, None])
        may &= (ahead - ahead[2] >= delta) | (not further)
        may &= (p.argmax(axis=-1) != p[2].argmax(axis=-1)) | (not other)
        may[0] &= sighted | (not there)
        head = np.where(may, ahead if largest else p.max(axis=-1), -1).argmax(axis=0)
        return np.where(may.any(axis=0), head, 2 if fallback else 0)

    return answer


def as_given(p, sighted, tau, delta):
    """What exercise 3 shows."""
    ahead = np.diff(np.sort(p, axis=-1)[..., -2:], axis=-1)[..., 0]
    may = (p.max(axis=-1) >= tau) & (ahead - ahead[2] >= delta)
    return np.where(may, ahead, -1).argmax(axis=0)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (deciding(), None),
        (deciding(enough=False), "where is τ"),
        (deciding(further=False), "ahead by δ"),
        (deciding(there=False), "missing face"),
        (deciding(fallback=False), "Where nobody may"),
        (deciding(other=False), "Four are named"),
        (as_given, "Four are named"),
        (lambda p, *_: np.full(p.shape[1], 2), "Four are named"),
    ],
)
def test_who_decides(answer, message):
    judged(check.who_decides(answer), message)
    assert check.who_decides(lambda *_: ...).right is None
