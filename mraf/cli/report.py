"""One self-contained HTML page: text, tables and figures, and what it takes to make it again."""

from __future__ import annotations

import base64
import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeAlias

import jinja2
import matplotlib.figure
import numpy as np
import pandas as pd

from mraf import __version__
from mraf.files import without_home, write_text
from mraf_lessons.kit.style import render

Item: TypeAlias = str | pd.DataFrame | matplotlib.figure.Figure
PACKAGES = ("torch", "numpy", "pandas", "scikit-learn", "matplotlib")


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it, in order.

    Args:
        title: of the section.
        items: paragraphs (plain text, a blank line begins a new one), tables and figures.
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
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(PAGE).render(
        title=title,
        command=without_home(command),
        facts={name: without_home(str(value)) for name, value in (facts or {}).items()}
        | {"made": f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC", "with": versions()},
        sections=[
            {"title": section.title, "items": [_prepared(item) for item in section.items]}
            for section in sections
        ],
    )
    write_text(Path(path), page)


def versions() -> str:
    """The versions of this package, of Python and of what computes, on one line."""
    found = [f"mraf {__version__}", f"Python {platform.python_version()}"]
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join([*found, f"{platform.system()} {platform.machine()}"])


def _prepared(item: Item) -> dict[str, Any]:
    """An item as the template takes it."""
    if isinstance(item, str):
        blocks = [" ".join(block.split()) for block in item.split("\n\n")]
        return {"kind": "text", "paragraphs": [block for block in blocks if block]}
    if isinstance(item, pd.DataFrame):
        return {"kind": "table"} | _table(item)
    return {
        "kind": "figure",
        "source": base64.b64encode(render(item, "svg")).decode(),
        "alt": getattr(item, "alt", ""),
    }


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


PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
:root { color-scheme: light; }
body { max-width: 62rem; margin: 0 auto; padding: 1rem 1.2rem 3rem; color: #222; background: #fff;
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 1rem 0 .6rem; }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .5rem; padding-top: .5rem; border-top: 1px solid #ddd; }
p { max-width: 46rem; }
a { color: #0072B2; }
nav ol { columns: 16rem; padding-left: 1.2rem; }
code, pre { font: .9em/1.5 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
pre { background: #f4f4f4; padding: .7rem .9rem; border-radius: .4rem; white-space: pre-wrap;
  overflow-wrap: anywhere; margin: .4rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; font-size: .9rem;
  margin: .6rem 0 1.2rem; }
dt { color: #6b6b6b; } dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; text-align: left; border-bottom: 1px solid #e4e4e4;
  white-space: nowrap; }
thead th { border-bottom: 2px solid #999; } tbody th { font-weight: normal; }
.number { text-align: right; }
figure { margin: 1.2rem 0; overflow-x: auto; } img { max-width: 100%; height: auto; }
@media screen and (max-width: 40rem) { /* a phone: letters stay legible, wide things scroll */
  img { max-width: none; width: 42rem; } tbody th { white-space: normal; }
}
details { font-size: .9rem; color: #555; } summary { cursor: pointer; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; } nav { display: none; }
  h2 { break-after: avoid; } figure, tr, pre { break-inside: avoid; }
  .wide { overflow: visible; } th, td { white-space: normal; padding: .15rem .4rem; }
}
</style>
</head>
<body>
<header>
<h1>{{ title }}</h1>
<pre><code>{{ command }}</code></pre>
<dl>
{% for name, value in facts.items() %}
<dt>{{ name }}</dt><dd>{{ value }}</dd>
{% endfor %}
</dl>
</header>
{% if sections | length > 2 %}
<nav aria-label="Contents"><ol>
{% for section in sections %}
<li><a href="#s{{ loop.index }}">{{ section.title }}</a></li>
{% endfor %}
</ol></nav>
{% endif %}
<main>
{% for section in sections %}
<section id="s{{ loop.index }}">
<h2>{{ section.title }}</h2>
{% for item in section["items"] %}
{% if item.kind == "text" %}
{% for paragraph in item.paragraphs %}
<p>{{ paragraph }}</p>
{% endfor %}
{% elif item.kind == "table" %}
<div class="wide" tabindex="0"><table>
<thead><tr>
{% for column in item.columns %}
<th scope="col"{% if item.rows and item.rows[0][loop.index0].number %} class="number"{% endif %}>
{{- column }}</th>
{% endfor %}
</tr></thead>
<tbody>
{% for row in item.rows %}
<tr>
{% for cell in row %}
{% if loop.index0 < item.heads %}
<th scope="row">{{ cell.text }}</th>
{% else %}
<td{% if cell.number %} class="number"{% endif %}>{{ cell.text }}</td>
{% endif %}
{% endfor %}
</tr>
{% endfor %}
</tbody>
</table></div>
{% else %}
<figure tabindex="0">
<img src="data:image/svg+xml;base64,{{ item.source }}" alt="{{ item.alt }}">
{% if item.alt %}
<details><summary>The figure in words</summary>{{ item.alt }}</details>
{% endif %}
</figure>
{% endif %}
{% endfor %}
</section>
{% endfor %}
</main>
</body>
</html>
"""
