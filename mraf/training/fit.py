"""Train a small network: batches, optimizer steps and a bar, for every loop but MRAF's own."""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler
from tqdm.auto import tqdm

from mraf.errors import RunError

SMALL = 4_000_000  # weights: quick has 1.8 million, paper 10.7


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """What torch draws inside follows from the seed; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[device.index or 0] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


@contextmanager
def threads_for(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """One thread of the CPU for a small network: two would wait for each other (docs/speed.md)."""
    weights = sum(p.numel() for group in optimizer.param_groups for p in group["params"])
    before = torch.get_num_threads()
    torch.set_num_threads(1 if weights < SMALL else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def fit(
    name: str,
    optimizer: torch.optim.Optimizer,
    batches: Callable[[int], Iterable[tuple[Tensor, ...]]],
    loss: Callable[..., Tensor],
    epochs: int,
    *,
    schedule: LRScheduler | None = None,
    stop: Callable[[int], bool] | None = None,
    progress: bool = True,
) -> list[float]:
    """Train, and return the mean loss of each epoch over its clips.

    Args:
        name: for the bar and for errors.
        batches: from the number of an epoch (1, 2, …) to its batches; of each, tensors whose first
            dimension is that of the clips.
        loss: of the tensors of a batch, a mean over its clips. Losses of several runs that share no
            weight, shape (R,), are added up.
        schedule: of the learning rate, moved on after each step.
        stop: called after each epoch with its number; True ends the training.
    Raises RunError: a loss that is not finite.
    """
    means: list[float] = []
    bar = tqdm(range(1, epochs + 1), name, delay=2, leave=False, disable=not progress)
    with threads_for(optimizer):
        for epoch in bar:
            means.append(_epoch(batches(epoch), optimizer, loss, schedule))
            if not math.isfinite(means[-1]):
                raise RunError(f"{name}: the loss is {means[-1]} in epoch {epoch}.")
            bar.set_postfix(loss=f"{means[-1]:.3g}")
            if stop is not None and stop(epoch):
                break
    return means


def _epoch(
    batches: Iterable[tuple[Tensor, ...]],
    optimizer: torch.optim.Optimizer,
    loss: Callable[..., Tensor],
    schedule: LRScheduler | None,
) -> float:
    """A step for each batch; the mean loss over their clips."""
    total, clips = torch.zeros(()), 0
    for batch in batches:
        value = loss(*batch).sum()
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        if schedule is not None:
            schedule.step()
        total = total.to(value.device) + value.detach() * len(batch[0])
        clips += len(batch[0])
    return float(total) / max(clips, 1)
