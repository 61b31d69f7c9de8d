"""Both errors of a decision by threshold, at every threshold at once: FAR, FRR, EER, OSCR.

A trial is accepted where its score reaches a threshold. Trials of one score are accepted together.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from mraf.errors import DataError

Floats = NDArray[np.float64]


class Trials(NamedTuple):
    """Scored decisions, each of shape (N,)."""

    score: Floats  # the higher, the sooner accepted
    accept: NDArray[np.bool_]  # whether accepting is right
    named: NDArray[np.bool_]  # whether it would also be accepted under the right name
    unit: NDArray[np.int64]  # number of what is drawn for intervals; its trials have one weight


class Curve(NamedTuple):
    """Shares of trials at every threshold, from above all scores to the lowest, shapes (…, T)."""

    threshold: Floats  # the lowest accepted score of each point, shape (T,); infinity first
    false_accept: Floats  # FAR, of the trials that are to be rejected
    false_reject: Floats  # FRR, of those that are to be accepted
    named: Floats  # of those that are to be accepted, accepted under the right name (CCR)


def curve(trials: Trials, weight: NDArray[Any] | None = None, points: int | None = None) -> Curve:
    """All operating points.

    Args:
        weight: of each unit, shape (…, U); 1 each by default. Shares of trials of which none was
            drawn are NaN.
        points: at most so many thresholds, for speed: neighbouring ones are then tied.
    Raises DataError: a score that is not finite, trials of one kind only, or too few weights.
    """
    score, accept, named, unit = trials
    if not np.isfinite(score).all():
        raise DataError(f"the score of trial {np.isfinite(score).argmin()} is not finite.")
    if accept.all() or not accept.any():
        raise DataError("error rates need trials to be accepted and trials to be rejected.")
    units = int(unit.max()) + 1
    if weight is None:
        weight = np.ones(units)
    elif weight.shape[-1] < units:
        raise DataError(f"{weight.shape[-1]} weights for units up to {units - 1}.")
    levels, level = np.unique(-score, return_inverse=True)  # the highest score is level 0
    if points is not None and len(levels) > points:
        merged = np.arange(len(levels)) * points // len(levels)
        levels, level = levels[np.append(np.diff(merged) != 0, True)], merged[level]

    def share(counted: NDArray[np.bool_], among: NDArray[np.bool_]) -> Floats:
        number = csr_array((counted.astype(float), (unit, level)), (weight.shape[-1], len(levels)))
        of_unit = np.bincount(unit, weights=among, minlength=weight.shape[-1])
        with np.errstate(invalid="ignore", divide="ignore"):
            accepted = np.cumsum(np.ascontiguousarray(weight @ number), axis=-1)
            found = accepted / (weight @ of_unit)[..., None]
        return np.concatenate([np.zeros((*found.shape[:-1], 1)), found], axis=-1)

    threshold = np.append(np.inf, -levels)
    return Curve(
        threshold, share(~accept, ~accept), 1 - share(accept, accept), share(named, accept)
    )


def eer(found: Curve) -> Any:
    """Equal error rate: where FAR = FRR on the lines between thresholds, shape (…)."""
    gap = found.false_accept - found.false_reject  # rises from -1 to 1
    after = np.argmax(gap >= 0, axis=-1)[..., None]
    low, high = (np.take_along_axis(gap, at, axis=-1) for at in (after - 1, after))
    far, beyond = (np.take_along_axis(found.false_accept, at, axis=-1) for at in (after - 1, after))
    return (far + (beyond - far) * -low / (high - low))[..., 0]


def oscr(found: Curve) -> Floats:
    """Area under CCR over FAR (Dhamija et al., 2018), shape (…).

    The probability that a trial to be accepted is named rightly and scores higher than one to be
    rejected; an equal score counts half.
    """
    height = (found.named[..., 1:] + found.named[..., :-1]) / 2
    return np.asarray((height * np.diff(found.false_accept, axis=-1)).sum(axis=-1))
