"""The training loop: one step of Eq. 15–17, and the epochs around it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm.auto import tqdm

from mraf import runs
from mraf.batches import Batch, TrainingClips, number_of_batches
from mraf.configuration import Config, TrainingConfig, resolve_device, resolve_precision
from mraf.data.features import FeatureSet
from mraf.errors import DataError, RunError
from mraf.losses import CenterLoss, distillation_loss
from mraf.model import MRAF
from mraf.model.missing import FittedStandIn

Row = dict[str, float]


class StepLosses(NamedTuple):
    """The loss of a step, its unweighted parts and the share of clips named rightly."""

    loss: Tensor
    ce_face: Tensor
    ce_voice: Tensor
    ce_fused: Tensor
    kd: Tensor
    center: Tensor
    accuracy: Tensor


class Learner(nn.Module):
    """Everything the optimiser moves: the network and the class centres.

    Args:
        clips_of: number of training clips of each speaker (C,); needed for ``class_weights``.
    """

    class_weight: Tensor | None

    def __init__(self, config: Config, clips_of: Tensor | None = None) -> None:
        super().__init__()
        training = config.training
        self.model = MRAF(config.model)
        self.center = CenterLoss(
            config.model.speakers, config.model.width, training.center_reduction, training.centers
        )
        weight = None
        if training.class_weights:
            if clips_of is None:
                raise RunError("class_weights=true: the learner needs the clips of each speaker.")
            weight = (clips_of.sum() / (len(clips_of) * clips_of.clamp(min=1))).sqrt()
        self.register_buffer("class_weight", weight, persistent=False)


def step_losses(learner: Learner, batch: Batch, config: TrainingConfig) -> StepLosses:
    """The objective of one batch (Eq. 15–17).

    Each clip is fused twice, with its face (the teacher, z_c^AV) and without (the student, z_c^A);
    the classification and centre losses see the condition drawn for the clip, the distillation all.
    """
    model = learner.model
    both = model.with_and_without_face(batch.face, batch.voice)

    def drawn(both_conditions: Tensor) -> Tensor:
        complete, audio_only = both_conditions.float().chunk(2)
        return torch.where(batch.audio_only, audio_only, complete)

    z_f, z_c, e_c = (drawn(x) for x in (both.logits.face, both.logits.fused, both.fused_embedding))
    z_a, _ = both.logits.voice.float().chunk(2)  # the voice is the same in both
    teacher, student = both.logits.fused.float().chunk(2)
    face_speaker = batch.speaker if batch.face_speaker is None else batch.face_speaker
    own_face = (face_speaker == batch.speaker)[:, None]
    teacher = torch.where(own_face, teacher, student)  # a wrong face teaches nothing
    named_by_face = torch.where(batch.audio_only[:, 0], batch.speaker, face_speaker)
    ce_face, ce_voice, ce_fused = (
        F.cross_entropy(
            head.with_margin(z, speaker),
            speaker,
            learner.class_weight,
            label_smoothing=config.label_smoothing,
        )
        for head, z, speaker in (
            (model.face_head, z_f, named_by_face),
            (model.voice_head, z_a, batch.speaker),
            (model.fused_head, z_c, batch.speaker),
        )
    )
    kd = distillation_loss(teacher.detach(), student, config.kd_temperature)
    center = learner.center(e_c, batch.speaker)
    loss = (
        config.face_weight * ce_face
        + config.voice_weight * ce_voice
        + config.fused_weight * ce_fused
        + config.kd_weight * kd
        + config.center_weight * center
    )
    if config.reliability_floor_weight:
        r_f, _ = both.reliability.face.chunk(2)
        lacking = (config.reliability_floor - r_f).clamp(min=0)
        loss = loss + config.reliability_floor_weight * lacking.square().mean()
    accuracy = (z_c.argmax(dim=-1) == batch.speaker).float().mean()
    return StepLosses(loss, ce_face, ce_voice, ce_fused, kd, center, accuracy)


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
) -> runs.Run:
    """Train MRAF on labelled, complete clips.

    The same seed on the same device gives the same weights, on a CPU bit for bit. The state is
    saved after every epoch, so that a run killed at any instant resumes to the weights of an
    uninterrupted one. The global random state is left as it was.

    Args:
        config: of the network and the training.
        clips: the training clips, every face present.
        out: folder of the run; None keeps it in memory.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        resume: go on with the unfinished run in ``out``; a finished one is returned as it is.
        progress: show a bar with the loss parts.
        data: what the clips are (corpus, split), kept with the run.
        on_epoch: called after each epoch with the network and the history so far.

    Raises:
        RunError: ``out`` holds another run, cannot be written, or the loss is no longer finite.
        DataError: clips without labels or faces, or labels that the network has no class for.
    """
    torch_device = resolve_device(device)
    path = None if out is None else Path(out)
    if (highest := int(clips.labels.max())) >= config.model.speakers:
        raise DataError(
            f"{clips.source}: speaker label {highest}, but the network has "
            f"{config.model.speakers} classes (0 … {config.model.speakers - 1})."
        )
    data = dict(data or {"name": clips.source})
    if path is not None and _is_finished(path, config, data, resume):
        return runs.Run.load(path, torch_device)
    placed = TrainingClips.place(clips, torch_device)
    forked = [torch_device.index or 0] if torch_device.type == "cuda" else []
    with torch.random.fork_rng(devices=forked):
        torch.manual_seed(config.training.seed)
        learner = Learner(config, placed.clips_of(config.model.speakers)).to(torch_device)
        _fit_parts(learner.model, placed, config.training.seed)
        optimizer = make_optimizer(learner, config.training)
        history: list[Row] = []
        if path is not None and (path / runs.STATE).is_file():
            history = _restore(path, learner, optimizer)
        elif path is not None:
            runs.write_config(path, config, data)
        with _Progress(len(placed), config.training, len(history), progress) as bar:
            for epoch in range(len(history), config.training.epochs):
                torch.manual_seed(_epoch_seed(config.training.seed, epoch))  # dropout
                row = _train_epoch(learner, optimizer, placed, config.training, epoch, bar)
                history.append(row)
                if path is not None:
                    _save(path, learner, optimizer, history)
                if on_epoch is not None:
                    learner.model.eval()
                    on_epoch(learner.model, pd.DataFrame(history))
    model = learner.model.eval()
    if path is not None:
        runs.write_tensors(path / runs.MODEL, model.state_dict(), {})
        (path / runs.STATE).unlink(missing_ok=True)
    return runs.Run(config, model, pd.DataFrame(history), data, path)


def _train_epoch(
    learner: Learner,
    optimizer: torch.optim.Optimizer,
    clips: TrainingClips,
    config: TrainingConfig,
    epoch: int,
    bar: _Progress,
) -> Row:
    """One pass over the clips; returns the mean loss parts, the accuracy and the seconds."""
    learner.train()
    start = time.perf_counter()
    device = clips.speaker.device
    precision = resolve_precision(config.precision, device)
    totals = torch.zeros(len(StepLosses._fields), device=device)
    for batch in clips.batches(config, epoch):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            losses = step_losses(learner, batch, config)
        losses.loss.backward()
        optimizer.step()
        totals += torch.stack(losses).detach() * len(batch.speaker)  # no synchronisation here
        bar.step()
    means = dict(zip(StepLosses._fields, (totals / len(clips)).tolist(), strict=True))
    if not np.isfinite(means["loss"]):
        raise RunError(
            f"the loss is no longer finite in epoch {epoch + 1}; lower learning_rate or "
            "center_weight, or set precision=float32."
        )
    bar.epoch(means)
    return {"epoch": epoch + 1, **means, "seconds": time.perf_counter() - start}


def _epoch_seed(seed: int, epoch: int) -> int:
    """A seed for the dropout of one epoch, so that resuming needs no generator state."""
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0] >> 1)


def make_optimizer(learner: Learner, config: TrainingConfig) -> torch.optim.Adam:
    device = next(learner.parameters()).device
    return torch.optim.Adam(
        learner.parameters(),
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
        fused=device.type in {"cpu", "cuda"},
    )


def _fit_parts(model: MRAF, clips: TrainingClips, seed: int) -> None:
    """Fit what is computed from the training clips, not trained."""
    if isinstance(model.missing_face, FittedStandIn):
        generator = torch.Generator().manual_seed(seed)
        face, voice = model.network_input(clips.face), model.network_input(clips.voice)
        model.missing_face.fit(face, voice, generator)
    if model.agreement is not None:
        model.agreement.fit(clips.face, clips.voice, clips.speaker, clips.video)


def _is_finished(path: Path, config: Config, data: Mapping[str, str], resume: bool) -> bool:
    """Check the folder of a run: may it be started, resumed, or is it finished?"""
    if (path / runs.CONFIG).is_file():
        if not resume:
            raise RunError(f"{path}: there is a run here; use --resume or another --out.")
        stored, stored_data = runs.read_config(path)
        if (difference := _first_difference(stored, stored_data, config, data)) is not None:
            raise RunError(f"{path}: cannot resume, {difference}; use another --out.")
        return (path / runs.MODEL).is_file()
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RunError(f"{path}: exists and is not a run; choose another --out.")
    return False


def _first_difference(
    stored: Config, stored_data: Mapping[str, str], config: Config, data: Mapping[str, str]
) -> str | None:
    old = {**stored_data, **stored.to_dict()["model"], **stored.to_dict()["training"]}
    new = {**data, **config.to_dict()["model"], **config.to_dict()["training"]}
    for key in new:
        if old.get(key) != new[key]:
            return f"the run was started with {key}={old.get(key)}, not {new[key]}"
    return None


def _save(
    path: Path, learner: Learner, optimizer: torch.optim.Optimizer, history: list[Row]
) -> None:
    """Write the history first: on resuming, rows beyond the state's epoch are dropped."""
    runs.write_history(path, history)
    tensors = {f"learner.{name}": value for name, value in learner.state_dict().items()}
    moments = runs.optimizer_tensors(optimizer)
    tensors |= {f"optimizer.{name}": value for name, value in moments.items()}
    runs.write_tensors(path / runs.STATE, tensors, {"epoch": str(len(history))})


