"""One look for all figures: colours, type, and figures that carry their text alternative."""

import base64
import functools
import html
import inspect
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

import matplotlib
import matplotlib.figure
import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib.axes import Axes
from numpy.typing import NDArray
from PIL import Image

from mraf.errors import DataError, RunError
from mraf.files import write_atomically

# Okabe & Ito, Color Universal Design (2008): told apart in every common colour blindness.
PALETTE = {
    "orange": "#E69F00", "sky": "#56B4E9", "green": "#009E73", "yellow": "#F0E442",
    "blue": "#0072B2", "vermillion": "#D55E00", "purple": "#CC79A7", "black": "#000000",
}  # fmt: skip
FACE, VOICE, FUSED = PALETTE["orange"], PALETTE["blue"], PALETTE["green"]
MISSING, OTHER = PALETTE["vermillion"], PALETTE["purple"]
MODALITY = {"face": FACE, "voice": VOICE}
INK, GREY, PALE = "#222222", "#6B6B6B", "#D9D9D9"
CYCLE = (INK, VOICE, FUSED, MISSING, OTHER, PALETTE["sky"], FACE)  # of systems, in order
LANGUAGES = (INK, PALETTE["purple"])  # of training, and the other
SETTING = {  # a colour for each language, dashes without the face
    "P3": (LANGUAGES[0], "-"), "P4": (LANGUAGES[0], "--"),
    "P5": (LANGUAGES[1], "-"), "P6": (LANGUAGES[1], "--"),
}  # fmt: skip
CONDITIONS = {
    "P3": "English, face and voice",
    "P4": "English, voice only",
    "P5": "cross-lingual, face and voice",
    "P6": "cross-lingual, voice only",
    "mean": "mean of P3–P6",
    "with face": "mean of P3 and P5",
    "without face": "mean of P4 and P6",
}

RC: Any = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so figures look alike everywhere
    "font.size": 10,
    "mathtext.fontset": "dejavusans",
    "text.color": INK, "axes.labelcolor": INK, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "axes.edgecolor": GREY, "xtick.color": GREY, "ytick.color": GREY, "grid.color": "#E8E8E8",
    "axes.titlesize": 11, "axes.titlelocation": "left", "axes.titleweight": "bold",
    "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=[VOICE, FACE, FUSED, OTHER, PALETTE["sky"], MISSING]),
    "legend.frameon": False, "lines.linewidth": 1.8,
    "svg.hashsalt": "mraf",  # the same figure is the same file
}  # fmt: skip

P = ParamSpec("P")
T = TypeVar("T")


class Figure(matplotlib.figure.Figure):
    """A figure, unknown to pyplot, with a text alternative; a cell of this value shows it once."""

    alt: str = ""

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """The picture once, as HTML, which pages show before a PNG, and GitHub shows it: to a PNG
        JupyterLab, Voilà and nbconvert give no `alt`, whatever its metadata say."""
        from IPython import get_ipython

        kinds = shell.display_formatter.formatters if (shell := get_ipython()) else {}
        for kind in kinds.keys() & {"image/png", "image/svg+xml", "image/jpeg"}:
            kinds[kind].for_type(Figure, lambda figure: None)  # pyplot registers one of its own
        return {"text/html": image(small_png(self), self.alt), "text/plain": self.alt or repr(self)}


def image(content: bytes, alt: str) -> str:
    """An HTML image that carries its own content, a PNG."""
    encoded = base64.b64encode(content).decode()
    return f'<img src="data:image/png;base64,{encoded}" alt="{html.escape(alt)}">'


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of a size in inches, which lays itself out."""
    return Figure(figsize=(width, height), dpi=110, layout="constrained")


def row_of_panels(count: int, width: float, height: float, margin: float = 0.0,
                  **options: Any) -> tuple[Figure, list[Axes]]:  # fmt: skip
    """A figure with panels side by side, each so many inches wide, beside a margin."""
    figure = new_figure(count * width + margin, height)
    return figure, list(figure.subplots(1, count, squeeze=False, **options)[0])


def describe(figure: Figure, *said: str, title: str = "") -> Figure:
    """Give a figure its text alternative, in sentences; a title stands first, and above it."""
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=10.5)
    figure.alt = " ".join(" ".join([title and f"{title.rstrip('.')}.", *said]).split())
    return figure


def legend_below(figure: Figure, columns: int | None = None) -> None:
    """One legend under all panels, of what the first one holds."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    columns = columns or len(labels)
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, fontsize=8.5)


def styled(draw: Callable[P, T]) -> Callable[P, T]:
    """Draw in the package's style, whatever the user's own settings are, and leave those alone."""

    @functools.wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(RC)
            return draw(*args, **kwargs)

    return wrapper


