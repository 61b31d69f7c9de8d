"""Figures that are drawn anew at each move of a control, so they are made for speed.

A constrained layout would take longer than everything else; the panels stand at fixed places.
A figure may be kept between moves: then only what its panels hold is drawn, not their frames,
labels and grids.
"""

from __future__ import annotations

import base64
import html
import io
from itertools import chain
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from mraf_lessons.kit.style import GREY, Figure, styled


def fast_figure(width: float, height: float, title: str = "", remark: str = "") -> Figure:
    """A figure whose panels are placed by hand, a title above them and a remark beside it."""
    figure = Figure(figsize=(width, height), dpi=90)
    if title or remark:
        figure.text(0.02, 0.945, title, fontsize=12, fontweight="bold", va="center")
        figure.text(0.98, 0.945, remark, fontsize=10.5, va="center", ha="right", color=GREY)
    return figure


def fast_panel(axes: Axes, title: str, xlabel: str = "", ylabel: str = "") -> None:
    """Title and labels at fixed places: looking for free ones takes half the time of drawing.

    The frame lies below what the panel holds, so that the latter can be drawn again over it.
    """
    axes.spines[:].set_zorder(0.5)
    axes.set_title(title, y=1.0, pad=6)
    axes.set_xlabel(xlabel, fontsize=9, va="top")
    axes.set_ylabel(ylabel, fontsize=9, va="bottom")
    height = axes.get_figure().get_figheight() * axes.get_position().height  # type: ignore[union-attr]
    width = axes.get_figure().get_figwidth() * axes.get_position().width  # type: ignore[union-attr]
    empty = len(axes.get_xticks()) == 0
    axes.xaxis.set_label_coords(0.5, -(0.06 if empty else 0.26) / height)
    axes.yaxis.set_label_coords(-0.06 / width, 0.5)


class Screen(FigureCanvasAgg):
    """Makes PNGs of figures, one after the other, for speed: they are larger than ``style.png``.

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
