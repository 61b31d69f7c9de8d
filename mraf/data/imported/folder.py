"""From a table of clips to a corpus, in memory or as a folder of arrays.

The folder holds ``corpus.json``, ``speakers.csv`` (label and name) and one ``.npy`` file for each
array of each part. ``mraf.data.load`` maps them into memory, so that a corpus may be larger.
"""

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mraf.data.clips import ARRAYS, IMPORTED, Corpus, FeatureSet
from mraf.data.imported import ABOUT
from mraf.data.imported.plan import FORMAT, Plan, plan_of
from mraf.data.imported.table import Arrays, Table, open_table
from mraf.data.official.unpacking import make_private
from mraf.data.splits import with_faces
from mraf.errors import DataError
from mraf.files import checked_path, locked, read_as, write_text

SPEAKERS = "speakers.csv"
AGAIN = "import the table again"
PARTS = ("train", "cross", "test_english", "test_cross")

Keep = Callable[[str, str, NDArray[Any]], object]  # of a part, by name: more rows of an array


def from_table(
    table: str | Path | pd.DataFrame | Arrays,
    train_on: str | None = None,
    cross: str | None = None,
    progress: bool = True,
) -> Corpus:
    """The corpus of a table of clips, in memory.

    Args:
        table: a data frame, arrays by name, or a file of ``KINDS``, with columns face, voice (any
            widths; one vector a row, or paths of ``.npy`` files), speaker (any labels), video and
            language; and, where there are such, split ("train" or "test") and key.
        train_on: the language to train on; by default English, else the one with most clips.
        cross: the second language; by default the other one with most clips.
    Raises DataError: what is wrong with the table, with the row and a remedy.
    Warns: what was found that changes what is trained or judged: clips left out, missing faces.
    """
    opened = open_table(table)
    plan = plan_of(opened, train_on, cross)
    found: dict[str, dict[str, list[NDArray[Any]]]] = {part: {} for part in plan.rows}
    _read(opened, plan, progress, lambda part, name, x: found[part].setdefault(name, []).append(x))
    arrays = {
        part: {name: np.concatenate(found[part].pop(name)) for name in list(found[part])}
        for part in found
    }
    return _checked(_corpus(plan.about, arrays, opened.source), plan)


def import_table(
    table: str | Path,
    out: str | Path,
    train_on: str | None = None,
    cross: str | None = None,
    progress: bool = True,
) -> Corpus:
    """Pack a table into a folder that ``mraf.data.load`` reads; the corpus, mapped into memory.

    An import that is in the folder already is replaced when the new one is complete. Arguments,
    errors and warnings as `from_table`.

    Raises DataError: also where the folder holds something else or cannot be written; as `locked`.
    """
    out = checked_path(out, DataError).absolute()
    # Fixed names: what a killed process left is cleared away by the next attempt.
    new, old = (out.with_name(f".{out.name}.{word}") for word in ("importing", "replaced"))
    with locked(out):  # another process that imports there is waited for
        _put_back(old, out)
        _refuse_others(out)
        opened = open_table(table)
        plan = plan_of(opened, train_on, cross)

        def keep(part: str, name: str, values: NDArray[Any]) -> None:
            with (new / f"{part}.{name}.npy").open("ab") as file:
                if not file.tell():
                    shape = (len(plan.rows[part]), *values.shape[1:])
                    descr = np.lib.format.dtype_to_descr(values.dtype)
                    header = {"descr": descr, "fortran_order": False, "shape": shape}
                    np.lib.format.write_array_header_1_0(file, header)
                file.write(np.ascontiguousarray(values).data)

        shutil.rmtree(new, ignore_errors=True)
        try:
            make_private(new)
            _read(opened, plan, progress, keep)
            speakers = pd.DataFrame({"speaker": plan.speakers}).rename_axis("label")
            write_text(new / SPEAKERS, speakers.to_csv())
            write_text(new / ABOUT, json.dumps(plan.about, indent=1))
            corpus = _checked(load(new, Path(opened.source)), plan)
            shutil.rmtree(old, ignore_errors=True)
            if out.exists():
                out.rename(old)
            new.rename(out)
        except OSError as error:
            reason = f"cannot be written ({error.strerror or error})"
            raise DataError(f"{out}: {reason}; free space or choose another folder.") from None
        finally:
            _put_back(old, out)
            shutil.rmtree(new, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)
        return corpus


def _put_back(old: Path, out: Path) -> None:
    """Where a stop came between the two renames, the earlier import takes its place again."""
    if old.is_dir() and not out.exists():
        old.rename(out)


def _refuse_others(out: Path) -> None:
    """Raise DataError where replacing the folder would take anything but an earlier import."""
    if out.is_file():
        raise DataError(f"{out}: is a file; choose a new folder.")
    found = sorted(child.name for child in out.iterdir()) if out.is_dir() else []
    arrays = {f"{part}.{name}.npy" for part in PARTS for name in ARRAYS}
    others = [name for name in found if name not in {ABOUT, SPEAKERS, ".gitignore", *arrays}]
    if others or (found and ABOUT not in found):
        what = f"holds '{others[0]}'" if others else "is no folder of an earlier import"
        raise DataError(f"{out}: {what}, which would be lost; choose a new folder.")


def load(folder: Path, shown: Path | None = None) -> Corpus:
    """The corpus of a folder that `import_table` made, its arrays mapped into memory.

    What is done to them is not written back. Raises DataError where the folder is damaged.
    """
    shown = shown or folder
    about = read_as("JSON", json.loads, folder / ABOUT, AGAIN, DataError)
    try:
        if about["format"] != FORMAT:
            raise ValueError(f"of format {about['format']}, this mraf reads {FORMAT}")
        arrays: dict[str, dict[str, NDArray[Any]]] = {}
        for part, names in about["parts"].items():
            paths = {name: folder / f"{part}.{name}.npy" for name in names if name in ARRAYS}
            arrays[part] = {  # "c": copied where it is written to
                name: np.asarray(np.load(path, mmap_mode="c", allow_pickle=False))
                for name, path in paths.items()
            }
        return _corpus(about, arrays, str(shown))
    except (KeyError, TypeError, AttributeError, ValueError, OSError, EOFError) as error:
        raise DataError(f"{shown}: damaged ({error}); {AGAIN}.") from None


def _corpus(about: dict[str, Any], arrays: dict[str, dict[str, Any]], source: str) -> Corpus:
    languages = about["languages"]
    parts: dict[str, Any] = dict.fromkeys(PARTS)
    for part, found in arrays.items():
        language = languages["cross" if part.endswith("cross") else "train"]
        values = {"speaker": None, **found}
        parts[part] = FeatureSet(**values, language=language, source=f"{source} ({part})")
    return Corpus(**parts, speakers=about["speakers"], name=about["name"], version=IMPORTED)


def _read(table: Table, plan: Plan, progress: bool, keep: Keep) -> None:
    """Hand every array to ``keep``, faces and voices block by block."""
    for part, arrays in plan.arrays.items():
        for name, values in arrays.items():
            keep(part, name, values)
    for name in ("face", "voice"):
        start = 0
        for block in table.vectors(name, plan.clips, progress):
            for part, rows in plan.rows.items():
                first, last = np.searchsorted(rows, (start, start + len(block)))
                if first < last:
                    keep(part, name, block[rows[first:last] - start])
            start += len(block)


def _checked(corpus: Corpus, plan: Plan) -> Corpus:
    """The corpus, once training could use it; what there is to tell is told."""
    for note in [*plan.notes, *with_faces(corpus.train, corpus.speakers)[1]]:
        warnings.warn(note, stacklevel=3)
    return corpus
