"""What a shared space has to beat: the branches of FOP."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn import functional as F

from mraf.data.clips import FeatureSet
from mraf.evaluation.baselines import FittedFOP, fit_fop
from mraf_related.shared_space.space import Embedding
from mraf_related.trials import compact


@dataclass(frozen=True, eq=False)
class FOPBranches:
    """The two branches of a trained FOP as a space: its classifier is linear in their sum."""

    fitted: FittedFOP

    @torch.inference_mode()
    def __call__(self, clips: FeatureSet) -> Embedding:
        network = self.fitted.network
        device = network.classifier.weight.device
        pairs = (
            (network.face, network.face_weight, clips.face),
            (network.voice, network.voice_weight, clips.voice),
        )
        rows = (
            # as it enters the sum; the length is lost in the cosine, the sign is not
            F.normalize(branch(torch.tensor(np.asarray(x)).to(device))) * weight.sign()
            for branch, weight, x in pairs
        )
        return Embedding(*(x.cpu().numpy() for x in rows))


def fit_fop_branches(train: FeatureSet, seed: int = 0) -> FOPBranches:
    """FOP by the challenge's recipe on the speakers that occur. Raises as `fit_fop`."""
    known = replace(train, speaker=compact(train))
    speakers = int(known.labels.max()) + 1
    return FOPBranches(fit_fop(known, speakers, seed, device="cpu", progress=False))
