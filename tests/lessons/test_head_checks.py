"""The checkers of notebook 12 tell the typical mistakes apart."""

import numpy as np
import pytest
from verdicts import judged

from mraf_lessons.heads import checks as check
from mraf_lessons.heads.geometry import hardened_angle


def own(cosine, speaker):
    return np.eye(cosine.shape[1])[speaker]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda c, y, m, s: s * (c - m * own(c, y)), None),
        (lambda c, y, m, s: s * c, "without the margin"),
        (lambda c, y, m, s: s * c - m * own(c, y), "multiplies the margin, too"),
        (lambda c, y, m, s: s * (c + m * own(c, y)), "easier"),
        (lambda c, y, m, s: c - m * own(c, y), "the scale s"),
    ],
)
def test_additive_margin(answer, message):
    judged(check.additive_margin(answer), message)
    assert check.additive_margin(lambda *_: ...).right is None


def rotated(cosine, margin):
    return np.cos(np.arccos(cosine) + margin)


def arcface(cosine, margin):
    beyond = np.arccos(cosine) + margin > np.pi
    return np.where(beyond, cosine - margin * np.sin(margin), rotated(cosine, margin))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (arcface, None),
        (rotated, "rises again"),
        (lambda c, m: c - m, "That is AM"),
        (lambda c, m: c - m * np.sin(m), "beyond π - m alone"),
        (lambda c, m: arcface(c, np.radians(m)), "radians"),
    ],
)
def test_angular_margin(answer, message):
    judged(check.angular_margin(answer), message)
    assert check.angular_margin(lambda *_: None).right is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda c, p: (c - 1) / c * np.log((c - 1) * p / (1 - p)), None),
        (lambda c, p: np.log((c - 1) * p / (1 - p)), "C / (C - 1)"),
        (lambda c, p: np.log((c - 1) * p / (1 - p)) / 2, "not all"),
        (lambda c, p: (c - 1) / c * np.log(p / (1 - p)), "outweigh"),
        (lambda c, p: c / (c - 1) * np.log((c - 1) * p / (1 - p)), "divide"),
    ],
)
def test_least_scale(answer, message):
    judged(check.least_scale(answer), message)
    assert check.least_scale(lambda *_: ...).right is None


def test_the_least_scale_is_what_a_softmax_needs():
    speakers, p = 7, 0.9
    scale = (speakers - 1) / speakers * np.log((speakers - 1) * p / (1 - p))
    logits = scale * np.r_[1.0, np.full(speakers - 1, -1 / (speakers - 1))]
    assert np.exp(logits[0]) / np.exp(logits).sum() == pytest.approx(p)


def distance(x, w, factor=2.0, power=1.0, lengths=1.0):
    apart, xx, ww = ((x - w) ** 2).sum() ** power, (x @ x) ** lengths, (w @ w) ** lengths
    return np.arccosh(1 + factor * apart / ((1 - xx) * (1 - ww)))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (distance, None),
        (lambda x, w: distance(x, w, power=0.5), "squared"),
        (lambda x, w: distance(x, w, factor=1), "factor 2"),
        (lambda x, w: distance(x, w, lengths=0.5), "denominator"),
        (lambda x, w: np.linalg.norm(x - w), "Euclid"),
    ],
)
def test_ball_distance(answer, message):
    judged(check.ball_distance(answer), message)
    assert check.ball_distance(lambda *_: ...).right is None


def excess(theta, margin, a):
    d = 2 * np.arcsinh(a * np.sin(theta / 2))
    return 2 * np.arcsin(np.sinh((d + margin) / 2) / a) - theta


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (excess, None),
        (lambda t, m, a: excess(t, m, a) + t, "θ' itself"),
        (lambda t, m, a: np.full(len(t), m), "That is AAM"),
        (lambda t, m, a: hardened_angle("am", t, m) - t, "That is AM"),
        (lambda t, m, a: (excess(t, m, a) + t) / 2 - t, "half the angle"),
    ],
)
def test_margin_as_angle(answer, message):
    judged(check.margin_as_angle(answer), message)
    assert check.margin_as_angle(lambda *_: ...).right is None
