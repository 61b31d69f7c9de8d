"""What all explorers share: labelled controls with a question each, and a picture that answers."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, NamedTuple

import ipywidgets as widgets
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from mraf.errors import MrafError
from mraf_lessons.kit.style import Figure, styled

LABELS = {"description_width": "118px"}
ASKED = "margin: -2px 0 7px 124px; line-height: 1.25; font-size: 12px; color: #555"


class Control(NamedTuple):
    """An input and the question that moving it answers."""

    widget: widgets.ValueWidget
    question: str


def inputs(kind: type[widgets.ValueWidget], label: str, **options: Any) -> Any:
    """A labelled input, as wide as the column of controls."""
    return kind(
        description=label,
        style=LABELS,
        layout=widgets.Layout(width="98%", margin="1px 0"),
        **options,
    )


def amount(label: str) -> widgets.FloatSlider:
    """A slider from 0 to 1, shown in percent; arrow keys move it by 5 points."""
    slider: widgets.FloatSlider = inputs(
        widgets.FloatSlider, label, min=0.0, max=1.0, step=0.05, value=0.0, readout_format=".0%"
    )
    return slider


class Explorer(widgets.HBox):
    """Controls on the left, the picture on the right; every change draws it anew.

    A drawer that returns the same figure each time, changed, has only the changes drawn: what the
    panels hold, on a copy of their frames.

    Shown where no kernel answers (GitHub, PDF, an unexecuted notebook), it is the picture of the
    state in which it was displayed.

    Args:
        controls: in the order in which the tab key visits them.
        draw: the figure of the controls' present values, with its text alternative.
    """

    def __init__(self, controls: Sequence[Control], draw: Callable[[], Figure]) -> None:
        self._draw = draw
        self._quiet = False
        self.picture = widgets.HTML(layout=widgets.Layout(flex="1 1 600px", min_width="380px"))
        self.figure = draw()
        self._screen = Screen(self.figure)
        rows: list[widgets.Widget] = []
        for control in controls:
            question = f'<div style="{ASKED}">{control.question}</div>'
            rows += [control.widget, widgets.HTML(question)]
            control.widget.observe(self._changed, names="value")
        column = widgets.VBox(rows, layout=widgets.Layout(flex="0 1 350px", min_width="300px"))
        super().__init__(
            [column, self.picture], layout=widgets.Layout(flex_flow="row wrap", width="100%")
        )
        self._show()

    @contextmanager
    def one_update(self) -> Any:
        """Change several controls and draw once."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before
        self._update()

    def _changed(self, change: Any) -> None:
        self._update()

    def _update(self) -> None:
        if self._quiet:
            return
        try:
            self.figure = self._draw()
        except MrafError as error:
            self.picture.value = f'<p role="alert">{html.escape(str(error))}</p>'
            return
        self._show()

    def _show(self) -> None:
        self.picture.value = image(self._screen.png(self.figure), self.figure.alt)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        live = super()._repr_mimebundle_(**options)
        live = live[0] if isinstance(live, tuple) else live
        still, metadata = self.figure._repr_mimebundle_()
        return {**(live or {}), **still}, metadata


class Screen(FigureCanvasAgg):
    """Makes PNGs of figures, one after the other, for speed: they are larger than ``plots.png``.

    A canvas that has drawn figures of this size knows their words, a seventh of the time.
    """

    _shown: Figure | None = None
    _frames: Any = None  # the panels' frames as pixels, and what they were drawn for

    @styled
    def png(self, figure: Figure) -> bytes:
        """The figure as it is now; the second time, only its contents are drawn."""
        if figure is self._shown:
            self._draw_contents(figure)
        else:
            figure.set_canvas(self)
            self.figure = self._shown = figure
            self._frames = None
            self.draw()
        buffer = io.BytesIO()
        pixels = Image.frombuffer("RGBA", self.get_width_height(), self.buffer_rgba())
        pixels.convert("RGB").save(buffer, "png", compress_level=1)
        return buffer.getvalue()

    def _draw_contents(self, figure: Figure) -> None:
        moving = [artist for artist in contents(figure) if artist.get_visible()]
        drawn_for = [
            (axes.get_xlim(), axes.get_ylim(), axes.get_title("left"), axes.get_xlabel())
            for axes in figure.axes
        ]
        if self._frames is None or self._frames[1] != drawn_for:
            for artist in moving:
                artist.set_visible(False)
            self.draw()
            for artist in moving:
                artist.set_visible(True)
            self._frames = self.copy_from_bbox(figure.bbox), drawn_for
        self.restore_region(self._frames[0])
        for artist in moving:
            artist.draw(self.get_renderer())


def contents(figure: Figure) -> list[Artist]:
    """What the panels hold, in the order of drawing; not their frames, ticks, titles and labels."""
    held: list[Artist] = []
    for axes in figure.axes:
        own = (axes.images, axes.patches, axes.collections, axes.lines, axes.texts)
        held += sorted(chain.from_iterable(own), key=Artist.get_zorder)
    return held + figure.texts


def image(content: bytes, alt: str) -> str:
    """An HTML image that carries its own content."""
    encoded = base64.b64encode(content).decode()
    return (
        f'<img src="data:image/png;base64,{encoded}" alt="{html.escape(alt)}" '
        'style="width: 100%; max-width: 980px">'
    )
