"""Figures of a missing face: what stands in for it, what that changes, and what it scores."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray
from torch import Tensor

from mraf.errors import DataError
from mraf.model import Output
from mraf_lessons.kit.forest import forest
from mraf_lessons.kit.style import (
    FACE,
    FUSED,
    GREY,
    OTHER,
    PALE,
    PALETTE,
    VOICE,
    Figure,
    describe,
    new_figure,
    require,
    styled,
)

VARIANTS = (FUSED, PALETTE["sky"], PALETTE["vermillion"], OTHER, PALETTE["orange"])


def _numbers(tensor: Tensor) -> NDArray[np.float32]:
    values: NDArray[np.float32] = tensor.detach().float().cpu().numpy()
    return values


@styled
def stand_ins(outputs: Mapping[str, Output], speaker: int, numbers: int = 48) -> Figure:
    """One clip under several ways of treating its face, a row each, from tokens to logits.

    Args:
        outputs: what the network makes of the clip, by the way its face is treated; only the
            first clip of each is drawn.
        speaker: who speaks, whose logit is marked.
        numbers: how many of the d numbers of tokens and embeddings are shown.
    Raises:
        DataError: no outputs.
    """
    if not outputs:
        raise DataError("nothing to draw; give the output of at least one way.")
    figure = new_figure(9.4, 0.7 + 1.15 * len(outputs))
    panels = figure.subplots(len(outputs), 5, squeeze=False, width_ratios=[3, 1.7, 3, 1.4, 2.2])
    titles = (
        "face tokens $T_f$",
        "$r_f\\ r_a\\ w_f\\ w_a$",
        "$\\hat H_f = w_f H_f$",
        "$e_c$",
        "five highest $z_c$",
    )
    for axes, title in zip(panels[0], titles, strict=True):
        axes.set_title(title, fontsize=10)
    first = next(iter(outputs.values()))
    weighted = np.abs(_numbers(first.weighted.face[0, :, :numbers])).max()
    fused = np.abs(_numbers(first.fused_embedding[0, :numbers])).max()
    sentences = []
    for row, (name, output) in zip(panels, outputs.items(), strict=True):
        tokens = _numbers(output.face.tokens[0, :, :numbers])
        limit = float(np.abs(tokens).max())
        _image(row[0], tokens, limit)
        row[0].set_xlabel(f"colours from -{limit:.2g} to {limit:.2g}", fontsize=7, color=GREY)
        reliability, weight = (
            [float(x[0]) for x in p] for p in (output.reliability, output.weight)
        )
        bars = row[1].bar(range(4), [*reliability, *weight], color=[FACE, VOICE] * 2)
        for bar in bars[:2]:
            bar.set_alpha(0.5)
        row[1].bar_label(bars, fmt="%.2f", fontsize=7)
        row[1].set(ylim=(0, 1.3), yticks=[])
        row[1].set_xticks(range(4), ["$r_f$", "$r_a$", "$w_f$", "$w_a$"], fontsize=8)
        _image(row[2], _numbers(output.weighted.face[0, :, :numbers]), weighted)
        _image(row[3], _numbers(output.fused_embedding[0, :numbers])[:, None], fused)
        _top_logits(row[4], _numbers(output.logits.fused[0]), speaker)
        row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
        norm = float(output.weighted.face[0].norm())
        moved = float((output.fused_embedding[0] - first.fused_embedding[0]).norm())
        named = int(output.logits.fused[0].argmax())
        sentences.append(
            f"{name}: face tokens up to {limit:.2g}, r_f {reliability[0]:.2f}, "
            f"w_f {weight[0]:.2f}, length of the weighted face tokens {norm:.1f}, "
            f"e_c {moved:.1f} away from that of the first row, "
            f"{'the true speaker' if named == speaker else 'another speaker'} named."
        )
    text = f"A grid of {len(outputs)} rows, from the face tokens of one clip to its logits. "
    return describe(figure, text + " ".join(sentences).replace("\n", " "))


def _image(axes: Axes, values: NDArray[np.float32], limit: float) -> None:
    axes.imshow(
        values,
        cmap="PuOr_r",
        vmin=-limit or -1,
        vmax=limit or 1,
        aspect="auto",
        interpolation="nearest",
    )
    axes.set(xticks=[], yticks=[])


def _top_logits(axes: Axes, logits: NDArray[np.float32], speaker: int, count: int = 5) -> None:
    top = np.argsort(-logits, kind="stable")[:count]
    colours = [FUSED if k == speaker else PALE for k in top]
    axes.barh(range(len(top)), logits[top], color=colours)
    axes.set_yticks(range(len(top)), [str(k) for k in top], fontsize=7)
    axes.tick_params(axis="y", length=0, pad=1)
    axes.invert_yaxis()
    axes.set_xticks([])
    if speaker not in top:
        axes.set_xlabel("the true speaker is not among them", fontsize=7, color=GREY)


@styled
def token_sweep(table: pd.DataFrame) -> Figure:
    """How far each head's logits move as the missing token is moved away from where it was.

    Args:
        table: columns model, head ("face", "fused"), length (of the step, at least 0) and change
            (of the logits, in the same unit for all).
    Raises:
        DataError: no rows, or a column missing.
    """
    require(table, "model", "head", "length", "change")
    models = [str(name) for name in table.model.unique()]
    figure = new_figure(8.6, 3.3)
    panels = figure.subplots(1, len(models), sharey=True, squeeze=False)[0]
    looks = {"face": (FACE, "-", "s"), "fused": (FUSED, "-", "o"), "voice": (VOICE, "--", "^")}
    sentences = []
    for axes, model in zip(panels, models, strict=True):
        for head in table["head"].unique():
            rows = table[(table.model == model) & (table["head"] == head)].sort_values("length")
            colour, line, mark = looks.get(str(head), (OTHER, ":", "."))
            axes.plot(
                rows.length,
                rows.change,
                line,
                color=colour,
                marker=mark,
                ms=5,
                label=f"{head} head",
            )
            last = rows.iloc[-1]
            sentences.append(
                f"{model}, {head} head: {last.change:.3g} after a step of {last.length:.3g}."
            )
        axes.set(title=model, xlabel="length of the token's step")
        axes.grid()
    panels[0].set_ylabel("mean change of a logit")
    panels[0].legend()
    text = "Lines: how much the logits change as the missing token is moved. "
    return describe(figure, text + " ".join(sentences))


def over_seeds(table: pd.DataFrame) -> Figure:
    """Accuracy of each variant in each setting: a dot with its interval a seed, a tick at the mean.

    Args:
        table: columns variant, setting, seed, accuracy and, where they are known, low and high
            (fractions). Variants are drawn in the order of their first row, the first on top.
    Raises:
        DataError: no rows, or a column missing.
    """
    require(table, "variant", "setting", "seed", "accuracy")
    variants, seeds = table.variant.unique(), table.seed.nunique()
    colours = dict(zip(variants, itertools.cycle(VARIANTS), strict=False))
    known = {name: table.get(name, np.nan) for name in ("low", "high")}
    label = "accuracy; each dot a seed with its 95% interval over videos, the tick their mean"
    figure = forest(
        table.assign(colour=table.variant.map(colours), **known),
        "variant", "setting", split="seed", mean=True, same_scale=False, label=label,
    )  # fmt: skip
    means = table.groupby(["setting", "variant"], sort=False).accuracy.mean()
    said = [f"{setting}, {variant}: mean {mean:.1%}." for (setting, variant), mean in means.items()]
    text = f"Accuracies of {len(variants)} variants with {seeds} seeds each."
    return describe(figure, text, *said)


@styled
def guess_from_nothing(frequency: NDArray[np.float64], guess: NDArray[np.float64]) -> Figure:
    """What the face head says where there is no face, against how often each speaker is heard.

    Args:
        frequency: share of each speaker among the training clips, shape (C,).
        guess: softmax of the face head's logits for a missing face, shape (C,).
    Raises:
        DataError: shapes that differ.
    """
    if frequency.shape != guess.shape or frequency.ndim != 1:
        raise DataError(f"shares of shape {frequency.shape} and a guess of shape {guess.shape}.")
    figure = new_figure(5.2, 4)
    axes = figure.subplots()
    low = float(min(frequency.min(), guess.min()))
    high = float(max(frequency.max(), guess.max()))
    axes.plot([low, high], [low, high], color=PALE)
    axes.plot(frequency, guess, "o", color=FACE, alpha=0.8, ms=5)
    axes.set(
        xscale="log", yscale="log", xlabel="share of the training clips",
        ylabel="probability given by the face head", title="One dot a speaker, no face given",
    )  # fmt: skip
    axes.grid()
    correlation = float(np.corrcoef(np.log(frequency), np.log(guess))[0, 1])
    return describe(
        figure,
        f"A scatter plot of {len(guess)} speakers: their share of the training clips against the "
        f"face head's probability without a face. Correlation of the logarithms {correlation:.2f}.",
    )
