"""Features of clips, where they come from, and how they are split."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mraf.data.clips import Corpus, FeatureSet
from mraf.data.imported import ABOUT
from mraf.data.official import pack
from mraf.data.official.release import LIST_NAME
from mraf.data.splits import P3, P4, P5, P6, SETTINGS, Setting, Split, test_split, validation_split
from mraf.errors import DataError
from mraf.files import checked_path

if TYPE_CHECKING:
    from mraf.data.imported.folder import from_table

__all__ = [
    "P3",
    "P4",
    "P5",
    "P6",
    "SETTINGS",
    "Corpus",
    "FeatureSet",
    "Setting",
    "Split",
    "from_table",
    "load",
    "named_source",
    "test_split",
    "validation_split",
]


def __getattr__(name: str) -> Any:
    if name == "from_table":  # with pandas, which not every command should wait for
        from mraf.data.imported.folder import from_table

        return from_table
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def named_source() -> str:
    """What the environment variable MRAF_DATA names, "twin" where it names nothing.

    A relative folder is taken from the working folder, or else from the nearest folder above it
    that has it: notebooks run in notebooks/, commands in the folder above.
    """
    source = os.environ.get("MRAF_DATA", "").strip() or "twin"
    if source == "twin":
        return source
    relative = checked_path(source, DataError)
    here = Path.cwd()
    if not relative.is_absolute() and not relative.exists():
        return next((str(p / relative) for p in here.parents if (p / relative).exists()), source)
    return source


def load(source: str | Path | None = None, progress: bool = True) -> Corpus:
    """Load a corpus.

    Args:
        source: "twin" for the synthetic twin, or a folder in the official layout (a folder that
            is really called twin is "./twin"), or one of its lists, to choose among releases; or a
            folder of `mraf data import`.
            None: see ``named_source``.
        progress: show a bar while the single feature files are read for the first time.
    Raises DataError: the source is neither, or its content is not what it should be.
    """
    origin = " (from the environment variable MRAF_DATA)" if source is None else ""
    source = named_source() if source is None else source
    if source == "twin":
        from mraf.data.twin.generate import generate

        return generate()
    folder = checked_path(source, DataError)
    if (folder / ABOUT).is_file():
        from mraf.data.imported import folder as imported

        return imported.load(folder)
    if folder.is_dir() or (folder.is_file() and LIST_NAME.fullmatch(folder.name)):
        return pack.load(folder, progress)
    reason = "is neither 'twin' nor a folder"
    remedy = "give the folder that holds csv_files/, or 'twin' for the synthetic twin"
    if folder.is_file():
        reason = f"is a file; `mraf data download DIR --from-archive {folder}` unpacks an archive"
        remedy = "`mraf data import` makes a corpus of a table; load DIR"
    raise DataError(f"{str(source)!r}{origin} {reason}; {remedy}.")
