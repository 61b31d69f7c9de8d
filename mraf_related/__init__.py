"""Systems of neighbouring papers, and encoders of raw clips; `mraf related NAME` measures one."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mraf.errors import RunError
from mraf.files import slug_of, without_home, write_text

if TYPE_CHECKING:  # the command line reads SYSTEMS and must start fast
    import pandas as pd

    from mraf.data.clips import Corpus

SYSTEMS = {
    "decision": "decide among MRAF's three heads (after arXiv 2512.14961)",
    "shared-space": "tell if a face and a voice are of one stranger (FAME 2026, arXiv 2512.04814)",
    "heads": "margins and hyperbolic distances on the voice alone (after arXiv 2601.19709)",
    "open-set": "name the enrolled and reject all others (SpeakerRPL v2, arXiv 2604.13605)",
    "door": "let MRAF itself reject strangers, with a face or another's",
    "short-segment": "verify strangers by short clips of made-up speech (after arXiv 2509.19721)",
}
"""What each measures. Its module, ``study`` in the folder of its name, has ``table(corpus) ->
DataFrame``, tidy results on a labelled corpus, and ``summary(table) -> str``, the same to read."""


def measure(name: str, corpus: "Corpus") -> "tuple[pd.DataFrame, str]":
    """The table of a system on a corpus, and the same to read.

    Raises RunError for an unknown system, DataError where the corpus lacks what it needs.
    """
    if name not in SYSTEMS:
        raise RunError(f"no related system '{name}'; there are: {', '.join(SYSTEMS)}.")
    study = import_module(f"mraf_related.{_slug(name)}.study")
    table = study.table(corpus)
    return table, study.summary(table)


def record(table: "pd.DataFrame", name: str, corpus: str, command: str, folder: Path) -> Path:
    """Write the table of a system as NAME_CORPUS.csv, each row with the command that made it."""
    from mraf.evaluation.records import write_results

    file = folder / f"{_slug(name)}_{slug_of(corpus)}.csv"
    rows = table.assign(command=without_home(command))
    if "correct_per_video" in rows.columns:
        write_results(file, rows)
    else:
        write_text(file, rows.to_csv(index=False, float_format="%.5f"))
    return file


def _slug(name: str) -> str:
    return name.replace("-", "_")
