"""What was measured for a claim: from sweeps, from damaged clips, from systems, from studies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from scipy import stats

from mraf.errors import RunError
from mraf.evaluation.differences import LEVEL, ArmRuns, weighted_sum
from mraf.evaluation.records import read_results
from mraf.evidence.claims import Claim
from mraf.evidence.damage import Condition, recorded_robustness
from mraf.evidence.tables import Place, arms_of, recorded_table
from mraf.files import read_frame

Sides = Mapping[str, Sequence[tuple[float, ArmRuns]]]
"""What of a claim and its rivals is compared: runs times weights, to be added up."""
T = TypeVar("T")


class Tested(NamedTuple):
    """What was measured for a claim: a row per rival (difference, low, high, p), and from what."""

    table: pd.DataFrame
    seeds: int
    preset: str
    command: str


class Evidence:
    """The recorded results of a folder; each table is read once.

    Raises:
        RunError: no such folder, which is not the same as one where nothing is recorded yet.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise RunError(f"{folder}: no folder of recorded results; give the one with the CSVs.")
        self.folder = folder
        self._sweep = cache(lambda name, place: recorded_table(name, place, folder))
        self._damage = cache(lambda place: recorded_robustness(place, folder=folder))
        self._results, self._study = cache(read_results), cache(_read_study)

    def of(self, claim: Claim, place: Place) -> Tested | None:
        """What was measured for a claim on a corpus; None where that is not recorded, or cannot be.

        Raises:
            RunError: a recorded file that cannot be read, or without what the claim asks for.
        """
        if claim.damage:
            return self._of_damage(claim, place)
        if claim.sweep:
            return self._of_sweep(claim, place)
        name = claim.systems or f"{claim.study}_{place.slug}"
        file = self.folder / f"{name}.csv"
        if claim.untestable or not file.is_file():
            return None
        if claim.systems:
            return _of_systems(claim, file, _needed(claim, self._results, file))
        return self._of_study(claim, file)

    def _of_sweep(self, claim: Claim, place: Place) -> Tested | None:
        """From runs with the same seeds on the same videos; None before two seeds of all arms."""
        found = self._sweep(claim.sweep, place)
        names = (claim.of, *claim.over)
        if found is None or not set(names) <= set(found.arms):
            return None
        table, seeds = _compared(claim, {name: [(1, found.arms[name])] for name in names})
        command = sweep_command(claim, place, found.preset, _first_to_last(seeds))
        command += f" --device {found.device}"
        return Tested(table, len(seeds), found.preset, command) if len(seeds) > 1 else None

    def _of_damage(self, claim: Claim, place: Place) -> Tested | None:
        """By how much less a damage costs what the claim is about than it costs its rivals."""
        found, condition = self._damage(place), Condition.of(claim.damage)
        names = (claim.of, *claim.over)
        if found is None or not set(names) <= set(found.runs.get(condition, {})):
            return None
        costs = {name: found.cost(name, condition) for name in names}
        gained = {name: [(1, cost.damaged), (-1, cost.clean)] for name, cost in costs.items()}
        table, seeds = _compared(claim, gained)
        trained = " ".join(dict.fromkeys(name.partition("+")[0] for name in names))
        command = f"python scripts/record_robustness.py{place.data} --preset {found.preset} "
        command += f"--arms {trained} --seeds {_first_to_last(seeds)}"
        return Tested(table, len(seeds), found.preset, command) if len(seeds) > 1 else None

    def _of_study(self, claim: Claim, file: Path) -> Tested | None:
        """From a recorded study of `mraf related`; None where its row is not recorded."""
        recorded = _needed(claim, self._study, file)
        rows = recorded
        if unknown := sorted(set(claim.row or ()) - set(rows.columns)):
            raise RunError(
                f"{file}: claim '{claim.name}' asks for an unknown column: {unknown[0]}."
            )
        for column, value in (claim.row or {}).items():
            rows = rows[rows[column].astype(str) == str(value)]
        if rows.empty:
            return None
        if "correct_per_video" in rows.columns:
            arms = arms_of(rows)
            if missing := [name for name in (claim.of, *claim.over) if name not in arms]:
                raise RunError(
                    f"{file}: claim '{claim.name}' asks for an unknown arm: {missing[0]}."
                )
            sides = {name: [(1.0, arms[name])] for name in (claim.of, *claim.over)}
            table, seeds = _compared(claim, sides)
            return Tested(table, len(seeds), rows.preset.iloc[0], rows.command.iloc[0])
        if len(rows) > 1:
            raise RunError(f"{file}: claim '{claim.name}' picks {len(rows)} rows; name one.")
        row = rows.iloc[0]
        between = (row.value, row.low, row.high)
        if claim.smaller:
            between = (-row.value, -row.high, -row.low)
        units = recorded.columns.intersection(["draw", "fold"])  # beside the pooled rows
        numbers = recorded[units].apply(pd.to_numeric, errors="coerce").nunique()
        draws = int(numbers.max()) if len(units) else 1
        return Tested(_from_intervals([between]), draws, "", row.command)


