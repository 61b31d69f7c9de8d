"""Self-contained HTML pages: a template extends page.html of this folder."""

from pathlib import Path

import jinja2


def page(template: Path, **values: object) -> str:
    """The page of a template, with all values escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([template.parent, Path(__file__).parent]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template(template.name).render(values)
