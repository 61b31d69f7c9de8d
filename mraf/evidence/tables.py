"""Recorded sweeps as arms that can be compared, and the names that people read them by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from mraf.errors import RunError
from mraf.evaluation.differences import ArmRuns, compare_arms, runs_of, scores
from mraf.evaluation.records import read_results
from mraf.evidence.recorded import FOLDER, SWEEPS, find, paper_table, there
from mraf.evidence.sweeps.tables import Table, read_table, table_file
from mraf.files import slug_of

# The rows of the paper's tables by arm. Its zero filling is a zero vector that is read as a face.
PAPER_ROWS = {
    "table3": {
        "cross_attention": "Cross-attention",
        "lstm": "LSTM",
        "gated": "Gated",
        "linear": "Linear",
    },
    "table4": {
        "token": "Learnable token",
        "zero_read_as_face": "Zero filling",
        "voice_completion": "Audio completion",
        "memory_bank": "Memory bank",
    },
}


class Place(NamedTuple):
    """Where a sweep is recorded.

    Args:
        corpus: as the recorded rows name it.
        slug: of the corpus in file names.
        preset: that is run on it unless somebody says otherwise.
        data: what names the corpus on the command line, if that is needed.
    """

    corpus: str
    slug: str
    preset: str
    data: str

    @classmethod
    def of(cls, corpus: str) -> Place:
        """Of a corpus by its name; where MRAF_DATA is, unless it is the twin."""
        return TWIN if corpus == TWIN.corpus else cls(corpus, slug_of(corpus), "paper", "")


TWIN = Place("twin", "twin", "quick", " --data twin")
OFFICIAL = Place.of("MAV-Celeb v1")


@dataclass(frozen=True, eq=False)
class RecordedTable:
    """A table of arms as it was recorded on one corpus.

    Args:
        place: where.
        preset: of all arms.
        device: kind of the device, "cpu" or "cuda".
        arms: by name.
    """

    place: Place
    preset: str
    device: str
    arms: dict[str, ArmRuns]

    def labelled(self, declared: Table) -> dict[str, ArmRuns]:
        """The arms that are declared, in that order, each named by its label."""
        return {
            arm.name: replace(self.arms[arm.name], name=arm.label)
            for arm in declared.arms
            if arm.name in self.arms
        }

    @property
    def caption(self) -> str:
        """Corpus, preset and number of seeds."""
        counts = sorted({len(runs.seeds) for runs in self.arms.values()})
        seeds = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        return f"{self.place.corpus}, {self.preset} preset, {seeds} seeds"


def recorded_table(name: str, place: Place, folder: Path | None = None) -> RecordedTable | None:
    """A recorded sweep; None where there is none (yet).

    Arms that were run with one seed are left out, since that says nothing about another.

    Args:
        name: of the table, as in `data/sweeps/`.
        folder: of the recorded results; by default `data/recorded/`.
    Raises:
        RunError: the file cannot be read, or is incomplete.
    """
    folder = folder or find(FOLDER) or FOLDER
    rows = recorded_rows(folder / f"sweep_{name}_{place.slug}.csv", place.preset, place.corpus)
    if rows is None or not (arms := arms_of(rows)):
        return None
    return RecordedTable(place, rows.preset.iloc[0], rows.device.iloc[0].partition(":")[0], arms)


def recorded_rows(file: Path, preset: str, corpus: str) -> pd.DataFrame | None:
    """The rows of a preset, or of the first one where there are none of it; None without a file.

    Raises:
        RunError: the file is there but damaged, empty or of another corpus.
    """
    if not there(file):
        return None
    rows = read_results(file)
    if rows.empty:
        raise RunError(f"{file}: holds no rows; restore it or record it again.")
    if others := sorted(set(rows.corpus.dropna()) - {corpus}):
        raise RunError(f"{file}: holds results on {others[0]}, not on {corpus}; restore it.")
    presets = rows.preset.unique()
    return rows[rows.preset == (preset if preset in presets else presets[0])]


def arms_of(rows: pd.DataFrame) -> dict[str, ArmRuns]:
    """The arms that were run with two seeds or more: one says nothing about another."""
    return {name: runs for name, runs in runs_of(rows).items() if len(runs.seeds) > 1}


def declared_table(name: str, preset: str) -> Table:
    """A table of `data/sweeps/`. Raises RunError where there is none, or not for that preset."""
    return read_table(table_file(SWEEPS / f"{name}.toml"), preset)


def score_table(found: RecordedTable, declared: Table) -> pd.DataFrame:
    """Accuracy of every arm that is declared and recorded, in the order of the declaration.

    Returns:
        Columns arm (the label), name, metric, accuracy, low, high, and paper (NaN where the paper
        has no such row); fractions.
    """
    parts = [
        scores(found.arms[arm.name]).reset_index().assign(arm=arm.label, name=arm.name)
        for arm in declared.arms
        if arm.name in found.arms
    ]
    table = pd.concat(parts, ignore_index=True)
    paper = [_published(declared.name, name, metric) for name, metric in _keys(table)]
    return table.assign(paper=paper)


def difference_table(found: RecordedTable, declared: Table) -> pd.DataFrame:
    """Every arm minus the reference, on the seeds that they share, corrected as one table.

    Returns:
        Columns arm (the label), name, metric, those of `compare_arms`, and paper: the paper's
        difference, NaN where it has no such row.
    Raises:
        RunError: the reference was not recorded, or an arm shares fewer than two seeds with it.
    """
    arms = {arm.name: found.arms[arm.name] for arm in declared.arms if arm.name in found.arms}
    table = compare_arms(arms, declared.reference).reset_index(names=["name", "metric"])
    labels = {arm.name: arm.label for arm in declared.arms}
    paper = [
        _published(declared.name, name, metric)
        - _published(declared.name, declared.reference, metric)
        for name, metric in _keys(table)
    ]
    return table.assign(arm=table["name"].map(labels), paper=paper)


def _keys(table: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(table["name"], table["metric"], strict=True))


def _published(table: str, arm: str, metric: str) -> float:
    row = PAPER_ROWS.get(table, {}).get(arm)
    return float(paper_table(int(table[-1])).loc[row, metric]) if row else np.nan
