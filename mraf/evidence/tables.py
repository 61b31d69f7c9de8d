"""Recorded arms that can be compared: of a sweep, or under damage to faces and voices."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd

from mraf.errors import RunError
from mraf.evaluation.differences import ArmRuns, runs_of
from mraf.evaluation.records import read_results
from mraf.evidence.recorded import FOLDER, SWEEPS, find, there
from mraf.evidence.sweeps.tables import Table, read_table, table_file
from mraf.files import slug_of

Damage = Literal[
    "swapped face", "missing face", "face noise", "mean face", "voice noise", "shorter voice"
]
CLEAN = "clean"


@dataclass(frozen=True)
class Place:
    """Where results are recorded, by the name of the corpus; the official one is at MRAF_DATA."""

    corpus: str

    @property
    def slug(self) -> str:
        """Of the corpus in file names."""
        return slug_of(self.corpus)

    @property
    def preset(self) -> str:
        """That is run on it unless somebody says otherwise."""
        return "paper" if self == OFFICIAL else "quick"

    @property
    def data(self) -> str:
        """What names the corpus on the command line, if that is needed."""
        return " --data twin" if self == TWIN else ""


TWIN, OFFICIAL = Place("twin"), Place("MAV-Celeb v1")
GERMAN = Place("MAV-Celeb v3")  # 36 other speakers, English and German


class Condition(NamedTuple):
    """A damage and how much of it; no amount is clean."""

    damage: str = CLEAN
    amount: float = 0.0

    @classmethod
    def of(cls, text: str) -> "Condition":
        """As in "swapped face 0.3", or "clean" or nothing. Raises RunError."""
        if text in ("", CLEAN):
            return cls()
        damage, _, given = text.rpartition(" ")
        try:
            amount = float(given)
        except ValueError:
            amount = np.nan
        if damage not in get_args(Damage) or not 0 <= amount <= 1:
            raise RunError(
                f"damage '{text}': expected a damage and an amount from 0 to 1; the damages are "
                f"{', '.join(get_args(Damage))}."
            )
        return cls(damage, amount)

    def __str__(self) -> str:
        return CLEAN if self.damage == CLEAN else f"{self.damage} {self.amount:g}"


@dataclass(frozen=True, eq=False)
class RecordedTable:
    """Arms as they were recorded on one corpus."""

    place: Place
    preset: str  # of all arms
    device: str  # its kind, "cpu" or "cuda"
    command: str  # that made the first of them
    runs: Mapping[Condition, dict[str, ArmRuns]]  # by name; of a sweep on clean clips alone

    @property
    def arms(self) -> dict[str, ArmRuns]:
        """On clean clips."""
        return self.runs.get(Condition(), {})

    @property
    def caption(self) -> str:
        """Corpus, preset and number of seeds."""
        counts = sorted({len(runs.seeds) for runs in self.arms.values()})
        seeds = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        return f"{self.place.corpus}, {self.preset} preset, {seeds} seeds"


def recorded_table(name: str, place: Place, folder: Path | None = None) -> RecordedTable | None:
    """A recorded sweep by the name of its table; None where there is none (yet).

    Arms that were run with one seed are left out. Where the preset of the place was not recorded,
    the first one that was is taken. Raises RunError where the file is damaged or of another corpus.
    """
    return _recorded(f"sweep_{name}", place, place.preset, folder)


def recorded_robustness(place: Place, folder: Path | None = None) -> RecordedTable | None:
    """What `scripts/record_robustness.py` has recorded; otherwise as `recorded_table`."""
    return _recorded("robustness", place, "quick", folder)


def arms_of(rows: pd.DataFrame) -> dict[str, ArmRuns]:
    """The arms that were run with two seeds or more: one says nothing about another."""
    return {name: runs for name, runs in runs_of(rows).items() if len(runs.seeds) > 1}


def declared_table(name: str, preset: str) -> Table:
    """A table of `data/sweeps/`. Raises RunError where there is none, or not for that preset."""
    return read_table(table_file(SWEEPS / f"{name}.toml"), preset)


def _recorded(name: str, place: Place, preset: str, folder: Path | None) -> RecordedTable | None:
    file = (folder or find(FOLDER) or FOLDER) / f"{name}_{place.slug}.csv"
    if not there(file):
        return None
    rows = read_results(file)
    if rows.empty:
        raise RunError(f"{file}: holds no rows; restore it or record it again.")
    if others := sorted(set(rows.corpus.dropna()) - {place.corpus}):
        raise RunError(f"{file}: holds results on {others[0]}, not on {place.corpus}; restore it.")
    presets = rows.preset.unique()
    rows = rows[rows.preset == (preset if preset in presets else presets[0])]
    found = {
        Condition.of(str(condition)): arms_of(own)
        for condition, own in rows.groupby("condition", sort=False)
    }
    runs = {condition: arms for condition, arms in found.items() if arms}
    first = rows.iloc[0]
    device = str(first.device).partition(":")[0]
    return RecordedTable(place, first.preset, device, first.command, runs) if runs else None
