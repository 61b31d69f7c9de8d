"""Tables of clips, one row a clip: data frames, arrays by name, Parquet, ``.npz`` and CSV files.

Columns are face, voice, speaker, video and language; split and key may be there. A cell of face or
voice is a vector, or the path of a ``.npy`` file from the table's folder. Vectors are read a block
of rows at a time, so that no file has to fit into memory.
"""

import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm.auto import tqdm

from mraf.data.clips import of_finite_length
from mraf.data.official.reader import HEADERS, read_vector
from mraf.errors import DataError
from mraf.files import checked_path, read_csv

BLOCK = 8192  # rows whose vectors are held at once
REQUIRED = ("face", "voice", "speaker", "video", "language")
OPTIONAL = ("split", "key")
KINDS = "a Parquet file (.parquet), an .npz archive or a .csv with paths of .npy files"

Arrays = Mapping[str, Any]  # column → its cells (N,), or vectors (N, D)


@dataclass(frozen=True)
class Table:
    """A table of N clips that is open for reading."""

    source: str  # its name in messages
    columns: tuple[str, ...]
    cells: Callable[[str], NDArray[Any]]  # a whole column, shape (N,)
    blocks: Callable[[str], Iterator[NDArray[Any]]]  # of face or voice: vectors (n, D), or cells
    folder: Path = Path()  # where relative paths of ``.npy`` files begin
    lines: NDArray[np.int64] | None = None  # of rows of a text file; else they count from 0

    def refuse(self, row: int | np.integer, reason: str) -> DataError:
        """The error that names this table and a row of it."""
        place = f"row {row}" if self.lines is None else f"line {self.lines[row]}"
        return DataError(f"{self.source}, {place}: {reason}.")

    def texts(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.str_]]:
        """A column as numbers (N,) of its values as text, sorted; an empty cell is "".

        Whole numbers read alike, stored as integers or as floats; text is taken as it stands.
        """
        try:
            cells = self.cells(name)
            if np.ndim(cells) != 1:
                raise ValueError(f"shape {np.shape(cells)}")
            if (series := pd.Series(cells)).dtype.kind == "f":
                whole = series.dropna() % 1 == 0
                series = series.astype("Int64") if whole.all() else series
            codes, values = pd.factorize(series)
        except (TypeError, ValueError) as error:
            reason = f"the column '{name}' holds no plain values ({error})"
            raise DataError(f"{self.source}: {reason}; give one text or number a row.") from None
        named = [x.decode(errors="replace") if isinstance(x, bytes) else str(x) for x in values]
        texts = np.array([*(text.strip() for text in named), ""])  # the last is that of code -1
        names, number = np.unique(texts, return_inverse=True)
        return number.ravel()[codes], names

    def vectors(self, name: str, clips: int, progress: bool) -> Iterator[NDArray[np.float32]]:
        """Face or voice in checked blocks (n, D), rows of zeros where a face is missing.

        Raises DataError: the first row whose vector cannot be used, and why; no vector at all.
        """
        width = read = waiting = 0
        bar = tqdm(desc=f"reading the {name}s", total=clips, delay=1, disable=not progress)
        with bar:
            for block in self.blocks(name):
                found = self._stacked(name, block, read, width)
                if name == "voice" and (gap := ~found.any(axis=1)).any():
                    reason = "the voice is missing; only a face may be, drop the clip"
                    raise self.refuse(read + gap.argmax(), reason)
                if (bad := ~of_finite_length(found)).any():
                    reason = f"the {name} holds NaN, Inf or numbers too large for float32"
                    raise self.refuse(read + bad.argmax(), f"{reason}; extract it again")
                read += len(block)
                bar.update(len(block))
                if width := found.shape[1]:
                    if waiting:  # rows without a face that came before the first face
                        yield np.zeros((waiting, width), np.float32)
                        waiting = 0
                    yield found
                else:
                    waiting += len(block)
        if read != clips:
            reason = f"the column '{name}' has {read} rows, 'speaker' has {clips}"
            raise DataError(f"{self.source}: {reason}; give every clip one row.")
        if not width:
            reason = "no clip has a face, and MRAF is trained on clips with one"
            raise DataError(f"{self.source}: {reason}; add face embeddings.")

    def _stacked(
        self, name: str, block: NDArray[Any], start: int, width: int
    ) -> NDArray[np.float32]:
        """A block as float32 (n, D), where D is 0 as long as no vector has been seen."""

        def read(row: int) -> NDArray[Any] | None:
            try:
                return self._vector(block[row])
            except (ValueError, TypeError) as error:
                reason = str(error)
            except OSError as error:
                reason = f"{block[row]} cannot be read ({error.strerror})"
            raise self.refuse(start + row, f"the {name} {reason[:300]}; mend the row or drop it")

        with np.errstate(over="ignore"):  # what is too large becomes Inf, which is refused
            if block.ndim == 2 and block.dtype.kind == "f":
                if width and block.shape[1] != width:
                    reason = f"the {name} has {block.shape[1]} numbers, the rows above have {width}"
                    raise self.refuse(start, reason)
                return block.astype(np.float32)
            if block.ndim != 1 or block.dtype.kind not in "OUT":
                reason = f"'{name}' holds {block.dtype} {block.shape[1:]}, expected float vectors"
                raise DataError(f"{self.source}: {reason} or paths of .npy files.")
            if any(isinstance(cell, str) for cell in block):
                with ThreadPoolExecutor(8) as pool:  # on a network drive most of it is waiting
                    found = list(pool.map(read, range(len(block))))
            else:
                found = [read(row) for row in range(len(block))]
            first = next((row for row, vector in enumerate(found) if vector is not None), None)
            width = width or (0 if first is None else len(found[first]))  # type: ignore[arg-type]
            stacked = np.zeros((len(block), width), np.float32)
            for row, vector in enumerate(found):
                if vector is not None:
                    if len(vector) != width:
                        reason = f"the {name} has {len(vector)} numbers, the rows above {width}"
                        raise self.refuse(start + row, f"{reason}; take one encoder for all")
                    stacked[row] = vector
        return stacked

    def _vector(self, cell: Any) -> NDArray[Any] | None:
        """The vector of a cell; None where it is empty. Raises ValueError or OSError."""
        if isinstance(cell, str | os.PathLike):
            path = str(cell).strip().replace("\\", "/")
            return read_vector(os.path.join(self.folder, path)) if path else None
        if cell is None or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell)):
            return None
        vector = np.asarray(cell)
        if vector.ndim != 1 or not len(vector) or vector.dtype.kind not in "fiu":
            shape = f"{vector.dtype} of shape {vector.shape}"
            raise ValueError(f"is {shape}, expected a float vector or the path of a .npy file")
        return vector


