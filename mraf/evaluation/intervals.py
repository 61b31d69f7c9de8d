"""Accuracies and their differences for other videos and other training seeds.

Clips of one video are near-copies, so whole videos are drawn, with all their clips, seeds, settings
and systems (the cluster bootstrap; Davison & Hinkley 1997, section 3.8). Seeds are too few to be
drawn: each draw gets a number of Student's t distribution, as wide as the seeds differ beyond what
the draws of videos explain. The interval of a single run is of other videos alone.

The interval of an accuracy is Wilson's (1927), for as many independent clips as the drawn videos
say that the clips are worth. Near 100% percentiles are too short, since a few videos hold all
errors. So clips of a video are taken to be correlated by at least `ALIKE`. Differences keep their
percentiles.
tests/evaluation/test_promises.py simulates how often both hold the truth.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from mraf.data.splits import SETTINGS
from mraf.errors import RunError

LEVEL = 0.05  # of significance: intervals cover 1 - LEVEL
RESAMPLES = 16000  # with 4000 a p-value near 0.04 crosses 0.05 by the draws alone
ROUNDING = 1e-12  # differences below are zero
ALIKE = 0.1  # correlation of clips of one video: the least that was measured near 100%
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


class Estimate(NamedTuple):
    """A metric, drawn again and again.

    The 95% interval is NaN for a single run on a single video.
    """

    metric: Metric
    value: float  # as measured
    low: float
    high: float
    drawn: NDArray[np.float64]  # for each draw of videos and each seed, shape (R, S)
    elsewhere: NDArray[np.float64]  # on other videos, and with other seeds, shape (R,)
    swapped: NDArray[np.float64]  # as if there were no difference, shape (R,)
    videos: int  # in how many it is not zero

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
    accuracy: bool = False,
) -> list[Estimate]:
    """Each metric of counts by setting, shape (S, V), per clip; they may be differences.

    Args:
        clips: by `Setting.language`, clips of each video, shape (V,).
        accuracy: the counts are of clips named rightly.
    Raises RunError for a metric of settings without counts.
    """
    seeds = next((len(by_seed) for by_seed in counts.values()), 1)
    videos_of = tuple((language, len(n)) for language, n in clips.items())
    weights, signs, t = _chance(videos_of, seeds, resamples, seed)
    value, drawn, swapped = {}, {}, {}
    for setting, by_seed in counts.items():
        language = SETTING[setting].language
        n = clips[language]
        rows = np.vstack([by_seed, n, by_seed.sum(axis=0)])
        if (rows % 1 == 0).all() and len(n) * np.abs(rows).max(initial=0) < 2**24:
            rows = rows.astype(np.float32)  # exact for such sums
        value[setting] = by_seed.sum(axis=1) / n.sum()  # (S,)
        product = (weights[language] @ rows[:-1].T).astype(float)  # (R, S + 1)
        drawn[setting] = product[:, :-1] / product[:, -1:]
        swapped[setting] = (signs[language] @ rows[-1]).astype(float) / n.sum() / seeds  # (R,)
    estimates = []
    for metric in metrics:
        share = METRICS[metric]
        if missing := [setting for setting in share if setting not in counts]:
            raise RunError(f"{metric} needs {missing[0]}, which was not recorded for both arms.")
        of_seed, of_draw, of_swap = (
            np.sum([w * part[setting] for setting, w in share.items()], axis=0)
            for part in (value, drawn, swapped)
        )
        of_seeds = seed_error(of_seed, of_draw)
        other_seeds, videos = of_seeds * t, of_draw.mean(axis=1)
        few = min(len(clips[SETTING[setting].language]) for setting in share)
        elsewhere = videos + other_seeds
        differ = 0
        for spoken in clips:  # its settings share their videos
            own = [counts[name] for name in share if SETTING[name].language == spoken]
            differ += int(np.any([by_seed.any(axis=0) for by_seed in own], axis=0).sum())
        if seeds == few == 1:
            low = high = np.nan
        elif accuracy and few > 1 and min(share.values()) > 0:
            spread = videos.std() * np.sqrt(few / (few - 1)), few - 1, of_seeds, seeds - 1
            low, high = _of_accuracy(float(np.mean(of_seed)), _worth(share, clips), *spread)
        else:
            low, high = np.quantile(elsewhere, [LEVEL / 2, 1 - LEVEL / 2])
        between = float(np.mean(of_seed)), float(low), float(high)
        swapped_too = of_swap + other_seeds
        estimates.append(Estimate(metric, *between, of_draw, elsewhere, swapped_too, differ))
    return estimates


def over_seeds(measured: NDArray[Any], drawn: NDArray[Any]) -> NDArray[np.float64]:
    """The mean of a number over seeds, for other units and other seeds, shape (R,).

    It is measured of each seed (S,) (or of a fold or draw, where each is trained), and ``drawn`` of
    each draw of units (R, S).
    """
    t = np.random.default_rng(0).standard_t(max(1, len(measured) - 1), size=len(drawn))
    means: NDArray[np.float64] = drawn.mean(axis=1) + seed_error(measured, drawn) * t
    return means


def _worth(share: Mapping[str, float], clips: Mapping[str, NDArray[Any]]) -> float:
    """As how many independent clips those of a metric count at most (Kish 1965)."""
    error: dict[str, float] = {}
    for setting, weight in share.items():  # settings of one language share their videos
        n = clips[language := SETTING[setting].language]
        often = 1 + (np.square(n).sum() / n.sum() - 1) * ALIKE
        error[language] = error.get(language, 0.0) + weight * np.sqrt(often / n.sum())
    return float(1 / np.square(list(error.values())).sum())


def _of_accuracy(
    value: float, worth: float, videos: float, others: int, seeds: float, other_seeds: int
) -> tuple[float, float]:
    """Wilson's interval, from the standard errors of videos and seeds.

    The quantile is Student's, with the degrees of freedom of both (Welch & Satterthwaite).
    """
    variance, degrees = videos**2 + seeds**2, float(others)
    if variance > 0 and 0 < value < 1:
        degrees = variance**2 / (videos**4 / others + seeds**4 / max(1, other_seeds))
        worth = min(worth, value * (1 - value) / variance)
    z2 = stdtrit(degrees, 1 - LEVEL / 2) ** 2 / worth
    half = np.sqrt(z2 * value * (1 - value) + z2**2 / 4)
    return float((value + z2 / 2 - half) / (1 + z2)), float((value + z2 / 2 + half) / (1 + z2))


def seed_error(measured: NDArray[Any], drawn: NDArray[Any]) -> float:
    """The standard error of other seeds: as they differ beyond what videos explain."""
    if (seeds := len(measured)) == 1:
        return 0.0
    apart = drawn - drawn.mean(axis=1, keepdims=True)
    explained = apart.var(axis=0).mean() * seeds / (seeds - 1)
    spread = float(np.sqrt(max(0.0, measured.var(ddof=1) - explained)))
    return spread / float(np.sqrt(seeds))


ByLanguage = dict[str, NDArray[np.float32]]  # there are millions of them: multiplied as they are


@lru_cache(maxsize=4)
def _chance(
    videos: tuple[tuple[str, int], ...], seeds: int, resamples: int, seed: int
) -> tuple[ByLanguage, ByLanguage, NDArray[np.float64]]:
    """Random numbers that all comparisons on the same videos share.

    How often each video is drawn (R, V); -1 where the arms are swapped, else 1 (R, V); t (R,).
    """
    rng = np.random.default_rng(seed)
    videos = videos if seeds == 1 else tuple(sorted(videos))
    weights = {
        language: rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.float32)
        for language, n in videos
    }
    if seeds == 1:  # as the results of single runs were recorded
        rng = np.random.default_rng(seed)
    signs = {
        language: rng.choice([-1, 1], size=(resamples, n)).astype(np.float32)
        for language, n in videos
    }
    return weights, signs, rng.standard_t(max(1, seeds - 1), size=resamples)
