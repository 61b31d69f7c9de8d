"""Figures of the forward pass: the picture, three heads with and without a face, attention."""

from collections.abc import Mapping

import numpy as np
from scipy.special import softmax

from mraf.model import Output
from mraf_lessons.kit import style
from mraf_lessons.kit.arrays import first_clip
from mraf_lessons.kit.panels import colour_bar, name_rows, signed_image
from mraf_lessons.kit.pipeline import pipeline as pipeline
from mraf_lessons.kit.style import Figure, describe, styled

HEADS = {"face": ("z_f", style.FACE), "voice": ("z_a", style.VOICE), "fused": ("z_c", style.FUSED)}


@styled
def three_heads(outputs: Mapping[str, Output], speaker: int, shown: int = 3) -> Figure:
    """The likeliest names of each head for the first clip; a row for each condition."""
    figure = style.new_figure(8.4, 0.6 + 1.3 * len(outputs))
    panels = figure.subplots(len(outputs), 3, squeeze=False)
    said = [f"The likeliest names for one clip of speaker {speaker}."]
    for row, (condition, output) in zip(panels, outputs.items(), strict=True):
        clip = first_clip(output)
        r, w = clip.reliability, clip.weight
        scores = f"$r_f$ = {r.face:.2f}, $r_a$ = {r.voice:.2f}"
        weights = f"$w_f$ = {w.face:.2f}, $w_a$ = {w.voice:.2f}"
        row[0].set_ylabel(
            f"{condition}\n{scores}\n{weights}", rotation=0, ha="right", va="center", labelpad=12
        )
        said.append(f"{condition}: {scores}, {weights}.".replace("$", ""))
        for axes, (head, (symbol, colour)) in zip(row, HEADS.items(), strict=True):
            p = softmax(getattr(clip.logits, head))
            top = np.argsort(-p, kind="stable")[:shown]
            colours = [colour if name == speaker else style.PALE for name in top]
            bars = axes.barh(range(len(top)), p[top], 0.66, color=colours)
            axes.bar_label(bars, [f" {share:.0%}" for share in p[top]], fontsize=9)
            name_rows(axes, [f"speaker {name}" for name in top], room=0.6)
            title = f"{head} head, ${symbol}$" if axes in panels[0] else ""
            axes.set(xlim=(0, 1.3), xticks=[], title=title)
            said.append(f"{condition}, {head} head: {p[speaker]:.0%} for the true speaker.")
    figure.supxlabel("probability of a name, the softmax of the logits", fontsize=9)
    return describe(figure, *said)


@styled
def attention_maps(outputs: Mapping[str, Output]) -> Figure:
    """The maps of Eq. 13 of the first clip: a row for each condition and direction, heads abreast.

    White is 1 / K, the share of every token where a question has no preference.
    """
    maps = {
        f"{condition},\n{asking} asks {asked}": getattr(first_clip(output).attention, asking)
        for condition, output in outputs.items()
        for asking, asked in (("face", "voice"), ("voice", "face"))
    }
    heads, tokens, _ = next(iter(maps.values())).shape
    reach = max(float(np.abs(shares - 1 / tokens).max()) for shares in maps.values())
    figure = style.new_figure(2.4 + 1.3 * heads, 0.3 + 1.25 * len(maps))
    panels = figure.subplots(len(maps), heads, squeeze=False)
    said = [f"Attention maps of one clip, {tokens} by {tokens} shares for each of {heads} heads."]
    for row, (name, shares) in zip(panels, maps.items(), strict=True):
        row[0].set_ylabel(name, rotation=0, ha="right", va="center")
        for head, axes in enumerate(row):
            image = signed_image(axes, shares[head] - 1 / tokens, reach)
            axes.set(aspect="equal", title=f"head {head}" if axes in panels[0] else "")
        said.append(f"{name}: {shares.min():.2f} to {shares.max():.2f}.")
    bar = colour_bar(figure, image, panels.ravel().tolist(), "share; white: 1 / K")
    ends = (-reach, 0, reach)
    bar.set_yticks(ends, [f"{1 / tokens + end:.2f}" for end in ends])
    figure.supxlabel("row: a token that asks; column: a token that answers", fontsize=9)
    return describe(figure, *said)
