"""What the widgets show, as pure functions: a state in, a dataclass of arrays out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mraf.data.clips import FeatureSet
from mraf.data.degradation import FaceDegradation, VoiceDegradation, degrade_faces, degrade_voices
from mraf.data.describe import unit
from mraf.errors import DataError, RunError
from mraf.evaluation.predict import forward
from mraf.model import Output
from mraf.variants.build import Network, rebuilt
from mraf.variants.config import MissingReliability

Array = NDArray[Any]
HEADS = ("face", "voice", "fused")


@dataclass(frozen=True, eq=False)
class Gallery:
    """The training clips and what the network made of them.

    Args:
        train: clips that lend mean faces, other people's faces and clip noise.
        centres: unit mean of each speaker's fused embeddings e_c, shape (C, d).
    """

    train: FeatureSet
    centres: NDArray[np.float32]

    @classmethod
    def of(cls, model: Network, train: FeatureSet, clips: int = 16, seed: int = 0) -> Gallery:
        """Embed at most `clips` clips of each speaker, drawn at random."""
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(train))
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
    """The controls of the reliability explorer, apart from the choice of the clip.

    Args:
        face: whether the face is there.
        face_kind, face_amount, voice_kind, voice_amount: see ``mraf.data.degradation``.
        missing_reliability: r_f of a missing face; "zero" is the paper, "learned" asks the scorer,
            which a run of the paper never trained on the stand-in.
        seed: of the directions and of the other person drawn.
    """

    face: bool = True
    face_kind: FaceDegradation = "noise"
    face_amount: float = 0.0
    voice_kind: VoiceDegradation = "noise"
    voice_amount: float = 0.0
    missing_reliability: MissingReliability = "zero"
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Guess:
    """The most probable speakers of one head: labels and softmax probabilities, most likely first.

    rank: of the true speaker, from 1; None where the label is hidden.
    """

    speakers: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    rank: int | None


@dataclass(frozen=True, eq=False)
class View:
    """One clip as the network sees it. K tokens, C speakers; pairs are by "face" and "voice"."""

    reliability: dict[str, float]  # r_f, r_a
    weight: dict[str, float]  # w_f, w_a
    norms: dict[str, Array]  # |h_k| before weighting, (K,)
    weighted_norms: dict[str, Array]  # |ĥ_k| after weighting, (K,)
    attention: dict[str, Array] | None  # query modality: mean map over the heads, (K, K)
    guesses: dict[str, Guess]  # by head: face, voice, fused
    likeness: NDArray[np.float32]  # cosine of e_c to the class centres, (C,)


@dataclass(frozen=True, eq=False)
class Exploration:
    """One clip as it is and as the controls make it.

    moved: cosine between the two fused embeddings.
    """

    clip: str
    speaker: int | None
    language: str
    state: ReliabilityState
    before: View
    now: View
    moved: float


def explore(
    model: Network, gallery: Gallery, clip: FeatureSet, state: ReliabilityState | None = None
) -> Exploration:
    """What the controls do to one clip, in a few milliseconds.

    Args:
        clip: a single clip with its face.
    Raises:
        RunError: more than one clip.
        DataError, RunError: as ``degrade_faces`` and ``degrade_voices``.
    """
    state = state or ReliabilityState()
    if len(clip) != 1:
        raise RunError(f"{len(clip)} clips given; the explorer shows one: clips[i : i + 1].")
    draw = np.random.default_rng
    worse = degrade_faces(
        clip, state.face_kind, state.face_amount, draw([state.seed, 0]), gallery.train
    )
    worse = degrade_voices(
        worse, state.voice_kind, state.voice_amount, draw([state.seed, 1]), gallery.train
    )
    worse = worse if state.face else worse.without_faces()
    before = forward(model, clip)
    now = run_with(model, worse, state.missing_reliability)
    label = None if clip.speaker is None else int(clip.speaker[0])
    one, other = (unit(o.fused_embedding.float().cpu().numpy())[0] for o in (before, now))
    return Exploration(
        clip=str(clip.key[0]),
        speaker=label,
        language=clip.language,
        state=state,
        before=_view(before, label, gallery.centres @ one),
        now=_view(now, label, gallery.centres @ other),
        moved=float(one @ other),
    )


def run_with(model: Network, clips: FeatureSet, missing_reliability: MissingReliability) -> Output:
    """``forward`` with another reliability of missing faces than the network was built with."""
    return forward(rebuilt(model, missing_reliability=missing_reliability), clips)


def top(logits: Tensor, speaker: int | None, number: int = 5) -> Guess:
    """The most probable speakers for logits of shape (C,)."""
    probabilities = logits.float().softmax(dim=-1)
    best = probabilities.topk(min(number, len(probabilities)))
    rank = None if speaker is None else 1 + int((logits > logits[speaker]).sum())
    return Guess(best.indices.cpu().numpy(), best.values.cpu().numpy(), rank)


def _view(output: Output, speaker: int | None, likeness: NDArray[np.float32]) -> View:
    def norms(tokens: Tensor) -> Array:
        found: Array = tokens[0].norm(dim=-1).float().cpu().numpy()
        return found

    attention = None
    if output.attention is not None:
        maps = output.attention
        attention = {m: getattr(maps, m)[0].float().mean(0).cpu().numpy() for m in maps._fields}
    pairs = ("face", "voice")
    return View(
        reliability={m: float(getattr(output.reliability, m)[0]) for m in pairs},
        weight={m: float(getattr(output.weight, m)[0]) for m in pairs},
        norms={m: norms(getattr(output, m).encoded) for m in pairs},
        weighted_norms={m: norms(getattr(output.weighted, m)) for m in pairs},
        attention=attention,
        guesses={head: top(getattr(output.logits, head)[0], speaker) for head in HEADS},
        likeness=likeness,
    )
