"""What the reliability explorer shows, as a pure function: a state in, outputs of the clip out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from mraf.data.clips import FeatureSet, unit
from mraf.errors import DataError, RunError
from mraf.evaluation.predict import forward
from mraf.variants.build import Network
from mraf.variants.config import MissingReliability
from mraf_lessons.kit.arrays import first_clip
from mraf_lessons.kit.rebuilt import rebuilt
from mraf_related.degradation import (
    FaceDegradation,
    VoiceDegradation,
    degrade_faces,
    degrade_voices,
)


@dataclass(frozen=True, eq=False)
class Gallery:
    """The training clips and what the network made of them."""

    train: FeatureSet  # they lend mean faces, other people's faces and clip noise
    centres: NDArray[np.float32]  # unit mean of each speaker's fused embeddings e_c, (C, d)

    @classmethod
    def of(cls, model: Network, train: FeatureSet, clips: int = 16, seed: int = 0) -> Gallery:
        """Embed at most `clips` clips of each speaker, drawn at random."""
        order = np.random.default_rng(seed).permutation(len(train))
        rows = [order[train.labels[order] == c][:clips] for c in range(model.config.speakers)]
        if any(len(own) == 0 for own in rows):
            raise DataError(f"{train.source}: every speaker needs a training clip in the gallery.")
        centres = [
            unit(forward(model, train[own]).fused_embedding.float().cpu().numpy()).mean(axis=0)
            for own in rows
        ]
        return cls(train, unit(np.stack(centres)))


@dataclass(frozen=True)
class ReliabilityState:
    """The controls of the explorer, apart from the clip's; see ``mraf_related.degradation``."""

    face: bool = True  # whether the face is there
    face_kind: FaceDegradation = "noise"
    face_amount: float = 0.0
    voice_kind: VoiceDegradation = "noise"
    voice_amount: float = 0.0
    missing_reliability: MissingReliability = "zero"  # "learned" asks a scorer untrained in it


UNTOUCHED = ReliabilityState()


class Guess(NamedTuple):
    """The most probable speakers of one head, most likely first."""

    speakers: NDArray[np.int64]  # their labels
    probabilities: NDArray[np.float32]  # by the softmax
    rank: int | None  # of the true speaker, from 1; None where the label is hidden

    @classmethod
    def of(cls, logits: NDArray[np.float32], speaker: int | None, number: int = 5) -> Guess:
        """The most probable speakers for logits of shape (C,)."""
        best = np.argsort(-logits, kind="stable")[:number]
        rank = None if speaker is None else 1 + int((logits > logits[speaker]).sum())
        return cls(best, softmax(logits)[best], rank)


class Seen(NamedTuple):
    """One clip as the network sees it."""

    output: Any  # an ``mraf.model.Output`` of arrays and numbers, without the batch's dimension
    likeness: NDArray[np.float32]  # cosine of e_c to the class centres, (C,)
    guesses: dict[str, Guess]  # by head


@dataclass(frozen=True, eq=False)
class DegradedClip:
    """One clip as it is and as the controls make it."""

    clip: str
    speaker: int | None
    language: str
    state: ReliabilityState
    before: Seen
    now: Seen
    moved: float  # cosine between the two fused embeddings


def degraded_clip(
    model: Network, gallery: Gallery, clip: FeatureSet, s: ReliabilityState = UNTOUCHED
) -> DegradedClip:
    """What the controls do to one clip, in a few milliseconds.

    Args:
        clip: a single clip with its face.
    Raises:
        RunError: more than one clip.
        DataError, RunError: as ``degrade_faces`` and ``degrade_voices``.
    """
    if len(clip) != 1:
        raise RunError(f"{len(clip)} clips given; the explorer shows one: clips[i : i + 1].")
    faces, voices = (np.random.default_rng([0, number]) for number in (0, 1))
    worse = degrade_faces(clip, s.face_kind, s.face_amount, faces, gallery.train)
    worse = degrade_voices(worse, s.voice_kind, s.voice_amount, voices, gallery.train)
    worse = worse if s.face else worse.without_faces()
    speaker = None if clip.speaker is None else int(clip.speaker[0])
    asked = model
    if s.missing_reliability != model.config.missing_reliability:
        asked = rebuilt(model, missing_reliability=s.missing_reliability)
    before, now = (first_clip(forward(*given)) for given in ((model, clip), (asked, worse)))
    e_c = unit(np.stack([before.fused_embedding, now.fused_embedding]))

    def seen(output: Any, embedding: NDArray[np.float32]) -> Seen:
        logits = output.logits._asdict().items()
        guesses = {head: Guess.of(own, speaker) for head, own in logits}
        return Seen(output, gallery.centres @ embedding, guesses)

    return DegradedClip(
        str(clip.key[0]), speaker, clip.language, s,
        before=seen(before, e_c[0]), now=seen(now, e_c[1]), moved=float(e_c[0] @ e_c[1]),
    )  # fmt: skip
