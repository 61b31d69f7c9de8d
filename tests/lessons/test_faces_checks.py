"""The checkers of notebook 09 tell the typical mistakes apart."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from verdicts import judged

from mraf_lessons.faces import checks as check


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda f, v: np.log(f.shape[1] * (f * v).sum(axis=1)), None),
        (lambda f, v: 5 * (f * v).sum(axis=1), "logarithm"),
        (lambda f, v: np.log((f * v).sum(axis=1)), "tells nothing"),
        (lambda f, v: np.log((f * v).mean(axis=1)), "not a mean"),
        (lambda f, v: np.log(5 * (f * v).max(axis=1)), "best speaker only"),
        (lambda f, v: (np.log(f) + np.log(v)).sum(axis=1), "everybody at once"),
    ],
)
def test_bayes_factor(answer, message):
    judged(check.bayes_factor(answer), message)
    assert check.bayes_factor(lambda *_: ...).right is None


def logit(p):
    return np.log(p / (1 - p))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda p, b: expit(logit(p) + b), None),
        (lambda p, b: expit(b), "left out"),
        (lambda p, b: p * np.exp(b), "multiplies the odds"),
        (lambda p, b: np.exp(logit(p) + b), "a probability"),
        (lambda p, b: p * expit(b), "multiplies the odds"),
        (lambda p, b: expit(b - logit(p)), "wrong way round"),
    ],
)
def test_posterior(answer, message):
    judged(check.posterior(answer), message)
    assert check.posterior(lambda *_: ...).right is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda clean, hit, q: clean + q * (hit - clean), None),
        (lambda clean, hit, q: (1 - q) * clean, "as an error"),
        (lambda clean, hit, q: clean - q, "as an error"),
        (lambda clean, hit, q: q * clean + (1 - q) * hit, "of wrong faces"),
        (lambda clean, hit, q: clean * hit**q, "not a product"),
    ],
)
def test_at_rate(answer, message):
    judged(check.at_rate(answer), message)
    assert check.at_rate(lambda *_: ...).right is None
