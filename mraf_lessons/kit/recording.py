"""Explorers that answer without a kernel: a small grid of pictures, chosen by the page itself."""

from __future__ import annotations

import base64
import hashlib
import html
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

from tqdm.auto import tqdm

from mraf.errors import RunError
from mraf_lessons.kit.style import Figure, small_png

COLOURS = 32
DPI = 76
STILL = (
    "<p>This picture is still: open the notebook in JupyterLab and choose "
    "<em>Run ▸ Run All Cells</em> to move its controls.</p>"
)


def page_part(name: str) -> str:
    """What this folder holds for the pages that show an explorer: their style and script."""
    return files("mraf_lessons.kit").joinpath(name).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Recording:
    """Pictures for every combination of a few controls' values.

    Args:
        controls: the choices of each control by its label, in order.
        shown: for each combination, the last control fastest, the number of its picture.
        pictures: distinct PNG images, base64.
        alts: their text alternatives.
        question: what to find out by moving the controls.
    """

    controls: dict[str, list[str]]
    shown: list[int]
    pictures: list[str]
    alts: list[str]
    question: str = ""

    def to_html(self) -> str:
        """A page part with native controls: no kernel, no library, nothing fetched.

        The page makes the controls itself, so that where it may not, there are none that are dead.
        """
        data = json.dumps(asdict(self), ensure_ascii=False).replace("<", "\\u003c")
        name = f"mraf-{hashlib.sha256(data.encode()).hexdigest()[:10]}"
        first = self.shown[0]
        return (
            f'<div id="{name}" class="mraf-recording">'
            f"<p>{html.escape(self.question)}</p>{STILL}<div></div><img "
            f'alt="{html.escape(self.alts[first])}" '
            f'src="data:image/png;base64,{self.pictures[first]}"></div>'
            f"{page_part('recorded.html').replace('NAME', name).replace('DATA', data)}"
        )

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        first = self.shown[0]
        bundle = {
            "text/html": self.to_html(),
            "image/png": self.pictures[first],
            "text/plain": self.alts[first],
        }
        return bundle, {"image/png": {"alt": self.alts[first]}}


def record(
    draw: Callable[..., Figure],
    controls: Mapping[str, Mapping[str, Any]],
    question: str = "",
) -> Recording:
    """Draw every combination of the controls' values once; equal pictures are kept once.

    Args:
        draw: takes one value of each control, in their order.
        controls: by the control's label its values by the words that are shown for them; where all
            are numbers ("3", "50%"), it becomes a slider.
    Raises:
        RunError: a control without values.
    """
    if not controls or not all(controls.values()):
        raise RunError("every control needs at least one value to record.")
    alts: dict[str, str] = {}  # by picture
    shown: list[str] = []
    values = [own.values() for own in controls.values()]
    for chosen in tqdm([*itertools.product(*values)], "record", delay=2, leave=False):
        figure = draw(*chosen)
        shown.append(base64.b64encode(small_png(figure, DPI, COLOURS)).decode())
        alts.setdefault(shown[-1], figure.alt)
    numbers = {picture: number for number, picture in enumerate(alts)}
    named = {label: list(words) for label, words in controls.items()}
    pictures = [numbers[picture] for picture in shown]
    return Recording(named, pictures, list(alts), list(alts.values()), question)
