"""How well enrolled speakers are named and others rejected."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mraf.errors import DataError
from mraf.related.metrics import Curve, Floats, Trials, eer, min_dcf, oscr

UNKNOWN = -1  # the target of a clip whose speaker is not enrolled
LESS_IS_BETTER = ("EER", "minDCF 0.1", "minDCF 0.01")


def open_set_trials(
    scores: NDArray[Any], target: NDArray[np.int64], identity: NDArray[np.int64]
) -> Trials:
    """Each clip claims to be its best-scoring enrolled speaker; that score is its confidence.

    A clip is named rightly where its speaker's score is above every other, as in P3 to P6: a tie
    for the top is an error.

    Args:
        scores: of each clip for each enrolled speaker, shape (N, K).
        target: number of the enrolled speaker, or UNKNOWN, shape (N,).
        identity: number of the speaker, enrolled or not, who is drawn for intervals, shape (N,).
    Raises:
        DataError: shapes that do not fit, or a target that is no enrolled speaker.
    """
    scores = np.asarray(scores, dtype=float)
    if scores.ndim != 2 or not len(scores) == len(target) == len(identity):
        raise DataError(
            f"scores {scores.shape}, targets {target.shape}, identities {identity.shape}: "
            "expected (N, K), (N,), (N,)."
        )
    if target.min(initial=0) < UNKNOWN or target.max(initial=0) >= scores.shape[1]:
        raise DataError(f"a target is neither {UNKNOWN} nor one of {scores.shape[1]} speakers.")
    known = target != UNKNOWN
    confidence = scores.max(axis=1)
    own = scores[np.arange(len(scores)), np.where(known, target, 0)]
    alone = (scores == confidence[:, None]).sum(axis=1) == 1
    return Trials(confidence, known, known & (own == confidence) & alone, identity)


def measures(found: Curve) -> dict[str, Floats]:
    """All metrics of a curve: EER, minDCF at two priors, OSCR, and ACC without any rejection."""
    return {
        "EER": eer(found),
        "minDCF 0.1": min_dcf(found, 0.1),
        "minDCF 0.01": min_dcf(found, 0.01),
        "OSCR": oscr(found),
        "ACC": found.named[..., -1],
    }
