"""Losses of open-set recognition with reciprocal points: SpeakerRPL v1 and v2, LogitNorm.

A *reciprocal point* p_k stands for "not speaker k", so the logit of k is a distance to it. An
*anchor* c_k stands for speaker k, and the logit is a similarity. The distance to the own reciprocal
point is bounded by a learned radius R, the bounded open space of ARPL (Chen et al., 2021).

The formulas follow the public code, except where its sign or scale goes against that idea. Shapes:
R runs, B clips, d dimensions, N points. x (R, B, d), label (R, B), points and anchors (R, N, d),
the learned radius (R,). Losses are means over the clips of each run, shape (R,).
"""

from typing import Literal

import torch.nn.functional as F
from torch import Tensor

LogitNorm = Literal["true", "public", "none"]

MARGIN_WEIGHT = 5.0  # of the bound in SpeakerRPL's public code
ANCHOR_WEIGHT = 2.5  # 5 · ½, of the pull to the own anchor in SpeakerRPL v1's


def similarity(x: Tensor, points: Tensor) -> Tensor:
    """x · p for every clip and point, shape (R, B, N)."""
    return x @ points.transpose(-1, -2)


def squared_distance(x: Tensor, points: Tensor) -> Tensor:
    """‖x − p‖² / d for every clip and point, shape (R, B, N)."""
    norms = x.square().sum(-1, keepdim=True) + points.square().sum(-1)[..., None, :]
    return (norms - 2 * similarity(x, points)) / x.shape[-1]


def own(values: Tensor, label: Tensor) -> Tensor:
    """The value of each clip's label, shape (R, B), of values (R, B, N)."""
    return values.gather(-1, label[..., None])[..., 0]


def cross_entropy(logits: Tensor, label: Tensor) -> Tensor:
    """−log of the label's probability."""
    return -own(logits.log_softmax(-1), label).mean(-1)


def normalised(logits: Tensor, kind: LogitNorm, temperature: float) -> Tensor:
    """Logits as LogitNorm sees them (Wei et al., ICML 2022): "true" is f / (τ‖f‖).

    SpeakerRPL v2's "public" code divides by T before it normalises: T cancels, and τ is 1.
    """
    if kind == "none":
        return logits
    length = logits.norm(dim=-1, keepdim=True).clamp(min=1e-7)
    return logits / (length * (temperature if kind == "true" else 1.0))


def open_space(distance: Tensor, radius: Tensor) -> Tensor:
    """max(0, distance − R + 1) of distances (R, B) to the own points: no farther than R − 1."""
    return F.relu(distance - radius[:, None] + 1).mean(-1)


def rpl_v1(x: Tensor, label: Tensor, points: Tensor, anchors: Tensor, radius: Tensor) -> Tensor:
    """SpeakerRPL v1: far from the own reciprocal point but bounded, near the own anchor.

    CE(−xPᵀ) + 5 max(0, ‖x − p_y‖²/d − R + 1) + CE(xCᵀ) + 2.5 ‖x − c_y‖²/d. The older public file
    bounds x·p_y, which holds nothing; the newer one bounds the distance.
    """
    bound = open_space(own(squared_distance(x, points), label), radius)
    loss = cross_entropy(-similarity(x, points), label) + MARGIN_WEIGHT * bound
    pull = own(squared_distance(x, anchors), label).mean(-1)
    return loss + cross_entropy(similarity(x, anchors), label) + ANCHOR_WEIGHT * pull


def rpl_v2(
    x: Tensor,
    label: Tensor,
    points: Tensor,
    anchors: Tensor,
    radius: Tensor,
    logit_norm: LogitNorm = "true",
    temperature: float = 0.1,
) -> Tensor:
    """SpeakerRPL v2: CE(−xPᵀ) + 5 max(0, ‖x − p_y‖²/d − R + 1) + CE(LogitNorm(xCᵀ)).

    Unknown speakers with clips are further classes, and so are adaptive anchors without clips.
    """
    bound = open_space(own(squared_distance(x, points), label), radius)
    loss = cross_entropy(-similarity(x, points), label) + MARGIN_WEIGHT * bound
    head = normalised(similarity(x, anchors), logit_norm, temperature)
    return loss + cross_entropy(head, label)
