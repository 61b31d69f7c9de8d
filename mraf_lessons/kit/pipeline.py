"""The picture of MRAF: two features in, three heads out (Figure 2 of the paper, redrawn)."""

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


def _tint(colour: str, share: float = 0.14) -> tuple[float, ...]:
    """A colour thinned with white."""
    return tuple(1 - share * (1 - part) for part in to_rgb(colour))


def _note(axes: Axes, x: float, y: float, text: str, size: float = 8, **look: Any) -> None:
    usual: dict[str, Any] = {"color": GREY, "ha": "center", "va": "center", "zorder": 5}
    axes.text(x, y, text, fontsize=size, **(usual | look))


def _say(axes: Axes, x: float, y: float, text: str, size: float = 9, **look: Any) -> None:
    """A note in black: what the picture is about."""
    _note(axes, x, y, text, size, color=INK, **look)


def _box(axes: Axes, x: float, y: float, width: float, height: float, colour: str,
         **look: Any) -> None:  # fmt: skip
    """A rounded box centred at (x, y)."""
    usual: dict[str, Any] = {"facecolor": _tint(colour), "edgecolor": colour, "linewidth": 1.4}
    corner, rounded = (x - width / 2, y - height / 2), "round,pad=0,rounding_size=1.1"
    box = FancyBboxPatch(corner, width, height, boxstyle=rounded, zorder=3, **(usual | look))
    axes.add_patch(box)


def _arrow(axes: Axes, colour: str, *points: tuple[float, float], width: float = 1.6) -> None:
    """A line through the points with a head at the last."""
    *way, end = points
    line: dict[str, Any] = {"color": colour, "lw": width, "zorder": 2}
    axes.plot(*zip(*way, strict=True), **line, solid_joinstyle="round")
    head: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 11, "shrinkA": 0, "shrinkB": 0}
    axes.add_patch(FancyArrowPatch(way[-1], end, **head, **line))


def _tokens(axes: Axes, x: float, y: float, colour: str) -> None:
    """K little squares side by side, centred at (x, y)."""
    for i in range(6):
        corner, fill = (x - 6.35 + 2.2 * i, y - 0.85), _tint(colour, 0.9 - 0.09 * i)
        axes.add_patch(Rectangle(corner, 1.7, 1.7, fc=fill, ec=colour, lw=0.8, zorder=4))


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
    _modality(axes, "face", TOP, TOP + 9.5, FACE, "f", "a")
    _modality(axes, "voice", BOTTOM, BOTTOM - 9.0, VOICE, "a", "f")
    _both(axes)
    return style.describe(figure, ALT)


def _inputs(axes: Axes) -> None:
    """A face and a wave, and the switch from the face to the missing token."""
    axes.add_patch(Ellipse((6, TOP), 5.6, 7.0, fc=_tint(FACE, 0.25), ec=FACE, lw=1.6, zorder=3))
    for eye in (4.85, 7.15):
        axes.add_patch(Circle((eye, TOP + 0.9), 0.38, color=FACE, zorder=4))
    angle = np.linspace(np.pi * 1.2, np.pi * 1.8, 30)
    mouth = 6 + 1.7 * np.cos(angle), TOP - 0.1 + 1.7 * np.sin(angle)
    axes.plot(*mouth, color=FACE, lw=1.6, zorder=4)
    x = np.linspace(-3.1, 3.1, 13)
    heights = 0.5 + 3.0 * np.exp(-((x / 2.2) ** 2)) * np.abs(np.sin(x * 2.3 + 0.9))
    axes.vlines(6 + x, BOTTOM - heights, BOTTOM + heights, color=VOICE, lw=2, capstyle="round")
    for y, symbol, size, name in ((TOP, "x_f", 512, "FaceNet"), (BOTTOM, "x_a", 192, "ECAPA-TDNN")):
        _say(axes, 6, y - 5.6, f"${symbol}$", 13)
        _note(axes, 6, y - 8.2, f"{name}, (B, {size})")
    _arrow(axes, FACE, (9.6, TOP), (16.6, TOP))
    _arrow(axes, FACE, (20.4, TOP), (25.4, TOP))
    _arrow(axes, VOICE, (10.2, BOTTOM), (25.4, BOTTOM))
    _box(axes, 18.5, TOP + 9.2, 9.6, 4.6, MISSING, linestyle=(0, (3, 2)))
    _say(axes, 18.5, TOP + 9.2, "$m_f$", 13)
    _note(axes, 18.5, TOP + 12.8, "missing token (512,)", color=MISSING)
    _arrow(axes, MISSING, (18.5, TOP + 6.9), (18.5, TOP + 1.9))
    axes.add_patch(Circle((18.5, TOP), 1.9, fc="white", ec=INK, lw=1.4, zorder=4))
    axes.plot([17.4, 19.3], [TOP, TOP], color=INK, lw=1.6, zorder=5)
    axes.add_patch(Circle((17.4, TOP), 0.35, color=INK, zorder=5))
    _say(axes, 18.5, TOP - 4.0, "$x_f = \\mathbf{0}$ ?")
    _note(axes, 18.5, TOP - 6.4, "Eq. 9")


