"""Pack cache: tens of thousands of feature files, read once, then a few memory-mapped arrays.

A pack is a folder: one .npy file per array, and a fingerprint of what it was made from: the
contents of the CSV lists, and the name, size and time of change of every feature file.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mraf.data.clips import Corpus, FeatureSet
from mraf.data.official.lists import Release, find_release, read_lists
from mraf.data.official.reader import (
    Roots,
    corpus_of,
    feature_files,
    find_root,
    find_roots,
    language_of,
    read_corpus,
)
from mraf.errors import DataError
from mraf.files import user_cache

FORMAT = 1
FOLDER = ".mraf-cache"
ARRAYS = ("face", "voice", "speaker", "video", "key")


@dataclass(frozen=True)
class Source:
    """What a pack is made from; it is true as long as none of this has changed."""

    fingerprint: dict[str, object]
    files: list[str]
    status: NDArray[np.int64]


def load(folder: str | Path, version: str | None = None, progress: bool = True) -> Corpus:
    """The corpus of a folder in the official layout, from its pack where that is still true.

    Otherwise reads the single files and packs them: beside the data, else in the user's cache
    folder; where neither can be written, warns and keeps the corpus in memory only.
    """
    release = find_release(Path(folder), version)
    for place in places(release):
        if (corpus := open_pack(place, release)) is not None:
            return corpus
    corpus, source = _read(release, progress)
    try:
        _write_somewhere(release, corpus, source)
    except DataError as error:
        warnings.warn(f"{error} Each start will read all single files.", stacklevel=3)
    return corpus


def pack(
    folder: str | Path, version: str | None = None, force: bool = False, progress: bool = True
) -> Path:
    """Pack a folder in the official layout, unless a true pack is there; always with ``force``.

    Returns:
        The folder of the pack.
    Raises:
        DataError: the features are not what they should be, or no place can be written.
    """
    release = find_release(Path(folder), version)
    for place in places(release):
        if not force and open_pack(place, release) is not None:
            return place
    return _write_somewhere(release, *_read(release, progress))


def _read(release: Release, progress: bool) -> tuple[Corpus, Source]:
    lists = read_lists(release)
    roots = find_roots(release, lists)
    files = [
        file for clips in lists.values() for file in feature_files(clips.voice + clips.face, roots)
    ]
    # Taken before reading: a file changed meanwhile makes the pack untrue, not wrong.
    source = Source(_fingerprint(release, roots), files, stat_files(release, files))
    return read_corpus(release, lists, roots, progress), source


def places(release: Release) -> tuple[Path, Path]:
    """Where the pack of a release may lie: beside the data, and in the user's cache folder."""
    origin = release.folder.resolve()
    tag = hashlib.blake2b(os.fsencode(origin), digest_size=6).hexdigest()
    return (
        release.folder / FOLDER / release.version,
        user_cache() / f"{origin.name}-{tag}" / release.version,
    )


def open_pack(place: Path, release: Release) -> Corpus | None:
    """The corpus of a pack; None where there is none, it is damaged, or its source has changed."""
    try:
        content = json.loads((place / "pack.json").read_text(encoding="utf-8"))
        roots = {head: find_root(release, head) for head in content["fingerprint"]["roots"]}
        if content["fingerprint"] != _fingerprint(release, roots):
            return None
        files = (place / "files.txt").read_text(encoding="utf-8").split("\n")
        if not np.array_equal(_array(place / "status.npy"), stat_files(release, files)):
            return None
        parts = {}
        for part, names in content["parts"].items():
            arrays = {name: _array(place / f"{part}.{name}.npy") for name in names}
            parts[part] = FeatureSet(
                face=arrays["face"],
                voice=arrays["voice"],
                speaker=arrays.get("speaker"),
                video=arrays["video"],
                key=arrays["key"],
                language=language_of(release, part),
                source=str(release.lists[part]),
            )
        return corpus_of(release, parts)
    except Exception:  # damage raises nearly anything, and the pack can always be made again
        return None


def _array(path: Path) -> NDArray:
    # Copy-on-write: torch wants writable memory, and the file must stay as it is.
    mapped: NDArray = np.lib.format.open_memmap(path, mode="c")  # refuses pickled arrays
    return mapped.view(np.ndarray)


def _fingerprint(release: Release, roots: Roots) -> dict[str, object]:
    lists = {
        part: hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        for part, path in release.lists.items()
    }
    return {"format": FORMAT, "version": release.version, "lists": lists, "roots": roots}


def stat_files(release: Release, files: list[str]) -> NDArray[np.int64]:
    """Size and time of change of each file in ns, shape (len(files), 2); -1 where it is missing."""
    prefix = f"{release.folder}/"  # one string, not 33,000 joined Paths: a load is mostly this
    rows = []
    for file in files:
        try:
            status = os.stat(prefix + file)
            rows.append((status.st_size, status.st_mtime_ns))
        except OSError:
            rows.append((-1, -1))
    return np.array(rows, dtype=np.int64)


def _write_somewhere(release: Release, corpus: Corpus, source: Source) -> Path:
    problems = []
    for place in places(release):
        try:
            _write(place, corpus, source)
            return place
        except OSError as error:
            problems.append(f"{place}: {error.strerror or error}")
    raise DataError(f"No pack could be written ({'; '.join(problems)}); free or permit one place.")


def _write(place: Path, corpus: Corpus, source: Source) -> None:
    """Write a pack under a temporary name, then rename it into place."""
    place.parent.mkdir(parents=True, exist_ok=True)
    for stale in place.parent.glob(f".{place.name}-*"):  # left by a killed process
        if time.time() - stale.stat().st_mtime > 3600:
            shutil.rmtree(stale, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name}-"))
    retired = temporary.with_suffix(".old")
    try:
        # Features are personal data: a repository around them shall not commit the pack.
        (place.parent / ".gitignore").write_text("*\n", encoding="utf-8")
        parts: dict[str, list[str]] = {}
        for part, clips in corpus.parts.items():
            arrays = {name: getattr(clips, name) for name in ARRAYS}
            parts[part] = [name for name, values in arrays.items() if values is not None]
            for name in parts[part]:
                _save(temporary / f"{part}.{name}.npy", arrays[name])
        _save(temporary / "status.npy", source.status)
        (temporary / "files.txt").write_text("\n".join(source.files), encoding="utf-8")
        (temporary / "pack.json").write_text(
            json.dumps({"fingerprint": source.fingerprint, "parts": parts}, indent=1),
            encoding="utf-8",
        )
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o777 & ~umask)  # mkdtemp makes private folders
        if place.exists():
            place.rename(retired)
        try:
            temporary.rename(place)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise  # else another process has just put its own pack there
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(retired, ignore_errors=True)


def _save(path: Path, values: NDArray) -> None:
    with path.open("wb") as file:
        np.save(file, values, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())  # a crash must not leave zeros, which would read as missing faces
