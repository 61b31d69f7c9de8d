"""From a feature vector to tokens to an embedding (Eq. 2–8)."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mraf.model.config import Activation, Projection


class MultiHeadAttention(nn.Module):
    """Multi-head attention (Eq. 4–5); self-attention when query and memory are the same tokens."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)  # W_O

    def forward(self, query: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Attend from query tokens (B, K, d) to memory tokens (B, K', d).

        Returns:
            The attended tokens (B, K, d) and the attention maps (B, H, K, K'), whose rows sum to 1.
        """
        q, k, v = (
            x.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, H, K, d_h)
            for x in (self.query(query), self.key(memory), self.value(memory))
        )
        attention = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(dim=-1)
        attended = (attention @ v).transpose(1, 2).flatten(-2)  # (B, K, d)
        return self.output(attended), attention


class EncoderLayer(nn.Module):
    """Post-norm Transformer layer (Eq. 6–7) with a feed-forward network of width 4d."""

    def __init__(
        self, width: int, heads: int, dropout: float, activation: Activation = "relu"
    ) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(width, heads)
        self.attention_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, 4 * width),
            nn.ReLU() if activation == "relu" else nn.GELU(),
            nn.Linear(4 * width, width),
        )
        self.feed_forward_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens (B, K, d) to tokens (B, K, d)."""
        attended, _ = self.attention(tokens, tokens)
        hidden = self.attention_norm(tokens + self.dropout(attended))  # U, Eq. 6
        output: Tensor = self.feed_forward_norm(hidden + self.dropout(self.feed_forward(hidden)))
        return output  # H, Eq. 7


class Encoded(NamedTuple):
    """What the encoder of one modality makes of its input."""

    tokens: Tensor  # T_m (B, K, d), Eq. 2
    encoded: Tensor  # H_m (B, K, d), Eq. 7
    embedding: Tensor  # e_m (B, d), unit length, Eq. 8


class ModalityEncoder(nn.Module):
    """Project a feature into K tokens, encode them and pool them into an embedding (Eq. 2–8)."""

    def __init__(
        self,
        input_dim: int,
        tokens: int,
        width: int,
        layers: int,
        heads: int,
        dropout: float,
        *,
        activation: Activation = "relu",
        projection: Projection = "linear",
        normalise_tokens: bool = False,
    ) -> None:
        super().__init__()
        self.projection = nn.Linear(input_dim, tokens * width)  # W_m, b_m
        self.after_projection = (
            nn.Sequential(nn.LayerNorm(tokens * width), nn.GELU(), nn.Dropout(dropout))
            if projection == "normalised"
            else nn.Identity()  # Eq. 2 as it stands
        )
        self.normalise_tokens = normalise_tokens
        self.position = nn.Parameter(torch.empty(tokens, width))  # P_m
        nn.init.normal_(self.position, std=0.02)
        self.layers = nn.ModuleList(
            EncoderLayer(width, heads, dropout, activation) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Encoded:
        """Encode features (B, d_m) as they are; standardising them is the network's business."""
        projected = self.after_projection(self.projection(x))
        tokens = projected.unflatten(-1, self.position.shape)  # T, Eq. 2
        if self.normalise_tokens:
            tokens = F.normalize(tokens, dim=-1)
        encoded = tokens + self.position  # Eq. 3
        for layer in self.layers:
            encoded = layer(encoded)
        embedding = F.normalize(self.norm(encoded.mean(dim=1)), dim=-1)  # Eq. 8
        return Encoded(tokens, encoded, embedding)
