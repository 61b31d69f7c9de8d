"""Whether recorded runs still say what their arms compute.

`golden_of_arms.csv` has the golden numbers (`mraf.training.golden`) of the code that trained each
recorded arm, and `data/golden.json` those of every arm of `data/sweeps/` as it is now. Where the
two differ, the recorded rows are stale.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from mraf.errors import RunError
from mraf.evaluation.records import read_results
from mraf.evidence.recorded import DATA, find, there
from mraf.files import locked, read_as, read_frame, write_text
from mraf.training.golden import Numbers, same

FILE = "golden_of_arms.csv"
NOW = DATA / "golden.json"
ARM = ["file", "preset", "arm"]
SAME, STALE = "same", "stale"


class Golden:
    """The golden numbers of a folder of recorded results, and those of today. Raises RunError."""

    def __init__(self, folder: Path) -> None:
        self.then = _read(folder / FILE)
        file = find(NOW)
        found = read_as("JSON", json.loads, file, "restore it", RunError) if file else {}
        self.now: dict[str, Numbers] = found

    def of(self, file: str, preset: str, arms: Sequence[str]) -> str:
        """SAME or STALE; empty where the numbers of an arm are not known.

        ``file`` has no ".csv"; arms may have "+agreement" and the like, added after training.
        """
        for arm in dict.fromkeys(name.partition("+")[0] for name in arms):
            if (file, preset, arm) not in self.then.index:
                return ""
            row = self.then.loc[(file, preset, arm)]
            now = self.now.get(f"{row.table} {preset} {arm}")
            if now is None:
                return ""
            if not same(now, row.drop("table").astype(float).to_dict()):
                return STALE
        return SAME


def remember(file: Path, rows: pd.DataFrame, table: str, numbers: Mapping[str, Numbers]) -> None:
    """Keep the golden numbers of arms that were just recorded. Raises RunError.

    ``rows`` were just written to the ``file``; the ``table`` of `data/sweeps/` declares the arms.
    Where the file also holds older runs of an arm, the arm stays stale until all are recorded anew.
    """
    runs = ["preset", "system", "seed"]
    before = read_results(file)[runs].merge(rows[runs].drop_duplicates(), "left", indicator="new")
    older = set(before[before.new == "left_only"][["preset", "system"]].itertuples(index=False))
    target = file.with_name(FILE)
    with locked(target):
        kept = _read(target)
        for preset, arm in rows[["preset", "system"]].drop_duplicates().itertuples(index=False):
            if (preset, arm) not in older and arm in numbers:
                new = {key: float(f"{value:.8g}") for key, value in numbers[arm].items()}
                index = pd.MultiIndex.from_tuples([(file.stem, preset, arm)], names=ARM)
                row = pd.DataFrame({"table": table, **new}, index=index)
                kept = pd.concat([kept.drop(index, errors="ignore"), row])
        write_text(target, kept.sort_index().to_csv())


def _read(file: Path) -> pd.DataFrame:
    """The table and the numbers of each arm, by ARM."""
    if not there(file):
        return pd.DataFrame({"table": []}, index=pd.MultiIndex.from_arrays([[]] * 3, names=ARM))
    try:
        found = read_frame(file).set_index(ARM).sort_index()
        found.drop(columns="table").astype(float)
    except (OSError, ValueError, KeyError) as error:
        raise RunError(f"{file}: no readable table of golden numbers ({error}).") from None
    if found.index.duplicated().any():
        raise RunError(f"{file}: an arm occurs twice; restore the file.")
    return found
