"""Figures for each move of a control: panels at fixed places, whose frames are drawn once."""

import io
from itertools import chain
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from mraf_lessons.kit.style import GREY, Figure, styled


def fast_panels(on: Figure | None, width: float, height: float, title: str = "", remark: str = "",
                panels: int = 1, **places: Any) -> tuple[Figure, list[Axes]]:  # fmt: skip
    """A figure with a row of panels at the fixed places of a `GridSpec`, a title and a remark.

    The figure of the last move is emptied and used again, if it is given.
    """
    if on is None:
        figure = Figure(figsize=(width, height), dpi=90)
        figure.subplots(1, panels, gridspec_kw=places)
    else:
        figure = on
        for artist in contents(figure):
            artist.remove()
        for axes in figure.axes:
            axes.containers.clear()
            axes.relim()
            axes.grid(False)  # else the next call without a word would turn it off
    figure.text(0.02, 0.945, title, fontsize=12, fontweight="bold", va="center")
    figure.text(0.98, 0.945, remark, fontsize=10.5, va="center", ha="right", color=GREY)
    return figure, figure.axes


def fast_panel(axes: Axes, title: str, xlabel: str = "") -> None:
    """Title and label at fixed places: looking for free ones takes half the time of drawing."""
    axes.spines[:].set_zorder(0.5)
    axes.set_title(title, y=1.0, pad=6)
    axes.set_xlabel(xlabel, fontsize=9, va="top")
    height = axes.get_figure().get_size_inches()[1] * axes.get_position().height  # type: ignore[union-attr]
    empty = len(axes.get_xticks()) == 0
    axes.xaxis.set_label_coords(0.5, -(0.06 if empty else 0.26) / height)


class Screen:
    """Makes PNGs of a figure as it is now; they are larger than ``style.png``, and faster."""

    def __init__(self) -> None:
        self._drawn: dict[Figure, Any] = {}  # the frames of each figure, and their pixels

    @styled
    def png(self, figure: Figure) -> bytes:
        """Only its contents are drawn where its frames are those of its last time."""
        kept = figure.canvas
        canvas = kept if isinstance(kept, FigureCanvasAgg) else FigureCanvasAgg(figure)
        if figure.get_layout_engine() is None:
            self._draw(figure, canvas)
        else:
            canvas.draw()
        pixels = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba())
        buffer = io.BytesIO()
        pixels.convert("RGB").save(buffer, "png", compress_level=1)
        return buffer.getvalue()

    def _draw(self, figure: Figure, canvas: FigureCanvasAgg) -> None:
        moving = [artist for artist in contents(figure) if artist.get_visible()]
        frames = [
            (axes.get_xlim(), axes.get_ylim(), axes.get_title("left"), axes.get_xlabel())
            for axes in figure.axes
        ]
        if self._drawn.get(figure, [None])[0] != frames:
            for artist in moving:
                artist.set_visible(False)
            canvas.draw()
            for artist in moving:
                artist.set_visible(True)
            self._drawn[figure] = frames, canvas.copy_from_bbox(figure.bbox)
        canvas.restore_region(self._drawn[figure][1])
        for artist in moving:
            artist.draw(canvas.get_renderer())


def contents(figure: Figure) -> list[Artist]:
    """What the panels hold, in the order of drawing; not their frames, ticks, titles and labels."""
    held: list[Artist] = []
    for axes in figure.axes:
        own = chain(axes.images, axes.patches, axes.collections, axes.lines, axes.texts)
        held += sorted(own, key=Artist.get_zorder)
        if legend := axes.get_legend():
            held.append(legend)
    return held + figure.texts
