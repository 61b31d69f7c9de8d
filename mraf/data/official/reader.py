"""Reader of the official POLY-SIM layout, as its releases really look.

CSV lists name one clip per row; its FaceNet and ECAPA vectors lie in one .npy file each::

    csv_files/comp/v1_train_English.csv        v1_test_English.csv    (and _Urdu, _Hindi, _German)
    feats/facenetfeats/v1/faces/…/x.npy        features/test/v1/faces/English/00001.npy
    feats/ecappafeats/v1/voices/…/x.npy        features/test/v1/voices/English/00001.npy

Listed paths mix ``\\`` and ``/`` and may start with ``./``; folders are also spelled
``ecappa_feats`` and ``feat``, or lie at the top; labels are written ``0.0``.
"""

from __future__ import annotations

import io
import os
import posixpath
import re
import stat
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from mraf.data.clips import FACE_DIM, VOICE_DIM, Corpus, FeatureSet
from mraf.data.official.lists import FEATURE_FOLDERS, LEFT_OUT, ClipList, Release
from mraf.errors import DataError

LARGEST = 65_536  # bytes; a vector of 512 floats with its header takes 2,176
CHUNK = 256  # files per task: long enough to outweigh the hand-over between threads
THREADS = 8
HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def find_features(release: Release, lists: dict[str, ClipList]) -> None:
    """Let the listed paths lead from the folder of the release to where its features lie.

    A test list whose features are not there at all is taken out of ``lists`` with a warning: one
    may train before the test features are fetched.

    Raises:
        DataError: the folder of some training features is missing.
    """
    roots: dict[str, str | None] = {}
    for part, clips in list(lists.items()):
        for paths in (clips.voice, clips.face):
            for row, path in enumerate(paths):
                if not path:
                    continue  # an empty cell: the face is missing
                head = "/".join(path.split("/")[:-1][:2])
                if head not in roots:
                    roots[head] = _root(release.folder, head)
                paths[row] = f"{roots[head]}{path[len(head) :]}"
                if roots[head] is None and part in lists:
                    places = " or ".join(FEATURE_FOLDERS)
                    reason = f"no folder '{head}' under {places} of {release.folder}"
                    error = clips.refuse(row, reason)
                    if part in ("train", "cross"):
                        raise DataError(f"{error}; unpack the features there (see data/README.md).")
                    warnings.warn(f"{error}; going on without these test clips.", stacklevel=2)
                    del lists[part]


def _root(folder: Path, head: str) -> str | None:
    """Where listed paths that begin with two folders lie; None where no spelling of them exists.

    "ecappafeats/v1" may be "feats/ecappa_feats/v1".
    """
    name, _, rest = head.partition("/")
    respelled = re.sub(r"_?feats$", "feats" if name.endswith("_feats") else "_feats", name)
    for spelling in (name, respelled):
        for place in FEATURE_FOLDERS:
            root = posixpath.normpath(posixpath.join(place, spelling, rest))
            if os.path.isdir(folder / root):
                return root
    return None


def read_corpus(release: Release, lists: dict[str, ClipList], progress: bool = True) -> Corpus:
    """Read every feature file of the lists, after `find_features`.

    Raises:
        DataError: the first bad feature file, with list, line and remedy; a gap in the labels.
    """
    arrays: dict[str, dict[str, NDArray]] = {}
    with tqdm(
        total=sum(2 * len(clips) for clips in lists.values()),
        desc=f"reading {release.version} features",
        unit="file",
        delay=1,
        disable=not progress,
    ) as bar:
        for part, clips in lists.items():
            try:
                voice, face = _read_part(release, clips, bar)
            except DataError as error:
                if not clips.spare:
                    raise
                warnings.warn(f"{error} {LEFT_OUT}", stacklevel=2)
                continue
            arrays[part] = {"face": face, "voice": voice}
            arrays[part] |= {"video": np.array(clips.video), "key": np.array(clips.key)}
            if clips.label is not None:
                arrays[part]["speaker"] = np.array(clips.label, dtype=np.int64)
    return corpus_of(release, arrays)


