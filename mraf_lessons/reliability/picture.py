"""The picture of the reliability explorer: made once, then moved from state to state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator

from mraf.model import Logits
from mraf_lessons.kit import style
from mraf_lessons.kit.live import fast_panel
from mraf_lessons.kit.style import Figure, describe, percent_axis, styled
from mraf_lessons.reliability.view import DegradedClip

BEFORE = style.INK  # the tick that marks what was, before the controls were moved
NEIGHBOURS = 6

Panel = Callable[[DegradedClip], None]  # moves what the panel holds to a state


@styled
def reliability_picture(found: DegradedClip) -> Figure:
    """One clip under the explorer's controls: trust, tokens, attention, guesses and neighbours.

    Black ticks and hollow dots mark the clip as it is, with its face; colours mark it as it is now.
    """
    return ReliabilityPicture(found).show(found)


class ReliabilityPicture:
    """The figure of ``reliability_picture``, made once and then moved from state to state.

    Args:
        found: any state of the network whose states are to be shown; numbers of tokens, speakers
            and rows are taken from it.
    """

    @styled
    def __init__(self, found: DegradedClip) -> None:
        self.figure = Figure(figsize=(10.6, 6.7), dpi=90)
        grid, across = self.figure.add_gridspec, {"left": 0.045, "right": 0.985}
        upper = grid(1, 4, top=0.865, bottom=0.595, wspace=0.3, width_ratios=(5, 6, 3, 3), **across)
        lower = grid(1, 4, top=0.46, bottom=0.095, wspace=0.36, width_ratios=(3, 3, 3, 4), **across)
        axes = [self.figure.add_subplot(row[place]) for row in (upper, lower) for place in range(4)]
        self._panels = [
            _trust(axes[0]),
            _token_norms(axes[1], found),
            _attention(axes[2], found, "face", "voice"),
            _attention(axes[3], found, "voice", "face"),
            *(
                _top_speakers(a, found, head)
                for a, head in zip(axes[4:7], Logits._fields, strict=True)
            ),
            _neighbours(axes[7], found),
        ]
        text = self.figure.text
        self._title = text(0.012, 0.965, "", fontsize=12, fontweight="bold", va="center")
        self._verdict = text(
            0.988, 0.965, "", fontsize=11, va="center", ha="right", color=style.GREY
        )

    @styled
    def show(self, found: DegradedClip) -> Figure:
        """The figure, which shows this state from now on."""
        for panel in self._panels:
            panel(found)
        title, verdict = _title(found), _verdict(found)
        self._title.set_text(title)
        self._verdict.set_text(verdict)
        return describe(self.figure, f"{title}: {verdict}. {in_words(found)}")


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


def _share_axis(axes: Axes, percent: bool = False) -> None:
    axes.xaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
    if percent:
        percent_axis(axes, "x")


def _trust(axes: Axes) -> Panel:
    """r and w of both modalities as bars, a tick where they were."""
    rows = [0.0, 1.0, 2.4, 3.4]
    axes.set_yticks(rows, ["$r_f$", "$r_a$", "$w_f$", "$w_a$"])
    axes.set(xlim=(0, 1), ylim=(4.0, -0.6))
    _share_axis(axes)
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    fast_panel(axes, "Reliability and weight")
    bars = axes.barh(rows, 0, 0.72, color=[*style.MODALITY.values()] * 2)
    ticks = [axes.plot([0, 0], [y - 0.48, y + 0.48], color=BEFORE, lw=2)[0] for y in rows]
    values = [axes.text(0.97, y, "", va="center", ha="right", fontsize=8.5) for y in rows]

    def show(found: DegradedClip) -> None:
        now, before = ((*o.reliability, *o.weight) for o in (found.now.output, found.before.output))
        for bar, tick, value, is_now, was in zip(bars, ticks, values, now, before, strict=True):
            bar.set_width(is_now)
            tick.set_xdata([was, was])
            value.set(text=f"{is_now:.3f}", color="white" if is_now > 0.95 else style.INK)

    return show


def _token_norms(axes: Axes, found: DegradedClip) -> Panel:
    """Norms of the tokens before (pale) and after (coloured) weighting, Eq. 12."""
    bars, middles, start = {}, [], 0
    for modality, colour in style.MODALITY.items():
        x = start + np.arange(len(getattr(found.now.output.weighted, modality)))
        bars[modality] = axes.bar(x, 0, 0.8, color=style.PALE), axes.bar(x, 0, 0.8, color=colour)
        middles.append(x.mean())
        start += len(x) + 1
    axes.set_xticks(middles, ["face tokens, $h_f$", "voice tokens, $h_a$"], fontsize=9)
    axes.tick_params(axis="x", length=0, pad=6)
    axes.set_xlim(-0.8, start - 1.2)
    axes.grid(axis="y")
    fast_panel(axes, "Token norms, before and × weight")

    def show(found: DegradedClip) -> None:
        output, highest = found.now.output, 0.0
        for modality, pair in bars.items():
            tokens = getattr(output, modality).encoded, getattr(output.weighted, modality)
            for own, heights in zip(pair, np.linalg.norm(tokens, axis=-1), strict=True):
                highest = max(highest, heights.max())
                for bar, height in zip(own, heights, strict=True):
                    bar.set_height(height)
        axes.set_ylim(0, _round_up(1.02 * highest))

    return show


def _round_up(value: float) -> float:
    """To one or two digits, so that an axis seldom changes: its frame would be drawn anew."""
    unit = 10.0 ** np.floor(np.log10(value)) if value > 0 else 1.0
    steps = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
    return float(min(step * unit for step in steps if step * unit >= value))


def _attention(axes: Axes, found: DegradedClip, query: str, memory: str) -> Panel:
    """The mean attention map over the heads, from white at 0 to black at 3/K."""
    title = f"{query} → {memory}"
    if found.now.output.attention is None:
        fast_panel(axes, title)
        axes.text(
            0.5, 0.5, "no attention\nin this fusion", ha="center", va="center", color=style.GREY
        )
        axes.axis("off")
        return lambda found: None

    def mean_map(found: DegradedClip) -> Any:
        return getattr(found.now.output.attention, query).mean(axis=0)

    attention = mean_map(found)
    image = axes.imshow(
        attention, cmap="Greys", vmin=0, vmax=min(1.0, 3 / len(attention)), aspect="auto", zorder=1
    )
    axes.set(xticks=[], yticks=[])
    fast_panel(axes, title, f"{memory} tokens", f"{query} tokens")
    spread = axes.annotate(
        "", (0.5, 0), (0, -18), "axes fraction", "offset points", ha="center", va="top", fontsize=9
    )

    def show(found: DegradedClip) -> None:
        attention = mean_map(found)
        image.set_data(attention)
        spread.set_text(f"{attention.min():.2f} to {attention.max():.2f}")

    return show


def _names(axes: Axes, number: int) -> list[Text]:
    """Names of the rows 0, 1, … where tick labels would be: those would be slower to change."""
    axes.set_yticks([])
    transform, va, ha = axes.get_yaxis_text1_transform(3.5)
    return [axes.text(0, row, "", va=va, ha=ha, transform=transform) for row in range(number)]


def _top_speakers(axes: Axes, found: DegradedClip, head: str) -> Panel:
    """The five most probable speakers of a head, the true one in green with a tick mark."""
    rows = range(len(found.now.guesses[head].speakers))
    axes.set(xlim=(0, 1), ylim=(len(rows) - 0.4, -0.6))
    _share_axis(axes, percent=True)
    names = _names(axes, len(rows))
    fast_panel(axes, f"{head.capitalize()} head", "probability of each speaker")
    bars = axes.barh(rows, 0, 0.72)
    values = [axes.text(0, row, "", va="center", fontsize=8) for row in rows]
    missed = axes.text(0.97, 0.03, "", ha="right", va="bottom", transform=axes.transAxes,
                       fontsize=9, color=style.FUSED, fontweight="bold")  # fmt: skip

    def show(found: DegradedClip) -> None:
        guess = found.now.guesses[head]
        pairs = zip(guess.speakers, guess.probabilities, strict=True)
        for row, (speaker, share) in enumerate(pairs):
            true, inside = speaker == found.speaker, share > 0.7
            names[row].set_text(f"{speaker} ✓" if true else f"{speaker}")
            bars[row].set(width=share, color=style.FUSED if true else "#B8B8B8")
            values[row].set(
                x=share + (-0.03 if inside else 0.03), text=f"{share:.0%}",
                ha="right" if inside else "left", color="white" if inside else style.INK,
            )  # fmt: skip
        outside = guess.rank is not None and guess.rank > len(rows)
        missed.set_text(f"true speaker:\nrank {guess.rank}" if outside else "")

    return show


def _neighbours(axes: Axes, found: DegradedClip) -> Panel:
    """Cosine of e_c to the class centres nearest to it, where it was and where it is."""
    number = min(NEIGHBOURS, len(found.now.likeness))
    axes.set(ylim=(number - 0.4, -0.6), xlim=(-0.35, 1.03))
    _share_axis(axes)
    axes.grid(axis="x")
    names = _names(axes, number)
    fast_panel(axes, "Fused embedding", "cosine to the speakers' centres")
    ways = [axes.plot([0, 0], [row, row], lw=2, alpha=0.6)[0] for row in range(number)]
    was = axes.plot([0] * number, range(number), "o", mfc="white", mec=BEFORE, ms=6)[0]
    dots = [axes.plot(0, row, "o", ms=7)[0] for row in range(number)]

    def show(found: DegradedClip) -> None:
        before, now = found.before.likeness, found.now.likeness
        order = np.argsort(-np.maximum(before, now), kind="stable")[:NEIGHBOURS]
        if found.speaker is not None and found.speaker not in order:
            order = np.append(order[:-1], found.speaker)
        order = order[np.argsort(-before[order], kind="stable")]
        was.set_xdata(before[order])
        for speaker, name, way, dot in zip(order, names, ways, dots, strict=True):
            true = speaker == found.speaker
            name.set_text(f"{speaker} ✓" if true else f"{speaker}")
            way.set(xdata=[before[speaker], now[speaker]], color=style.FUSED if true else "#8C8C8C")
            dot.set(xdata=[now[speaker]], color=style.FUSED if true else "#8C8C8C")

    return show
