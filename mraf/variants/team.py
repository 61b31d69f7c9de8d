"""What the team's public challenge code does and the paper does not say, part by part."""

import torch.nn.functional as F
from torch import Tensor, nn

from mraf.model import MRAF, Encoder, EncoderLayer, Logits, Pair, Sizes


class GELULayer(EncoderLayer):
    """GELU in the feed-forward network."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__(sizes)
        self.feed_forward[1] = nn.GELU()


class GELUEncoder(Encoder):
    layer = GELULayer


class NormalisedProjection(Encoder):
    """LayerNorm, GELU and dropout after the projection of Eq. 2."""

    def __init__(self, input_dim: int, sizes: Sizes) -> None:
        super().__init__(input_dim, sizes)
        norm = nn.LayerNorm(sizes.tokens * sizes.width)
        self.after_projection = nn.Sequential(norm, nn.GELU(), nn.Dropout(sizes.dropout))

    def project(self, x: Tensor) -> Tensor:
        return self.after_projection(self.projection(x)).unflatten(-1, self.position.shape)


class UnitTokens(Encoder):
    """Tokens of length 1."""

    def project(self, x: Tensor) -> Tensor:
        return F.normalize(super().project(x), dim=-1)


class WeightedHeads(MRAF):
    """Branch heads that read w_f e_f and w_a e_a."""

    def classify(self, e_f: Tensor, e_a: Tensor, e_c: Tensor, weight: Pair) -> Logits:
        return super().classify(weight.face * e_f, weight.voice * e_a, e_c, weight)


class ScaledFaces(MRAF):
    """Faces that are there, scaled by ``face_scale``."""

    def inputs(self, face: Tensor, voice: Tensor) -> tuple[Tensor, Tensor]:
        x_f, x_a = super().inputs(face, voice)
        return x_f * self.config.face_scale, x_a
