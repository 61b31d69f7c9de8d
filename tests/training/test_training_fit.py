"""The training of small networks: the means it returns, when it ends, and what it leaves alone."""

from __future__ import annotations

import pytest
import torch

from mraf.errors import RunError
from mraf.training.fit import SMALL, fit, seeded

TARGET = torch.tensor([1.0, 3.0, 8.0])


def trained(epochs=3, learning_rate=0.1, **settings):
    """A number that is fitted to three targets, in batches of two and one."""
    number = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.SGD([number], learning_rate)
    means = fit(
        "number",
        optimizer,
        lambda epoch: ((rows,) for rows in TARGET.split(2)),
        lambda rows: (number - rows).square().mean(),
        epochs,
        progress=False,
        **settings,
    )
    return number.item(), means, optimizer


def test_steps_and_means_are_those_worked_by_hand():
    number, (mean,), _ = trained(epochs=1)
    first = 0.1 * 2 * 2  # from 0 towards 2, the mean of the first batch
    assert number == pytest.approx(first + 0.1 * 2 * (8 - first))
    assert mean == pytest.approx((2 * (1 + 9) / 2 + (8 - first) ** 2) / 3)


def test_the_schedule_moves_with_every_step_and_stop_ends_the_training():
    number = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.SGD([number], 1.0)
    halved = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    asked = []
    means = fit(
        "number", optimizer, lambda epoch: [(TARGET,), (TARGET,)], lambda rows: number * 0, 9,
        schedule=halved, stop=lambda epoch: asked.append(epoch) or epoch == 2, progress=False,
    )  # fmt: skip
    assert asked == [1, 2]
    assert len(means) == 2
    assert halved.get_last_lr() == [0.5**4]


def test_a_loss_that_is_not_finite_is_named():
    with pytest.raises(RunError, match=r"number: the loss is (inf|nan) in epoch"):
        trained(epochs=60, learning_rate=1e20)


def test_the_global_random_state_has_no_say_and_is_left_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    drawn = []
    for _ in range(2):
        with seeded(3, torch.device("cpu")):
            drawn.append(torch.rand(4))
    assert torch.equal(*drawn)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(("weights", "threads"), [(SMALL - 1, 1), (SMALL, 2)])
def test_a_small_network_trains_on_one_thread_and_what_comes_after_on_as_many_as_before(
    weights, threads
):
    before, seen = torch.get_num_threads(), []
    number = torch.zeros(weights, requires_grad=True)

    def loss(rows):
        seen.append(torch.get_num_threads())
        return (number[:1] - rows).square().mean() / (len(seen) < 2)  # not finite in the second

    try:
        torch.set_num_threads(2)
        with pytest.raises(RunError):
            fit("number", torch.optim.SGD([number], 0.1), lambda epoch: [(TARGET,)], loss, 2)
        assert (seen, torch.get_num_threads()) == ([threads] * 2, 2)
    finally:
        torch.set_num_threads(before)
