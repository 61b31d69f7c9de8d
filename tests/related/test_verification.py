"""Trials of faces and voices are balanced, and people who are drawn twice count twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mraf.errors import DataError
from mraf_related.metrics import eer
from mraf_related.trials import (
    Pairs,
    draw_trials,
    draw_voice_trials,
    rates,
    trial_weights,
)


def pairs_of(same):
    """Pairs of identities 0 to 4, of one person where `same`; rows do not matter here."""
    same = np.asarray(same)
    number = np.arange(len(same))
    speaker = number % 5
    return Pairs(number, number, speaker, np.where(same, speaker, (speaker + 1 + number % 3) % 5))


def test_who_is_drawn_twice_counts_twice_and_pairs_with_others_as_often_as_both():
    pairs = Pairs(*np.array([[0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 1, 2]]))
    np.testing.assert_array_equal(trial_weights(pairs, np.array([2, 3, 0])), [2, 6, 0])


def test_rates_of_drawn_people_are_those_of_copies():
    rng = np.random.default_rng(0)
    pairs, scores = pairs_of(rng.random(60) < 0.5), rng.integers(0, 7, 60)
    drawn = rng.integers(1, 4, (3, 5))
    for many, weight in zip(
        eer(rates(scores, pairs, drawn)), trial_weights(pairs, drawn), strict=True
    ):
        copies = np.repeat(np.arange(60), weight)
        again = Pairs(*(part[copies] for part in pairs))
        assert many == pytest.approx(eer(rates(scores[copies], again)))


@pytest.mark.parametrize(
    ("scores", "same", "message"),
    [
        ([1.0], [True, False], "scores of shape"),
        ([1.0, np.nan], [True, False], "trial 1 is not finite"),
        ([1.0, 2.0], [True, True], "to be accepted and trials to be rejected"),
    ],
)
def test_what_has_no_error_rate_is_said(scores, same, message):
    with pytest.raises(DataError, match=message):
        rates(scores, pairs_of(same))


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
    np.testing.assert_array_equal(clips.labels[trials.other], trials.shown)


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


def test_a_missing_face_cannot_be_matched(tiny_corpus):
    with pytest.raises(DataError, match="72 clips have no face"):
        draw_trials(tiny_corpus.train.without_faces(), range(6), np.random.default_rng(0))


def test_two_voices_never_come_from_one_video(tiny_corpus):
    clips = tiny_corpus.train
    trials = draw_voice_trials(clips, range(6), np.random.default_rng(0), per_pair=4)
    assert (clips.video[trials.voice] != clips.video[trials.other]).all()
    np.testing.assert_array_equal(clips.labels[trials.voice], trials.speaker)
    np.testing.assert_array_equal(clips.labels[trials.other], trials.shown)
    single = replace(clips, video=np.where(clips.labels == 2, "one", clips.video))
    without = draw_voice_trials(single, range(6), np.random.default_rng(0), per_pair=4)
    assert 2 not in without.speaker[without.same]
    assert 2 in without.speaker[~without.same]
    alone = replace(clips, video=clips.labels.astype(str))
    with pytest.raises(DataError, match="nobody has two videos"):
        draw_voice_trials(alone, range(6), np.random.default_rng(0))
