"""How much each modality is trusted (Eq. 10–12)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Pair(NamedTuple):
    """One tensor for each modality."""

    face: Tensor
    voice: Tensor


class ReliabilityScorer(nn.Module):
    """r_m = σ(W e_m + b), a score in (0, 1) for an embedding (Eq. 10)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Linear(width, 1)

    def forward(self, embedding: Tensor, evidence: Tensor | None = None) -> Tensor:
        """Score embeddings (B, d); returns (B, 1) in float32, also under autocast.

        Args:
            evidence: log odds (B, 1) from elsewhere (ours), see ``mraf.model.agreement``.
        """
        score: Tensor = self.score(embedding).float()
        return torch.sigmoid(score if evidence is None else score + evidence)


def reliability_weights(face: Tensor, voice: Tensor, epsilon: float = 1e-6) -> Pair:
    """Normalise two reliability scores into modality weights (Eq. 11).

    Args:
        face: r_f in [0, 1], shape (B, 1); exactly 0 where the face is missing.
        voice: r_a in [0, 1], shape (B, 1).
    Returns:
        w_f and w_a, shapes (B, 1), summing to 1 - ε / (r_f + r_a + ε).
    """
    total = face + voice + epsilon
    return Pair(face / total, voice / total)


def weight_tokens(weight: Tensor, tokens: Tensor) -> Tensor:
    """Ĥ = w H: weights (B, 1) times tokens (B, K, d) or (1, K, d), giving (B, K, d) (Eq. 12)."""
    return weight[..., None] * tokens
