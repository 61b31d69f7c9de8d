"""Delete what was made of people: clips, tables, corpora, runs, and the runs that a cache keeps."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from mraf.data.clips import ARRAYS
from mraf.data.imported import ABOUT
from mraf.data.imported.folder import PARTS, SPEAKERS
from mraf.errors import DataError, MrafError
from mraf.files import RUN_FILES, checked_path, user_cache
from mraf.training.experiment import NOTICE
from mraf.training.runs import CONFIG, LOCK, read_config
from mraf_related.embedding.folder import COLUMNS, PICTURES, SOUNDS

LITTER = {".gitignore", ".DS_Store", "Thumbs.db", "desktop.ini"}  # of mraf and of file managers
BESIDE = dict.fromkeys((NOTICE, LOCK, *RUN_FILES), CONFIG)
BESIDE |= {f"{part}.{name}.npy": ABOUT for part in PARTS for name in ARRAYS} | {SPEAKERS: ABOUT}
"""Files of a run and of a corpus, and the file in the same folder that shows it."""


def forget(folder: str | Path) -> list[Path]:
    """Delete a folder of clips, tables, corpora and runs, and kept runs on its corpora; which.

    Of sweeps, only counts are kept, and these stay. All is deleted, or nothing.

    Raises DataError: nothing in the folder was made by mraf, or something else lies there, too.
    """
    folder = checked_path(folder, DataError)
    files = [path for path in sorted(folder.rglob("*")) if path.is_symlink() or not path.is_dir()]
    corpora = set(filter(None, map(_corpus, files)))
    if folder.is_symlink() or not corpora:
        reason = "holds no table, corpus or run of mraf; name the folder in which they lie"
        raise DataError(f"{folder}: {reason}.")
    if others := [path for path in files if not _made(path, path.relative_to(folder))]:
        reason = f"was not made by mraf ({len(others)} in all); move it, nothing was deleted"
        raise DataError(f"{others[0]}: {reason}.")
    found = [folder, *(run for run in kept_runs() if _corpus(run / CONFIG) in corpora)]
    try:
        for path in filter(Path.exists, found):
            shutil.rmtree(path)
    except OSError as error:
        reason = f"cannot be deleted ({error.strerror or error}); close it and try again"
        raise DataError(f"{error.filename or folder}: {reason}.") from None
    return found


def kept_runs() -> Iterator[Path]:
    """Folders of all runs that are kept in $MRAF_RUNS or in the user's cache."""
    for store in {user_cache(), Path(os.environ.get("MRAF_RUNS") or user_cache())}:
        yield from [file.parent for file in store.rglob(CONFIG)]


def _corpus(file: Path) -> str:
    """The name of the corpus that a table becomes, or that a corpus or a run is of; else empty."""
    try:
        if file.name == CONFIG:
            return str(read_config(file.parent)[1].get("corpus", ""))
        with file.open(encoding="utf-8") as text:
            if file.name == ABOUT:
                return str(json.load(text)["name"])
            return f"{file.stem} (imported)" * (text.readline().strip() == ",".join(COLUMNS))
    except (MrafError, OSError, ValueError, KeyError, TypeError):
        return ""


def _made(file: Path, within: Path) -> bool:
    """Whether a file is a clip, or was made of clips; a half-written one has a dot before."""
    name = re.sub(r"^\.(.+)\.\w+$", r"\1", file.name)
    if file.is_symlink():
        return False
    if name in BESIDE:
        return bool(_corpus(file.parent / BESIDE[name]))
    clip = len(within.parts) > 3 and file.suffix.lower() in SOUNDS | {*PICTURES}
    vector = name.endswith(".npy") and re.search(r"(^|/)(voice|face) [^/]+/", within.as_posix())
    return bool(clip or vector or name in LITTER or _corpus(file))
