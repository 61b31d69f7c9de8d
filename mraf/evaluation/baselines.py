"""What MRAF has to beat: the nearest class mean, without training, and the challenge's FOP."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from mraf.data.clips import FACE_DIM, VOICE_DIM, FeatureSet, unit
from mraf.errors import DataError, RunError
from mraf.evaluation.judge import ClipByClip, top1
from mraf.evaluation.predict import placed
from mraf.training.device import resolve_device
from mraf.training.fit import fit, seeded

Modality = Literal["voice", "face", "sum"]
Weighting = Literal["clip", "video"]


class ClassMeans:
    """Cosine to the mean of each speaker's unit-length training rows; nothing is trained.

    Args:
        train: labelled clips, every speaker 0 … C-1 among them.
        modality: "voice", "face", or "sum" of both cosines. A missing face counts zero: under "sum"
            the voice decides alone, under "face" all tie, which `evaluate` counts as an error.
        weighting: "clip" counts every clip once; "video" every video once (the mean of its clips),
            so that a long video does not drown the others.
    Raises RunError: another modality or weighting; DataError: a speaker without training clips, or
    hidden labels.
    """

    def __init__(
        self, train: FeatureSet, modality: Modality = "voice", weighting: Weighting = "clip"
    ) -> None:
        for value, known in ((modality, Modality), (weighting, Weighting)):
            if value not in get_args(known):
                raise RunError(f"'{value}' is none of {list(get_args(known))}.")
        self.name = f"class means, {modality} ({weighting}-weighted)"
        modalities = ("voice", "face") if modality == "sum" else (modality,)
        self.means = {name: means_of(getattr(train, name), train, weighting) for name in modalities}

    def __call__(self, clips: FeatureSet) -> dict[str, NDArray[np.float32]]:
        """Scores (N, C) under the name of the system."""
        cosines = [unit(getattr(clips, name)) @ mean.T for name, mean in self.means.items()]
        return {self.name: np.sum(cosines, axis=0)}


def class_means(
    train: FeatureSet, modality: Literal["voice", "face"], weighting: Weighting = "clip"
) -> NDArray[np.float32]:
    """`means_of` the faces or voices, shape (C, D); a class without a face has a mean of zeros."""
    return means_of(getattr(train, modality), train, weighting)


def means_of(
    rows: NDArray[Any], train: FeatureSet, weighting: Weighting = "clip"
) -> NDArray[np.float32]:
    """Unit-length class means (C, D) of rows (N, D) that stand for the training clips.

    Rows are brought to unit length first; rows of zeros are left out. The two weightings are one
    weighted sum: the length of a mean is lost in the cosine, so only relative weights matter.
    """
    rows, labels = unit(rows), train.labels
    clips = np.bincount(labels)
    if not clips.all():
        raise DataError(f"{train.source}: speaker {clips.argmin()} has no training clip.")
    weight = np.any(rows, axis=1).astype(np.float64)
    if weighting == "video":
        video = _pairs(train, train.video)[1]
        weight /= np.maximum(np.bincount(video, weights=weight), 1)[video]
    from scipy.sparse import csr_array  # which training need not wait for

    place = labels, np.arange(len(labels))
    membership = csr_array((weight.astype(np.float32), place), shape=(len(clips), len(labels)))
    return unit(membership @ rows)


def _pairs(
    clips: FeatureSet, names: NDArray[np.str_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each (speaker, name) that occurs: its speaker; and the number of each clip's pair (N,)."""
    index = np.unique(names, return_inverse=True)[1]
    pair, number = np.unique(clips.labels * len(clips) + index, return_inverse=True)
    return pair // len(clips), number


def class_mean_systems(train: FeatureSet) -> list[ClipByClip]:
    """All six: voice, face and sum, clip- and video-weighted."""
    return [
        ClipByClip(ClassMeans(train, modality, weighting))
        for modality in get_args(Modality)
        for weighting in get_args(Weighting)
    ]


