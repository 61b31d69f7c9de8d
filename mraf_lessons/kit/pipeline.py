"""The picture of MRAF: two features in, three heads out (Figure 2 of the paper, redrawn)."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Circle, Ellipse, FancyArrowPatch, FancyBboxPatch, Rectangle

from mraf_lessons.kit import style
from mraf_lessons.kit.style import FACE, FUSED, GREY, INK, MISSING, OTHER, VOICE, Figure, styled

TOP, MIDDLE, BOTTOM = 45.0, 30.0, 15.0  # the heights of face, fusion and voice
ALT = """Diagram of MRAF, read from left to right. A face feature x_f of 512 numbers and a voice
feature x_a of 192 numbers enter. Where the face is missing, a learnable missing token m_f takes
its place. Each modality is projected into K tokens and encoded by a Transformer into tokens H and
an embedding e. Two reliability scores r_f and r_a, computed from the embeddings, become weights
w_f and w_a that scale the tokens. Each weighted sequence then attends to the other, and both are
averaged into the fused embedding e_c. Three heads classify the face, voice and fused embeddings;
the fused one names the speaker. Training adds three losses: cross-entropy on all heads,
distillation from the prediction with the face to the one without, and a centre loss on e_c."""


def tint(colour: str, share: float = 0.14) -> tuple[float, ...]:
    """A colour thinned with white."""
    return tuple(1 - share * (1 - part) for part in to_rgb(colour))


def _box(
    axes: Axes, x: float, y: float, width: float, height: float, colour: str, **look: Any
) -> None:
    """A rounded box centred at (x, y)."""
    usual: dict[str, Any] = {"facecolor": tint(colour), "edgecolor": colour, "linewidth": 1.4}
    corner, rounded = (x - width / 2, y - height / 2), "round,pad=0,rounding_size=1.1"
    axes.add_patch(
        FancyBboxPatch(corner, width, height, boxstyle=rounded, zorder=3, **(usual | look))
    )


def _arrow(axes: Axes, points: list[tuple[float, float]], colour: str, width: float = 1.6) -> None:
    """A line through the points with a head at the last."""
    *way, end = points
    line: dict[str, Any] = {"color": colour, "lw": width, "zorder": 2}
    axes.plot(*zip(*way, strict=True), **line, solid_joinstyle="round")
    head: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 11, "shrinkA": 0, "shrinkB": 0}
    axes.add_patch(FancyArrowPatch(way[-1], end, **head, **line))


def _note(axes: Axes, x: float, y: float, text: str, size: float = 8, **look: Any) -> None:
    usual: dict[str, Any] = {"color": GREY, "ha": "center", "va": "center", "zorder": 5}
    axes.text(x, y, text, fontsize=size, **(usual | look))


def _tokens(axes: Axes, x: float, y: float, colour: str) -> None:
    """K little squares side by side, centred at (x, y)."""
    side, count = 1.7, 6
    for i in range(count):
        corner = (x + (i - count / 2) * (side + 0.5) + 0.25, y - side / 2)
        look: dict[str, Any] = {"facecolor": tint(colour, 0.9 - 0.09 * i), "edgecolor": colour}
        axes.add_patch(Rectangle(corner, side, side, lw=0.8, zorder=4, **look))


def _knot(axes: Axes, x: float, y: float, colour: str, width: float = 1.6) -> None:
    """A white circle on an arrow, to write an operation in."""
    look: dict[str, Any] = {"facecolor": "white", "edgecolor": colour, "lw": width, "zorder": 4}
    axes.add_patch(Circle((x, y), 1.9, **look))


def _face(axes: Axes, x: float, y: float) -> None:
    look: dict[str, Any] = {"facecolor": tint(FACE, 0.25), "edgecolor": FACE, "lw": 1.6}
    axes.add_patch(Ellipse((x, y), 5.6, 7.0, zorder=3, **look))
    for side in (-1.15, 1.15):
        axes.add_patch(Circle((x + side, y + 0.9), 0.38, color=FACE, zorder=4))
    angle = np.linspace(np.pi * 1.2, np.pi * 1.8, 30)
    axes.plot(x + 1.7 * np.cos(angle), y - 0.1 + 1.7 * np.sin(angle), color=FACE, lw=1.6, zorder=4)


def _wave(axes: Axes, x: float, y: float) -> None:
    offsets = np.linspace(-3.1, 3.1, 13)
    heights = 0.5 + 3.0 * np.exp(-((offsets / 2.2) ** 2)) * np.abs(np.sin(offsets * 2.3 + 0.9))
    axes.vlines(x + offsets, y - heights, y + heights, color=VOICE, lw=2, capstyle="round")


@styled
def pipeline() -> Figure:
    """MRAF from features to losses, with the symbols and shapes of the code."""
    left, right, low, high = -2, 121, -9.5, 59.5
    figure = style.new_figure((right - left) / 10, (high - low) / 10)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(left, right), ylim=(low, high), aspect="equal")
    axes.axis("off")

    _inputs(axes)
    for y, colour, letter in ((TOP, FACE, "f"), (BOTTOM, VOICE, "a")):
        _encoder(axes, y, colour, letter)
    _reliability(axes)
    _fusion(axes)
    _heads(axes)
    _training(axes)
    return style.describe(figure, ALT)


def _inputs(axes: Axes) -> None:
    _face(axes, 6, TOP)
    _wave(axes, 6, BOTTOM)
    for y, symbol, size, name in ((TOP, "x_f", 512, "FaceNet"), (BOTTOM, "x_a", 192, "ECAPA-TDNN")):
        _note(axes, 6, y - 5.6, f"${symbol}$", 13, color=INK)
        _note(axes, 6, y - 8.2, f"{name}, (B, {size})")
    # Eq. 9: the switch from the face to the missing token
    _arrow(axes, [(9.6, TOP), (16.6, TOP)], FACE)
    _box(axes, 18.5, TOP + 9.2, 9.6, 4.6, MISSING, linestyle=(0, (3, 2)))
    _note(axes, 18.5, TOP + 9.2, "$m_f$", 13, color=INK)
    _note(axes, 18.5, TOP + 12.8, "missing token (512,)", color=MISSING)
    _arrow(axes, [(18.5, TOP + 6.9), (18.5, TOP + 1.9)], MISSING)
    _knot(axes, 18.5, TOP, INK, 1.4)
    axes.plot([17.4, 19.3], [TOP, TOP], color=INK, lw=1.6, zorder=5)
    axes.add_patch(Circle((17.4, TOP), 0.35, color=INK, zorder=5))
    _note(axes, 18.5, TOP - 4.0, "$x_f = \\mathbf{0}$ ?", 9, color=INK)
    _note(axes, 18.5, TOP - 6.4, "Eq. 9")
    _arrow(axes, [(20.4, TOP), (25.4, TOP)], FACE)
    _arrow(axes, [(10.2, BOTTOM), (25.4, BOTTOM)], VOICE)


def _encoder(axes: Axes, y: float, colour: str, letter: str) -> None:
    _box(axes, 34, y, 17, 11.5, colour)
    _note(axes, 34, y + 3.6, f"linear to K tokens + $P_{letter}$", 8, color=INK)
    _tokens(axes, 34, y + 0.6, colour)
    _note(axes, 34, y - 2.4, "L Transformer layers", 8, color=INK)
    _note(axes, 34, y - 4.4, "Eq. 2–8", 7.5)
    # the tokens go on to fusion
    _arrow(axes, [(42.5, y), (59.6, y)], colour)
    _tokens(axes, 51, y, colour)
    _note(axes, 51, y + (2.7 if y > MIDDLE else -2.7), f"$H_{letter}$  (B, K, d)", 9, color=INK)


def _reliability(axes: Axes) -> None:
    for y, colour, letter, sign in ((TOP, FACE, "f", -1), (BOTTOM, VOICE, "a", 1)):
        # the embedding, from the encoder to the scorer
        level = MIDDLE - sign * 2.6
        _arrow(axes, [(38, y + sign * 5.75), (38, level), (50.5, level)], colour)
        _note(axes, 39.2, level - sign * 1.9, f"$e_{letter}$  (B, d)", 9, color=INK, ha="left")
        # the weight, from the scorer to the tokens
        _arrow(axes, [(61.5, MIDDLE - sign * 5.6), (61.5, y + sign * 1.9)], OTHER)
        halfway = (MIDDLE - sign * 3.7 + y) / 2
        _note(axes, 62.5, halfway, f"$w_{letter}$", 11, color=INK, ha="left")
        _knot(axes, 61.5, y, OTHER)
        _note(axes, 61.5, y - 0.05, "×", 13, color=INK)
    _note(axes, 61.5, TOP + 3.4, "Eq. 12")
    _box(axes, 61.5, MIDDLE, 22, 11.2, OTHER)
    _note(axes, 61.5, MIDDLE + 3.5, "reliability", 9.5, color=INK, weight="bold")
    _note(axes, 61.5, MIDDLE + 0.7, "$r_m = \\sigma(W e_m + b)$", 9, color=INK)
    _note(axes, 61.5, MIDDLE - 1.9, "$w_m = r_m / (r_f + r_a + \\epsilon)$", 9, color=INK)
    _note(axes, 61.5, MIDDLE - 4.3, "face missing: $r_f = 0$", 8, color=MISSING)
    _note(axes, 49.0, MIDDLE, "Eq. 10–11", ha="right")


def _fusion(axes: Axes) -> None:
    for y, colour, letter, other in ((TOP, FACE, "f", "a"), (BOTTOM, VOICE, "a", "f")):
        across = BOTTOM if y == TOP else TOP
        sign = -1 if y == TOP else 1
        _arrow(axes, [(63.4, y), (80.4, y)], colour)
        _note(axes, 70.5, y - sign * 1.9, f"$\\hat{{H}}_{letter}$", 11, color=INK)
        # keys and values for the other side
        _arrow(axes, [(75.5, y), (87.5, across - sign * 4.5)], colour, 1.3)
        _box(axes, 87.5, y, 14, 9, colour)
        _note(axes, 87.5, y + 1.7, "cross-attention", 9, color=INK, weight="bold")
        query, memory = f"\\hat{{H}}_{letter}", f"\\hat{{H}}_{other}"
        formula = f"$C_{letter} = \\mathrm{{MHA}}({query}, {memory}, {memory})$"
        _note(axes, 87.5, y - 1.4, formula, 7.5, color=INK)
        _arrow(axes, [(94.5, y), (99, y), (99, MIDDLE - sign * 3.8)], colour)
    _note(axes, 87.5, TOP + 6.2, "Eq. 13")
    _box(axes, 99, MIDDLE, 9.5, 7.6, FUSED)
    _note(axes, 99, MIDDLE + 0.9, "$e_c$", 13, color=INK)
    _note(axes, 99, MIDDLE - 2.0, "(B, d)", 8)
    _note(axes, 93.4, MIDDLE, "Eq. 14", ha="right")


def _heads(axes: Axes) -> None:
    heads = ((TOP + 9.5, FACE, "z_f"), (MIDDLE, FUSED, "z_c"), (BOTTOM - 9.0, VOICE, "z_a"))
    for y, colour, symbol in heads:
        _box(axes, 114, y, 10.5, 6.0, colour)
        _note(axes, 114, y + 0.9, f"${symbol}$", 13, color=INK)
        _note(axes, 114, y - 1.8, "(B, C)", 8)
    _arrow(axes, [(103.75, MIDDLE), (108.75, MIDDLE)], FUSED)
    _arrow(axes, [(38, TOP + 5.75), (38, TOP + 9.5), (108.75, TOP + 9.5)], FACE)
    _arrow(axes, [(38, BOTTOM - 5.75), (38, BOTTOM - 9.0), (108.75, BOTTOM - 9.0)], VOICE)
    _note(axes, 39.2, TOP + 11.2, "$e_f$", 9, color=INK, ha="left")
    _note(axes, 39.2, BOTTOM - 10.8, "$e_a$", 9, color=INK, ha="left")
    _note(axes, 114, MIDDLE + 4.6, "who speaks?", 9.5, color=FUSED, weight="bold")
    _note(axes, 114, TOP + 4.9, "face head")
    _note(axes, 114, BOTTOM - 4.4, "voice head")


def _training(axes: Axes) -> None:
    losses = (
        (29.5, 36, "classification, Eq. 15", "cross-entropy of $z_f$, $z_a$ and $z_c$"),
        (70.5, 42, "distillation, Eq. 16", "$z_c$ with the face teaches $z_c$ without it"),
        (106.4, 25.7, "centre loss, Eq. 17", "$e_c$ near its speaker's $\\mu_y$"),
    )
    _note(axes, 4, -4.5, "trained with", 9.5, color=INK, weight="bold")
    for x, width, name, formula in losses:
        _box(axes, x, -4.5, width, 6.6, GREY, facecolor="white", linewidth=1.0)
        _note(axes, x, -2.9, name, 8)
        _note(axes, x, -5.8, formula, 9, color=INK)
