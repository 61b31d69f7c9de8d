"""How well enrolled speakers are named and others rejected, at every threshold at once.

A clip is accepted as its best-scoring enrolled speaker where that score, the confidence, reaches a
threshold. Clips of one confidence are accepted together, so that ties neither help nor harm.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mraf.errors import DataError, RunError
from mraf.related.shared_space.trials import Rates, eer

UNKNOWN = -1  # the target of a clip whose speaker is not enrolled
Floats = NDArray[np.float64]


class Curve(NamedTuple):
    """Shares of accepted clips, from a threshold above all scores to one below, shapes (…, T + 1).

    Args:
        threshold: the lowest accepted confidence of each point, shape (T + 1,); infinity first.
        accepted: of enrolled speakers' clips, whoever they are named; 1 - FRR.
        named: of enrolled speakers' clips, accepted under the right name; CCR.
        false: of other speakers' clips; FAR.
    """

    threshold: Floats
    accepted: Floats
    named: Floats
    false: Floats

    @property
    def rates(self) -> Rates:
        """The two errors of the question whether somebody is enrolled."""
        return Rates(self.threshold, self.false, 1 - self.accepted)


class Trials(NamedTuple):
    """What is judged.

    Args:
        scores: of each clip for each enrolled speaker, shape (N, K); more is more like.
        target: number of the enrolled speaker, or UNKNOWN, shape (N,).
        identity: what is drawn for intervals: a number for each speaker, known or not, shape (N,).
    Raises (by `curve`):
        DataError: shapes that do not fit, a score that is NaN, no clip of either kind.
    """

    scores: NDArray[Any]
    target: NDArray[np.int64]
    identity: NDArray[np.int64]


def curve(trials: Trials, weight: NDArray[Any] | None = None, points: int | None = None) -> Curve:
    """All operating points in O(N log N).

    A clip is named rightly where its speaker's score is above every other, as in P3 to P6: a tie
    for the top is an error.

    Args:
        weight: of each identity, shape (…, I): how often it was drawn. By default 1 each.
        points: at most so many, for speed: neighbouring thresholds are then tied.
    """
    scores, target = _checked(trials)
    known = target != UNKNOWN
    confidence = scores.max(axis=1)
    own = scores[np.arange(len(scores)), np.where(known, target, 0)]
    named = known & (own == confidence) & ((scores == confidence[:, None]).sum(axis=1) == 1)

    levels, level = np.unique(-confidence, return_inverse=True)  # the highest confidence is 0
    if points is not None and len(levels) > points:
        merged = np.arange(len(levels)) * points // len(levels)
        lowest = np.append(np.diff(merged) != 0, True)
        levels, level = levels[lowest], merged[level]
    people, owner = np.unique(trials.identity, return_inverse=True)
    if weight is None:
        weight = np.ones(len(people))
    elif weight.shape[-1] <= people.max():
        raise DataError(f"{weight.shape[-1]} weights for identities up to {people.max()}.")
    else:
        weight = weight[..., people]
    cell = owner * len(levels) + level

    def share(which: NDArray[np.bool_], among: NDArray[np.bool_]) -> Floats:
        counts = np.bincount(cell, weights=which, minlength=len(people) * len(levels))
        counts = np.cumsum(counts.reshape(len(people), len(levels)), axis=1)
        total = weight @ np.bincount(owner, weights=among, minlength=len(people))
        with np.errstate(invalid="ignore", divide="ignore"):  # nobody of a kind was drawn: NaN
            found = (weight @ counts) / total[..., None]
        return np.concatenate([np.zeros((*found.shape[:-1], 1)), found], axis=-1)

    threshold = np.append(np.inf, -levels)
    return Curve(threshold, share(known, known), share(named, known), share(~known, ~known))


def _checked(trials: Trials) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    scores, target = np.asarray(trials.scores, dtype=float), np.asarray(trials.target)
    if scores.ndim != 2 or not len(scores) == len(target) == len(trials.identity):
        raise DataError(
            f"scores {scores.shape}, targets {target.shape}, identities {trials.identity.shape}: "
            "expected (N, K), (N,), (N,)."
        )
    if np.isnan(scores).any():
        raise DataError(f"the scores of clip {np.isnan(scores).any(axis=1).argmax()} are NaN.")
    if target.min(initial=0) < UNKNOWN or target.max(initial=0) >= scores.shape[1]:
        raise DataError(f"a target is neither {UNKNOWN} nor one of {scores.shape[1]} speakers.")
    if not (target == UNKNOWN).any() or not (target != UNKNOWN).any():
        raise DataError("open-set metrics need clips of enrolled and of other speakers.")
    return scores, target


class Operated(NamedTuple):
    """What one threshold does: shares of the enrolled's and of the others' clips, 0 to 1."""

    false_reject: float
    false_accept: float
    named: float


def at_threshold(found: Curve, threshold: float) -> Operated:
    """Every clip with at least this confidence is accepted; for a curve without leading axes."""
    point = np.searchsorted(-found.threshold, -threshold, side="right") - 1
    return Operated(
        float(1 - found.accepted[point]), float(found.false[point]), float(found.named[point])
    )


def min_dcf(found: Curve, p_target: float) -> Floats:
    """Smallest detection cost, both errors costing 1, as a share of the best constant answer's.

    Raises:
        RunError: a prior that is not between 0 and 1.
    """
    if not 0 < p_target < 1:
        raise RunError(f"p_target={p_target}: must lie between 0 and 1.")
    cost = p_target * (1 - found.accepted) + (1 - p_target) * found.false
    smallest: Floats = cost.min(axis=-1) / min(p_target, 1 - p_target)
    return smallest


def oscr(found: Curve) -> Floats:
    """Area under CCR over FAR (Dhamija et al., 2018), shape (…).

    The probability that a clip of an enrolled speaker is named rightly and with more confidence
    than a clip of another speaker gets; as much confidence counts half.
    """
    height = (found.named[..., 1:] + found.named[..., :-1]) / 2
    return np.asarray((height * np.diff(found.false, axis=-1)).sum(axis=-1))


def measures(found: Curve) -> dict[str, Floats]:
    """All metrics of a curve: EER, minDCF at two priors, OSCR, and ACC without any rejection."""
    return {
        "EER": eer(found.rates),
        "minDCF 0.1": min_dcf(found, 0.1),
        "minDCF 0.01": min_dcf(found, 0.01),
        "OSCR": oscr(found),
        "ACC": found.named[..., -1],
    }


LESS_IS_BETTER = ("EER", "minDCF 0.1", "minDCF 0.01")