def draws(*columns: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Style a figure of a table; check, and say in its docstring, which columns it needs."""

    def declared(draw: Callable[P, T]) -> Callable[P, T]:
        drawn = styled(draw)

        @functools.wraps(draw)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
            given: Any = (*args, *kwargs.values())
            require(next(one for one in given if isinstance(one, pd.DataFrame)), *columns)
            return drawn(*args, **kwargs)

        wrapper.__doc__ = (
            f"{inspect.getdoc(draw)}\n\nThe table has the columns {', '.join(columns)}; accuracies "
            "and differences are fractions.\n\nRaises:\n    DataError: no rows, or no such column."
        )
        return wrapper

    return declared


@styled
def render(figure: matplotlib.figure.Figure, kind: str, dpi: float | None = None) -> bytes:
    """A figure as a "png", "svg" or "pdf" file; the same figure gives the same bytes."""
    dates = {"svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None}}.get(kind)
    buffer, dpi = io.BytesIO(), dpi or figure.dpi
    figure.savefig(buffer, format=kind, dpi=dpi, facecolor="white", metadata=dates)
    return buffer.getvalue()


def png(figure: matplotlib.figure.Figure) -> bytes:
    """A figure as a PNG image."""
    return render(figure, "png")


def small_png(figure: matplotlib.figure.Figure) -> bytes:
    """A figure as a PNG with a palette, about a third as long; all colours beside a colour bar."""
    full, buffer = Image.open(io.BytesIO(png(figure))).convert("RGB"), io.BytesIO()
    if all(axes.get_label() != "<colorbar>" for axes in figure.axes):  # a palette breaks its ramp
        full = full.quantize(256, dither=Image.Dither.NONE)
    full.save(buffer, "png", optimize=True)
    return buffer.getvalue()


def save(figure: matplotlib.figure.Figure, path: str | Path) -> None:
    """Write a figure as .svg, .png or .pdf; RunError for other names, or where it cannot be."""
    path = Path(path)
    kind = path.suffix.removeprefix(".").lower()
    if kind not in ("svg", "png", "pdf"):
        raise RunError(f"{path}: choose a name that ends in .svg, .png or .pdf.")
    content = render(figure, kind, dpi=160)
    write_atomically(path, lambda temporary: temporary.write_bytes(content))


def percent_axis(axes: Axes, which: Literal["x", "y", "both"] = "y") -> None:
    """Label an axis of fractions in percent, or both."""
    for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
        if which in (name, "both"):
            axis.set_major_formatter(lambda x, _: f"{100 * x:.4g}%")  # decimals as ticks have


def heading(axes: Axes, name: str, lines: int = 2) -> None:
    """The title of a panel and, where it is a setting, its condition in small letters below."""
    condition = CONDITIONS.get(name, "")
    axes.set_title(name, pad=(6, 24, 27)[lines if condition else 0])
    text = condition.replace(", ", ",\n") if lines == 2 else condition
    axes.text(0, 1.02, text, transform=axes.transAxes, fontsize=7.5, color=GREY)


def note(axes: Axes, x: float, y: float, text: str, **look: Any) -> None:
    """Small letters at a place given in fractions of the panel."""
    usual: dict[str, Any] = {"fontsize": 8, "color": GREY, "transform": axes.transAxes}
    axes.text(x, y, text, **(usual | look))


def ridge(axes: Axes, row: float, values: NDArray[Any], edges: NDArray[Any], colour: str) -> None:
    """A smoothed histogram that stands on the line y = row, its peak 0.82 high, its median marked.

    For an axis that points down, so that rows read from the top.
    """
    counts = np.histogram(values.clip(edges[0], edges[-1]), edges)[0]
    heights = np.convolve(counts, [0.25, 0.5, 0.25], "same")
    top = np.pad(row - 0.82 * heights / heights.max(), 1, "edge")
    x = np.concatenate([edges[:1], (edges[1:] + edges[:-1]) / 2, edges[-1:]])
    axes.fill_between(x, row, top, color=colour, alpha=0.55, lw=0)
    axes.plot(x, top, color=colour, lw=1.3)
    axes.plot([np.median(values)] * 2, [row, row - 0.3], color="black", lw=1.6)


def ridge_rows(axes: Axes, names: list[str]) -> None:
    """Name the rows of ridges 0, 1, … from the top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.8, -1.05)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")


def require(frame: pd.DataFrame, *columns: str) -> None:
    """Raises DataError where a table that is to be drawn has no rows or lacks a column."""
    missing = [name for name in columns if name not in frame.columns]
    if missing or frame.empty:
        what = f"lacks the column(s) {', '.join(missing)}" if missing else "has no rows"
        raise DataError(f"the table to be drawn {what}; it needs: {', '.join(columns)}.")