def _restore(path: Path, learner: Learner, optimizer: torch.optim.Optimizer) -> list[Row]:
    """Put back the last saved state; returns the history up to it."""
    tensors, metadata = runs.read_tensors(path / runs.STATE)
    parts: dict[str, dict[str, Tensor]] = {"learner": {}, "optimizer": {}}
    for name, value in tensors.items():
        part, _, rest = name.partition(".")
        parts[part][rest] = value
    runs.load_weights(learner, parts["learner"], path / runs.STATE)
    runs.restore_optimizer(optimizer, parts["optimizer"])
    rows = runs.read_history(path).to_dict("records")[: int(metadata["epoch"])]
    return [{str(key): value for key, value in row.items()} for row in rows]


class _Progress:
    """A bar of steps, with the loss parts of the last finished epoch beside it."""

    def __init__(self, clips: int, config: TrainingConfig, done: int, show: bool) -> None:
        steps = number_of_batches(clips, config.batch_size)
        self.bar = tqdm(
            total=steps * config.epochs,
            initial=steps * done,
            desc="training",
            unit="step",
            disable=not show,
        )

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *details: object) -> None:
        self.bar.close()

    def step(self) -> None:
        self.bar.update()

    def epoch(self, means: Mapping[str, float]) -> None:
        self.bar.set_postfix({name: f"{value:.3g}" for name, value in means.items()})
