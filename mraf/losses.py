"""The training objectives (Eq. 15–17), each a function of one line of the paper."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CenterReduction = Literal["sum", "mean"]
Centers = Literal["trained", "frozen"]


def distillation_loss(teacher: Tensor, student: Tensor, temperature: float) -> Tensor:
    """T² KL(softmax(teacher / T) ‖ softmax(student / T)), averaged over the batch (Eq. 16).

    Args:
        teacher: complete-modality logits z_c^AV (B, C). Give them detached for the usual
            distillation, in which the student moves and the teacher does not.
        student: audio-only logits z_c^A (B, C).
        temperature: T > 0; the factor T² keeps the gradient's size when T changes.
    """
    target = F.log_softmax(teacher / temperature, dim=-1)
    prediction = F.log_softmax(student / temperature, dim=-1)
    return temperature**2 * F.kl_div(prediction, target, reduction="batchmean", log_target=True)


class CenterLoss(nn.Module):
    """½ Σ ‖e_c - μ_y‖² with one trained centre a speaker (above Eq. 17).

    Args:
        speakers, width: C and d.
        reduction: "sum" is the paper's sum over the batch. e_c leaves a LayerNorm, so ‖e_c‖² is
            about d = 512 and the sum starts near 64 · 256: with λ_center = 0.1 it is four hundred
            times the cross-entropy (ln 70 = 4.2), and doubles with the batch size. "mean" divides
            it by B d, the mean over all entries: it starts at ½, a hundredth of the cross-entropy.

        kind: "trained" centres (C, d) are parameters, belong in the optimiser and start at zero;
            "frozen" ones, as in the team's public code, stay where chance has put them, N(0, 1).
    """

    centers: Tensor

    def __init__(
        self,
        speakers: int,
        width: int,
        reduction: CenterReduction = "mean",
        kind: Centers = "trained",
    ) -> None:
        super().__init__()
        self.reduction = reduction
        if kind == "trained":
            self.centers = nn.Parameter(torch.zeros(speakers, width))
        else:
            self.register_buffer("centers", torch.randn(speakers, width))

    def forward(self, embedding: Tensor, speaker: Tensor) -> Tensor:
        """Pull fused embeddings e_c (B, d) to the centres of their speakers (B,)."""
        total = (embedding.float() - self.of(speaker)).square().sum() / 2
        return total if self.reduction == "sum" else total / embedding.numel()

    def of(self, speaker: Tensor) -> Tensor:
        """The centres (B, d) of speakers (B,)."""
        return self.centers[speaker]
