"""Fixtures that every test may use: a tiny random corpus, a tiny official folder, the real one."""

from __future__ import annotations

import numpy as np
import pytest

from mraf.data.features import FACE_DIM, VOICE_DIM, Corpus, FeatureSet

SPEAKERS, VIDEOS, CLIPS = 6, 3, 4


def random_clips(language: str, seed: int, *, hidden: bool = False) -> FeatureSet:
    """SPEAKERS x VIDEOS x CLIPS clips, separable by speaker, with norms as in the real features."""
    rng = np.random.default_rng(seed)
    people = np.random.default_rng(0)  # the same persons in every set
    face_means = people.normal(size=(SPEAKERS, FACE_DIM))
    voice_means = people.normal(size=(SPEAKERS, VOICE_DIM))
    speaker = np.repeat(np.arange(SPEAKERS), VIDEOS * CLIPS)
    video = np.repeat(np.arange(SPEAKERS * VIDEOS), CLIPS)
    face = face_means[speaker] + 0.5 * rng.normal(size=(len(speaker), FACE_DIM))
    voice = voice_means[speaker] + 0.5 * rng.normal(size=(len(speaker), VOICE_DIM))
    face /= np.linalg.norm(face, axis=1, keepdims=True)
    voice *= rng.uniform(160, 400, (len(speaker), 1)) / np.linalg.norm(voice, axis=1, keepdims=True)
    return FeatureSet(
        face=face.astype(np.float32),
        voice=voice.astype(np.float32),
        speaker=None if hidden else speaker,
        video=np.array(["" if hidden else f"{language}-{v:02d}" for v in video]),
        language=language,
        key=np.array([f"{language}/{seed}/{row:05d}" for row in range(len(speaker))]),
        source=f"tiny {language}",
    )


@pytest.fixture(scope="session")
def tiny_corpus() -> Corpus:
    """6 speakers, 3 videos each, 4 clips per video and set: 72 clips in each of the four sets."""
    return Corpus(
        train=random_clips("English", 1),
        cross=random_clips("Urdu", 2),
        test_english=random_clips("English", 3),
        test_cross=random_clips("Urdu", 4),
        speakers=SPEAKERS,
        name="tiny",
    )
