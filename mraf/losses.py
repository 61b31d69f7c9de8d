"""The training objectives of the paper (Eq. 15–17), and nothing else."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mraf.model import MRAF, Logits, Output, Pair, Sizes


class Batch(NamedTuple):
    """Clips of one step, on the device; all of them have a face."""

    face: Tensor  # x_f (B, 512)
    voice: Tensor  # x_a (B, 192)
    speaker: Tensor  # y (B,)
    audio_only: Tensor  # (B, 1) bool: True with probability p_a
    face_speaker: Tensor | None = None  # (B,): whose face it is; None is y


class Both(NamedTuple):
    """What the objective reads of a step's 2B rows, the clips with their faces, then without."""

    reliability: Pair  # r_f, r_a (2B, 1)
    fused_embedding: Tensor  # e_c (2B, d)
    logits: Logits  # (2B, C)


@dataclass(frozen=True)
class LossWeights:
    """λ_f, λ_a, λ_c of Eq. 15, λ_kd and λ_center of Eq. 17, and T of Eq. 16."""

    face_weight: float = 1.0
    voice_weight: float = 1.0
    fused_weight: float = 1.0
    kd_weight: float = 0.2
    kd_temperature: float = 2.0
    center_weight: float = 0.1


class StepLosses(NamedTuple):
    """The loss of a step, its unweighted parts and the share of clips that are named correctly."""

    loss: Tensor
    ce_face: Tensor
    ce_voice: Tensor
    ce_fused: Tensor
    kd: Tensor
    center: Tensor
    accuracy: Tensor


def distillation_loss(teacher: Tensor, student: Tensor, temperature: float) -> Tensor:
    """T² KL(softmax(teacher / T) ‖ softmax(student / T)), averaged over the batch (Eq. 16).

    Args:
        teacher: complete-modality logits z_c^AV (B, C), detached where they are not to move.
        student: audio-only logits z_c^A (B, C).
        temperature: T > 0; the factor T² keeps the gradient's size when T changes.
    """
    target = F.log_softmax(teacher / temperature, dim=-1)
    prediction = F.log_softmax(student / temperature, dim=-1)
    divergence = (target.exp() * (target - prediction)).sum()  # F.kl_div has no rule for vmap
    return temperature**2 * divergence / len(student)


class CenterLoss(nn.Module):
    """½ Σ ‖e_c - μ_y‖² with one trained centre a speaker (above Eq. 17), divided by B d.

    The paper sums over the batch. e_c leaves a LayerNorm, so ‖e_c‖² is about d = 512 and the sum
    starts near 64 · 256: with λ_center = 0.1 it is four hundred times the cross-entropy
    (ln 70 = 4.2), and doubles with the batch size. The mean starts at ½.
    """

    centers: Tensor

    def __init__(self, speakers: int, width: int) -> None:
        super().__init__()
        self.centers = nn.Parameter(torch.zeros(speakers, width))  # μ (C, d)

    def forward(self, embedding: Tensor, speaker: Tensor) -> Tensor:
        """Pull fused embeddings e_c (B, d) to the centres of their speakers (B,)."""
        return (embedding.float() - self.centers[speaker]).square().sum() / 2 / embedding.numel()


class Objective(nn.Module):
    """L = L_ce + λ_kd L_kd + λ_center L_center of one batch (Eq. 15–17).

    Each clip is fused with its face (the teacher, z_c^AV) and without (the student, z_c^A); the
    classification and centre losses see the condition drawn for it, the distillation both.
    """

    center_loss: type[nn.Module] = CenterLoss
    trains_unseen_faces = False  # does a term pull on the faces of clips drawn as audio-only?

    def __init__(self, sizes: Sizes, weights: LossWeights) -> None:
        super().__init__()
        self.weights = weights
        self.center = self.center_loss(sizes.speakers, sizes.width)

    def cross_entropy(self, logits: Tensor, speaker: Tensor) -> Tensor:
        """Mean over the batch, of logits (B, C) and speakers (B,)."""
        return F.cross_entropy(logits, speaker)

    def face_speaker(self, batch: Batch) -> Tensor:
        """The speakers (B,) that the face head learns to name."""
        return batch.speaker

    def teacher(self, complete: Tensor, audio_only: Tensor, batch: Batch) -> Tensor:
        """The logits (B, C) that the student imitates."""
        return complete

    def extra(self, both: Both | Output) -> Tensor | float:
        """What is added to the paper's loss."""
        return 0.0

    def forward(self, model: MRAF, both: Both | Output, batch: Batch) -> StepLosses:
        """The losses of 2B rows, the clips with their faces and then without."""
        w, y = self.weights, batch.speaker

        def drawn(both_conditions: Tensor) -> Tensor:
            complete, audio_only = both_conditions.float().chunk(2)
            return torch.where(batch.audio_only, audio_only, complete)

        z_f, z_c, e_c = map(drawn, (both.logits.face, both.logits.fused, both.fused_embedding))
        z_a, _ = both.logits.voice.float().chunk(2)  # both are the same but for weighted_heads
        complete, student = both.logits.fused.float().chunk(2)
        y_f = self.face_speaker(batch)
        ce_face = self.cross_entropy(model.face_head.with_margin(z_f, y_f), y_f)
        ce_voice = self.cross_entropy(model.voice_head.with_margin(z_a, y), y)
        ce_fused = self.cross_entropy(model.fused_head.with_margin(z_c, y), y)
        teacher = self.teacher(complete, student, batch).detach()
        kd = distillation_loss(teacher, student, w.kd_temperature)
        center = self.center(e_c, y)
        loss = w.face_weight * ce_face + w.voice_weight * ce_voice + w.fused_weight * ce_fused
        loss = loss + w.kd_weight * kd + w.center_weight * center + self.extra(both)
        accuracy = (z_c.argmax(dim=-1) == y).float().mean()
        return StepLosses(loss, ce_face, ce_voice, ce_fused, kd, center, accuracy)
