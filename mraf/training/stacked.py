"""Several runs at once: the weights of S networks of one shape, stacked along a leading axis.

Most of a small network's step goes into starting kernels. Stacked by `torch.vmap`, each kernel of
the same network and losses works for all runs. No run sees another: each has its own initial
weights, order of clips, masks and moments, so that its result is that which it has alone.
"""

import time
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import fields, replace
from functools import partial
from types import MethodType
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.func import functional_call
from tqdm.auto import tqdm

from mraf.data.clips import FeatureSet
from mraf.errors import RunError
from mraf.losses import Batch, LossWeights, StepLosses
from mraf.training.batches import TrainingClips, number_of_batches
from mraf.training.config import Config
from mraf.training.device import resolve_device, resolve_precision
from mraf.training.fit import seeded
from mraf.training.loop import (
    Learner,
    dropout_seed,
    learning_rates,
    make_optimizer,
    no_longer_finite,
)
from mraf.training.runs import Row, Run
from mraf.variants.build import beside_class_means
from mraf.variants.config import TrainingConfig

Tensors = Mapping[str, Tensor]
WEIGHTS = tuple(entry.name for entry in fields(LossWeights))
OWN = ("seed", "audio_only_probability", "audio_only_per", "sampling", *WEIGHTS)


def can_be_stacked(config: Config) -> bool:
    """Not with an LSTM, for which PyTorch has no rule."""
    return config.model.fusion != "lstm"


def shape(config: Config) -> Config:
    """What runs must have in common to be stacked: all but the seed, what is drawn, and the λ.

    A run that cannot be stacked shares its shape with no other.
    """
    if not can_be_stacked(config):
        return config
    common = {name: getattr(TrainingConfig, name) for name in OWN}
    return replace(config, training=replace(config.training, **common))


def train_stacked(
    configs: Sequence[Config],
    clips: FeatureSet,
    *,
    device: str = "auto",
    progress: bool = True,
    data: Mapping[str, str] | None = None,
) -> list[Run | RunError]:
    """Train runs of one shape at once; each as `mraf.training.loop.train` would train it alone.

    Without dropout they are the same in float32 but for the order of sums. With dropout a run alone
    draws other masks on a CPU, where it takes the shortcuts of `mraf.training.step`.

    Gives for each its run, whose seconds are its share of the time; or why it failed, which leaves
    the others alone. Arguments as for ``train``, the configurations of one ``shape``. Raises
    RunError: the runs are not of one shape; DataError: as ``train``.
    """
    if len({str(shape(config)) for config in configs}) != 1:
        raise RunError("only runs of one shape can be stacked; see mraf.training.stacked.shape.")
    where, settings = resolve_device(device), configs[0].training
    placed = TrainingClips.place(clips, where, configs[0].model.speakers)
    clips_of = placed.clips_of(configs[0].model.speakers)
    learners, models = [], []
    for config in configs:
        with seeded(config.training.seed, where):
            learners.append(Learner(config, clips_of, plain=True).to(where).train())
            models.append(beside_class_means(learners[-1].model).to(where))
            placed.fit(models[-1], torch.Generator().manual_seed(config.training.seed))
    stack = Stack(learners, where)
    optimizer = make_optimizer(stack.learner, settings)
    histories: list[list[Row]] = [[] for _ in configs]
    failed: dict[int, RunError] = {}
    steps = number_of_batches(len(placed), settings.batch_size) * settings.epochs
    with tqdm(desc=f"training {len(configs)} runs", total=steps, disable=not progress) as bar:
        for epoch in range(settings.epochs):
            stack.draw_masks_from([dropout_seed(of.training.seed, epoch) for of in configs])
            for run, row in enumerate(_train_epoch(stack, optimizer, placed, configs, epoch, bar)):
                histories[run].append(row)
                if not np.isfinite(row["loss"]):
                    failed.setdefault(run, no_longer_finite(epoch))
            if len(failed) == len(configs):
                break
    runs: list[Run | RunError] = []
    for run, (config, model) in enumerate(zip(configs, models, strict=True)):
        stack.write(run, learners[run])
        history = pd.DataFrame(histories[run])
        done = Run(config, model.eval(), history, dict(data or {"name": clips.source}))
        runs.append(failed.get(run, done))
    return runs


def _train_epoch(
    stack: "Stack",
    optimizer: torch.optim.Optimizer,
    clips: TrainingClips,
    configs: Sequence[Config],
    epoch: int,
    bar: tqdm,
) -> list[Row]:
    """One pass over the clips, each run in its own order; a row of the history for each."""
    start = time.perf_counter()
    device = clips.speaker.device
    precision = resolve_precision(configs[0].training.precision, device)
    totals = torch.zeros(len(StepLosses._fields), len(configs), device=device)
    batches = (clips.batches(config.training, epoch) for config in configs)
    rates = learning_rates(configs[0].training, len(clips), epoch)
    for rate, of_runs in zip(rates, zip(*batches, strict=True), strict=True):
        optimizer.param_groups[0]["lr"] = rate
        batch = Batch(*(torch.stack(tensors) for tensors in zip(*of_runs, strict=True)))
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            losses = stack(batch)
        losses.loss.sum().backward()  # no run sees another: each gets its own gradient
        optimizer.step()
        totals += torch.stack(losses).detach() * batch.speaker.shape[1]
        bar.update()
    means = (totals / len(clips)).T.tolist()
    seconds = (time.perf_counter() - start) / len(configs)
    return [
        {"epoch": epoch + 1, **dict(zip(StepLosses._fields, of, strict=True)), "seconds": seconds}
        for of in means
    ]


