"""What may be seen under each protocol, and what that is worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from mraf.data.splits import SETTINGS
from mraf.related.leaderboard.protocols import CLIP, COPY, PROTOCOLS, Protocol, Sight
from mraf_lessons.kit import style
from mraf_lessons.kit.forest import dot, forest
from mraf_lessons.kit.live import fast_panels
from mraf_lessons.kit.style import Figure, describe, draws, percent_axis, row_of_panels, styled

SHADES = {
    "clip": style.GREY,
    "batch": style.VOICE,
    "batch+faces": style.FUSED,
    "leaderboard": style.PALETTE["orange"],
    "copy": style.MISSING,
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
    figure, panels = row_of_panels(len(protocols), 1.95, 3.5)
    for axes, protocol in zip(panels, protocols, strict=True):
        _batch(axes, protocol, named=axes is panels[0])
    figure.legend(
        handles=[
            Patch(color=style.FACE, label="face seen"),
            Patch(color=style.VOICE, label="voice seen"),
            Patch(facecolor="white", edgecolor=style.GREY, hatch="////", label="hidden"),
            Patch(facecolor="none", edgecolor=style.INK, lw=2.2, label="the clip judged"),
        ],
        loc="outside lower center",
        ncols=4,
    )
    text = f"A batch of {VIDEOS} videos of {CLIPS} clips; one clip is judged without its face."
    return describe(figure, text, *(f"{p.name}: {p.meaning}." for p in protocols))


def _batch(axes: Axes, protocol: Protocol, named: bool) -> None:
    for video in range(VIDEOS):
        for clip in range(CLIPS):
            y = video * (CLIPS + 0.6) + clip
            for x, (what, colour) in enumerate((("face", style.FACE), ("voice", style.VOICE))):
                seen = visible(protocol, what, video, clip)
                box: dict[str, Any] = {"facecolor": colour, "edgecolor": "white"}
                if not seen:
                    box = {"facecolor": "white", "edgecolor": style.PALE, "hatch": "////"}
                axes.add_patch(Rectangle((x, y), 0.92, 0.88, lw=0.8, **box))
        middle = video * (CLIPS + 0.6) + CLIPS / 2
        if named:
            axes.text(-0.25, middle, f"video {video + 1}", ha="right", va="center", fontsize=8)
    y = JUDGED[0] * (CLIPS + 0.6) + JUDGED[1]
    axes.add_patch(Rectangle((-0.1, y - 0.1), 2.12, 1.08, fill=False, edgecolor=style.INK, lw=2.2))
    axes.set(xlim=(-0.3, 2.3), ylim=(VIDEOS * (CLIPS + 0.6) - 0.4, -0.4), title=protocol.name)
    axes.set_xticks([0.46, 1.46], ["face", "voice"])
    axes.set_yticks([])
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)


@draws("protocol", "method", "setting", "accuracy", "low", "high")
def ladder(table: pd.DataFrame, title: str = "") -> Figure:
    """Methods under protocols, with intervals, in P4 and P6 beside P3 and P5.

    The rows of the protocol "clip" hold P3 to P6.
    """
    sighted = {"P4": "P3", "P6": "P5"}
    alone = table[table.protocol == CLIP.name].drop_duplicates("setting").set_index("setting")
    with_face = {blind: float(alone.accuracy[other]) for blind, other in sighted.items()}
    shown = table[table.setting.isin(sighted)].sort_values("setting", kind="stable")
    method = shown.method.where(shown.method != "alone", "")
    shown = shown.assign(
        row=(shown.protocol + " · " + method).str.removesuffix(" · "),
        colour=shown.protocol.map(SHADES),
        text=[f"{100 * accuracy:.1f}" for accuracy in shown.accuracy],
    )
    label = "accuracy; dashed: with the face, P3 and P5"
    figure = forest(
        shown, "row", "setting", reference=with_face, same_scale=False, title=title, label=label
    )
    said = []
    for blind, rows in shown.groupby("setting"):
        best = rows.groupby("protocol", sort=False).accuracy.max()
        values = ", ".join(f"{name} {value:.1%}" for name, value in best.items())
        said.append(
            f"{blind}, the best method of each protocol: {values}; {sighted[blind]} "
            f"{with_face[blind]:.1%}."
        )
    return describe(figure, "Accuracies with 95% intervals.", *said, title=title)


@draws("step", "own", "rival")
def leak_steps(table: pd.DataFrame) -> Figure:
    """The clips of one speaker step by step: the score of the own name against the best other.

    A row stands for a clip at a step; steps are drawn in order of appearance.
    """
    steps = list(dict.fromkeys(table.step))
    figure, panels = row_of_panels(len(steps), 3.0, 3.4)
    said = []
    for axes, step in zip(panels, steps, strict=True):
        rows = table[table.step == step]
        right = rows.own > rows.rival
        for which, colour, mark in ((right, style.FUSED, "o"), (~right, style.MISSING, "X")):
            axes.scatter(
                rows.rival[which], rows.own[which], color=colour, marker=mark, s=26, alpha=0.7, lw=0
            )
        scores = rows[["own", "rival"]].to_numpy(dtype=float)
        ends = np.array([scores.min(), scores.max()])
        ends += np.array([-0.06, 0.06]) * max(np.ptp(ends), 1e-3)
        axes.plot(ends, ends, color=style.GREY, lw=1, ls="--")
        axes.set(xlim=ends, ylim=ends, xlabel="score of the best other name", title=step)
        style.note(
            axes, 0.04, 0.96, f"{right.sum()} of {len(rows)} right", va="top", color=style.INK
        )
        axes.grid()
        said.append(f"{step}: {right.sum()} of {len(rows)} clips right.")
    panels[0].set_ylabel("score of the true name")
    text = "Scores of one speaker's clips; above the diagonal a clip is named rightly."
    return describe(figure, text, *said)


@draws("protocol", "method", "setting", "accuracy", "low", "high")
def protocol_result(
    protocol: Protocol, method: str, table: pd.DataFrame, on: Figure | None = None
) -> Figure:
    """One protocol: what may be seen on the left, what that is worth in P3–P6 on the right.

    The table holds the rows of "clip", to compare with, and those of the protocol and method.
    """
    figure, (left, right) = fast_panels(
        on, 8.4, 3.6, panels=2, width_ratios=[1, 3],
        left=0.07, right=0.99, bottom=0.19, top=0.95, wspace=0.25,
    )  # fmt: skip
    _batch(left, protocol, named=True)
    said = []
    alone, present = (CLIP.name, "alone"), (protocol.name, method)
    dots = [("each clip alone", alone, -0.13, style.GREY)]
    if present != alone:
        dots.append((f"{protocol.name}, {method}", present, 0.13, SHADES[protocol.name]))
    for shown, of, shift, colour in dots:
        rows = table[(table.protocol == of[0]) & (table.method == of[1])]
        for x, setting in enumerate(P3_TO_P6):
            point = rows[rows.setting == setting].iloc[0]
            dot(right, x + shift, point.accuracy, point.low, point.high, colour, upright=True,
                label=shown if x == 0 else None)  # fmt: skip
            right.annotate(
                f"{100 * point.accuracy:.1f}", (x + shift, point.accuracy),
                xytext=(-6 if shift < 0 else 6, 0), ha="right" if shift < 0 else "left",
                textcoords="offset points", va="center", fontsize=8,
            )  # fmt: skip
            said.append(f"{setting}, {shown}: {point.accuracy:.1%}.")
    conditions = [
        f"{name}\n{style.CONDITIONS[name].replace(', ', ',' + chr(10))}" for name in P3_TO_P6
    ]
    right.set_xticks(range(len(conditions)), conditions)
    right.tick_params(axis="x", labelsize=8, length=0)
    right.set(xlim=(-0.5, 3.6), ylim=(min(0.7, float(table.low.min()) - 0.02), 1.01))
    right.set_ylabel("accuracy, with its 95% interval")
    right.legend(loc="lower left")
    right.grid(axis="y")
    percent_axis(right)
    return describe(figure, f"{protocol.name}: {protocol.meaning}.", *said)
