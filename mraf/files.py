"""Reading with one clear error, and writing so that a killed process leaves the last good state."""

from __future__ import annotations

import csv
import glob
import io
import json
import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mraf.errors import DataError, MrafError, RunError

if TYPE_CHECKING:
    import pandas as pd

STALE = 3600  # seconds after which a temporary file is what a killed process left


def checked_path(path: Path | str, error: type[MrafError] = RunError) -> Path:
    """A path as a user gave it, with ``~`` expanded; nothing needs to be there.

    Raises:
        error: it holds a NUL, is too long, names an unknown home or lies in a closed folder.
    """
    try:
        found = Path(path).expanduser()
        found.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (RuntimeError, ValueError, OSError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise error(f"{str(path)[:200]!r} cannot be used ({reason}); give another path.") from None
    return found


def read_text(path: Path, remedy: str, error: type[MrafError] = DataError) -> str:
    """The text of a file in UTF-8, with or without a byte order mark; line ends as they are.

    Args:
        remedy: ends the message, as in "fetch it again".
    Raises:
        error: there is no such file, or it is unreadable or not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        reason = "not text in UTF-8"
    except OSError as problem:
        reason = problem.strerror or str(problem)
    raise error(f"{path}: cannot be read ({reason}); {remedy}.")


def read_json(path: Path, remedy: str, error: type[MrafError] = DataError) -> Any:
    """The content of a JSON file. Raises as ``read_text``, also where it is not JSON."""
    try:
        return json.loads(read_text(path, remedy, error))
    except RecursionError:
        reason = "nested too deeply"
    except ValueError as problem:
        reason = str(problem)
    raise error(f"{path}: not valid JSON ({reason}); {remedy}.")


def read_csv(path: Path, remedy: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header of a CSV file, and its other rows that are not blank with their line numbers.

    Raises:
        DataError: as ``read_text``; a column that is named twice, a stray quotation mark, a line
            break within a cell, or a row with more or fewer cells than the header.
    """
    rows = csv.reader(io.StringIO(read_text(path, remedy), newline=""), strict=True)
    header: list[str] = []
    found: list[tuple[int, list[str]]] = []
    try:
        header = [name.strip() for name in next(rows, [])]
        if twice := [name for name in header if name and header.count(name) > 1]:
            raise ValueError(f"the column '{twice[0]}' occurs twice")
        for cells in filter(None, rows):
            if len(cells) != len(header):
                raise ValueError(f"{len(cells)} fields, but the header has {len(header)}")
            if any("\n" in cell or "\r" in cell for cell in cells):
                raise ValueError("a line break within a field; is a quotation mark missing?")
            found.append((rows.line_num, cells))
    except (csv.Error, ValueError) as problem:
        raise DataError(f"{path}, line {rows.line_num}: {problem}; {remedy}.") from None
    return header, found


def read_frame(file: Path, **options: Any) -> pd.DataFrame:
    """A CSV file as `pandas.read_csv` reads it, each number as it was written, to the last bit."""
    import pandas as pd  # here, since most commands start faster without

    if int(pd.__version__.partition(".")[0]) < 3:  # since then it is the default
        options["float_precision"] = "round_trip"
    return pd.read_csv(file, **options)


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary neighbour of ``path``, then rename it into place.

    Temporary neighbours that a killed process left are removed.

    Raises:
        RunError: the disk is full or the folder is not writable; nothing half-written stays.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f".{glob.escape(path.name)}.*"):
            if time.time() - left.stat().st_mtime > STALE:
                left.unlink(missing_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        temporary = Path(name)
        write(temporary)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp makes private files
        temporary.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(
            f"{path}: cannot be written ({reason}); free space or choose another folder."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def check_target(path: Path) -> None:
    """Tell before long work, not after it, that its result could not be written there.

    Raises:
        RunError: it is a folder or no path, or the folder that it would be in cannot be made or
            written to.
    """
    checked_path(path)
    above = next(str(folder) for folder in path.absolute().parents if os.path.exists(folder))
    reason = ""
    if os.path.isdir(path):
        reason = "it is a folder"
    elif not os.path.isdir(above):
        reason = f"{above} is a file"
    elif not os.access(above, os.W_OK):
        reason = f"{above} may not be written to"
    if reason:
        raise RunError(f"{path}: cannot be written ({reason}); give another file.")


def user_cache() -> Path:
    """The folder for what can be made again: $XDG_CACHE_HOME/mraf or ~/.cache/mraf.

    Raises:
        RunError: there is no home folder.
    """
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mraf"
    except RuntimeError:
        raise RunError("there is no home folder; let XDG_CACHE_HOME name a folder.") from None


def without_home(path: Path | str) -> str:
    """A path as it may be shown to others: the name of the user is not theirs to know."""
    home = os.path.expanduser("~")
    return str(path).replace(home, "~") if len(home) > 1 else str(path)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically. Raises RunError as ``write_atomically``."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def slug_of(name: str) -> str:
    """A name, of a corpus say, as it stands in file names: "MAV-Celeb v1" is mavceleb_v1."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower().replace("-", "")).strip("_")
