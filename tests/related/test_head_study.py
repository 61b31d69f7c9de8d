"""The study of heads on voices alone: reproducible, fair, and able to tell heads apart."""

import numpy as np
import pytest
import torch

from mraf.data.clips import VOICE_DIM
from mraf.variants.config import ModelConfig
from mraf.variants.margins import HEADS, PUBLISHED_START, clipping_radius
from mraf_related.heads import fit as heads
from mraf_related.heads import study
from mraf_related.heads.fit import Setting, chosen, fit_head, head_scores, projected_voices
from mraf_related.study import Measured


def config(corpus, **switches):
    return ModelConfig(corpus.speakers, width=VOICE_DIM, **switches)


@pytest.mark.parametrize("projected", [False, True])
@pytest.mark.parametrize("name", study.ARMS)
def test_every_head_learns_the_training_voices(tiny_corpus, name, projected):
    switches = config(tiny_corpus, **study.ARMS[name])
    model = fit_head(tiny_corpus.train, switches, 0, Setting(1e-2, 40), projected)
    right = head_scores(model, tiny_corpus.train).argmax(axis=1) == tiny_corpus.train.labels
    assert right.mean() > 0.9
    rows = projected_voices(model, tiny_corpus.train)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-5)
    assert np.allclose(rows, projected_voices(None, tiny_corpus.train)) != projected


def test_a_projection_without_training_leaves_the_voices_alone(tiny_corpus):
    clips, trained = tiny_corpus.train, {}

    def look(epoch, model):
        rows = projected_voices(model, clips)
        trained[epoch] = rows @ rows.T

    fit_head(clips, config(tiny_corpus, head="am"), 0, Setting(1e-2, 1), True, look)
    rows = projected_voices(None, clips)
    np.testing.assert_allclose(trained[0], rows @ rows.T, atol=1e-5)
    assert np.abs(trained[1] - trained[0]).max() > 1e-2


def test_the_seed_decides_and_the_global_random_state_is_left_alone(tiny_corpus):
    def weights(seed):
        model = fit_head(tiny_corpus.train, config(tiny_corpus, head="am"), seed, Setting(1e-2, 1))
        return model[1].weight

    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = weights(0)
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(6)
    assert torch.equal(first, weights(0))
    assert not torch.equal(first, weights(1))


def test_published_centres_start_inside_and_a_small_rate_leaves_them_there(tiny_corpus):
    radius = clipping_radius(3.0)
    start = HEADS["ham"](config(tiny_corpus, head="ham")).weight.norm(dim=1)
    assert start.mean().item() == pytest.approx(PUBLISHED_START * VOICE_DIM**0.5, rel=0.1)
    slow = fit_head(tiny_corpus.train, config(tiny_corpus, head="ham"), 0, Setting(1e-3, 20))
    rim = config(tiny_corpus, head="ham", start="rim")
    fast = fit_head(tiny_corpus.train, rim, 0, Setting(1e-2, 20))
    assert slow[1].weight.norm(dim=1).max() < radius < fast[1].weight.norm(dim=1).min()


@pytest.mark.parametrize("strangers", [False, True])
def test_rate_and_epochs_are_chosen_together_on_what_was_left_out(
    tiny_corpus, monkeypatch, strangers
):
    task = "strangers" if strangers else "naming"
    rates = heads.LEARNING_RATES[task]
    longer, best = Setting(rates[0], heads.EPOCHS[3]), Setting(rates[1], heads.EPOCHS[2])
    seen = []

    def fitted(clips, config, seed, setting, projected, after):
        seen.append(clips)
        assert projected == strangers
        for epoch in range(setting.epochs + 1):
            after(epoch, Setting(setting.learning_rate, epoch))

    def scored(setting, asked):  # two settings name all rightly, the others nobody
        assert not set(asked.video) & set(seen[-1].video)
        right = np.eye(tiny_corpus.speakers)[asked.labels]
        return right if setting in (best, longer) else np.ones_like(right)

    monkeypatch.setattr(heads, "fit_head", fitted)
    monkeypatch.setattr(heads, "head_scores", scored)
    monkeypatch.setattr(heads, "projected_voices", scored)
    assert chosen(tiny_corpus.train, config(tiny_corpus), strangers) == best
    assert len(seen) == heads.CHOSEN_BY[task] * len(rates)


def test_the_table_has_both_measures_and_their_differences(tiny_corpus, monkeypatch):
    monkeypatch.setattr(heads, "EPOCHS", (1,))
    monkeypatch.setattr(heads, "LEARNING_RATES", {"naming": (1e-2,), "strangers": (1e-2,)})
    monkeypatch.setattr(study, "SEEDS", (0, 1))
    found = study.table(tiny_corpus)
    means = found[found.draw == "mean"].set_index(["system", "metric"])
    both = (*study.NAMING, study.BOTH, *study.VERIFICATION)
    for name in (*study.ARMS, study.UNTRAINED):
        metrics = both[:3] if name in study.NAMED_ONLY else both
        assert set(means.loc[name].index) == set(metrics)
    for metric in both:
        difference = means.loc[("ham", metric)].value - means.loc[("am", metric)].value
        assert means.loc[("ham − am", metric)].value == pytest.approx(difference)
        own = found[(found.system == "ham") & (found.metric == metric) & (found.draw != "mean")]
        assert (own.epochs == 1).all()
        assert own.value.mean() == pytest.approx(means.loc[("ham", metric)].value)
    assert "ham against am, EER heard" in study.summary(found)


def test_training_people_are_not_tested(tiny_corpus, monkeypatch):
    trained, tested = [], []

    def fitted(clips, *_, **__):
        trained.append(set(clips.video))

    def judged(score, trials, drawn):
        tested.append(set(tiny_corpus.train.video[trials.voice]))
        return Measured(0.5, np.full(len(drawn), 0.5))

    monkeypatch.setattr(study, "ARMS", {"am": {"head": "am"}})
    monkeypatch.setattr(study, "chosen", lambda *_, **__: Setting(1e-2, 1))
    monkeypatch.setattr(study, "fit_head", fitted)
    monkeypatch.setattr(study, "measured_eer", judged)
    monkeypatch.setattr(study, "_named", lambda *_: [])
    monkeypatch.setattr(study, "PAIRS", ())
    study.table(tiny_corpus)
    assert len(trained) == 5
    for own, asked in zip(trained, tested[0 : 2 * 5 : 2], strict=True):  # heard, of each fold
        assert not own & asked
