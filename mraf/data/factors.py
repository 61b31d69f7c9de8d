"""The twin's random-effects model: each row of features is a sum of independent factors.

    x  ∝  mean + shift(language) + person + person × language + video + clip

In some clips the wrong person is heard or seen (an interviewer, a dubbed voice): there the person
is a stranger, one for each video. The factors' scales vary log-normally, which makes tails heavy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtri

from mraf.data.layout import Ints, Layout
from mraf.data.probe import held_out_accuracy

Scalars = dict[str, Any]
Floats = NDArray[np.float32]

BAND_EDGES = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 49, 64, 96, 128, 192)
"""Coordinates between two edges share an energy. FaceNet's rows have rank 49: the rest is 0."""

TOLERANCE = 1.0
"""Points of accuracy within which a draw is taken at once."""


def draw_coordinates(
    rng: np.random.Generator,
    scalars: Scalars,
    layout: Layout,
    group: Ints,
    shown: Ints,
    draws: int = 1,
) -> Floats:
    """Unit vectors of all clips in the common basis, shape (N, D); D counts what has energy.

    Seventy people are a small sample: on free draws the accuracy of class means varies by some
    points, as it would on another seventy real people. So of several draws the one is kept whose
    held-out accuracies are nearest to the measured ones; the clips' noise is drawn once.

    Args:
        scalars: of the modality.
        group: +1 or -1 of each speaker.
        shown: which clip's row each clip shows (`Layout.rows`), shape (N,).
        draws: at most.
    """
    clips = len(layout.video)
    energy = np.sqrt(band_energies(scalars["clip"]["energy"]))
    noise = rng.standard_normal((clips, len(energy)), dtype=np.float32) * energy
    level = (rng.permutation(clips) + 0.5) / clips
    noise *= heavy_tailed(level, scalars["clip"]["spread"])
    judged = layout.judged_rows()
    best, nearest = np.inf, noise
    for _ in range(draws):
        rows = draw_rows(rng, scalars, layout, group, noise)
        if draws == 1:
            return rows
        found = held_out_accuracy(rows[shown], layout.speaker[layout.video], layout.video, *judged)
        miss = max(abs(found[name] - wanted) for name, wanted in scalars["accuracy"].items())
        if miss < best:
            best, nearest = miss, rows
        if miss < TOLERANCE:
            break
    return nearest


def draw_rows(
    rng: np.random.Generator, scalars: Scalars, layout: Layout, group: Ints, noise: Floats
) -> Floats:
    """Unit vectors (N, D) of all clips: the noise of the clips and one draw of all else."""
    dim = noise.shape[1]
    speakers, videos, clips = len(group), len(layout.speaker), len(layout.video)
    size, language, part = np.bincount(layout.video), layout.language, layout.part
    cell = language * speakers + layout.speaker  # (language, speaker) of each video

    def factor(name: str, level: NDArray[np.float64]) -> Floats:
        drawn = rng.standard_normal((len(level), dim), dtype=np.float32)
        drawn *= np.sqrt(band_energies(scalars[name]["energy"]))
        return drawn * heavy_tailed(level, scalars[name]["spread"])

    mean = rng.choice([-1, 1], dim) * np.sqrt(band_energies(scalars["mean"]))
    shift = np.sign(mean) * np.sqrt(band_energies(scalars["shift"])) / 2
    place = mean + np.stack([-shift, shift])[language]
    heard = np.bincount(cell, size, 2 * speakers)
    place = (
        place + factor("language", balanced_levels(rng, heard, np.repeat([0, 1], speakers)))[cell]
    )
    noisier = np.array([np.exp(scalars["first_language_noise"]), 1], dtype=np.float32)[language]
    video = factor("video", balanced_levels(rng, size, part)) * noisier[:, None]
    place = (place + video[layout.factor]).astype(np.float32)
    restless = heavy_tailed(balanced_levels(rng, size, part), scalars["clip"]["video_spread"])
    restless = (restless * noisier[:, None])[layout.factor]

    # Speakers first, then the videos' strangers.
    person = factor("speaker", (rng.permutation(speakers + videos) + 0.5) / (speakers + videos))
    axis, strength = scalars["group"]["axis"], scalars["group"]["strength"]
    sign = np.concatenate([group, rng.choice([-1, 1], videos)]) - group.mean()
    person[:, axis] *= np.sqrt(1 - strength**2)
    person[:, axis] += strength * np.sqrt(band_energies(scalars["speaker"]["energy"])[axis]) * sign
    share = stray_shares(balanced_levels(rng, size, part), scalars["stray"])[layout.factor]
    stray = rng.random(clips) < share[layout.video]
    stranger = speakers + layout.factor[layout.video]
    who = np.where(stray, stranger, layout.speaker[layout.video])

    rows = noise * restless[layout.video] + place[layout.video] + person[who]
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
