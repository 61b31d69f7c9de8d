"""That the clipped distance is a function of the angle, where it is, and where it is not."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mraf.errors import RunError
from mraf.variants.config import ModelConfig
from mraf.variants.margins import HEADS, clip_to_ball, poincare_distance
from mraf_lessons.heads.geometry import (
    agreement,
    angle_of_distance,
    distance_of_angle,
    hardened_angle,
    steepness,
)

seeds = st.integers(0, 2**32 - 1)
curvatures = st.floats(1.05, 20)


def directions(rng, count, dim=8):
    rows = rng.normal(size=(count, dim))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def distances(x, w, curvature):
    x, w = (clip_to_ball(torch.from_numpy(rows), curvature) for rows in (x, w))
    return poincare_distance(x, w).numpy()


@given(seeds, curvatures, st.floats(1, 400), st.floats(1, 400))
def test_clipped_points_are_as_far_apart_as_their_angle_says(seed, curvature, long, longer):
    """‖x‖ and ‖w‖ beyond the radius: d = 2 arsinh(a sin(θ/2)), whatever the lengths."""
    rng = np.random.default_rng(seed)
    x, w = directions(rng, 5), directions(rng, 7)
    angle = np.arccos(x @ w.T)
    found = distances(long * x, longer * w, curvature)
    np.testing.assert_allclose(found, distance_of_angle(angle, curvature), rtol=1e-6)


@given(seeds, curvatures, st.floats(0.01, 400), st.floats(0.01, 400))
def test_centres_of_one_length_are_ranked_as_by_the_cosine(seed, curvature, long, of_centres):
    """The theorem: for centres of equal length, d falls as the cosine rises, for any embedding."""
    rng = np.random.default_rng(seed)
    x, w = directions(rng, 5), directions(rng, 7)
    by_distance = distances(long * x, of_centres * w, curvature).argsort(axis=1)
    np.testing.assert_array_equal(by_distance, (-x @ w.T).argsort(axis=1))
    assert agreement(long * x, of_centres * w, curvature) == 1


def test_centres_of_several_lengths_within_the_ball_are_not():
    rng = np.random.default_rng(0)
    x, w = directions(rng, 200), directions(rng, 7) * rng.uniform(0.01, 0.4, (7, 1))
    assert agreement(x, w, 5.0) < 0.9
    assert agreement(x, w * 100, 5.0) == 1  # all of them clipped


def test_the_formula_by_hand():
    # c = 5 without ε: r² = 1/5, a = 2 √5 / 4, and at 180° d = 4 artanh(r)
    assert steepness(5.0) == pytest.approx(np.sqrt(5) / 2, rel=1e-4)
    assert distance_of_angle(np.pi, 5.0) == pytest.approx(4 * np.arctanh(5**-0.5), rel=1e-4)


@given(st.floats(0, np.pi), curvatures)
def test_angle_and_distance_are_inverse(angle, curvature):
    there = distance_of_angle(angle, curvature)
    assert angle_of_distance(there, curvature) == pytest.approx(angle, abs=1e-5)


@given(st.floats(0.05, 3.0), st.floats(0, 0.5), st.sampled_from(["am", "aam", "ham"]))
def test_a_hardened_angle_is_what_the_head_in_training_sees(angle, margin, kind):
    head = HEADS[kind](ModelConfig(2, width=2, head=kind, margin=margin)).double()
    with torch.no_grad():
        head.weight.copy_(torch.eye(2))
    hardened = float(hardened_angle(kind, angle, margin))
    if np.isnan(hardened):
        return

    def logit(theta):
        return head(torch.tensor([[np.cos(theta), np.sin(theta)]], dtype=torch.float64))

    in_training = head.with_margin(logit(angle), torch.tensor([0]))[0, 0]
    assert logit(hardened)[0, 0].item() == pytest.approx(in_training.item(), abs=1e-4)


def test_beyond_the_antipode_there_is_no_angle():
    for kind in ("am", "aam", "ham"):
        assert np.isnan(hardened_angle(kind, 3.1, 0.3))
    with pytest.raises(RunError, match="none of am, aam, ham"):
        hardened_angle("h", 1.0, 0.1)


@pytest.mark.parametrize("kind", ["am", "aam", "h", "ham"])
def test_the_length_of_an_ecapa_voice_changes_nothing(kind):
    torch.manual_seed(0)
    head = HEADS[kind](ModelConfig(5, head=kind)).double()
    voice = torch.randn(4, 512, dtype=torch.float64)
    torch.testing.assert_close(head(voice), head(250 * voice))


def test_centres_that_start_beyond_the_radius_stay_there():
    """The gradient through Π_c is at right angles to a clipped centre: a step lengthens it."""
    torch.manual_seed(0)
    head = HEADS["h"](ModelConfig(5, width=16, head="h", start="rim")).double()
    voice, speaker = torch.randn(40, 16, dtype=torch.float64), torch.arange(40) % 5
    torch.nn.functional.cross_entropy(head(voice), speaker).backward()
    along = (head.weight * head.weight.grad).sum(dim=1)
    assert along.abs().max() < 1e-12 * head.weight.grad.abs().max() * 16
    longer = (head.weight - 0.1 * head.weight.grad).norm(dim=1)
    assert (longer > head.weight.norm(dim=1)).all()
