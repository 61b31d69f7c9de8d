"""The ledger: every claim with the paper's number, ours, and a verdict that follows from rules.

The rules stand in `VERDICTS`. They are for the difference between what a claim is about and its
rival, its p-value corrected over all claims on one table of one corpus.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mraf.evaluation.differences import (
    BETTER,
    DELTA,
    EQUAL,
    LEVEL,
    OPEN,
    WORSE,
    corrected,
    detectable,
)
from mraf.evidence.claims import WHOSE, Claim
from mraf.evidence.golden import STALE
from mraf.evidence.measured import AGAIN, Evidence, Tested, sweep_command
from mraf.evidence.recorded import FOLDER
from mraf.evidence.tables import GERMAN, OFFICIAL, TWIN, Place

HOLDS, DIRECTION, SMALLER = "holds", "holds in direction", "not by as much"
REFUTED, UNTESTABLE = "does not hold as stated", "cannot be tested here"
UNRECORDED = "not recorded yet"
VERDICTS = {
    HOLDS: "Better than every rival, and by as much as the paper says or more, up to our interval. "
    "A claim that two come to the same holds where they are equal within half a point.",
    DIRECTION: "Better than every rival, but by less than the paper says.",
    REFUTED: "Worse than a rival, or equal within half a point where the paper says more. "
    "A claim that two come to the same does not hold where one is better.",
    EQUAL: "None of these: worse than no rival, and equal to one within half a point.",
    SMALLER: "None of these, but the paper's is more than half a point above our interval.",
    OPEN: "None of these: after the correction the sign is open, and the paper's difference is not "
    "more than half a point above our interval.",
    UNTESTABLE: "The reason stands in place of a measurement.",
    UNRECORDED: "The command would record it.",
}
COLUMNS = ["claim", "whose", "section", "says", "metric", "comparison", "paper", "ours", "low"]
COLUMNS += ["high", "p", "detects", "drawn", "seeds", "corpus", "preset", "verdict", "untestable"]
COLUMNS += ["golden", "command"]
PLACES = (OFFICIAL, GERMAN, TWIN)


def ledger(claims: Sequence[Claim], folder: Path) -> pd.DataFrame:
    """Every claim on every corpus. Raises RunError for a file that cannot be read, or lacks an arm.

    The columns are COLUMNS, claims of one kind of WHOSE together; paper, ours, low and high in
    points, NaN where there is none. Of several rivals the row shows the nearest. "detects" is the
    smallest difference that would be told apart, in points (`detectable`); "drawn" is what its
    interval draws; "golden" says whether a row is stale (`Golden.of`).
    """
    evidence, named = Evidence(folder), {claim.name: claim for claim in claims}
    rows: list[dict[str, Any]] = []
    families: dict[tuple[str, str], dict[int, pd.DataFrame]] = {}
    for claim in sorted(claims, key=lambda claim: list(WHOSE).index(claim.whose)):
        source = "damage" if claim.damage else claim.sweep or claim.systems or claim.study
        places = PLACES if claim.sweep or claim.study else (OFFICIAL,)
        for place in (TWIN,) if claim.twin_only else places:
            if tested := evidence.of(claim, place):
                families.setdefault((source, place.corpus), {})[len(rows)] = tested.table
            if tested or place != GERMAN:
                rows.append(_row(claim, place, tested))
    for family in families.values():
        together = corrected(pd.concat(family, names=["row"]))
        for number, table in together.groupby("row"):
            row = rows[int(number)]
            row |= _judged(named[row["claim"]], table, LEVEL / len(together))
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(claim: Claim, place: Place, tested: Tested | None) -> dict[str, Any]:
    row: dict[str, Any] = claim.model_dump(include={"section", "says", "metric", "untestable"})
    row |= {"claim": claim.name, "whose": claim.whose, "corpus": place.corpus, "seeds": 0}
    row["comparison"] = f"{claim.of} − {' / '.join(claim.over)}" if claim.over else claim.of
    row["paper"] = np.nan if claim.published is None else 100 * claim.published
    row["verdict"] = UNTESTABLE if claim.untestable else UNRECORDED
    if tested:
        row |= {name: value for name, value in tested._asdict().items() if name in COLUMNS}
        row["command"] = tested.command.replace(FOLDER.as_posix(), AGAIN)
    elif claim.sweep:
        seeds = "5" if place is OFFICIAL else "10"
        row["preset"] = place.preset
        row["command"] = sweep_command(claim, place, place.preset, seeds, "auto", FOLDER.as_posix())
    elif claim.study == "attention":
        of = f"{place.data} --preset {(claim.row or {}).get('preset', 'quick')}"
        row["command"] = f"python scripts/record_attention.py{of} --out {FOLDER.as_posix()}"
    elif claim.study:
        name = claim.study.replace("_", "-")
        row["command"] = f"mraf related {name}{place.data} --record {FOLDER.as_posix()}"
    return row


def _judged(claim: Claim, table: pd.DataFrame, level: float) -> dict[str, Any]:
    """The nearest rival's numbers, and the verdict over all; level is that of the smallest p."""
    nearest = table.loc[table.difference.idxmin()] if claim.kind == "better" else table.iloc[0]
    points = 100 * nearest[["difference", "low", "high"]].rename({"difference": "ours"})
    verdict = claim_verdict(claim, table.verdict.tolist(), float(nearest.high))
    detects = 100 * detectable(nearest.chance, nearest.low, nearest.high, level)
    return {**points, "p": nearest.p_holm, "detects": detects, "verdict": verdict}


