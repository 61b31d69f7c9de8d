"""Self-contained HTML pages: each template of this folder extends page.html."""

from __future__ import annotations

from importlib.resources import files

import jinja2


def page(template: str, **values: object) -> str:
    """The page of a template, with all values escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template(template).render(values)


def _source(name: str) -> str:
    return files("mraf.cli").joinpath(name).read_text(encoding="utf-8")
