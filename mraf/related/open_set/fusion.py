"""Which runs of a fusion to keep: selection by eigenvalue variance (SpeakerRPL v2)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mraf.errors import RunError
from mraf.related.open_set.adapters import Adapters


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
    """The runs that a fusion keeps: those whose points have the least eigenvalue variance.

    Variances of CCᵀ and of PPᵀ (targets only) are on different scales, so their ranks are added.

    Args:
        share: of the runs to keep, at least one.
    Raises:
        RunError: a share outside (0, 1].
    """
    if not 0 < share <= 1:
        raise RunError(f"share={share}: must lie in (0, 1].")
    ranks = np.zeros(len(adapters.radius))
    for head in adapters.heads:
        variance = eigenvalue_variance(head[:, : adapters.targets].detach().cpu().numpy())
        ranks += np.argsort(np.argsort(variance, kind="stable"), kind="stable")
    keep = max(1, round(share * len(ranks)))
    return np.sort(np.argsort(ranks, kind="stable")[:keep])
