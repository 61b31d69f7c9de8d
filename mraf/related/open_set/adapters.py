"""Open-set speaker identification by few-shot tuning (SpeakerRPL v2, arXiv 2604.13605).

A small adapter on frozen embeddings is tuned on a few clips of every enrolled speaker. All runs of
a fusion are trained at once: every weight has a leading dimension of runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field
from scipy.stats import rankdata
from torch import Tensor, nn

from mraf.data.clips import unit
from mraf.errors import DataError, RunError
from mraf.related.open_set import losses
from mraf.training.device import resolve_device
from mraf.training.fit import fit
from mraf.variants.config import settings

Objective = Literal["softmax", "logitnorm", "v1", "v2"]
HIDDEN = (512, 256, 256)


@settings
class Recipe:
    """How adapters are tuned, with SGD whose learning rate falls tenfold after two thirds.

    Synthetic unknowns are off by default: they lie nearer to enrolled clips than the next recording
    of an enrolled speaker does. 100, 225 (as in the public code) and 450 steps came to the same.
    """

    objective: Objective = "v2"  # "softmax" over anchors, "logitnorm": the same under LogitNorm
    logit_norm: losses.LogitNorm = "true"  # of "logitnorm" and "v2"; see `losses.normalised`
    public_signs: bool = False  # the public code's signs, of "v1"
    anchors: Annotated[int, Field(ge=0)] = 10  # adaptive ones, of "v2" besides the targets
    unknowns: bool = False  # whether "v2" sees synthetic unknowns, clips between two speakers
    temperature: Annotated[float, Field(gt=0)] = 0.1  # τ of LogitNorm
    steps: Annotated[int, Field(gt=0)] = 100  # for any number of shots
    batch: Annotated[int, Field(gt=0)] = 16  # clips a step, and as many unknowns
    learning_rate: Annotated[float, Field(gt=0)] = 0.01
    momentum: float = 0.9
    weight_decay: float = 1e-4

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


def of_others(
    own: NDArray[np.int64], labels: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """For each of the speakers (N,) a row, drawn, of labels (M,) that is another's, shape (N,)."""
    rows = rng.integers(len(labels), size=len(own))
    while (same := labels[rows] == own).any():
        rows[same] = rng.integers(len(labels), size=same.sum())
    return rows


