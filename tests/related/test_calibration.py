"""Calibration: worked by hand, against loops, and against what cannot be measured."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mraf.errors import DataError
from mraf_lessons.evaluation.calibration import (
    confidences,
    expected_calibration_error,
    reliability_bins,
)
from mraf_related.calibration import fit_temperature, negative_log_likelihood


def test_two_bins_by_hand():
    confidence, correct = [0.2, 0.4, 0.9, 1.0], [False, True, True, True]
    table = reliability_bins(np.array(confidence), np.array(correct), bins=2)
    assert table.clips.tolist() == [2, 2]
    np.testing.assert_allclose(table.confidence, [0.3, 0.95])
    np.testing.assert_allclose(table.accuracy, [0.5, 1.0])
    ece = expected_calibration_error(np.array(confidence), np.array(correct), bins=2)
    assert ece == pytest.approx((2 * 0.2 + 2 * 0.05) / 4)


def test_edges_belong_to_the_bin_below_and_empty_bins_have_no_row():
    table = reliability_bins(np.array([0.0, 0.2, 0.21, 1.0]), np.ones(4), bins=5)
    assert table.low.tolist() == pytest.approx([0.0, 0.2, 0.8])
    assert table.clips.tolist() == [2, 1, 1]


@given(st.integers(0, 1000), st.integers(1, 30), st.integers(1, 40))
def test_ece_equals_the_loop_over_bins(seed, bins, clips):
    rng = np.random.default_rng(seed)
    confidence, correct = rng.random(clips), rng.random(clips) < 0.5
    edges = np.arange(bins + 1) / bins
    expected = 0.0
    for low, high in pairwise(edges):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            gap = abs(correct[inside].mean() - confidence[inside].mean())
            expected += inside.sum() / clips * gap
    assert expected_calibration_error(confidence, correct, bins) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("confidence", "correct", "message"),
    [([], [], "shape"), ([0.5, 0.5], [1], "shape"), ([1.5], [1], "not logits"),
     ([float("nan")], [1], "not logits")],
)  # fmt: skip
def test_what_cannot_be_binned_is_told(confidence, correct, message):
    with pytest.raises(DataError, match=message):
        reliability_bins(np.array(confidence), np.array(correct))


def test_the_fitted_temperature_undoes_a_scaling():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 5))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (p.cumsum(axis=1) < rng.random((4000, 1))).sum(axis=1)
    assert fit_temperature(3 * logits, labels) == pytest.approx(3, rel=0.1)
    worse = negative_log_likelihood(3 * logits, labels)
    assert worse > negative_log_likelihood(3 * logits, labels, 3.0)
    np.testing.assert_allclose(confidences(3 * logits, 3.0), p.max(axis=1))
    assert confidences(np.array([[1000.0, 0.0]])).tolist() == [1.0]
