"""Random corpora for tests, in memory and as a folder in the official layout."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mraf.data.clips import FACE_DIM, VOICE_DIM, Corpus, FeatureSet


def random_clips(
    language: str,
    seed: int,
    *,
    speakers: int = 6,
    videos: int = 3,
    clips: int = 4,
    hidden: bool = False,
) -> FeatureSet:
    """speakers x videos x clips rows, separable by speaker, with norms as in the real features."""
    rng = np.random.default_rng(seed)
    people = np.random.default_rng(0)  # the same persons in every set
    face_means = people.normal(size=(speakers, FACE_DIM))
    voice_means = people.normal(size=(speakers, VOICE_DIM))
    place = language if seed < 3 else f"test-{language}"  # test videos are others
    speaker = np.repeat(np.arange(speakers), videos * clips)
    video = np.repeat(np.arange(speakers * videos), clips)
    face = face_means[speaker] + 0.5 * rng.normal(size=(len(speaker), FACE_DIM))
    voice = voice_means[speaker] + 0.5 * rng.normal(size=(len(speaker), VOICE_DIM))
    face /= np.linalg.norm(face, axis=1, keepdims=True)
    voice *= rng.uniform(160, 400, (len(speaker), 1)) / np.linalg.norm(voice, axis=1, keepdims=True)
    return FeatureSet(
        face=face.astype(np.float32),
        voice=voice.astype(np.float32),
        speaker=None if hidden else speaker,
        video=np.array(["" if hidden else f"{place}-{v:02d}" for v in video]),
        language=language,
        key=np.array([f"{language}/{seed}/{row:05d}" for row in range(len(speaker))]),
        source=f"tiny {language}",
    )


def random_corpus(
    language: str = "Urdu",
    version: str = "v1",
    *,
    speakers: int = 6,
    videos: int = 3,
    clips: int = 4,
    hidden: bool = False,
) -> Corpus:
    """A corpus of four such sets; with ``hidden``, labels and videos of the test sets are."""
    sizes = {"speakers": speakers, "videos": videos, "clips": clips}
    return Corpus(
        train=random_clips("English", 1, **sizes),
        cross=random_clips(language, 2, **sizes),
        test_english=random_clips("English", 3, hidden=hidden, **sizes),
        test_cross=random_clips(language, 4, hidden=hidden, **sizes),
        speakers=speakers,
        name="tiny",
        version=version,
    )


def challenge_spelling(path: str) -> str:
    """As the lists of the challenge spell feature paths: ``./facenetfeats/v1\\faces\\…``."""
    kind, version, rest = path.split("/", 2)
    return f"./{kind}/{version}\\" + rest.replace("/", "\\")


def write_official(
    folder: Path,
    corpus: Corpus | None = None,
    *,
    lists: str = "csv_files/comp",
    features: str = "feats",
    voice_folder: str = "ecappafeats",
    face_folder: str = "facenetfeats",
    test_features: str = "features",
    voice_column: str = "voices",
    spell: Callable[[str], str] = challenge_spelling,
) -> Path:
    """Write a corpus as the challenge ships it; ``load(folder)`` gives back the same arrays.

    Version and second language are the corpus's. Labels of the test sets are left out, and so
    are the test sets that the corpus does not have. The defaults spell all as v1 does.

    Returns:
        The folder.
    """
    corpus = corpus or random_corpus(speakers=3, videos=2, clips=2, hidden=True)
    version = corpus.version
    (folder / lists).mkdir(parents=True, exist_ok=True)

    def save(place: str, vectors: np.ndarray, paths: list[str]) -> None:
        for vector, path in zip(vectors, paths, strict=True):
            target = folder / place / f"{path}.npy"
            target.parent.mkdir(parents=True, exist_ok=True)
            np.save(target, vector)

    def write(kind: str, language: str, header: list[str], rows: list[list[str]]) -> None:
        path = folder / lists / f"{version}_{kind}_{language}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])

    for clips in (corpus.train, corpus.cross):
        people = [f"id{label + 1:04d}" for label in clips.labels]
        places = [
            f"{person}/{clips.language}/{video}/{row:05d}"
            for row, (person, video) in enumerate(zip(people, clips.video, strict=True))
        ]
        voices = [f"{version}/voices/{place}" for place in places]
        faces = [f"{version}/faces/{place}" for place in places]
        save(f"{features}/{voice_folder}", clips.voice, voices)
        save(f"{features}/{face_folder}", clips.face, faces)
        header = ["audio_path", "face_path", "identity", "facenet_feats_path", "label"]
        rows = [
            [
                f"./{voice}.wav",
                f"./{face}.jpg",
                person,
                spell(f"{face_folder}/{face}.npy"),
                f"{label}.0",
                spell(f"wavlmsvfeats/{voice}.npy"),  # listed, but not read
                spell(f"{voice_folder}/{voice}.npy"),
            ]
            for voice, face, person, label in zip(voices, faces, people, clips.labels, strict=True)
        ]
        header += ["wavlmsv_feats_path", "ecappa_feats_path"]
        write("train", clips.language, header, rows)
    for clips in (corpus.test_english, corpus.test_cross):
        if clips is not None:
            numbers = [f"{clips.language}/{row + 1:05d}" for row in range(len(clips))]
            voices = [f"test/{version}/voices/{number}" for number in numbers]
            faces = [f"test/{version}/faces/{number}" for number in numbers]
            save(test_features, clips.voice, voices)
            save(test_features, clips.face, faces)
            rows = [
                [f"key{row:05d}", f"{voice}.wav", f"{face}.jpg"]
                for row, (voice, face) in enumerate(zip(voices, faces, strict=True))
            ]
            write("test", clips.language, ["key", voice_column, "faces"], rows)
    return folder
