"""Reading with one clear error, and writing so that a killed process leaves the last good state."""

import codecs
import csv
import glob
import hashlib
import io
import os
import re
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mraf.errors import DataError, MrafError, RunError

if TYPE_CHECKING:
    import pandas as pd

RUN_FILES = ("config.json", "model.safetensors", "history.csv", "state.safetensors")
STALE = 3600  # seconds after which a temporary file is what a killed process left


def checked_path(path: Path | str, error: type[Exception] = RunError) -> Path:
    """A path as a user gave it, with ``~`` expanded; nothing needs to be there.

    Raises ``error``: empty, too long, not UTF-8, with a NUL, of no known home, in a closed folder.
    """
    try:
        if not str(path).encode():
            raise ValueError("it is empty")
        found = Path(path).expanduser()
        found.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (RuntimeError, ValueError, OSError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise error(f"{str(path)[:200]!r} cannot be used ({reason}); give another path.") from None
    return found


def read_frame(path: Path, **options: Any) -> "pd.DataFrame":
    """A CSV file as pandas reads it, its numbers as they were written."""
    import pandas as pd  # which the command line must not wait for

    if int(pd.__version__.partition(".")[0]) < 3:  # later ones do so by themselves
        options["float_precision"] = "round_trip"
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:  # without index_col, cells beyond the header would make others the names of rows
            frame: pd.DataFrame = pd.read_csv(path, index_col=False, **options)
        except pd.errors.ParserWarning:
            raise ValueError("rows have more cells than the header") from None
    return frame


def read_text(
    path: Path, remedy: str, error: type[MrafError] = DataError, table: bool = False
) -> str:
    """The text of a file in UTF-8, with or without a byte order mark; line ends as they are.

    Args:
        remedy: ends the message, as in "fetch it again".
        table: of a spreadsheet: UTF-16 is read, too, where its byte order mark says so.
    Raises ``error``: there is no such file, or it is unreadable or not UTF-8.
    """
    try:
        content = path.read_bytes()
        marked = table and content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return content.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError:
        reason = "not text in UTF-8"
        remedy = f"save it as 'CSV UTF-8', or {remedy}" if table else remedy
    except OSError as problem:
        reason = problem.strerror or str(problem)
    raise error(f"{path}: cannot be read ({reason}); {remedy}.")


def read_as(
    kind: str, parse: Callable[[str], Any], path: Path, remedy: str, error: type[MrafError]
) -> Any:
    """What ``parse``, json.loads say, makes of a file of a kind, as in "JSON".

    Raises as `read_text`, also where it cannot be parsed.
    """
    text = read_text(path, remedy, error)
    try:
        return parse(text)
    except RecursionError:
        reason = "nested too deeply"
    except ValueError as problem:
        reason = str(problem)
    raise error(f"{path}: not valid {kind} ({reason}); {remedy}.")


def read_csv(path: Path, remedy: str) -> "pd.DataFrame":
    """The cells of a CSV file as text; the index holds the lines, blank ones are left out.

    Fields are separated by commas, or as spreadsheets save them by semicolons or tabs; the text is
    in UTF-8 or, with a byte order mark, in UTF-16. The remedy ends the messages.

    Raises DataError: an unreadable file, a column that is named twice, a stray quotation mark, a
    line break within a cell, or a row with more or fewer cells than the header.
    """
    import pandas as pd

    text = read_text(path, remedy, table=True)
    head = re.split(r"[\r\n]", text.lstrip("\r\n"), maxsplit=1)[0]
    between = next((sign for sign in ",;\t" if sign in head), ",")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=between, strict=True)
    begin = 1
    found: dict[int, list[str]] = {}
    try:
        header = [name.strip() for name in next(rows, [])]
        if twice := [name for name in header if name and header.count(name) > 1]:
            raise ValueError(f"the column '{twice[0]}' occurs twice")
        begin = rows.line_num + 1
        for cells in rows:
            if cells and len(cells) != len(header):
                raise ValueError(f"{len(cells)} fields, but the header has {len(header)}")
            if any("\n" in cell or "\r" in cell for cell in cells):
                raise ValueError("a line break within a field (is a quotation mark missing?)")
            if cells:
                found[rows.line_num] = cells
            begin = rows.line_num + 1
    except (csv.Error, ValueError) as problem:
        where = f"; the row begins in line {begin}" if begin < rows.line_num else ""
        raise DataError(f"{path}, line {rows.line_num}: {problem}{where}; {remedy}.") from None
    return pd.DataFrame(list(found.values()), list(found), header, dtype=object)


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary neighbour of ``path``, then rename it into place.

    A link stays: the file that it leads to is replaced. What a killed process left is removed.

    Raises RunError: the disk is full, the folder is not writable, or what is there is no regular
    file but a device or a pipe; nothing half-written stays.
    """
    temporary: Path | None = None
    if reason := _irregular(path):
        raise RunError(f"{path}: cannot be written ({reason}); give another file.")
    shown, path = path, Path(os.path.realpath(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f".{glob.escape(path.name)}.*"):
            with suppress(FileNotFoundError):  # another process has just renamed it
                if time.time() - left.stat().st_mtime > STALE:
                    left.unlink()
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
            f"{shown}: cannot be written ({reason}); free space or choose another folder."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _irregular(path: Path) -> str:
    """Why a path cannot be replaced by a file; empty where it can."""
    # /dev/stdout cannot even where it leads to a file: its holder would go on in the old file.
    stream = os.path.realpath(path.parent).startswith("/proc/") or (
        path.is_symlink() and os.readlink(path).startswith("/proc/")
    )
    if not stream and (not os.path.exists(path) or os.path.isfile(path)):
        return ""
    return "it is a folder" if os.path.isdir(path) else "it is not a regular file"


def check_target(path: Path) -> None:
    """Tell before long work, not after it, that its result could not be written there.

    Raises RunError: it is no path, no regular file or a file of a run, or the folder that it would
    be in cannot be made or written to.
    """
    checked_path(path)
    reason, shown, path = _irregular(path), path, Path(os.path.realpath(path))
    above = next(str(folder) for folder in path.parents if os.path.exists(folder))
    if reason:
        pass
    elif path.name in RUN_FILES and os.path.exists(path.parent / RUN_FILES[0]):
        reason = "it belongs to the run in that folder"
    elif not os.path.isdir(above):
        reason = f"{above} is a file"
    elif not os.access(above, os.W_OK):
        reason = f"{above} may not be written to"
    if reason:
        raise RunError(f"{shown}: cannot be written ({reason}); give another file.")


def user_cache() -> Path:
    """For what can be made again: $XDG_CACHE_HOME/mraf or ~/.cache/mraf; RunError for neither."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mraf"
    except RuntimeError:
        raise RunError("there is no home folder; let XDG_CACHE_HOME name a folder.") from None


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """While one process of this user reads and replaces a file, others wait. Raises RunError."""
    from filelock import FileLock  # which the command line must not wait for

    folder = user_cache() / "locks"
    name = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()
    lock = FileLock(folder / f"{name}.lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = lock.acquire()
    except OSError as error:
        reason = f"cannot be written ({error.strerror}); let XDG_CACHE_HOME name a folder"
        raise RunError(f"{folder}: {reason}.") from None
    with held:
        yield


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
