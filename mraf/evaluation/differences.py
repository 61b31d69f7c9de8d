"""Compare ways of training (arms of a sweep) that were run with the same seeds on the same videos.

Two things are left to chance: which videos are judged and which seed a run starts from. Arms share
both, so everything is computed on differences, seed by seed and video by video. Videos are drawn
(the cluster bootstrap of `mraf.evaluation.results`; what a video holds stays together over clips,
seeds and settings), or speakers where it is asked what other speakers would change. Seeds are too
few to be drawn, which would see too little of what others may do: a draw gets instead a number of
Student's t distribution, as wide as the seeds differ beyond what the draws of videos explain.
`mraf_lessons.ablations.coverage.coverage` (500 trials; 3, 5 and 10 seeds; 25, 50 and 100 videos)
finds that 95% intervals hold the truth in 92–96% of the trials; 88–93% if only videos are drawn,
35–43% if clips are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mraf.data.splits import SETTINGS
from mraf.errors import RunError
from mraf.evaluation.results import LEVEL, MEAN, SETTING

RESAMPLES = 4000
ROUNDING = 1e-12  # differences below are zero

Metric = str
METRICS: dict[Metric, dict[str, float]] = {
    **{setting.name: {setting.name: 1.0} for setting in SETTINGS},
    MEAN: dict.fromkeys(SETTING, 0.25),
    "with face": {"P3": 0.5, "P5": 0.5},
    "without face": {"P4": 0.5, "P6": 0.5},
    "gap": {"P3": -0.5, "P4": 0.5, "P5": -0.5, "P6": 0.5},
}
"""Weights of the settings' accuracies, more is better; "gap" is without minus with the face."""
SHOWN = (*SETTING, MEAN)

Unit = Literal["video", "speaker"]
"""What is drawn: videos, those of each language apart, or speakers, with all that each says."""


@dataclass(frozen=True, eq=False)
class ArmRuns:
    """The runs of one arm, one a seed.

    Args:
        name: of the arm.
        seeds: shape (S,).
        correct: by setting, clips of each video that were named rightly, shape (S, V).
        clips: by `Setting.language`, clips of each video, shape (V,).
        unit: what counts are of; of "speaker", V is the number of speakers in every language.
    Raises:
        RunError: shapes that do not fit, more right clips than clips, a seed twice.
    """

    name: str
    seeds: tuple[int, ...]
    correct: Mapping[str, NDArray[Any]]
    clips: Mapping[str, NDArray[Any]]
    unit: Unit = "video"

    def __post_init__(self) -> None:
        if len(set(self.seeds)) < len(self.seeds):
            raise RunError(f"arm '{self.name}': a seed occurs twice: {list(self.seeds)}.")
        for setting, correct in self.correct.items():
            clips = self.clips[SETTING[setting].language]
            if correct.shape != (len(self.seeds), len(clips)):
                raise RunError(
                    f"arm '{self.name}', {setting}: counts of shape {correct.shape}, expected "
                    f"{len(self.seeds)} seeds × {len(clips)} videos."
                )
            if (correct < 0).any() or (correct > clips).any():
                raise RunError(f"arm '{self.name}', {setting}: more right clips than clips.")
        if self.unit == "speaker" and len({len(clips) for clips in self.clips.values()}) > 1:
            raise RunError(f"arm '{self.name}': other speakers in one language than in another.")

    def accuracy(self, setting: str) -> NDArray[np.float64]:
        """Of each seed, shape (S,)."""
        clips = self.clips[SETTING[setting].language]
        return np.asarray(self.correct[setting].sum(axis=1) / clips.sum(), dtype=float)

    def only(self, seeds: Iterable[int]) -> ArmRuns:
        """The runs of some of the seeds, in that order."""
        chosen = tuple(seeds)
        rows = [self.seeds.index(seed) for seed in chosen]
        correct = {setting: counts[rows] for setting, counts in self.correct.items()}
        return replace(self, seeds=chosen, correct=correct)


