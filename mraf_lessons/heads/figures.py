"""Figures of heads with margins: planes, penalties, and what the ball makes of an angle."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Circle
from numpy.typing import NDArray

from mraf_lessons.heads.view import ANGLES, GRID, NOBODY, TURN, Margins, Plane
from mraf_lessons.kit import charts, style
from mraf_lessons.kit.forest import forest
from mraf_lessons.kit.live import fast_panel, fast_panels
from mraf_lessons.kit.style import Figure, describe, draws, row_of_panels, styled
from mraf_lessons.training.figures import COLOURS as CLASSES

Array = NDArray[Any]
CENTRES = np.array([(np.cos(angle), np.sin(angle)) for angle in 2 * np.pi * np.arange(3) / 3])
COLOURS = {"am": style.VOICE, "aam": style.FUSED, "ham": style.MISSING, "h": style.OTHER}
COLOURS["cosine"] = style.GREY


@styled
def planes(found: Mapping[str, Plane], title: str) -> Figure:
    """Clips in the plane before each head, on the regions that its logits cut it into."""
    figure, panels = row_of_panels(len(found), 2.6, 3.1)
    said = []
    for axes, (name, plane) in zip(panels, found.items(), strict=True):
        speakers = len(plane.centres)
        axes.pcolormesh(
            plane.side, plane.side, plane.winner, cmap=ListedColormap(CLASSES[:speakers]),
            alpha=0.22, vmin=-0.5, vmax=speakers - 0.5, rasterized=True,
        )  # fmt: skip
        for k in range(speakers):
            axes.plot(*plane.points[plane.speaker == k].T, "o", color=CLASSES[k], ms=3, mew=0)
        axes.plot(0, 0, "+", color=style.INK, ms=9)
        ends = plane.side[[0, -1]]
        axes.set(title=name, xticks=[], yticks=[], xlim=ends, ylim=ends, aspect="equal")
        short, long = np.quantile(np.linalg.norm(plane.points, axis=1), [0.05, 0.95])
        said.append(
            f"{name}: {plane.accuracy:.0%} of the clips on their own ground, lengths {short:.1f} "
            f"to {long:.1f}, a speaker's clips {plane.spread:.1f} degrees off its mean direction"
        )
    return describe(figure, f"{'; '.join(said)}.", title=title)


@styled
def penalties(logit: Mapping[str, Array], excess: Mapping[str, Array], margin: float) -> Figure:
    """The own logit in training over `ANGLES`, and the margin as an angle in radians, by kind."""
    figure, (left, right) = row_of_panels(2, 4.6, 3.6)
    degrees, said = np.degrees(ANGLES), []
    for kind, values in logit.items():
        line = "--" if kind in ("h", "cosine") else "-"
        left.plot(degrees, values, line, color=COLOURS[kind], label=kind)
    for kind, values in excess.items():
        right.plot(degrees, np.degrees(values), color=COLOURS[kind], label=kind)
        at = np.interp([10, 90], degrees, np.degrees(values))
        said.append(f"{kind}: {at[0]:.1f} degrees at 10, {at[1]:.1f} at 90")
    left.set(title="The own speaker's similarity", ylabel="in training, before the scale s")
    right.set(title="The same margin, as an angle", ylabel="as if θ were larger by (degrees)")
    right.set_ylim(0, 3 * np.degrees(margin))
    for axes in (left, right):
        axes.set(xlabel="angle θ to the own centre (degrees)", xticks=[0, 45, 90, 135, 180])
        axes.grid()
        axes.legend(fontsize=9)
    ends = "; ".join(f"{kind} from {v[0]:.2f} to {v[-1]:.2f}" for kind, v in logit.items())
    return describe(
        figure,
        f"Left: the own speaker's similarity with the margin {margin:g} over the angle from 0 to "
        f"180 degrees: {ends}. Right: by how much the angle counts as larger, {'; '.join(said)}.",
    )


@styled
def cosine_and_distance(cases: Mapping[str, tuple[Array, Array]]) -> Figure:
    """Distances over cosines, both (B, C): one curve where the cosine decides, else a cloud."""
    figure, panels = row_of_panels(len(cases), 3.2, 3.6)
    said = []
    for axes, (name, (cosine, distance)) in zip(panels, cases.items(), strict=True):
        axes.plot(cosine.ravel(), distance.ravel(), ".", ms=3, color="#C4C4C4")
        for row, colour in enumerate((style.VOICE, style.MISSING, style.FUSED)[: len(cosine)]):
            order = np.argsort(cosine[row])
            axes.plot(cosine[row, order], distance[row, order], ".-", ms=5, lw=1, color=colour)
        axes.set(title=name, xlabel="cosine of clip and centre")
        axes.set_ylim(bottom=0)
        axes.grid()
        within, over = falls(cosine, distance), falls(*np.reshape([cosine, distance], (2, 1, -1)))
        said.append(
            f"{name}: the distance falls with the cosine in {within:.0%} of the steps within a "
            f"clip, in {over:.0%} over all clips"
        )
    panels[0].set_ylabel("distance d after Π")
    return describe(figure, f"Poincaré distance over the cosine. {'; '.join(said)}.")


def falls(cosine: Array, distance: Array) -> float:
    """In how many steps from a cosine to the next larger one of its row the distance falls."""
    ordered = np.take_along_axis(distance, cosine.argsort(axis=1), axis=1)
    return float((np.diff(ordered, axis=1) <= 1e-6).mean())


@styled
def lengths(norm: Array, curves: Mapping[str, Array], voices: Array) -> Figure:
    """The lengths (N,) that inputs of length `norm` get in the ball, beside those of voices."""
    low, high = voices.min(), voices.max()

    def at_the_ends(rows: pd.DataFrame) -> str:
        at = np.interp([low, high], norm, rows["length"])
        return f"{at[0]:.4f} at {low:.0f} and {at[1]:.4f} at {high:.0f}"

    table = pd.DataFrame(curves, index=norm).rename_axis("input").reset_index()
    figure = charts.curves(
        table.melt("input", var_name="curve", value_name="length"), "input", "length", "curve",
        say=at_the_ends, text="Length in the ball over the length of the input.", width=7.4,
    )  # fmt: skip
    (axes,) = figure.axes
    axes.axvspan(low, high, color=style.PALE, lw=0, zorder=0, label="raw ECAPA voices")
    axes.set(title="Length in the ball", ylabel="length of the point", ylim=(0, 1.05))
    axes.set(xscale="log", xlabel="length of the input (log scale)")
    axes.legend(loc="upper left", fontsize=9)
    return figure


@draws("system", "metric", "draw", "value", "low", "high")
def heads_on_voices(table: pd.DataFrame, metrics: Sequence[str], title: str) -> Figure:
    """Each head on voices alone by some metrics, means with their intervals; a row per head."""
    pair = table.system.str.contains(" − ")
    shown = table[table.metric.isin(metrics) & (table.draw == "mean") & ~pair]
    shown = shown.assign(colour=np.where(shown.system == "untrained", style.GREY, style.VOICE))
    label = "EER" if metrics[0].startswith("EER") else "accuracy"
    return forest(shown, "system", "metric", "value", title=title, label=f"{label}, 95% interval")


@styled
def margin_explorer(found: Margins, on: Figure | None = None) -> Figure:
    """Three speakers on a circle: who wins in training, where in the ball, and how surely."""
    curved = f", c = {found.curvature:.3g}" if found.kind == "ham" else ""
    title = f"{found.kind}, m = {found.margin:.2g}, s = {found.scale:.3g}{curved}"
    remark = f"{found.share:.0%} of the circle is won in training"
    figure, (circle, ball, curve) = fast_panels(
        on, 9.6, 3.9, title, remark, panels=3, width_ratios=[4, 4, 5],
        left=0.03, right=0.985, top=0.78, bottom=0.16, wspace=0.16,
    )  # fmt: skip
    for axes, limit in ((circle, 1.15), (ball, 1.06)):
        axes.set(xlim=(-limit, limit), ylim=(-limit, limit), xticks=[], yticks=[], aspect="equal")
        axes.spines[:].set_visible(False)
    _circle(circle, found)
    _ball(ball, found)
    degrees = np.degrees(ANGLES)
    curve.plot(degrees, found.without, color=style.GREY, ls="--", label="in the test")
    curve.plot(degrees, found.with_margin, color=CLASSES[0], label="in training")
    curve.set(xlim=(0, 180), ylim=(0, 1.02), xticks=[0, 60, 120, 180])
    curve.grid()
    curve.legend(loc="upper right", fontsize=8.5)
    fast_panel(curve, "Probability of the first speaker", "angle to its centre (degrees)")
    test, training = (
        ", ".join(f"{value:.2f}" for value in np.interp([0, 30, 60], degrees, values))
        for values in (found.without, found.with_margin)
    )
    return describe(
        figure,
        f"{title}: {remark}; the rest is won by nobody. A clip at its own centre has a loss of "
        f"{found.at_centre:.2g}. The probability of the first speaker at 0, 30 and 60 degrees: "
        f"{test} in the test, {training} in training.",
        f"The ball clips to the radius {found.radius:.2f}." if found.kind == "ham" else "",
    )


def _circle(axes: Axes, found: Margins) -> None:
    """Who wins in training around the circle; gaps are won by nobody."""
    x, y = np.cos(TURN), np.sin(TURN)
    axes.plot(x, y, color=style.PALE, lw=7)
    for k, centre in enumerate(CENTRES):
        own = np.where(found.winner == k, 1.0, np.nan)
        axes.plot(x * own, y * own, color=CLASSES[k], lw=7)
        axes.plot(*np.transpose([(0, 0), centre]), color=CLASSES[k])
    fast_panel(axes, "On the circle", "lines: centres · grey: won by nobody")


def _ball(axes: Axes, found: Margins) -> None:
    """Who wins by the margin in the plane; with HAM in the ball, and where Π clips to."""
    ball = found.kind == "ham"
    shown = np.ma.masked_less_equal(found.disk, NOBODY)
    axes.imshow(
        shown, extent=(GRID[0], GRID[-1], GRID[0], GRID[-1]), origin="lower", alpha=0.35,
        cmap=ListedColormap(CLASSES[:3]), vmin=-0.5, vmax=2.5, interpolation="nearest",
    )  # fmt: skip
    for radius, line in ((1, "-"), (found.radius, "--"))[: 1 + ball]:
        axes.add_patch(Circle((0, 0), radius, fill=False, color=style.INK, lw=1.2, ls=line))
    axes.scatter(*(found.radius if ball else 1) * CENTRES.T, color=CLASSES[:3], zorder=3)
    below = "dashed: where Π clips to" if ball else "only the angle counts"
    fast_panel(axes, f"In the {'Poincaré disk' if ball else 'plane'}", f"{below} · dots: centres")
