"""Measures rows of the ledger again: some are drawn, and their printed commands are run.

    python -m tools.again [FOLDER …] [--rows 10] [--seed 0]

Rows of the twin are drawn, and those of the official features in each FOLDER. No run that is kept
elsewhere is used. The commands record into `build/again`, which must not be there. Another kind of
processor rounds in another way, and training lets that grow: then a number comes out near the
recorded one, not to its last digit. Exit code 1 where it leaves the recorded interval.
"""

import argparse
import os
import random
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from mraf import data
from mraf.evidence.claims import FILE, read_claims
from mraf.evidence.ledger import ledger
from mraf.evidence.measured import AGAIN
from tools.exhibit import LEDGER, ROOT, read_ledger

KEY, NUMBERS = ["claim", "corpus"], ["ours", "low", "high"]


def drawn(table: pd.DataFrame, corpora: Collection[str], rows: int, seed: int) -> pd.DataFrame:
    """Rows with a number, of some corpora, in the order of the ledger."""
    measured = table[table.ours.notna() & table.corpus.isin(corpora)]
    chosen = random.Random(seed).sample(range(len(measured)), min(rows, len(measured)))
    return measured.iloc[sorted(chosen)]


def compared(recorded: pd.DataFrame, again: pd.DataFrame) -> pd.DataFrame:
    """By row, both numbers and how far they agree: "digits", "interval", "OUTSIDE" or "nothing".

    Verdicts are not compared: they are corrected over all rows on a table, not over those drawn.
    """
    shown = [*KEY, "seeds", *NUMBERS]
    both = recorded[shown].merge(again[shown], "left", KEY, suffixes=("", " again"))
    inside = both["ours again"].between(both.low, both.high)
    near = [(both[f"{name} again"] - both[name]).abs() < 0.0051 for name in NUMBERS]
    agrees = (
        inside.map({True: "interval", False: "OUTSIDE"})
        .where(both["ours again"].notna(), "nothing")
        .mask(pd.concat(near, axis=1).all(axis=1), "digits")
    )
    return both.assign(agrees=agrees)


def run(command: str, features: str | None) -> None:
    """Run a printed command in the checkout, with this Python and an empty store."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    known = {**os.environ, "PATH": path, "XDG_CACHE_HOME": str(ROOT / AGAIN / "store")}
    for name in ("MRAF_DATA", "MRAF_RUNS"):
        known.pop(name, None)
    known |= {"MRAF_DATA": features} if features else {}
    if subprocess.run(["bash", "-ec", command], cwd=ROOT, env=known, stdout=sys.stderr).returncode:
        print(f"This failed, its rows stay empty: {command}", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", nargs="*", metavar="FOLDER", help="of official features")
    parser.add_argument("--rows", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if (ROOT / AGAIN).exists():
        parser.error(f"{AGAIN} is there already; remove it, so that nothing old is counted.")
    places: dict[str, str | None] = {"twin": None}
    places |= {data.load(folder).name: str(Path(folder).resolve()) for folder in options.folders}
    table = drawn(read_ledger(LEDGER), places, options.rows, options.seed)
    for command, corpus in tqdm(set(zip(table.command, table.corpus, strict=True)), "commands"):
        run(command, places[corpus])
    found = compared(table, ledger(read_claims(ROOT / FILE), ROOT / AGAIN))
    print(found.to_string(index=False, float_format="%.2f"))
    return int(found.agrees.isin(["OUTSIDE", "nothing"]).any())


if __name__ == "__main__":
    sys.exit(main())
