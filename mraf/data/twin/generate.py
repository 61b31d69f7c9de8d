"""The twin: a synthetic MAV-Celeb, drawn from scalars measured on the real features.

A random-effects model gives the rows (`mraf.data.twin.factors`), a layout says who speaks in which
video (`mraf.data.twin.people`); a random basis turns the rows into the space of their modality.

``twin.json`` holds aggregates over all people only: how much energy each factor has in bands of
the common basis, how heavy its tails are, how videos and clips are counted. No direction of the
real feature space is kept, so no template of a person can be recovered. ``python -m tools.fit_twin``
measures it (`tools.fit_twin.moments`).
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import numpy as np
from scipy.special import ndtr, ndtri

from mraf.data.clips import FACE_DIM, VOICE_DIM, Corpus, FeatureSet
from mraf.data.twin.factors import Floats, Scalars, balanced_levels, draw_coordinates
from mraf.data.twin.people import FLAWS, PARTS, Ints, Layout, draw_layout
from mraf.errors import DataError

LANGUAGES = ("English", "Urdu")
DRAWS = 24
"""Draws of the factors at most (see `draw_coordinates`)."""
FLOOR = 1e-9
"""Energy of each coordinate beyond the last band."""
NORM_LEVELS = (0, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1)


@cache
def calibration() -> Scalars:
    """The scalars that ship with the package (``mraf/data/twin/twin.json``)."""
    text = files("mraf.data.twin").joinpath("twin.json").read_text(encoding="utf-8")
    scalars: Scalars = json.loads(text)
    return scalars


def generate(
    seed: int = 0,
    speakers: int | None = None,
    scalars: Scalars | None = None,
    draws: int = DRAWS,
) -> Corpus:
    """Draw a twin of MAV-Celeb v1: same shape, same counts, same statistics, no real person.

    Test labels and test videos are visible, unlike those of the real corpus.

    Args:
        seed: same seed, same corpus.
        speakers: number of speakers; videos and clips grow with it. None: as many as the real one.
        scalars: another calibration than the one shipped, as `tools.fit_twin.moments.fit_twin`
        returns it. draws: of the factors, of which that of the measured accuracy is kept; 1 for a
        free draw.
            With another number of speakers it is always one, since then accuracies differ.
    """
    scalars = calibration() if scalars is None else scalars
    speakers = scalars["counts"]["speakers"] if speakers is None else speakers
    if speakers < 2:
        raise DataError(f"twin: {speakers} speaker(s) asked for; identification needs at least 2.")
    layout, group = draw_people(seed, scalars, speakers)
    if speakers != scalars["counts"]["speakers"]:
        draws = 1
    face, voice = (
        rotate(
            draw_coordinates(
                stream(seed, name), scalars[name], layout, group, layout.rows(name), draws
            ),
            stream(seed, f"{name} basis"),
            dim,
        )
        for name, dim in (("face", FACE_DIM), ("voice", VOICE_DIM))
    )
    voice *= draw_norms(stream(seed, "norm"), scalars["norm"], layout)[:, None]
    face, voice = face[layout.rows("face")], voice[layout.rows("voice")]
    parts = (_part(layout, face, voice, part) for part in range(len(PARTS)))
    train, cross, test_english, test_cross = parts
    return Corpus(train, cross, test_english, test_cross, speakers, "twin")


def few_clips(scalars: Scalars, train: int = 4, test: int = 1) -> Scalars:
    """A calibration of equally few clips a speaker, without flaws: for very many speakers.

    Args:
        scalars: what all else is taken from.
        train: English training clips of each speaker, in two videos.
        test: clips of each speaker in each other set, in one video.
    Raises:
        DataError: less than two training clips or one of the others.
    """
    if train < 2 or test < 1:
        raise DataError(f"twin: {train} training and {test} other clips; needs at least 2 and 1.")
    speakers = scalars["counts"]["speakers"]
    counts = scalars["counts"] | {f"{flaw}_videos": 0 for flaw in FLAWS}
    for part in PARTS:
        clips, videos = (train, [0, speakers]) if part == "train" else (test, [speakers])
        counts[part] = {
            "clips": clips * speakers,
            "videos_per_speaker": videos,
            "clips_per_speaker": [clips, clips],
            "video_spread": 0.0,
        }
    return scalars | {"counts": counts}


def stream(seed: int, purpose: str) -> np.random.Generator:
    """A random stream of its own for each purpose: changing one leaves the others as they were."""
    return np.random.default_rng([seed, *purpose.encode()])


def draw_people(seed: int, scalars: Scalars, speakers: int) -> tuple[Layout, Ints]:
    """The layout, and a group (+1 or -1) of each speaker of which face and voice both tell."""
    layout = draw_layout(stream(seed, "layout"), scalars["counts"], speakers)
    group = np.where(np.arange(speakers) < round(scalars["group_share"] * speakers), 1, -1)
    return layout, stream(seed, "group").permutation(group)


def rotate(rows: Floats, rng: np.random.Generator, dim: int) -> Floats:
    """Turn coordinates (N, D) into a space of `dim` dimensions by a random orthonormal basis."""
    basis, triangle = np.linalg.qr(rng.standard_normal((dim, rows.shape[1])))
    basis *= np.sign(np.diag(triangle))  # uniform over all orthonormal bases
    turned: Floats = rows @ basis.T.astype(np.float32)
    if rows.shape[1] < dim:  # a little noise fills the rest, as rounding does in the real rows
        turned += np.float32(np.sqrt(FLOOR)) * rng.standard_normal(turned.shape, dtype=np.float32)
        turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    return turned


def draw_norms(rng: np.random.Generator, scalars: Scalars, layout: Layout) -> Floats:
    """Lengths of the voices, shape (N,): their quantiles, and how far they follow the video."""
    share = scalars["video_share"]
    video = ndtri(balanced_levels(rng, np.bincount(layout.video), layout.part))
    latent = np.sqrt(share) * video[layout.factor][layout.video]
    latent += np.sqrt(1 - share) * rng.standard_normal(len(layout.video))
    norms: Floats = np.interp(ndtr(latent), NORM_LEVELS, scalars["quantiles"]).astype(np.float32)
    return norms


def _part(layout: Layout, face: Floats, voice: Floats, part: int) -> FeatureSet:
    rows = np.flatnonzero(layout.part[layout.video] == part)
    video = layout.video[rows]
    speaker, name, language = layout.speaker[video], layout.name[video], LANGUAGES[part % 2]
    if part < 2:
        number = rows - np.searchsorted(layout.video, video)
        key = [
            f"id{s + 1:04d}/{language}/{n}/{i:05d}"
            for s, n, i in zip(speaker, name, number, strict=True)
        ]
    else:
        key = [f"test{i:06d}" for i in range(len(rows))]  # as in POLY-SIM, equal keys mean nothing
    source = f"twin {PARTS[part]}"
    return FeatureSet(face[rows], voice[rows], speaker, name, language, np.array(key), source)
