"""The rivals of cross-attention: those of Table 3, and simpler contexts in its place (ours).

The paper names its rivals without equations; ours take the same weighted tokens Ĥ_f, Ĥ_a and end in
the same LayerNorm, so that only the interaction between the modalities differs. ``forward`` fuses
weighted tokens Ĥ_f and Ĥ_a, both (B, K, d). It has no attention maps to return.
"""

import torch
from torch import Tensor, nn

from mraf.model import CrossAttention, Pair, Sizes

Fused = tuple[Tensor, None, None]


class LinearFusion(nn.Module):
    """A fixed linear map of the two pooled sequences."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width = sizes.width
        self.mix = nn.Linear(2 * width, width)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(sizes.dropout)

    def forward(self, face: Tensor, voice: Tensor) -> Fused:
        pooled = torch.cat([face.mean(dim=1), voice.mean(dim=1)], dim=-1)
        return self.norm(self.dropout(self.mix(pooled))), None, None


class GatedFusion(nn.Module):
    """A gated multimodal unit on the pooled sequences: g tanh(W_f h_f) + (1 - g) tanh(W_a h_a)."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width = sizes.width
        self.face, self.voice = nn.Linear(width, width), nn.Linear(width, width)
        self.gate = nn.Linear(2 * width, width)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(sizes.dropout)

    def forward(self, face: Tensor, voice: Tensor) -> Fused:
        face, voice = face.mean(dim=1), voice.mean(dim=1)
        gate = torch.sigmoid(self.gate(torch.cat([face, voice], dim=-1)))
        mixed = gate * torch.tanh(self.face(face)) + (1 - gate) * torch.tanh(self.voice(voice))
        return self.norm(self.dropout(mixed)), None, None


class LSTMFusion(nn.Module):
    """A bidirectional LSTM over the 2K tokens, face first, mean-pooled."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width = sizes.width
        self.lstm = nn.LSTM(width, width // 2, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(sizes.dropout)

    def forward(self, face: Tensor, voice: Tensor) -> Fused:
        states, _ = self.lstm(torch.cat([face, voice], dim=1))
        return self.norm(self.dropout(states.mean(dim=1))), None, None


class NoContext(CrossAttention):
    """C = 0 in Eq. 14: face and voice meet in its mean alone."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__(sizes)
        for name in ("face_to_voice", "voice_to_face"):
            setattr(self, name, self.context(sizes.width))

    def context(self, width: int) -> nn.Module:
        """What maps the other modality's tokens (B, K, d) to C (B, K, d), without queries."""
        return Zeros()

    def forward(self, face: Tensor, voice: Tensor) -> tuple[Tensor, Pair, None]:  # type: ignore[override]
        c_f, c_a = self.face_to_voice(voice), self.voice_to_face(face)
        return *self.pool(face, voice, c_f, c_a), None


class MeanContext(NoContext):
    """C is the mean of the other modality's tokens, with nothing to learn."""

    def context(self, width: int) -> nn.Module:
        return Mean()


class LinearContext(NoContext):
    """C is a linear map of the other modality's tokens, with as many weights as attention."""

    def context(self, width: int) -> nn.Module:
        return nn.Sequential(nn.Linear(width, 2 * width), nn.Linear(2 * width, width))


class Zeros(nn.Module):
    """Zeros of the shape of its input."""

    def forward(self, tokens: Tensor) -> Tensor:
        return torch.zeros_like(tokens)


class Mean(nn.Module):
    """The mean of tokens (B, K, d) in place of each."""

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens.mean(dim=1, keepdim=True).expand_as(tokens)


FUSIONS: dict[str, type[nn.Module]] = {
    "cross_attention": CrossAttention,
    "lstm": LSTMFusion,
    "gated": GatedFusion,
    "linear": LinearFusion,
    "mean_context": MeanContext,
    "linear_context": LinearContext,
    "no_context": NoContext,
}
