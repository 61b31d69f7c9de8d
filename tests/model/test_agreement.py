"""The scorer that sees whether face and voice agree: its evidence, and what it does with it."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import expit

from mraf.data.clips import unit
from mraf.errors import DataError, RunError
from mraf.evaluation.predict import forward
from mraf.training.batches import TrainingClips
from mraf.training.config import configure
from mraf.training.loop import Learner, train
from mraf.training.step import with_and_without_face
from mraf.variants.agreement import Agreement
from mraf.variants.build import build
from mraf.variants.config import ModelConfig, TrainingConfig
from mraf_related.degradation import degrade_faces, degrade_voices

TINY = {"width": 16, "tokens": 2, "heads": 2, "batch_size": 8, "epochs": 3, "precision": "float32"}
CPU = torch.device("cpu")


def configured(corpus, **changes):
    return configure("paper", corpus.speakers, {**TINY, **changes})


@pytest.fixture
def fitted(tiny_corpus):
    agreement = Agreement(ModelConfig(tiny_corpus.speakers))
    placed = TrainingClips.place(tiny_corpus.train, CPU)
    agreement.fit(placed.face, placed.voice, placed.speaker, placed.video)
    return agreement


def log_b(agreement, clips):
    return agreement(torch.from_numpy(clips.face), torch.from_numpy(clips.voice))[:, 0].numpy()


def test_the_evidence_is_the_bayes_factor_of_one_person_against_two(fitted, tiny_corpus):
    clips, train_clips = tiny_corpus.cross, tiny_corpus.train
    named = []
    for number, name in enumerate(("face", "voice")):
        rows, speakers = unit(getattr(train_clips, name)), range(tiny_corpus.speakers)
        means = unit(np.stack([rows[train_clips.labels == c].mean(axis=0) for c in speakers]))
        sharpness, nobody = fitted.sharpness[number].item(), fitted.nobody[number].item()
        scores = np.exp(sharpness * unit(getattr(clips, name)) @ means.T)
        share = np.exp(sharpness * nobody)
        named.append((scores + share / len(means)) / (scores.sum(axis=1, keepdims=True) + share))
    expected = np.log(tiny_corpus.speakers * (named[0] * named[1]).sum(axis=1))
    np.testing.assert_allclose(log_b(fitted, clips), expected, atol=1e-4)


def test_each_clip_is_judged_without_its_own_video_when_temperatures_are_fit(fitted, tiny_corpus):
    clips = tiny_corpus.train
    for number, name in enumerate(("face", "voice")):
        rows = unit(getattr(clips, name))
        cosine = np.empty((len(clips), tiny_corpus.speakers))
        for i in range(len(clips)):
            for c in range(tiny_corpus.speakers):
                others = (clips.labels == c) & (clips.video != clips.video[i])
                cosine[i, c] = rows[i] @ unit(rows[others].sum(axis=0, keepdims=True))[0]

        def likelihood(sharpness, nobody=-np.inf, cosine=cosine):
            scores, share = np.exp(sharpness * cosine), np.exp(sharpness * nobody)
            own = scores[np.arange(len(clips)), clips.labels] + share / tiny_corpus.speakers
            return np.log(own / (scores.sum(axis=1) + share)).mean()

        found, nobody = fitted.sharpness[number].item(), fitted.nobody[number].item()
        assert likelihood(found) >= max(likelihood(found * 1.02), likelihood(found / 1.02))
        around = [likelihood(found, nobody + step) for step in (-0.05, 0, 0.05)]
        assert around[1] >= max(around) - 1e-7


def test_nothing_is_learnt_from_a_voice_or_a_face_that_tells_nothing(fitted, tiny_corpus):
    clips = tiny_corpus.cross
    assert log_b(fitted, clips.without_faces()) == pytest.approx(0, abs=1e-5)
    deaf = copy.deepcopy(fitted)
    deaf.sharpness[1] = 0
    assert log_b(deaf, clips) == pytest.approx(0, abs=1e-5)


def test_a_voice_like_nobody_s_says_nothing_against_a_face(fitted, tiny_corpus):
    clips = tiny_corpus.cross
    noise = degrade_voices(clips, "noise", 1, np.random.default_rng(0))
    known = copy.deepcopy(fitted)
    known.nobody[:] = 0.3
    surely = copy.deepcopy(fitted)
    surely.nobody[:] = -10  # as if somebody known were speaking
    assert log_b(known, noise).min() > -0.5
    assert log_b(surely, noise).min() < -1


def test_own_faces_and_swapped_ones_are_told_apart(fitted, tiny_corpus):
    clips = tiny_corpus.cross
    own, swapped = (
        log_b(fitted, x) for x in (clips, degrade_faces(clips, "swap", 1, np.random.default_rng(0)))
    )
    assert own.min() > 0 > swapped.max()
    assert own.max() <= np.log(tiny_corpus.speakers) + 1e-5


def test_evidence_enters_eq_10_and_only_speaks_against_a_face(tiny_corpus):
    run = train(configured(tiny_corpus, scorer="agreement"), tiny_corpus.train, progress=False)
    own = tiny_corpus.cross
    for clips in (own, degrade_faces(own, "swap", 1, np.random.default_rng(0))):
        out = forward(run.model, clips)
        with torch.inference_mode():
            quality = run.model.reliability.face(out.face.embedding)[:, 0].numpy()
        expected = expit(quality + np.minimum(log_b(run.model.reliability.agreement, clips), 0))
        np.testing.assert_allclose(out.reliability.face[:, 0].numpy(), expected, atol=1e-5)


def test_without_the_switch_the_network_is_the_paper_s_bit_for_bit(tiny_corpus):
    paper, ours = (
        train(configured(tiny_corpus, **changes), tiny_corpus.train, progress=False).model
        for changes in ({}, {"scorer": "own", "swapped_faces": 0.0})
    )
    assert not hasattr(paper.reliability, "agreement")
    assert not any("agreement" in name for name in paper.state_dict())
    torch.manual_seed(0)
    first = build(paper.config)
    torch.manual_seed(0)
    second = build(replace(paper.config, scorer="agreement"))
    shared = second.state_dict()
    assert all(torch.equal(value, shared[name]) for name, value in first.state_dict().items())
    assert ours.state_dict().keys() == paper.state_dict().keys()


def test_a_clip_and_a_batch_and_both_conditions_agree(tiny_corpus):
    run = train(configured(tiny_corpus, scorer="agreement"), tiny_corpus.train, progress=False)
    clips = tiny_corpus.cross[:9]
    whole = forward(run.model, clips)
    alone = forward(run.model, clips[4:5])
    torch.testing.assert_close(whole.reliability.face[4:5], alone.reliability.face)
    face, voice = torch.from_numpy(clips.face), torch.from_numpy(clips.voice)
    with torch.inference_mode():
        both = with_and_without_face(run.model, face, voice)
    with_face, without = both.reliability.face.chunk(2)
    torch.testing.assert_close(with_face, whole.reliability.face)
    assert (without == 0).all()
    missing = forward(run.model, clips.without_faces()).logits.fused
    torch.testing.assert_close(both.logits.fused[9:], missing)


@pytest.mark.parametrize("swapped", [0.0, 0.3])
def test_reliability_and_weight_fall_for_a_swapped_face(tiny_corpus, swapped):
    changes = {"scorer": "agreement", "swapped_faces": swapped}
    run = train(configured(tiny_corpus, **changes), tiny_corpus.train, progress=False)
    clips = tiny_corpus.cross
    worse = degrade_faces(clips, "swap", 1, np.random.default_rng(0))
    own, other = (forward(run.model, x) for x in (clips, worse))
    assert own.reliability.face.min() > 0.3 > other.reliability.face.max()
    assert other.weight.face.mean() < 0.2 < 0.4 < own.weight.face.mean()
    own_scorer = train(configured(tiny_corpus), tiny_corpus.train, progress=False)
    blind = [forward(own_scorer.model, x).reliability.face.mean().item() for x in (clips, worse)]
    assert blind[0] == pytest.approx(blind[1], abs=0.02)


def test_swapped_faces_follow_from_seed_and_epoch(tiny_corpus):
    placed = TrainingClips.place(tiny_corpus.train, CPU)

    def drawn(rate, seed=0, epoch=0):
        config = TrainingConfig(swapped_faces=rate, seed=seed, batch_size=16)
        batches = list(placed.batches(config, epoch))
        return [torch.cat([getattr(b, name) for b in batches]) for name in batches[0]._fields]

    face, voice, speaker, audio_only, owner = drawn(0.5)
    for first, second in zip(drawn(0.5), drawn(0.5), strict=True):
        assert torch.equal(first, second)
    assert not torch.equal(owner, drawn(0.5, seed=1)[-1])
    assert not torch.equal(owner, drawn(0.5, epoch=1)[-1])
    clean = drawn(0.0)
    for before, after in zip(clean[1:4], (voice, speaker, audio_only), strict=True):
        assert torch.equal(before, after)  # all else is drawn as without swaps
    swapped = owner != speaker
    assert 0.3 < swapped.float().mean() < 0.7
    assert torch.equal(face[~swapped], clean[0][~swapped])
    for row in swapped.nonzero()[:, 0]:
        whose = (placed.face == face[row]).all(dim=1)
        assert placed.speaker[whose].unique().item() == owner[row].item() != speaker[row].item()
    assert (drawn(1.0)[-1] != drawn(1.0)[2]).all()


def test_a_swapped_face_is_named_after_its_owner_and_teaches_no_student(tiny_corpus):
    config = configured(tiny_corpus, dropout=0.0, swapped_faces=1.0)
    learner = Learner(config).train()
    placed = TrainingClips.place(tiny_corpus.train, CPU)
    batch = next(placed.batches(TrainingConfig(swapped_faces=1.0, audio_only_probability=0), 0))
    losses = learner(batch)
    assert losses.kd.item() == pytest.approx(0, abs=1e-6)
    z = with_and_without_face(learner.model, batch.face, batch.voice).logits
    for name, owner, found in (
        ("face", batch.face_speaker, losses.ce_face),
        ("voice", batch.speaker, losses.ce_voice),
        ("fused", batch.speaker, losses.ce_fused),
    ):
        logits = getattr(z, name)[: len(owner)]
        expected = torch.nn.functional.cross_entropy(logits, owner)
        assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_what_cannot_be_fitted_is_said(tiny_corpus):
    clips = tiny_corpus.train
    with pytest.raises(RunError, match="has seen no clips"):
        Agreement(ModelConfig(6))(torch.from_numpy(clips.face), torch.from_numpy(clips.voice))
    one_video = replace(clips, video=np.char.add("v", clips.labels.astype(str)))
    for asked in ({"scorer": "agreement"}, {"shortcut": "raw"}, {"shortcut": "whitened"}):
        with pytest.raises(DataError, match=r"two training videos.*scorer=own and shortcut=none"):
            train(configured(tiny_corpus, **asked), one_video, progress=False)
    with pytest.raises(RunError, match=r"swapped_faces=1\.5"):
        configured(tiny_corpus, swapped_faces=1.5)
