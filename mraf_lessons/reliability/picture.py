"""The picture of the reliability explorer: trust, tokens, attention, guesses and neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator

from mraf.model import Logits
from mraf_lessons.kit import style
from mraf_lessons.kit.live import add_row, emptied, fast_panel
from mraf_lessons.kit.style import Figure, describe, percent_axis, styled
from mraf_lessons.reliability.view import DegradedClip

BEFORE = style.INK  # the tick that marks what was, before the controls were moved
NEIGHBOURS = 6


@styled
def reliability_picture(found: DegradedClip, on: Figure | None = None) -> Figure:
    """One clip under the explorer's controls, on the figure of the last move if there is one.

    Black ticks and hollow dots mark the clip as it is, with its face; colours mark it as it is now.
    """
    figure = emptied(on) if on else _panels()
    axes = figure.axes
    _trust(axes[0], found)
    _token_norms(axes[1], found)
    _attention(axes[2], found, "face", "voice")
    _attention(axes[3], found, "voice", "face")
    for panel, head in zip(axes[4:7], Logits._fields, strict=True):
        _top_speakers(panel, found, head)
    _neighbours(axes[7], found)
    title, verdict = _title(found), _verdict(found)
    figure.text(0.012, 0.965, title, fontsize=12, fontweight="bold", va="center")
    figure.text(0.988, 0.965, verdict, fontsize=11, va="center", ha="right", color=style.GREY)
    return describe(figure, f"{title}: {verdict}. {in_words(found)}")


def _panels() -> Figure:
    figure = Figure(figsize=(10.6, 6.7), dpi=90)
    across: Any = {"left": 0.045, "right": 0.985}
    add_row(figure, 4, top=0.865, bottom=0.595, wspace=0.3, width_ratios=(5, 6, 3, 3), **across)
    add_row(figure, 4, top=0.46, bottom=0.095, wspace=0.36, width_ratios=(3, 3, 3, 4), **across)
    return figure


def in_words(found: DegradedClip) -> str:
    """What the figure shows, for those who cannot see it and for a line below the picture."""
    (w_f, w_a), (r_f, r_a) = found.now.output.weight, found.now.output.reliability
    before = found.before.output
    weights = (
        f"Face weight {w_f:.3f} (was {before.weight.face:.3f}), "
        f"voice weight {w_a:.3f} (was {before.weight.voice:.3f}); reliabilities {r_f:.3f} and "
        f"{r_a:.3f} (were {before.reliability.face:.3f} and {before.reliability.voice:.3f})."
    )
    heads = []
    for head, guess in found.now.guesses.items():
        right = "" if guess.rank is None else f", the true one at rank {guess.rank}"
        heads.append(
            f"the {head} head says speaker {guess.speakers[0]} "
            f"with probability {guess.probabilities[0]:.2f}{right}"
        )
    moved = f"The fused embedding has cosine {found.moved:.2f} to that of the clip as it is."
    said = "; ".join(heads)
    return f"{weights} {said[0].upper()}{said[1:]}. {moved}"


def _title(found: DegradedClip) -> str:
    state = found.state
    who = "speaker hidden" if found.speaker is None else f"speaker {found.speaker}"
    face = "no face"
    if state.face:
        face = f"face: {state.face_amount:.0%} {state.face_kind}" if state.face_amount else "face"
    elif state.missing_reliability == "learned":
        face = "no face, its stand-in scored"
    voice = f"voice: {state.voice_amount:.0%} {state.voice_kind}" if state.voice_amount else "voice"
    return f"{found.language}, {who} · {face} · {voice}"


def _verdict(found: DegradedClip) -> str:
    now, before = found.now.guesses["fused"], found.before.guesses["fused"]
    if now.rank is None or before.rank is None:
        return f"fused head: speaker {now.speakers[0]}"
    was, is_now = ("right" if guess.rank == 1 else "wrong" for guess in (before, now))
    return f"fused head: {is_now}" + (f", was {was}" if was != is_now else ", as before")


def _trust(axes: Axes, found: DegradedClip) -> None:
    """r and w of both modalities as bars, a tick where they were."""
    now, before = ((*o.reliability, *o.weight) for o in (found.now.output, found.before.output))
    rows = np.array([0.0, 1.0, 2.4, 3.4])
    axes.set_yticks(rows, ["$r_f$", "$r_a$", "$w_f$", "$w_a$"])
    axes.set(xlim=(0, 1), ylim=(4.0, -0.6), xticks=[0, 0.5, 1])
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    fast_panel(axes, "Reliability and weight")
    axes.barh(rows, now, 0.72, color=[*style.MODALITY.values()] * 2)
    axes.vlines(before, rows - 0.48, rows + 0.48, color=BEFORE, lw=2, zorder=2)
    for row, value in zip(rows, now, strict=True):
        colour = "white" if value > 0.95 else style.INK
        axes.text(0.97, row, f"{value:.3f}", va="center", ha="right", fontsize=8.5, color=colour)


def _token_norms(axes: Axes, found: DegradedClip) -> None:
    """Norms of the tokens before (pale) and after (coloured) weighting, Eq. 12."""
    output, middles, start, highest = found.now.output, [], 0, 0.0
    for modality, colour in style.MODALITY.items():
        tokens = getattr(output, modality).encoded, getattr(output.weighted, modality)
        x = start + np.arange(len(tokens[0]))
        for values, shade in zip(tokens, (style.PALE, colour), strict=True):
            heights = np.linalg.norm(values, axis=-1)
            axes.bar(x, heights, 0.8, color=shade)
            highest = max(highest, heights.max())
        middles.append(x.mean())
        start += len(x) + 1
    axes.set_xticks(middles, ["face tokens, $h_f$", "voice tokens, $h_a$"], fontsize=9)
    axes.tick_params(axis="x", length=0, pad=6)
    axes.set(xlim=(-0.8, start - 1.2), ylim=(0, _round_up(1.02 * highest)))
    axes.grid(axis="y")
    fast_panel(axes, "Token norms, before and × weight")


def _round_up(value: float) -> float:
    """To one or two digits, so that an axis seldom changes: its frame would be drawn anew."""
    unit = 10.0 ** np.floor(np.log10(value)) if value > 0 else 1.0
    steps = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
    return float(min(step * unit for step in steps if step * unit >= value))


def _attention(axes: Axes, found: DegradedClip, query: str, memory: str) -> None:
    """The mean attention map over the heads, from white at 0 to black at 3/K."""
    title = f"{query} → {memory}"
    if found.now.output.attention is None:
        fast_panel(axes, title)
        axes.text(
            0.5, 0.5, "no attention\nin this fusion", ha="center", va="center", color=style.GREY
        )
        axes.axis("off")
        return
    attention = getattr(found.now.output.attention, query).mean(axis=0)
    limit = min(1.0, 3 / len(attention))
    axes.imshow(attention, cmap="Greys", vmin=0, vmax=limit, aspect="auto", zorder=1)
    axes.set(xticks=[], yticks=[])
    fast_panel(axes, title, f"{memory} tokens", f"{query} tokens")
    spread = f"{attention.min():.2f} to {attention.max():.2f}"
    axes.annotate(
        spread, (0.5, 0), (0, -18), "axes fraction", "offset points", ha="center", va="top",
        fontsize=9,
    )  # fmt: skip


def _speakers(axes: Axes, found: DegradedClip, speakers: Sequence[int], other: str) -> list[str]:
    """Name the rows where tick labels would be, which are slower to change; a colour for each."""
    axes.set(yticks=[], ylim=(len(speakers) - 0.4, -0.6))
    transform, va, ha = axes.get_yaxis_text1_transform(3.5)
    for row, speaker in enumerate(speakers):
        name = f"{speaker} ✓" if speaker == found.speaker else f"{speaker}"
        axes.text(0, row, name, va=va, ha=ha, transform=transform)
    return [style.FUSED if speaker == found.speaker else other for speaker in speakers]


def _top_speakers(axes: Axes, found: DegradedClip, head: str) -> None:
    """The five most probable speakers of a head, the true one in green with a tick mark."""
    guess = found.now.guesses[head]
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
    percent_axis(axes, "x")
    colours = _speakers(axes, found, guess.speakers.tolist(), "#B8B8B8")
    fast_panel(axes, f"{head.capitalize()} head", "probability of each speaker")
    axes.barh(range(len(colours)), guess.probabilities, 0.72, color=colours)
    for row, share in enumerate(guess.probabilities):
        x, ha, colour = share + 0.03, "left", style.INK
        if share > 0.7:
            x, ha, colour = share - 0.03, "right", "white"
        axes.text(x, row, f"{share:.0%}", va="center", ha=ha, fontsize=8, color=colour)
    if guess.rank is not None and guess.rank > len(colours):
        axes.text(0.97, 0.03, f"true speaker:\nrank {guess.rank}", ha="right", va="bottom",
                  transform=axes.transAxes, fontsize=9, color=style.FUSED,
                  fontweight="bold")  # fmt: skip


def _neighbours(axes: Axes, found: DegradedClip) -> None:
    """Cosine of e_c to the class centres nearest to it, where it was and where it is."""
    before, now = found.before.likeness, found.now.likeness
    order = np.argsort(-np.maximum(before, now), kind="stable")[:NEIGHBOURS]
    if found.speaker is not None and found.speaker not in order:
        order = np.append(order[:-1], found.speaker)
    order = order[np.argsort(-before[order], kind="stable")]
    axes.set(xlim=(-0.35, 1.03), xticks=[0, 0.5, 1])
    axes.grid(axis="x")
    colours = _speakers(axes, found, order.tolist(), "#8C8C8C")
    fast_panel(axes, "Fused embedding", "cosine to the speakers' centres")
    rows = range(len(order))
    axes.hlines(rows, before[order], now[order], colors=colours, lw=2, alpha=0.6)
    axes.plot(before[order], rows, "o", mfc="white", mec=BEFORE, ms=6)
    axes.scatter(now[order], rows, s=49, c=colours, zorder=3)
