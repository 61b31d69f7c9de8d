"""What was measured for a claim: from sweeps, from damaged clips, from systems, from studies."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from scipy import stats

from mraf.errors import RunError
from mraf.evaluation.differences import LEVEL, difference, paired_runs, runs_of
from mraf.evidence.claims import Claim
from mraf.evidence.damage import Condition, RecordedRobustness, cost_difference, recorded_robustness
from mraf.evidence.sweeps.records import with_counts
from mraf.evidence.tables import Place, RecordedTable, recorded_table


class Tested(NamedTuple):
    """What was measured for a claim: a row per rival (difference, low, high, p), and from what."""

    table: pd.DataFrame
    seeds: int
    preset: str
    command: str


# What a recorded table must have for a claim on it, the numbers apart; other columns pick rows.
MADE_BY = ["seed", "corpus", "preset", "split", "command"]
SYSTEMS = (["accuracy", "low", "high"], ["system", "setting", *MADE_BY])
STUDY = (["value", "low", "high"], ["command"])
COUNTED_STUDY = (["seed", "clips", "correct"], ["arm", "setting", "preset", "command"])


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
        self._csv = cache(lambda file: pd.read_csv(file) if file.is_file() else None)
        self._damage = cache(lambda place: recorded_robustness(place, folder=folder))

    def of(self, claim: Claim, place: Place) -> Tested | None:
        """What was measured for a claim on a corpus; None where that is not recorded, or cannot be.

        Raises:
            RunError: a recorded file that cannot be read, or without what the claim asks for.
        """
        if claim.damage:
            return _of_damage(claim, place, self._damage(place))
        if claim.sweep:
            return _of_sweep(claim, place, self._sweep(claim.sweep, place))
        if claim.systems:
            file = self.folder / f"{claim.systems}.csv"
            return _of_systems(claim, file, self._read(file, claim))
        file = self.folder / f"{claim.study}_{place.slug}.csv"
        return _of_study(claim, file, self._read(file, claim)) if claim.study else None

    def _read(self, file: Path, claim: Claim) -> pd.DataFrame | None:
        """The table that a claim on systems or on a study is judged by."""
        try:
            rows: pd.DataFrame | None = self._csv(file)
        except (OSError, ValueError) as error:
            raise RunError(
                f"{file}: claim '{claim.name}' needs it, but it is no readable CSV ({error}); "
                "record it again."
            ) from None
        if rows is None:
            return None
        of_study = COUNTED_STUDY if "correct_per_video" in rows.columns else STUDY
        numbers, others = SYSTEMS if claim.systems else of_study
        for name in (*numbers, *others):
            if name not in rows.columns:
                raise RunError(f"{file}: claim '{claim.name}' needs its column '{name}'.")
            if name in numbers and not is_numeric_dtype(rows[name]) and len(rows):
                raise RunError(f"{file}: claim '{claim.name}' needs numbers in '{name}'.")
        return rows


def _of_sweep(claim: Claim, place: Place, found: RecordedTable | None) -> Tested | None:
    """From runs with the same seeds on the same videos; None before two seeds of all arms."""
    if found is None:
        return None
    wanted = [found.arms[name] for name in (claim.of, *claim.over) if name in found.arms]
    seeds = sorted(set.intersection(*(set(runs.seeds) for runs in wanted))) if wanted else []
    if len(wanted) < 1 + len(claim.over) or len(seeds) < 2:
        return None
    of, *rivals = [runs.only(seeds) for runs in wanted]
    table = pd.concat([difference(of, rival, [claim.metric]) for rival in rivals])
    command = sweep_command(claim, place, found.preset, f"{seeds[0]}-{seeds[-1]}")
    command += f" --device {found.device}"
    return Tested(table.reset_index(drop=True), len(seeds), found.preset, command)


def _of_damage(claim: Claim, place: Place, found: RecordedRobustness | None) -> Tested | None:
    """By how much less a damage costs what the claim is about than it costs its rivals."""
    condition = Condition.of(claim.damage)
    names = (claim.of, *claim.over)
    if found is None or not set(names) <= set(found.runs.get(condition, {})):
        return None
    of, *rivals = [found.cost(name, condition) for name in names]
    seeds = sorted(set.intersection(*(set(cost.clean.seeds) for cost in (of, *rivals))))
    if len(seeds) < 2:
        return None
    of, *rivals = [cost.only(seeds) for cost in (of, *rivals)]
    table = pd.concat([cost_difference(of, rival, metrics=[claim.metric]) for rival in rivals])
    trained = " ".join(dict.fromkeys(name.partition("+")[0] for name in names))
    command = f"python scripts/record_robustness.py{place.data} --preset {found.preset} "
    command += f"--arms {trained} --seeds {seeds[0]}-{seeds[-1]}"
    return Tested(table.reset_index(drop=True), len(seeds), found.preset, command)


def sweep_command(claim: Claim, place: Place, preset: str, seeds: str) -> str:
    """What makes the runs of a claim."""
    arms = " ".join((claim.of, *claim.over))
    return (
        f"mraf sweep data/sweeps/{claim.sweep}.toml{place.data} --preset {preset} --arms {arms} "
        f"--seeds {seeds}"
    )


def _of_systems(claim: Claim, file: Path, rows: pd.DataFrame | None) -> Tested | None:
    """From recorded accuracies with intervals, which say nothing of pairs.

    The interval of the difference is that of two estimates that have nothing in common (Zou &
    Donner 2008), which is too wide where both are judged on the same videos. Seeds add their part,
    as a t interval.
    """
    if rows is None:
        return None
    rows = rows[rows.setting == claim.metric]
    of, tables = _system(rows, claim.of, file), []
    for rival in (_system(rows, name, file) for name in claim.over):
        value = of.accuracy - rival.accuracy
        low = value - np.hypot(of.accuracy - of.low, rival.high - rival.accuracy)
        high = value + np.hypot(of.high - of.accuracy, rival.accuracy - rival.low)
        error = (high - low) / (2 * stats.norm.ppf(1 - LEVEL / 2))
        tables.append((value, low, high, 2 * stats.norm.sf(abs(value) / error)))
    table = pd.DataFrame(tables, columns=["difference", "low", "high", "p"])
    return Tested(table, rows.seed.nunique(), rows.preset.iloc[0], rows.command.iloc[0])


def _of_study(claim: Claim, file: Path, recorded: pd.DataFrame | None) -> Tested | None:
    """From a recorded study of `mraf related`; None where there is no record on the corpus."""
    if recorded is None or claim.row is None:
        return None
    rows = recorded
    if unknown := sorted(set(claim.row) - set(rows.columns)):
        raise RunError(f"{file}: claim '{claim.name}' asks for an unknown column: {unknown[0]}.")
    for column, value in claim.row.items():
        rows = rows[rows[column].astype(str) == str(value)]
    if rows.empty:
        return None
    if "correct_per_video" in rows.columns:
        return _of_counts(claim, file, rows)
    if len(rows) > 1:
        raise RunError(f"{file}: claim '{claim.name}' picks {len(rows)} rows; name one.")
    row = rows.iloc[0]
    value, low, high = row.value, row.low, row.high
    if claim.smaller:
        value, low, high = -value, -high, -low
    error = (high - low) / (2 * stats.norm.ppf(1 - LEVEL / 2))
    table = pd.DataFrame(
        [(value, low, high, 2 * stats.norm.sf(abs(value) / error))],
        columns=["difference", "low", "high", "p"],
    )
    units = recorded.columns.intersection(["draw", "fold"])  # beside the pooled rows
    numbers = recorded[units].apply(pd.to_numeric, errors="coerce").nunique()
    return Tested(table, int(numbers.max()) if len(units) else 1, "", row.command)


def _of_counts(claim: Claim, file: Path, rows: pd.DataFrame) -> Tested:
    """From a study that recorded what each run named rightly in each video, as sweeps do."""
    runs = runs_of(with_counts(rows, str(file)))
    if missing := [name for name in (claim.of, *claim.over) if name not in runs]:
        raise RunError(f"{file}: claim '{claim.name}' asks for an unknown arm: {missing[0]}.")
    pairs = [paired_runs(runs[claim.of], runs[rival]) for rival in claim.over]
    table = pd.concat([difference(*pair, [claim.metric]) for pair in pairs])
    seeds = min(len(of.seeds) for of, _ in pairs)
    preset, command = rows.preset.iloc[0], rows.command.iloc[0]
    return Tested(table.reset_index(drop=True), seeds, preset, command)


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
