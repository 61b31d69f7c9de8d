"""Other ways to trust a modality: Table 4's question, the module left out, and ours."""

import torch
from torch import Tensor

from mraf.model import Clips, Pair, Reliability, Sizes
from mraf.variants.agreement import Agreement


class JudgedReliability(Reliability):
    """The scorer judges whatever stands in for a missing face (Table 4)."""

    def forward(self, face: Tensor, voice: Tensor, clips: Clips) -> tuple[Pair, Pair]:
        nobody = torch.zeros_like(clips.missing)
        return super().forward(face, voice, clips._replace(missing=nobody))


class UniformReliability(Reliability):
    """The module left out: w_f = w_a = ½, also where the face is missing."""

    def forward(self, face: Tensor, voice: Tensor, clips: Clips) -> tuple[Pair, Pair]:
        reliability, weight = super().forward(face, voice, clips)
        return reliability, Pair(*(torch.full_like(w, 0.5) for w in weight))


class AgreementReliability(Reliability):
    """Ours: whether face and voice name one speaker counts, too (``mraf.variants.agreement``)."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__(sizes)
        self.agreement = Agreement(sizes)

    def score(self, face: Tensor, voice: Tensor, clips: Clips) -> Pair:
        own, other = super().score(face, voice, clips)
        evidence = self.agreement(clips.face, clips.voice).clamp(max=0)  # only against the face
        return Pair(own + evidence, other)
