"""Faces and voices made worse on purpose, by a known amount: the true quality of a feature.

Every kind turns a feature towards a target and keeps its length,

    x' = |x| · unit((1 - amount) · unit(x) + amount · target),

so that an amount of 0 is the clip as it is and 1 the target alone. A generator in the same state
draws the same targets for every amount: a sweep of amounts walks each clip along one path.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mraf.data.clips import FeatureSet, unit, video_index
from mraf.data.draws import other_speakers
from mraf.errors import DataError, RunError

FaceDegradation = Literal["noise", "mean face", "swap"]
VoiceDegradation = Literal["noise", "shorter clip"]
Floats = NDArray[np.float32]


def degrade_faces(
    clips: FeatureSet,
    kind: FaceDegradation,
    amount: float,
    rng: np.random.Generator,
    reference: FeatureSet | None = None,
) -> FeatureSet:
    """Clips with worse faces; a missing face stays missing, voices stay as they are.

    Args:
        kind: "noise" turns towards a random direction, one for each clip; "mean face" shrinks
            towards the mean of the reference's faces, as a blurred picture looks like anybody;
            "swap" turns towards the face of another speaker, drawn among the reference's clips.
        amount: 0 (as it is) to 1 (the target alone).
        rng: draws directions and other speakers' faces.
        reference: clips to take faces from; by default the clips themselves.
    Raises:
        RunError: an unknown kind, or an amount outside [0, 1].
        DataError: the reference has no face, or for a clip no face of another speaker.
    """
    _check(kind, get_args(FaceDegradation), amount)
    pool = clips if reference is None else reference
    there = np.flatnonzero(~pool.face_missing)
    if kind == "noise":
        target = unit(rng.standard_normal(clips.face.shape, dtype=np.float32))
    elif kind == "mean face":
        if not len(there):
            raise DataError(f"{pool.source}: no clip has a face; give a reference that has.")
        target = unit(unit(pool.face[there]).mean(axis=0, keepdims=True))
    else:
        try:
            other = there[other_speakers(clips.labels, pool.labels[there], rng)]
        except DataError as error:
            remedy = "give a reference with faces of several speakers"
            raise DataError(f"{pool.source}: {error}; {remedy}.") from None
        target = unit(pool.face[other])
    return replace(clips, face=_turned(clips.face, target, 1 - amount, amount))


def degrade_voices(
    clips: FeatureSet,
    kind: VoiceDegradation,
    amount: float,
    rng: np.random.Generator,
    reference: FeatureSet | None = None,
) -> FeatureSet:
    """Clips with worse voices, as `degrade_faces`; faces stay as they are.

    "noise" turns towards a random direction. "shorter clip" is a model, since a feature cannot be
    cut: a clip's unit voice is its video's mean plus noise whose variance falls with the clip's
    length. A share s = 1 - amount of the clip then has 1/s times the noise, x + √(1/s - 1) n, of
    which the direction √s x + √(1-s) n is kept. n is how far a random clip of the reference lies
    from the mean of its own video.

    Raises:
        RunError: an unknown kind, or an amount outside [0, 1].
        DataError: the reference has no video with two different voices.
    """
    _check(kind, get_args(VoiceDegradation), amount)
    if kind == "noise":
        target = unit(rng.standard_normal(clips.voice.shape, dtype=np.float32))
        return replace(clips, voice=_turned(clips.voice, target, 1 - amount, amount))
    noise = _clip_noise(clips if reference is None else reference)
    target = noise[rng.integers(0, len(noise), len(clips))]
    return replace(clips, voice=_turned(clips.voice, target, (1 - amount) ** 0.5, amount**0.5))


def _check(kind: str, kinds: tuple[str, ...], amount: float) -> None:
    if kind not in kinds:
        raise RunError(f"unknown degradation '{kind}'; choose one of {', '.join(kinds)}.")
    if not 0 <= amount <= 1:
        raise RunError(f"amount={amount}: must lie between 0 (as it is) and 1.")


def _turned(rows: Floats, target: Floats, own: float, other: float) -> Floats:
    """Rows (N, D) in the direction own · unit(row) + other · target, of their own length."""
    if other == 0:
        return rows
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return length * unit(own * unit(rows) + other * target)


def _clip_noise(clips: FeatureSet) -> Floats:
    """Unit voices minus the mean of their video, with the variance of a single clip, (M, 192)."""
    if clips.speaker is None or not np.any(clips.video != ""):
        reason = "the videos are hidden, so clip noise cannot be measured; give a reference that"
        raise DataError(f"{clips.source}: {reason} names speakers and videos.")
    video = video_index(clips)
    size = np.bincount(video)
    order = np.argsort(video, kind="stable")
    voice = unit(clips.voice)
    mean = np.add.reduceat(voice[order], np.cumsum(size) - size) / size[:, None]
    residual = voice - mean[video]
    # Of videos with fewer than two different voices, rounding between copies is all that is left.
    useful = np.linalg.norm(residual, axis=1) > 1e-4
    if not useful.any():
        reason = "no video has two different voices, so clip noise cannot be measured"
        raise DataError(f"{clips.source}: {reason}; give a larger reference.")
    short = np.sqrt(1 - 1 / size[video][useful])  # from the mean of n clips: √(1 - 1/n) too short
    return (residual[useful] / short[:, None]).astype(np.float32)
