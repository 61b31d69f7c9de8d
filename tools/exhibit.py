"""The ledger for readers: the telling rows in README.md, every claim in docs/claims.html.

python -m tools.exhibit
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mraf.errors import MrafError, RunError
from mraf.evaluation.differences import DELTA, POWER
from mraf.evidence.claims import FILE, PAPER, WHOSE, Claim, read_claims
from mraf.evidence.golden import STALE
from mraf.evidence.ledger import PLACES, VERDICTS, counts, ours, said
from mraf.evidence.measured import AGAIN
from mraf.evidence.recorded import FOLDER
from mraf.evidence.tables import OFFICIAL, declared_table
from mraf.files import read_text, slug_of, write_text
from mraf_lessons.kit.page import page

ROOT = Path(__file__).parents[1]
LEDGER = ROOT / FOLDER / "ledger.csv"
BEGIN, END = "<!-- written by `make claims` -->", "<!-- end of the ledger -->"
METRIC = {
    "mean": "the mean of P3–P6",
    "with face": "the mean of P3 and P5",
    "without face": "the mean of P4 and P6",
    "gap": "the mean of P4 and P6 minus that of P3 and P5",
}
ARXIV = "https://arxiv.org/abs/"
WIDTH, LABEL, ROW = 400, 104, 26  # of an interval's picture, of the names in it, height of a line


def main() -> None:
    """Write both from the ledger that `mraf ledger --out` has written."""
    table, claims = read_ledger(LEDGER), read_claims(ROOT / FILE)
    update_readme(ROOT / "README.md", table, claims)
    write_text(ROOT / "docs" / "claims.html", exhibit(table, claims))


def read_ledger(file: Path) -> pd.DataFrame:
    """A ledger as its file has it, with empty texts where it has none."""
    numbers = ("paper", "ours", "low", "high", "p", "detects", "seeds")
    table = pd.read_csv(file)
    text = [name for name in table.columns if name not in numbers]
    table[text] = table[text].astype(object).fillna("")
    return table


# --- README -------------------------------------------------------------------------------------


def markdown(table: pd.DataFrame, claims: Sequence[Claim]) -> str:
    """The telling rows on the official features, as tables."""
    telling = [claim.name for claim in claims if claim.telling]
    parts = []
    for whose, rows in table[table.corpus == OFFICIAL.corpus].groupby("whose", sort=False):
        lines = [f"**{WHOSE[str(whose)]}**, {len(rows)} in all: {counts(rows)}. Of these:", ""]
        lines += ["| claim | where | paper | ours | verdict |", "|---|---|---|---|---|"]
        shown = rows[rows.claim.isin(telling)]
        for row in shown.itertuples():
            paper = "–" if np.isnan(row.paper) else f"{row.paper:+.2f}"
            cells = (row.says, row.section, paper, ours(row), f"*{said(row)}*")
            lines.append(f"| {' | '.join(cells)} |")
        if len(shown):
            parts.append("\n".join(lines))
    if shown := agreement(table):
        parts.append(shown)
    return "\n\n".join(parts)


def agreement(table: pd.DataFrame) -> str:
    """The verdicts on MRAF's claims side by side, of those that every corpus has; empty of none."""
    corpora = [place.corpus for place in PLACES]
    measured = table[(table.whose == PAPER) & table.ours.notna()]
    side = measured.pivot(index="claim", columns="corpus", values="verdict")
    side = side.reindex(columns=corpora).dropna()
    if side.empty:
        return ""
    says = table.drop_duplicates("claim").set_index("claim").says
    same = [
        f"{first} and {second} on {(side[first] == side[second]).sum()}"
        for first, second in combinations(corpora, 2)
    ]
    counts = measured[measured.claim.isin(side.index)].groupby("corpus").seeds.unique()
    of = {corpus: sorted(set(map(int, counts[corpus]))) for corpus in corpora}
    seeds = ", ".join(f"{' or '.join(map(str, of[name]))} on {name}" for name in corpora)
    lines = [
        f"**The same claims on three corpora.** Of {len(side)} claims that were measured on all of "
        f"them, so many agree in their verdict: {', '.join(same)}. Seeds: {seeds}. "
        "More seeds give shorter intervals, so verdicts can differ for this reason alone.",
        "",
        f"| claim | {' | '.join(corpora)} |",
        "|---|---|---|---|",
    ]
    ordered = [name for name in says.index if name in side.index]
    lines += [f"| {says[name]} | {' | '.join(side.loc[name])} |" for name in ordered]
    return "\n".join(lines)


def update_readme(file: Path, table: pd.DataFrame, claims: Sequence[Claim]) -> None:
    """Write the telling rows between the two markers of a page. Raises RunError without them."""
    text = read_text(file, "give a page in UTF-8", RunError)
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise RunError(f"{file}: lacks the lines '{BEGIN}' and '{END}'.")
    write_text(file, f"{before}{BEGIN}\n\n{markdown(table, claims)}\n\n{END}{after}")


# --- the page -----------------------------------------------------------------------------------


def exhibit(table: pd.DataFrame, claims: Sequence[Claim]) -> str:
    """The page, which needs no other file, no script and no network; the same text every time.

    Args:
        table: see `read_ledger`.
        claims: all that it judges.
    """
    named, groups = {claim.name: claim for claim in claims}, []
    for whose, rows in table.groupby("whose", sort=False):
        shown = [_claim(named[str(n)], own) for n, own in rows.groupby("claim", sort=False)]
        groups.append({"key": slug_of(str(whose)), "title": WHOSE[str(whose)], "claims": shown})
    found = table.groupby(["verdict", "whose", "corpus"], sort=False).size()
    columns = list(table[["whose", "corpus"]].drop_duplicates().itertuples(index=False, name=None))
    return page(
        Path(__file__).with_suffix(".html"),
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
        "link": ARXIV + claim.section if claim.whose == "neighbours" else "",
        "quote": claim.quote,
        "limits": claim.limits,
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


if __name__ == "__main__":
    try:
        main()
    except MrafError as error:
        sys.exit(f"exhibit: error: {error}")
