"""Reader of the official POLY-SIM layout, as its releases really look.

CSV lists name one clip per row; its FaceNet and ECAPA vectors lie in one .npy file each::

    csv_files/comp/v1_train_English.csv        v1_test_English.csv    (and _Urdu, _Hindi, _German)
    feats/facenetfeats/v1/faces/…/x.npy        features/test/v1/faces/English/00001.npy
    feats/ecappafeats/v1/voices/…/x.npy        features/test/v1/voices/English/00001.npy

Listed paths mix ``\\`` and ``/``; folders have other spellings, too; labels are written ``0.0``.
"""

import io
import math
import os
import stat
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm.contrib.concurrent import thread_map

from mraf.data.clips import FACE_DIM, VOICE_DIM, Corpus, FeatureSet, of_finite_length
from mraf.data.official.lists import LEFT_OUT, ClipList
from mraf.data.official.release import Release
from mraf.errors import DataError

LARGEST = 65_536  # bytes; a vector of 512 floats with its header takes 2,176
CHUNK = 256  # files per task: long enough to outweigh the hand-over between threads
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_corpus(release: Release, lists: dict[str, ClipList], progress: bool = True) -> Corpus:
    """Read every feature file of the lists.

    Raises DataError: the first bad feature file, with list, line and remedy; a gap in the labels.
    """
    arrays: dict[str, dict[str, NDArray]] = {}
    for part, clips in lists.items():
        found = {name: np.array(clips.rows[name].tolist()) for name in ("video", "key")}
        if "label" in clips.rows:
            found["speaker"] = clips.rows.label.to_numpy(np.int64)
        try:
            for name in ("voice", "face"):
                found[name] = _read_vectors(release.folder, clips, name, progress)
            arrays[part] = found
        except DataError as error:
            if not clips.spare:
                raise
            warnings.warn(f"{error} {LEFT_OUT}", stacklevel=2)
    return corpus_of(release, arrays)


def corpus_of(release: Release, arrays: dict[str, dict[str, NDArray]]) -> Corpus:
    """The corpus of a release from the arrays of each part; "speaker" is left out where hidden."""
    parts: dict[str, Any] = {"test_english": None, "test_cross": None}
    for part, fields in arrays.items():
        values: dict[str, Any] = {"speaker": None, **fields}
        language = "English" if part in ("train", "test_english") else release.language
        parts[part] = FeatureSet(**values, language=language, source=str(release.lists[part]))
    speakers = int(parts["train"].labels.max()) + 1
    name = f"MAV-Celeb {release.version}"
    return Corpus(**parts, speakers=speakers, name=name, version=release.version)


def _read_vectors(folder: Path, clips: ClipList, name: str, progress: bool) -> NDArray[np.float32]:
    """The voices or faces of a list, shape (N, D); of several bad files the first is told.

    A face whose file is not there is a row of zeros, with a note. Several threads read: on a
    network drive most of the time is waiting.
    """
    files, size = clips.rows[name].tolist(), VOICE_DIM if name == "voice" else FACE_DIM
    matrix = np.empty((len(files), size), dtype=np.float32)
    cast: list[str] = []
    absent: list[int] = []

    def refuse(row: int, problem: str) -> DataError:
        remedy = "unpack the archive again or remove the line"
        return clips.refuse(row, f"feature file {files[row]} {problem}; {remedy}.")

    def fill(rows: range) -> None:
        for row in rows:
            path = os.path.join(folder, files[row])
            if name == "face" and not (files[row] and os.path.lexists(path)):
                matrix[row] = 0
                absent.append(row)
                continue
            try:
                vector = read_vector(path, size)
            except ValueError as error:
                raise refuse(row, str(error)) from error
            except FileNotFoundError as error:
                raise refuse(row, "is missing") from error
            except OSError as error:
                raise refuse(row, f"cannot be read ({error.strerror})") from error
            if vector.dtype.itemsize != 4:
                cast.append(str(vector.dtype))
            with np.errstate(over="ignore"):  # what is too large for float32 is told as Inf
                matrix[row] = vector

    chunks = [range(len(files))[at : at + CHUNK] for at in range(0, len(files), CHUNK)]
    title = f"reading the {name}s of {clips.path.name}"
    thread_map(fill, chunks, max_workers=8, desc=title, delay=1, disable=not progress)
    if not (finite := of_finite_length(matrix)).all():
        raise refuse(int(np.argmin(finite)), "holds NaN or Inf, or is too long to be normalised")
    if name == "voice" and not (spoken := matrix.any(axis=1)).all():
        reason = "the voice is all zeros; only a face may be missing. Remove the line."
        raise clips.refuse(int(np.argmin(spoken)), reason)
    if cast:
        kinds = " or ".join(sorted(set(cast)))
        text = f"{clips.path}: {len(cast)} feature files hold {kinds}; read as float32."
        warnings.warn(text, stacklevel=2)
    if absent:
        what = files[min(absent)] or "an empty cell"
        text = f"{len(absent)} faces are not there, the first is {what}; read as missing."
        warnings.warn(str(clips.refuse(min(absent), text)), stacklevel=2)
    return matrix


def read_vector(path: str, size: int | None = None) -> NDArray[np.floating]:
    """One feature vector as stored, shape (size,); axes of length 1 around it are accepted.

    Without a size any length will do. The file is not trusted: nothing is unpickled, and no more is
    read than a vector takes. Raises ValueError with what is wrong with it, OSError where it cannot
    be read.
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
    size = max(shape, default=1) if size is None else size
    if math.prod(shape) != size or size not in shape or not size:
        raise ValueError(f"has shape {shape}, expected ({size},)")
    end = stream.tell() + size * dtype.itemsize
    if len(content) != end:
        raise ValueError("is truncated" if len(content) < end else "is longer than its header says")
    return np.frombuffer(content, dtype, size, stream.tell())
