"""Other objectives: the team's public code, a centre loss that is summed, and swapped faces."""

import torch
import torch.nn.functional as F
from torch import Tensor

from mraf.losses import Batch, Both, CenterLoss, Objective
from mraf.model import Output, Sizes
from mraf.variants.config import TrainingConfig


class SummedCenterLoss(CenterLoss):
    """½ Σ ‖e_c - μ_y‖² as the paper writes it, a sum over the batch."""

    def forward(self, embedding: Tensor, speaker: Tensor) -> Tensor:
        return (embedding.float() - self.centers[speaker]).square().sum() / 2


class FrozenCenterLoss(CenterLoss):
    """Centres that stay where chance has put them, N(0, 1), as in the team's public code."""

    def __init__(self, speakers: int, width: int) -> None:
        super().__init__(speakers, width)
        del self.centers
        self.register_buffer("centers", torch.randn(speakers, width))


class TeamObjective(Objective):
    """Smoothed targets, speakers weighted by √(N / (C n)), and a floor under r_f.

    n, ``clips_of``, are the training clips of each speaker (C,); None weighs all alike.
    """

    class_weight: Tensor | None
    trains_unseen_faces = True  # the floor

    def __init__(self, sizes: Sizes, settings: TrainingConfig, clips_of: Tensor | None) -> None:
        super().__init__(sizes, settings)
        self.settings = settings
        weight = None
        if clips_of is not None:
            weight = (clips_of.sum() / (len(clips_of) * clips_of.clamp(min=1))).sqrt()
        self.register_buffer("class_weight", weight, persistent=False)

    def cross_entropy(self, logits: Tensor, speaker: Tensor) -> Tensor:
        weight, smoothing = self.class_weight, self.settings.label_smoothing
        if weight is None or not smoothing:
            return F.cross_entropy(logits, speaker, weight, label_smoothing=smoothing)
        # F.cross_entropy of both at once selects rows, for which torch.vmap has no rule
        target = F.one_hot(speaker, logits.shape[-1]).to(logits)
        total = F.cross_entropy(logits, target, weight, reduction="sum", label_smoothing=smoothing)
        return total / weight[speaker].sum()

    def extra(self, both: Both | Output) -> Tensor:
        r_f, _ = both.reliability.face.chunk(2)
        below = (self.settings.reliability_floor - r_f).clamp(min=0)
        return self.settings.reliability_floor_weight * below.square().mean()


class SwappedFaces(Objective):
    """For clips that are shown with another's face: the face head learns whose face it is."""

    def face_speaker(self, batch: Batch) -> Tensor:
        assert batch.face_speaker is not None
        return torch.where(batch.audio_only[:, 0], batch.speaker, batch.face_speaker)

    def teacher(self, complete: Tensor, audio_only: Tensor, batch: Batch) -> Tensor:
        assert batch.face_speaker is not None
        own = torch.eq(batch.face_speaker, batch.speaker)[:, None]
        return torch.where(own, complete, audio_only)  # a wrong face teaches nothing