def runs_of(rows: pd.DataFrame, labels: Mapping[str, str] | None = None) -> dict[str, ArmRuns]:
    """The runs of each arm of a recorded sweep, in the order of their first rows.

    Args:
        rows: of one corpus and preset, as `mraf.evidence.sweeps.read_sweep` gives them: arm, seed,
        setting,
            correct_per_video and clips_per_video (arrays of counts, shape (V,)).
        labels: names to give the arms; by default they keep their own.
    Raises:
        RunError: a seed occurs twice or lacks a setting, or counts do not fit the videos.
    """
    clips: dict[str, NDArray[np.float64]] = {}
    for setting, counts in zip(rows.setting, rows.clips_per_video, strict=True):
        clips.setdefault(SETTING[setting].language, np.asarray(counts, dtype=float))
    found = {}
    for arm, own in rows.groupby("arm", sort=False):
        name = str(arm)
        if own.duplicated(["seed", "setting"]).any():
            raise RunError(f"arm '{name}': a seed occurs twice; choose one preset and one corpus.")
        table = own.pivot(index="seed", columns="setting", values="correct_per_video")
        for setting in table.columns[table.isna().any()]:
            seed = table.index[table[setting].isna()][0]
            raise RunError(f"arm '{name}', seed {seed}: no row for {setting}; record it again.")
        correct = {str(setting): np.stack(table[setting].to_list()) for setting in table.columns}
        seeds = tuple(int(seed) for seed in table.index)
        found[name] = ArmRuns((labels or {}).get(name, name), seeds, correct, clips)
    return found


def scores(runs: ArmRuns, metrics: Sequence[Metric] = SHOWN, seed: int = 0) -> pd.DataFrame:
    """Accuracy of an arm over its seeds, with its 95% interval over videos (`unit`) and seeds.

    Returns:
        One row per metric: accuracy, low, high (fractions).
    """
    seeds = len(runs.seeds)
    found = estimate(runs.correct, runs.clips, seeds, metrics, RESAMPLES, seed, runs.unit)
    return pd.DataFrame(
        [(e.metric, e.value, *e.interval) for e in found],
        columns=["metric", "accuracy", "low", "high"],
    ).set_index("metric")


