"""One space for faces and voices: the winner of FAME 2026 (arXiv 2512.04814), on our two inputs.

Each modality has its own linear map into the space, and *one* cosine classifier judges both: a face
and a voice of a speaker meet where the speaker's class weight is. Nothing pairs them in training.
People never seen in training are compared by the cosine of face and voice.

The winner's inputs come from VGG-Face, ECAPA and age-gender networks, ours from FaceNet and ECAPA.
The abstract's margin is "adaptive", without a formula; here it is the additive one of the public
code.
"""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from mraf.data.clips import Corpus, FeatureSet, unit
from mraf.data.twin.generate import calibration
from mraf.data.twin.people import draw_people
from mraf.errors import DataError, RunError
from mraf.training.fit import fit, seeded
from mraf_related.trials import compact


class Embedding(NamedTuple):
    """Faces and voices of clips in one space, unit rows, shapes (N, D)."""

    face: NDArray[Any]
    voice: NDArray[Any]

    def cosine(self, face: NDArray[np.int64], voice: NDArray[np.int64]) -> NDArray[Any]:
        """Of pairs of a face and a voice, given by their rows, shape (N,)."""
        return np.einsum("nd,nd->n", self.face[face], self.voice[voice])


Embedder = Callable[[FeatureSet], Embedding]
Inputs = Callable[[FeatureSet], tuple[NDArray[Any], NDArray[Any]]]
"""From clips to what a space sees of their faces and of their voices, shapes (N, D_m)."""


def features(clips: FeatureSet) -> tuple[NDArray[Any], NDArray[Any]]:
    """The inputs that every corpus has: FaceNet and ECAPA, as unit rows."""
    return unit(clips.face), unit(clips.voice)


class SharedSpaceConfig(NamedTuple):
    """The recipe; the defaults are the winner's, trained on English."""

    width: int = 192  # D of the space
    dropout: float = 0.1  # of the inputs; the winner's for Urdu: 0.9
    margin: float = 0.2  # m of the angular margin, radians
    scale: float = 30.0  # s of the same
    augmentation: float = 0.1  # as in `orthogonal_augmentation`; 0: none
    classifier: Literal["shared", "separate"] = "shared"  # by both modalities, or one each
    epochs: int = 20
    batch_size: int = 16  # faces and voices, drawn independently
    learning_rate: float = 1e-3  # of Adam, falling linearly
    last_learning_rate: float = 1e-5
    seed: int = 0  # of weights, order, dropout and augmentation


class SharedSpaceNetwork(nn.Module):
    """Dropout → Linear → L2 for each modality."""

    def __init__(self, face_dim: int, voice_dim: int, width: int = 192, dropout: float = 0.1):
        super().__init__()
        self.face = nn.Sequential(nn.Dropout(dropout), nn.Linear(face_dim, width))
        self.voice = nn.Sequential(nn.Dropout(dropout), nn.Linear(voice_dim, width))

    def forward(self, face: Tensor, voice: Tensor) -> tuple[Tensor, Tensor]:
        """Unit embeddings (F, D) and (V, D) of faces and voices, which need not be of one clip."""
        return F.normalize(self.face(face)), F.normalize(self.voice(voice))


def angular_margin_loss(classes: int, width: int, margin: float = 0.2, scale: float = 30.0) -> Any:
    """L = −log e^{s cos(θ_y+m)} / (e^{s cos(θ_y+m)} + Σ_{j≠y} e^{s cos θ_j}); W is part of it.

    Where θ_y + m > π, cos θ_y − m sin m stands in for cos(θ_y + m), as in the public code: the
    target keeps falling, with a step. WeSpeaker's cos θ_y − (1 − cos m) has no step.

    Args:
        margin: m in radians; pytorch-metric-learning itself takes degrees.
    Raises RunError: pytorch-metric-learning is not installed.
    """
    try:
        from pytorch_metric_learning.losses import ArcFaceLoss
    except ImportError:
        raise RunError(
            "the shared space needs pytorch-metric-learning; install it with "
            "`pip install -e '.[related]'`."
        ) from None
    return ArcFaceLoss(classes, width, margin=float(np.degrees(margin)), scale=scale)


def orthogonal_augmentation(
    rows: Tensor, deviation: float, generator: torch.Generator | None = None
) -> Tensor:
    """Rows (N, D), each plus a random vector orthogonal to it, of length |N(0, deviation)|."""
    direction = torch.randn(rows.shape, generator=generator, dtype=rows.dtype)
    along = (direction * rows).sum(1, keepdim=True) / (rows * rows).sum(1, keepdim=True)
    length = deviation * torch.randn(len(rows), 1, generator=generator, dtype=rows.dtype)
    return rows + length.abs() * F.normalize(direction - along * rows)


