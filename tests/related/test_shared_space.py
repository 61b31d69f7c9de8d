"""The shared space: its loss, its augmentation, what it learns, and how it is measured."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from mraf.data.twin.generate import generate
from mraf.errors import DataError, RunError
from mraf_related.shared_space import rivals as baselines
from mraf_related.shared_space.space import (
    SharedSpaceConfig,
    angular_margin_loss,
    fit_shared_space,
    orthogonal_augmentation,
    simulated_traits,
)

pytest.importorskip("pytorch_metric_learning")
QUICK = SharedSpaceConfig(epochs=20, width=16)


# --- the loss


def written_out(embedding, weight, label, margin, scale):
    """The additive angular margin with loops; beyond θ + m = π the usual stand-in."""
    total = 0.0
    for x, y in zip(embedding, label, strict=True):
        cosine = [x @ w / np.linalg.norm(x) / np.linalg.norm(w) for w in weight]
        theta = np.arccos(cosine[y])
        target = cosine[y] - margin * np.sin(margin)
        if theta + margin <= np.pi:
            target = np.cos(theta + margin)
        others = sum(np.exp(scale * c) for j, c in enumerate(cosine) if j != y)
        total -= np.log(np.exp(scale * target) / (np.exp(scale * target) + others))
    return total / len(label)


@pytest.mark.parametrize("margin", [0.0, 0.2, 0.7])
def test_the_loss_is_the_formula(margin):
    rng = np.random.default_rng(0)
    embedding, label = rng.normal(size=(40, 5)), rng.integers(0, 4, 40)
    weight = rng.normal(size=(4, 5))
    embedding[0] = -weight[label[0]]  # θ = π: beyond the margin's reach
    embedding[1] = -weight[label[1]] + 0.1 * rng.normal(size=5)
    loss = angular_margin_loss(4, 5, margin, scale=7.0)
    loss.W.data = torch.tensor(weight.T)
    found = loss(torch.tensor(embedding), torch.tensor(label)).item()
    assert found == pytest.approx(written_out(embedding, weight, label, margin, 7.0), rel=1e-6)


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytorch_metric_learning.losses", None)
    with pytest.raises(RunError, match=r"needs pytorch-metric-learning; install it with .*related"):
        angular_margin_loss(2, 3)


# --- the augmentation


def test_what_is_added_is_orthogonal_and_as_long_as_a_half_normal_number():
    rows = torch.randn(4000, 9, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    added = orthogonal_augmentation(rows, 0.1, torch.Generator().manual_seed(1)) - rows
    cosine = torch.cosine_similarity(added, rows)
    assert cosine.abs().max() < 1e-9
    lengths = added.norm(dim=1).numpy()
    assert stats.kstest(lengths, stats.halfnorm(scale=0.1).cdf).pvalue > 0.01
    assert stats.kstest(lengths, stats.halfnorm(scale=0.12).cdf).pvalue < 0.01
    direction = torch.nn.functional.normalize(added)
    assert direction.mean(0).norm() < 0.1  # no direction is preferred


# --- training


def gap(first, second, clips):
    """How much more alike two rows of one speaker are than two of different speakers."""
    cosine, same = first @ second.T, clips.labels[:, None] == clips.labels
    return cosine[same].mean() - cosine[~same].mean()


def test_the_two_modalities_of_a_known_speaker_meet(tiny_corpus):
    space = fit_shared_space(tiny_corpus.train, QUICK, progress=False)
    found = space(tiny_corpus.cross)
    np.testing.assert_allclose(np.linalg.norm(found.face, axis=1), 1, atol=1e-5)
    assert gap(found.voice, found.face, tiny_corpus.cross) > 0.4
    assert space.losses[-1] < space.losses[0]


def test_with_a_classifier_each_they_do_not(tiny_corpus):
    config = QUICK._replace(classifier="separate")
    found = fit_shared_space(tiny_corpus.train, config, progress=False)(tiny_corpus.cross)
    assert abs(gap(found.voice, found.face, tiny_corpus.cross)) < 0.2
    assert gap(found.face, found.face, tiny_corpus.cross) > 0.4  # each modality alone is learnt


def test_nothing_pairs_the_face_with_the_voice_of_a_clip(tiny_corpus):
    """With other partners, of the same speaker, the modalities meet as well."""
    clips = tiny_corpus.train
    rng = np.random.default_rng(0)
    order = np.concatenate([rng.permutation(np.flatnonzero(clips.labels == s)) for s in range(6)])
    assert (clips.labels[order] == clips.labels).all()
    mixed = replace(clips, face=clips.face[order])
    found = fit_shared_space(mixed, QUICK, progress=False)(tiny_corpus.cross)
    assert gap(found.voice, found.face, tiny_corpus.cross) > 0.4


def test_the_seed_decides_and_the_global_state_is_left_alone(tiny_corpus):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, same, other = (
        fit_shared_space(tiny_corpus.train, QUICK._replace(seed=s), progress=False)
        for s in (0, 0, 1)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.network.face[1].weight, same.network.face[1].weight)
    assert one.losses == same.losses
    assert not torch.equal(one.network.face[1].weight, other.network.face[1].weight)


def test_the_global_state_has_no_say(tiny_corpus):
    torch.manual_seed(1)
    one = fit_shared_space(tiny_corpus.train, QUICK, progress=False)
    torch.manual_seed(2)
    assert one.losses == fit_shared_space(tiny_corpus.train, QUICK, progress=False).losses


def test_what_cannot_be_trained_on_is_said(tiny_corpus):
    clips = tiny_corpus.train
    with pytest.raises(DataError, match="one speaker"):
        fit_shared_space(clips[clips.labels == 2], QUICK)
    with pytest.raises(DataError, match="72 training clips have no face"):
        fit_shared_space(clips.without_faces(), QUICK)
    with pytest.raises(DataError, match="hidden"):
        fit_shared_space(replace(clips, speaker=None), QUICK)


# --- the made-up input for age and gender


def test_traits_are_told_of_the_speaker_with_noise_of_each_clip_and_modality():
    corpus = generate(speakers=20)
    clips = corpus.train
    stream = simulated_traits(corpus, noise=0.5)
    told = stream(clips)
    assert [rows.shape for rows in told] == [(len(clips), 512 + 16), (len(clips), 192 + 16)]
    told, again, exact = (
        [rows[:, -16:] for rows in side]
        for side in (told, stream(clips[5:9]), simulated_traits(corpus, noise=0)(clips))
    )
    for rows, once_more, without_noise in zip(told, again, exact, strict=True):
        torch.testing.assert_close(torch.tensor(rows).norm(dim=1), torch.ones(len(clips)))
        np.testing.assert_array_equal(rows[5:9], once_more)  # fixed for each clip
        own = clips.labels == clips.labels[0]
        assert np.ptp(without_noise[own], axis=0).max() == 0 < np.ptp(rows[own], axis=0).min()
        assert np.ptp(without_noise, axis=0).min() > 0
    own = clips.labels == 0
    correlation = np.corrcoef(told[0][own].T, told[1][own].T)
    assert np.abs(correlation[:16, 16:]).max() < 0.6  # face and voice are told apart


def test_traits_are_for_the_twin_alone(tiny_corpus):
    with pytest.raises(DataError, match="tiny: there is no input for age and gender"):
        simulated_traits(tiny_corpus)


# --- the rival


def test_fop_is_compared_by_what_enters_its_sum(tiny_corpus):
    clips = tiny_corpus.train[tiny_corpus.train.labels != 1]  # labels with a gap
    branches = baselines.fit_fop_branches(clips)
    found, network = branches(clips), branches.fitted.network
    with torch.no_grad():
        face, voice = (torch.tensor(np.array(x)) for x in (clips.face, clips.voice))
        logits = network(face, voice).numpy()
    weights = network.face_weight.item(), network.voice_weight.item()
    fused = abs(weights[0]) * found.face + abs(weights[1]) * found.voice
    with torch.no_grad():
        expected = network.classifier(torch.tensor(fused, dtype=torch.float32)).numpy()
    np.testing.assert_allclose(logits, expected, atol=1e-4)
