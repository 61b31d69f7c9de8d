"""The twin: a synthetic MAV-Celeb, drawn from scalars measured on the real features.

A random-effects model gives the rows (`mraf.data.twin.factors`), drawn people say who speaks in
which video (`mraf.data.twin.people`); a random basis turns the rows into their modality's space.

``twin.json``, which `tools.fit_twin` measures, holds aggregates over all people only. No direction
of the real feature space is kept, so no template of a person can be recovered.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from mraf.data.clips import FACE_DIM, VOICE_DIM, Corpus, FeatureSet
from mraf.data.twin.factors import Floats, Scalars, balanced_levels, draw_coordinates
from mraf.data.twin.people import PARTS, People, draw_people, stream
from mraf.errors import DataError

LANGUAGES = ("English", "Urdu")
FLOOR = 1e-9  # energy of each coordinate beyond the last band
KEPT = {"face": (1, 2, 4, 5, 8, 9, 13, 20), "voice": (2, 15)}
"""Draws that bring the shipped twin nearest to the real one, as `tools.fit_twin.search` finds."""
NORM_LEVELS = (0, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1)


@cache
def calibration() -> Scalars:
    """The scalars that ship with the package (``mraf/data/twin/twin.json``)."""
    return json.loads((files("mraf.data.twin") / "twin.json").read_text(encoding="utf-8"))


def generate(seed: int = 0, speakers: int | None = None, scalars: Scalars | None = None) -> Corpus:
    """Draw a twin of MAV-Celeb v1: same shape, same counts, same statistics, no real person.

    Test labels and test videos are visible, unlike those of the real corpus.

    Args:
        speakers: videos and clips grow with their number. None: as many as the real one.
        scalars: another calibration than the one shipped (`python -m tools.fit_twin`).
    Raises DataError for less than two speakers.
    """
    kept = KEPT if (seed, speakers, scalars) == (0, None, None) else {}
    scalars = calibration() if scalars is None else scalars
    speakers = scalars["counts"]["speakers"] if speakers is None else speakers
    if speakers < 2:
        raise DataError(f"twin: {speakers} speaker(s) asked for; identification needs at least 2.")
    people = draw_people(seed, scalars, speakers)

    def rows(name: str, dim: int) -> Floats:
        """What is drawn for each clip, before it is shown in others, shape (N, dim)."""
        drawn = draw_coordinates(stream(seed, name), scalars[name], people, kept.get(name, ()))
        return _rotate(drawn, stream(seed, f"{name} basis"), dim)

    face, voice = rows("face", FACE_DIM), rows("voice", VOICE_DIM)
    voice *= _norms(stream(seed, "norm"), scalars["norm"], people)[:, None]
    face, voice = face[people.rows("face")], voice[people.rows("voice")]
    parts: dict[str, Any] = {
        name: _part(people, face, voice, part) for part, name in enumerate(PARTS)
    }
    return Corpus(**parts, speakers=speakers, name="twin")


def _rotate(rows: Floats, rng: np.random.Generator, dim: int) -> Floats:
    """Turn coordinates (N, D) into a space of `dim` dimensions by a random orthonormal basis."""
    basis, triangle = np.linalg.qr(rng.standard_normal((dim, rows.shape[1])))
    basis *= np.sign(np.diag(triangle))  # uniform over all orthonormal bases
    turned = rows @ basis.T.astype(np.float32)
    if rows.shape[1] < dim:  # a little noise fills the rest, as rounding does in the real rows
        turned += np.float32(np.sqrt(FLOOR)) * rng.standard_normal(turned.shape, dtype=np.float32)
        turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    return turned


def _norms(rng: np.random.Generator, scalars: Scalars, people: People) -> Floats:
    """Lengths of the voices, shape (N,): their quantiles, and how far they follow the video."""
    share = scalars["video_share"]
    video = ndtri(balanced_levels(rng, np.bincount(people.video), people.part))
    latent = np.sqrt(share) * video[people.factor][people.video]
    latent += np.sqrt(1 - share) * rng.standard_normal(len(people.video))
    return np.interp(ndtr(latent), NORM_LEVELS, scalars["quantiles"]).astype(np.float32)


def _part(people: People, face: Floats, voice: Floats, part: int) -> FeatureSet:
    rows = np.flatnonzero(people.part[people.video] == part)
    video = people.video[rows]
    speaker, name, language = people.speaker[video], people.name[video], LANGUAGES[part % 2]
    key = [f"test{i:06d}" for i in range(len(rows))]  # as in POLY-SIM, equal keys mean nothing
    if part < 2:
        number = rows - np.searchsorted(people.video, video)
        key = [
            f"id{s + 1:04d}/{language}/{n}/{i:05d}"
            for s, n, i in zip(speaker, name, number, strict=True)
        ]
    source = f"twin {PARTS[part]}"
    return FeatureSet(face[rows], voice[rows], speaker, name, language, np.array(key), source)
