"""EER, minDCF, OSCR and ACC against brute force over every threshold and every pair."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mraf.errors import DataError, RunError
from mraf.related.open_set.metrics import UNKNOWN, Trials, curve, measures, min_dcf, oscr
from mraf.related.shared_space.trials import eer

# few distinct values, so that ties of every kind occur
SCORE = st.sampled_from([0.0, 0.25, 0.5, 0.5000001, 0.75, 1.0])


@st.composite
def trials(draw, speakers=3):
    """Clips of both kinds with many ties."""
    targets = st.integers(0, speakers - 1)
    some = draw(st.lists(targets, min_size=1, max_size=12))
    others = draw(st.integers(1, 12))
    target = np.array(some + [UNKNOWN] * others)
    row = st.lists(SCORE, min_size=speakers, max_size=speakers)
    scores = np.array([draw(row) for _ in target])
    identity = np.array(
        [draw(st.integers(0, 3)) for _ in some] + [4 + n % 3 for n in range(others)]
    )
    order = np.array(draw(st.permutations(range(len(target)))))
    return Trials(scores[order], target[order], identity[order])


def brute(trials):
    """Confidence, whether known, whether named rightly, of each clip; by plain loops."""
    found = []
    for scores, target in zip(trials.scores, trials.target, strict=True):
        best = max(scores)
        winners = [k for k, score in enumerate(scores) if score == best]
        found.append((best, target != UNKNOWN, target != UNKNOWN and winners == [target]))
    return found


def operating_points(trials):
    """(FRR, FAR) at every threshold, strictest first."""
    clips = brute(trials)
    known = [c for c, is_known, _ in clips if is_known]
    unknown = [c for c, is_known, _ in clips if not is_known]
    thresholds = [np.inf, *sorted({c for c, _, _ in clips}, reverse=True)]
    return [
        (sum(c < t for c in known) / len(known), sum(c >= t for c in unknown) / len(unknown))
        for t in thresholds
    ]


def quadratic_oscr(trials):
    """The mean over all pairs of a known and an unknown clip."""
    clips = brute(trials)
    pairs = [
        named * (1.0 if c > other else 0.5 if c == other else 0.0)
        for c, is_known, named in clips
        if is_known
        for other, other_known, _ in clips
        if not other_known
    ]
    return sum(pairs) / len(pairs)


@settings(max_examples=150)
@given(trials())
def test_oscr_is_the_mean_over_pairs(given_trials):
    assert oscr(curve(given_trials)) == pytest.approx(quadratic_oscr(given_trials), abs=1e-12)


@settings(max_examples=150)
@given(trials(), st.sampled_from([0.01, 0.1, 0.5, 0.9]))
def test_min_dcf_is_the_cheapest_threshold(given_trials, prior):
    costs = [prior * frr + (1 - prior) * far for frr, far in operating_points(given_trials)]
    expected = min(costs) / min(prior, 1 - prior)
    assert min_dcf(curve(given_trials), prior) == pytest.approx(expected, abs=1e-12)
    assert expected <= 1 + 1e-12  # never to accept, or always, is among the thresholds


@settings(max_examples=150)
@given(trials())
def test_eer_is_where_the_polyline_meets_the_diagonal(given_trials):
    points = operating_points(given_trials)
    expected = None
    for (miss, false), (next_miss, next_false) in pairwise(points):
        if next_false >= next_miss:
            share = (miss - false) / ((miss - false) + (next_false - next_miss))
            expected = false + share * (next_false - false)
            break
    assert eer(curve(given_trials).rates) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=60)
@given(trials())
def test_acc_ignores_the_unknown_and_counts_ties_as_errors(given_trials):
    known = [named for _, is_known, named in brute(given_trials) if is_known]
    assert measures(curve(given_trials))["ACC"] == pytest.approx(np.mean(known))


@settings(max_examples=60)
@given(trials(), st.lists(st.integers(0, 3), min_size=7, max_size=7))
def test_a_weight_is_as_good_as_copies(given_trials, counts):
    rows = np.repeat(np.arange(len(given_trials.target)), np.array(counts)[given_trials.identity])
    copies = Trials(*(part[rows] for part in given_trials))
    weight = np.array([counts, [1] * 7])
    weighted = measures(curve(given_trials, weight))
    once = measures(curve(given_trials))
    kinds = set((copies.target != UNKNOWN).tolist())
    for name, value in weighted.items():
        assert value.shape == (2,)
        assert value[1] == pytest.approx(float(once[name]))
        if kinds == {True, False}:
            assert value[0] == pytest.approx(float(measures(curve(copies))[name]))


def random_trials(clips=3000, speakers=5, seed=0):
    rng = np.random.default_rng(seed)
    target = rng.integers(-1, speakers, size=clips)
    scores = rng.normal(size=(clips, speakers))
    scores[target >= 0, target[target >= 0]] += 1.5
    return Trials(scores, target, rng.integers(20, size=clips))


def test_fewer_points_hardly_change_the_metrics():
    full, few = (measures(curve(random_trials(), points=points)) for points in (None, 256))
    assert len(curve(random_trials(), points=256).threshold) == 257
    for name in ("EER", "OSCR", "ACC"):
        assert few[name] == pytest.approx(float(full[name]), abs=2e-3)


def test_perfect_and_reversed_scores():
    scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.1]])
    good = Trials(scores, np.array([0, 1, UNKNOWN]), np.arange(3))
    found = measures(curve(good))
    expected = {"EER": 0, "minDCF 0.1": 0, "minDCF 0.01": 0, "OSCR": 1, "ACC": 1}
    assert {name: float(value) for name, value in found.items()} == expected
    bad = Trials(scores, np.array([UNKNOWN, UNKNOWN, 0]), np.arange(3))
    assert float(eer(curve(bad).rates)) == 1
    assert float(oscr(curve(bad))) == 0


def test_the_order_of_clips_does_not_matter():
    trials = random_trials()
    order = np.random.default_rng(1).permutation(len(trials.target))
    other = Trials(*(part[order] for part in trials))
    assert measures(curve(trials)) == measures(curve(other))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": np.zeros((3, 2)) * np.nan}, "scores of clip 0 are NaN"),
        ({"scores": np.zeros((4, 2))}, "expected"),
        ({"target": np.array([0, 1, 1])}, "of enrolled and of other"),
        ({"target": np.array([-1, -1, -1])}, "of enrolled and of other"),
        ({"target": np.array([0, 2, -1])}, "neither -1 nor one of 2"),
        ({"target": np.array([0, -2, -1])}, "neither -1 nor one of 2"),
    ],
)
def test_bad_trials_are_refused(change, message):
    fields = {"scores": np.eye(3, 2), "target": np.array([0, 1, -1]), "identity": np.arange(3)}
    with pytest.raises(DataError, match=message):
        curve(Trials(**(fields | change)))


def test_a_prior_and_weights_must_make_sense():
    found = curve(Trials(np.eye(3, 2), np.array([0, 1, -1]), np.arange(3)))
    for prior in (0, 1, -0.1):
        with pytest.raises(RunError, match="between 0 and 1"):
            min_dcf(found, prior)
    with pytest.raises(DataError, match="2 weights for identities up to 2"):
        curve(Trials(np.eye(3, 2), np.array([0, 1, -1]), np.arange(3)), np.ones((4, 2)))
