"""Open-set speaker identification by few-shot tuning (SpeakerRPL v2, arXiv 2604.13605).

A small adapter on frozen embeddings is tuned on a few clips of every enrolled speaker. All runs of
a fusion are trained at once: every weight has a leading dimension of runs.
"""

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
from mraf.training.device import resolve_device
from mraf.training.fit import fit
from mraf.variants.config import settings
from mraf_related.open_set import losses

Objective = Literal["softmax", "logitnorm", "v1", "v2"]
HIDDEN = (512, 256, 256)


@settings
class Recipe:
    """How adapters are tuned, with SGD whose learning rate falls tenfold after two thirds."""

    objective: Objective = "v2"  # "softmax" over anchors, "logitnorm": the same under LogitNorm
    logit_norm: losses.LogitNorm = "true"  # of "logitnorm" and "v2"; see `losses.normalised`
    anchors: Annotated[int, Field(ge=0)] = 10  # adaptive ones, of "v2" besides the targets
    temperature: Annotated[float, Field(gt=0)] = 0.1  # τ of LogitNorm
    steps: Annotated[int, Field(gt=0)] = 100  # for any number of shots
    batch: Annotated[int, Field(gt=0)] = 16  # clips a step
    learning_rate: Annotated[float, Field(gt=0)] = 0.01
    momentum: float = 0.9
    weight_decay: float = 1e-4

    @property
    def extra(self) -> int:
        """Classes to which no clip belongs: the adaptive anchors."""
        return self.anchors if self.objective == "v2" else 0


def standardised(rows: NDArray[Any]) -> Tensor:
    """Embeddings brought to length √d, as the networks of this package read them."""
    return torch.from_numpy(unit(rows) * np.float32(math.sqrt(rows.shape[1])))


class Adapters(nn.Module):
    """R adapters with their points, as drawn from one seed each.

    Attributes:
        classes, targets: speakers with clips, and those of them who are enrolled.
        layers: weights (R, in, out) and biases (R, 1, out) of each layer in turn.
        points, anchors: reciprocal points P and anchors C, shape (R, N, d); targets first, then
            unknown speakers, then adaptive anchors.
        radius: R of the bounded open space, shape (R,).
    """

    def __init__(
        self, recipe: Recipe, dim: int, classes: int, targets: int, seeds: Sequence[int]
    ) -> None:
        super().__init__()
        self.recipe, self.classes, self.targets = recipe, classes, targets
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
            count = classes + recipe.extra
            run += [0.1 * torch.randn(count, dim, generator=rng) for _ in range(2)]
            drawn.append(run)
        *layers, self.points, self.anchors = (
            nn.Parameter(torch.stack(parts)) for parts in zip(*drawn, strict=True)
        )
        self.layers = nn.ParameterList(layers)
        self.radius = nn.Parameter(torch.zeros(len(seeds)))

    def embed(self, x: Tensor) -> Tensor:
        """Adapted embeddings (R, B, d) of standardised ones, (R, B, d) or (B, d) for all runs."""
        hidden = x.expand(len(self.radius), *x.shape[-2:])
        for number in range(len(HIDDEN) + 1):
            weight, bias = self.layers[2 * number : 2 * number + 2]
            hidden = torch.baddbmm(bias, hidden, weight)
            if number < len(HIDDEN):
                hidden = F.relu(F.layer_norm(hidden, hidden.shape[-1:]))
        return hidden

    def loss(self, x: Tensor, label: Tensor) -> Tensor:
        """The objective of each run, shape (R,), on standardised clips (R, B, d), labels (R, B)."""
        recipe, z = self.recipe, self.embed(x)
        parts = z, label, self.points, self.anchors, self.radius
        if recipe.objective == "v1":
            return losses.rpl_v1(*parts)
        if recipe.objective == "v2":
            return losses.rpl_v2(*parts, recipe.logit_norm, recipe.temperature)
        return losses.cross_entropy(self._anchor_logits(z), label)

    def _anchor_logits(self, z: Tensor) -> Tensor:
        recipe = self.recipe
        kind = recipe.logit_norm if recipe.objective in ("logitnorm", "v2") else "none"
        return losses.normalised(losses.similarity(z, self.anchors), kind, recipe.temperature)

    @torch.inference_mode()
    def scores(self, rows: NDArray[Any], raw: bool = False) -> NDArray[np.float32]:
        """Probability of each target, shape (R, N, K), of embeddings (N, d).

        The mean over the heads that the objective trains; what further classes take is missing
        from the sum. Where `raw`, it is −x·p instead, which the public code averages over runs.
        """
        z = self.embed(standardised(rows).to(self.radius.device))
        away = -losses.similarity(z, self.points)
        scores = away if raw else self._anchor_logits(z).softmax(-1)
        if not raw and self.recipe.objective in ("v1", "v2"):
            scores = (away.softmax(-1) + scores) / 2
        found: NDArray[np.float32] = scores[..., : self.targets].cpu().numpy()
        return found


