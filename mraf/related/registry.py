"""How a system of a neighbouring paper is measured and recorded, whichever it is."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pandas as pd

from mraf.data.clips import Corpus
from mraf.errors import RunError
from mraf.evaluation.records import write_results
from mraf.files import slug_of, without_home, write_text
from mraf.related import SYSTEMS


def measure(name: str, corpus: Corpus) -> tuple[pd.DataFrame, str]:
    """The table of a system on a corpus, and the same to read.

    Raises:
        RunError: no such system.
        DataError: the corpus does not have what the system needs.
    """
    if name not in SYSTEMS:
        raise RunError(f"no related system '{name}'; there are: {', '.join(SYSTEMS)}.")
    module = import_module(SYSTEMS[name].module)
    table = module.table(corpus)
    return table, module.summary(table)


def record(table: pd.DataFrame, name: str, corpus: str, command: str, folder: Path) -> Path:
    """Write the table of a system as NAME_CORPUS.csv, each row with the command that made it.

    Raises:
        RunError: the file cannot be written.
    """
    file = folder / f"{name.replace('-', '_')}_{slug_of(corpus)}.csv"
    rows = table.assign(command=without_home(command))
    if "correct_per_video" in rows.columns:
        write_results(file, rows)
    else:
        write_text(file, rows.to_csv(index=False, float_format="%.5f"))
    return file
