"""Figures of the explorers: drawn anew at each move of a control, so they lay themselves out fast.

A constrained layout would take longer than everything else; the panels stand at fixed places.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, PercentFormatter

from mraf.exploration import HEADS, Exploration, Guess
from mraf.plots.style import FUSED, GREY, INK, MODALITY, PALE, Figure, describe, styled

BEFORE = INK  # the tick that marks what was, before the controls were moved
NEIGHBOURS = 6


def fast_figure(width: float, height: float) -> Figure:
    """An empty figure whose panels are placed by hand."""
    return Figure(figsize=(width, height), dpi=90)


def fast_panel(axes: Axes, title: str, xlabel: str = "", ylabel: str = "") -> None:
    """Title and labels at fixed places: looking for free ones takes half the time of drawing."""
    axes.set_title(title, y=1.0, pad=6)
    axes.set_xlabel(xlabel, fontsize=9, va="top")
    axes.set_ylabel(ylabel, fontsize=9, va="bottom")
    height = axes.get_figure().get_figheight() * axes.get_position().height  # type: ignore[union-attr]
    width = axes.get_figure().get_figwidth() * axes.get_position().width  # type: ignore[union-attr]
    empty = len(axes.get_xticks()) == 0
    axes.xaxis.set_label_coords(0.5, -(0.06 if empty else 0.26) / height)
    axes.yaxis.set_label_coords(-0.06 / width, 0.5)


@styled
def reliability_explorer(found: Exploration) -> Figure:
    """One clip under the explorer's controls: trust, tokens, attention, guesses and neighbours.

    Black ticks and hollow dots mark the clip as it is, with its face; colours mark it as it is now.
    """
    figure = fast_figure(10.6, 6.7)
    upper = figure.add_gridspec(
        1,
        4,
        left=0.045,
        right=0.985,
        top=0.865,
        bottom=0.595,
        wspace=0.3,
        width_ratios=[5, 6, 3, 3],
    )
    lower = figure.add_gridspec(
        1,
        4,
        left=0.045,
        right=0.985,
        top=0.46,
        bottom=0.095,
        wspace=0.36,
        width_ratios=[3, 3, 3, 4],
    )
    _trust(figure.add_subplot(upper[0]), found)
    _token_norms(figure.add_subplot(upper[1]), found)
    directions = (("face", "voice"), ("voice", "face"))
    for place, (query, memory) in enumerate(directions, start=2):
        _attention(figure.add_subplot(upper[place]), found, query, memory)
    for place, head in enumerate(HEADS):
        guess = found.now.guesses[head]
        _top_speakers(figure.add_subplot(lower[place]), guess, head, found.speaker)
    _neighbours(figure.add_subplot(lower[3]), found)
    title, verdict = _title(found), _verdict(found)
    figure.text(0.012, 0.965, title, fontsize=12, fontweight="bold", va="center")
    figure.text(0.988, 0.965, verdict, fontsize=11, va="center", ha="right", color=GREY)
    return describe(figure, f"{title}: {verdict}. {in_words(found)}")


def in_words(found: Exploration) -> str:
    """What the figure shows, for those who cannot see it and for a line below the picture."""
    now, before = found.now, found.before
    weights = (
        f"Face weight {now.weight['face']:.3f} (was {before.weight['face']:.3f}), "
        f"voice weight {now.weight['voice']:.3f} (was {before.weight['voice']:.3f}); "
        f"reliabilities {now.reliability['face']:.3f} and {now.reliability['voice']:.3f} "
        f"(were {before.reliability['face']:.3f} and {before.reliability['voice']:.3f})."
    )
    heads = []
    for head in HEADS:
        guess = now.guesses[head]
        right = "" if guess.rank is None else f", the true one at rank {guess.rank}"
        heads.append(
            f"the {head} head says speaker {guess.speakers[0]} "
            f"with probability {guess.probabilities[0]:.2f}{right}"
        )
    moved = f"The fused embedding has cosine {found.moved:.2f} to that of the clip as it is."
    said = "; ".join(heads)
    return f"{weights} {said[0].upper()}{said[1:]}. {moved}"


def _title(found: Exploration) -> str:
    state = found.state
    who = "speaker hidden" if found.speaker is None else f"speaker {found.speaker}"
    face = "no face"
    if state.face:
        face = f"face: {state.face_amount:.0%} {state.face_kind}" if state.face_amount else "face"
    elif state.missing_reliability == "learned":
        face = "no face, its stand-in scored"
    voice = f"voice: {state.voice_amount:.0%} {state.voice_kind}" if state.voice_amount else "voice"
    return f"{found.language}, {who} · {face} · {voice}"


def _verdict(found: Exploration) -> str:
    now, before = found.now.guesses["fused"], found.before.guesses["fused"]
    if now.rank is None or before.rank is None:
        return f"fused head: speaker {now.speakers[0]}"
    was, is_now = ("right" if guess.rank == 1 else "wrong" for guess in (before, now))
    return f"fused head: {is_now}" + (f", was {was}" if was != is_now else ", as before")


def _trust(axes: Axes, found: Exploration) -> None:
    """r and w of both modalities as bars, a tick where they were."""
    names, rows = [], [0.0, 1.0, 2.4, 3.4]
    entries = [("reliability", m) for m in MODALITY] + [("weight", m) for m in MODALITY]
    for row, (quantity, modality) in zip(rows, entries, strict=True):
        now, before = (getattr(view, quantity)[modality] for view in (found.now, found.before))
        axes.barh(row, now, 0.72, color=MODALITY[modality])
        axes.plot([before, before], [row - 0.48, row + 0.48], color=BEFORE, lw=2)
        axes.text(0.97, row, f"{now:.3f}", va="center", ha="right", fontsize=8.5,
                  color="white" if now > 0.95 else INK)  # fmt: skip
        names.append(f"${quantity[0]}_{'f' if modality == 'face' else 'a'}$")
    axes.set_yticks(rows, names)
    axes.set(xlim=(0, 1), ylim=(4.0, -0.6))
    axes.xaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    fast_panel(axes, "Reliability and weight")


def _token_norms(axes: Axes, found: Exploration) -> None:
    """Norms of the tokens before (pale) and after (coloured) weighting, Eq. 12."""
    start = 0
    for modality, colour in MODALITY.items():
        norms, weighted = found.now.norms[modality], found.now.weighted_norms[modality]
        x = start + np.arange(len(norms))
        axes.bar(x, norms, 0.8, color=PALE)
        axes.bar(x, weighted, 0.8, color=colour)
        letter = "f" if modality == "face" else "a"
        axes.text(
            x.mean(), -0.09, f"{modality} tokens, $h_{letter}$", ha="center", va="top",
            transform=axes.get_xaxis_transform(), fontsize=9,
        )  # fmt: skip
        start += len(norms) + 1
    axes.set_xticks([])
    axes.grid(axis="y")
    fast_panel(axes, "Token norms, before and × weight")


def _attention(axes: Axes, found: Exploration, query: str, memory: str) -> None:
    """The mean attention map over the heads, from white at 0 to black at 3/K."""
    title = f"{query} → {memory}"
    if found.now.attention is None:
        fast_panel(axes, title)
        axes.text(0.5, 0.5, "no attention\nin this fusion", ha="center", va="center", color=GREY)
        axes.axis("off")
        return
    attention = found.now.attention[query]
    axes.imshow(attention, cmap="Greys", vmin=0, vmax=min(1.0, 3 / len(attention)), aspect="auto")
    axes.set(xticks=[], yticks=[])
    spread = f"{attention.min():.2f} to {attention.max():.2f}"
    fast_panel(axes, title, f"{memory} tokens\n{spread}", f"{query} tokens")


def _top_speakers(axes: Axes, guess: Guess, head: str, speaker: int | None) -> None:
    """The five most probable speakers of a head, the true one in green with a tick mark."""
    rows = np.arange(len(guess.speakers))
    true = guess.speakers == (-1 if speaker is None else speaker)
    axes.barh(rows, guess.probabilities, 0.72, color=np.where(true, FUSED, "#B8B8B8"))
    for row, probability in enumerate(guess.probabilities):
        inside = probability > 0.7
        axes.text(
            probability + (-0.03 if inside else 0.03), row, f"{probability:.0%}", va="center",
            ha="right" if inside else "left", fontsize=8, color="white" if inside else INK,
        )  # fmt: skip
    names = [f"{s} ✓" if t else f"{s}" for s, t in zip(guess.speakers, true, strict=True)]
    axes.set_yticks(rows, names)
    axes.set(xlim=(0, 1), ylim=(len(rows) - 0.4, -0.6))
    axes.xaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    if guess.rank is not None and not true.any():
        axes.text(0.97, 0.03, f"true speaker:\nrank {guess.rank}", ha="right", va="bottom",
                  transform=axes.transAxes, fontsize=9, color=FUSED, fontweight="bold")  # fmt: skip
    axes.tick_params(axis="y", length=0)
    fast_panel(axes, f"{head.capitalize()} head", "probability of each speaker")


def _neighbours(axes: Axes, found: Exploration) -> None:
    """Cosine of e_c to the class centres nearest to it, where it was and where it is."""
    before, now = found.before.likeness, found.now.likeness
    order = np.argsort(-np.maximum(before, now), kind="stable")[:NEIGHBOURS]
    if found.speaker is not None and found.speaker not in order:
        order = np.append(order[:-1], found.speaker)
    order = order[np.argsort(-before[order], kind="stable")]
    for row, speaker in enumerate(order):
        colour = FUSED if speaker == found.speaker else "#8C8C8C"
        axes.plot([before[speaker], now[speaker]], [row, row], color=colour, lw=2, alpha=0.6)
        axes.plot(before[speaker], row, "o", mfc="white", mec=BEFORE, ms=6)
        axes.plot(now[speaker], row, "o", color=colour, ms=7)
    names = [f"{s} ✓" if s == found.speaker else f"{s}" for s in order]
    axes.set_yticks(range(len(order)), names)
    axes.set(ylim=(len(order) - 0.4, -0.6), xlim=(-0.35, 1.03))
    axes.xaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    fast_panel(axes, "Fused embedding", "cosine to the speakers' centres")
