"""The ledger: every claim with the paper's number, ours, and a verdict that follows from rules.

The rules, for the difference between what a claim is about and its rival (p-values corrected over
all claims on one table of one corpus, DELTA half a point):

- *holds*: better than every rival, and by as much as the paper says or more, up to our interval;
- *holds in direction*: better than every rival, but by less than the paper says;
- *does not hold as stated*: worse than a rival, or equal within DELTA where the paper says more;
- *cannot be told apart*: none of these.

A claim that two come to the same holds where they are equal within DELTA, and does not where one
is better.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from mraf.ablations import OFFICIAL, TWIN, Place, RecordedTable, recorded_table
from mraf.claims import Claim
from mraf.errors import RunError
from mraf.files import write_text
from mraf.outcomes import LEVEL
from mraf.pairing import difference
from mraf.robustness import Condition, RecordedRobustness, recorded_robustness, spared
from mraf.verdicts import BETTER, DELTA, EQUAL, OPEN, WORSE, judged

HOLDS, DIRECTION = "holds", "holds in direction"
REFUTED, UNTESTABLE = "does not hold as stated", "cannot be tested here"
UNRECORDED = "not recorded yet"
COLUMNS = [
    "claim",
    "section",
    "says",
    "metric",
    "comparison",
    "paper",
    "ours",
    "low",
    "high",
    "p",
    "seeds",
    "corpus",
    "preset",
    "verdict",
    "command",
]
DRAWS = 5  # draws or folds of people in every study
BEGIN, END = "<!-- written by `mraf ledger --readme FILE` -->", "<!-- end of the ledger -->"


PLACES = (OFFICIAL, TWIN)


class Tested(NamedTuple):
    """What was measured for a claim: a row per rival (difference, low, high, p), and from what."""

    table: pd.DataFrame
    seeds: int
    preset: str
    command: str


def ledger(claims: Sequence[Claim], folder: Path) -> pd.DataFrame:
    """Every claim on every corpus.

    Args:
        folder: of the recorded results.
    Returns:
        The columns of COLUMNS; paper, ours, low and high in points, NaN where there is none. Of
        several rivals the row shows the nearest.
    Raises:
        RunError: a recorded file that cannot be read, or an arm that no recording has.
    """
    recording = cache(lambda sweep, place: recorded_table(sweep, place, folder))
    rows: list[dict[str, Any]] = []
    families: dict[tuple[str, str], list[tuple[int, pd.DataFrame]]] = {}
    for claim in claims:
        for place in PLACES if claim.sweep or claim.study else (OFFICIAL,):
            tested = None
            if claim.damage:
                tested = _of_damage(claim, place, recorded_robustness(place, folder=folder))
            elif claim.sweep:
                tested = _of_sweep(claim, place, recording(claim.sweep, place))
            elif claim.systems:
                tested = _of_systems(claim, folder)
            elif claim.study:
                tested = _of_study(claim, place, folder)
            if tested is not None:
                source = claim.damage or claim.sweep or claim.systems or claim.study
                family = (source, place.corpus)
                families.setdefault(family, []).append((len(rows), tested.table))
            rows.append(_row(claim, place, tested))
    for members in families.values():
        together = judged(pd.concat([table for _, table in members]))
        first = 0
        for number, table in members:
            own = together.iloc[first : first + len(table)]
            rows[number] |= _judged(rows[number].pop("of"), own)
            first += len(table)
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(claim: Claim, place: Place, tested: Tested | None) -> dict[str, Any]:
    published = claim.published
    row: dict[str, Any] = {
        "of": claim,
        "claim": claim.name,
        "section": claim.section,
        "says": claim.says,
        "metric": claim.metric,
        "comparison": f"{claim.of} − {' / '.join(claim.over)}" if claim.over else claim.of,
        "paper": np.nan if published is None else 100 * published,
        "corpus": place.corpus,
        "seeds": 0,
        "verdict": UNTESTABLE if claim.untestable else UNRECORDED,
        "command": claim.untestable,
    }
    if tested:
        row |= {"seeds": tested.seeds, "preset": tested.preset, "command": tested.command}
    elif claim.sweep:
        seeds = "5" if place is OFFICIAL else "10"
        row |= {"preset": place.preset, "command": _command(claim, place, place.preset, seeds)}
    elif claim.study:
        name = claim.study.replace("_", "-")
        row["command"] = f"mraf related {name}{place.data} --record data/recorded"
    return row


def _judged(claim: Claim, table: pd.DataFrame) -> dict[str, Any]:
    """The nearest rival's numbers, and the verdict over all."""
    nearest = table.loc[table.difference.idxmin()] if claim.kind == "better" else table.iloc[0]
    numbers = {"ours": nearest.difference, "low": nearest.low, "high": nearest.high}
    return {
        **{name: 100 * value for name, value in numbers.items()},
        "p": nearest.p_holm,
        "verdict": claim_verdict(claim, table.verdict.tolist(), float(nearest.high)),
    }


