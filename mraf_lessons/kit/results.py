"""Figures of results: accuracies with their intervals, a training run, speakers, reliabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.patches import Patch

from mraf_lessons.kit.style import (
    FACE,
    FUSED,
    GREY,
    INK,
    OTHER,
    PALE,
    PALETTE,
    VOICE,
    Figure,
    describe,
    new_figure,
    percent_axis,
    require,
    ridge,
    ridge_rows,
    styled,
)

CONDITIONS = {
    "P3": "English, face and voice",
    "P4": "English, voice only",
    "P5": "cross-lingual, face and voice",
    "P6": "cross-lingual, voice only",
    "mean": "mean of P3–P6",
}


@styled
def accuracy_table(scores: pd.DataFrame, highlight: str = "MRAF") -> Figure:
    """Accuracy of each system in each setting, a dot with its interval.

    Args:
        scores: columns system, setting, accuracy, low, high (fractions; NaN where a setting is not
            defined for a system), or ``Evaluation.scores`` as it is. Systems are drawn in the order
            of their first row, the first on top.
        highlight: systems whose name begins so are drawn in colour, the others in grey.
    Raises:
        DataError: no rows, or a column missing.
    """
    scores = scores.reset_index() if "system" not in scores.columns else scores
    require(scores, "system", "setting", "accuracy", "low", "high")
    scores = scores[scores.accuracy.notna()]
    systems = [str(name) for name in scores.system.unique()]
    settings = [str(name) for name in scores.setting.unique()]
    figure = new_figure(1.9 + 1.75 * len(settings), 1.15 + 0.34 * len(systems))
    panels = figure.subplots(1, len(settings), sharex=True, sharey=True, squeeze=False)[0]
    lowest = float(np.nanmin(scores[["accuracy", "low"]].to_numpy()))
    left = max(0.0, np.floor((lowest - 0.02) * 10) / 10)
    sentences = []
    for axes, setting in zip(panels, settings, strict=True):
        for row, system in enumerate(systems):
            chosen = scores[(scores.system == system) & (scores.setting == setting)]
            if chosen.empty:
                axes.text((left + 1) / 2, row, "–", ha="center", va="center", color=GREY)
                continue
            point = chosen.iloc[0]
            ours = system.startswith(highlight)
            colour = (FUSED if system == highlight else PALETTE["sky"]) if ours else GREY
            axes.plot(
                [point.low, point.high],
                [row, row],
                color=colour,
                lw=2.4,
                alpha=0.5,
                solid_capstyle="butt",
            )
            axes.plot(point.accuracy, row, "o", color=colour, ms=5.5)
            axes.annotate(
                f"{100 * point.accuracy:.1f}",
                (point.accuracy, row),
                xytext=(0, 4.5),
                textcoords="offset points",
                ha="center" if point.accuracy < 1 - 0.1 * (1 - left) else "right",
                fontsize=7.5,
                color=INK,
            )
        axes.set_title(setting, pad=27)
        condition = CONDITIONS.get(setting, "").replace(", ", ",\n")
        axes.text(0, 1.02, condition, transform=axes.transAxes, fontsize=7.5, color=GREY)
        axes.grid(axis="x")
        percent_axis(axes, "x")
        best = scores[scores.setting == setting].nlargest(1, "accuracy").iloc[0]
        sentences.append(f"{setting}: best {best.system} with {best.accuracy:.1%}.")
    panels[0].set_yticks(range(len(systems)), systems)
    panels[0].set(ylim=(len(systems) - 0.5, -0.7), xlim=(left, 1 + 0.05 * (1 - left)))
    for axes in panels:
        axes.tick_params(axis="y", length=0)
    figure.supxlabel("accuracy, with its 95% interval over videos", fontsize=9.5)
    text = f"Accuracies of {len(systems)} systems with 95% intervals. "
    return describe(figure, text + " ".join(sentences))


LOSSES = {
    "loss": ("whole objective", INK, "-"),
    "ce_fused": ("cross-entropy, fused", FUSED, "-"),
    "ce_voice": ("cross-entropy, voice", VOICE, "-"),
    "ce_face": ("cross-entropy, face", FACE, "-"),
    "kd": ("distillation", OTHER, "--"),
    "center": ("centre loss", PALETTE["vermillion"], ":"),
}


@styled
def history(table: pd.DataFrame) -> Figure:
    """How training went: the loss parts, unweighted, and the accuracy on the training clips.

    Args:
        table: a run's history, one row an epoch: epoch, loss and its parts ce_face, ce_voice,
            ce_fused, kd, center (those that there are), accuracy; optionally seconds.
    Raises:
        DataError: no rows, or a column missing.
    """
    require(table, "epoch", "loss", "accuracy")
    figure = new_figure(8.6, 3.5)
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    mark = "." if len(table) < 40 else ""
    for column, (label, colour, line) in LOSSES.items():
        if column in table.columns and (table[column] > 0).any():
            left.plot(table.epoch, table[column], line, color=colour, label=label, marker=mark)
    left.set_yscale("log")
    left.set(title="Loss and its parts, unweighted", xlabel="epoch", ylabel="loss (log scale)")
    left.legend(fontsize=8)
    right.plot(table.epoch, table.accuracy, color=FUSED, marker=mark)
    right.set(title="Training accuracy, fused head", xlabel="epoch", ylim=(0, 1.03))
    percent_axis(right)
    for axes in (left, right):
        axes.grid()
        axes.xaxis.get_major_locator().set_params(integer=True)
    first, last = table.iloc[0], table.iloc[-1]
    text = (
        f"Two line plots over {len(table)} epochs. The loss goes from {first.loss:.3g} to "
        f"{last.loss:.3g}, the training accuracy from {first.accuracy:.1%} to {last.accuracy:.1%}."
    )
    if "seconds" in table.columns:
        seconds = f"{table.seconds.sum():.0f} s in all, {table.seconds.median():.2g} s an epoch"
        figure.supxlabel(seconds, fontsize=8.5, color=GREY, x=0.99, ha="right")
        text += f" {seconds.capitalize()}."
    return describe(figure, text)


@styled
def per_speaker_accuracy(table: pd.DataFrame, system: str | None = None) -> Figure:
    """Accuracy of each speaker, sorted within each setting; the size of a dot shows its clips.

    Args:
        table: columns setting, speaker, accuracy and clips, as ``Evaluation.per_speaker``.
        system: which to draw where the table has a column system; by default the first.
    Raises:
        DataError: no rows (of this system), or a column missing.
    """
    if "system" in table.columns:
        system = table.system.iloc[0] if system is None and len(table) else system
        table = table[table.system == system]
    require(table, "setting", "speaker", "accuracy", "clips")
    settings = [str(name) for name in table.setting.unique()]
    figure = new_figure(8.6, 3.2)
    panels = figure.subplots(1, len(settings), sharey=True, squeeze=False)[0]
    sentences = []
    for axes, setting in zip(panels, settings, strict=True):
        rows = table[table.setting == setting].sort_values(["accuracy", "clips"])
        size = 8 + 60 * rows.clips.astype(float) / float(table.clips.max())
        rank = np.arange(len(rows))
        axes.vlines(rank, rows.accuracy, 1, color=PALE, lw=1)
        axes.scatter(rank, rows.accuracy, s=size, color=FUSED, alpha=0.8, lw=0, zorder=3)
        perfect = int((rows.accuracy == 1).sum())
        axes.set_title(setting)
        axes.text(
            0.97, 0.04, f"{perfect} of {len(rows)}\nwithout an error", transform=axes.transAxes,
            ha="right", fontsize=8, color=GREY,
        )  # fmt: skip
        axes.set_xticks([])
        axes.grid(axis="y")
        worst = rows.iloc[0]
        sentences.append(
            f"{setting}: {perfect} of {len(rows)} speakers without an error, the worst "
            f"{worst.accuracy:.0%} of {int(worst.clips)} clips."
        )
    percent_axis(panels[0])
    panels[0].set(ylabel="accuracy", ylim=(-0.03, 1.04))
    figure.supxlabel("speakers, worst first; the larger a dot, the more clips", fontsize=9.5)
    title = f"Accuracy of each speaker{f', {system}' if system else ''}. "
    return describe(figure, title + " ".join(sentences))


@styled
def reliability_and_weights(table: pd.DataFrame) -> Figure:
    """Distribution of the modality weights w_f and w_a (Eq. 11) over the clips of each setting.

    Args:
        table: columns setting, face and voice: w_f and w_a, one row a clip.
    Raises:
        DataError: no rows, or a column missing.
    """
    require(table, "setting", "face", "voice")
    settings = [str(name) for name in table.setting.unique()]
    figure = new_figure(7, 1.1 + 0.6 * len(settings))
    axes = figure.subplots()
    edges = np.linspace(0, 1, 61)
    sentences = []
    for row, setting in enumerate(settings):
        rows = table[table.setting == setting]
        for column, colour in (("face", FACE), ("voice", VOICE)):
            ridge(axes, row, rows[column].to_numpy(), edges, colour)
        face, voice = rows.face.median(), rows.voice.median()
        sentences.append(f"{setting}: median w_f {face:.2f}, w_a {voice:.2f}.")
    ridge_rows(axes, [f"{name}\n{CONDITIONS.get(name, '')}" for name in settings])
    axes.set(title="Modality weights of the clips", xlabel="weight", xlim=(-0.02, 1.02))
    patches = [Patch(color=colour, alpha=0.55) for colour in (FACE, VOICE)]
    beside_title: Any = {"loc": "lower right", "bbox_to_anchor": (1, 1), "ncols": 2}
    axes.legend(patches, ["face, $w_f$", "voice, $w_a$"], **beside_title)
    text = "Densities of the face and voice weights; a tick marks each median. "
    return describe(figure, text + " ".join(sentences))
