"""Open-set speaker identification by few-shot tuning (SpeakerRPL v2, arXiv 2604.13605).

A small adapter on frozen embeddings is tuned on a few clips of every enrolled speaker. All runs of
a fusion are trained at once: every weight has a leading dimension of runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from tqdm.auto import tqdm

from mraf.data.describe import unit
from mraf.errors import DataError, RunError
from mraf.related.open_set import losses
from mraf.training.device import resolve_device

Objective = Literal["softmax", "logitnorm", "arpl", "v1", "v2"]
HIDDEN = (512, 256, 256)


@dataclass(frozen=True)
class Recipe:
    """How adapters are tuned.

    Args:
        objective: "softmax" is cross-entropy over anchors, "logitnorm" the same under LogitNorm.
        logit_norm: "true" or the "public" code's (see `losses.normalised`); of "logitnorm" and
            "v2".
        public_signs: the public code's signs, of "v1".
        anchors: adaptive anchors of "v2" besides the targets.
        unknowns: whether "v2" sees synthetic unknowns, clips between two speakers. Off by default,
            for they do harm here: they lie nearer to enrolled clips than the next recording of an
            enrolled speaker does.
        temperature: τ of LogitNorm.
        steps: for any number of shots. The public code takes 75 epochs, 225 steps for one clip each
            of 50 speakers; 100, 225 and 450 came to the same on a draw that is not reported.
        batch: clips a step, and as many synthetic unknowns where there are any.
        learning_rate, momentum, weight_decay: of SGD; the rate falls tenfold after two thirds.
    """

    objective: Objective = "v2"
    logit_norm: losses.LogitNorm = "true"
    public_signs: bool = False
    anchors: int = 10
    unknowns: bool = False
    temperature: float = 0.1
    steps: int = 100
    batch: int = 16
    learning_rate: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 1e-4

    def __post_init__(self) -> None:
        if self.objective not in get_args(Objective):
            raise RunError(
                f"objective={self.objective}: choose one of {', '.join(get_args(Objective))}."
            )
        if self.logit_norm not in get_args(losses.LogitNorm):
            known = ", ".join(get_args(losses.LogitNorm))
            raise RunError(f"logit_norm={self.logit_norm}: choose one of {known}.")
        for name in ("steps", "batch", "learning_rate", "temperature"):
            if not getattr(self, name) > 0:
                raise RunError(f"{name}={getattr(self, name)}: must be positive.")
        if self.anchors < 0:
            raise RunError(f"anchors={self.anchors}: must not be negative.")

    @property
    def extra(self) -> int:
        """Classes besides the targets: the adaptive anchors, and one for synthetic unknowns."""
        return self.anchors + self.unknowns if self.objective == "v2" else 0


def standardised(rows: NDArray[Any]) -> Tensor:
    """Embeddings brought to length √d, as the networks of this package read them."""
    return torch.from_numpy(unit(rows) * np.float32(math.sqrt(rows.shape[1])))


def interpolated(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """Synthetic unknowns between clips of two speakers, as long as the clips are, shape (…, d)."""
    between = share * first + (1 - share) * second
    return F.normalize(between, dim=-1) * math.sqrt(first.shape[-1])


@dataclass(frozen=True, eq=False)
class Adapters:
    """R tuned adapters with their points.

    Args:
        weights: of each layer, shape (R, in, out), and biases (R, 1, out).
        points: reciprocal points P, shape (R, N, d); targets first.
        anchors: C, shape (R, N, d); targets first.
        radius: R of the bounded open space, shape (R,).
        recipe: by which they were tuned.
        targets: number of enrolled speakers K.
    """

    weights: Sequence[tuple[Tensor, Tensor]]
    points: Tensor
    anchors: Tensor
    radius: Tensor
    recipe: Recipe
    targets: int

    @classmethod
    def drawn(cls, recipe: Recipe, dim: int, targets: int, seeds: Sequence[int]) -> Adapters:
        """Untrained adapters, one for each seed."""
        sizes = (dim, *HIDDEN, dim)
        drawn = []
        for seed in seeds:
            rng = torch.Generator().manual_seed(seed)
            run = []
            for wide, narrow in pairwise(sizes):
                bound = 1 / math.sqrt(wide)  # as torch.nn.Linear starts
                run += [
                    (2 * torch.rand(shape, generator=rng) - 1) * bound
                    for shape in ((wide, narrow), (1, narrow))
                ]
            count = targets + recipe.extra
            run += [0.1 * torch.randn(count, dim, generator=rng) for _ in range(2)]
            drawn.append(run)
        *layers, points, anchors = (torch.stack(parts) for parts in zip(*drawn, strict=True))
        weights = list(zip(layers[::2], layers[1::2], strict=True))
        return cls(weights, points, anchors, torch.zeros(len(seeds)), recipe, targets)

    @property
    def parameters(self) -> list[Tensor]:
        """All that is trained, each with a leading dimension of runs."""
        return [*(t for layer in self.weights for t in layer), *self.heads, self.radius]

    @property
    def heads(self) -> tuple[Tensor, Tensor]:
        return self.points, self.anchors

    def embed(self, x: Tensor) -> Tensor:
        """Adapted embeddings (R, B, d) of standardised ones, (R, B, d) or (B, d) for all runs.

        192 → 512 → 256 → 256 → 192. InstanceNorm of a vector is taken over its own entries, which
        is a layer normalisation without weights.
        """
        hidden = x.expand(len(self.radius), *x.shape[-2:])
        for number, (weight, bias) in enumerate(self.weights):
            hidden = torch.baddbmm(bias, hidden, weight)
            if number < len(HIDDEN):
                hidden = F.relu(F.layer_norm(hidden, hidden.shape[-1:]))
        return hidden

    def loss(self, x: Tensor, label: Tensor, unknown: Tensor | None = None) -> Tensor:
        """The objective of each run, shape (R,).

        Args:
            x: standardised clips (R, B, d) of targets (R, B).
            unknown: synthetic unknowns (R, B, d).
        """
        recipe, (points, anchors) = self.recipe, self.heads
        norm: Any = {"logit_norm": recipe.logit_norm, "temperature": recipe.temperature}
        z = self.embed(x if unknown is None else torch.cat([x, unknown], dim=1))
        known = z[:, : label.shape[1]]
        if recipe.objective == "v2":
            loss = losses.rpl_v2(known, label, points, anchors, self.radius, **norm)
            if unknown is not None:
                other = z[:, label.shape[1] :]
                loss = loss + losses.strangers(other, points, anchors, self.targets, **norm)
            return loss
        if recipe.objective == "v1":
            public = recipe.public_signs
            return losses.rpl_v1(known, label, points, anchors, self.radius, public=public)
        if recipe.objective == "arpl":
            return losses.arpl(known, label, points, self.radius)
        return losses.cross_entropy(self._anchor_logits(known), label)

    def _anchor_logits(self, z: Tensor) -> Tensor:
        recipe = self.recipe
        kind = recipe.logit_norm if recipe.objective in ("logitnorm", "v2") else "none"
        return losses.normalised(losses.similarity(z, self.anchors), kind, recipe.temperature)

    @torch.inference_mode()
    def scores(self, rows: NDArray[Any]) -> NDArray[np.float32]:
        """Probability of each target, shape (R, N, K), of embeddings (N, d).

        The mean over the heads that the objective trains: distances to reciprocal points and
        similarities to anchors. What the further classes of v2 take is missing from the sum.
        """
        x = standardised(rows).to(self.radius.device)
        heads = []
        z = self.embed(x)
        if self.recipe.objective == "arpl":
            heads.append(losses.reciprocal_logits_arpl(z, self.points))
        elif self.recipe.objective in ("v1", "v2"):
            heads.append(-losses.similarity(z, self.points))
        if self.recipe.objective != "arpl":
            heads.append(self._anchor_logits(z))
        probability = torch.stack([head.softmax(-1) for head in heads]).mean(0)
        found: NDArray[np.float32] = probability[..., : self.targets].cpu().numpy()
        return found


def tune(
    recipe: Recipe,
    rows: NDArray[Any],
    labels: NDArray[np.int64],
    seeds: Sequence[int] = (0,),
    device: str = "auto",
    progress: bool = True,
) -> Adapters:
    """Tune one adapter for each seed on the same enrolled clips, all at once.

    A seed gives the same run whichever others are tuned beside it, up to the order of additions.

    Args:
        rows: embeddings (N, d).
        labels: 0 … K-1, each at least once, shape (N,).
    Raises:
        DataError: rows that are not finite or do not fit the labels, or a label without a clip.
        RunError: no seed, or a loss that is not finite.
    """
    if rows.ndim != 2 or labels.shape != (len(rows),) or not np.isfinite(rows).all():
        raise DataError(f"embeddings {rows.shape} and labels {labels.shape} of finite numbers.")
    present = np.unique(labels)
    if not np.array_equal(present, np.arange(len(present))) or len(present) < 2:
        raise DataError("the enrolled speakers must be 0 … K-1, at least two, each with a clip.")
    if not seeds:
        raise RunError("no seed, no run; give at least one.")
    where = resolve_device(device)
    adapters = Adapters.drawn(recipe, rows.shape[1], len(present), seeds)
    adapters = replace(
        adapters,
        weights=[(w.to(where), b.to(where)) for w, b in adapters.weights],
        points=adapters.points.to(where),
        anchors=adapters.anchors.to(where),
        radius=adapters.radius.to(where),
    )
    x, label = standardised(rows).to(where), torch.from_numpy(labels).to(where)
    order, partner, share = (t.to(where) for t in _batches(recipe, labels, seeds))
    for parameter in adapters.parameters:
        parameter.requires_grad_()
    optimizer = torch.optim.SGD(
        adapters.parameters,
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
    )
    falls = torch.optim.lr_scheduler.StepLR(optimizer, math.ceil(recipe.steps * 2 / 3))
    mixed = recipe.objective == "v2" and recipe.unknowns
    for step in tqdm(range(recipe.steps), "tune", delay=2, leave=False, disable=not progress):
        own = order[:, step]
        unknown = interpolated(x[own], x[partner[:, step]], share[:, step]) if mixed else None
        loss = adapters.loss(x[own], label[own], unknown)
        optimizer.zero_grad()
        loss.sum().backward()  # runs have no weight in common
        optimizer.step()
        falls.step()
    if not all(finite := loss.isfinite().tolist()):
        raise RunError(f"open set: the loss of run {finite.index(False)} is not finite.")
    for parameter in adapters.parameters:
        parameter.requires_grad_(False)
    return adapters


def _batches(
    recipe: Recipe, labels: NDArray[np.int64], seeds: Sequence[int]
) -> tuple[Tensor, Tensor, Tensor]:
    """What each run sees in each step, drawn by its seed alone.

    Returns:
        Clips and, of another speaker each, their partners, shape (R, S, B); the share of the clip
        in the mixture, shape (R, S, B, 1).
    """
    wanted = recipe.steps * recipe.batch
    drawn: list[tuple[NDArray[Any], ...]] = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        epochs = math.ceil(wanted / len(labels))
        order = np.concatenate([rng.permutation(len(labels)) for _ in range(epochs)])[:wanted]
        partner = rng.integers(len(labels), size=wanted)
        while (same := labels[order] == labels[partner]).any():
            partner[same] = rng.integers(len(labels), size=same.sum())
        drawn.append((order, partner, rng.uniform(0.3, 0.7, size=wanted).astype(np.float32)))
    shape = (len(seeds), recipe.steps, recipe.batch)
    order, partner, share = (np.stack(parts).reshape(shape) for parts in zip(*drawn, strict=True))
    return torch.from_numpy(order), torch.from_numpy(partner), torch.from_numpy(share)[..., None]
