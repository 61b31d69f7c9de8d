"""The transductive methods on batches in which the answer is known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from mraf.data.clips import unit
from mraf_related.leaderboard.methods import (
    UnlabelledBatch,
    Voices,
    prototypes,
    soft_names,
    spreading,
)
from mraf_related.leaderboard.protocols import LEADERBOARD
from mraf_related.leaderboard.run import transductions


@pytest.fixture
def shifted():
    """Two speakers whose voices have moved since training, so that half the clips are misnamed.

    The faces of all but the first clip of each are seen and name them rightly.
    """
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 20)
    means = unit(np.array([[1.0, 0.0, 0.0], [0.8, 0.6, 0.0]]))
    moved = np.array([[0.88, 0.47, 0.3], [0.5, 0.85, 0.3]])  # both nearer to speaker 1 of training
    rows = unit(moved[labels] + 0.02 * rng.normal(size=(40, 3)))
    blind = rows @ means.T
    seen = np.arange(40) % 20 > 0
    right = np.eye(2)[labels]
    return UnlabelledBatch(Voices(rows, means), np.where(seen[:, None], right, blind), seen), labels


def test_soft_names_do_not_depend_on_the_unit_of_the_scores():
    scores = np.random.default_rng(0).normal(size=(5, 4))
    names = soft_names(scores, 2.0)
    np.testing.assert_allclose(names, soft_names(30 * scores - 7, 2.0))
    np.testing.assert_allclose(names.sum(axis=1), 1)
    np.testing.assert_allclose(soft_names(np.ones((2, 4)), 3.0), 0.25)


def test_methods_name_by_the_faces_of_other_clips(shifted):
    batch, labels = shifted
    assert batch.scores[0].argmax() == 1  # by its voice alone, clip 0 is misnamed
    judged = {
        "prototypes": prototypes(batch, anchor=1, sharpness=3, rounds=2),
        "spreading": spreading(batch, neighbours=5, power=4, share=0.8, sharpness=3, rounds=1),
    }
    for method, scores in judged.items():
        assert (scores.argmax(axis=1) == labels).all(), method


def test_a_heavy_anchor_leaves_the_training_means(shifted):
    batch, _ = shifted
    scores = prototypes(batch, anchor=1e9, sharpness=2, rounds=3)
    np.testing.assert_allclose(scores, batch.voices.rows @ batch.voices.means.T, atol=1e-6)


def test_one_round_of_spreading_is_a_weighted_vote_by_hand(shifted):
    batch, _ = shifted
    scores = spreading(batch, neighbours=3, power=2, share=0.5, sharpness=2, rounds=1)
    cosine = batch.voices.rows[7] @ batch.voices.rows.T
    cosine[7] = -1
    near = np.argsort(-cosine)[:3]
    names = soft_names(batch.scores, 2)
    vote = np.average(names[near], axis=0, weights=cosine[near] ** 2)
    np.testing.assert_allclose(scores[7], 0.5 * vote + 0.5 * names[7], rtol=1e-5)


def test_hours_are_told_before_they_begin(monkeypatch, recwarn):
    for system in ("run_system", "class_mean_system"):
        named = SimpleNamespace(name=system)
        monkeypatch.setattr(f"mraf_related.leaderboard.run.{system}", lambda *_, of=named: of)
    few, many = (SimpleNamespace(train=0, english=range(n), cross=range(n)) for n in (1500, 400000))
    transductions(None, few, LEADERBOARD)
    assert not recwarn
    with pytest.warns(UserWarning, match=r"800,000 clips are compared .* about \d\d min\."):
        transductions(None, many, LEADERBOARD)
