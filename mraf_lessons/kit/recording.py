"""Explorers that answer without a kernel: a small grid of pictures, chosen by the page itself."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm.auto import tqdm

from mraf.errors import RunError
from mraf.files import write_text
from mraf_lessons.kit.style import Figure, png

COLOURS = 32
DPI = 76


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
    kind: str = field(default="mraf recording 1")

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Recording:
        """The recording that `to_json` wrote. Raises RunError for anything else."""
        try:
            found = cls(**json.loads(text))
            combinations = 1
            for choices in found.controls.values():
                combinations *= len(choices)
            if len(found.shown) != combinations or len(found.pictures) != len(found.alts):
                raise ValueError("its parts differ in length")
            if not all(0 <= number < len(found.pictures) for number in found.shown):
                raise ValueError("a picture is missing")
        except (ValueError, TypeError, AttributeError) as error:
            raise RunError(f"not a recording ({error}); record it again.") from None
        return found

    def save(self, path: str | Path) -> None:
        """Write it as JSON."""
        write_text(Path(path), self.to_json() + "\n")

    @classmethod
    def load(cls, path: str | Path) -> Recording:
        """Read what ``save`` wrote. Raises RunError."""
        try:
            return cls.from_json(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise RunError(f"{path}: cannot be read ({error.strerror}).") from None
        except RunError as error:
            raise RunError(f"{path}: {error}") from None

    def to_html(self) -> str:
        """A page part with native controls: no kernel, no library, nothing fetched."""
        name = f"mraf-{hashlib.sha256(self.to_json().encode()).hexdigest()[:10]}"
        rows = [self._control(label, choices, name) for label, choices in self.controls.items()]
        data = {key: getattr(self, key) for key in ("shown", "pictures", "alts")}
        data["controls"] = list(self.controls.values())
        safe = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
        first = self.shown[0]
        return (
            f'<div id="{name}" class="mraf-recording">'
            f"<p>{html.escape(self.question)}</p>{''.join(rows)}"
            f'<div><img style="width: 100%; max-width: 900px" alt="{html.escape(self.alts[first])}"'
            f' src="data:image/png;base64,{self.pictures[first]}"></div>'
            f"<script>{SCRIPT.replace('NAME', name).replace('DATA', safe)}</script></div>"
        )

    @staticmethod
    def _control(label: str, choices: Sequence[str], name: str) -> str:
        """A slider where all choices are numbers, a list where they are names."""
        key = f"{name}-{hashlib.sha256(label.encode()).hexdigest()[:6]}"
        caption = f'<label for="{key}">{html.escape(label)}</label> '
        if all(re.fullmatch(r"[\d.]+%?", choice) for choice in choices):
            control = (
                f'<input id="{key}" type="range" min="0" max="{len(choices) - 1}" step="1" '
                f'value="0" aria-valuetext="{html.escape(choices[0])}" '
                'style="vertical-align: middle; width: 180px"> '
                f'<output for="{key}">{html.escape(choices[0])}</output>'
            )
        else:
            options = "".join(
                f'<option value="{number}">{html.escape(choice)}</option>'
                for number, choice in enumerate(choices)
            )
            control = f'<select id="{key}">{options}</select>'
        style = "display: inline-block; margin: 0 1.5em 0.6em 0"
        return f'<div style="{style}">{caption}{control}</div>'

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        first = self.shown[0]
        bundle = {
            "text/html": self.to_html(),
            "image/png": self.pictures[first],
            "text/plain": self.alts[first],
        }
        return bundle, {"image/png": {"alt": self.alts[first]}}


SCRIPT = """
(() => {
  const root = document.getElementById("NAME"), data = DATA;
  const picture = root.querySelector("img");
  const inputs = [...root.querySelectorAll("select, input")];
  const show = () => {
    const at = inputs.reduce((n, input, i) => n * data.controls[i].length + Number(input.value), 0);
    inputs.forEach((input, i) => {
      const text = data.controls[i][Number(input.value)], output = input.nextElementSibling;
      if (output) { output.textContent = text; input.setAttribute("aria-valuetext", text); }
    });
    picture.src = "data:image/png;base64," + data.pictures[data.shown[at]];
    picture.alt = data.alts[data.shown[at]];
  };
  inputs.forEach((input) => input.addEventListener("input", show));
})();
"""


def record(
    draw: Callable[..., Figure],
    controls: Mapping[str, Sequence[str] | Mapping[str, Any]],
    question: str = "",
) -> Recording:
    """Draw every combination of the controls' values once; equal pictures are kept once.

    Args:
        draw: takes one value of each control, in their order.
        controls: by the control's label its values, or its values by the words that are shown for
            them; numbers ("3", "50%") become a slider.
    Raises:
        RunError: a control without values.
    """
    if not controls or not all(controls.values()):
        raise RunError("every control needs at least one value to record.")
    values = [list(v.values()) if isinstance(v, Mapping) else v for v in controls.values()]
    rendered: dict[int, str] = {}  # by figure: a drawer may return the same one again
    figures = []
    alts: dict[str, str] = {}  # by picture
    shown: list[str] = []
    for chosen in tqdm([*itertools.product(*values)], "record", delay=2, leave=False):
        figure = draw(*chosen)
        if id(figure) not in rendered:
            rendered[id(figure)] = base64.b64encode(small_png(figure)).decode()
            figures.append(figure)  # kept, so that no other figure gets its id
        shown.append(rendered[id(figure)])
        alts.setdefault(shown[-1], figure.alt)
    numbers = {picture: number for number, picture in enumerate(alts)}
    named = {label: list(words) for label, words in controls.items()}
    pictures = [numbers[picture] for picture in shown]
    return Recording(named, pictures, list(alts), list(alts.values()), question)


def small_png(figure: Figure) -> bytes:
    """The figure as a PNG with a palette, about a third of the size."""
    buffer = io.BytesIO()
    full = Image.open(io.BytesIO(png(figure, DPI))).convert("RGB")
    full.quantize(COLOURS, dither=Image.Dither.NONE).save(buffer, "png", optimize=True)
    return buffer.getvalue()
