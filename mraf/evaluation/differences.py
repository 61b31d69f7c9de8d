"""One thing minus another, with an interval, a p-value and a verdict: the only place that does it.

Differences are taken seed by seed and video by video, so both sides need the same of each. The
p-value is of a test that swaps the two sides within random videos. "better" and "worse" ask both:
an interval alone cries wolf when few videos differ. "equal" has a p-value of its own, of a true
difference beyond `DELTA`. `compare_arms` and `compare_systems` correct each kind for the number of
comparisons, `paired_difference` does not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mraf.errors import RunError
from mraf.evaluation.intervals import LEVEL, RESAMPLES, SHOWN, Estimate, Metric, estimate
from mraf.evaluation.intervals import METRICS as METRICS
from mraf.evaluation.intervals import over_seeds as over_seeds
from mraf.evaluation.records import ArmRuns
from mraf.evaluation.records import runs_of as runs_of
from mraf.evaluation.results import Evaluation

DELTA = 0.005  # a difference that nobody needs to care about, as a fraction

FEW = 5  # videos: where two differ in fewer, nobody knows by how much in the next that differs

POWER = 0.8  # how often a difference is told apart that is just large enough

BETTER, WORSE, OPEN = "better", "worse", "cannot be told apart"
EQUAL = f"equal within {100 * DELTA:.1f} points"


def scores(runs: ArmRuns, metrics: Sequence[Metric] = SHOWN) -> pd.DataFrame:
    """Accuracy of an arm over its seeds: accuracy, low, high (fractions, 95%) for each metric."""
    table = as_table(weighted_sum([(1, runs)], metrics))
    return table[["difference", "low", "high"]].rename(columns={"difference": "accuracy"})


def difference(
    first: ArmRuns,
    second: ArmRuns,
    metrics: Sequence[Metric] = SHOWN,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """How much better the first arm is than the second, on the same videos with the same seeds.

    One row per metric: difference, low, high (fractions, 95% interval), superiority (see
    `Estimate`), p, p_equal (see `equality`). Raises as `weighted_sum`.
    """
    return as_table(weighted_sum([(1, first), (-1, second)], metrics, resamples, seed))


def weighted_sum(
    parts: Sequence[tuple[float, ArmRuns]],
    metrics: Sequence[Metric],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Estimate]:
    """Each metric of arms times weights, added up seed by seed and video by video.

    Raises RunError: other seeds, fewer than two, other videos, or settings that are lacking.
    """
    first = parts[0][1]
    for _, other in parts[1:]:
        names = f"'{first.name}' and '{other.name}'"
        if first.seeds != other.seeds:
            seeds = f"{list(first.seeds)} and {list(other.seeds)}"
            raise RunError(f"{names} are not paired: seeds {seeds}.")
        for language, clips in first.clips.items():
            if not np.array_equal(clips, other.clips.get(language, [])):
                raise RunError(f"{names} were judged on different {language} videos.")
    if len(first.seeds) < 2:
        raise RunError("one seed says nothing about another; record at least two.")
    alone = len(parts) == 1
    return estimate(_counts(parts), first.clips, metrics, resamples, seed, alone)


def paired_runs(first: ArmRuns, second: ArmRuns) -> tuple[ArmRuns, ArmRuns]:
    """Both arms on the seeds that they share. Raises RunError where that is fewer than two."""
    common = sorted(set(first.seeds) & set(second.seeds))
    if len(common) < 2:
        raise RunError(
            f"'{first.name}' and '{second.name}' share {len(common)} seed(s); at least two are "
            "needed to know what another seed would change."
        )
    return first.only(common), second.only(common)


def compare_arms(
    arms: Mapping[str, ArmRuns], reference: str, metrics: Sequence[Metric] = SHOWN
) -> pd.DataFrame:
    """Every arm minus the reference, with p-values corrected for the size of the table.

    Rows are `difference` for each (arm, metric) on the seeds that the arm shares with the
    reference, as `corrected` over all rows. Raises RunError: no such arm, or fewer than two seeds
    in common.
    """
    if reference not in arms:
        raise RunError(f"no arm '{reference}'; there are: {', '.join(arms)}.")
    parts = {
        name: difference(*paired_runs(runs, arms[reference]), metrics)
        for name, runs in arms.items()
        if name != reference
    }
    return corrected(pd.concat(parts, names=["arm"]))


def paired_difference(
    evaluation: Evaluation, first: str, second: str, other: Evaluation | None = None
) -> pd.DataFrame:
    """How much better the first system is than the second on the same clips, one run of each.

    One row per setting in which both are defined, and the mean: difference, low, high (fractions),
    p, verdict. The second system is looked up in the other evaluation, if there is one. Raises
    RunError: no such system, or the two evaluations are of other clips.
    """
    other = other or evaluation
    for language, judged in evaluation.judged.items():
        if not judged.same_clips(other.judged[language]):
            raise RunError(f"the evaluations are of different {judged.language} clips.")
    counts = _counts([(1, evaluation.runs(first)), (-1, other.runs(second))])
    table = as_table(evaluation.estimates(counts)).drop(columns="superiority")
    said = [verdict(row.low, row.high, row.p, 1.0) for row in table.itertuples()]
    return table.rename_axis("setting").assign(verdict=said)


def compare_systems(
    evaluation: Evaluation, pairs: Sequence[tuple[str, str]], metrics: Sequence[str] | None = None
) -> pd.DataFrame:
    """The first system of each pair minus the second, corrected for the size of the table.

    Rows are `paired_difference` for each (first, second, setting), with p_holm (corrected over all
    rows) and verdict; ``metrics`` chooses among settings and "mean". Raises as `paired_difference`.
    """
    draws = max(evaluation.resamples, 100 * len(pairs) * len(SHOWN))  # fewer tell nothing apart
    evaluation = replace(evaluation, resamples=draws)
    parts = {pair: paired_difference(evaluation, *pair) for pair in pairs}
    table = pd.concat(parts, names=["first", "second"])
    if metrics is not None:
        table = table[table.index.isin(metrics, level="setting")]
        table.index = table.index.remove_unused_levels()  # `unstack` would name them wrongly
    return corrected(table)


def corrected(table: pd.DataFrame) -> pd.DataFrame:
    """With p_holm, p_equal corrected as well, over all rows together, and a verdict for each."""
    table = table.assign(p_holm=holm(table.p), p_equal=holm(table.p_equal))
    return table.assign(verdict=[*map(verdict, table.low, table.high, table.p_holm, table.p_equal)])


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """p-values (M,) that may be read as if each were the only one (Holm 1979).

    The smallest is multiplied by M, the next by M - 1, …; none falls below the one before it.
    """
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, kind="stable")
    stretched = p[order] * np.arange(len(p), 0, -1)
    found = np.empty_like(p)
    found[order] = np.maximum.accumulate(stretched).clip(max=1)
    return found


def verdict(low: float, high: float, p: float, p_equal: float = 0.0) -> str:
    """What an interval of a difference and its corrected p-values say together.

    Where the whole interval lies within ±DELTA and p_equal is below 2.5%, the arms are equal for
    all purposes, even if it excludes zero. "better" and "worse" need an interval without zero and
    p below 5%.
    """
    if p_equal < LEVEL / 2 and low >= -DELTA and high <= DELTA:
        return EQUAL
    if p < LEVEL and (low > 0 or high < 0):
        return BETTER if low > 0 else WORSE
    return OPEN


def equality(elsewhere: NDArray[np.float64], videos: int) -> float:
    """p of a true difference beyond ±DELTA: the share of what other videos and seeds give there.

    The larger share of both sides; 1 where two differ in fewer than FEW videos.
    """
    beyond = max((elsewhere >= DELTA).sum(), (elsewhere <= -DELTA).sum())
    return float((1 + beyond) / (1 + len(elsewhere))) if videos >= FEW else 1.0


def detectable(chance: NDArray[np.float64], low: float, high: float, level: float) -> float:
    """The smallest true difference that would be told apart in `POWER` of all repetitions.

    ``chance`` (R,) is what would be measured elsewhere if there were none; the interval low … high
    has to exclude zero; ``level`` is that of the test, after a correction.
    """
    bar = max(np.quantile(np.abs(chance), 1 - level), (high - low) / 2)
    return float(bar + np.quantile(chance, POWER))


def as_table(found: Sequence[Estimate]) -> pd.DataFrame:
    """A row for each metric, as of `difference`."""
    rows = [
        (e.metric, e.value, e.low, e.high, e.superiority, e.p, equality(e.elsewhere, e.videos))
        for e in found
    ]
    columns = ["metric", "difference", "low", "high", "superiority", "p", "p_equal"]
    return pd.DataFrame(rows, columns=columns).set_index("metric")


def _counts(parts: Sequence[tuple[float, ArmRuns]]) -> dict[str, NDArray[np.float64]]:
    """By setting that all parts have, shape (S, V)."""
    return {
        setting: np.sum([w * np.asarray(runs.correct[setting], float) for w, runs in parts], axis=0)
        for setting in parts[0][1].correct
        if all(setting in runs.correct for _, runs in parts)
    }
