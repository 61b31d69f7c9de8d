"""Readings of notebook 03: each says in numbers what the figure or table above it shows."""

import pandas as pd
from IPython.display import Markdown

from mraf_lessons.kit.reading import seen as seen

CLEAR = 0.8  # an AUROC from which on a scorer is said to notice
COIN = 0.01  # an end of an interval that is nearer to one half is barely told from a coin


def noticing(auroc: float, low: float, high: float) -> str:
    """What an AUROC of clean over degraded clips says of a scorer, by its interval."""
    if low <= 0.5 <= high:
        return "does not notice it"
    if max(low - 0.5, 0.5 - high) <= COIN:
        return "is barely told from a coin"
    if high < 0.5:
        return "prefers the degraded clips"
    return "notices it" if auroc > CLEAR else "notices it weakly"


def degraded(curves: pd.DataFrame, found: pd.DataFrame) -> Markdown:
    """What the scorers notice of each damage, and what the fused head loses.

    `curves` has accuracies by modality, kind and amount; `found` the move of the median w_f, too.
    """
    rows = []
    fused = curves.groupby(["modality", "kind"]).fused
    for (modality, kind), row in found.iterrows():
        first, last = fused.get_group((modality, kind)).iloc[[0, -1]]
        says = noticing(row.auroc, row.low, row.high)
        rows.append(
            f"| {modality}: {kind} | {row.auroc:.3f} [{row.low:.3f}, {row.high:.3f}] | {says} | "
            f"{row.moved:+.3f} | {first:.0%} to {last:.0%} |"
        )
    most = found.moved.abs().max()
    columns = ("damage", "AUROC", "the scorer", "median $w_f$ moves by", "fused head")
    head = f"\n\n| {' | '.join(columns)} |\n" + 5 * "|---" + "|"
    return seen(
        f"No median weight moves by more than {most:.3f}. *Noticing* damage and *acting* on it are "
        "two things: compare the columns.",
        "\n".join([head, *rows]),
    )


def official(lowest: pd.DataFrame, highest: pd.DataFrame) -> Markdown:
    """What is left of it on the official features, of the least and most over the seeds."""
    said = []
    for modality in ("face", "voice"):
        of = [ends.loc[modality].auroc.dropna() for ends in (lowest, highest)]
        clear = int((of[0] > CLEAR).sum())
        said.append(
            f"{clear} of {len(of[0])} kinds of {modality} damage are noticed clearly in every "
            f"seed; the AUROCs go from {of[0].min():.2f} to {of[1].max():.2f}."
        )
    return seen(*said, "An AUROC below one half says that a scorer *prefers* the damaged clips.")


def forced(rows: pd.DataFrame) -> Markdown:
    """What a weight could gain at best, of conditions with best weight, its and own accuracy."""
    said = []
    for name, row in rows.iterrows():
        verdict = "This is worse." if row.worse else "The videos cannot tell them apart."
        said.append(
            f"*{name}*: the best common weight is {row.best:.1f} with {row.highest:.0%}, the "
            f"scorer's own weights (median {row.given:.2f}) have {row.own:.0%}. {verdict}"
        )
    return seen(
        *said,
        "The best weight was chosen on these very clips, so its accuracy is a little too high. All "
        "comparisons of a condition are corrected together (Holm, notebook 01c).",
    )
