"""The learning rate of a step follows from its number alone."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mraf.training.batches import TrainingClips
from mraf.training.config import configure
from mraf.training.loop import Learner, learning_rates, make_optimizer, train
from mraf.training.stacked import Stack
from tests.training.test_training import TINY, same, train_until, weights

CYCLE = {**TINY, "schedule": "one-cycle"}


def test_one_cycle_rises_in_a_fifth_of_the_steps_and_falls_to_zero():
    config = configure("paper", 5, {"epochs": 2, "batch_size": 10, "schedule": "one-cycle"})
    rates = [x for epoch in range(2) for x in learning_rates(config.training, 95, epoch)]
    rising, falling = [1, 3, 5, 7], [31 - 2 * step for step in range(16)]
    expected = [1e-4 * x / 8 for x in rising] + [1e-4 * x / 32 for x in falling]
    assert rates == pytest.approx(expected)


def test_without_a_schedule_the_rate_stays():
    assert learning_rates(configure("quick", 5).training, 640, 3) == [1e-3] * 10


@pytest.mark.parametrize("epoch", [1, 2])
def test_resuming_under_a_schedule_gives_the_weights_of_an_uninterrupted_run(
    tiny_corpus, tmp_path, epoch
):
    config, clips = configure("paper", tiny_corpus, CYCLE), tiny_corpus.train
    straight = train(config, clips, progress=False)
    train_until(epoch, config, clips, tmp_path / "run")
    resumed = train(config, clips, tmp_path / "run", resume=True, progress=False)
    assert same(weights(straight), weights(resumed))
    constant = configure("paper", tiny_corpus, TINY)
    assert not same(weights(straight), weights(train(constant, clips, progress=False)))


class Waits(TorchDispatchMode):
    """Notes what would make the processor wait for a GPU: values that are read, or counted."""

    KINDS = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "equal")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket.__name__ in self.KINDS:
            self.found.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("runs", [1, 3])
def test_a_step_on_a_gpu_never_makes_the_processor_wait(tiny_corpus, runs):
    config = configure("paper", tiny_corpus, CYCLE)
    cpu = torch.device("cpu")
    clips = TrainingClips.place(tiny_corpus.train, cpu)
    learners = [Learner(config, plain=True).train() for _ in range(runs)]  # as on a GPU
    step, learner = learners[0], learners[0]
    batch = next(clips.batches(config.training, 0))
    if runs > 1:
        step = Stack(learners, cpu)
        learner = step.learner
        batch = type(batch)(*(torch.stack([x] * runs) for x in batch))
    optimizer = make_optimizer(learner, config.training)
    with Waits() as waits:
        losses = step(batch)
        losses.loss.sum().backward()
        optimizer.step()
    assert waits.found == []
    with waits:
        losses.loss.sum().item()
    assert waits.found  # the watch itself works
