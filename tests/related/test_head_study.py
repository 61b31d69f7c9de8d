"""The study of heads on the voice alone: reproducible, fair, and able to tell heads apart."""

import numpy as np
import pytest
import torch

from mraf.data.clips import VOICE_DIM
from mraf.related.heads import study as head_study
from mraf.related.heads.study import LEARNING_RATES, chosen_learning_rate, fit_head, head_scores
from mraf.variants.config import ModelConfig

LABELS = {"accuracy", "low", "high", "difference", "difference_low", "difference_high", "verdict"}


def config(corpus, **switches):
    return ModelConfig(corpus.speakers, width=VOICE_DIM, **switches)


@pytest.mark.parametrize("name", head_study.ARMS)
def test_every_head_learns_the_training_voices(tiny_corpus, name):
    switches = config(tiny_corpus, **head_study.ARMS[name])
    head = fit_head(tiny_corpus.train, switches, learning_rate=3e-2, epochs=40)
    right = head_scores(head, tiny_corpus.train).argmax(axis=1) == tiny_corpus.train.labels
    assert right.mean() > 0.9


def test_the_seed_decides_and_the_global_random_state_is_left_alone(tiny_corpus):
    def weights(seed):
        return fit_head(tiny_corpus.train, config(tiny_corpus, head="am"), seed, epochs=1).weight

    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = weights(0)
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(6)
    assert torch.equal(first, weights(0))
    assert not torch.equal(first, weights(1))


def test_the_learning_rate_is_chosen_on_videos_that_were_not_trained_on(tiny_corpus, monkeypatch):
    seen = []

    def fitted(clips, config, seed, rate):
        seen.append((set(clips.video), rate))
        return rate

    def scored(head, clips):  # only the second rate names anybody rightly
        assert not any(set(clips.video) & videos for videos, _ in seen)
        right = np.eye(tiny_corpus.speakers)[clips.labels]
        return right if head == LEARNING_RATES[1] else 1 - right

    monkeypatch.setattr(head_study, "fit_head", fitted)
    monkeypatch.setattr(head_study, "head_scores", scored)
    assert chosen_learning_rate(tiny_corpus.train, config(tiny_corpus)) == LEARNING_RATES[1]
    assert [rate for _, rate in seen] == list(LEARNING_RATES)


def test_the_table_compares_every_head_with_the_linear_one(tiny_corpus, monkeypatch):
    monkeypatch.setattr(head_study, "EPOCHS", 1)
    monkeypatch.setattr(head_study, "LEARNING_RATES", (1e-2,))
    found = head_study.table(tiny_corpus)
    names = [*head_study.ARMS, head_study.CLASS_MEANS]
    assert found["head"].unique().tolist() == names
    assert found.columns.isin(LABELS).sum() == len(LABELS)
    assert found.set_index("head").loc["linear", "difference"].isna().all()
    others = found[found["head"] != "linear"].set_index(["head", "metric"])
    linear = found[found["head"] == "linear"].set_index("metric").accuracy
    difference = others.accuracy - linear.reindex(others.index.get_level_values("metric")).values
    np.testing.assert_allclose(others.difference, difference)
    text = head_study.summary(found)
    assert text.count("\n") == 3 * len(names) + 1
    assert text.startswith("| head | metric | accuracy [95%] | points minus linear | verdict |")
