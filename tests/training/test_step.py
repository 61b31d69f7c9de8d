"""The step with shared work against the plain one: same numbers, fewer operations."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mraf.losses import Batch, StepLosses
from mraf.training.config import configure
from mraf.training.loop import Learner
from mraf.training.step import Dropout, shares_work, with_and_without_face

CLIPS, SPEAKERS = 12, 5
CPU = torch.device("cpu")


def learner(preset: str = "paper", **switches: object) -> Learner:
    small = {"width": 32, "dropout": 0.0, **switches}
    config = configure(preset, SPEAKERS, small)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Learner(config, torch.arange(1, SPEAKERS + 1)).train()


def batch(audio_only: float = 0.4) -> Batch:
    generator = torch.Generator().manual_seed(1)
    face, voice = (torch.randn(CLIPS, dim, generator=generator) for dim in (512, 192))
    speaker, whose = (torch.randint(SPEAKERS, (CLIPS,), generator=generator) for _ in range(2))
    alone = torch.rand(CLIPS, 1, generator=generator) < audio_only
    return Batch(face, 200 * voice, speaker, alone, whose)


def plain(learner: Learner, batch: Batch) -> StepLosses:
    both = with_and_without_face(learner.model, batch.face, batch.voice)
    losses: StepLosses = learner.objective(learner.model, both, batch)
    return losses


def gradients(learner: Learner, losses: StepLosses) -> dict[str, Tensor]:
    learner.zero_grad()
    losses.loss.backward()
    return {name: p.grad.clone() for name, p in learner.named_parameters() if p.grad is not None}


SWITCHES = {
    "the paper": {},
    "two layers": {"layers": 2},
    "zeros for a face": {"missing_face": "zero"},
    "the team's code": {
        "weighted_heads": True, "class_weights": True, "reliability_floor_weight": 0.5,
        "projection": "normalised", "normalise_tokens": True,
    },
    "a floor alone": {"reliability_floor_weight": 0.5},
    "weighted heads alone": {"weighted_heads": True},
    "swapped faces": {"swapped_faces": 0.5},
    "a margin": {"head": "aam"},
}  # fmt: skip


@pytest.mark.parametrize("drawn", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("name", SWITCHES)
def test_the_step_gives_the_losses_and_gradients_of_the_plain_one(name: str, drawn: float) -> None:
    trained, clips = learner(**SWITCHES[name]), batch(drawn)
    assert shares_work(trained.model, CPU)
    fast, slow = trained(clips), plain(trained, clips)
    torch.testing.assert_close(fast, slow, rtol=1e-5, atol=1e-6)
    found, expected = gradients(trained, fast), gradients(trained, slow)
    assert found.keys() == expected.keys()
    for parameter in expected:
        torch.testing.assert_close(found[parameter], expected[parameter], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "switch",
    [{"fusion": "lstm"}, {"missing_reliability": "learned"}, {"reliability": "uniform"}],
    ids=str,
)
def test_where_a_missing_face_counts_the_step_is_the_plain_one(switch: dict[str, str]) -> None:
    trained = learner(**switch)
    assert not shares_work(trained.model, CPU)
    torch.testing.assert_close(trained(batch()), plain(trained, batch()), rtol=0, atol=0)


def test_a_quarter_of_the_multiplications_is_saved() -> None:
    """With every fifth face shown to the teacher alone, at the paper's width."""
    trained, clips = learner(width=512), batch()
    clips = clips._replace(audio_only=(torch.arange(CLIPS) % 5 == 0)[:, None])
    counted = []
    for step in (trained, lambda given: plain(trained, given)):
        with FlopCounterMode(display=False) as counter:
            step(clips).loss.backward()
        counted.append(counter.get_total_flops())
    assert counted[0] < 0.75 * counted[1]


def test_bfloat16_stays_as_near_to_float32_as_the_plain_step() -> None:
    trained, clips = learner(width=64), batch()
    exact = gradients(trained, plain(trained, clips))
    errors = []
    for step in (trained, lambda given: plain(trained, given)):
        with torch.autocast("cpu", torch.bfloat16):
            losses = step(clips)
        found = gradients(trained, losses)
        errors.append(sum(float((found[n] - g).square().sum()) for n, g in exact.items()))
    assert 0 < errors[0] < 1.5 * errors[1]


@pytest.mark.parametrize("p", [0.1, 0.5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropout_drops_each_number_with_probability_p(p: float, dtype: torch.dtype) -> None:
    drop, x = Dropout(p), torch.ones(999, 7, 31, dtype=dtype)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        out = drop(x)
        torch.manual_seed(0)
        assert torch.equal(out, drop(x))
        assert not torch.equal(out, drop(x))
    flat = out.flatten()
    rounding = 1e-5 if dtype == torch.float32 else 4e-3
    assert flat.unique().tolist() == pytest.approx([0, 1 / (1 - p)], rel=rounding)
    lost = (flat == 0).double()
    sigma = (p * (1 - p) / len(flat)) ** 0.5
    for lane in range(4):  # four numbers come from one word
        assert abs(lost[lane::4].mean() - p) < 4 * 2 * sigma
    centred = lost - p
    for lag in (1, 2, 3, 4, 7):  # and are independent of each other
        assert abs((centred[lag:] * centred[:-lag]).mean()) < 4 * p * (1 - p) / len(flat) ** 0.5


def test_dropout_is_put_into_the_whole_network_and_is_idle_in_evaluation() -> None:
    trained = learner("quick", dropout=0.3, projection="normalised")
    kinds = {type(part) for part in trained.modules() if isinstance(part, nn.Dropout)}
    assert kinds == {Dropout}
    trained.model.eval()
    clips = batch()
    once, again = (trained.model(clips.face, clips.voice).logits.fused for _ in range(2))
    assert torch.equal(once, again)


def test_the_order_of_the_clips_does_not_matter() -> None:
    trained, clips = learner(), batch()
    turned = Batch(*(x.flip(0) for x in clips))
    torch.testing.assert_close(trained(clips), trained(turned), rtol=1e-5, atol=1e-6)
