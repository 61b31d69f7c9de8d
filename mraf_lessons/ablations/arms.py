"""Recorded arms by the labels that people read, beside the paper's rows."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from mraf.evaluation.differences import BETTER, EQUAL, OPEN, WORSE, ArmRuns, compare_arms, scores
from mraf.evidence.recorded import paper_table
from mraf.evidence.sweeps.tables import Table
from mraf.evidence.tables import RecordedTable

# The rows of the paper's tables by arm. Its zero filling is a zero vector that is read as a face.
PAPER_ROWS = {
    "table3": {"cross_attention": "Cross-attention", "lstm": "LSTM", "gated": "Gated",
               "linear": "Linear"},
    "table4": {"token": "Learnable token", "zero_read_as_face": "Zero filling",
               "voice_completion": "Audio completion", "memory_bank": "Memory bank"},
}  # fmt: skip


def labelled(found: RecordedTable, declared: Table) -> dict[str, ArmRuns]:
    """The arms that are declared and recorded, in that order, each named by its label."""
    return {
        arm.name: replace(found.arms[arm.name], name=arm.label)
        for arm in declared.arms
        if arm.name in found.arms
    }


def score_table(found: RecordedTable, declared: Table) -> pd.DataFrame:
    """Columns arm (the label), name, metric, accuracy, low, high, and paper (NaN for no row)."""
    parts = [
        scores(runs).reset_index().assign(arm=runs.name, name=name)
        for name, runs in labelled(found, declared).items()
    ]
    table = pd.concat(parts, ignore_index=True)
    paper = [_published(declared.name, row.name, row.metric) for row in table.itertuples(False)]
    return table.assign(paper=paper)


def difference_table(found: RecordedTable, declared: Table) -> pd.DataFrame:
    """Every arm minus the reference: `compare_arms` with the paper's difference, NaN for none.

    Raises RunError where the reference or a second seed in common was not recorded.
    """
    arms = labelled(found, declared)
    table = compare_arms(arms, declared.reference).reset_index(names=["name", "metric"])
    paper = [
        _published(declared.name, row.name, row.metric)
        - _published(declared.name, declared.reference, row.metric)
        for row in table.itertuples(False)
    ]
    return table.assign(arm=[arms[name].name for name in table["name"]], paper=paper)


def in_words(table: pd.DataFrame, listed: Sequence[str] = (BETTER, WORSE, EQUAL)) -> str:
    """Which cells of a difference table have which verdict, in points; some are only counted."""
    named = table.arm + " in " + table.metric + (100 * table.difference).map(" ({:+.1f})".format)
    said = []
    for verdict in (BETTER, WORSE, EQUAL, OPEN):
        if len(cells := named[table.verdict == verdict]):
            counted = f"{len(cells)} of {len(table)} cells"
            said.append(f"*{verdict}*: {', '.join(cells) if verdict in listed else counted}")
    return "; ".join(said)


def _published(table: str, arm: str, metric: str) -> float:
    row = PAPER_ROWS.get(table, {}).get(arm)
    return float(paper_table(int(table[-1])).loc[row, metric]) if row else np.nan
