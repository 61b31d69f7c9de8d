"""Sampled softmax: exact when all are drawn, right in expectation when not."""

from __future__ import annotations

import copy
from collections import Counter

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.sampled import HEADS, Drawn, draw, draw_speakers, make_optimizers, sample_heads
from mraf.errors import RunError
from mraf.losses import Batch
from mraf.training.config import Config
from mraf.training.loop import Learner
from mraf.variants.build import build
from mraf.variants.config import ModelConfig, TrainingConfig

SPEAKERS = 30
CONFIG = Config(
    ModelConfig(SPEAKERS, width=16, tokens=2, heads=2, dropout=0.0),
    TrainingConfig(precision="float32"),
)


def learner(config: Config = CONFIG) -> Learner:
    torch.manual_seed(0)
    return Learner(config).train()


def batch(clips: int = 8, swapped: bool = False) -> Batch:
    generator = torch.Generator().manual_seed(1)
    face, voice = (torch.randn(clips, n, generator=generator) for n in (512, 192))
    speaker = torch.randint(SPEAKERS, (clips,), generator=generator)
    audio_only = torch.rand(clips, 1, generator=generator) < 0.3
    return Batch(face, voice, speaker, audio_only, speaker.flip(0) if swapped else None)


def gradients(of: Learner) -> dict[str, Tensor]:
    found = {name: p.grad for name, p in of.named_parameters() if p.grad is not None}
    return {name: g.to_dense() if g.is_sparse else g for name, g in found.items()}


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("swapped", [False, True])
def test_with_all_drawn_losses_and_gradients_are_those_of_the_whole_softmax(sparse, swapped):
    whole = learner()
    sampled = sample_heads(copy.deepcopy(whole), sparse)
    given = batch(swapped=swapped)
    expected = whole(given)
    drawn = draw_speakers(sampled, given, SPEAKERS, np.random.default_rng(0))
    found = sampled(drawn)
    for name, value in expected._asdict().items():
        torch.testing.assert_close(getattr(found, name), value, msg=name)
    expected.loss.backward()
    found.loss.backward()
    of_whole, of_sampled = gradients(whole), gradients(sampled)
    assert of_whole.keys() == of_sampled.keys()
    for name, gradient in of_whole.items():
        torch.testing.assert_close(of_sampled[name], gradient, rtol=1e-4, atol=1e-6, msg=name)


@pytest.mark.parametrize("negatives", [1, 5, 24, 100])
def test_the_batch_comes_first_and_nobody_twice(negatives):
    speaker = torch.tensor([7, 3, 7, 29, 0])
    rng = np.random.default_rng(negatives)
    drawn, position = draw(speaker, SPEAKERS, negatives, rng)
    assert torch.equal(drawn.speakers[position], speaker)
    assert drawn.speakers[:4].tolist() == [0, 3, 7, 29]
    taken = min(negatives, SPEAKERS - 4)
    assert len(drawn.speakers) == len(drawn.speakers.unique()) == 4 + taken
    assert drawn.speakers.max() < SPEAKERS
    assert (drawn.correction[:4] == 0).all()
    expected = -np.log(taken / (SPEAKERS - 4))
    torch.testing.assert_close(drawn.correction[4:], torch.full((taken,), float(expected)))


def test_every_other_speaker_is_drawn_equally_often():
    speaker, rng, draws = torch.tensor([2, 5]), np.random.default_rng(0), 3000
    counts: Counter[int] = Counter()
    for _ in range(draws):
        counts.update(draw(speaker, 12, 3, rng)[0].speakers[2:].tolist())
    assert set(counts) == set(range(12)) - {2, 5}
    expected, spread = draws * 0.3, np.sqrt(draws * 0.3 * 0.7)
    assert max(abs(n - expected) for n in counts.values()) < 4 * spread


def test_the_sum_over_all_speakers_is_right_in_expectation():
    logits = torch.randn(SPEAKERS, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    speaker, rng = torch.tensor([4]), np.random.default_rng(0)

    def estimate(drawn: Drawn) -> float:
        return float((logits[drawn.speakers] + drawn.correction).exp().sum())

    sums = np.array([estimate(draw(speaker, SPEAKERS, 6, rng)[0]) for _ in range(4000)])
    off = sums.mean() - float(logits.exp().sum())
    assert abs(off) < 4 * sums.std() / np.sqrt(len(sums))
    assert sums.std() > 0.5  # a single draw is far from exact


def test_weights_trained_with_samples_are_those_of_a_plain_network():
    sampled = sample_heads(learner(), sparse=True)
    optimizers = make_optimizers(sampled, CONFIG.training)
    given, rng = batch(), np.random.default_rng(0)
    before = sampled.model.fused_head.weight.detach().clone()
    asked: set[int] = set()
    for _ in range(3):
        drawn = draw_speakers(sampled, given, 4, rng)
        asked |= set(sampled.objective.center.drawn.speakers.tolist())
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        sampled(drawn).loss.backward()
        for optimizer in optimizers:
            optimizer.step()
    moved = (sampled.model.fused_head.weight != before).any(dim=1).nonzero()[:, 0].tolist()
    assert set(moved) == asked
    assert len(asked) < SPEAKERS
    plain = build(CONFIG.model)
    plain.load_state_dict(sampled.model.state_dict())
    with torch.inference_mode():
        logits = [m.eval()(given.face, given.voice).logits for m in (sampled.model, plain)]
    for one, other in zip(*logits, strict=True):
        assert one.shape == (len(given.speaker), SPEAKERS)
        assert torch.equal(one, other)


@pytest.mark.parametrize("sparse", [False, True])
def test_every_parameter_has_one_optimiser(sparse):
    sampled = sample_heads(learner(), sparse)
    groups = [o.param_groups[0]["params"] for o in make_optimizers(sampled, CONFIG.training)]
    assert [len(groups)] == [2 if sparse else 1]
    held = Counter(id(parameter) for group in groups for parameter in group)
    assert held == Counter({id(parameter): 1 for parameter in sampled.parameters()})
    if sparse:
        assert len(groups[1]) == len(HEADS) + 1


def test_what_cannot_be_sampled_is_told():
    rng = np.random.default_rng(0)
    with pytest.raises(RunError, match="negatives=0"):
        draw(torch.tensor([1]), SPEAKERS, 0, rng)
    with pytest.raises(RunError, match="label 30, but there are 30"):
        draw(torch.tensor([30]), SPEAKERS, 3, rng)
    margin = Config(ModelConfig(SPEAKERS, width=16, heads=2, head="aam"), CONFIG.training)
    with pytest.raises(RunError, match="head=linear"):
        sample_heads(learner(margin))
    frozen = Config(CONFIG.model, TrainingConfig(centers="frozen"))
    with pytest.raises(RunError, match="centers=trained"):
        sample_heads(learner(frozen))
    weighted = Learner(
        Config(CONFIG.model, TrainingConfig(class_weights=True)), torch.ones(SPEAKERS)
    )
    with pytest.raises(RunError, match="class_weights=false"):
        sample_heads(weighted)
    decay = TrainingConfig(weight_decay=0.1)
    with pytest.raises(RunError, match="weight_decay=0"):
        make_optimizers(sample_heads(learner(), sparse=True), decay)


def test_what_grows_with_the_speakers_is_what_the_page_on_scale_says():
    def parameters(speakers: int) -> int:
        config = Config(ModelConfig(speakers, width=16, tokens=2, heads=2), CONFIG.training)
        return sum(parameter.numel() for parameter in Learner(config).parameters())

    assert parameters(31) - parameters(30) == 4 * 16 + 3  # three heads with biases, and centres
