"""What damage costs an arm, and by how much less than it costs another."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from mraf.errors import RunError
from mraf.evaluation.differences import (
    ArmRuns,
    Metric,
    as_table,
    difference,
    paired_runs,
    weighted_sum,
)
from mraf.evidence.tables import Condition, RecordedTable


class Cost(NamedTuple):
    """An arm on clean clips and on damaged ones, the same seeds and videos."""

    clean: ArmRuns
    damaged: ArmRuns


def cost_of(found: RecordedTable, arm: str, condition: Condition) -> Cost:
    """Of a condition to an arm. Raises RunError where either was not recorded."""
    for at in (Condition(), condition):
        if at not in found.runs:
            known = ", ".join(map(str, found.runs))
            raise RunError(f"'{at}' was not recorded on {found.place.corpus}; {known} were.")
        if arm not in found.runs[at]:
            raise RunError(f"no arm '{arm}'; there are: {', '.join(found.runs[at])}.")
    return Cost(*paired_runs(found.arms[arm], found.runs[condition][arm]))


def costs(cost: Cost, metrics: Sequence[Metric] = ("P3", "P5", "with face")) -> pd.DataFrame:
    """Accuracy lost to a damage: cost, low, high by metric (fractions, over videos and seeds)."""
    table = difference(cost.clean, cost.damaged, metrics)[["difference", "low", "high"]]
    return table.rename(columns={"difference": "cost"})


def cost_difference(
    ours: Cost, other: Cost, share: float = 1.0, metrics: Sequence[Metric] = ("with face",)
) -> pd.DataFrame:
    """By how much a share of the other's cost exceeds ours: as of `difference`."""
    lost = [(share, other.clean), (-share, other.damaged), (-1, ours.clean), (1, ours.damaged)]
    seeds = sorted(set.intersection(*(set(runs.seeds) for _, runs in lost)))
    found = weighted_sum([(weight, runs.only(seeds)) for weight, runs in lost], metrics)
    return as_table(found)
