"""The twin: a synthetic MAV-Celeb, drawn from scalars measured on the real features.

A feature vector is a sum of independent factors, brought to its length and turned by a random
rotation (a random-effects model, each covariance diagonal in one common basis):

    x  ∝  mean + shift(language) + person + person × language + video + clip

In some clips the wrong person is heard or seen (an interviewer, a dubbed voice): there the person
is a stranger, one for each video. The factors' scales vary log-normally, which makes tails heavy.

``twin.json`` holds aggregates over all people only: how much energy each factor has in bands of
the common basis, how heavy its tails are, how videos and clips are counted. No direction of the
real feature space is kept, so no template of a person can be recovered. ``mraf data fit-twin``
measures it (`mraf.data.fit`).
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtr, ndtri

from mraf.data.features import FACE_DIM, VOICE_DIM, Corpus, FeatureSet
from mraf.data.layout import PARTS, Ints, Layout, draw_layout
from mraf.errors import DataError

LANGUAGES = ("English", "Urdu")
BAND_EDGES = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 49, 64, 96, 128, 192)
"""Coordinates between two edges share an energy. FaceNet's rows have rank 49: the rest is 0."""

FLOOR = 1e-9
"""Energy of each coordinate beyond the last band."""
NORM_LEVELS = (0, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1)

Scalars = dict[str, Any]
Floats = NDArray[np.float32]


@cache
def calibration() -> Scalars:
    """The scalars that ship with the package (``mraf/data/twin.json``)."""
    text = files("mraf.data").joinpath("twin.json").read_text(encoding="utf-8")
    scalars: Scalars = json.loads(text)
    return scalars


def generate(seed: int = 0, speakers: int | None = None, scalars: Scalars | None = None) -> Corpus:
    """Draw a twin of MAV-Celeb v1: same shape, same counts, same statistics, no real person.

    Test labels and test videos are visible, unlike those of the real corpus.

    Args:
        seed: same seed, same corpus.
        speakers: number of speakers; videos and clips grow with it. None: as many as the real one.
        scalars: another calibration than the one shipped, as `mraf.data.fit.fit_twin` returns it.
    """
    scalars = calibration() if scalars is None else scalars
    speakers = scalars["counts"]["speakers"] if speakers is None else speakers
    if speakers < 2:
        raise DataError(f"twin: {speakers} speaker(s) asked for; identification needs at least 2.")
    layout, group = draw_people(seed, scalars, speakers)
    face, voice = (
        rotate(
            draw_coordinates(seed, scalars, name, layout, group), stream(seed, f"{name} basis"), dim
        )
        for name, dim in (("face", FACE_DIM), ("voice", VOICE_DIM))
    )
    voice *= draw_norms(stream(seed, "norm"), scalars["norm"], layout)[:, None]
    face, voice = face[layout.rows("face")], voice[layout.rows("voice")]
    parts = (_part(layout, face, voice, part) for part in range(len(PARTS)))
    train, cross, test_english, test_cross = parts
    return Corpus(train, cross, test_english, test_cross, speakers, "twin")


def stream(seed: int, purpose: str) -> np.random.Generator:
    """A random stream of its own for each purpose: changing one leaves the others as they were."""
    return np.random.default_rng([seed, *purpose.encode()])


def draw_people(seed: int, scalars: Scalars, speakers: int) -> tuple[Layout, Ints]:
    """The layout, and a group (+1 or -1) of each speaker of which face and voice both tell."""
    layout = draw_layout(stream(seed, "layout"), scalars["counts"], speakers)
    group = np.where(np.arange(speakers) < round(scalars["group_share"] * speakers), 1, -1)
    return layout, stream(seed, "group").permutation(group)


