"""From two weighted token sequences to one embedding (Eq. 13–14), and the rivals of Table 3.

The paper names the rivals without equations; ours take the same weighted tokens Ĥ_f, Ĥ_a and end
in the same LayerNorm, so that only the interaction between the modalities differs.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from mraf.model.encoder import MultiHeadAttention
from mraf.model.reliability import Pair


class Fused(NamedTuple):
    """A fused embedding and, for cross-attention, how it came about."""

    embedding: Tensor  # e_c (B, d), Eq. 14
    context: Pair | None = None  # C̃_f, C̃_a (B, K, d)
    attention: Pair | None = None  # maps face→voice and voice→face (B, H, K, K)


class CrossAttentionFusion(nn.Module):
    """Bidirectional cross-attention with residual connection and LayerNorm (Eq. 13–14)."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.face_to_voice = MultiHeadAttention(width, heads)
        self.voice_to_face = MultiHeadAttention(width, heads)
        self.face_norm = nn.LayerNorm(width)
        self.voice_norm = nn.LayerNorm(width)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, face: Tensor, voice: Tensor) -> Fused:
        """Fuse weighted tokens Ĥ_f and Ĥ_a, both (B, K, d)."""
        face_context, face_attention = self.face_to_voice(face, voice)  # C_f
        voice_context, voice_attention = self.voice_to_face(voice, face)  # C_a
        face_context = self.face_norm(face + self.dropout(face_context))
        voice_context = self.voice_norm(voice + self.dropout(voice_context))
        embedding = self.norm((face_context.mean(dim=1) + voice_context.mean(dim=1)) / 2)
        return Fused(
            embedding, Pair(face_context, voice_context), Pair(face_attention, voice_attention)
        )


class LinearFusion(nn.Module):
    """A fixed linear map of the two pooled sequences."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.mix = nn.Linear(2 * width, width)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, face: Tensor, voice: Tensor) -> Fused:
        """Fuse weighted tokens Ĥ_f and Ĥ_a, both (B, K, d)."""
        pooled = torch.cat([face.mean(dim=1), voice.mean(dim=1)], dim=-1)
        return Fused(self.norm(self.dropout(self.mix(pooled))))


class GatedFusion(nn.Module):
    """A gated multimodal unit on the pooled sequences: g tanh(W_f h_f) + (1 - g) tanh(W_a h_a)."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.face = nn.Linear(width, width)
        self.voice = nn.Linear(width, width)
        self.gate = nn.Linear(2 * width, width)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, face: Tensor, voice: Tensor) -> Fused:
        """Fuse weighted tokens Ĥ_f and Ĥ_a, both (B, K, d)."""
        face, voice = face.mean(dim=1), voice.mean(dim=1)
        gate = torch.sigmoid(self.gate(torch.cat([face, voice], dim=-1)))
        mixed = gate * torch.tanh(self.face(face)) + (1 - gate) * torch.tanh(self.voice(voice))
        return Fused(self.norm(self.dropout(mixed)))


class LSTMFusion(nn.Module):
    """A bidirectional LSTM over the 2K tokens, face first, mean-pooled."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width, width // 2, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, face: Tensor, voice: Tensor) -> Fused:
        """Fuse weighted tokens Ĥ_f and Ĥ_a, both (B, K, d)."""
        states, _ = self.lstm(torch.cat([face, voice], dim=1))
        return Fused(self.norm(self.dropout(states.mean(dim=1))))


FUSIONS = {
    "cross_attention": CrossAttentionFusion,
    "lstm": LSTMFusion,
    "gated": GatedFusion,
    "linear": LinearFusion,
}