def _read_part(
    release: Release, clips: ClipList, bar: tqdm
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Voices and faces of a list; a face that is not there is a row of zeros, with a note."""
    voice, _ = _read_vectors(release, clips, clips.voice, VOICE_DIM, bar)
    face, absent = _read_vectors(release, clips, clips.face, FACE_DIM, bar, optional=True)
    if not (spoken := voice.any(axis=1)).all():
        reason = "the voice is all zeros; only a face may be missing. Remove the line."
        raise clips.refuse(int(np.argmin(spoken)), reason)
    if absent:
        row = min(absent)
        what = clips.face[row] if clips.face[row] else "an empty cell"
        text = f"{len(absent)} faces are not there, the first is {what}; read as missing."
        warnings.warn(str(clips.refuse(row, text)), stacklevel=2)
    return voice, face


def corpus_of(release: Release, arrays: dict[str, dict[str, NDArray]]) -> Corpus:
    """The corpus of a release from the arrays of each part; "speaker" is left out where hidden."""
    parts: dict[str, FeatureSet] = {}
    for part, fields in arrays.items():
        values: dict[str, Any] = {"speaker": None, **fields}
        language = "English" if part in ("train", "test_english") else release.language
        parts[part] = FeatureSet(**values, language=language, source=str(release.lists[part]))
    return Corpus(
        train=parts["train"],
        cross=parts["cross"],
        test_english=parts.get("test_english"),
        test_cross=parts.get("test_cross"),
        speakers=int(parts["train"].labels.max()) + 1,
        name=f"MAV-Celeb {release.version}",
        version=release.version,
    )


def _read_vectors(
    release: Release,
    clips: ClipList,
    files: list[str],
    size: int,
    bar: tqdm,
    optional: bool = False,
) -> tuple[NDArray[np.float32], list[int]]:
    """The vectors of many files, shape (len(files), size); of several bad ones the first is told.

    With ``optional`` a file that is not there is a row of zeros; the list says which rows.

    Several threads read: on a network drive most of the time is waiting.
    """
    matrix = np.empty((len(files), size), dtype=np.float32)
    cast: list[str] = []
    absent: list[int] = []

    def refuse(row: int, problem: str) -> DataError:
        remedy = "unpack the archive again or remove the line"
        return clips.refuse(row, f"feature file {files[row]} {problem}; {remedy}.")

    def fill(start: int) -> int:
        stop = min(start + CHUNK, len(files))
        for row in range(start, stop):
            if optional and not (files[row] and os.path.lexists(f"{release.folder}/{files[row]}")):
                matrix[row] = 0
                absent.append(row)
                continue
            try:
                vector = read_vector(os.path.join(release.folder, files[row]), size)
            except ValueError as error:
                raise refuse(row, str(error)) from error
            except FileNotFoundError as error:
                raise refuse(row, "is missing") from error
            except OSError as error:
                raise refuse(row, f"cannot be read ({error.strerror})") from error
            if vector.dtype.itemsize != 4:
                cast.append(f"{vector.dtype}")
            with np.errstate(over="ignore"):  # what is too large for float32 is told as Inf
                matrix[row] = vector
        return stop - start

    pool = ThreadPoolExecutor(THREADS)
    try:
        for count in pool.map(fill, range(0, len(files), CHUNK)):
            bar.update(count)
    finally:
        pool.shutdown(cancel_futures=True)
    if not (finite := np.isfinite(matrix).all(axis=1)).all():
        raise refuse(int(np.argmin(finite)), "holds NaN or Inf")
    if cast:
        kinds = " or ".join(sorted(set(cast)))
        text = f"{clips.path}: {len(cast)} feature files hold {kinds}; read as float32."
        warnings.warn(text, stacklevel=2)
    return matrix, absent


def read_vector(path: str, size: int) -> NDArray[np.floating]:
    """One feature vector as stored, shape (size,); axes of length 1 around it are accepted.

    The file is not trusted: nothing is unpickled, and no more is read than a vector takes.

    Raises:
        ValueError: what is wrong with the file, without its name.
        OSError: the file cannot be read.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):  # to open a pipe would wait for ever
        raise ValueError("is not a regular file")
    with open(path, "rb") as file:
        content = file.read(LARGEST)
    if not content.startswith(np.lib.format.MAGIC_PREFIX):
        raise ValueError("is empty" if not content else "is not a .npy file")
    stream = io.BytesIO(content)
    try:
        shape, _, dtype = HEADERS[np.lib.format.read_magic(stream)](stream)
    except Exception as error:  # a damaged header raises nearly anything from within the parser
        raise ValueError("has a damaged header") from error
    if dtype.hasobject:
        raise ValueError("holds a pickled object, which is never loaded")
    if dtype.kind != "f":
        raise ValueError(f"holds {dtype}, expected float32")
    if tuple(length for length in shape if length != 1) != (size,):
        raise ValueError(f"has shape {shape}, expected ({size},)")
    end = stream.tell() + size * dtype.itemsize
    if len(content) != end:
        problem = "truncated" if len(content) < end else "longer than its header says"
        raise ValueError(f"is {problem}")
    return np.frombuffer(content, dtype, size, stream.tell())