def difference(
    first: ArmRuns,
    second: ArmRuns,
    metrics: Sequence[Metric] = SHOWN,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """How much better the first arm is than the second, on the same videos with the same seeds.

    The p-value is of a test that swaps the arms within random videos, as `paired_difference` does
    for two systems of one run, with the same part for the seeds as the interval.

    Returns:
        One row per metric: difference, low, high (fractions, 95% interval), superiority (how
        probable it is that the first is ahead when both are trained once, with one seed, and
        judged on other videos; a draw counts half), p.
    Raises:
        RunError: other seeds, fewer than two, other videos, or settings that are lacking.
    """
    _check_paired(first, second)
    delta = {
        setting: np.asarray(first.correct[setting], float) - second.correct[setting]
        for setting in first.correct
        if setting in second.correct
    }
    rows = []
    seeds = len(first.seeds)
    for e in estimate(delta, first.clips, seeds, metrics, resamples, seed, first.unit):
        ahead = (e.drawn > ROUNDING).mean() + 0.5 * (np.abs(e.drawn) <= ROUNDING).mean()
        rows.append((e.metric, e.value, *e.interval, float(ahead), e.p))
    columns = ["metric", "difference", "low", "high", "superiority", "p"]
    return pd.DataFrame(rows, columns=columns).set_index("metric")


def paired_runs(first: ArmRuns, second: ArmRuns) -> tuple[ArmRuns, ArmRuns]:
    """Both arms on the seeds that they share. Raises RunError where that is fewer than two."""
    common = sorted(set(first.seeds) & set(second.seeds))
    if len(common) < 2:
        raise RunError(
            f"'{first.name}' and '{second.name}' share {len(common)} seed(s); at least two are "
            "needed to know what another seed would change."
        )
    return first.only(common), second.only(common)


class Estimate(NamedTuple):
    """A metric, drawn again and again.

    Args:
        value: as measured.
        interval: 95%, of other videos and other seeds.
        drawn: for each draw of videos and each seed, shape (R, S).
        swapped: as if there were no difference, shape (R,).
    """

    metric: Metric
    value: float
    interval: tuple[float, float]
    drawn: NDArray[np.float64]
    swapped: NDArray[np.float64]

    @property
    def p(self) -> float:
        """How often it would be as large as measured if there were no difference."""
        as_large = np.abs(self.swapped) >= abs(self.value) - ROUNDING
        return float((1 + as_large.sum()) / (1 + len(self.swapped)))


def estimate(
    counts: Mapping[str, NDArray[Any]],
    clips: Mapping[str, NDArray[Any]],
    seeds: int,
    metrics: Sequence[Metric],
    resamples: int = RESAMPLES,
    seed: int = 0,
    unit: Unit = "video",
) -> list[Estimate]:
    """Each metric of counts by setting, shape (S, V), per clip; they may be differences.

    Args:
        clips: by `Setting.language`, clips of each video, shape (V,).
        seeds: S.
        unit: what is counted, and drawn, as in `ArmRuns`.
    Raises:
        RunError: one seed, or a metric of settings without counts.
    """
    if seeds < 2:
        raise RunError("one seed says nothing about another; record at least two.")
    units = tuple(sorted((language, len(n)) for language, n in clips.items()))
    chance = _chance(units, seeds, resamples, seed, unit)
    value, drawn, swapped = {}, {}, {}
    for setting, by_seed in counts.items():
        language = SETTING[setting].language
        n, weights, signs = clips[language], chance.weights[language], chance.signs[language]
        value[setting] = by_seed.sum(axis=1) / n.sum()  # (S,)
        drawn[setting] = (weights @ by_seed.T) / (weights @ n)[:, None]  # (R, S)
        swapped[setting] = signs @ by_seed.mean(axis=0) / n.sum()  # (R,)
    estimates = []
    for metric in metrics:
        share = METRICS[metric]
        if missing := [setting for setting in share if setting not in counts]:
            raise RunError(f"{metric} needs {missing[0]}, which was not recorded for both arms.")
        of_seed, of_draw, of_swap = (
            np.sum([w * part[setting] for setting, w in share.items()], axis=0)
            for part in (value, drawn, swapped)
        )
        by_chance = spread_of_seeds(of_seed, of_draw) / np.sqrt(seeds) * chance.t
        low, high = np.quantile(of_draw.mean(axis=1) + by_chance, [LEVEL / 2, 1 - LEVEL / 2])
        interval = float(low), float(high)
        estimates.append(
            Estimate(metric, float(np.mean(of_seed)), interval, of_draw, of_swap + by_chance)
        )
    return estimates


def spread_of_seeds(measured: NDArray[Any], drawn: NDArray[Any]) -> float:
    """Standard deviation over seeds, shape (S,), that other videos, shape (R, S), leave over."""
    seeds = len(measured)
    apart = drawn - drawn.mean(axis=1, keepdims=True)
    explained = apart.var(axis=0).mean() * seeds / (seeds - 1)
    return float(np.sqrt(max(0.0, measured.var(ddof=1) - explained)))


def over_seeds(measured: NDArray[Any], drawn: NDArray[Any], seed: int = 0) -> NDArray[np.float64]:
    """The mean of a number over seeds, for other units and other seeds, shape (R,).

    Args:
        measured: of each seed, shape (S,); folds and draws are seeds, too, where each is trained.
        drawn: the same for each draw of units, shape (R, S).
        seed: of the numbers that stand for other seeds.
    """
    means: NDArray[np.float64] = drawn.mean(axis=1)
    if (seeds := len(measured)) > 1 and len(means):
        t = np.random.default_rng(seed).standard_t(seeds - 1, size=len(means))
        means = means + spread_of_seeds(measured, drawn) / np.sqrt(seeds) * t
    return means


class Chance(NamedTuple):
    """Random numbers that all comparisons on the same videos, or speakers, share."""

    weights: dict[str, NDArray[np.float64]]  # how often each video is drawn, (R, V)
    signs: dict[str, NDArray[np.float64]]  # -1 where the arms are swapped, (R, V)
    t: NDArray[np.float64]  # (R,)


@lru_cache(maxsize=4)
def _chance(
    units: tuple[tuple[str, int], ...], seeds: int, resamples: int, seed: int, unit: Unit
) -> Chance:
    rng = np.random.default_rng(seed)
    weights = {
        language: rng.multinomial(n, np.full(n, 1 / n), size=resamples).astype(float)
        for language, n in units
    }
    signs = {language: rng.choice([-1.0, 1.0], size=(resamples, n)) for language, n in units}
    if unit == "speaker":  # who is drawn is drawn in all languages
        first = units[0][0]
        weights, signs = (dict.fromkeys(part, part[first]) for part in (weights, signs))
    return Chance(weights, signs, rng.standard_t(seeds - 1, size=resamples))


def _check_paired(first: ArmRuns, second: ArmRuns) -> None:
    names = f"'{first.name}' and '{second.name}'"
    if first.seeds != second.seeds:
        raise RunError(
            f"{names} are not paired: seeds {list(first.seeds)} and {list(second.seeds)}."
        )
    if first.unit != second.unit:
        raise RunError(f"{names} are not paired: counts of a {first.unit}, and of a {second.unit}.")
    for language, clips in first.clips.items():
        if not np.array_equal(clips, second.clips.get(language, [])):
            raise RunError(f"{names} were judged on different {language} videos.")