class Stack:
    """S learners of one shape, on the device and fitted, as one.

    ``learner`` is the first with the parameters of all, of shapes (S, …), for the optimiser.
    """

    def __init__(self, learners: Sequence[Learner], device: torch.device) -> None:
        self.learner = deepcopy(learners[0])
        self.masks = [torch.Generator(device) for _ in learners]
        for name in dict(self.learner.named_parameters()):
            tensors = [of.get_parameter(name).detach() for of in learners]
            owner, _, last = name.rpartition(".")
            setattr(self.learner.get_submodule(owner), last, nn.Parameter(torch.stack(tensors)))
        # what is the same for all is kept once: only so can a flag be read
        self.own: dict[str, Tensor] = {}
        for name, buffer in self.learner.named_buffers():
            tensors = [of.get_buffer(name) for of in learners]
            if any(not torch.equal(buffer, tensor) for tensor in tensors):
                self.own[name] = torch.stack(tensors)
        weights = [[getattr(of.objective.weights, name) for name in WEIGHTS] for of in learners]
        self.weights = {
            name: torch.tensor(of, device=device)
            for name, of in zip(WEIGHTS, zip(*weights, strict=True), strict=True)
            if len(set(of)) > 1
        }
        for module in self.learner.modules():
            if isinstance(module, nn.Linear):
                module.forward = MethodType(_linear, module)  # type: ignore[method-assign]
            elif isinstance(module, nn.Dropout):
                made = partial(_dropout, module.p, self.masks)
                module.forward = made  # type: ignore[method-assign]

    def __call__(self, batch: Batch) -> StepLosses:
        """The losses (S,) of one step of each run, for batches with a leading axis of runs."""
        parameters = dict(self.learner.named_parameters())
        losses: StepLosses = torch.vmap(self._losses, randomness="error")(
            parameters, self.own, self.weights, batch
        )
        return losses

    def _losses(
        self, parameters: Tensors, own: Tensors, weights: Tensors, batch: Batch
    ) -> StepLosses:
        objective = self.learner.objective
        common = objective.weights
        try:
            objective.weights = LossWeights(
                **{name: weights.get(name, getattr(common, name)) for name in WEIGHTS}
            )
            return functional_call(self.learner, {**parameters, **own}, (batch,))
        finally:
            objective.weights = common

    def draw_masks_from(self, seeds: Sequence[int]) -> None:
        """Start the masks of each run anew."""
        for generator, seed in zip(self.masks, seeds, strict=True):
            generator.manual_seed(seed)

    @torch.no_grad()
    def write(self, run: int, learner: Learner) -> None:
        """Copy the weights of a run into a learner of its own."""
        for name, parameter in self.learner.named_parameters():
            learner.get_parameter(name).copy_(parameter[run])


class _Linear(torch.autograd.Function):
    """x Wᵀ + b of all runs in one batched product: a rule for `torch.vmap`, and nothing else."""

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        pass

    @staticmethod
    def vmap(info: Any, dims: Any, x: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, int]:
        x = _first(x, dims[0], info.batch_size)
        rows = torch.baddbmm(bias[:, None], x.flatten(1, -2), weight.mT)  # (S, B·K, d)
        return rows.unflatten(1, x.shape[1:-1]), 0


class _Masks(torch.autograd.Function):
    """Masks for values of all runs, each from its own generator; also a rule alone."""

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        pass

    @staticmethod
    def vmap(
        info: Any, dims: Any, x: Tensor, p: float, generators: Sequence[torch.Generator]
    ) -> tuple[Tensor, int]:
        whole = _first(x, dims[0], info.batch_size)
        masks = torch.empty(whole.shape, dtype=x.dtype, device=x.device)
        for mask, generator in zip(masks, generators, strict=True):
            mask.bernoulli_(1 - p, generator=generator)
        return masks.div_(1 - p), 0


def _first(x: Tensor, dim: int | None, runs: int) -> Tensor:
    """Stacked values with their axis of runs in front, (S, …); what is not stacked is repeated."""
    return x.expand(runs, *x.shape) if dim is None else x.movedim(dim, 0)


def _linear(module: nn.Linear, x: Tensor) -> Tensor:
    return _Linear.apply(x, module.weight, module.bias)


def _dropout(p: float, generators: Sequence[torch.Generator], x: Tensor) -> Tensor:
    return x * _Masks.apply(x, p, generators) if p else x
