"""Measured and published numbers that are kept with the project, in data/recorded/."""

import os
from pathlib import Path

import pandas as pd

from mraf.errors import DataError, RunError
from mraf.files import read_frame

DATA = Path("data")
FOLDER = DATA / "recorded"
SWEEPS = DATA / "sweeps"
SITE = Path(__file__).resolve().parents[2]  # the checkout, or where packages are installed
INSTALLED = "mraf_data"  # what data/ is called there, see setup.py


def recorded(name: str) -> pd.DataFrame | None:
    """A table of data/recorded/ by its name; None where there is none (yet). Raises DataError."""
    file = find(FOLDER / f"{name}.csv")
    if file is None:
        return None
    try:
        return read_frame(file)
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: not readable as a CSV ({error}).") from None


def there(file: Path) -> bool:
    """Whether there is a file. Raises RunError for a folder, or a link that leads nowhere."""
    if not file.is_file() and os.path.lexists(file):
        raise RunError(f"{file}: not a regular file; restore it or record it again.")
    return file.is_file()


def find(path: Path) -> Path | None:
    """Where a file or folder is, as in "data/claims.toml"; None where there is none.

    Looked for beside the package, then in the working folder and those above it, so that it is
    found from an installation, from a checkout and from notebooks beside a copy of data/.
    """
    here = Path.cwd()
    installed = SITE / INSTALLED / path.relative_to(DATA)
    places = (installed, *(root / path for root in (SITE, here, *here.parents)))
    return next((place for place in places if place.exists()), None)


def within_project(file: Path) -> Path | None:
    """The path of a file as ``find`` takes it; None where it is not the project's own."""
    file = file.resolve()
    if file.is_relative_to(SITE / INSTALLED):
        return DATA / file.relative_to(SITE / INSTALLED)
    return file.relative_to(SITE) if file.is_relative_to(SITE) else None


def paper_table(number: int) -> pd.DataFrame:
    """A table of the paper (arXiv 2606.12495), as printed there. Raises DataError without it."""
    tables = recorded("paper_tables")
    if tables is None:
        raise DataError(f"{FOLDER / 'paper_tables.csv'} is missing; install mraf again.")
    table = tables[tables.table == number]
    if table.empty:
        raise DataError(f"{FOLDER / 'paper_tables.csv'} has no table {number}.")
    rows, columns = table.row.unique(), table.setting.unique()
    return table.pivot(index="row", columns="setting", values="value").loc[rows, columns]
