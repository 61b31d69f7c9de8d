"""What hyperbolic softmax computes once its inputs are clipped: a function of the angle.

H- and HAM-Softmax (arXiv 2601.19709, `mraf.variants.margins`) clip embeddings and class centres to
a radius r. Where both are longer ("on the rim"), ‖x - w‖ = 2 r sin(θ/2), and the distance is

    d(x, w) = 2 arsinh(a sin(θ/2))  with  a = 2 r / (1 - r²).

Published centres start inside; a small learning rate leaves them there, and this does not hold.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from mraf.errors import RunError
from mraf.variants.margins import clip_to_ball, clipping_radius, poincare_distance

Array = NDArray[np.float64]


def steepness(curvature: float) -> float:
    """a = 2 r / (1 - r²) of the radius r to which a curvature clips; 1.1 for c = 5, 1.7 for 3."""
    radius = clipping_radius(curvature)
    return 2 * radius / (1 - radius**2)


def distance_of_angle(angle: ArrayLike, curvature: float) -> Array:
    """d = 2 arsinh(a sin(θ/2)): the distance of two clipped points, θ in [0, π], in closed form."""
    half = np.sin(np.asarray(angle, dtype=float) / 2)
    return np.asarray(2 * np.arcsinh(steepness(curvature) * half))


def angle_of_distance(distance: ArrayLike, curvature: float) -> Array:
    """θ at which two clipped points are that far apart; NaN beyond the antipode."""
    half = np.sinh(np.asarray(distance, dtype=float) / 2) / steepness(curvature)
    half = np.where(half < 1 + 1e-12, np.minimum(half, 1), np.nan)  # the antipode, as rounded
    return np.asarray(2 * np.arcsin(half))


def hardened_angle(kind: str, angle: ArrayLike, margin: float, curvature: float = 3.0) -> Array:
    """The angle at which a head without margin would be as strict as one with it is at θ.

    θ' of θ in [0, π], NaN where it would lie beyond π: cos θ' = cos θ - m for "am", θ' = θ + m for
    "aam", d(θ') = d(θ) + m for "ham". Raises RunError for another kind.
    """
    angle = np.asarray(angle, dtype=float)
    if kind == "am":
        with np.errstate(invalid="ignore"):
            return np.asarray(np.arccos(np.cos(angle) - margin))
    if kind == "aam":
        return np.where(angle + margin <= np.pi, angle + margin, np.nan)
    if kind == "ham":
        return angle_of_distance(distance_of_angle(angle, curvature) + margin, curvature)
    raise RunError(f"'{kind}' is none of am, aam, ham.")


def agreement(embedding: ArrayLike, centre: ArrayLike, curvature: float) -> float:
    """How often the nearest centre (C, d) by clipped distance is the nearest by cosine, of (B, d).

    Always, where the clipped centres are of one length, however long the embeddings are.
    """
    x, w = (torch.from_numpy(np.array(rows, dtype=np.float64)) for rows in (embedding, centre))
    clipped: list[Any] = [clip_to_ball(rows, curvature) for rows in (x, w)]
    by_distance = poincare_distance(*clipped).argmin(dim=1)
    by_cosine = torch.nn.functional.cosine_similarity(x[:, None], w[None], dim=-1).argmax(dim=1)
    return float((by_distance == by_cosine).double().mean())