class FOP(nn.Module):
    """Fusion and orthogonal projection (Saeed et al., ICASSP 2022), the challenge's baseline.

    Trained as in the challenge, which is without the orthogonal projection loss.
    """

    def __init__(
        self, speakers: int, face_dim: int = FACE_DIM, voice_dim: int = VOICE_DIM, width: int = 512
    ) -> None:
        super().__init__()

        def branch(dim: int) -> nn.Sequential:
            layers = nn.Linear(dim, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.5)
            return nn.Sequential(*layers)

        self.face, self.voice = branch(face_dim), branch(voice_dim)
        self.face_weight = nn.Parameter(torch.ones(()))
        self.voice_weight = nn.Parameter(torch.ones(()))
        self.classifier = nn.Linear(width, speakers)

    def forward(self, face: Tensor, voice: Tensor) -> Tensor:
        """Logits (B, C) of faces (B, 512) and voices (B, 192)."""
        fused = self.face_weight * F.normalize(self.face(face))
        fused = fused + self.voice_weight * F.normalize(self.voice(voice))
        logits: Tensor = self.classifier(fused)
        return logits


@dataclass(frozen=True, eq=False)
class FittedFOP:
    """A predictor: the trained network, the epoch its weights are of, its held-out accuracy."""

    network: FOP
    epoch: int
    held_out_accuracy: float
    name: str = "FOP"

    @torch.inference_mode()
    def __call__(self, clips: FeatureSet) -> dict[str, NDArray[np.float32]]:
        """Logits (N, C) under the name of the system; a missing face enters as zeros."""
        device = self.network.classifier.weight.device
        return {self.name: self.network(*placed(clips, device)).cpu().numpy()}


def fit_fop(
    train: FeatureSet,
    speakers: int,
    seed: int = 0,
    epochs: int = 300,
    device: str = "auto",
    progress: bool = True,
) -> FittedFOP:
    """Train FOP by the challenge's recipe: Adam, cross-entropy, early stopping.

    A tenth of the clips is held out to stop on (`held_out`); training ends when 10 epochs in a row
    bring no gain of 0.3 points there, and the weights of the last gain are kept.

    Raises DataError: hidden labels, or a label not below `speakers`; RunError: no such device, no
    epochs, or a loss that is not finite.
    """
    patience, min_delta, batch = 10, 0.003, 32
    if train.labels.max() >= speakers:
        raise DataError(f"{train.source}: a speaker label is not below {speakers}.")
    if epochs < 1:
        raise RunError(f"epochs={epochs}: at least 1 is needed.")
    torch_device = resolve_device(device)
    held = held_out(train, np.random.default_rng(seed))
    watched, rest = (train[held], train[~held]) if held.any() else (train, train)
    face, voice = placed(rest, torch_device)
    label = torch.tensor(rest.labels).to(torch_device)
    generator = torch.Generator().manual_seed(seed)

    with seeded(seed, torch_device):  # initial weights and dropout
        network = FOP(speakers, face.shape[1], voice.shape[1]).to(torch_device)
        best = FittedFOP(network, epoch=0, held_out_accuracy=-1.0)
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)

        def batches(_: int) -> Iterator[tuple[Tensor]]:
            order = torch.randperm(len(rest), generator=generator).to(torch_device)
            for rows in order.split(batch):
                if len(rows) > 1:  # a batch normalisation needs two
                    yield (rows,)

        def loss(rows: Tensor) -> Tensor:
            network.train()
            return F.cross_entropy(network(face[rows], voice[rows]), label[rows])

        def stop(epoch: int) -> bool:
            nonlocal best
            now = FittedFOP(network.eval(), epoch, 0.0)
            accuracy = float(top1(now(watched)[now.name], watched.labels).mean())
            if accuracy >= best.held_out_accuracy + min_delta:
                best = FittedFOP(copy.deepcopy(network), epoch, accuracy)
            return epoch - best.epoch >= patience

        fit("FOP", optimizer, batches, loss, epochs, stop=stop, progress=progress)
    return best


def held_out(train: FeatureSet, rng: np.random.Generator, share: float = 0.1) -> NDArray[np.bool_]:
    """Clips on which to stop early, about a share of all, shape (N,), bool.

    Whole videos, one at most of a speaker and never a speaker's only one. Where nobody has two
    videos, single clips; where nobody has two clips, none.
    """
    for names in (train.video, train.key):
        owner, number = _pairs(train, names)
        order = rng.permutation(len(owner))
        order = order[np.bincount(owner)[owner[order]] > 1]
        chosen = order[np.sort(np.unique(owner[order], return_index=True)[1])]
        if len(chosen):
            size = np.bincount(number)[chosen]
            enough = np.searchsorted(np.cumsum(size), share * len(train)) + 1
            return np.isin(number, chosen[:enough])
    return np.zeros(len(train), dtype=bool)