@dataclass(frozen=True, eq=False)
class SharedSpace:
    """A trained space: clips in, `Embedding` out."""

    network: SharedSpaceNetwork  # in evaluation mode
    inputs: Inputs
    losses: tuple[float, ...]  # mean of each epoch

    @torch.inference_mode()
    def __call__(self, clips: FeatureSet) -> Embedding:
        seen = map(torch.from_numpy, self.inputs(clips))
        return Embedding(*(x.numpy() for x in self.network(*seen)))


def fit_shared_space(
    train: FeatureSet,
    config: SharedSpaceConfig,
    inputs: Inputs = features,
    progress: bool = True,
) -> SharedSpace:
    """Train on labelled clips, L = ½ (L_voice + L_face) on independently shuffled batches.

    On the CPU. The same seed gives the same space; the global random state is left as it was.

    Raises:
        DataError: hidden labels, a missing face, or a single speaker.
        RunError: pytorch-metric-learning is missing, or a loss that is not finite.
    """
    label = torch.from_numpy(compact(train))
    classes = int(label.max()) + 1
    if classes < 2:
        raise DataError(f"{train.source}: one speaker; a classifier needs at least two.")
    if (absent := int(train.face_missing.sum())) > 0:
        raise DataError(f"{train.source}: {absent} training clips have no face; drop them.")
    face, voice = map(torch.from_numpy, inputs(train))

    def loss(some: Tensor, others: Tensor) -> Tensor:
        x_face, x_voice = face[some], voice[others]
        if config.augmentation:
            x_face = orthogonal_augmentation(x_face, config.augmentation)
            x_voice = orthogonal_augmentation(x_voice, config.augmentation)
        z_face, z_voice = network(x_face, x_voice)
        value: Tensor = (of_voice(z_voice, label[others]) + of_face(z_face, label[some])) / 2
        return value

    def batches(_: int) -> Iterable[tuple[Tensor, ...]]:
        orders = (torch.randperm(len(label)).split(config.batch_size) for _ in range(2))
        return zip(*orders, strict=True)

    with seeded(config.seed, face.device):  # weights, order, dropout, augmentation
        network = SharedSpaceNetwork(face.shape[1], voice.shape[1], config.width, config.dropout)
        head = classes, config.width, config.margin, config.scale
        of_voice = of_face = angular_margin_loss(*head)
        if config.classifier == "separate":
            of_face = angular_margin_loss(*head)
        parts = nn.ModuleList([network, of_voice, of_face])
        optimizer = torch.optim.Adam(parts.parameters(), lr=config.learning_rate, fused=True)
        epochs, last = config.epochs, config.last_learning_rate / config.learning_rate
        steps = epochs * -(-len(label) // config.batch_size)
        falls = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, last, total_iters=steps)
        losses = fit(
            "shared space", optimizer, batches, loss, epochs, schedule=falls, progress=progress
        )
    return SharedSpace(network.eval(), inputs, tuple(losses))


def simulated_traits(corpus: Corpus, noise: float = 0.15) -> Inputs:
    """`features` beside a made-up input that tells gender and age of the twin's speakers.

    Gender is the twin's own group (±1), and age is drawn. Each clip shows both with noise of its
    own in face and voice, as 16 numbers tanh(R [gender, age] + b) with R and b random and fixed for
    a modality. Both are looked up for test clips, too: how well they can be told is not asked.

    Args:
        noise: standard deviation of both, where the groups are 2 apart and ages have deviation 1.
            It is chosen: with 0.15 the EER on strangers is near that of the official features.
    Raises DataError: another corpus than the twin.
    """
    if corpus.name != "twin":
        raise DataError(
            f"{corpus.name}: there is no input for age and gender in these features; it can only "
            "be made up, from the factors of the twin's speakers."
        )
    rng = np.random.default_rng([0, zlib.crc32(b"traits")])
    group = draw_people(0, calibration(), corpus.speakers).group
    factors = np.column_stack([group, rng.standard_normal(corpus.speakers)])
    turn, shift = rng.standard_normal((2, 2, 16)), rng.standard_normal((2, 1, 16))

    def inputs(clips: FeatureSet) -> tuple[NDArray[Any], NDArray[Any]]:
        own = [
            np.random.default_rng([0, zlib.crc32(key.encode())]).standard_normal((2, 2))
            for key in np.char.add(f"{clips.language} ", clips.key)
        ]
        told = factors[clips.labels] + noise * np.stack(own, axis=1)  # (2, N, 2)
        both = zip(features(clips), map(unit, np.tanh(told @ turn + shift)), strict=True)
        face, voice = (np.concatenate(rows, axis=1) for rows in both)
        return face, voice

    return inputs
