"""Numbers with intervals over other people and other runs, and how a table of them is printed.

A number is measured in several runs: folds, draws or seeds. Its interval draws people with
replacement, the same people in all runs and for all systems, so that differences are paired. What
runs differ beyond that is added as `mraf.evaluation.differences` does for seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mraf.evaluation.differences import over_seeds
from mraf.evaluation.intervals import LEVEL


class Measured(NamedTuple):
    """A number of one run.

    Args:
        value: as measured.
        drawn: the same for each draw of people, shape (B,); empty where no interval is asked for.
        trials: how many trials it is of.
    """

    value: float
    drawn: NDArray[np.float64]
    trials: int = 0

    def minus(self, other: Measured) -> Measured:
        """The paired difference."""
        return Measured(self.value - other.value, self.drawn - other.drawn, self.trials)


def mean_of(runs: Sequence[Measured]) -> Measured:
    """The mean over runs: what one run may be expected to do."""
    return Measured(
        float(np.mean([run.value for run in runs])), np.mean([run.drawn for run in runs], axis=0)
    )


def people_drawn(people: int, resamples: int) -> NDArray[np.float64]:
    """How often each of so many people is drawn, shape (B, people)."""
    rng = np.random.default_rng(0)
    return rng.multinomial(people, np.full(people, 1 / people), resamples).astype(float)


def estimate(runs: Sequence[Measured]) -> tuple[float, float, float]:
    """Mean over runs and its 95% interval; draws of people that measured nothing are left out."""
    value = np.array([run.value for run in runs])
    drawn = np.stack([run.drawn for run in runs], axis=1)  # (B, runs)
    drawn = drawn[np.isfinite(drawn).all(axis=1)]
    if not len(drawn):
        return float(value.mean()), np.nan, np.nan
    low, high = np.quantile(over_seeds(value, drawn), [LEVEL / 2, 1 - LEVEL / 2])
    return float(value.mean()), float(low), float(high)


def as_grid(rows: pd.DataFrame, index: Sequence[str], columns: Sequence[str]) -> str:
    """Value, low and high in percent, `12.3 [10.0, 14.5]`, in the order in which they come."""
    texts = [
        f"{100 * r.value:.1f} [{100 * r.low:.1f}, {100 * r.high:.1f}]" for r in rows.itertuples()
    ]
    keys = [list(names) for names in (index, columns)]
    cells = rows.assign(text=texts).set_index(keys[0] + keys[1]).text
    wide = cells.unstack(keys[1])
    order = [cells.index.droplevel(other).unique() for other in reversed(keys)]
    return wide.reindex(index=order[0], columns=order[1]).fillna("–").to_string()


def as_markdown(rows: pd.DataFrame, names: Sequence[str], reference: str) -> str:
    """Accuracies and differences to a reference, a row for each combination of names.

    Args:
        rows: the names; accuracy, low, high; difference, difference_low, difference_high and
            verdict, NaN for the reference itself.
    """
    lines = [[*names, "accuracy [95%]", f"points minus {reference}", "verdict"]]
    lines.append(["---"] * len(lines[0]))
    for row in rows.to_dict("records"):
        said = ["", ""]
        if not pd.isna(row["difference"]):
            low, high = 100 * row["difference_low"], 100 * row["difference_high"]
            said = [f"{100 * row['difference']:+.1f} [{low:+.1f}, {high:+.1f}]", row["verdict"]]
        accuracy = f"{row['accuracy']:.1%} [{row['low']:.1%}, {row['high']:.1%}]"
        lines.append([*(str(row[name]) for name in names), accuracy, *said])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
