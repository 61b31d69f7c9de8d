"""One space for faces and voices: the winner of FAME 2026 (arXiv 2512.04814), on our two streams.

Each modality has its own linear map into the space, and *one* cosine classifier judges both: a face
and a voice of a speaker meet where the speaker's class weight is. Nothing pairs them in training.
People never seen in training are compared by the cosine of face and voice.

The winner's streams are VGG-Face, ECAPA and age-gender networks; ours are FaceNet and ECAPA, and
for the twin `simulated_traits`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from mraf.data.clips import Corpus, FeatureSet, unit
from mraf.data.twin.generate import calibration
from mraf.data.twin.people import draw_people
from mraf.errors import DataError, RunError
from mraf.training.fit import fit, seeded
from mraf.variants.config import settings
from mraf_related.trials import compact


class Embedding(NamedTuple):
    """Faces and voices of clips in one space, unit rows, shapes (N, D)."""

    face: NDArray[Any]
    voice: NDArray[Any]

    def cosine(self, face: NDArray[np.int64], voice: NDArray[np.int64]) -> NDArray[Any]:
        """Of pairs of a face and a voice, given by their rows, shape (N,)."""
        return np.einsum("nd,nd->n", self.face[face], self.voice[voice])


Embedder = Callable[[FeatureSet], Embedding]
Stream = Callable[[FeatureSet], tuple[NDArray[Any], NDArray[Any]]]
"""From clips to one kind of features of their faces and of their voices."""


def features(clips: FeatureSet) -> tuple[NDArray[Any], NDArray[Any]]:
    """The stream that every corpus has: FaceNet and ECAPA."""
    return clips.face, clips.voice


@settings
class SharedSpaceConfig:
    """The recipe; the defaults are the winner's, trained on English.

    Raises:
        RunError: a value outside its range.
    """

    width: Annotated[int, Field(ge=1)] = 192  # D of the space
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1  # of the inputs; the winner's for Urdu: 0.9
    margin: Annotated[float, Field(ge=0, lt=np.pi)] = 0.2  # m of the angular margin, radians
    scale: Annotated[float, Field(gt=0)] = 30.0  # s of the same
    augmentation: Annotated[float, Field(ge=0)] = 0.1  # as in `orthogonal_augmentation`; 0: none
    classifier: Literal["shared", "separate"] = "shared"  # by both modalities, or one each
    epochs: Annotated[int, Field(ge=1)] = 20
    batch_size: Annotated[int, Field(ge=1)] = 16  # faces and voices, drawn independently
    learning_rate: float = 1e-3  # of Adam, falling linearly
    last_learning_rate: Annotated[float, Field(gt=0)] = 1e-5
    seed: Annotated[int, Field(ge=0)] = 0  # of weights, order, dropout and augmentation

    def __post_init__(self) -> None:
        first, last = self.learning_rate, self.last_learning_rate
        if last > first:
            raise RunError(
                f"learning_rate={first} is below last_learning_rate={last}; it can only fall."
            )


class SharedSpaceNetwork(nn.Module):
    """Dropout → Linear → L2 for each modality, whose dimension is that of all streams together."""

    def __init__(self, face_dim: int, voice_dim: int, width: int = 192, dropout: float = 0.1):
        super().__init__()
        self.face = nn.Sequential(nn.Dropout(dropout), nn.Linear(face_dim, width))
        self.voice = nn.Sequential(nn.Dropout(dropout), nn.Linear(voice_dim, width))

    def forward(self, face: Tensor, voice: Tensor) -> tuple[Tensor, Tensor]:
        """Unit embeddings (F, D) and (V, D) of faces and voices, which need not be of one clip."""
        return F.normalize(self.face(face)), F.normalize(self.voice(voice))


def angular_margin_loss(classes: int, width: int, margin: float = 0.2, scale: float = 30.0) -> Any:
    """L = −log e^{s cos(θ_y+m)} / (e^{s cos(θ_y+m)} + Σ_{j≠y} e^{s cos θ_j}); W is part of it.

    Where θ_y + m > π, cos θ_y − m sin m stands in for cos(θ_y + m), so that the loss keeps falling.

    Args:
        margin: m in radians; pytorch-metric-learning itself takes degrees.
    Raises:
        RunError: pytorch-metric-learning is not installed.
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


