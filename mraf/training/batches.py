"""Training clips on the device: placed once, then cut into batches by a permutation."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mraf.data.clips import FeatureSet
from mraf.data.draws import other_speakers
from mraf.errors import DataError
from mraf.losses import Batch
from mraf.model import MRAF
from mraf.variants.agreement import Agreement
from mraf.variants.config import Sampling, TrainingConfig
from mraf.variants.stand_ins import FittedStandIn


@dataclass(frozen=True)
class TrainingClips:
    """Features and labels of all training clips, on the device."""

    face: Tensor
    voice: Tensor
    speaker: Tensor
    video: Tensor  # its number (N,)

    @classmethod
    def place(
        cls, clips: FeatureSet, device: torch.device, speakers: int | None = None
    ) -> "TrainingClips":
        """Copy labelled clips. Raises DataError on a missing face or a label ≥ ``speakers``."""
        highest = int(clips.labels.max())
        if speakers is not None and highest >= speakers:
            raise DataError(
                f"{clips.source}: speaker label {highest}, but the network has {speakers} classes "
                f"(0 … {speakers - 1})."
            )
        if absent := int(clips.face_missing.sum()):
            raise DataError(
                f"{clips.source}: {absent} training clips have no face; drop them, missing faces "
                "are simulated during training (audio_only_probability)."
            )
        video = np.unique(clips.video, return_inverse=True)[1]
        arrays = (clips.face, clips.voice, clips.labels, video)
        return cls(*(torch.from_numpy(np.array(array)).to(device) for array in arrays))

    def __len__(self) -> int:
        return len(self.speaker)

    def fit(self, model: nn.Module, generator: torch.Generator) -> None:
        """Fit stand-ins and class means, which are not trained; a memory bank is drawn."""
        for part in model.modules():
            if isinstance(part, MRAF) and isinstance(part.missing_face, FittedStandIn):
                part.missing_face.fit(*part.inputs(self.face, self.voice), generator)
            elif isinstance(part, Agreement):
                part.fit(self.face, self.voice, self.speaker, self.video)

    def clips_of(self, speakers: int) -> Tensor:
        """Number of clips of each speaker (C,)."""
        return self.speaker.bincount(minlength=speakers)

    def probabilities(self, sampling: Sampling) -> NDArray[np.float64]:
        """How probable each clip is to be the next, shape (N,)."""
        speaker, video = (x.cpu().numpy() for x in (self.speaker, self.video))
        p = np.ones(len(speaker))
        for group in {"clip": (), "speaker": (speaker,), "video": (video, speaker)}[sampling]:
            p /= np.bincount(group, weights=p)[group]  # of each group the same
        return p / p.sum()

    def batches(self, config: TrainingConfig, epoch: int) -> Iterator[Batch]:
        """An epoch of as many clips as there are; all that is drawn follows from (seed, epoch)."""
        rng = np.random.default_rng([config.seed, epoch])
        if config.sampling == "clip":
            order = rng.permutation(len(self))
        else:
            order = rng.choice(len(self), len(self), p=self.probabilities(config.sampling))
        drawn_for = 1 if config.audio_only_per == "clip" else config.batch_size  # clips
        draws = rng.random(number_of_batches(len(self), drawn_for))
        draws = np.repeat(draws, drawn_for)[: len(self)]
        audio_only = draws[:, None] < config.audio_only_probability
        shown = order  # the clips whose faces are shown
        if config.swapped_faces:  # drawn last: runs of one seed share all other draws
            speaker = self.speaker.cpu().numpy()
            swapped = rng.random(len(self)) < config.swapped_faces
            shown = np.where(swapped, other_speakers(speaker[order], speaker, rng), order)
        split = (
            torch.from_numpy(x).to(self.speaker.device).split(config.batch_size)
            for x in (order, shown, audio_only)
        )
        for rows, faces, alone in zip(*split, strict=True):
            whose = self.speaker[rows], alone, self.speaker[faces]
            yield Batch(self.face[faces], self.voice[rows], *whose)


def number_of_batches(clips: int, batch_size: int) -> int:
    """Steps of one epoch; the last batch may be smaller."""
    return -(-clips // batch_size)
