"""Figures of the loss explorer, drawn anew at each move of a control."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, LogLocator, NullLocator

from mraf_lessons.kit.results import LOSSES
from mraf_lessons.kit.style import (
    FUSED,
    GREY,
    INK,
    MISSING,
    OTHER,
    PALETTE,
    VOICE,
    Figure,
    describe,
    styled,
)
from mraf_lessons.reliability.picture import fast_figure, fast_panel
from mraf_lessons.training.view import PARTS, TEMPERATURES, TERMS, Pulled, Softened, Weighted

CLASSES = [PALETTE[name] for name in ("blue", "orange", "green", "purple", "vermillion", "sky")]


def _heading(figure: Figure, title: str, remark: str) -> None:
    figure.text(0.02, 0.945, title, fontsize=12, fontweight="bold", va="center")
    figure.text(0.98, 0.945, remark, fontsize=10.5, va="center", ha="right", color=GREY)


@styled
def softened(found: Softened) -> Figure:
    """Teacher and student at one temperature, and what the student is told to change."""
    figure = fast_figure(9.6, 3.7)
    grid = figure.add_gridspec(
        1, 3, left=0.065, right=0.985, top=0.79, bottom=0.15, wspace=0.28, width_ratios=[4, 4, 3]
    )
    names = [chr(ord("A") + c) for c in range(len(found.teacher))]
    _two_opinions(figure.add_subplot(grid[0]), found, names)
    push = -found.gradient
    axes = figure.add_subplot(grid[1])
    axes.bar(range(len(push)), push, 0.7, color=np.where(push > 0, FUSED, OTHER))
    axes.axhline(0, color=GREY, lw=1)
    axes.set_xticks(range(len(push)), names)
    edge = max(0.5, 1.1 * float(np.abs(push).max()))
    axes.set_ylim(-edge, edge)
    axes.grid(axis="y")
    fast_panel(axes, "Push on the student", "speaker")
    _lengths(figure.add_subplot(grid[2]), found)
    size = float(np.linalg.norm(push))
    factor = "with T²" if found.factor else "without T²"
    title = f"T = {found.temperature:.3g}, {factor}"
    _heading(figure, title, f"loss {found.loss:.3f} · push of length {size:.3f}")
    opinions = "; ".join(
        f"{name}: {t:.3f} and {s:.3f}"
        for name, t, s in zip(names, found.teacher, found.student, strict=True)
    )
    text = (
        f"{title}: the loss is {found.loss:.3f}, the push on the student {size:.3f} long. "
        f"Probabilities of teacher and student, {opinions}. At T = 1 the teacher gives "
        f"{names[int(found.hard.argmax())]} {found.hard.max():.3f}. Over T from 1 to 16 the push "
        f"goes from {found.length[0]:.3f} to {found.length[-1]:.3f} with the factor T² and to "
        f"{found.without_factor[-1]:.4f} without."
    )
    return describe(figure, text)


def _two_opinions(axes: Axes, found: Softened, names: list[str]) -> None:
    """Probabilities of teacher and student, the teacher at T = 1 as a black tick."""
    x = np.arange(len(names))
    axes.bar(x - 0.2, found.teacher, 0.38, color=FUSED, label="teacher")
    axes.bar(x + 0.2, found.student, 0.38, color=VOICE, label="student")
    axes.hlines(found.hard, x - 0.4, x, color=INK, lw=2, label="teacher, T = 1")
    axes.set_xticks(x, names)
    axes.set_ylim(0, 1)
    axes.grid(axis="y")
    axes.legend(loc="upper right", fontsize=8.5)
    fast_panel(axes, "softmax(z / T)", "speaker")


def _lengths(axes: Axes, found: Softened) -> None:
    """Length of the push over T, with the factor T² and without, and where it is now."""
    axes.plot(TEMPERATURES, found.length, color=INK, label="with T²")
    axes.plot(TEMPERATURES, found.without_factor, "--", color=INK, label="without")
    axes.plot(found.temperature, np.linalg.norm(found.gradient), "o", color=OTHER, ms=9)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator([1, 2, 4, 8, 16]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_ylim(0, max(0.5, 1.45 * float(found.length.max())))
    axes.grid()
    axes.legend(loc="upper right", fontsize=8.5)
    fast_panel(axes, "Length of the push", "temperature T (log scale)")


@styled
def pulled(found: Pulled) -> Figure:
    """Where the points of each class are, how they came there, and how wide they lie."""
    figure = fast_figure(9.6, 4.4)
    grid = figure.add_gridspec(
        1, 2, left=0.06, right=0.985, top=0.82, bottom=0.13, wspace=0.16, width_ratios=[5, 8]
    )
    plane, curves = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
    until = slice(0, found.step + 1)
    for c, colour in zip(range(found.group.max() + 1), CLASSES, strict=False):
        own = found.path[until, found.group == c]
        plane.plot(own[..., 0], own[..., 1], color=colour, lw=0.7, alpha=0.4)
        plane.plot(*own[0].T, "o", mfc="none", mec=colour, ms=4, mew=0.8)
        plane.plot(*own[-1].T, "o", color=colour, ms=5, mew=0)
    if found.center_weight:
        shown = found.centers[found.step]
        plane.plot(*shown.T, "+", color=INK, ms=13, mew=2.5, zorder=4, label="centre")
        plane.legend(loc="upper right", fontsize=8.5)
    limit = 1.08 * max(2.5, float(np.abs(found.path).max()))
    plane.set(xlim=(-limit, limit), ylim=(-limit, limit))
    plane.set_aspect("equal")
    plane.grid()
    fast_panel(plane, "Embeddings in the plane", "hollow: start · filled: now")
    steps = np.arange(len(found.path))
    curves.plot(steps, found.between, color=FUSED, label="between classes")
    curves.plot(steps, found.within, "--", color=OTHER, label="within classes")
    curves.axvline(found.step, color=INK, lw=1)
    top = 1.3 * max(float(found.within.max()), float(found.between.max()))
    curves.set(xlim=(0, len(steps) - 1), ylim=(0, top))
    curves.grid()
    curves.legend(loc="upper right", fontsize=8.5)
    fast_panel(curves, "Spread (root mean square)", "step of the gradient descent")
    within, between = found.within[found.step], found.between[found.step]
    apart = "all in one place" if between < 0.05 else f"ratio {within / between:.2f}"
    _heading(
        figure, f"After {found.step} steps",
        f"spread within {within:.2f}, between {between:.2f}: {apart}",
    )  # fmt: skip
    centers = (
        "There is no centre loss."
        if not found.center_weight
        else "The centres lie "
        f"{np.linalg.norm(found.centers[found.step], axis=1).mean():.2f} from zero on average."
    )
    text = (
        f"{len(found.group)} points of {found.group.max() + 1} classes after {found.step} steps. "
        f"Spread within classes {within:.2f} (at first {found.within[0]:.2f}), between them "
        f"{between:.2f} (at first {found.between[0]:.2f}). {centers}"
    )
    return describe(figure, text)


NEGLIGIBLE = 1e-6  # of the longest gradient in the picture


@styled
def weighted(found: Weighted) -> Figure:
    """What the objective is made of, and how hard it moves each part of the network."""
    figure = fast_figure(9.6, 4.2)
    grid = figure.add_gridspec(
        1, 2, left=0.165, right=0.985, top=0.82, bottom=0.15, wspace=0.42, width_ratios=[4, 5]
    )
    terms, parts = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
    names = [LOSSES[term][0] for term in TERMS]
    colours = [LOSSES[term][1] for term in TERMS]
    rows = np.arange(len(TERMS))
    terms.barh(rows, found.shares, 0.66, color=colours)
    end = max(1.0, 1.3 * float(found.shares.max()))
    for row, share in enumerate(found.shares):
        terms.text(share + 0.02 * end, row, f"{share:.2g}", va="center", fontsize=9)
    terms.set_yticks(rows, names)
    terms.set(xlim=(0, end), ylim=(len(rows) - 0.4, -0.6))
    terms.tick_params(axis="y", length=0)
    terms.grid(axis="x")
    fast_panel(terms, "Its terms, weighted", "λ · loss")
    _taught(parts, found)
    untaught = [name for name, now in zip(PARTS, found.lengths, strict=True) if not now]
    total = float(found.shares.sum())
    said = f"not taught: {', '.join(untaught)}" if untaught else "every part is taught"
    if len(untaught) > 3:
        said = f"{len(untaught)} parts are not taught"
    _heading(figure, f"The objective is {total:.2f}", said)
    lengths = ", ".join(f"{name} {now:.2g}" for name, now in zip(PARTS, found.lengths, strict=True))
    shares = ", ".join(
        f"{name} {share:.2g}" for name, share in zip(names, found.shares, strict=True)
    )
    text = (
        f"The objective is {total:.2f}: {shares}. Length of its gradient: {lengths}. "
        f"Exactly zero: {', '.join(untaught) or 'none'}."
    )
    return describe(figure, text)


def _taught(axes: Axes, found: Weighted) -> None:
    """Length of the gradient on each part: filled now, hollow under the weights of the training."""
    rows = np.arange(len(PARTS))
    longest = max(float(found.before.max()), float(found.lengths.max())) or 1.0
    floor = NEGLIGIBLE * longest
    for row, (before, now) in enumerate(zip(found.before, found.lengths, strict=True)):
        if before:
            axes.plot(max(before, floor), row, "o", mfc="white", mec=INK, ms=7)
        if now:
            axes.plot(max(now, floor), row, "o", color=FUSED, ms=6)
        else:
            axes.text(0.02, row, "0: not taught", va="center", fontsize=9, color=MISSING,
                      fontweight="bold", transform=axes.get_yaxis_transform())  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(numticks=4))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_yticks(rows, list(PARTS))
    axes.set(xlim=(floor / 2, 3 * longest), ylim=(len(rows) - 0.4, -0.6))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="y", length=0)
    axes.grid()
    fast_panel(axes, "Gradient on each part", "length (log scale) · hollow: as trained")
