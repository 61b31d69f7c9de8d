"""FAR, FRR, EER, OSCR and ACC against brute force and against two libraries."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import det_curve, roc_auc_score, roc_curve
from torchmetrics.functional.classification import binary_eer

from mraf.errors import DataError
from mraf_lessons.kit.threshold import at_threshold
from mraf_related.metrics import Trials, curve, eer, oscr
from mraf_related.open_set.protocol import UNKNOWN, OpenSetClips, measures

# few distinct values, so that ties of every kind occur
SCORE = st.sampled_from([0.0, 0.25, 0.5, 0.5000001, 0.75, 1.0])


@st.composite
def clips(draw, speakers=3):
    """Scores, targets and identities of clips of both kinds, with many ties."""
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
    return scores[order], target[order], identity[order]


def open_set_trials(scores, target, identity):
    return OpenSetClips(SimpleNamespace(labels=identity), target).trials(scores)


def brute(scores, target):
    """Confidence, whether known, whether named rightly, of each clip; by plain loops."""
    found = []
    for row, own in zip(scores, target, strict=True):
        winners = [k for k, score in enumerate(row) if score == max(row)]
        found.append((max(row), own != UNKNOWN, own != UNKNOWN and winners == [own]))
    return found


def operating_points(judged):
    """(FRR, FAR) at every threshold, strictest first."""
    known = [c for c, is_known, _ in judged if is_known]
    unknown = [c for c, is_known, _ in judged if not is_known]
    thresholds = [np.inf, *sorted({c for c, _, _ in judged}, reverse=True)]
    return [
        (sum(c < t for c in known) / len(known), sum(c >= t for c in unknown) / len(unknown))
        for t in thresholds
    ]


def quadratic_oscr(judged):
    """The mean over all pairs of a known and an unknown clip."""
    pairs = [
        named * (1.0 if c > other else 0.5 if c == other else 0.0)
        for c, is_known, named in judged
        if is_known
        for other, other_known, _ in judged
        if not other_known
    ]
    return sum(pairs) / len(pairs)


@settings(max_examples=150)
@given(clips())
def test_every_metric_is_what_counting_gives(given_clips):
    judged, found = brute(*given_clips[:2]), curve(open_set_trials(*given_clips))
    points = operating_points(judged)
    assert oscr(found) == pytest.approx(quadratic_oscr(judged), abs=1e-12)
    for (miss, false), (next_miss, next_false) in pairwise(points):
        if next_false >= next_miss:  # the line between them meets the diagonal
            share = (miss - false) / ((miss - false) + (next_false - next_miss))
            assert eer(found) == pytest.approx(false + share * (next_false - false), abs=1e-12)
            break
    named = [right for _, is_known, right in judged if is_known]  # ties are errors
    assert measures(found)["ACC"] == pytest.approx(np.mean(named))


@settings(max_examples=60)
@given(clips(), st.lists(st.integers(0, 3), min_size=7, max_size=7))
def test_a_weight_is_as_good_as_copies(given_clips, counts):
    rows = np.repeat(np.arange(len(given_clips[1])), np.array(counts)[given_clips[2]])
    copies = tuple(part[rows] for part in given_clips)
    weight = np.array([counts, [1] * 7])
    trials = open_set_trials(*given_clips)
    weighted, once = measures(curve(trials, weight)), measures(curve(trials))
    both_kinds = set((copies[1] != UNKNOWN).tolist()) == {True, False}
    for name, value in weighted.items():
        assert value.shape == (2,)
        assert value[1] == pytest.approx(float(once[name]))
        if both_kinds:
            assert value[0] == pytest.approx(float(measures(curve(open_set_trials(*copies)))[name]))


def verification(scores, same):
    """Trials of which each is drawn alone."""
    same = np.asarray(same, dtype=bool)
    return Trials(np.asarray(scores, dtype=float), same, same, np.arange(len(same)))


def test_rates_eer_and_area_agree_with_two_libraries():
    rng = np.random.default_rng(0)
    same = rng.random(400) < 0.4
    scores = np.round(rng.normal(size=400) + same, 2)
    found = curve(verification(scores, same))
    far, tpr, _ = roc_curve(same, scores, drop_intermediate=False)
    np.testing.assert_allclose(found.false_accept, far)
    np.testing.assert_allclose(found.false_reject, 1 - tpr, atol=1e-12)
    assert oscr(found) == pytest.approx(roc_auc_score(same, scores))
    for far, frr, value in zip(*det_curve(same, scores), strict=True):
        if np.isfinite(value):
            point = at_threshold(found, value)
            assert (point.false_accept, point.false_reject) == pytest.approx((far, frr), abs=1e-12)
    squeezed = torch.tensor((scores - scores.min()) / np.ptp(scores))  # or it takes a sigmoid
    theirs = binary_eer(squeezed, torch.tensor(same.astype(int)))  # the nearest threshold's
    step = np.diff(found.false_accept).max() + np.abs(np.diff(found.false_reject)).max()
    assert eer(found) == pytest.approx(float(theirs), abs=step)


def test_perfect_blind_and_inverted_scores():
    same = np.arange(100) % 2 == 0
    for sign, expected in ((1, 0), (0, 0.5), (-1, 1)):
        assert eer(curve(verification(sign * same.astype(float), same))) == expected
    scores, target = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.1]]), np.array([0, 1, UNKNOWN])
    found = measures(curve(open_set_trials(scores, target, np.arange(3))))
    expected = {"EER": 0, "OSCR": 1, "ACC": 1}
    assert {name: float(value) for name, value in found.items()} == expected


def random_trials(clips=3000, speakers=5, seed=0):
    rng = np.random.default_rng(seed)
    target = rng.integers(-1, speakers, size=clips)
    scores = rng.normal(size=(clips, speakers))
    scores[target >= 0, target[target >= 0]] += 1.5
    return open_set_trials(scores, target, rng.integers(20, size=clips))


def test_fewer_points_hardly_change_the_metrics():
    full, few = (measures(curve(random_trials(), points=points)) for points in (None, 256))
    assert len(curve(random_trials(), points=256).threshold) == 257
    for name in ("EER", "OSCR", "ACC"):
        assert few[name] == pytest.approx(float(full[name]), abs=2e-3)


def test_the_order_of_clips_does_not_matter():
    trials = random_trials()
    order = np.random.default_rng(1).permutation(len(trials.score))
    assert measures(curve(trials)) == measures(curve(Trials(*(part[order] for part in trials))))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": np.zeros((3, 2)) * np.nan}, "score of trial 0 is not finite"),
        ({"scores": np.zeros((4, 2))}, "need"),
        ({"target": np.array([0, 1, 1])}, "to be accepted and trials to be rejected"),
        ({"target": np.array([-1, -1, -1])}, "to be accepted and trials to be rejected"),
        ({"target": np.array([0, 2, -1])}, "neither -1 nor one of 2"),
        ({"target": np.array([0, -2, -1])}, "neither -1 nor one of 2"),
    ],
)
def test_bad_trials_are_refused(change, message):
    fields = {"scores": np.eye(3, 2), "target": np.array([0, 1, -1]), "identity": np.arange(3)}
    with pytest.raises(DataError, match=message):
        curve(open_set_trials(**(fields | change)))


def test_weights_must_make_sense():
    trials = open_set_trials(np.eye(3, 2), np.array([0, 1, -1]), np.arange(3))
    with pytest.raises(DataError, match="2 weights for units up to 2"):
        curve(trials, np.ones((4, 2)))
