"""What may be seen under each protocol, and what that is worth."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from mraf_lessons.kit import style
from mraf_lessons.kit.forest import forest
from mraf_lessons.kit.panels import panel_for_each
from mraf_lessons.kit.style import Figure, describe, draws, row_of_panels, styled
from mraf_related.leaderboard.protocols import CLIP, COPY, PROTOCOLS, Protocol, Sight

SHADES = {
    "clip": style.GREY,
    "batch": style.VOICE,
    "batch+faces": style.FUSED,
    "leaderboard": style.PALETTE["orange"],
    "copy": style.MISSING,
}
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
    handles = [
        Patch(label="face seen", fc=style.FACE),
        Patch(label="voice seen", fc=style.VOICE),
        Patch(label="hidden", fc="white", ec=style.GREY, hatch="////"),
        Patch(label="the clip judged", fc="none", ec=style.INK, lw=2.2),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    text = f"A batch of {VIDEOS} videos of {CLIPS} clips; one clip is judged without its face."
    return describe(figure, text, *(f"{p.name}: {p.meaning}." for p in protocols))


def _batch(axes: Axes, protocol: Protocol, named: bool) -> None:
    for video, clip in np.ndindex(VIDEOS, CLIPS):
        for x, (what, colour) in enumerate(style.MODALITY.items()):
            box: dict[str, Any] = {"facecolor": "white", "edgecolor": style.PALE, "hatch": "////"}
            if visible(protocol, what, video, clip):
                box = {"facecolor": colour, "edgecolor": "white"}
            corner = (x, video * (CLIPS + 0.6) + clip)
            axes.add_patch(Rectangle(corner, 0.92, 0.88, lw=0.8, **box))
    y = JUDGED[0] * (CLIPS + 0.6) + JUDGED[1]
    axes.add_patch(Rectangle((-0.1, y - 0.1), 2.12, 1.08, fill=False, edgecolor=style.INK, lw=2.2))
    axes.set(xlim=(-0.3, 2.3), ylim=(VIDEOS * (CLIPS + 0.6) - 0.4, -0.4), title=protocol.name)
    axes.set_xticks([0.46, 1.46], ["face", "voice"])
    middles = np.arange(VIDEOS) * (CLIPS + 0.6) + CLIPS / 2
    axes.set_yticks(middles, [f"video {n + 1}" if named else "" for n in range(VIDEOS)], fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


@draws("protocol", "method", "setting", "accuracy", "low", "high")
def ladder(table: pd.DataFrame, title: str = "") -> Figure:
    """Methods under protocols in P4 and P6 beside "clip" in P3 and P5, with intervals."""
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
    dashed = ", ".join(f"{sighted[s]} {a:.1%}" for s, a in with_face.items())
    label = f"accuracy; dashed: with the face, {dashed}"
    return forest(
        shown, "row", "setting", reference=with_face, same_scale=False, title=title, label=label
    )


@draws("step", "own", "rival")
def leak_steps(table: pd.DataFrame) -> Figure:
    """The clips of one speaker step by step: the score of the own name against the best other."""
    figure, panels = panel_for_each(table, "step", 3.0, 3.4)
    said = []
    for axes, step, rows in panels:
        right = rows.own > rows.rival
        looks = (right, style.FUSED, "o"), (~right, style.MISSING, "X")
        for of, colour, mark in looks:
            axes.scatter(rows.rival[of], rows.own[of], 26, colour, marker=mark, alpha=0.7, lw=0)
        scores = rows[["own", "rival"]].to_numpy(dtype=float)
        ends = np.array([scores.min(), scores.max()])
        ends += np.array([-0.06, 0.06]) * max(np.ptp(ends), 1e-3)
        axes.plot(ends, ends, color=style.GREY, lw=1, ls="--")
        axes.set(xlim=ends, ylim=ends, xlabel="score of the best other name")
        count = f"{right.sum()} of {len(rows)}"
        style.note(axes, 0.04, 0.96, f"{count} right", va="top", color=style.INK)
        axes.grid()
        said.append(f"{step}: {count} clips right.")
    panels[0][0].set_ylabel("score of the true name")
    text = "Scores of one speaker's clips; above the diagonal a clip is named rightly."
    return describe(figure, text, *said)
