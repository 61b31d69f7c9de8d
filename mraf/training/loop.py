"""The training loop: one step of Eq. 15–17, and the epochs around it."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from mraf.data.clips import FeatureSet
from mraf.errors import RunError
from mraf.losses import Batch, StepLosses
from mraf.model import MRAF
from mraf.training.batches import TrainingClips, number_of_batches
from mraf.training.config import Config, check_widths
from mraf.training.device import resolve_device, resolve_precision
from mraf.training.fit import seeded, threads_for
from mraf.training.runs import Row, Run, RunFolder
from mraf.training.step import conditions, with_cheap_dropout
from mraf.variants.build import beside_class_means, network, objective
from mraf.variants.config import TrainingConfig

RISE = 0.2  # of all steps: while the rate of the one-cycle schedule rises


class Learner(nn.Module):
    """Everything the optimiser moves: the network and the class centres.

    Args:
        clips_of: number of training clips of each speaker (C,); needed for ``class_weights``.
        plain: without the shortcuts of `mraf.training.step`, the same for every batch.
    """

    def __init__(self, config: Config, clips_of: Tensor | None = None, plain: bool = False) -> None:
        super().__init__()
        model = network(config.model)
        self.model, self.plain = model if plain else with_cheap_dropout(model), plain
        self.objective = objective(config.model, config.training, clips_of)

    def forward(self, batch: Batch) -> StepLosses:
        """The losses of one step (Eq. 15–17)."""
        batch, both = conditions(self.model, self.objective, batch, self.plain)
        losses: StepLosses = self.objective(self.model, both, batch)
        return losses


def train(
    config: Config,
    clips: FeatureSet,
    out: str | Path | None = None,
    *,
    device: str = "auto",
    resume: bool = False,
    progress: bool = True,
    data: Mapping[str, str] | None = None,
    on_epoch: Callable[[MRAF, pd.DataFrame], None] | None = None,
) -> Run:
    """Train MRAF on labelled, complete clips.

    The same seed on the same device gives the same weights, on a CPU bit for bit. The state is
    saved after every epoch, so that a run killed at any instant resumes to the weights of an
    uninterrupted one. The global random state is left as it was.

    Args:
        clips: the training clips, every face present.
        out: folder of the run; None keeps it in memory.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        resume: go on with the unfinished run in ``out``; a finished one is returned as it is.
        progress: show a bar with the loss parts.
        data: what the clips are (corpus, split), kept with the run.
        on_epoch: called after each epoch with the network and the history so far.
    Raises RunError: ``out`` holds another run, cannot be written, the clips are not as wide as the
    network takes them, or the loss is no longer finite; DataError: clips without labels or faces,
    or labels that the network has no class for.
    """
    where, seed = resolve_device(device), config.training.seed
    config, data = config.settled(where), dict(data or {"name": clips.source})
    check_widths(config.model, clips)
    placed = TrainingClips.place(clips, where, config.model.speakers)
    path = None if out is None else Path(out)
    with RunFolder.open(path, config, data, resume) as folder, seeded(seed, where):
        if path is not None and folder.finished:
            return Run.load(path, where)
        learner = Learner(config, placed.clips_of(config.model.speakers)).to(where)
        model = beside_class_means(learner.model).to(where)
        placed.fit(model, torch.Generator().manual_seed(seed))
        optimizer = make_optimizer(learner, config.training)
        history = folder.restore(learner, optimizer)
        steps = number_of_batches(len(placed), config.training.batch_size)
        done, total = steps * len(history), steps * config.training.epochs
        bar = tqdm(desc="training", unit="step", initial=done, total=total, disable=not progress)
        with bar, threads_for(optimizer):
            for epoch in range(len(history), config.training.epochs):
                torch.manual_seed(dropout_seed(seed, epoch))
                row = _train_epoch(learner, optimizer, placed, config.training, epoch, bar)
                history.append(row)
                folder.save(learner, optimizer, history)
                if on_epoch is not None:
                    on_epoch(learner.model.eval(), pd.DataFrame(history))
        folder.finish(model)
    return Run(config, model.eval(), pd.DataFrame(history), data, path)


def _train_epoch(
    learner: Learner,
    optimizer: torch.optim.Optimizer,
    clips: TrainingClips,
    config: TrainingConfig,
    epoch: int,
    bar: tqdm,
) -> Row:
    """One pass over the clips; returns the mean loss parts, the accuracy and the seconds."""
    learner.train()
    start = time.perf_counter()
    device = clips.speaker.device
    precision = resolve_precision(config.precision, device)
    totals = torch.zeros(len(StepLosses._fields), device=device)
    rates = learning_rates(config, len(clips), epoch)
    for rate, batch in zip(rates, clips.batches(config, epoch), strict=True):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            losses = learner(batch)
        losses.loss.backward()
        optimizer.step()
        totals += torch.stack(losses).detach() * len(batch.speaker)  # no synchronisation here
        bar.update()
    means = dict(zip(StepLosses._fields, (totals / len(clips)).tolist(), strict=True))
    if not np.isfinite(means["loss"]):
        raise no_longer_finite(epoch)
    bar.set_postfix({name: f"{value:.3g}" for name, value in means.items()})
    return {"epoch": epoch + 1, **means, "seconds": time.perf_counter() - start}


def learning_rates(config: TrainingConfig, clips: int, epoch: int) -> list[float]:
    """Of each step of an epoch (0, 1, …); they follow from its number, so resuming is exact."""
    steps = number_of_batches(clips, config.batch_size)
    if config.schedule == "constant":
        return [config.learning_rate] * steps
    at = (np.arange(steps) + epoch * steps + 0.5) / (steps * config.epochs)  # in (0, 1)
    return (config.learning_rate * np.minimum(at / RISE, (1 - at) / (1 - RISE))).tolist()


def dropout_seed(seed: int, epoch: int) -> int:
    """A seed of its own for the masks of an epoch: resuming needs no generator state."""
    drawn = np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)
    return int(drawn[0]) >> 1


def no_longer_finite(epoch: int) -> RunError:
    """Why a training ends in an epoch (0, 1, …)."""
    return RunError(
        f"the loss is no longer finite in epoch {epoch + 1}; lower learning_rate or "
        "center_weight, or set precision=float32."
    )


def make_optimizer(learner: Learner, config: TrainingConfig) -> torch.optim.Adam:
    """Adam (Section 4.2)."""
    fused = next(learner.parameters()).device.type in {"cpu", "cuda"}
    rate, decay = config.learning_rate, config.weight_decay
    return torch.optim.Adam(learner.parameters(), lr=rate, weight_decay=decay, fused=fused)
