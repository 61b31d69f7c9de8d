"""Figures of the loss explorer, drawn anew at each move of a control."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, LogLocator, NullLocator

from mraf_lessons.kit import style
from mraf_lessons.kit.live import fast_panel, fast_panels
from mraf_lessons.kit.panels import labelled_bars, name_rows
from mraf_lessons.kit.results import LOSSES
from mraf_lessons.kit.style import Figure, describe, styled
from mraf_lessons.training.figures import draw_paths
from mraf_lessons.training.view import PARTS, TEMPERATURES, TERMS, Pulled, Softened, Weighted


@styled
def softened(found: Softened, on: Figure | None = None) -> Figure:
    """Teacher and student at one temperature, and what the student is told to change."""
    push = -found.gradient
    size = float(np.linalg.norm(push))
    title = f"T = {found.temperature:.3g}, {'with' if found.factor else 'without'} T²"
    remark = f"loss {found.loss:.3f} · push of length {size:.3f}"
    figure, (opinions, pushes, lengths) = fast_panels(
        on, 9.6, 3.7, title, remark, panels=3, width_ratios=[4, 4, 3],
        left=0.065, right=0.985, top=0.79, bottom=0.15, wspace=0.28,
    )  # fmt: skip
    names = [chr(ord("A") + c) for c in range(len(found.teacher))]
    x = np.arange(len(names))
    opinions.bar(x - 0.2, found.teacher, 0.38, color=style.FUSED, label="teacher")
    opinions.bar(x + 0.2, found.student, 0.38, color=style.VOICE, label="student")
    opinions.hlines(found.hard, x - 0.4, x, color=style.INK, lw=2, label="teacher, T = 1")
    opinions.set_ylim(0, 1)
    opinions.legend(loc="upper right", fontsize=8.5)
    pushes.bar(x, push, 0.7, color=np.where(push > 0, style.FUSED, style.OTHER))
    pushes.axhline(0, color=style.GREY, lw=1)
    edge = max(0.5, 1.1 * float(np.abs(push).max()))
    pushes.set_ylim(-edge, edge)
    for axes, title_of in ((opinions, "softmax(z / T)"), (pushes, "Push on the student")):
        axes.set_xticks(x, names)
        axes.grid(axis="y")
        fast_panel(axes, title_of, "speaker")
    _lengths(lengths, found)
    pairs = "; ".join(
        f"{name}: {t:.3f} and {s:.3f}"
        for name, t, s in zip(names, found.teacher, found.student, strict=True)
    )
    return describe(
        figure,
        f"{title}: the loss is {found.loss:.3f}, the push on the student {size:.3f} long.",
        f"Probabilities of teacher and student, {pairs}. At T = 1 the teacher gives "
        f"{names[int(found.hard.argmax())]} {found.hard.max():.3f}. Over T from 1 to 16 the push "
        f"goes from {found.length[0]:.3f} to {found.length[-1]:.3f} with the factor T² and to "
        f"{found.without_factor[-1]:.4f} without.",
    )


def _lengths(axes: Axes, found: Softened) -> None:
    """Length of the push over T, with the factor T² and without, and where it is now."""
    axes.plot(TEMPERATURES, found.length, color=style.INK, label="with T²")
    axes.plot(TEMPERATURES, found.without_factor, "--", color=style.INK, label="without")
    axes.plot(found.temperature, np.linalg.norm(found.gradient), "o", color=style.OTHER, ms=9)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator([1, 2, 4, 8, 16]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_ylim(0, max(0.5, 1.45 * float(found.length.max())))
    axes.grid()
    axes.legend(loc="upper right", fontsize=8.5)
    fast_panel(axes, "Length of the push", "temperature T (log scale)")


@styled
def pulled(found: Pulled, on: Figure | None = None) -> Figure:
    """Where the points of each class are, how they came there, and how wide they lie."""
    within, between = found.within[found.step], found.between[found.step]
    apart = "all in one place" if between < 0.05 else f"ratio {within / between:.2f}"
    remark = f"spread within {within:.2f}, between {between:.2f}: {apart}"
    figure, (plane, curves) = fast_panels(
        on, 9.6, 4.4, f"After {found.step} steps", remark, panels=2, width_ratios=[5, 8],
        left=0.06, right=0.985, top=0.82, bottom=0.13, wspace=0.16,
    )  # fmt: skip
    shown = found.centers[found.step] if found.center_weight else None
    limit = 1.08 * max(2.5, float(np.abs(found.path).max()))
    draw_paths(plane, found.path[: found.step + 1], found.group, shown, limit)
    if shown is not None:
        plane.legend(loc="upper right", fontsize=8.5)
    fast_panel(plane, "Embeddings in the plane", "hollow: start · filled: now")
    curves.plot(found.between, color=style.FUSED, label="between classes")
    curves.plot(found.within, "--", color=style.OTHER, label="within classes")
    curves.axvline(found.step, color=style.INK, lw=1)
    top = 1.3 * max(float(found.within.max()), float(found.between.max()))
    curves.set(xlim=(0, len(found.path) - 1), ylim=(0, top))
    curves.grid()
    curves.legend(loc="upper right", fontsize=8.5)
    fast_panel(curves, "Spread (root mean square)", "step of the gradient descent")
    centers = "There is no centre loss."
    if shown is not None:
        distance = np.linalg.norm(shown, axis=1).mean()
        centers = f"The centres lie {distance:.2f} from zero on average."
    return describe(
        figure,
        f"{len(found.group)} points of {found.group.max() + 1} classes after {found.step} steps. "
        f"Spread within classes {within:.2f} (at first {found.within[0]:.2f}), between them "
        f"{between:.2f} (at first {found.between[0]:.2f}).",
        centers,
    )


NEGLIGIBLE = 1e-6  # of the longest gradient in the picture


@styled
def weighted(found: Weighted, on: Figure | None = None) -> Figure:
    """What the objective is made of, and how hard it moves each part of the network."""
    untaught = [name for name, now in zip(PARTS, found.lengths, strict=True) if not now]
    said = f"not taught: {', '.join(untaught)}" if untaught else "every part is taught"
    if len(untaught) > 3:
        said = f"{len(untaught)} parts are not taught"
    title = f"The objective is {found.shares.sum():.2f}"
    figure, (terms, parts) = fast_panels(
        on, 9.6, 4.2, title, said, panels=2, width_ratios=[4, 5],
        left=0.165, right=0.985, top=0.82, bottom=0.15, wspace=0.42,
    )  # fmt: skip
    names, colours = zip(*(LOSSES[term][:2] for term in TERMS), strict=True)
    texts = [f"{share:.2g}" for share in found.shares]
    end = max(1.0, 1.3 * float(found.shares.max()))
    labelled_bars(terms, names, found.shares, texts, colours, end)
    fast_panel(terms, "Its terms, weighted", "λ · loss")
    _taught(parts, found)
    lengths = ", ".join(f"{name} {now:.2g}" for name, now in zip(PARTS, found.lengths, strict=True))
    shares = ", ".join(f"{name} {text}" for name, text in zip(names, texts, strict=True))
    return describe(
        figure,
        f"{title}: {shares}. Length of its gradient: {lengths}.",
        f"Exactly zero: {', '.join(untaught) or 'none'}.",
    )


def _taught(axes: Axes, found: Weighted) -> None:
    """Length of the gradient on each part: filled now, hollow under the weights of the training."""
    longest = max(float(found.before.max()), float(found.lengths.max())) or 1.0
    floor = NEGLIGIBLE * longest
    for row, (before, now) in enumerate(zip(found.before, found.lengths, strict=True)):
        if before:
            axes.plot(max(before, floor), row, "o", mfc="white", mec=style.INK, ms=7)
        if now:
            axes.plot(max(now, floor), row, "o", color=style.FUSED, ms=6)
        else:
            axes.text(0.02, row, "0: not taught", va="center", fontsize=9, color=style.MISSING,
                      fontweight="bold", transform=axes.get_yaxis_transform())  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(numticks=4))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    name_rows(axes, list(PARTS), room=0.6)
    axes.set_xlim(floor / 2, 3 * longest)
    axes.grid()
    fast_panel(axes, "Gradient on each part", "length (log scale) · hollow: as trained")