class Adapters(nn.Module):
    """R adapters of K targets with their points, as drawn from one seed each.

    Attributes:
        layers: weights (R, in, out) and biases (R, 1, out) of each layer in turn.
        points, anchors: reciprocal points P and anchors C, shape (R, N, d); targets first.
        radius: R of the bounded open space, shape (R,).
    """

    def __init__(self, recipe: Recipe, dim: int, targets: int, seeds: Sequence[int]) -> None:
        super().__init__()
        self.recipe, self.targets = recipe, targets
        drawn = []
        for seed in seeds:
            rng = torch.Generator().manual_seed(seed)
            run = []
            for wide, narrow in pairwise((dim, *HIDDEN, dim)):
                bound = 1 / math.sqrt(wide)  # as torch.nn.Linear starts
                run += [
                    (2 * torch.rand(shape, generator=rng) - 1) * bound
                    for shape in ((wide, narrow), (1, narrow))
                ]
            count = targets + recipe.extra
            run += [0.1 * torch.randn(count, dim, generator=rng) for _ in range(2)]
            drawn.append(run)
        *layers, self.points, self.anchors = (
            nn.Parameter(torch.stack(parts)) for parts in zip(*drawn, strict=True)
        )
        self.layers = nn.ParameterList(layers)
        self.radius = nn.Parameter(torch.zeros(len(seeds)))

    @property
    def weights(self) -> list[tuple[Tensor, Tensor]]:
        """Weight and bias of each layer."""
        return list(zip(self.layers[::2], self.layers[1::2], strict=True))

    @property
    def heads(self) -> tuple[Tensor, Tensor]:
        return self.points, self.anchors

    def embed(self, x: Tensor) -> Tensor:
        """Adapted embeddings (R, B, d) of standardised ones, (R, B, d) or (B, d) for all runs.

        192 → 512 → 256 → 256 → 192. InstanceNorm of a vector is a layer norm without weights.
        """
        hidden = x.expand(len(self.radius), *x.shape[-2:])
        for number, (weight, bias) in enumerate(self.weights):
            hidden = torch.baddbmm(bias, hidden, weight)
            if number < len(HIDDEN):
                hidden = F.relu(F.layer_norm(hidden, hidden.shape[-1:]))
        return hidden

    def loss(self, x: Tensor, label: Tensor, unknown: Tensor | None = None) -> Tensor:
        """The objective of each run, shape (R,), on standardised clips (R, B, d) of targets (R, B).

        Of "v2" also on synthetic unknowns (R, B, d).
        """
        recipe, (points, anchors), radius = self.recipe, self.heads, self.radius
        z = self.embed(x if unknown is None else torch.cat([x, unknown], dim=1))
        known, other = z[:, : label.shape[1]], z[:, label.shape[1] :]
        if recipe.objective == "v1":
            return losses.rpl_v1(known, label, points, anchors, radius, recipe.public_signs)
        if recipe.objective != "v2":
            return losses.cross_entropy(self._anchor_logits(known), label)
        norm = recipe.logit_norm, recipe.temperature
        loss = losses.rpl_v2(known, label, points, anchors, radius, *norm)
        if unknown is not None:
            loss = loss + losses.strangers(other, points, anchors, self.targets, *norm)
        return loss

    def _anchor_logits(self, z: Tensor) -> Tensor:
        recipe = self.recipe
        kind = recipe.logit_norm if recipe.objective in ("logitnorm", "v2") else "none"
        return losses.normalised(losses.similarity(z, self.anchors), kind, recipe.temperature)

    @torch.inference_mode()
    def scores(self, rows: NDArray[Any]) -> NDArray[np.float32]:
        """Probability of each target, shape (R, N, K), of embeddings (N, d).

        The mean over the heads that the objective trains: similarities to anchors and, of v1 and
        v2, distances to reciprocal points. What further classes take is missing from the sum.
        """
        z = self.embed(standardised(rows).to(self.radius.device))
        probability = self._anchor_logits(z).softmax(-1)
        if self.recipe.objective in ("v1", "v2"):
            away = -losses.similarity(z, self.points)
            probability = (away.softmax(-1) + probability) / 2
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
    """One adapter for each seed, tuned on embeddings (N, d) of enrolled speakers 0 … K-1, (N,).

    A seed gives the same run, up to the order of additions, whichever others are tuned beside it.

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
    adapters = Adapters(recipe, rows.shape[1], len(present), seeds).to(where)
    x, label = standardised(rows).to(where), torch.from_numpy(labels).to(where)
    drawn = [t.to(where) for t in _batches(recipe, labels, seeds)]
    optimizer = torch.optim.SGD(
        adapters.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
    )
    falls = torch.optim.lr_scheduler.StepLR(optimizer, math.ceil(recipe.steps * 2 / 3))
    mixed = recipe.objective == "v2" and recipe.unknowns

    def loss(own: Tensor, partner: Tensor, share: Tensor) -> Tensor:
        unknown = interpolated(x[own], x[partner], share) if mixed else None
        of_runs = adapters.loss(x[own], label[own], unknown)
        if not all(finite := of_runs.isfinite().tolist()):
            raise RunError(f"open set: the loss of run {finite.index(False)} is not finite.")
        return of_runs

    def batches(step: int) -> list[tuple[Tensor, ...]]:
        return [tuple(t[:, step - 1] for t in drawn)]

    fit("tune", optimizer, batches, loss, recipe.steps, schedule=falls, progress=progress)
    return adapters.requires_grad_(False)


def _batches(
    recipe: Recipe, labels: NDArray[np.int64], seeds: Sequence[int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Clips and partners of another speaker, (R, S, B); the clip's share in mixtures, (R, S, B, 1).

    What each run sees in each step S is drawn by its seed alone.
    """
    wanted = recipe.steps * recipe.batch
    drawn: list[tuple[NDArray[Any], ...]] = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        epochs = math.ceil(wanted / len(labels))
        clips = np.concatenate([rng.permutation(len(labels)) for _ in range(epochs)])[:wanted]
        others = of_others(labels[clips], labels, rng)
        drawn.append((clips, others, rng.uniform(0.3, 0.7, size=wanted).astype(np.float32)))
    shape = (len(seeds), recipe.steps, recipe.batch)
    order, partner, share = (
        torch.from_numpy(np.stack(parts).reshape(shape)) for parts in zip(*drawn, strict=True)
    )
    return order, partner, share[..., None]


def eigenvalue_variance(points: NDArray[Any]) -> NDArray[np.float64]:
    """Variance of the eigenvalues of the similarity matrix of points (…, N, d), shape (…).

    Of points at unit length it is the mean over points of the summed squared cosines to the others:
    zero where all stand at right angles, and large where some speakers crowd.
    """
    length = np.linalg.norm(points, axis=-1, keepdims=True)
    rows = points.astype(np.float64) / np.where(length > 0, length, 1)
    variance: NDArray[np.float64] = np.linalg.eigvalsh(rows @ rows.swapaxes(-1, -2)).var(axis=-1)
    return variance


def selected(adapters: Adapters, share: float = 2 / 3) -> NDArray[np.int64]:
    """The share of the runs, at least one, whose points have the least eigenvalue variance.

    Variances of CCᵀ and of PPᵀ (targets only) are on different scales, so their ranks are added.

    Raises:
        RunError: a share outside (0, 1].
    """
    if not 0 < share <= 1:
        raise RunError(f"share={share}: must lie in (0, 1].")
    variances = [
        eigenvalue_variance(head[:, : adapters.targets].cpu().numpy()) for head in adapters.heads
    ]
    ranks = np.sum([rankdata(variance, method="ordinal") for variance in variances], axis=0)
    keep = max(1, round(share * len(ranks)))
    return np.sort(np.argsort(ranks, kind="stable")[:keep])
