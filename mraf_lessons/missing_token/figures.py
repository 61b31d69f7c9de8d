"""Figures of a missing face: what stands in for it, what that changes, and what it scores."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mraf.errors import DataError
from mraf.model import Output
from mraf_lessons.kit import charts, style
from mraf_lessons.kit.arrays import first_clip
from mraf_lessons.kit.forest import forest
from mraf_lessons.kit.panels import signed_image
from mraf_lessons.kit.style import Figure, describe, draws, styled

VARIANTS = [style.PALETTE[name] for name in ("green", "sky", "vermillion", "purple", "orange")]
HEADS: dict[str, dict[str, Any]] = {
    "face head": {"marker": "s", "ms": 6, "color": style.FACE},
    "fused head": {"marker": "o", "color": style.FUSED},
    "voice head": {"marker": "^", "ls": "--", "color": style.VOICE},
}
STAGES = {  # columns of `stand_ins` and their widths
    "face tokens $T_f$": 3.0, "$r_f\\ r_a\\ w_f\\ w_a$": 1.7, "$\\hat H_f = w_f H_f$": 3.0,
    "$e_c$": 1.4, "five highest $z_c$": 2.2,
}  # fmt: skip


@styled
def stand_ins(outputs: Mapping[str, Output], speaker: int, numbers: int = 48) -> Figure:
    """The first clip under several ways of treating its face, a row each, from tokens to logits.

    The logit of the true speaker is marked; `numbers` of the d numbers of tokens and embeddings
    are shown, of e_c in a grid of eight rows. Raises DataError for no outputs.
    """
    if not outputs:
        raise DataError("nothing to draw; give the output of at least one way.")
    figure = style.new_figure(9.4, 0.7 + 1.15 * len(outputs))
    panels = figure.subplots(len(outputs), 5, squeeze=False, width_ratios=list(STAGES.values()))
    for axes, title in zip(panels[0], STAGES, strict=True):
        axes.set_title(title, fontsize=10)
    first = first_clip(next(iter(outputs.values())))
    said = [f"A grid of {len(outputs)} rows, from the face tokens of one clip to its logits."]
    for row, (name, output) in zip(panels, outputs.items(), strict=True):
        clip = first_clip(output)
        tokens = clip.face.tokens[:, :numbers]
        limit = float(np.abs(tokens).max())
        signed_image(row[0], tokens, limit)
        row[0].set_xlabel(f"colours from -{limit:.2g} to {limit:.2g}", fontsize=7, color=style.GREY)
        row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
        _trust(row[1], [*clip.reliability, *clip.weight])
        weighted, fused = (float(np.abs(part).max()) for part in (
            first.weighted.face[:, :numbers], first.fused_embedding[:numbers]))  # fmt: skip
        signed_image(row[2], clip.weighted.face[:, :numbers], weighted)
        signed_image(row[3], clip.fused_embedding[:numbers].reshape(8, -1), fused)
        _top_logits(row[4], clip.logits.fused, speaker)
        moved = float(np.linalg.norm(clip.fused_embedding - first.fused_embedding))
        named = "the true" if clip.logits.fused.argmax() == speaker else "another"
        said.append(
            f"{name}: face tokens up to {limit:.2g}, r_f {clip.reliability.face:.2f}, "
            f"w_f {clip.weight.face:.2f}, length of the weighted face tokens "
            f"{np.linalg.norm(clip.weighted.face):.1f}, e_c {moved:.1f} away from that of the "
            f"first row, {named} speaker named."
        )
    return describe(figure, *said)


def _trust(axes: Axes, values: list[float]) -> None:
    """Bars of r_f, r_a, w_f and w_a."""
    colours = [(colour, alpha) for alpha in (0.5, 1) for colour in (style.FACE, style.VOICE)]
    bars = axes.bar(range(4), values, color=colours)
    axes.bar_label(bars, fmt="%.2f", fontsize=7)
    axes.set(ylim=(0, 1.3), yticks=[])
    axes.set_xticks(range(4), ["$r_f$", "$r_a$", "$w_f$", "$w_a$"], fontsize=8)


def _top_logits(axes: Axes, logits: NDArray[Any], speaker: int, count: int = 5) -> None:
    top = np.argsort(-logits, kind="stable")[:count]
    colours = np.where(top == speaker, style.FUSED, style.PALE)
    axes.barh(range(len(top)), logits[top], color=colours)
    axes.set_yticks(range(len(top)), [str(k) for k in top], fontsize=7)
    axes.tick_params(axis="y", length=0, pad=1)
    axes.invert_yaxis()
    axes.set_xticks([])
    if speaker not in top:
        axes.set_xlabel("the true speaker is not among them", fontsize=7, color=style.GREY)


@draws("model", "head", "length", "change")
def token_sweep(table: pd.DataFrame) -> Figure:
    """How far each head's logits move as the missing token makes a step of some length."""
    figure = charts.curves(
        table.assign(head=table["head"] + " head"), "length", "change", "head", "model",
        looks=HEADS, width=8.6 / table.model.nunique(),
        text="Lines: how much the logits change as the missing token is moved.",
        say=lambda of: "{change:.3g} after a step of {length:.3g}".format(**of.iloc[-1]),
    )  # fmt: skip
    for axes in figure.axes:
        axes.set_xlabel("length of the token's step")
    figure.axes[0].set_ylabel("mean change of a logit")
    figure.axes[0].legend()
    return figure


@draws("variant", "setting", "seed", "accuracy")
def over_seeds(table: pd.DataFrame) -> Figure:
    """Accuracy of each variant by setting: a dot a seed, with low and high if known; their mean."""
    variants, seeds = table.variant.unique(), table.seed.nunique()
    colours = dict(zip(variants, itertools.cycle(VARIANTS), strict=False))
    known = {name: table.get(name, np.nan) for name in ("low", "high")}
    figure = forest(
        table.assign(colour=table.variant.map(colours), **known),
        "variant", "setting", split="seed", mean=True, same_scale=False,
        label="accuracy; each dot a seed with its 95% interval over videos, the tick their mean",
    )  # fmt: skip
    means = table.groupby(["setting", "variant"], sort=False).accuracy.mean()
    said = [f"{setting}, {variant}: mean {mean:.1%}." for (setting, variant), mean in means.items()]
    text = f"Accuracies of {len(variants)} variants with {seeds} seeds each."
    return describe(figure, text, *said)
