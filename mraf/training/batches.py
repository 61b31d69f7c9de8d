"""Training clips on the device: placed once, then cut into batches by a permutation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mraf.data.clips import FeatureSet
from mraf.data.draws import other_speakers
from mraf.errors import DataError
from mraf.losses import Batch
from mraf.variants.config import Sampling, TrainingConfig


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
    ) -> TrainingClips:
        """Copy a labelled, complete FeatureSet.

        Raises:
            DataError: hidden labels, a missing face, or a label that is not below ``speakers``.
        """
        if speakers is not None and (highest := int(clips.labels.max())) >= speakers:
            raise DataError(
                f"{clips.source}: speaker label {highest}, but the network has {speakers} classes "
                f"(0 … {speakers - 1})."
            )
        if (absent := int(clips.face_missing.sum())) > 0:
            raise DataError(
                f"{clips.source}: {absent} training clips have no face; drop them, missing faces "
                "are simulated during training (audio_only_probability)."
            )
        video = np.unique(clips.video, return_inverse=True)[1]
        arrays = (clips.face, clips.voice, clips.labels, video)
        return cls(*(torch.from_numpy(np.array(array)).to(device) for array in arrays))

    def __len__(self) -> int:
        return len(self.speaker)

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
        if config.audio_only_per == "clip":
            draws = rng.random(len(self))
        else:
            count = number_of_batches(len(self), config.batch_size)
            draws = np.repeat(rng.random(count), config.batch_size)[: len(self)]
        audio_only = draws[:, None] < config.audio_only_probability
        shown = order  # the clips whose faces are shown
        if config.swapped_faces:  # drawn last: runs of one seed share all other draws
            speaker = self.speaker.cpu().numpy()
            swapped = rng.random(len(self)) < config.swapped_faces
            shown = np.where(swapped, other_speakers(speaker[order], speaker, rng), order)
        drawn = (order, shown, audio_only)
        on_device = (torch.from_numpy(x).to(self.speaker.device) for x in drawn)
        split = (x.split(config.batch_size) for x in on_device)
        for rows, faces, alone in zip(*split, strict=True):
            yield Batch(
                self.face[faces],
                self.voice[rows],
                self.speaker[rows],
                alone,
                face_speaker=self.speaker[faces],
            )


def number_of_batches(clips: int, batch_size: int) -> int:
    """Steps of one epoch; the last batch may be smaller."""
    return -(-clips // batch_size)
