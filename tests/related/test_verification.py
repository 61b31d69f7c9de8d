"""Trials are balanced and error rates are what counting gives, one threshold at a time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import det_curve, roc_curve
from torchmetrics.functional.classification import binary_eer

from mraf.errors import DataError
from mraf.related.shared_space.trials import (
    Lineups,
    Trials,
    at_false_accept,
    draw_lineups,
    draw_trials,
    eer,
    rates,
    right_matches,
    trial_weights,
)


def trials_of(same):
    """Trials of identities 0 to 4, of one person where `same`; rows do not matter here."""
    same = np.asarray(same)
    number = np.arange(len(same))
    speaker = number % 5
    return Trials(number, number, speaker, np.where(same, speaker, (speaker + 1 + number % 3) % 5))


def brute_force_eer(scores, same, weight):
    """FAR and FRR at every threshold by counting, and where the broken line crosses FAR = FRR."""
    points = []
    for threshold in [np.inf, *sorted(set(scores), reverse=True)]:
        accepted = [score >= threshold for score in scores]
        far = sum(w for w, a, s in zip(weight, accepted, same, strict=True) if a and not s)
        frr = sum(w for w, a, s in zip(weight, accepted, same, strict=True) if s and not a)
        of_two = sum(w for w, s in zip(weight, same, strict=True) if not s)
        of_one = sum(w for w, s in zip(weight, same, strict=True) if s)
        points.append((far / of_two, frr / of_one))
    for (far, frr), (next_far, next_frr) in pairwise(points):
        if next_far >= next_frr:
            share = (frr - far) / ((frr - far) + (next_far - next_frr))
            return far + share * (next_far - far)
    raise AssertionError


cases = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=25).filter(
    lambda found: len({same for _, same in found}) == 2
)


@given(cases, st.integers(0, 99))
def test_eer_is_what_counting_gives_with_ties_and_weights(found, seed):
    scores, same = (np.array(x) for x in zip(*found, strict=True))
    trials = trials_of(same)
    drawn = np.random.default_rng(seed).integers(1, 4, (3, 5))
    assert eer(rates(scores, trials)) == pytest.approx(
        brute_force_eer(scores, same, np.ones(len(same)))
    )
    for one, many in zip(drawn, eer(rates(scores, trials, drawn)), strict=True):
        weight = [
            one[a] if a == b else one[a] * one[b]
            for a, b in zip(trials.speaker, trials.shown, strict=True)
        ]
        assert many == pytest.approx(brute_force_eer(scores, same, weight))


def test_rates_and_eer_agree_with_two_libraries():
    rng = np.random.default_rng(0)
    same = rng.random(400) < 0.4
    scores = np.round(rng.normal(size=400) + same, 2)
    found = rates(scores, trials_of(same))
    far, tpr, _ = roc_curve(same, scores, drop_intermediate=False)
    np.testing.assert_allclose(found.false_accept, far)
    np.testing.assert_allclose(found.false_reject, 1 - tpr, atol=1e-12)
    det_far, det_frr, threshold = det_curve(same, scores)
    at = {t: (a, r) for t, a, r in zip(*found, strict=True)}
    for far, frr, value in zip(det_far, det_frr, threshold, strict=True):
        if np.isfinite(value):
            np.testing.assert_allclose(at[value], (far, frr), atol=1e-12)
    squeezed = torch.tensor((scores - scores.min()) / np.ptp(scores))  # or it takes a sigmoid
    theirs = binary_eer(squeezed, torch.tensor(same.astype(int)))  # the nearest threshold's
    step = np.diff(found.false_accept).max() + np.abs(np.diff(found.false_reject)).max()
    assert eer(found) == pytest.approx(float(theirs), abs=step)


def test_perfect_blind_and_inverted_scores():
    same = np.arange(100) % 2 == 0
    trials = trials_of(same)
    assert eer(rates(same.astype(float), trials)) == 0
    assert eer(rates(np.zeros(100), trials)) == 0.5
    assert eer(rates(-same.astype(float), trials)) == 1


def test_frr_where_far_has_a_level():
    found = rates([4, 3, 2, 1], trials_of([True, False, True, False]))
    np.testing.assert_allclose(at_false_accept(found, [0, 0.5, 0.75]), [0.5, 0, 0])


def test_who_is_drawn_twice_counts_twice_and_pairs_with_others_as_often_as_both():
    trials = Trials(*np.array([[0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 1, 2]]))
    np.testing.assert_array_equal(trial_weights(trials, np.array([2, 3, 0])), [2, 6, 0])


@pytest.mark.parametrize(
    ("scores", "same", "message"),
    [
        ([1.0], [True, False], "scores of shape"),
        ([1.0, np.nan], [True, False], "trial 1 is not finite"),
        ([1.0, 2.0], [True, True], "of one person and of two"),
    ],
)
def test_what_has_no_error_rate_is_said(scores, same, message):
    with pytest.raises(DataError, match=message):
        rates(scores, trials_of(same))


# --- trials


def test_trials_are_balanced_over_people_and_pairs(tiny_corpus):
    clips, people = tiny_corpus.cross, [1, 2, 4, 5]
    trials = draw_trials(clips, people, np.random.default_rng(0), per_pair=4)
    assert trials.same.sum() * 2 == len(trials.same) == 2 * 4 * 4 * 3
    for a in people:
        for b in people:
            both = (trials.speaker == a) & (trials.shown == b)
            assert both.sum() == (12 if a == b else 4)
    np.testing.assert_array_equal(clips.labels[trials.voice], trials.speaker)
    np.testing.assert_array_equal(clips.labels[trials.face], trials.shown)


def test_a_long_video_is_drawn_as_often_as_a_short_one(tiny_corpus):
    clips = tiny_corpus.train
    video = clips.video.copy()
    own = np.flatnonzero(clips.labels == 0)
    video[own] = "long"
    video[own[0]] = "short"
    trials = draw_trials(
        replace(clips, video=video), range(6), np.random.default_rng(0), per_pair=200
    )
    short = (trials.voice[trials.speaker == 0] == own[0]).mean()
    assert 0.45 < short < 0.55


def test_the_seed_decides(tiny_corpus):
    one, same, other = (
        draw_trials(tiny_corpus.train, range(6), np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    assert (one.voice == same.voice).all()
    assert (one.voice != other.voice).any()


def test_identities_without_clips_are_left_out_and_one_is_too_few(tiny_corpus):
    clips = tiny_corpus.train[tiny_corpus.train.labels != 3]
    assert 3 not in draw_trials(clips, [1, 2, 3], np.random.default_rng(0)).shown
    with pytest.raises(DataError, match="1 identities with clips"):
        draw_trials(clips, [2, 3], np.random.default_rng(0))


@pytest.mark.parametrize("draw", [draw_trials, draw_lineups])
def test_a_missing_face_cannot_be_matched(draw, tiny_corpus):
    with pytest.raises(DataError, match="72 clips have no face"):
        draw(tiny_corpus.train.without_faces(), range(6), np.random.default_rng(0))


def test_lineups_show_different_people_the_own_first(tiny_corpus):
    clips = tiny_corpus.train
    lineups = draw_lineups(clips, range(6), np.random.default_rng(0), 5, per_identity=7)
    shown = clips.labels[lineups.faces]
    assert shown.shape == (42, 5)
    np.testing.assert_array_equal(shown[:, 0], lineups.speaker)
    np.testing.assert_array_equal(clips.labels[lineups.voice], lineups.speaker)
    assert all(len(set(row)) == 5 for row in shown)
    assert set(np.bincount(lineups.speaker)) == {7}
    with pytest.raises(DataError, match="7 candidates: 2 to 6"):
        draw_lineups(clips, range(6), np.random.default_rng(0), 7)


def test_matching_by_hand():
    face = np.array([[1.0, 0], [0, 1], [1, 0], [-1, 0]])
    voice = np.array([[1.0, 0], [0.6, 0.8], [0, 1], [0, 1]])
    lineups = Lineups(
        np.array([0, 1, 0]), np.array([[0, 1, 3], [0, 3, 1], [0, 2, 1]]), np.array([0, 0, 0])
    )
    assert right_matches(lineups, face, voice, among=2).tolist() == [True, True, False]  # a tie
    assert right_matches(lineups, face, voice, among=3).tolist() == [True, False, False]
