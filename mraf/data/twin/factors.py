"""The twin's random-effects model: each row of features is a sum of independent factors.

    x  ∝  mean + shift(language) + person + person × language + video + clip

In some clips the wrong person is heard or seen (an interviewer, a dubbed voice): there the person
is a stranger, one for each video. The factors' scales vary log-normally, which makes tails heavy.
"""

from collections.abc import Collection, Iterator
from itertools import cycle, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtri

from mraf.data.twin.people import Ints, People

Scalars = dict[str, Any]
Floats = NDArray[np.float32]

BAND_EDGES = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 49, 64, 96, 128, 192)
"""Coordinates between two edges share an energy. FaceNet's rows have rank 49: the rest is 0."""


def draw_coordinates(
    rng: np.random.Generator, scalars: Scalars, people: People, kept: Collection[int] = ()
) -> Floats:
    """Unit vectors of all clips in the common basis, shape (N, D); D counts what has energy.

    ``kept`` says which further draws (1, 2, …) replace the first ones; see `tools.fit_twin.search`.
    """
    factors = Factors(rng, scalars, people)
    drawn = factors.all()
    for number, another in islice(factors.again(), max(kept, default=0)):
        drawn |= another if number in kept else {}
    return factors.rows(drawn)


class Factors:
    """One modality's factors: each method draws one afresh, ``rows`` sums them up."""

    def __init__(self, rng: np.random.Generator, scalars: Scalars, people: People) -> None:
        self.rng, self.scalars, self.people = rng, scalars, people
        self.size = np.bincount(people.video)
        self.noisier = np.where(people.language == 0, np.exp(scalars["first_language_noise"]), 1)

    def all(self) -> dict[str, Any]:
        """Every factor, drawn once."""
        names = ("mean", "speaker", "language", "video", "clip", "stray")
        return {name: getattr(self, name)() for name in names}

    def again(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """One factor after another drawn anew, with its number 1, 2, …; without end."""
        for number, name in enumerate(cycle(("language", "stray", "video", "speaker")), start=1):
            yield number, {name: getattr(self, name)()}

    def rows(self, drawn: dict[str, Any]) -> Floats:
        """Unit vectors (N, D) of all clips: the factors' sum, brought to its length."""
        video = self.people.video
        stranger = len(self.people.group) + self.people.factor[video]
        who = np.where(drawn["stray"], stranger, self.people.speaker[video])
        place = drawn["mean"] + drawn["language"] + drawn["video"]
        rows = drawn["clip"] + place.astype(np.float32)[video]
        rows += drawn["speaker"][who]
        rows /= np.sqrt(np.einsum("nd,nd->n", rows, rows))[:, None]
        return rows

    def _factor(self, name: str, level: NDArray[np.float64]) -> Floats:
        energy = np.sqrt(band_energies(self.scalars[name]["energy"]))
        drawn = self.rng.standard_normal((len(level), len(energy)), dtype=np.float32) * energy
        return drawn * heavy_tailed(level, self.scalars[name]["spread"])

    def _video_levels(self) -> NDArray[np.float64]:
        return balanced_levels(self.rng, self.size, self.people.part)

    def mean(self) -> Floats:
        """The mean of each video's language, shape (V, D)."""
        mean = np.sqrt(band_energies(self.scalars["mean"]))
        mean *= self.rng.choice([-1, 1], len(mean))
        shift = np.sign(mean) * np.sqrt(band_energies(self.scalars["shift"])) / 2
        return (mean + np.stack([-shift, shift]))[self.people.language]

    def speaker(self) -> Floats:
        """The persons: all speakers, then each video's stranger, shape (C + V, D)."""
        group = self.people.group
        count = len(group) + len(self.size)
        person = self._factor("speaker", (self.rng.permutation(count) + 0.5) / count)
        axis, strength = self.scalars["group"]["axis"], self.scalars["group"]["strength"]
        sign = np.concatenate([group, self.rng.choice([-1, 1], len(self.size))])
        size = np.sqrt(band_energies(self.scalars["speaker"]["energy"])[axis])
        person[:, axis] *= np.sqrt(1 - strength**2)
        person[:, axis] += strength * size * (sign - group.mean())
        return person

    def language(self) -> Floats:
        """How each video's speaker differs in its language, shape (V, D)."""
        speakers = len(self.people.group)
        cell = self.people.language * speakers + self.people.speaker
        clips = np.bincount(cell, self.size, 2 * speakers)
        level = balanced_levels(self.rng, clips, np.repeat([0, 1], speakers))
        return self._factor("language", level)[cell]

    def video(self) -> Floats:
        """How each video differs, shape (V, D); copies of a video are alike."""
        drawn = self._factor("video", self._video_levels()) * self.noisier[:, None]
        return drawn[self.people.factor]

    def clip(self) -> Floats:
        """How each clip differs, in some videos more than in others, shape (N, D)."""
        clips = len(self.people.video)
        restless = heavy_tailed(self._video_levels(), self.scalars["clip"]["video_spread"])
        restless = (restless * self.noisier[:, None]).astype(np.float32)[self.people.factor]
        noise = self._factor("clip", (self.rng.permutation(clips) + 0.5) / clips)
        return noise * restless[self.people.video]

    def stray(self) -> NDArray[np.bool_]:
        """In which clips a stranger is heard or seen, shape (N,)."""
        share = stray_shares(self._video_levels(), self.scalars["stray"])[self.people.factor]
        return self.rng.random(len(self.people.video)) < share[self.people.video]


def balanced_levels(
    rng: np.random.Generator, weight: NDArray[Any], group: Ints
) -> NDArray[np.float64]:
    """Probability levels, one for each item, evenly spread over [0, 1] in each group.

    With free draws one outlier among the few long videos would decide a corpus's accuracy. So of
    many random orders (fewer of very many items, to bound memory) the one is kept in which the
    tails carry their share of the weight as well.
    """
    level = np.empty(len(weight))
    tails = np.array([0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98])
    for members in (np.flatnonzero(group == g) for g in np.unique(group)):
        tried = min(200, 1 + 1_000_000 // len(members))
        orders = rng.permuted(np.tile(np.arange(len(members)), (tried, 1)), axis=1)
        drawn = (orders + 0.5) / len(members)
        share = weight[members] / weight[members].sum()
        below = np.stack([(drawn < tail) @ share for tail in tails], axis=1)
        uneven = (np.abs(below - tails) / np.sqrt(tails * (1 - tails))).max(axis=1)
        level[members] = drawn[uneven.argmin()]
    return level


def heavy_tailed(level: NDArray[np.float64], spread: float) -> Floats:
    """Log-normal scales of mean square 1 at the given probability levels, shape (N, 1)."""
    return np.exp(spread * ndtri(level) - spread**2).astype(np.float32)[:, None]


def stray_shares(level: NDArray[np.float64], scalars: Scalars) -> NDArray[np.float64]:
    """Share of each video's clips in which a stranger is heard or seen, (V,): Beta quantiles.

    With a small concentration most videos have none, and a few are a stranger's throughout.
    """
    mean, concentration = scalars["share"], scalars["concentration"]
    return betaincinv(mean * concentration, (1 - mean) * concentration, level)


def band_energies(bands: list[float]) -> Floats:
    """Energy of each coordinate, shape (D,), from that of each band."""
    widths = np.diff(BAND_EDGES[: len(bands) + 1])
    return np.repeat(np.asarray(bands, dtype=np.float32), widths)