def claim_verdict(claim: Claim, verdicts: Sequence[str], high: float) -> str:
    """The verdict on a claim, by the rules of `VERDICTS`.

    Args:
        verdicts: on what the claim is about against each rival, as `verdict` gives them.
        high: upper end of the interval of the difference to the nearest rival, as a fraction.
    """
    if claim.kind == "equal":
        if all(found == EQUAL for found in verdicts):
            return HOLDS
        return REFUTED if {BETTER, WORSE} & set(verdicts) else OPEN
    published = claim.published
    if WORSE in verdicts:
        return REFUTED
    if all(found == BETTER for found in verdicts):
        return HOLDS if published is None or published <= high else DIRECTION
    if EQUAL in verdicts and published is not None and published > DELTA:
        return REFUTED
    if EQUAL in verdicts and OPEN not in verdicts:
        return EQUAL
    return SMALLER if published is not None and published > high + DELTA else OPEN


def to_csv(table: pd.DataFrame) -> str:
    """The ledger as a file: points to two decimals, p to four."""
    decimals = {**dict.fromkeys(["paper", "ours", "low", "high", "detects"], 2), "p": 4}
    return table.round(decimals).to_csv(index=False)


def summary(table: pd.DataFrame) -> str:
    """How many claims have which verdict, by whose they are and by corpus; and the rows."""
    lines = []
    for (whose, corpus), rows in table.groupby(["whose", "corpus"], sort=False):
        lines.append(f"{whose}, {corpus}: {counts(rows)}")
    for row in table.itertuples():
        lines.append(f"{row.corpus:11s} {said(row):24s} {ours(row):>22s}  {row.says}")
    return "\n".join(lines)


def counts(rows: pd.DataFrame) -> str:
    """As in "2 × holds, 15 × cannot be told apart", in the order of VERDICTS."""
    found = rows.verdict.value_counts()
    return ", ".join(f"{found[verdict]} × {verdict}" for verdict in VERDICTS if verdict in found)


def ours(row: Any) -> str:
    """Our number of a row with its interval, as in `+1.2 [+0.3, +2.1]`."""
    if np.isnan(row.ours):
        return "–"
    return f"{row.ours:+.1f} [{row.low:+.1f}, {row.high:+.1f}]"


def said(row: Any) -> str:
    """The verdict of a row, and whether it is stale."""
    return f"{row.verdict} ({STALE})" if row.golden == STALE else str(row.verdict)