def tune(
    recipe: Recipe,
    rows: NDArray[Any],
    labels: NDArray[np.int64],
    seeds: Sequence[int] = (0,),
    device: str = "auto",
    progress: bool = True,
    targets: int | None = None,
) -> Adapters:
    """One adapter for each seed, tuned on embeddings (N, d) of speakers 0 … K-1, (N,).

    A seed gives the same run, up to the order of additions, whichever others are tuned beside it.

    Args:
        targets: how many of the speakers are enrolled, the first ones; the others are unknown
            speakers, classes of their own that nobody is named by. All by default.
    Raises:
        DataError: rows that are not finite or do not fit the labels, or a label without a clip.
        RunError: no seed, or a loss that is not finite.
    """
    if rows.ndim != 2 or labels.shape != (len(rows),) or not np.isfinite(rows).all():
        raise DataError(f"embeddings {rows.shape} and labels {labels.shape} of finite numbers.")
    present = np.unique(labels)
    if not np.array_equal(present, np.arange(len(present))) or len(present) < 2:
        raise DataError("the speakers must be 0 … K-1, at least two, each with a clip.")
    if not seeds:
        raise RunError("no seed, no run; give at least one.")
    where = resolve_device(device)
    named = len(present) if targets is None else targets
    adapters = Adapters(recipe, rows.shape[1], len(present), named, seeds).to(where)
    x, label = standardised(rows).to(where), torch.from_numpy(labels).to(where)
    order = _order(recipe, len(labels), seeds).to(where)
    optimizer = torch.optim.SGD(
        adapters.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        fused=True,
    )
    falls = torch.optim.lr_scheduler.StepLR(optimizer, math.ceil(recipe.steps * 2 / 3))

    def loss(own: Tensor) -> Tensor:
        of_runs = adapters.loss(x[own], label[own])
        if not all(finite := of_runs.isfinite().tolist()):
            raise RunError(f"open set: the loss of run {finite.index(False)} is not finite.")
        return of_runs

    def batches(step: int) -> list[tuple[Tensor]]:
        return [(order[:, step - 1],)]

    fit("tune", optimizer, batches, loss, recipe.steps, schedule=falls, progress=progress)
    return adapters.requires_grad_(False)


def _order(recipe: Recipe, clips: int, seeds: Sequence[int]) -> Tensor:
    """Clips that each run sees in each step, (R, S, B), drawn by its seed alone."""
    wanted = recipe.steps * recipe.batch
    drawn = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        epochs = [rng.permutation(clips) for _ in range(math.ceil(wanted / clips))]
        drawn.append(np.concatenate(epochs)[:wanted])
    return torch.from_numpy(np.stack(drawn).reshape(len(seeds), recipe.steps, recipe.batch))


def eigenvalue_variance(points: NDArray[Any], unit_length: bool = True) -> NDArray[np.float64]:
    """Variance of the eigenvalues of the Gram matrix of points (…, N, d), shape (…).

    At unit length it is the mean over points of the summed squared cosines to the others.
    """
    rows = points.astype(np.float64)
    if unit_length:
        length = np.linalg.norm(rows, axis=-1, keepdims=True)
        rows = rows / np.where(length > 0, length, 1)
    variance: NDArray[np.float64] = np.linalg.eigvalsh(rows @ rows.swapaxes(-1, -2)).var(axis=-1)
    return variance


def selected(adapters: Adapters, public: bool = False) -> NDArray[np.int64]:
    """Two thirds of the runs, at least one, whose points have the least eigenvalue variance.

    Ours looks at targets alone, at unit length, and adds the ranks by CCᵀ and by PPᵀ. The public
    code looks at points as they are, of unknown speakers too, and drops the worst third by either.
    """
    count = adapters.classes if public else adapters.targets
    variances = [
        eigenvalue_variance(head[:, :count].cpu().numpy(), not public)
        for head in (adapters.points, adapters.anchors)
    ]
    ranks = np.array([rankdata(variance, method="ordinal") for variance in variances])
    runs = ranks.shape[1]
    keep = max(1, round(2 / 3 * runs))
    if public and (kept := np.flatnonzero((ranks <= keep).all(axis=0))).size:
        return kept
    return np.sort(np.argsort(ranks.sum(axis=0), kind="stable")[:keep])
