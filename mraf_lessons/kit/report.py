"""One self-contained HTML page: text, tables and figures, and what it takes to make it again."""

import base64
import importlib.metadata
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeAlias

import matplotlib.figure
import numpy as np
import pandas as pd

from mraf import __version__
from mraf.files import without_home, write_text
from mraf_lessons.kit.page import page
from mraf_lessons.kit.style import render

Item: TypeAlias = str | pd.DataFrame | matplotlib.figure.Figure
PACKAGES = ("torch", "numpy", "pandas", "scikit-learn", "matplotlib")
NUMBER = re.compile(r"–$|[-+−]*\d")  # begins the text of a cell that stands on the right


def write_report(
    path: Path, title: str, sections: Mapping[str, Sequence[Item]], *, command: str,
    facts: Mapping[str, object] | None = None,
) -> None:  # fmt: skip
    """Write a page that needs no other file and no network. Raises RunError as `write_text`."""
    shown = {name: without_home(str(value)) for name, value in (facts or {}).items()}
    shown["made"] = f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC"
    prepared = {head: [_prepared(item) for item in items] for head, items in sections.items()}
    facts, template = {**shown, "with": versions()}, Path(__file__).with_suffix(".html")
    command = without_home(command)
    write_text(path, page(template, title=title, command=command, facts=facts, sections=prepared))


def versions() -> str:
    """The versions of this package, of Python and of what computes, on one line."""
    python = f"Python {platform.python_version()}"
    found = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    machine = f"{platform.system()} {platform.machine()}"
    return ", ".join([f"mraf {__version__}", python, *found, machine])


def _prepared(item: Item) -> dict[str, Any]:
    """An item as the template takes it; in a text, a blank line begins a new paragraph."""
    if isinstance(item, str):
        return {"kind": "text", "paragraphs": [part for part in item.split("\n\n") if part.strip()]}
    if isinstance(item, pd.DataFrame):
        return {"kind": "table"} | _table(item)
    source = base64.b64encode(render(item, "svg")).decode()
    return {"kind": "figure", "source": source, "alt": getattr(item, "alt", "")}


def _table(frame: pd.DataFrame) -> dict[str, Any]:
    """The texts of a table; an index that says something becomes its first columns."""
    heads = 0
    if not isinstance(frame.index, pd.RangeIndex):
        heads = frame.index.nlevels
        names = [name or "" for name in frame.index.names]
        frame = frame.reset_index(names=names, allow_duplicates=True)
    rows = [[_cell(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    return {"heads": heads, "columns": list(frame.columns), "rows": rows}


def _cell(value: Any) -> dict[str, Any]:
    """The text of a cell, and whether it is a number and stands on the right."""
    if pd.isna(value):
        text = "–"
    elif isinstance(value, (bool, np.bool_)):
        text = "yes" if value else "no"
    elif isinstance(value, (int, np.integer)):
        text = f"{value:,}"
    else:
        text = f"{value:,.4g}" if isinstance(value, (float, np.floating)) else str(value)
    return {"text": text, "number": NUMBER.match(text) is not None}