def sweep_command(claim: Claim, place: Place, preset: str, seeds: str) -> str:
    """What makes the runs of a claim."""
    arms = " ".join((claim.of, *claim.over))
    return (
        f"mraf sweep data/sweeps/{claim.sweep}.toml{place.data} --preset {preset} --arms {arms} "
        f"--seeds {seeds}"
    )


def _first_to_last(seeds: Sequence[int]) -> str:
    return f"{min(seeds, default=0)}-{max(seeds, default=0)}"


def _compared(claim: Claim, sides: Sides) -> tuple[pd.DataFrame, list[int]]:
    """What the claim is about minus each rival, and the seeds that all share."""
    seeds = sorted(set.intersection(*(set(r.seeds) for side in sides.values() for _, r in side)))
    rows = []
    for rival in claim.over if len(seeds) > 1 else ():
        parts = [*sides[claim.of], *((-weight, runs) for weight, runs in sides[rival])]
        (e,) = weighted_sum([(w, runs.only(seeds)) for w, runs in parts], [claim.metric])
        rows.append((e.value, e.low, e.high, e.p))
    return pd.DataFrame(rows, columns=["difference", "low", "high", "p"]), seeds


def _from_intervals(rows: Sequence[tuple[float, float, float]]) -> pd.DataFrame:
    """Differences with their 95% intervals, and the p-values that these come to."""
    table = pd.DataFrame(rows, columns=["difference", "low", "high"])
    error = (table.high - table.low) / (2 * stats.norm.ppf(1 - LEVEL / 2))
    return table.assign(p=2 * stats.norm.sf(table.difference.abs() / error))


def _needed(claim: Claim, read: Callable[[Path], T], file: Path) -> T:
    try:
        return read(file)
    except RunError as error:
        raise RunError(f"{file}: claim '{claim.name}' needs it, but: {error}") from None


def _read_study(file: Path) -> pd.DataFrame:
    """A study: results by video, or rows with value, low, high and command."""
    try:
        rows = read_frame(file)
    except (OSError, ValueError) as error:
        raise RunError(f"no readable CSV ({error}); record it again.") from None
    if "correct_per_video" in rows.columns:
        return read_results(file)
    for name in ("value", "low", "high", "command"):
        if name not in rows.columns:
            raise RunError(f"it lacks its column '{name}'.")
        if name != "command" and not is_numeric_dtype(rows[name]) and len(rows):
            raise RunError(f"it lacks numbers in '{name}'.")
    return rows


def _of_systems(claim: Claim, file: Path, rows: pd.DataFrame) -> Tested:
    """From recorded accuracies with intervals, which say nothing of pairs.

    The interval of the difference is that of two estimates that have nothing in common (Zou &
    Donner 2008), which is too wide where both are judged on the same videos. Seeds add their part,
    as a t interval.
    """
    rows = rows[rows.setting == claim.metric]
    of, found = _system(rows, claim.of, file), []
    for rival in (_system(rows, name, file) for name in claim.over):
        value = of.accuracy - rival.accuracy
        low = value - np.hypot(of.accuracy - of.low, rival.high - rival.accuracy)
        high = value + np.hypot(of.high - of.accuracy, rival.accuracy - rival.low)
        found.append((value, low, high))
    seeds, preset, command = rows.seed.nunique(), rows.preset.iloc[0], rows.command.iloc[0]
    return Tested(_from_intervals(found), seeds, preset, command)


def _system(rows: pd.DataFrame, name: str, file: Path) -> pd.Series:
    """Accuracy of a system over its seeds, with low and high."""
    own = rows[rows.system == name]
    if own.empty:
        raise RunError(f"{file}: no rows of the system '{name}'.")
    if own.seed.duplicated().any() or own[["corpus", "preset", "split"]].nunique().max() > 1:
        raise RunError(
            f"{file}: '{name}' has a seed twice, or runs of several kinds; keep one kind."
        )
    own = own[["accuracy", "low", "high"]]
    mean, seeds = own.mean(), len(own)
    if seeds > 1:
        of_seeds = stats.t.ppf(1 - LEVEL / 2, seeds - 1) * own.accuracy.std() / np.sqrt(seeds)
        mean.low = mean.accuracy - np.hypot(mean.accuracy - mean.low, of_seeds)
        mean.high = mean.accuracy + np.hypot(mean.high - mean.accuracy, of_seeds)
    return mean
