"""Stacked runs: each is the run that it is alone, whatever its company."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from mraf.errors import RunError
from mraf.training.config import RECIPES, configure
from mraf.training.loop import Learner, train
from mraf.training.stacked import shape, train_stacked

TINY = {"width": 16, "tokens": 2, "heads": 2, "batch_size": 8, "epochs": 2, "precision": "float32"}
VARIANTS = {
    "paper": {},
    "best": RECIPES["best"],
    "stand-in that is fitted": {"missing_face": "voice_completion"},
    "stand-in that is drawn": {"missing_face": "memory_bank", "missing_reliability": "learned"},
    "centres that are drawn": {"centers": "frozen", "center_reduction": "sum"},
    "margin": {"head": "aam"},
    "distances": {"head": "h_exp"},
    "agreement": {"scorer": "agreement", "swapped_faces": 0.2},
    "schedule": {"schedule": "one-cycle"},
    "gated": {"fusion": "gated", "layers": 2, "normalise_tokens": True},
}


def configs(speakers, seeds, **changes):
    """Runs of one shape; of the last, what may differ does."""
    made = [configure("paper", speakers, {**TINY, **changes, "seed": seed}) for seed in seeds]
    own = {"audio_only_probability": 0.7, "sampling": "video", "kd_weight": 0.0, "face_weight": 0.5}
    made[-1] = replace(made[-1], training=replace(made[-1].training, **own))
    return made


def alike(first, second):
    """Equal weights and losses; but not biases of keys, which softmax ignores: they are noise."""
    weights, others = first.model.state_dict(), second.model.state_dict()
    assert weights.keys() == others.keys()
    for name, value in weights.items():
        if not name.endswith("key.bias"):
            np.testing.assert_allclose(others[name], value, rtol=1e-4, atol=1e-4, err_msg=name)
    losses = [name for name in first.history if name != "seconds"]
    np.testing.assert_allclose(second.history[losses], first.history[losses], rtol=1e-4)


@pytest.fixture
def plain_pass(monkeypatch):
    """A run alone without the shortcuts of a step, which draw other masks."""
    monkeypatch.setattr("mraf.training.loop.Learner", partial(Learner, plain=True))


def test_a_stacked_run_without_dropout_is_the_run_alone(tiny_corpus):
    several = configs(tiny_corpus.speakers, (0, 3), dropout=0.0)
    stacked = train_stacked(several, tiny_corpus.train, device="cpu", progress=False)
    for config, run in zip(several, stacked, strict=True):
        alike(train(config, tiny_corpus.train, device="cpu", progress=False), run)


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)
def test_a_stacked_run_is_the_run_alone_dropout_included(changes, tiny_corpus, plain_pass):
    several = configs(tiny_corpus.speakers, (0, 1, 5), dropout=0.2, **changes)
    stacked = train_stacked(several, tiny_corpus.train, device="cpu", progress=False)
    for config, run in zip(several, stacked, strict=True):
        assert run.config == config
        alike(train(config, tiny_corpus.train, device="cpu", progress=False), run)


def test_a_run_that_fails_leaves_the_others_alone(tiny_corpus, monkeypatch, plain_pass):
    class Spoilt(Learner):
        def __init__(self, config, clips_of, plain):
            super().__init__(config, clips_of, plain)
            if config.training.seed == 1:
                self.model.fused_head.bias.data[0] = float("nan")

    monkeypatch.setattr("mraf.training.stacked.Learner", Spoilt)
    several = configs(tiny_corpus.speakers, (0, 1, 2))
    first, failed, last = train_stacked(several, tiny_corpus.train, device="cpu", progress=False)
    assert "no longer finite in epoch 1" in str(failed)
    for config, run in ((several[0], first), (several[2], last)):
        alike(train(config, tiny_corpus.train, device="cpu", progress=False), run)


def test_runs_of_two_shapes_are_refused(tiny_corpus):
    speakers = tiny_corpus.speakers
    wider = configs(speakers, (1,), width=32)
    with pytest.raises(RunError, match="one shape"):
        train_stacked(configs(speakers, (0,)) + wider, tiny_corpus.train)
    with pytest.raises(RunError, match="one shape"):
        train_stacked([], tiny_corpus.train)


def test_what_cannot_be_stacked_has_a_shape_of_its_own(tiny_corpus):
    first, second = (shape(of) for of in configs(tiny_corpus.speakers, (0, 1)))
    assert first == second
    first, second = (shape(of) for of in configs(tiny_corpus.speakers, (0, 1), fusion="lstm"))
    assert first != second
