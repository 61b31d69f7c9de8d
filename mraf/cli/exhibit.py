"""The ledger as one HTML page: each claim, what could have refuted it, its interval and verdict."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mraf.cli.page import page
from mraf.errors import RunError
from mraf.evaluation.differences import DELTA, POWER
from mraf.evidence.claims import WHOSE, Claim
from mraf.evidence.golden import STALE
from mraf.evidence.ledger import VERDICTS, ours, to_csv
from mraf.evidence.measured import AGAIN
from mraf.evidence.tables import declared_table
from mraf.files import slug_of, write_text

METRIC = {
    "mean": "the mean of P3–P6",
    "with face": "the mean of P3 and P5",
    "without face": "the mean of P4 and P6",
    "gap": "the mean of P4 and P6 minus that of P3 and P5",
}
PAPER = "https://arxiv.org/abs/"
WIDTH, LABEL, ROW = 400, 104, 26  # of an interval's picture, of the names in it, height of a line


def write_exhibit(path: Path, table: pd.DataFrame, claims: Sequence[Claim]) -> None:
    """Write the page of a ledger, as its CSV file has it. Raises RunError as `write_text`."""
    write_text(path, exhibit(to_csv(table), claims))


def exhibit(ledger: str, claims: Sequence[Claim]) -> str:
    """The page, which needs no other file, no script and no network; the same text every time.

    Args:
        ledger: the content of its CSV file.
        claims: all that it judges.
    """
    numbers = ("paper", "ours", "low", "high", "p", "detects", "seeds")
    table = pd.read_csv(io.StringIO(ledger))
    text = [name for name in table.columns if name not in numbers]
    table[text] = table[text].astype(object).fillna("")
    named, groups = {claim.name: claim for claim in claims}, []
    for whose, rows in table.groupby("whose", sort=False):
        shown = [_claim(named[str(n)], own) for n, own in rows.groupby("claim", sort=False)]
        groups.append({"key": slug_of(str(whose)), "title": WHOSE[str(whose)], "claims": shown})
    found = table.groupby(["verdict", "whose", "corpus"], sort=False).size()
    columns = list(table[["whose", "corpus"]].drop_duplicates().itertuples(index=False, name=None))
    return page(
        "exhibit.html",
        title="Which claims hold, and how to measure them again",
        groups=groups,
        verdicts=[(verdict, slug_of(verdict), rule) for verdict, rule in VERDICTS.items()],
        columns=columns,
        found=[
            (verdict, [found.get((verdict, *column), 0) for column in columns])
            for verdict in VERDICTS
            if verdict in set(table.verdict)
        ],
        delta=f"{100 * DELTA:g}",
        power=f"{100 * POWER:g}",
        again=AGAIN,
    )


def _claim(claim: Claim, rows: pd.DataFrame) -> dict[str, Any]:
    """A claim with its rows, as the template takes it."""
    first, of_arm = rows.iloc[0], _labels(claim)
    metric = METRIC.get(claim.metric, claim.metric)
    cells = [f"{name} {round(100 * value, 6):.2f}" for name, value in claim.cells.items()]
    if len(cells) > 1:
        cells.append(f"difference {first.paper:+.2f} points")
    return {
        "name": claim.name,
        "says": claim.says,
        "where": claim.section,
        "link": PAPER + claim.section if claim.whose == "neighbours" else "",
        "quote": claim.quote,
        "cell": f"Table {claim.paper.table}, {metric}: {'; '.join(cells)}" if claim.paper else "",
        "metric": metric + (f", and what {claim.damage} costs it" if claim.damage else ""),
        "smaller": claim.smaller,
        "same": claim.kind == "equal",
        "of": of_arm.get(claim.of, claim.of),
        "over": [of_arm.get(name, name) for name in claim.over],
        "untestable": first.untestable,
        "picture": _picture(claim, rows[rows.ours.notna()]),
        "rows": [
            {
                **row._asdict(),
                "ours": ours(row).replace("-", "−"),
                "p": "below 0.0001" if row.p < 1e-4 else f"= {row.p:.2g}",
                "mark": slug_of(row.verdict),
                "stale": row.golden == STALE,
            }
            for row in rows.itertuples(index=False)
        ],
    }


def _labels(claim: Claim) -> dict[str, str]:
    """What the arms of a claim are called for people; empty where no sweep declares them."""
    if not claim.sweep:
        return {}
    try:
        labels = {arm.name: arm.label for arm in declared_table(claim.sweep, "quick").arms}
    except RunError:  # a ledger of somebody else's sweep
        return {}
    return labels | {
        f"{name}+agreement": f"{label}, and agreement" for name, label in labels.items()
    }


# --- intervals -----------------------------------------------------------------------------------


def _picture(claim: Claim, rows: pd.DataFrame) -> dict[str, Any] | None:
    """Where everything stands in the picture of the intervals, and its words; None of nothing."""
    if rows.empty:
        return None
    says = [row.corpus for row in rows.itertuples()]
    marks = list(zip(says, rows.ours, rows.low, rows.high, strict=True))
    if claim.over and not np.isnan(rows.paper.iloc[0]):
        marks.append(("the paper", rows.paper.iloc[0], np.nan, np.nan))
    edges = [-100 * DELTA, 100 * DELTA, *(x for _, *xs in marks for x in xs if not np.isnan(x))]
    low, high = min(edges), max(edges)
    margin = (high - low) / 20
    low, high = low - margin, high + margin

    def x(value: float) -> float:
        return round(LABEL + (value - low) / (high - low) * (WIDTH - LABEL), 1)

    words = [
        f"{name} {value:+.2f}" + ("" if np.isnan(left) else f", from {left:+.2f} to {right:+.2f}")
        for name, value, left, right in marks
    ]
    return {
        "width": WIDTH,
        "height": ROW * len(marks) + 22,
        "alt": f"Difference in points. {'; '.join(words)}.",
        "band": (x(-100 * DELTA), round(x(100 * DELTA) - x(-100 * DELTA), 1)),
        "ticks": [(x(tick), f"{tick:+g}" if tick else "0") for tick in _ticks(low, high)],
        "marks": [
            {
                "name": name,
                "y": ROW * number + ROW // 2,
                "x": x(value),
                "line": None if np.isnan(left) else (x(left), x(right)),
                "kind": ("twin" if name == "twin" else "paper" if np.isnan(left) else "real"),
            }
            for number, (name, value, left, right) in enumerate(marks)
        ],
    }


def _ticks(low: float, high: float) -> list[float]:
    """Three to seven round numbers between two, zero among them where it lies between them."""
    rough = 10.0 ** np.floor(np.log10((high - low) / 3))
    step = max(rough * k for k in (1, 2, 5) if rough * k <= (high - low) / 3)
    numbers = np.arange(np.ceil(low / step), np.floor(high / step) + 1)
    return [round(float(number * step), 6) + 0.0 for number in numbers]
