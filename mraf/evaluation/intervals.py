"""Accuracies and their differences for other videos, other speakers and other training seeds.

Clips of one video are near-copies: 1,521 clips of 70 videos are 70 independent draws. So whole
videos are drawn (the cluster bootstrap; Davison & Hinkley, Bootstrap Methods and their Application,
1997, section 3.8), or speakers, with all their clips, seeds, settings and systems. Seeds are too
few to be drawn: each draw gets a number of Student's t distribution, as wide as the seeds differ
beyond what the draws of videos explain. The interval of a single run is of other videos alone.

`mraf_lessons.ablations.coverage` (500 trials; 3, 5 and 10 seeds; 25, 50 and 100 videos) finds that
95% intervals hold the truth in 92–96% of the trials; 88–93% if only videos are drawn, 35–43% if
clips are. Where a handful of videos holds all the errors of a single run its interval is too
narrow: simulated 95% intervals then cover about 86%, as against 93–94% otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mraf.data.splits import SETTINGS
from mraf.errors import RunError

LEVEL = 0.05  # of significance: intervals cover 1 - LEVEL
RESAMPLES = 16000  # with 4000 a p-value near 0.04 crosses 0.05 by the draws alone
ROUNDING = 1e-12  # differences below are zero
SETTING = {setting.name: setting for setting in SETTINGS}
MEAN = "mean"  # the challenge's score: the mean of the accuracies in P3, P4, P5 and P6

Metric = str
METRICS: dict[Metric, dict[str, float]] = {
    **{name: {name: 1.0} for name in SETTING},
    MEAN: dict.fromkeys(SETTING, 0.25),
    "with face": {"P3": 0.5, "P5": 0.5},
    "without face": {"P4": 0.5, "P6": 0.5},
    "gap": {"P3": -0.5, "P4": 0.5, "P5": -0.5, "P6": 0.5},
}
"""Weights of the settings' accuracies, more is better; "gap" is without minus with the face."""
SHOWN = (*SETTING, MEAN)

Unit = Literal["video", "speaker"]
"""What is drawn: videos, those of each language apart, or speakers, with all that each says."""


class Estimate(NamedTuple):
    """A metric, drawn again and again.

    Args:
        value: as measured.
        low, high: of its 95% interval; NaN for a single run on a single video.
        drawn: for each draw of videos and each seed, shape (R, S).
        swapped: as if there were no difference, shape (R,).
    """

    metric: Metric
    value: float
    low: float
    high: float
    drawn: NDArray[np.float64]
    swapped: NDArray[np.float64]

    @property
    def p(self) -> float:
        """How often it would be as large as measured if there were no difference."""
        as_large = np.abs(self.swapped) >= abs(self.value) - ROUNDING
        return float((1 + as_large.sum()) / (1 + len(self.swapped)))

    @property
    def superiority(self) -> float:
        """How probable it is to be above zero with one seed, on other videos; zero counts half."""
        zero = np.abs(self.drawn) <= ROUNDING
        return float((self.drawn > ROUNDING).mean() + 0.5 * zero.mean())


def estimate(
    counts: Mapping[str, NDArray[Any]],
    clips: Mapping[str, NDArray[Any]],
    metrics: Sequence[Metric],
    resamples: int = RESAMPLES,
    seed: int = 0,
    unit: Unit = "video",
) -> list[Estimate]:
    """Each metric of counts by setting, shape (S, V), per clip; they may be differences.

    Args:
        clips: by `Setting.language`, clips of each video, or of each speaker, shape (V,).
        unit: what V counts.
    Raises:
        RunError: a metric of settings without counts.
    """
    seeds = next((len(by_seed) for by_seed in counts.values()), 1)
    units = tuple((language, len(n)) for language, n in clips.items())
    weights, signs, t = _chance(units, seeds, resamples, seed, unit)
    value, drawn, swapped = {}, {}, {}
    for language, n in clips.items():  # the largest arrays are made once for both settings
        often, swap = weights[language].astype(float), signs[language].astype(float)
        of_language = often @ n
        for setting, by_seed in counts.items():
            if SETTING[setting].language == language:
                value[setting] = by_seed.sum(axis=1) / n.sum()  # (S,)
                drawn[setting] = (often @ by_seed.T) / of_language[:, None]  # (R, S)
                swapped[setting] = swap @ by_seed.mean(axis=0) / n.sum()  # (R,)
    estimates = []
    for metric in metrics:
        share = METRICS[metric]
        if missing := [setting for setting in share if setting not in counts]:
            raise RunError(f"{metric} needs {missing[0]}, which was not recorded for both arms.")
        of_seed, of_draw, of_swap = (
            np.sum([w * part[setting] for setting, w in share.items()], axis=0)
            for part in (value, drawn, swapped)
        )
        other_seeds = _other_seeds(of_seed, of_draw, t)
        low, high = np.quantile(of_draw.mean(axis=1) + other_seeds, [LEVEL / 2, 1 - LEVEL / 2])
        if seeds == min(len(clips[SETTING[setting].language]) for setting in share) == 1:
            low = high = np.nan
        between = float(np.mean(of_seed)), float(low), float(high)
        estimates.append(Estimate(metric, *between, of_draw, of_swap + other_seeds))
    return estimates


def over_seeds(measured: NDArray[Any], drawn: NDArray[Any]) -> NDArray[np.float64]:
    """The mean of a number over seeds, for other units and other seeds, shape (R,).

    Args:
        measured: of each seed, shape (S,); folds and draws are seeds, too, where each is trained.
        drawn: the same for each draw of units, shape (R, S).
    """
    t = np.random.default_rng(0).standard_t(max(1, len(measured) - 1), size=len(drawn))
    means: NDArray[np.float64] = drawn.mean(axis=1) + _other_seeds(measured, drawn, t)
    return means


def _other_seeds(
    measured: NDArray[Any], drawn: NDArray[Any], t: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What other seeds would add: as wide as they differ beyond what videos explain, (R,)."""
    if (seeds := len(measured)) == 1:
        return np.zeros(len(drawn))
    apart = drawn - drawn.mean(axis=1, keepdims=True)
    explained = apart.var(axis=0).mean() * seeds / (seeds - 1)
    spread = float(np.sqrt(max(0.0, measured.var(ddof=1) - explained)))
    return np.asarray(spread / np.sqrt(seeds) * t)


ByLanguage = dict[str, NDArray[np.int16]]  # kept small: there are millions of them


@lru_cache(maxsize=4)
def _chance(
    units: tuple[tuple[str, int], ...], seeds: int, resamples: int, seed: int, unit: Unit
) -> tuple[ByLanguage, ByLanguage, NDArray[np.float64]]:
    """Random numbers that all comparisons on the same videos, or speakers, share.

    How often each video is drawn (R, V); -1 where the arms are swapped, else 1 (R, V); t (R,).
    """
    rng = np.random.default_rng(seed)
    units = units if seeds == 1 else tuple(sorted(units))
    weights = {
        language: rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.int16)
        for language, n in units
    }
    if seeds == 1:  # as the results of single runs were recorded
        rng = np.random.default_rng(seed)
    signs = {
        language: rng.choice([-1, 1], size=(resamples, n)).astype(np.int16) for language, n in units
    }
    if unit == "speaker":  # who is drawn is drawn in all languages
        first = units[0][0]
        weights, signs = (dict.fromkeys(part, part[first]) for part in (weights, signs))
    return weights, signs, rng.standard_t(max(1, seeds - 1), size=resamples)