def _modality(axes: Axes, name: str, y: float, head: float, colour: str, me: str,
              other: str) -> None:  # fmt: skip
    """One modality at the height y, from its encoder to its head at another height."""
    out = 1 if y > MIDDLE else -1  # away from the middle
    _box(axes, 34, y, 17, 11.5, colour)
    _say(axes, 34, y + 3.6, f"linear to K tokens + $P_{me}$", 8)
    _tokens(axes, 34, y + 0.6, colour)
    _say(axes, 34, y - 2.4, "L Transformer layers", 8)
    _note(axes, 34, y - 4.4, "Eq. 2–8", 7.5)
    _arrow(axes, colour, (42.5, y), (59.6, y))
    _tokens(axes, 51, y, colour)
    _say(axes, 51, y + out * 2.7, f"$H_{me}$  (B, K, d)")
    # the embedding goes to the scorer, and the weight from there to the tokens
    level = MIDDLE + out * 2.6
    _arrow(axes, colour, (38, y - out * 5.75), (38, level), (50.5, level))
    _say(axes, 39.2, level + out * 1.9, f"$e_{me}$  (B, d)", ha="left")
    _arrow(axes, OTHER, (61.5, MIDDLE + out * 5.6), (61.5, y - out * 1.9))
    _say(axes, 62.5, (MIDDLE + out * 3.7 + y) / 2, f"$w_{me}$", 11, ha="left")
    axes.add_patch(Circle((61.5, y), 1.9, fc="white", ec=OTHER, lw=1.6, zorder=4))
    _say(axes, 61.5, y - 0.05, "×", 13)
    # weighted tokens ask the other side, which takes them as keys and values
    mine, theirs = f"\\hat{{H}}_{me}", f"\\hat{{H}}_{other}"
    _arrow(axes, colour, (63.4, y), (80.4, y))
    _say(axes, 70.5, y + out * 1.9, f"${mine}$", 11)
    _arrow(axes, colour, (75.5, y), (87.5, 2 * MIDDLE - y + out * 4.5), width=1.3)
    _box(axes, 87.5, y, 14, 9, colour)
    _say(axes, 87.5, y + 1.7, "cross-attention", weight="bold")
    _say(axes, 87.5, y - 1.4, f"$C_{me} = \\mathrm{{MHA}}({mine}, {theirs}, {theirs})$", 7.5)
    _arrow(axes, colour, (94.5, y), (99, y), (99, MIDDLE + out * 3.8))
    # the head reads the embedding, too
    _arrow(axes, colour, (38, y + out * 5.75), (38, head), (108.75, head))
    _say(axes, 39.2, head + out * 1.75, f"$e_{me}$", ha="left")
    _note(axes, 114, head - out * 4.6, f"{name} head")
    _head(axes, head, colour, me)


def _head(axes: Axes, y: float, colour: str, letter: str) -> None:
    _box(axes, 114, y, 10.5, 6.0, colour)
    _say(axes, 114, y + 0.9, f"$z_{letter}$", 13)
    _note(axes, 114, y - 1.8, "(B, C)")


def _both(axes: Axes) -> None:
    """The scorer, the fused embedding and its head in the middle, and the losses."""
    _note(axes, 49.0, MIDDLE, "Eq. 10–11", ha="right")
    _box(axes, 61.5, MIDDLE, 22, 11.2, OTHER)
    _say(axes, 61.5, MIDDLE + 3.5, "reliability", 9.5, weight="bold")
    _say(axes, 61.5, MIDDLE + 0.7, "$r_m = \\sigma(W e_m + b)$")
    _say(axes, 61.5, MIDDLE - 1.9, "$w_m = r_m / (r_f + r_a + \\epsilon)$")
    _note(axes, 61.5, MIDDLE - 4.3, "face missing: $r_f = 0$", color=MISSING)
    _note(axes, 61.5, TOP + 3.4, "Eq. 12")
    _note(axes, 87.5, TOP + 6.2, "Eq. 13")
    _note(axes, 93.4, MIDDLE, "Eq. 14", ha="right")
    _box(axes, 99, MIDDLE, 9.5, 7.6, FUSED)
    _say(axes, 99, MIDDLE + 0.9, "$e_c$", 13)
    _note(axes, 99, MIDDLE - 2.0, "(B, d)")
    _arrow(axes, FUSED, (103.75, MIDDLE), (108.75, MIDDLE))
    _note(axes, 114, MIDDLE + 4.6, "who speaks?", 9.5, color=FUSED, weight="bold")
    _head(axes, MIDDLE, FUSED, "c")
    # the losses, below
    _say(axes, 4, -4.5, "trained with", 9.5, weight="bold")
    for x, width, name, formula in (
        (29.5, 36, "classification, Eq. 15", "cross-entropy of $z_f$, $z_a$ and $z_c$"),
        (70.5, 42, "distillation, Eq. 16", "$z_c$ with the face teaches $z_c$ without it"),
        (106.4, 25.7, "centre loss, Eq. 17", "$e_c$ near its speaker's $\\mu_y$"),
    ):
        _box(axes, x, -4.5, width, 6.6, GREY, facecolor="white", linewidth=1.0)
        _note(axes, x, -2.9, name)
        _say(axes, x, -5.8, formula)