def streamed(clips: FeatureSet, streams: Sequence[Stream]) -> tuple[Tensor, Tensor]:
    """Unit rows of each stream side by side, for faces and for voices, shapes (N, sum of dims)."""
    pairs = [stream(clips) for stream in streams]
    face, voice = (
        np.concatenate([unit(rows) for rows in side], axis=1) for side in zip(*pairs, strict=True)
    )
    return torch.from_numpy(face), torch.from_numpy(voice)


@dataclass(frozen=True, eq=False)
class SharedSpace:
    """A trained space: clips in, `Embedding` out."""

    network: SharedSpaceNetwork  # in evaluation mode
    streams: tuple[Stream, ...]  # of its inputs
    losses: tuple[float, ...]  # mean of each epoch

    @torch.inference_mode()
    def __call__(self, clips: FeatureSet) -> Embedding:
        return Embedding(*(x.numpy() for x in self.network(*streamed(clips, self.streams))))


def fit_shared_space(
    train: FeatureSet,
    config: SharedSpaceConfig | None = None,
    streams: Sequence[Stream] = (features,),
    progress: bool = True,
) -> SharedSpace:
    """Train on labelled clips, L = ½ (L_voice + L_face) on independently shuffled batches.

    On the CPU: a GPU does not pay for maps this small. The same seed gives the same space; the
    global random state is left as it was. Labels may have gaps.

    Raises:
        DataError: hidden labels, a missing face, or a single speaker.
        RunError: pytorch-metric-learning is missing, or a loss that is not finite.
    """
    config = config or SharedSpaceConfig()
    label = torch.from_numpy(compact(train))
    classes = int(label.max()) + 1
    if classes < 2:
        raise DataError(f"{train.source}: one speaker; a classifier needs at least two.")
    if (absent := int(train.face_missing.sum())) > 0:
        raise DataError(f"{train.source}: {absent} training clips have no face; drop them.")
    face, voice = streamed(train, streams)

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
    return SharedSpace(network.eval(), tuple(streams), tuple(losses))


def simulated_traits(corpus: Corpus, noise: float = 0.5, width: int = 16, seed: int = 0) -> Stream:
    """A made-up age-gender stream for the twin: what a good age-gender network *might* tell.

    Gender is the twin's own group (±1) and age is drawn, both looked up by the clip's speaker, test
    clips included: a result with this stream says what they would be worth if they could be told so
    well, and nothing of how well they can be told. Each clip shows both with noise of its own in
    face and voice, as tanh(R [gender, age] + b) with R and b random and fixed for a modality.

    Args:
        noise: standard deviation of both, where the groups are 2 apart and ages have deviation 1.
        width: of the embeddings.
    Raises:
        DataError: another corpus than the twin.
    """
    if corpus.name != "twin":
        raise DataError(
            f"{corpus.name}: there is no age-gender stream in these features; it can only be "
            "simulated, from the factors of the twin's speakers."
        )
    rng = np.random.default_rng([seed, zlib.crc32(b"traits")])
    group = draw_people(0, calibration(), corpus.speakers).group
    factors = np.column_stack([group, rng.standard_normal(corpus.speakers)])
    turn, shift = rng.standard_normal((2, 2, width)), rng.standard_normal((2, 1, width))

    def stream(clips: FeatureSet) -> tuple[NDArray[Any], NDArray[Any]]:
        own = [
            np.random.default_rng([seed, zlib.crc32(key.encode())]).standard_normal((2, 2))
            for key in np.char.add(f"{clips.language} ", clips.key)
        ]
        told = factors[clips.labels] + noise * np.stack(own, axis=1)  # (2, N, 2)
        face, voice = np.tanh(told @ turn + shift)
        return face, voice

    return stream