def claim_verdict(claim: Claim, verdicts: Sequence[str], high: float) -> str:
    """The verdict on a claim, by the rules at the top of this module.

    Args:
        verdicts: on what the claim is about against each rival, from `mraf.verdicts.verdict`.
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
    return OPEN


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
    command = _command(claim, place, found.preset, f"{seeds[0]}-{seeds[-1]}")
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
    table = pd.concat([spared(of, rival, metrics=[claim.metric]) for rival in rivals])
    trained = " ".join(dict.fromkeys(name.partition("+")[0] for name in names))
    command = f"python scripts/record_robustness.py{place.data} --preset {found.preset} "
    command += f"--arms {trained} --seeds {seeds[0]}-{seeds[-1]}"
    return Tested(table.reset_index(drop=True), len(seeds), found.preset, command)


def _command(claim: Claim, place: Place, preset: str, seeds: str) -> str:
    """What makes the runs of a claim."""
    arms = " ".join((claim.of, *claim.over))
    return (
        f"mraf sweep data/sweeps/{claim.sweep}.toml{place.data} --preset {preset} --arms {arms} "
        f"--seeds {seeds}"
    )


def _of_systems(claim: Claim, folder: Path) -> Tested | None:
    """From recorded accuracies with intervals, which say nothing of pairs.

    The interval of the difference is that of two estimates that have nothing in common (Zou &
    Donner 2008), which is too wide where both are judged on the same videos. Seeds add their part,
    as a t interval.
    """
    file = folder / f"{claim.systems}.csv"
    if not file.is_file():
        return None
    rows = pd.read_csv(file)
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


def _of_study(claim: Claim, place: Place, folder: Path) -> Tested | None:
    """From a recorded difference with its interval; None where there is no record on the corpus."""
    file = folder / f"{claim.study}_{place.slug}.csv"
    if not file.is_file() or claim.row is None:
        return None
    rows = pd.read_csv(file)
    if unknown := sorted(set(claim.row) - set(rows.columns)):
        raise RunError(f"{file}: claim '{claim.name}' asks for an unknown column: {unknown[0]}.")
    for column, value in claim.row.items():
        rows = rows[rows[column].astype(str) == str(value)]
    if rows.empty:
        return None
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
    return Tested(table, DRAWS, "", row.command)


def _system(rows: pd.DataFrame, name: str, file: Path) -> pd.Series:
    """Accuracy of a system over its seeds, with low and high."""
    own = rows[rows.system == name][["accuracy", "low", "high"]]
    if own.empty:
        raise RunError(f"{file}: no rows of the system '{name}'.")
    mean, seeds = own.mean(), len(own)
    if seeds > 1:
        of_seeds = stats.t.ppf(1 - LEVEL / 2, seeds - 1) * own.accuracy.std() / np.sqrt(seeds)
        mean.low = mean.accuracy - np.hypot(mean.accuracy - mean.low, of_seeds)
        mean.high = mean.accuracy + np.hypot(mean.high - mean.accuracy, of_seeds)
    return mean


# --- as text -----------------------------------------------------------------------------------


def rounded(table: pd.DataFrame) -> pd.DataFrame:
    """The ledger as files show it: points to two decimals, p to four."""
    return table.round({"paper": 2, "ours": 2, "low": 2, "high": 2, "p": 4})


def to_csv(table: pd.DataFrame) -> str:
    """The ledger as a file."""
    return rounded(table).to_csv(index=False)


def summary(table: pd.DataFrame) -> str:
    """How many claims have which verdict, by corpus; and the rows, one a line."""
    counts = table.groupby(["corpus", "verdict"], sort=False).size()
    lines = [f"{corpus}: {count} × {verdict}" for (corpus, verdict), count in counts.items()]
    for row in table.itertuples():
        lines.append(f"{row.corpus:11s} {row.verdict:24s} {ours(row):>22s}  {row.says}")
    return "\n".join(lines)


def ours(row: Any) -> str:
    """Our number of a row with its interval, as in `+1.2 [+0.3, +2.1]`."""
    if np.isnan(row.ours):
        return "–"
    return f"{row.ours:+.1f} [{row.low:+.1f}, {row.high:+.1f}]"


def markdown(table: pd.DataFrame, claims: Sequence[Claim]) -> str:
    """The telling rows on the official features, as a table of the numbers that `to_csv` writes."""
    table = rounded(table)
    telling = [claim.name for claim in claims if claim.telling]
    rows = table[(table.corpus == OFFICIAL.corpus) & table.claim.isin(telling)]
    lines = ["| claim | where | paper | ours | verdict |", "|---|---|---|---|---|"]
    for row in rows.itertuples():
        paper = "–" if np.isnan(row.paper) else f"{row.paper:+.2f}"
        cells = (row.says, row.section, paper, ours(row), f"*{row.verdict}*")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def update_readme(file: Path, table: pd.DataFrame, claims: Sequence[Claim]) -> None:
    """Write the telling rows between the two markers of a page.

    Raises:
        RunError: the page lacks a marker, or cannot be read or written.
    """
    try:
        page = file.read_text(encoding="utf-8")
    except OSError as error:
        raise RunError(f"{file}: cannot be read ({error.strerror}).") from None
    block = re.compile(f"{re.escape(BEGIN)}\n.*?{re.escape(END)}", re.DOTALL)
    if not block.search(page):
        raise RunError(f"{file}: lacks the lines '{BEGIN}' and '{END}'.")
    written = f"{BEGIN}\n\n{markdown(table, claims)}\n\n{END}"
    write_text(file, block.sub(lambda _: written, page))
