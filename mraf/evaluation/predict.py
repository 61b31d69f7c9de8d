"""From a trained network to scores of clips, in large batches and without gradients."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mraf.data.clips import FeatureSet
from mraf.model import Output
from mraf.training.config import check_widths
from mraf.variants.build import Network

SYSTEM_OF_HEAD = {"fused": "MRAF", "voice": "MRAF voice head", "face": "MRAF face head"}
BATCH = 512
Tensors = Mapping[str, Tensor]


def placed(clips: FeatureSet, device: torch.device) -> tuple[Tensor, Tensor]:
    """Faces and voices on a device; copied, since a packed corpus is mapped read-only."""
    face, voice = (torch.from_numpy(np.array(x)) for x in (clips.face, clips.voice))
    return face.to(device), voice.to(device)


def forward(model: Network, clips: FeatureSet) -> Output:
    """Run clips through the network in one piece and keep every intermediate.

    About 120 kB of memory a clip with the paper's sizes; for scores of many clips see ``predict``.
    Raises RunError where the clips are of other widths than the network's.
    """
    model.eval()
    check_widths(model.config, clips)
    with torch.inference_mode():
        output: Output = model(*placed(clips, next(model.parameters()).device))
    return output


def batched(
    model: Network, clips: FeatureSet, pick: Callable[[Output], Tensors], batch: int = BATCH
) -> dict[str, NDArray[np.float32]]:
    """What `pick` takes of each batch's output, for all clips (N, …) and by the same names."""
    parts = [pick(forward(model, clips[at : at + batch])) for at in range(0, len(clips), batch)]
    return {
        name: torch.cat([part[name].float() for part in parts]).cpu().numpy() for name in parts[0]
    }


def predict(
    model: Network, clips: FeatureSet, batch: int = BATCH
) -> dict[str, NDArray[np.float32]]:
    """Scores (N, C) of each head: "MRAF" (fused), "MRAF voice head", "MRAF face head"."""

    def scores(output: Output) -> Tensors:
        return {name: getattr(output.logits, head) for head, name in SYSTEM_OF_HEAD.items()}

    return batched(model, clips, scores, batch)
