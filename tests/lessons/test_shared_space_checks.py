"""The checkers of notebook 10 tell the typical mistakes apart."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_curve
from verdicts import judged

from mraf_lessons.shared_space import checks as check


def augmented(project=True, unit=True, draw=True, over=True):
    def answer(x, deviation, rng):
        r = rng.standard_normal(x.shape)
        if project:
            along = (r * x).sum(1, keepdims=True) / ((x * x).sum(1, keepdims=True) if over else 1)
            r = r - along * x
        if unit:
            r /= np.linalg.norm(r, axis=1, keepdims=True)
        length = np.abs(rng.normal(0, deviation, (len(x), 1))) if draw else deviation
        return x + length * r

    return answer


def moved(x, direction, length):
    r = direction - (direction * x).sum(1, keepdims=True) / (x * x).sum(1, keepdims=True) * x
    return x + length * r / np.linalg.norm(r, axis=1, keepdims=True)


def normal(x, deviation, rng):
    return rng.normal(0, deviation, (len(x), 1))  # its sign does not matter


def uniform(x, deviation, rng):
    return rng.uniform(0, 2 * deviation * np.sqrt(2 / np.pi), (len(x), 1))


def fixed(x, deviation, rng):
    own = np.random.default_rng(0).standard_normal(x.shape)
    return moved(x, own, normal(x, deviation, rng))


def one_for_all(x, deviation, rng):
    return moved(x, rng.standard_normal(x.shape[1]), normal(x, deviation, rng))


def fixed_lengths(x, deviation, rng):
    own = normal(x, deviation, np.random.default_rng(0))
    return moved(x, rng.standard_normal(x.shape), own)


def by_basis(x, deviation, rng):
    """A random vector of length 1 in a basis of what is orthogonal to each row."""
    basis = np.linalg.svd(x[:, None])[2][:, 1:]
    weight = rng.standard_normal((len(x), x.shape[1] - 1))
    weight /= np.linalg.norm(weight, axis=1, keepdims=True)
    return x + normal(x, deviation, rng) * (weight[:, None] @ basis)[:, 0]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (augmented(), None),
        (by_basis, None),
        (lambda x, d, rng: moved(x, rng.standard_normal(x.shape), normal(x, d, rng)), None),
        (lambda x, d, rng: moved(x, rng.standard_normal(x.shape), uniform(x, d, rng)), "spread"),
        (fixed, "all with `rng`"),
        (fixed_lengths, "all with `rng`"),
        (one_for_all, "all with `rng`"),
        (augmented(project=False), "not orthogonal"),
        (augmented(over=False), "‖x‖²"),
        (augmented(unit=False), "length 1 first"),
        (augmented(draw=False), "a length is drawn for each row"),
        (lambda x, d, rng: x, "nothing added"),
        (lambda x, d, rng: x * np.where(np.arange(len(x)) < 9, np.nan, 1)[:, None], "or NaN"),
        (lambda x, d, rng: x[:5], "Shape (2000, 6)"),
        (lambda *given: augmented()(*given).astype(np.float32), None),
        (lambda *given: augmented(project=False)(*given).astype(np.float32), "not orthogonal"),
    ],
)
def test_augmentation(answer, message):
    judged(check.augmentation(answer), message)
    assert check.augmentation(lambda *_: ...).right is None


def by_roc(score, same):
    far, tpr, _ = roc_curve(same, score)
    at = np.argmin(np.abs(far - (1 - tpr)))
    return (far[at] + 1 - tpr[at]) / 2


def by_mean(score, same):
    far, tpr, _ = roc_curve(same, score)
    return ((far + 1 - tpr) / 2).min()


def by_accuracy(score, same):
    thresholds = np.quantile(score, np.arange(0, 1, 0.01))
    return min(((score >= t) != same).mean() for t in thresholds)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (by_roc, None),
        (lambda s, same: 1 - by_roc(s, same), "share accepted"),
        (by_mean, "mean of both errors"),
        (by_accuracy, "whatever their kind"),
        (lambda s, same: (s[~same] >= 0.5).mean(), "threshold is not given"),
    ],
)
def test_equal_error(answer, message):
    judged(check.equal_error(answer), message)
    assert check.equal_error(lambda *_: ...).right is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda n, a, b: np.where(a == b, n[a], n[a] * n[b]), None),
        (lambda n, a, b: n[a] * n[b], "not squared"),
        (lambda n, a, b: n[a], "the other was not drawn"),
        (lambda n, a, b: np.where(a == b, n[a], np.minimum(n[a], n[b])), "six pairs"),
        (lambda n, a, b: np.ones(len(a)), "as they are"),
    ],
)
def test_pair_weights(answer, message):
    judged(check.pair_weights(answer), message)
    assert check.pair_weights(lambda *_: ...).right is None
