"""Figures of results: accuracies with their intervals, a training run, speakers, reliabilities."""

import numpy as np
import pandas as pd
from matplotlib.patches import Patch

from mraf_lessons.kit import style
from mraf_lessons.kit.forest import forest
from mraf_lessons.kit.style import Figure, describe, draws, percent_axis, row_of_panels, styled


def accuracy_table(scores: pd.DataFrame, highlight: str = "MRAF") -> Figure:
    """Accuracy of each system in each setting, a dot with its interval, by `Evaluation.scores`.

    Systems whose names begin with `highlight` are drawn in colour, the others in grey. Raises
    DataError for no rows, or a column missing of system, setting, accuracy, low and high.
    """
    scores = scores.reset_index() if "system" not in scores.columns else scores
    style.require(scores, "system", "setting", "accuracy", "low", "high")
    ours = scores.system.str.startswith(highlight)
    colour = np.where(ours, style.PALETTE["sky"], style.GREY)
    shown = scores.assign(
        colour=np.where(scores.system == highlight, style.FUSED, colour),
        text=(100 * scores.accuracy).map("{:.1f}".format),
    )
    label = "accuracy, with its 95% interval over videos"
    figure = forest(shown, "system", "setting", label=label)
    known = scores[scores.accuracy.notna()]
    best = known.loc[known.groupby("setting", sort=False).accuracy.idxmax()]
    said = [f"{s}: best {name} with {accuracy:.1%}." for s, name, accuracy in
            best[["setting", "system", "accuracy"]].itertuples(index=False)]  # fmt: skip
    count = scores.system.nunique()
    return describe(figure, f"Accuracies of {count} systems with 95% intervals.", *said)


LOSSES = {
    "loss": ("whole objective", style.INK, "-"),
    "ce_fused": ("cross-entropy, fused", style.FUSED, "-"),
    "ce_voice": ("cross-entropy, voice", style.VOICE, "-"),
    "ce_face": ("cross-entropy, face", style.FACE, "-"),
    "kd": ("distillation", style.OTHER, "--"),
    "center": ("centre loss", style.PALETTE["vermillion"], ":"),
}


@draws("epoch", "loss")
def history(
    table: pd.DataFrame, scores: pd.DataFrame | None = None, epochs: int | None = None
) -> Figure:
    """Loss parts and accuracies by epoch, of so many that there will be.

    Scores are the accuracies P3 … P6 of judged epochs; by default, those on the training clips.
    """
    epochs = epochs or int(table.epoch.max())
    title = "Accuracy on held-out videos"
    if scores is None:
        style.require(table, "accuracy")
        title, scores = "Training accuracy, fused head", table.set_index("epoch")[["accuracy"]]
    marks = "os^D" if len(table) < 40 else [""] * 4
    figure, (left, right) = row_of_panels(2, 4.5, 3.9)
    for column, (label, colour, line) in LOSSES.items():
        if column in table.columns and (table[column] > 0).any():
            left.plot(table.epoch, table[column], line, color=colour, label=label)
    left.set(title="Loss and its parts, unweighted", ylabel="loss (log scale)", yscale="log")
    left.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.19), ncols=3)
    for (name, values), mark in zip(scores.items(), marks, strict=False):
        colour, line = style.SETTING.get(str(name), (style.FUSED, "-"))
        right.plot(scores.index, values, line, color=colour, marker=mark, ms=4, label=str(name))
    right.set(title=title, ylim=(-0.02, 1.03))
    right.legend(ncols=2, loc="lower right")
    percent_axis(right)
    for axes in (left, right):
        axes.grid()
        axes.set(xlim=(0.5, epochs + 0.5), xlabel="epoch")
        axes.locator_params(axis="x", integer=True)
    last = ", ".join(f"{name} {values.iloc[-1]:.1%}" for name, values in scores.items())
    loss = f"The loss goes from {table.loss.iloc[0]:.3g} to {table.loss.iloc[-1]:.3g}."
    return describe(
        figure, f"Two line plots, {len(table)} of {epochs} epochs. {loss} {title}, last: {last}."
    )


@styled
def per_speaker_accuracy(table: pd.DataFrame, system: str | None = None) -> Figure:
    """Accuracy of each speaker, sorted within each setting; the size of a dot shows its clips.

    Of `Evaluation.per_speaker`, one system is drawn, by default the first. Raises DataError for no
    rows of it, or a column missing.
    """
    if "system" in table.columns:
        system = table.system.iloc[0] if system is None and len(table) else system
        table = table[table.system == system]
    style.require(table, "setting", "speaker", "accuracy", "clips")
    settings = table.setting.unique()
    figure, panels = row_of_panels(len(settings), 8.6 / len(settings), 3.2, sharey=True)
    said = []
    for axes, setting in zip(panels, settings, strict=True):
        rows = table[table.setting == setting].sort_values(["accuracy", "clips"])
        size = 8 + 60 * rows.clips.astype(float) / float(table.clips.max())
        rank = np.arange(len(rows))
        axes.vlines(rank, rows.accuracy, 1, color=style.PALE, lw=1)
        axes.scatter(rank, rows.accuracy, s=size, color=style.FUSED, alpha=0.8, lw=0, zorder=3)
        perfect = int((rows.accuracy == 1).sum())
        axes.set(title=setting, xticks=[])
        style.note(axes, 0.97, 0.04, f"{perfect} of {len(rows)}\nwithout an error", ha="right")
        axes.grid(axis="y")
        worst = "{accuracy:.0%} of {clips:.0f} clips".format(**rows.iloc[0])
        said.append(f"{setting}: {perfect} of {len(rows)} speakers without an error, the worst "
                    f"{worst}.")  # fmt: skip
    percent_axis(panels[0])
    panels[0].set(ylabel="accuracy", ylim=(-0.03, 1.04))
    figure.supxlabel("speakers, worst first; the larger a dot, the more clips", fontsize=9.5)
    return describe(figure, f"Accuracy of each speaker{f', {system}' if system else ''}.", *said)


@draws("setting", "face", "voice")
def reliability_and_weights(table: pd.DataFrame) -> Figure:
    """Distribution of the weights w_f (`face`) and w_a (`voice`, Eq. 11) of clips by setting."""
    settings = [str(name) for name in table.setting.unique()]
    figure = style.new_figure(7, 1.1 + 0.6 * len(settings))
    axes, said = figure.subplots(), []
    for row, setting in enumerate(settings):
        rows = table[table.setting == setting]
        for column, colour in style.MODALITY.items():
            style.ridge(axes, row, rows[column].to_numpy(), np.linspace(0, 1, 61), colour)
        face, voice = rows.face.median(), rows.voice.median()
        said.append(f"{setting}: median w_f {face:.2f}, w_a {voice:.2f}.")
    style.ridge_rows(axes, [f"{name}\n{style.CONDITIONS.get(name, '')}" for name in settings])
    axes.set(title="Modality weights of the clips", xlabel="weight", xlim=(-0.02, 1.02))
    patches = [Patch(color=colour, alpha=0.55) for colour in style.MODALITY.values()]
    names = ["face, $w_f$", "voice, $w_a$"]
    figure.legend(patches, names, loc="outside lower center", ncols=2, fontsize=8.5)
    text = "Densities of the face and voice weights; a tick marks each median."
    return describe(figure, text, *said)
