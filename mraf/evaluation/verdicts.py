"""What differences between arms may be said to be, several comparisons at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mraf.errors import RunError
from mraf.evaluation.differences import SHOWN, ArmRuns, Metric, difference, paired_runs
from mraf.evaluation.results import LEVEL

DELTA = 0.005  # a difference that nobody needs to care about, as a fraction

BETTER, WORSE, OPEN = "better", "worse", "cannot be told apart"
EQUAL = f"equal within {100 * DELTA:.1f} points"


def compare_arms(
    arms: Mapping[str, ArmRuns], reference: str, metrics: Sequence[Metric] = SHOWN
) -> pd.DataFrame:
    """Every arm minus the reference, with p-values corrected for the size of the table.

    Args:
        arms: by name; each is compared on the seeds that it shares with the reference.
        reference: name of an arm.
    Returns:
        `difference` for each (arm, metric), with p_holm (corrected over all rows) and verdict.
    Raises:
        RunError: no such arm, or fewer than two seeds in common.
    """
    if reference not in arms:
        raise RunError(f"no arm '{reference}'; there are: {', '.join(arms)}.")
    parts = {
        name: difference(*paired_runs(runs, arms[reference]), metrics)
        for name, runs in arms.items()
        if name != reference
    }
    return judged(pd.concat(parts, names=["arm"]))


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """A table of differences with p_holm, corrected over all its rows, and a verdict for each."""
    table = table.assign(p_holm=holm(table.p.to_numpy()))
    verdicts = [verdict(row.low, row.high, row.p_holm) for row in table.itertuples()]
    return table.assign(verdict=verdicts)


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """p-values that may be read as if each were the only one (Holm 1979), shape (M,).

    The smallest is multiplied by M, the next by M - 1, …; none falls below the one before it.
    """
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, kind="stable")
    stretched = p[order] * np.arange(len(p), 0, -1)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(stretched), 1.0)
    return corrected


def verdict(low: float, high: float, p: float, delta: float = DELTA) -> str:
    """What an interval of a difference and its corrected p-value say together.

    Where the whole interval lies within ±delta the arms are equal for all purposes, even if it
    excludes zero. "better" and "worse" need both: an interval without zero and p below 5%.
    """
    if -delta <= low and high <= delta:
        return EQUAL
    if p < LEVEL and (low > 0 or high < 0):
        return BETTER if low > 0 else WORSE
    return OPEN
