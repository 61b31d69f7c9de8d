"""Delete what was made of people: clips, tables, corpora, runs, and the runs that a cache keeps."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

from filelock import FileLock, Timeout
from tqdm.auto import tqdm

from mraf.data.clips import ARRAYS
from mraf.data.imported import ABOUT
from mraf.data.imported.folder import PARTS, SPEAKERS
from mraf.data.imported.plan import IMPORTED
from mraf.errors import DataError, MrafError
from mraf.files import RUN_FILES, checked_path, read_as, read_csv, user_cache
from mraf.training.experiment import NOTICE
from mraf.training.runs import CONFIG, LOCK
from mraf_related.embedding.folder import COLUMNS, PICTURES, SOUNDS

LITTER = {".gitignore", ".DS_Store", "Thumbs.db", "desktop.ini"}  # of mraf and of file managers
BESIDE = dict.fromkeys((NOTICE, LOCK, *RUN_FILES), CONFIG)
BESIDE |= {f"{part}.{name}.npy": ABOUT for part in PARTS for name in ARRAYS} | {SPEAKERS: ABOUT}
"""Files of a run and of a corpus, and the file in the same folder that shows it."""


def forget(folder: str | Path) -> list[Path]:
    """Delete a folder of clips, tables, corpora and runs, and kept runs on its corpora; which.

    Kept runs are found by the name of their corpus, which is that of the table. Of sweeps, only
    counts are kept, and these stay. Nothing is deleted before everything was looked at. What a kill
    leaves, down to an empty folder, is deleted by the same call.

    Raises DataError: nothing in the folder was made by mraf, something else lies there, too, it
    cannot be read, or a run is being trained.
    """
    folder = checked_path(folder, DataError).absolute()
    files = _files(folder) if folder.is_dir() else []
    corpora = {name for name in map(_corpus, files) if name.endswith(IMPORTED)}
    if folder.is_symlink() or not folder.is_dir() or (files and not corpora):
        reason = "holds no table, corpus or run of mraf; name the folder in which they lie"
        raise DataError(f"{folder}: {reason}.")
    found = [*(run for run in kept_runs() if _corpus(run / CONFIG) in corpora), folder]
    people = {pair for file in files if _is_table(file) for pair in _people(file)}
    seen = tqdm([file for root in found for file in _files(root)], "looking", delay=2, leave=False)
    others = [file for file in seen if not _made(file, people)]
    if others:
        reason = f"was not made by mraf ({len(others)} in all); move it, nothing was deleted"
        raise DataError(f"{others[0]}: {reason}.")
    with ExitStack() as held:
        for lock in (file for root in found for file in _files(root) if file.name == LOCK):
            try:
                held.enter_context(FileLock(lock, timeout=0))
            except Timeout:
                reason = "is being trained; stop it first, nothing was deleted"
                raise DataError(f"{lock.parent}: {reason}.") from None
        try:
            for path in filter(Path.exists, found):  # the folder last: it names its runs
                named_last = sorted(_files(path), key=_names)  # a kill leaves what names the rest
                for file in tqdm(named_last, "deleting", delay=2, leave=False):
                    file.unlink()
                shutil.rmtree(path)
        except OSError as error:
            reason = f"cannot be deleted ({error.strerror or error}); close it and try again"
            raise DataError(f"{error.filename or folder}: {reason}.") from None
    return found


def kept_runs() -> Iterator[Path]:
    """Folders of all runs that are kept in $MRAF_RUNS or in the user's cache."""
    for store in {user_cache(), Path(os.environ.get("MRAF_RUNS") or user_cache())}:
        yield from [file.parent for file in store.rglob(CONFIG)]


def _files(folder: Path) -> list[Path]:
    """All files and links below a folder. Raises DataError: a part cannot be read."""

    def told(error: OSError) -> NoReturn:
        reason = f"cannot be read ({error.strerror}); nothing was deleted"
        raise DataError(f"{error.filename}: {reason}.")

    found = []
    for root, folders, names in os.walk(folder, onerror=told):
        links = [name for name in folders if Path(root, name).is_symlink()]
        found += [Path(root, name) for name in (*names, *links)]
    return sorted(found)


def _is_table(file: Path) -> bool:
    """Whether a file begins as a table of `embed_folder`."""
    if not file.is_file() or file.is_symlink():
        return False
    with file.open("rb") as text:
        return text.readline(200).strip() == ",".join(COLUMNS).encode()


def _people(table: Path) -> Iterator[tuple[str, str]]:
    """Speaker and language of the rows of a table."""
    rows = read_csv(table, "restore it")
    return zip(rows["speaker"], rows["language"], strict=True)


def _corpus(file: Path) -> str:
    """The name of the corpus that a table becomes, or that a corpus or a run is of; else empty."""
    if not file.is_file():
        return ""
    try:
        if file.name not in (CONFIG, ABOUT):
            return f"{file.stem}{IMPORTED}" * _is_table(file)
        found = read_as("JSON", json.loads, file, "restore it", DataError)
        return str(found["name"] if file.name == ABOUT else found["data"]["corpus"])
    except (MrafError, OSError, KeyError, TypeError):
        return ""


def _names(file: Path) -> bool:
    """Whether a file tells of what corpus its neighbours are."""
    return file.name in (CONFIG, ABOUT) or _is_table(file)


def _made(file: Path, people: set[tuple[str, str]]) -> bool:
    """Whether a file is a clip of these people, or was made of clips.

    A half-written one has a dot before its name.
    """
    name = re.sub(r"^\.(.+)\.\w+$", r"\1", file.name)
    if file.is_symlink() or not file.is_file():
        return False
    if name in BESIDE:
        return bool(_corpus(file.parent / BESIDE[name]))
    clip = file.suffix.lower() in SOUNDS | {*PICTURES} and file.parts[-4:-2] in people
    vector = name.endswith(".npy") and re.search(r"/(voice|face) [^/]+/", file.as_posix())
    return bool(clip or vector or name in LITTER or _corpus(file))
