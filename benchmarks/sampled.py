"""Sampled softmax: heads that look at some of the speakers in each step, where there are very many.

The softmax over all C speakers costs O(C d) a step and keeps logits of all of them. A step can do
with the speakers of its batch and S others, drawn uniformly without replacement. These stand for
all that were not drawn: with their inclusion probability q = S / (C - P), P speakers in the batch,

    Σ_j exp z_j  ≈  Σ_{j in batch} exp z_j + Σ_{j drawn} exp(z_j - log q),

which is right in expectation, and exact once all are drawn (Bengio & Senécal, 2008; Jean et al.,
2015, correct by log q likewise). The distillation, which divides corrected logits by T, is among
the drawn speakers only.

    learner = sample_heads(Learner(config))
    losses = learner(draw_speakers(learner, batch, negatives, rng))
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mraf.errors import RunError
from mraf.losses import Batch, CenterLoss
from mraf.model import Head
from mraf.training.loop import Learner, make_optimizer
from mraf.variants.config import TrainingConfig

HEADS = ("face_head", "voice_head", "fused_head")


class Drawn(NamedTuple):
    """The speakers of a step.

    Args:
        speakers: their labels, those of the batch first, shape (P + S,).
        correction: what is added to their logits, 0 for those of the batch, shape (P + S,).
    """

    speakers: Tensor
    correction: Tensor


def draw(
    speaker: Tensor, speakers: int, negatives: int, rng: np.random.Generator
) -> tuple[Drawn, Tensor]:
    """The speakers of a batch and others, each of which is drawn with the same probability.

    Args:
        speaker: labels of the batch, shape (B,).
        speakers: C.
        negatives: S; all others are taken where there are no more than that.
    Returns:
        The drawn speakers, and where among them each clip's own stands, shape (B,).
    Raises:
        RunError: no negatives, or a label that is not below C.
    """
    if negatives < 1:
        raise RunError(f"negatives={negatives}: draw at least 1.")
    own, position = speaker.unique(return_inverse=True)
    if int(own[-1]) >= speakers:
        raise RunError(f"speaker label {int(own[-1])}, but there are {speakers} speakers.")
    others = speakers - len(own)
    drawn = rng.choice(others, min(negatives, others), replace=False, shuffle=False)
    found = torch.from_numpy(drawn).to(own)
    gaps = own - torch.arange(len(own), device=own.device)  # others below each of the batch's own
    found = found + torch.searchsorted(gaps, found, right=True)  # counted without the batch's own
    share = len(drawn) / others if others else 1.0
    correction = torch.zeros(len(own) + len(drawn), device=own.device)
    correction[len(own) :] = -float(np.log(share))
    return Drawn(torch.cat([own, found]), correction), position


class SampledHead(nn.Module):
    """The parameters of a linear head; in training its logits are those of the drawn speakers.

    Args:
        head: of which the parameters are taken over, under the same names.
        sparse: gradients of the weights hold the drawn rows only; for `torch.optim.SparseAdam`.
    """

    def __init__(self, head: Head, sparse: bool = False) -> None:
        super().__init__()
        self.weight, self.bias, self.sparse = head.weight, head.bias, sparse
        self.drawn: Drawn | None = None

    with_margin = Head.with_margin

    def forward(self, embedding: Tensor) -> Tensor:
        if self.drawn is None or not self.training:
            return F.linear(embedding, self.weight, self.bias)
        speakers, correction = self.drawn
        weight = F.embedding(speakers, self.weight, sparse=self.sparse)
        return F.linear(embedding, weight, self.bias[speakers] + correction)


class SampledCenters(CenterLoss):
    """The centre loss, of which the labels count the drawn speakers.

    Args:
        center: of which the centres are taken over.
        sparse: as in `SampledHead`.
    """

    def __init__(self, center: CenterLoss, sparse: bool = False) -> None:
        nn.Module.__init__(self)
        self.centers, self.sparse = center.centers, sparse
        self.drawn: Drawn | None = None

    def forward(self, embedding: Tensor, speaker: Tensor) -> Tensor:
        rows = speaker if self.drawn is None else self.drawn.speakers[speaker]
        centers = F.embedding(rows, self.centers, sparse=self.sparse)
        return (embedding.float() - centers).square().sum() / 2 / embedding.numel()


def sample_heads(learner: Learner, sparse: bool = False) -> Learner:
    """Let the three heads and the centres of a learner sample; in place.

    Raises:
        RunError: heads that are not linear, weighted classes, or centres that are not trained.
    """
    heads = [getattr(learner.model, name) for name in HEADS]
    if not all(isinstance(head, Head) for head in heads):
        raise RunError("sampled softmax: only linear heads can be sampled; set head=linear.")
    if getattr(learner.objective, "class_weight", None) is not None:
        raise RunError("sampled softmax: set class_weights=false.")
    if not isinstance(learner.objective.center.centers, nn.Parameter):
        raise RunError("sampled softmax: set centers=trained.")
    for name, head in zip(HEADS, heads, strict=True):
        setattr(learner.model, name, SampledHead(head, sparse))
    learner.objective.center = SampledCenters(learner.objective.center, sparse)
    return learner


def draw_speakers(
    learner: Learner, batch: Batch, negatives: int, rng: np.random.Generator
) -> Batch:
    """Draw the speakers of a step, the same for all heads; the batch's labels then count them."""
    speakers = learner.model.config.speakers
    of_face = batch.speaker if batch.face_speaker is None else batch.face_speaker
    named = torch.cat([batch.speaker, of_face])
    drawn, position = draw(named, speakers, negatives, rng)
    for module in (*(getattr(learner.model, name) for name in HEADS), learner.objective.center):
        module.drawn = drawn
    speaker, face_speaker = position.chunk(2)
    return batch._replace(speaker=speaker, face_speaker=face_speaker)


def make_optimizers(learner: Learner, config: TrainingConfig) -> list[torch.optim.Optimizer]:
    """Adam; where gradients are sparse, with SparseAdam for what has a row a speaker.

    SparseAdam moves the moments of the drawn rows alone: those of others do not decay meanwhile.
    """
    rows = [getattr(learner.model, name).weight for name in HEADS]
    rows.append(learner.objective.center.centers)
    if not getattr(learner.objective.center, "sparse", False):
        return [make_optimizer(learner, config)]
    if config.weight_decay:
        raise RunError("sparse gradients: set weight_decay=0.")
    of_speakers = {id(parameter) for parameter in rows}
    others = [p for p in learner.parameters() if id(p) not in of_speakers]
    return [
        torch.optim.Adam(others, lr=config.learning_rate),
        torch.optim.SparseAdam(rows, lr=config.learning_rate),
    ]
