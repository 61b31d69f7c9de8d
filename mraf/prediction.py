"""From a trained network to scores of clips, in large batches and without gradients."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mraf.data.features import FeatureSet
from mraf.model import MRAF, Output

HEADS = {"fused": "MRAF", "voice": "MRAF voice head", "face": "MRAF face head"}


def forward(model: MRAF, clips: FeatureSet) -> Output:
    """Run clips through the network in one piece and keep every intermediate.

    About 120 kB of memory a clip with the paper's sizes; for scores of many clips see ``predict``.
    """
    device = next(model.parameters()).device
    model.eval()
    with torch.inference_mode():
        face, voice = (torch.from_numpy(np.array(x)).to(device) for x in (clips.face, clips.voice))
        output: Output = model(face, voice)
    return output


def predict(model: MRAF, clips: FeatureSet, batch: int = 512) -> dict[str, NDArray[np.float32]]:
    """Scores of the three heads, each (N, C): "MRAF" (fused), "MRAF voice head", "MRAF face head".

    Where every face is missing the face head has seen nothing and is left out.
    """
    heads = {head: name for head, name in HEADS.items() if head != "face" or not _faceless(clips)}
    scores: dict[str, list[Tensor]] = {name: [] for name in heads.values()}
    for start in range(0, len(clips), batch):
        logits = forward(model, clips[start : start + batch]).logits
        for head, name in heads.items():
            scores[name].append(getattr(logits, head).float())
    return {name: torch.cat(parts).cpu().numpy() for name, parts in scores.items()}


def _faceless(clips: FeatureSet) -> bool:
    return bool(clips.face_missing.all())
