"""Degradations: the identity at 0, lengths kept, the target at 1, and the same path for a seed."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mraf.data.clips import Corpus, FeatureSet, unit
from mraf.errors import DataError, RunError
from mraf_related.degradation import (
    FaceDegradation,
    VoiceDegradation,
    degrade_faces,
    degrade_voices,
)

FACES, VOICES = get_args(FaceDegradation), get_args(VoiceDegradation)
DEGRADATIONS = [("face", degrade_faces, k) for k in FACES]
DEGRADATIONS += [("voice", degrade_voices, k) for k in VOICES]
every_kind = pytest.mark.parametrize(("modality", "degrade", "kind"), DEGRADATIONS)


def small(seed: int = 0, speakers: int = 4, clips: int = 24) -> FeatureSet:
    """Clips of several speakers, two videos each, one face in six missing."""
    rng = np.random.default_rng(seed)
    face = rng.normal(size=(clips, 512)).astype(np.float32)
    face[::6] = 0
    voice = (250 * rng.normal(size=(clips, 192))).astype(np.float32)
    speaker = np.arange(clips) % speakers
    video = np.array([f"video {i % speakers} {i // speakers % 2}" for i in range(clips)])
    return FeatureSet(face, voice, speaker, video, "English", np.arange(clips).astype(str))


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("nd,nd->n", unit(a), unit(b))


@every_kind
def test_an_amount_of_zero_is_the_identity(modality, degrade, kind):
    clips = small()
    same = degrade(clips, kind, 0, np.random.default_rng(0))
    assert np.array_equal(same.face, clips.face)
    assert np.array_equal(same.voice, clips.voice)


@every_kind
@given(amount=st.floats(0, 1), seed=st.integers(0, 2**31))
@settings(max_examples=20)
def test_lengths_the_other_modality_and_missing_faces_stay(modality, degrade, kind, amount, seed):
    clips = small(seed)
    worse = degrade(clips, kind, amount, np.random.default_rng(seed))
    for name in ("face", "voice"):
        before, after = (np.linalg.norm(getattr(x, name), axis=1) for x in (clips, worse))
        assert np.allclose(before, after, rtol=1e-5)
    other = "voice" if modality == "face" else "face"
    assert np.array_equal(getattr(worse, other), getattr(clips, other))
    assert np.array_equal(worse.face_missing, clips.face_missing)
    assert getattr(worse, modality).dtype == np.float32
    assert worse.key is clips.key


@every_kind
@given(seed=st.integers(0, 2**31))
@settings(max_examples=10)
def test_the_more_the_farther_and_on_one_path(modality, degrade, kind, seed):
    clips = small(seed)
    there = np.flatnonzero(~clips.face_missing)
    own = getattr(clips, modality)
    turned = [
        getattr(degrade(clips, kind, amount, np.random.default_rng(seed)), modality)
        for amount in np.linspace(0, 1, 6)
    ]
    likeness = np.array([cosine(rows, own)[there] for rows in turned])
    assert (np.diff(likeness, axis=0) < 1e-5).all()
    # each clip moves in the plane of its own feature and one target
    for clip in there[:5]:
        plane = np.stack([rows[clip] for rows in turned]) / np.linalg.norm(own[clip])
        assert np.linalg.svd(plane, compute_uv=False)[2] < 1e-4


@every_kind
def test_the_generator_decides(modality, degrade, kind):
    clips = small()
    one, again, other = (
        getattr(degrade(clips, kind, 0.5, np.random.default_rng(seed)), modality)
        for seed in (1, 1, 2)
    )
    assert np.array_equal(one, again)
    assert np.array_equal(one, other) == (kind == "mean face")  # nothing is drawn there


def test_the_mean_face_leaves_out_the_missing_ones():
    clips = small()
    worse = degrade_faces(clips, "mean face", 1, np.random.default_rng(0))
    there = ~clips.face_missing
    expected = unit(unit(clips.face[there]).mean(axis=0, keepdims=True))
    assert np.allclose(cosine(worse.face[there], np.repeat(expected, there.sum(), 0)), 1, atol=1e-5)


def test_a_swapped_face_is_another_speakers_and_all_of_them_are_drawn():
    clips, reference = small(), small(1, speakers=3, clips=30)
    seen = set()
    for seed in range(40):
        worse = degrade_faces(clips, "swap", 1, np.random.default_rng(seed), reference)
        nearest = (unit(worse.face) @ unit(reference.face).T).argmax(axis=1)
        there = ~clips.face_missing
        assert (reference.labels[nearest] != clips.labels)[there].all()
        seen |= {(int(clips.labels[i]), int(nearest[i])) for i in np.flatnonzero(there)}
    faces = np.flatnonzero(~reference.face_missing)
    possible = {(s, int(r)) for s in range(4) for r in faces if reference.labels[r] != s}
    assert seen <= possible
    assert len(seen) > 0.95 * len(possible)


def test_a_shorter_clip_has_the_noise_that_its_length_predicts(tiny_corpus: Corpus):
    """Drawn from the model, a quarter of the length must have 4 times the variance."""
    rng = np.random.default_rng(0)
    videos, clips, sigma = 200, 8, 0.02
    centre = unit(rng.normal(size=(videos, 192))).repeat(clips, axis=0)
    voice = (centre + sigma * rng.normal(size=centre.shape)).astype(np.float32)
    number = np.arange(len(voice))
    drawn = FeatureSet(
        np.ones((len(voice), 512), np.float32), voice, number // clips % 5,
        (number // clips).astype(str), "English", number.astype(str),
    )  # fmt: skip
    quarter = degrade_voices(drawn, "shorter clip", 0.75, np.random.default_rng(1))

    def spread(clips: FeatureSet) -> float:
        """Noise over signal: tan² of the mean angle to the video's direction."""
        c = cosine(clips.voice, centre)
        return float(np.mean(1 / c**2 - 1))

    assert spread(quarter) / spread(drawn) == pytest.approx(4, rel=0.05)


def test_what_cannot_be_done_is_said():
    clips = small()
    rng = np.random.default_rng(0)
    with pytest.raises(RunError, match="unknown degradation 'blur'; choose one of noise"):
        degrade_faces(clips, "blur", 0.5, rng)
    with pytest.raises(RunError, match="unknown degradation 'swap'"):
        degrade_voices(clips, "swap", 0.5, rng)
    for amount in (-0.1, 1.1, float("nan")):
        with pytest.raises(RunError, match="between 0"):
            degrade_faces(clips, "noise", amount, rng)
    with pytest.raises(DataError, match="no clip has a face"):
        degrade_faces(clips, "mean face", 0.5, rng, clips.without_faces())
    with pytest.raises(DataError, match="nobody but speaker 1"):
        degrade_faces(clips[clips.labels == 1], "swap", 0.5, rng)
    with pytest.raises(DataError, match="labels are hidden"):
        degrade_faces(replace(clips, speaker=None), "swap", 0.5, rng)
    with pytest.raises(DataError, match="videos are hidden"):
        degrade_voices(replace(clips, video=np.full(len(clips), "")), "shorter clip", 0.5, rng)
    with pytest.raises(DataError, match="no video has two different voices"):
        degrade_voices(clips[:1], "shorter clip", 0.5, rng)
