"""Feature vectors from untrusted .npy files: nothing is unpickled, all is checked."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

LARGEST = 65_536  # bytes; a vector of 512 floats with its header takes 2,176
CHUNK = 256  # files per task: long enough to outweigh the hand-over between threads


@lru_cache(maxsize=64)  # parsing costs more than reading, and all headers of a corpus are alike
def _parse(header: bytes) -> tuple[tuple[int, ...], np.dtype]:
    stream = io.BytesIO(header)
    if np.lib.format.read_magic(stream) == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    else:
        shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
    return shape, dtype


def read_vector(path: str | os.PathLike[str], size: int) -> NDArray[np.float32]:
    """One feature vector, shape (size,), float32; axes of length 1 around it are accepted.

    Raises:
        ValueError: what is wrong with the file, without its name.
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        content = file.read(LARGEST)
    if not content.startswith(b"\x93NUMPY"):
        raise ValueError("is empty" if not content else "is not a .npy file")
    wide = content[6:7] != b"\x01"  # from format 2.0 on, the length of the header has 4 bytes
    start = 8 + (4 if wide else 2)
    start += int.from_bytes(content[8:start], "little")
    try:
        shape, dtype = _parse(content[:start])
    except Exception as error:  # a damaged header raises nearly anything from within the parser
        raise ValueError("has a damaged header") from error
    if dtype.hasobject:
        raise ValueError("holds a pickled object, which is never loaded")
    if dtype.kind != "f" or dtype.itemsize != 4:
        raise ValueError(f"holds {dtype}, expected float32")
    if tuple(length for length in shape if length != 1) != (size,):
        raise ValueError(f"has shape {shape}, expected ({size},)")
    if len(content) != start + 4 * size:
        problem = "truncated" if len(content) < start + 4 * size else "longer than its header says"
        raise ValueError(f"is {problem}")
    return np.frombuffer(content, dtype, size, start).astype(np.float32)


def read_matrix(
    paths: Sequence[str],
    size: int,
    refuse: Callable[[int, str], Exception],
    bar: tqdm,
    threads: int = 8,
) -> NDArray[np.float32]:
    """The vectors of many files, read by several threads, shape (len(paths), size), float32.

    Args:
        refuse: makes the exception to raise from a row and what is wrong with its file; of
            several bad files the first is reported.
        bar: is advanced by one for each file.
    """
    matrix = np.empty((len(paths), size), dtype=np.float32)

    def fill(start: int) -> int:
        stop = min(start + CHUNK, len(paths))
        for row in range(start, stop):
            try:
                matrix[row] = read_vector(paths[row], size)
            except ValueError as error:
                raise refuse(row, str(error)) from error
            except FileNotFoundError as error:
                raise refuse(row, "is missing") from error
            except OSError as error:
                raise refuse(row, f"cannot be read ({error.strerror})") from error
        return stop - start

    pool = ThreadPoolExecutor(threads)
    try:
        for count in pool.map(fill, range(0, len(paths), CHUNK)):
            bar.update(count)
    finally:
        pool.shutdown(cancel_futures=True)
    finite = np.isfinite(matrix).all(axis=1)
    if not finite.all():
        raise refuse(int(np.argmin(finite)), "holds NaN or Inf")
    return matrix
