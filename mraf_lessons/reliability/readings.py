"""Readings of notebook 03: each says in numbers what the figure or table above it shows."""

from collections.abc import Mapping

import pandas as pd
from IPython.display import Markdown

from mraf_lessons.kit.reading import seen
from mraf_lessons.reliability.view import DegradedClip

__all__ = ["calibration", "degraded", "distribution", "forced", "official", "reach", "seen"]
CLEAR = 0.8  # an AUROC from which on a scorer is said to notice


def noticing(auroc: float, low: float, high: float) -> str:
    """What an AUROC of clean over degraded clips says of a scorer, by its interval."""
    if low > 0.5:
        return "notices it" if auroc > CLEAR else "notices it weakly"
    return "prefers the degraded clips" if high < 0.5 else "does not notice it"


def reach(ends: Mapping[str, tuple[float, float]]) -> Markdown:
    """What the scorers can say at all; the least and most reliability by modality."""
    (low_f, high_f), (low_a, high_a) = ends["face"], ends["voice"]
    low, high = low_f / (low_f + high_a), high_f / (high_f + low_a)
    verdict = "No weight can empty a modality." if low > 0.1 and high < 0.9 else (
        "A weight can nearly empty a modality.")  # fmt: skip
    return seen(
        f"$r_f$ lies between {low_f:.2f} and {high_f:.2f}, $r_a$ between {low_a:.2f} and "
        f"{high_a:.2f}, whatever the network sees and hears. So $w_f$ lies between {low:.2f} and "
        f"{high:.2f}. {verdict}"
    )


def distribution(table: pd.DataFrame) -> Markdown:
    """Whether the weights react to the language, of face weights by setting."""
    middle = table.groupby("setting").face.quantile([0.05, 0.5, 0.95]).unstack()
    moved = middle.loc["P5", 0.5] - middle.loc["P3", 0.5]
    verdict = "hardly react" if abs(moved) < 0.05 else "react"
    parts = [
        f"In {name} the middle 90% of the clips have $w_f$ from {row[0.05]:.2f} to {row[0.95]:.2f}."
        for name, row in middle.loc[["P3", "P5"]].iterrows()
    ]
    return seen(
        f"The median of $w_f$ moves by {moved:+.3f} from P3 to P5: the scorers {verdict} to the "
        "language.",
        *parts,
        "In P4 and P6, $w_f = 0$ and $w_a = 1$ for every clip. There the reliabilities do nothing.",
    )


def degraded(curves: pd.DataFrame, found: pd.DataFrame) -> Markdown:
    """What the scorers notice of each damage, and what the fused head loses.

    Args:
        curves: accuracies by modality, kind and amount.
        found: auroc, low, high and the move of the median w_f, by modality and kind.
    """
    rows = []
    for (modality, kind), row in found.iterrows():
        own = curves[(curves.modality == modality) & (curves.kind == kind)]
        first, last = own.fused.iloc[[0, -1]]
        says = noticing(row.auroc, row.low, row.high)
        rows.append(
            f"| {modality}: {kind} | {row.auroc:.2f} [{row.low:.2f}, {row.high:.2f}] | {says} | "
            f"{row.moved:+.3f} | {first:.0%} to {last:.0%} |"
        )
    most = found.moved.abs().max()
    head = "\n\n| damage | AUROC | the scorer | $w_f$ moves by | fused head |\n" + 5 * "|---" + "|"
    return seen(
        f"No weight moves by more than {most:.3f}. *Noticing* damage and *acting* on it are two "
        "things: compare the columns.",
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
        "comparisons of a condition are corrected together (Holm, notebook 07).",
    )


def calibration(auroc: float, off: float, brier: float, base: float) -> Markdown:
    """Whether a weight orders clips, and whether it is a probability.

    Args:
        auroc: of w_f for "the face is the right one"; `off`: mean distance from the diagonal.
        brier: score of w_f as a probability; `base`: share of clips with the face right.
    """
    constant = base * (1 - base)
    orders = "orders the clips better than chance" if auroc > 0.55 else "hardly orders the clips"
    better = "lower" if brier < constant else "not lower"
    return seen(
        f"*Discrimination*: the AUROC is {auroc:.2f}, so the weight {orders}. *Calibration*: the "
        f"points lie {off:.2f} from the diagonal on average. The Brier score {brier:.3f} is "
        f"{better} than that of always saying {base:.0%} ({constant:.3f}). The base rate is that "
        "of our mixture of damages."
    )


def one_clip(found: DegradedClip) -> Markdown:
    """Where the damage to one clip shows, of what the explorer has found."""
    before, now = found.before, found.now
    moved = float(now.output.weight.face - before.output.weight.face)
    heads = [f"the {h} head at rank {now.guesses[h].rank}" for h in ("face", "voice", "fused")]
    verdict = "The weight hardly shows the damage." if abs(moved) < 0.05 else "The weight reacts."
    return seen(
        f"$w_f$ moves by {moved:+.3f} as the explorer opens. {verdict} The true speaker stands "
        f"with {', '.join(heads)}. The fused embedding has cosine {found.moved:.2f} with that of "
        "the clip as it is."
    )