def draw_coordinates(
    seed: int, scalars: Scalars, modality: str, layout: Layout, group: Ints
) -> Floats:
    """Unit vectors of all clips in the common basis, shape (N, D); D counts what has energy."""
    rng = stream(seed, modality)
    scalars = scalars[modality]
    dim = BAND_EDGES[len(scalars["mean"])]
    speakers, videos, clips = len(group), len(layout.speaker), len(layout.video)
    size, language, part = np.bincount(layout.video), layout.language, layout.part
    cell = language * speakers + layout.speaker  # (language, speaker) of each video

    def free(count: int) -> NDArray[np.float64]:
        level: NDArray[np.float64] = (rng.permutation(count) + 0.5) / count
        return level

    def factor(name: str, level: NDArray[np.float64]) -> Floats:
        drawn = rng.standard_normal((len(level), dim), dtype=np.float32)
        drawn *= np.sqrt(band_energies(scalars[name]["energy"]))
        return drawn * heavy_tailed(level, scalars[name]["spread"])

    mean = rng.choice([-1, 1], dim) * np.sqrt(band_energies(scalars["mean"]))
    shift = np.sign(mean) * np.sqrt(band_energies(scalars["shift"])) / 2
    place = mean + np.stack([-shift, shift])[language]
    heard = np.bincount(cell, size, 2 * speakers)
    accent = balanced_levels(rng, heard, np.repeat([0, 1], speakers))
    place = place + factor("language", accent)[cell]
    # How noisy a video is, and how much its clips differ, is the same in both copies of a video.
    noisier = np.array([np.exp(scalars["first_language_noise"]), 1.0], dtype=np.float32)[language]
    video = factor("video", balanced_levels(rng, size, part)) * noisier[:, None]
    place = place + video[layout.factor]
    restless = heavy_tailed(balanced_levels(rng, size, part), scalars["clip"]["video_spread"])
    restless *= noisier[:, None]
    rows = factor("clip", free(clips)) * restless[layout.factor][layout.video]
    rows += place.astype(np.float32)[layout.video]

    person = factor("speaker", free(speakers + videos))  # the speakers, then the videos' strangers
    axis, strength = scalars["group"]["axis"], scalars["group"]["strength"]
    sign = np.concatenate([group, rng.choice([-1, 1], videos)]) - group.mean()
    person[:, axis] *= np.sqrt(1 - strength**2)
    person[:, axis] += strength * np.sqrt(band_energies(scalars["speaker"]["energy"])[axis]) * sign
    share = stray_shares(balanced_levels(rng, size, part), scalars["stray"])[layout.factor]
    stray = rng.random(clips) < share[layout.video]
    stranger = speakers + layout.factor[layout.video]
    rows += person[np.where(stray, stranger, layout.speaker[layout.video])]
    unit: Floats = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def balanced_levels(
    rng: np.random.Generator, weight: NDArray[Any], group: Ints, draws: int = 400
) -> NDArray[np.float64]:
    """Probability levels, one for each item, evenly spread over [0, 1] in each group.

    With free draws one outlier among the few long videos would decide a corpus's accuracy. So of
    many random orders the one is kept in which the tails carry their share of the weight as well.
    """
    level = np.empty(len(weight))
    tails = np.array([0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98])
    for members in (np.flatnonzero(group == g) for g in np.unique(group)):
        orders = rng.permuted(np.tile(np.arange(len(members)), (draws, 1)), axis=1)
        drawn = (orders + 0.5) / len(members)
        share = weight[members] / weight[members].sum()
        below = np.stack([(drawn < tail) @ share for tail in tails], axis=1)
        uneven = (np.abs(below - tails) / np.sqrt(tails * (1 - tails))).max(axis=1)
        level[members] = drawn[uneven.argmin()]
    return level


def heavy_tailed(level: NDArray[np.float64], spread: float) -> Floats:
    """Log-normal scales of mean square 1 at the given probability levels, shape (N, 1)."""
    scale: Floats = np.exp(spread * ndtri(level) - spread**2).astype(np.float32)[:, None]
    return scale


def stray_shares(level: NDArray[np.float64], scalars: Scalars) -> NDArray[np.float64]:
    """Share of each video's clips in which a stranger is heard or seen, shape (V,).

    Quantiles of a Beta distribution; with a small concentration most videos have none, and a few
    are a stranger's throughout.
    """
    mean, concentration = scalars["share"], scalars["concentration"]
    share: NDArray[np.float64] = betaincinv(mean * concentration, (1 - mean) * concentration, level)
    return share


def band_energies(bands: list[float]) -> Floats:
    """Energy of each coordinate, shape (D,), from that of each band."""
    widths = np.diff(BAND_EDGES[: len(bands) + 1])
    return np.repeat(np.asarray(bands, dtype=np.float32), widths)


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
