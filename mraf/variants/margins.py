"""Heads that keep a margin, in place of the paper's linear one.

A head turns embeddings (B, d) into logits (B, C). In training, the cross-entropy sees
``with_margin(logits, speaker)``, in which the own speaker's logit is made harder to win with; the
prediction and the distillation see the logits as they are.

am: Wang et al., Additive Margin Softmax, 2018. aam: Deng et al., ArcFace, 2019. h, ham: hyperbolic
softmax, arXiv 2601.19709, as its public code computes it; h_exp: what its name promises.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mraf.errors import RunError
from mraf.model import Head
from mraf.variants.config import ModelConfig

PUBLISHED_START = 1e-3  # standard deviation of the numbers of H's and HAM's centres
EPSILON = 1e-5  # how near points come to the edge of the ball, and the argument of arcosh to 1


class MarginHead(nn.Module):
    """Scaled similarities to one centre a speaker; a margin is taken off the own one."""

    has_margin = True

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.scale = config.scale
        self.margin = config.margin if self.has_margin else 0.0
        self.weight = nn.Parameter(torch.empty(config.speakers, config.width))
        nn.init.normal_(self.weight, std=config.width**-0.5)  # rows of length about 1

    def similarity(self, embedding: Tensor) -> Tensor:
        """Likeness of embeddings (B, d) to the centres (C, d), shape (B, C); float32."""
        raise NotImplementedError

    def own_with_margin(self, own: Tensor) -> Tensor:
        """The similarity of the own speaker, less a margin: σ - m."""
        return own - self.margin

    def forward(self, embedding: Tensor) -> Tensor:
        with torch.autocast(embedding.device.type, enabled=False):  # angles need all the digits
            return self.scale * self.similarity(embedding.to(self.weight.dtype))

    def with_margin(self, logits: Tensor, speaker: Tensor) -> Tensor:
        """The logits (B, C) that the cross-entropy sees in training, for speakers (B,)."""
        column = speaker[:, None]
        own = self.own_with_margin(logits.gather(1, column) / self.scale)
        return logits.scatter(1, column, self.scale * own)


class AMHead(MarginHead):
    """AM-softmax: s cos θ, and s (cos θ_y - m) for the own speaker in training."""

    def similarity(self, embedding: Tensor) -> Tensor:
        return F.linear(F.normalize(embedding, dim=-1), F.normalize(self.weight, dim=-1))


class AAMHead(AMHead):
    """AAM-softmax (ArcFace): s cos(θ_y + m) for the own speaker in training.

    Beyond θ_y = π - m, where the cosine would rise again, it goes on as cos θ_y - m sin m.
    """

    def own_with_margin(self, own: Tensor) -> Tensor:
        own = own.clamp(-1, 1)
        sine = (1 - own.square()).clamp(min=EPSILON**2).sqrt()  # its slope is infinite at 0
        rotated = own * math.cos(self.margin) - sine * math.sin(self.margin)
        beyond = own - self.margin * math.sin(self.margin)
        return torch.where(own > -math.cos(self.margin), rotated, beyond)


def clip_to_ball(x: Tensor, curvature: float) -> Tensor:
    """Π_c(x) = x min(1, (1 - ε) / (√c ‖x‖)): points (…, d) brought within a radius."""
    radius = clipping_radius(curvature)
    return x * (radius / x.norm(dim=-1, keepdim=True).clamp(min=radius))


def clipping_radius(curvature: float) -> float:
    """(1 - ε) / √c, the length of all that Π_c clips."""
    return (1 - EPSILON) / math.sqrt(curvature)


def exponential_map(v: Tensor) -> Tensor:
    """exp_0(v) = tanh(‖v‖) v / ‖v‖: tangent vectors (…, d) at the origin onto the unit ball."""
    length = v.norm(dim=-1, keepdim=True).clamp(min=EPSILON)
    return clip_to_ball(v * (length.tanh() / length), curvature=1.0)


def poincare_distance(x: Tensor, w: Tensor) -> Tensor:
    """d(x, w) = arcosh(1 + 2 ‖x - w‖² / ((1 - ‖x‖²)(1 - ‖w‖²))), the argument at least 1 + ε.

    Distances (B, C) of points of the open unit ball, (B, d) and (C, d).
    """
    apart = torch.cdist(x, w, compute_mode="donot_use_mm_for_euclid_dist")  # exact for near points
    edge = (1 - x.square().sum(-1))[:, None] * (1 - w.square().sum(-1))
    argument = 1 + 2 * apart.square() / edge
    return argument.clamp(min=1 + EPSILON).acosh()


class HAMHead(MarginHead):
    """HAM-softmax: -s d(Π_c(e), Π_c(w)), and -s (d + m) for the own speaker in training.

    As in the public code the curvature c sets nothing but the radius to which Π_c clips: the
    distance is that of c = 1, and there is no exponential map. c < 1 would leave the ball. The
    centres start as published, well inside the ball, or longer than its radius ("rim").
    """

    published_curvature = 3.0

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        if config.start == "inside":
            nn.init.normal_(self.weight, std=PUBLISHED_START)
        self.curvature = config.curvature or self.published_curvature
        if self.curvature < 1:
            raise RunError(
                f"curvature={config.curvature}: must be at least 1, or 0 for the published one."
            )

    def similarity(self, embedding: Tensor) -> Tensor:
        x, w = (clip_to_ball(points, self.curvature) for points in (embedding, self.weight))
        return -poincare_distance(x, w)


class HHead(HAMHead):
    """H-softmax: HAM-softmax without a margin."""

    has_margin = False
    published_curvature = 5.0


class ExponentialHead(MarginHead):
    """H-softmax with an exponential map at the origin and a learned curvature; no margin.

    e and the centres are tangent vectors, multiplied by one learned gain g. In the ball of
    curvature c, of radius 1/√c, d_c(x, w) = d(√c x, √c w) / √c with √c x = exp_0(√c g e).
    """

    has_margin = False

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.log_curvature = nn.Parameter(torch.tensor(math.log(config.curvature or 1.0)))
        self.log_gain = nn.Parameter(torch.tensor(-math.log(config.width) / 2))

    def similarity(self, embedding: Tensor) -> Tensor:
        root = (self.log_curvature / 2).exp()
        factor = root * self.log_gain.exp()
        x, w = (exponential_map(factor * points) for points in (embedding, self.weight))
        return -poincare_distance(x, w) / root


HEADS: dict[str, Any] = {
    "linear": Head,
    "am": AMHead,
    "aam": AAMHead,
    "ham": HAMHead,
    "h": HHead,
    "h_exp": ExponentialHead,
}
