"""What damage to faces and voices costs, from what is recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd

from mraf.errors import RunError
from mraf.evaluation.differences import (
    ArmRuns,
    Metric,
    difference,
    paired_runs,
    weighted_sum,
)
from mraf.evidence.recorded import FOLDER, find
from mraf.evidence.tables import Place, arms_of, recorded_rows

Damage = Literal[
    "swapped face", "missing face", "face noise", "mean face", "voice noise", "shorter voice"
]
CLEAN = "clean"


class Condition(NamedTuple):
    """A damage and how much of it; no amount is clean."""

    damage: str = CLEAN
    amount: float = 0.0

    @classmethod
    def of(cls, text: str) -> Condition:
        """As in "swapped face 0.3" or "clean". Raises RunError."""
        if text == CLEAN:
            return cls()
        damage, _, given = text.rpartition(" ")
        try:
            amount = float(given)
        except ValueError:
            amount = np.nan
        if damage not in get_args(Damage) or not 0 <= amount <= 1:
            raise RunError(
                f"'{text}': expected a damage and an amount from 0 to 1; the damages are "
                f"{', '.join(get_args(Damage))}."
            )
        return cls(damage, amount)

    def __str__(self) -> str:
        return CLEAN if self.damage == CLEAN else f"{self.damage} {self.amount:g}"


@dataclass(frozen=True, eq=False)
class RecordedRobustness:
    """What was recorded on one corpus: the runs of each arm under each condition."""

    place: Place
    preset: str
    runs: Mapping[Condition, Mapping[str, ArmRuns]]
    command: str

    def cost(self, arm: str, condition: Condition) -> Cost:
        """Of a condition to an arm. Raises RunError where either was not recorded."""
        both = [self._of(arm, at) for at in (Condition(), condition)]
        return Cost(*paired_runs(*both))

    def _of(self, arm: str, condition: Condition) -> ArmRuns:
        if condition not in self.runs:
            known = ", ".join(map(str, self.runs))
            raise RunError(f"'{condition}' was not recorded on {self.place.corpus}; {known} were.")
        if arm not in self.runs[condition]:
            raise RunError(f"no arm '{arm}'; there are: {', '.join(self.runs[condition])}.")
        return self.runs[condition][arm]


def recorded_robustness(
    place: Place, preset: str = "quick", folder: Path | None = None
) -> RecordedRobustness | None:
    """What `scripts/record_robustness.py` has recorded; None where there is nothing (yet).

    Arms that were run with one seed are left out, since that says nothing about another.

    Args:
        folder: of the recorded results; by default `data/recorded/`.
    Raises:
        RunError: the file cannot be read, or is incomplete.
    """
    file = (folder or find(FOLDER) or FOLDER) / f"robustness_{place.slug}.csv"
    rows = recorded_rows(file, preset, place.corpus)
    if rows is None or preset not in rows.preset.to_numpy():
        return None
    runs = {
        Condition.of(str(condition)): arms_of(own)
        for condition, own in rows.groupby("condition", sort=False)
    }
    return RecordedRobustness(place, preset, runs, rows.command.iloc[0])


# --- compared -----------------------------------------------------------------------------------


class Cost(NamedTuple):
    """An arm on clean clips and on damaged ones, the same seeds and videos."""

    clean: ArmRuns
    damaged: ArmRuns

    def only(self, seeds: Sequence[int]) -> Cost:
        return Cost(self.clean.only(seeds), self.damaged.only(seeds))


def costs(cost: Cost, metrics: Sequence[Metric] = ("P3", "P5", "with face")) -> pd.DataFrame:
    """Accuracy lost to a damage, with its 95% interval over videos and seeds.

    Returns:
        One row per metric: cost, low, high (fractions).
    """
    table = difference(cost.clean, cost.damaged, metrics)[["difference", "low", "high"]]
    return table.rename(columns={"difference": "cost"})


def cost_difference(
    ours: Cost, other: Cost, share: float = 1.0, metrics: Sequence[Metric] = ("with face",)
) -> pd.DataFrame:
    """By how much a share of the other's cost exceeds ours, on the same seeds and videos.

    With a share of ⅓, an interval above zero says that ours loses less than a third of what the
    other loses.

    Returns:
        One row per metric: difference, low, high (fractions), p (of a test that swaps the sides
        within random videos).
    """
    seeds = sorted(set(ours.clean.seeds) & set(other.clean.seeds))
    ours, other = ours.only(seeds), other.only(seeds)
    lost = [(share, other.clean), (-share, other.damaged), (-1, ours.clean), (1, ours.damaged)]
    rows = [(e.metric, e.value, e.low, e.high, e.p) for e in weighted_sum(lost, metrics)]
    columns = ["metric", "difference", "low", "high", "p"]
    return pd.DataFrame(rows, columns=columns).set_index("metric")


def cost_ratio(ours: Cost, other: Cost, metric: Metric = "with face") -> tuple[float, float, float]:
    """Our cost as a share of the other's, with its 95% interval over videos and seeds.

    The interval holds the shares at which `cost_difference` finds no difference (Fieller 1954): a
    ratio of two noisy numbers has no standard error of its own.

    Returns:
        ratio, low, high; an end beyond 0 or 2 is shown as that.
    """
    value = float(costs(ours, [metric]).cost.iloc[0] / costs(other, [metric]).cost.iloc[0])
    shares = np.linspace(0, 2, 201)
    found = [cost_difference(ours, other, share, [metric]).iloc[0] for share in shares]
    open_ = [s for s, row in zip(shares, found, strict=True) if row.low <= 0 <= row.high]
    return value, float(min(open_, default=value)), float(max(open_, default=value))
