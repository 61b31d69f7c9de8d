"""One self-contained HTML page: text, tables and figures, and what it takes to make it again."""

from __future__ import annotations

import base64
import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import matplotlib.figure
import numpy as np
import pandas as pd

from mraf import __version__
from mraf.cli.page import page
from mraf.files import without_home, write_text
from mraf_lessons.kit.style import render

Item: TypeAlias = str | pd.DataFrame | matplotlib.figure.Figure
PACKAGES = ("torch", "numpy", "pandas", "scikit-learn", "matplotlib")


class Section(NamedTuple):
    """A heading, and the paragraphs, tables and figures below it in order.

    In plain text, a blank line begins a new paragraph.
    """

    title: str
    items: Sequence[Item] = ()


def write_report(
    path: str | Path,
    title: str,
    sections: Sequence[Section],
    *,
    command: str,
    facts: Mapping[str, object] | None = None,
) -> None:
    """Write a page that needs no other file and no network.

    Args:
        path: of the page; its folder is made if need be.
        command: what was typed to make it.
        facts: what else made it: data, preset, seed, device, … Date and versions are added.
    Raises:
        RunError: the file cannot be written; the previous one stays.
    """
    shown = {name: without_home(str(value)) for name, value in (facts or {}).items()}
    shown["made"] = f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC"
    text = page(
        "report.html",
        title=title,
        command=without_home(command),
        facts={**shown, "with": versions()},
        sections=[{"title": head, "items": map(_prepared, items)} for head, items in sections],
    )
    write_text(Path(path), text)


def versions() -> str:
    """The versions of this package, of Python and of what computes, on one line."""
    python = f"Python {platform.python_version()}"
    found = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    machine = f"{platform.system()} {platform.machine()}"
    return ", ".join([f"mraf {__version__}", python, *found, machine])


def _prepared(item: Item) -> dict[str, Any]:
    """An item as the template takes it."""
    if isinstance(item, str):
        blocks = [" ".join(block.split()) for block in item.split("\n\n")]
        return {"kind": "text", "paragraphs": [block for block in blocks if block]}
    if isinstance(item, pd.DataFrame):
        return {"kind": "table"} | _table(item)
    source = base64.b64encode(render(item, "svg")).decode()
    return {"kind": "figure", "source": source, "alt": getattr(item, "alt", "")}


def _table(frame: pd.DataFrame) -> dict[str, Any]:
    """Texts of the cells of a table; an index that says something becomes its first columns."""
    heads = 0
    if not isinstance(frame.index, pd.RangeIndex):
        heads = frame.index.nlevels
        names = [name if name is not None else "" for name in frame.index.names]
        frame = frame.reset_index(names=names, allow_duplicates=True)
    columns = [" ".join(map(str, c)) if isinstance(c, tuple) else str(c) for c in frame.columns]
    rows = [[_cell(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    return {"heads": heads, "columns": columns, "rows": rows}


def _cell(value: Any) -> dict[str, Any]:
    """Text of a cell, and whether it is a number and stands on the right."""
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return {"text": "–", "number": True}
    if isinstance(value, (bool, np.bool_)):
        return {"text": "yes" if value else "no", "number": False}
    if isinstance(value, (int, np.integer)):
        return {"text": f"{value:,}", "number": True}
    if isinstance(value, (float, np.floating)):
        return {"text": f"{value:,.4g}", "number": True}
    text = str(value)
    return {"text": text, "number": text == "–" or text.lstrip("-+−")[:1].isdigit()}
