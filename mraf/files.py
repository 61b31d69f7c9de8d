"""Writing files so that a killed process or a full disk leaves the previous good state."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from mraf.errors import RunError


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary neighbour of ``path``, then rename it into place.

    Raises:
        RunError: the disk is full or the folder is not writable; nothing half-written stays.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
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
        RunError: it is a folder, or the folder that it would be in cannot be made or written to.
    """
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
    """The folder for what can be made again: $XDG_CACHE_HOME/mraf or ~/.cache/mraf."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(home) / "mraf"


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
