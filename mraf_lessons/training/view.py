"""What the loss explorer shows, as pure functions: each term of the objective by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from mraf.errors import RunError
from mraf.losses import Batch
from mraf.training.loop import Learner
from mraf.variants.config import TrainingConfig

Array = NDArray[Any]

# --- distillation (Eq. 16) ---------------------------------------------------------------------

TEMPERATURES = np.geomspace(1, 16, 33)


@dataclass(frozen=True, eq=False)
class Softened:
    """A teacher and its student at one temperature; C speakers."""

    temperature: float  # T
    factor: bool  # whether the loss carries the factor T²
    teacher: Array  # softmax(z / T), (C,)
    student: Array  # (C,)
    hard: Array  # the teacher at T = 1, (C,)
    loss: float  # Eq. 16 for this clip, without the factor if so chosen
    gradient: Array  # of the loss on the student's logits, (C,)
    length: Array  # of the gradient at each of `TEMPERATURES`, with T²
    without_factor: Array  # and without


def soften(
    teacher: Array, student: Array, temperature: float = 2.0, learned: float = 0.0,
    factor: bool = True,
) -> Softened:  # fmt: skip
    """The distillation of one clip (Eq. 16) and its gradient, T (p_student - p_teacher).

    Args:
        teacher, student: logits z_c^AV and z_c^A, shape (C,).
        temperature: T > 0.
        learned: how far the student has come towards the teacher's logits, in [0, 1].
        factor: False leaves out T².
    """
    student = (1 - learned) * student + learned * teacher

    def gap(t: float) -> Array:
        found: Array = softmax(student / t) - softmax(teacher / t)
        return found

    p, q = softmax(teacher / temperature), softmax(student / temperature)
    weight = temperature**2 if factor else 1.0
    length = np.array([t * np.linalg.norm(gap(t)) for t in TEMPERATURES])
    return Softened(
        temperature, factor, p, q, softmax(teacher),
        loss=float(weight * np.sum(p * (np.log(p) - np.log(q)))),
        gradient=weight / temperature * gap(temperature),
        length=length, without_factor=length / TEMPERATURES**2,
    )  # fmt: skip


# --- centre loss (Eq. 17) ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Pulled:
    """Points and centres on their way; S steps, N points, C classes, in the plane."""

    group: Array  # class of each point, (N,)
    path: Array  # of the points, (S + 1, N, 2)
    centers: Array  # on their way, (S + 1, C, 2)
    step: int  # the one that is shown
    center_weight: float  # zero leaves the centres out of the picture
    within: Array  # root mean square distance of the points to their class means, (S + 1,)
    between: Array  # and of those to their own mean


def pull(
    points: Array, group: Array, ce_weight: float = 0.3, center_weight: float = 0.3,
    trained: bool = True, step: int = 150, steps: int = 150,
) -> Pulled:  # fmt: skip
    """Move points freely down the gradient of a cross-entropy and of the centre loss as a sum.

    Plain gradient steps of rate 0.05 on the points, a linear classifier that starts at the class
    means, and the centres, which start at zero.

    Args:
        points: shape (N, 2).
        group: their classes 0 … C - 1, each with a point, shape (N,).
        trained: False leaves the centres out of the optimiser.
    """
    truth = np.eye(group.max() + 1)[group]
    members = truth.sum(axis=0)[:, None]
    classifier = truth.T @ points / members
    centers = np.zeros_like(classifier)
    path, on_the_way = [points], [centers]
    for _ in range(steps):
        error = softmax(points @ classifier.T, axis=1) - truth
        apart = points - centers[group]
        points, classifier, centers = (
            points - 0.05 * (ce_weight * error @ classifier + center_weight * apart),
            classifier - 0.05 * ce_weight * error.T @ points,
            centers + (0.05 * center_weight * truth.T @ apart if trained else 0),
        )
        path.append(points)
        on_the_way.append(centers)
    whole = np.stack(path)
    within, between = np.transpose([spread(there, group) for there in whole])
    return Pulled(group, whole, np.stack(on_the_way), step, center_weight, within, between)


def spread(points: Array, group: Array) -> tuple[float, float]:
    """Root mean square distance of points to their class mean, and of class means to theirs."""
    means = np.stack([points[group == c].mean(axis=0) for c in np.unique(group)])
    own = means[np.searchsorted(np.unique(group), group)]
    within = np.sqrt(np.square(points - own).sum(axis=1).mean())
    between = np.sqrt(np.square(means - means.mean(axis=0)).sum(axis=1).mean())
    return float(within), float(between)


# --- the weights of the terms (Eq. 15, 17) -----------------------------------------------------

TERMS = ("ce_face", "ce_voice", "ce_fused", "kd", "center")  # fields of StepLosses
PARTS = {
    "face encoder": "model.face_encoder",
    "voice encoder": "model.voice_encoder",
    "missing token": "model.missing_face",
    "face scorer": "model.reliability.face",
    "voice scorer": "model.reliability.voice",
    "fusion": "model.fusion",
    "face head": "model.face_head",
    "voice head": "model.voice_head",
    "fused head": "model.fused_head",
    "class centres": "objective.center",
}


@dataclass(frozen=True, eq=False)
class Reach:
    """How far each term of the objective reaches into the network, for one batch.

    With the products, any weighting of the terms is a small matrix product.
    """

    losses: Array  # the unweighted terms, in the order of `TERMS`, (5,)
    products: Array  # scalar products of the terms' gradients on each of `PARTS`, (10, 5, 5)
    weights: Array  # of the terms in training, (5,)

    @classmethod
    def of(cls, learner: Learner, batch: Batch, training: TrainingConfig) -> Reach:
        """One pass forward and five back; the learner's own gradients are left alone."""
        found = learner(batch)
        losses = [getattr(found, term) for term in TERMS]
        owned = [list(learner.get_submodule(name).parameters()) for name in PARTS.values()]
        if not all(owned):
            raise RunError('this network lacks a part; it needs missing_face="token".')
        flat = [parameter for part in owned for parameter in part]
        rows = [
            torch.autograd.grad(
                loss, flat, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            for loss in losses
        ]
        products, start = [], 0
        for part in owned:
            own = slice(start, start := start + len(part))
            stacked = torch.stack([torch.cat([g.flatten() for g in row[own]]) for row in rows])
            products.append((stacked.double() @ stacked.double().T).cpu().numpy())
        weights = (
            training.face_weight, training.voice_weight, training.fused_weight,
            training.kd_weight, training.center_weight,
        )  # fmt: skip
        values = np.array([loss.item() for loss in losses])
        return cls(values, np.stack(products), np.array(weights, float))

    def lengths(self, weights: Array) -> Array:
        """Length of the gradient of the weighted sum on each of `PARTS`, shape (10,)."""
        squares = np.einsum("i,pij,j->p", weights, self.products, weights)
        found: Array = np.sqrt(np.maximum(squares, 0))
        return found


@dataclass(frozen=True, eq=False)
class Weighted:
    """The objective under chosen weights, and under those of the training."""

    shares: Array  # weighted terms λ · loss, in the order of `TERMS`, (5,)
    lengths: Array  # of the gradient on each of `PARTS`, (10,)
    before: Array  # and in the training


def weigh(
    reach: Reach, face: float, voice: float, fused: float, kd: float, center: float
) -> Weighted:
    """The objective of Eq. 15 and 17 with the weights λ_f, λ_a, λ_c, λ_kd and λ_center."""
    weights = np.array([face, voice, fused, kd, center])
    return Weighted(weights * reach.losses, reach.lengths(weights), reach.lengths(reach.weights))
