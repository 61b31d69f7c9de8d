"""The pack: tens of thousands of feature files, read once, then one file with all arrays.

A pack is an uncompressed .npz, which checks its sums on reading. Beside the arrays it keeps its
source: the contents of the lists, and name, size and time of change of every feature file.
"""

import hashlib
import json
import os
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from mraf.data.clips import ARRAYS, Corpus
from mraf.data.official.lists import read_lists
from mraf.data.official.reader import corpus_of, read_corpus
from mraf.data.official.release import FEATURE_FOLDERS, Release, find_release
from mraf.errors import DataError, RunError
from mraf.files import user_cache, write_atomically, write_text

FORMAT = 2
FOLDER = ".mraf-cache"

Source = dict[str, Any]  # as JSON; a pack is true as long as none of it has changed


def load(folder: str | Path, progress: bool = True) -> Corpus:
    """The corpus of a folder in the official layout, from its pack where that is still true.

    Otherwise reads the single files and packs them: beside the data, else in the user's cache
    folder; where neither can be written, warns and keeps the corpus in memory only.
    """
    release = find_release(folder)
    if found := _find(release):
        return found[1]
    corpus, source = _read(release, progress)
    try:
        _write(release, corpus, source)
    except DataError as error:
        warnings.warn(f"{error} Each start will read all single files.", stacklevel=3)
    return corpus


def pack(folder: str | Path, force: bool = False) -> Path:
    """The file of a folder's pack; it is made unless a true one is there, with ``force`` always.

    Raises DataError: the features are not what they should be, or no place can be written.
    """
    release = find_release(folder)
    if not force and (found := _find(release)):
        return found[0]
    return _write(release, *_read(release))


def places(release: Release) -> list[Path]:
    """Where the pack of a release may lie: beside the data, and in the user's cache folder."""
    origin, name = release.folder.resolve(), f"{release.version}.npz"
    tag = hashlib.blake2b(os.fsencode(origin), digest_size=6).hexdigest()
    found = [release.folder / FOLDER / name]
    with suppress(RunError):  # no home folder
        found.append(user_cache() / f"{origin.name}-{tag}" / name)
    return found


def _find(release: Release) -> tuple[Path, Corpus] | None:
    for place in places(release):
        if corpus := open_pack(place, release):
            return place, corpus
    return None


def open_pack(place: Path, release: Release) -> Corpus | None:
    """The corpus of a pack; None where there is none, it is damaged, or its source has changed."""
    arrays: dict[str, dict[str, np.ndarray]] = {}
    try:
        with np.load(place, allow_pickle=False) as content:
            kept = json.loads(content["source"].tobytes())
            if kept != _source(release, kept["files"]):
                return None
            for name in set(content.files) - {"source"}:
                part, field = name.split(".")
                arrays.setdefault(part, {})[field] = content[name]
        return corpus_of(release, arrays)
    except Exception:  # damage raises nearly anything, and the pack can always be made again
        return None


def _read(release: Release, progress: bool = True) -> tuple[Corpus, Source]:
    lists = read_lists(release)
    files = [file for clips in lists.values() for file in (*clips.rows.voice, *clips.rows.face)]
    # Taken before reading: a file changed meanwhile makes the pack untrue, not wrong.
    source = _source(release, files)
    return read_corpus(release, lists, progress), source


def _source(release: Release, files: list[str]) -> Source:
    """What a pack is made from; size and time of change in ns of each file, -1 if it is missing."""
    lists = {
        part: hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        for part, path in release.lists.items()
    }
    # A new folder may be where features are looked for first, or where missing ones have come.
    tops = [top for place in FEATURE_FOLDERS for top in (release.folder / place).glob("*/*")]
    folders = sorted({str(top.relative_to(release.folder)) for top in tops if top.is_dir()})
    prefix, status = f"{release.folder}/", []  # one string, not 33,000 joined Paths
    for file in files:
        try:
            found = os.stat(prefix + file if file else "")  # an empty cell is a missing file
            status.append([found.st_size, found.st_mtime_ns])
        except OSError:
            status.append([-1, -1])
    source = {"format": FORMAT, "version": release.version, "lists": lists, "folders": folders}
    return source | {"files": files, "status": status}


def _write(release: Release, corpus: Corpus, source: Source) -> Path:
    """Write the pack at the first place that can be written."""
    arrays = {
        f"{part}.{name}": values
        for part, clips in corpus.parts.items()
        for name in ARRAYS
        if (values := getattr(clips, name)) is not None
    }
    arrays["source"] = np.frombuffer(json.dumps(source).encode(), dtype=np.uint8)

    def save(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, **arrays)

    problems = []
    for place in places(release):
        try:
            # Features are personal data: a repository around them shall not commit the pack.
            write_text(place.parent / ".gitignore", "*\n")
            write_atomically(place, save)
            return place
        except RunError as error:
            problems.append(str(error))
    raise DataError(f"No pack could be written. {' '.join(problems)}")