def open_table(table: str | Path | pd.DataFrame | Arrays) -> Table:
    """Open a table of any kind.

    Raises DataError: no such file, another kind of file, damage, or a column that is missing.
    """
    if isinstance(table, str | Path):
        path = checked_path(table, DataError)
        opener = {".csv": _csv, ".npz": _npz, ".parquet": _parquet}.get(path.suffix.lower())
        if opener is None or not path.is_file():
            reason = "there is no such file" if not path.is_file() else "is no table that is known"
            raise DataError(f"{path}: {reason}; give {KINDS}.")
        found = opener(path)
    else:
        found = _in_memory(table, "the table", Path())
    if missing := [name for name in REQUIRED if name not in found.columns]:
        reason = f"no column '{missing[0]}', only {', '.join(found.columns) or 'none'}"
        needed = f"needed are {', '.join(REQUIRED)}; {' and '.join(OPTIONAL)} may be there"
        raise DataError(f"{found.source}: {reason}; {needed}.")
    return found


def _in_memory(
    table: pd.DataFrame | Arrays, source: str, folder: Path, lines: NDArray[Any] | None = None
) -> Table:
    columns = tuple(map(str, table))

    def array(name: str) -> NDArray[Any]:
        return np.asarray(table[name])

    def blocks(name: str) -> Iterator[NDArray[Any]]:
        cells = array(name)
        for start in range(0, len(cells), BLOCK):
            yield cells[start : start + BLOCK]

    return Table(source, columns, array, blocks, folder, lines)


def _csv(path: Path) -> Table:
    frame = read_csv(path, "mend the line or write the table again")
    return _in_memory(frame, str(path), path.parent, frame.index.to_numpy())


def _damaged(path: Path, kind: str, error: Exception) -> DataError:
    return DataError(f"{path}: damaged or no {kind} ({error}); write it again.")


def _npz(path: Path) -> Table:
    damaged = partial(_damaged, path, ".npz archive")

    def blocks(name: str) -> Iterator[NDArray[Any]]:
        try:
            with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
                shape, by_column, dtype = HEADERS[np.lib.format.read_magic(file)](file)
                if len(shape) == 2 and dtype.kind == "f" and not by_column:
                    for start in range(0, shape[0], BLOCK):
                        rows = min(BLOCK, shape[0] - start)
                        content = file.read(rows * shape[1] * dtype.itemsize)
                        yield np.frombuffer(content, dtype).reshape(rows, shape[1])
                    return
        except Exception as error:  # damage raises nearly anything
            raise damaged(error) from None
        yield from _in_memory({name: cells(name)}, "", path).blocks(name)  # paths, say

    def cells(name: str) -> NDArray[Any]:
        try:
            with np.load(path, allow_pickle=False) as content:
                found: NDArray[Any] = content[name]
            return found
        except Exception as error:
            raise damaged(error) from None

    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
    except (OSError, zipfile.BadZipFile) as error:
        raise damaged(error) from None
    return Table(str(path), tuple(names), cells, blocks, path.parent)


def _parquet(path: Path) -> Table:
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        remedy = "pip install pyarrow, or write the table as .npz or .csv"
        raise DataError(f"{path}: Parquet needs pyarrow, which is missing; {remedy}.") from None

    def blocks(name: str) -> Iterator[NDArray[Any]]:
        try:
            with parquet.ParquetFile(path) as file:
                for batch in file.iter_batches(BLOCK, columns=[name]):
                    yield batch.to_pandas()[name].to_numpy()
        except Exception as error:  # pyarrow has errors of its own
            raise _damaged(path, "Parquet file", error) from None

    try:
        names = parquet.read_schema(path).names
    except Exception as error:
        raise _damaged(path, "Parquet file", error) from None

    def cells(name: str) -> NDArray[Any]:
        return np.concatenate([np.empty(0, object), *blocks(name)])  # an empty file has no block

    return Table(str(path), tuple(names), cells, blocks, path.parent)
