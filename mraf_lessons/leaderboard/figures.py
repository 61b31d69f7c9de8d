"""What may be seen under each protocol, and what that is worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from mraf.data.splits import SETTINGS
from mraf.related.leaderboard.protocols import CLIP, COPY, PROTOCOLS, Protocol, Sight
from mraf_lessons.kit.results import CONDITIONS
from mraf_lessons.kit.style import (
    FACE,
    FUSED,
    GREY,
    INK,
    MISSING,
    PALE,
    PALETTE,
    VOICE,
    Figure,
    describe,
    new_figure,
    percent_axis,
    require,
    styled,
)

SHADES = {
    "clip": GREY,
    "batch": VOICE,
    "batch+faces": FUSED,
    "leaderboard": PALETTE["orange"],
    "copy": MISSING,
}
P3_TO_P6 = [setting.name for setting in SETTINGS]
VIDEOS, CLIPS = 3, 3  # of the small batch that is drawn
JUDGED = (1, 1)  # its video and clip


def visible(protocol: Protocol, what: str, video: int, clip: int) -> bool:
    """Whether the "face" or "voice" of a clip of the small batch may be seen."""
    own = (video, clip) == JUDGED
    if what == "voice":
        return own or Sight.VOICES in protocol.shows
    if own:
        return Sight.OWN_FACE in protocol.shows
    same_video = video == JUDGED[0]
    return (Sight.SAME_VIDEO if same_video else Sight.OTHER_FACES) in protocol.shows


@styled
def what_is_seen(protocols: Sequence[Protocol] = (*PROTOCOLS.values(), COPY)) -> Figure:
    """Each protocol as a small batch: one clip is judged, filled squares may be seen."""
    figure = new_figure(1.95 * len(protocols), 3.5)
    panels = figure.subplots(1, len(protocols), squeeze=False)[0]
    for axes, protocol in zip(panels, protocols, strict=True):
        _batch(axes, protocol, named=axes is panels[0])
    figure.legend(
        handles=[
            Patch(color=FACE, label="face seen"),
            Patch(color=VOICE, label="voice seen"),
            Patch(facecolor="white", edgecolor=GREY, hatch="////", label="hidden"),
            Patch(facecolor="none", edgecolor=INK, lw=2.2, label="the clip judged"),
        ],
        loc="outside lower center",
        ncols=4,
    )
    said = " ".join(f"{p.name}: {p.meaning}." for p in protocols)
    text = f"A batch of {VIDEOS} videos of {CLIPS} clips; one clip is judged without its face. "
    return describe(figure, text + said)


def _batch(axes: Axes, protocol: Protocol, named: bool) -> None:
    for video in range(VIDEOS):
        for clip in range(CLIPS):
            y = video * (CLIPS + 0.6) + clip
            for x, (what, colour) in enumerate((("face", FACE), ("voice", VOICE))):
                seen = visible(protocol, what, video, clip)
                box: dict[str, Any] = {"facecolor": colour, "edgecolor": "white"}
                if not seen:
                    box = {"facecolor": "white", "edgecolor": PALE, "hatch": "////"}
                axes.add_patch(Rectangle((x, y), 0.92, 0.88, lw=0.8, **box))
        middle = video * (CLIPS + 0.6) + CLIPS / 2
        if named:
            axes.text(-0.25, middle, f"video {video + 1}", ha="right", va="center", fontsize=8)
    y = JUDGED[0] * (CLIPS + 0.6) + JUDGED[1]
    axes.add_patch(Rectangle((-0.1, y - 0.1), 2.12, 1.08, fill=False, edgecolor=INK, lw=2.2))
    axes.set(xlim=(-0.3, 2.3), ylim=(VIDEOS * (CLIPS + 0.6) - 0.4, -0.4), title=protocol.name)
    axes.set_xticks([0.46, 1.46], ["face", "voice"])
    axes.set_yticks([])
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)


@styled
def ladder(table: pd.DataFrame, title: str = "") -> Figure:
    """Methods under protocols, with intervals, in P4 and P6 beside P3 and P5.

    Args:
        table: columns protocol, method, setting, accuracy, low, high (fractions); a row "clip"
            holds P3 to P6.
    Raises:
        DataError: no rows, or a column missing.
    """
    require(table, "protocol", "method", "setting", "accuracy", "low", "high")
    rows = list(dict.fromkeys(zip(table.protocol, table.method, strict=True)))
    figure = new_figure(8.8, 1.5 + 0.27 * len(rows))
    panels = figure.subplots(1, 2, sharey=True)
    sentences = []
    for axes, blind, sighted in zip(panels, ("P4", "P6"), ("P3", "P5"), strict=True):
        of = table[table.setting == blind].set_index(["protocol", "method"])
        for y, key in enumerate(rows):
            point, colour = of.loc[key], SHADES[key[0]]
            axes.plot(
                [point.low, point.high], [y, y], color=colour, lw=4, alpha=0.35,
                solid_capstyle="butt",
            )  # fmt: skip
            axes.plot(point.accuracy, y, "o", color=colour, ms=5)
            axes.annotate(
                f"{100 * point.accuracy:.1f}", (point.accuracy, y), xytext=(0, 4), ha="center",
                textcoords="offset points", fontsize=7.5,
            )  # fmt: skip
        face = table[(table.setting == sighted) & (table.protocol == CLIP.name)].accuracy.iloc[0]
        axes.axvline(face, color=MISSING, lw=1.2, ls="--", zorder=0)
        axes.set_title(f"{blind}: {CONDITIONS[blind]}", fontsize=10)
        axes.set_xlabel(f"accuracy; dashed: {sighted}, with the face")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
        axes.tick_params(axis="y", length=0)
        percent_axis(axes, "x")
        axes.grid(axis="x")
        best = of.groupby(level="protocol", sort=False).accuracy.max()
        said = ", ".join(f"{name} {value:.1%}" for name, value in best.items())
        sentences.append(
            f"{blind}, the best method of each protocol: {said}; {sighted} {face:.1%}."
        )
    names = [
        protocol if method == "alone" else f"{protocol} · {method}" for protocol, method in rows
    ]
    panels[0].set_yticks(range(len(rows)), names)
    panels[0].set_ylim(len(rows) - 0.5, -0.8)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=10.5)
    return describe(figure, f"{title} Accuracies with 95% intervals. " + " ".join(sentences))


@styled
def leak_steps(table: pd.DataFrame) -> Figure:
    """The clips of one speaker step by step: the score of the own name against the best other.

    Args:
        table: columns step, own, rival: one row for each clip and step, steps in order.
    Raises:
        DataError: no rows, or a column missing.
    """
    require(table, "step", "own", "rival")
    steps = list(dict.fromkeys(table.step))
    figure = new_figure(3.0 * len(steps), 3.4)
    sentences = []
    for axes, step in zip(figure.subplots(1, len(steps), squeeze=False)[0], steps, strict=True):
        rows = table[table.step == step]
        right = rows.own > rows.rival
        for which, colour, mark in ((right, FUSED, "o"), (~right, MISSING, "X")):
            axes.scatter(
                rows.rival[which], rows.own[which], color=colour, marker=mark, s=26, alpha=0.7, lw=0
            )
        scores = rows[["own", "rival"]].to_numpy(dtype=float)
        ends = np.array([scores.min(), scores.max()])
        ends += np.array([-0.06, 0.06]) * max(np.ptp(ends), 1e-3)
        axes.plot(ends, ends, color=GREY, lw=1, ls="--")
        axes.set(xlim=ends, ylim=ends, xlabel="score of the best other name", title=step)
        axes.text(
            0.04, 0.96, f"{right.sum()} of {len(rows)} right", transform=axes.transAxes,
            va="top", fontsize=9,
        )  # fmt: skip
        axes.grid()
        sentences.append(f"{step}: {right.sum()} of {len(rows)} clips right.")
    figure.axes[0].set_ylabel("score of the true name")
    text = "Scores of one speaker's clips; above the diagonal a clip is named rightly. "
    return describe(figure, text + " ".join(sentences))


@styled
def protocol_result(protocol: Protocol, method: str, table: pd.DataFrame) -> Figure:
    """One protocol: what may be seen on the left, what that is worth in P3–P6 on the right.

    Args:
        table: columns protocol, method, setting, accuracy, low, high (fractions), with rows of
            "clip" to compare with and of the protocol and method.
    Raises:
        DataError: no rows, or a column missing.
    """
    require(table, "protocol", "method", "setting", "accuracy", "low", "high")
    figure = new_figure(8.4, 3.6)
    figure.set_layout_engine("none")  # it would take most of the time of a moved slider
    left, right = figure.add_axes((0.07, 0.1, 0.2, 0.8)), figure.add_axes((0.37, 0.19, 0.62, 0.76))
    _batch(left, protocol, named=True)
    sentences = []
    alone, present = (CLIP.name, "alone"), (protocol.name, method)
    dots = [("each clip alone", alone, -0.13, GREY)]
    if present != alone:
        dots.append((f"{protocol.name}, {method}", present, 0.13, SHADES[protocol.name]))
    for shown, of, shift, colour in dots:
        rows = table[(table.protocol == of[0]) & (table.method == of[1])]
        for x, setting in enumerate(P3_TO_P6):
            point = rows[rows.setting == setting].iloc[0]
            right.plot(
                [x + shift] * 2, [point.low, point.high], color=colour, lw=5, alpha=0.35,
                solid_capstyle="butt",
            )  # fmt: skip
            right.plot(
                x + shift, point.accuracy, "o", color=colour, label=shown if x == 0 else None
            )
            right.annotate(
                f"{100 * point.accuracy:.1f}", (x + shift, point.accuracy),
                xytext=(-6 if shift < 0 else 6, 0), ha="right" if shift < 0 else "left",
                textcoords="offset points", va="center", fontsize=8,
            )  # fmt: skip
            sentences.append(f"{setting}, {shown}: {point.accuracy:.1%}.")
    conditions = [f"{name}\n{CONDITIONS[name].replace(', ', ',' + chr(10))}" for name in P3_TO_P6]
    right.set_xticks(range(len(conditions)), conditions)
    right.tick_params(axis="x", labelsize=8, length=0)
    right.set(xlim=(-0.5, 3.6), ylim=(min(0.7, float(table.low.min()) - 0.02), 1.01))
    right.set_ylabel("accuracy, with its 95% interval")
    right.legend(loc="lower left")
    right.grid(axis="y")
    percent_axis(right)
    return describe(figure, f"{protocol.name}: {protocol.meaning}. " + " ".join(sentences))
