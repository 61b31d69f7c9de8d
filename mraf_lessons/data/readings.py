"""Readings of notebook 01: each says in numbers what the figure or table above it shows."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from IPython.display import Markdown

from mraf.data.clips import FeatureSet, unit
from mraf.data.splits import Split
from mraf_lessons.kit.reading import seen


def alikeness(blocks: Mapping[str, FeatureSet]) -> dict[str, tuple[float, float, float]]:
    """Mean cosine of pairs within the first block, to the second and to the third, by modality."""
    found = {}
    for modality in ("face", "voice"):
        first, *others = (unit(getattr(clips, modality)) for clips in blocks.values())
        within = (first @ first.T)[np.triu_indices(len(first), 1)]
        second, third = (float((first @ rows.T).mean()) for rows in others)
        found[modality] = float(within.mean()), second, third
    return found


def counts(table: pd.DataFrame) -> Markdown:
    """How unevenly clips, videos and faces are spread, of `describe.counts`."""
    row = table.loc["train"]
    clips, pictures = row["clips"], row["distinct faces"]
    held = f"{row['speakers with one video']} of {row['speakers']:.0f} speakers have"
    return seen(
        f"The speaker with the most clips has {row['clips per speaker, max']:.0f}, the one with "
        f"the fewest {row['clips per speaker, min']:.0f}. {held} a single training video: if you "
        f"hold it out, nothing is left to learn them from. {clips:,} clips show {pictures:,} "
        f"different pictures: {1 - pictures / clips:.0%} of the clips bring no new one."
    )


def alike(cosines: pd.DataFrame, auc: pd.Series) -> Markdown:
    """What the change of language costs each modality, of cosines and of AUCs (kind, modality)."""
    middle = cosines.groupby(["modality", "relation"]).cosine.median()
    said = []
    for modality in ("face", "voice"):
        near, far = (
            middle[modality, f"same speaker, other {what}"] for what in ("video", "language")
        )
        other = middle[modality, "different speakers"]
        said.append(
            f"For {modality}s the median cosine of one speaker falls from {near:.2f} to {far:.2f} "
            f"when the language changes; two speakers have {other:.2f}."
        )
    across = auc["same speaker, other language"]
    worse = str(across.idxmin())
    return seen(
        *said,
        f"The {worse} has less to spare: its AUC across languages is {across.min():.3f}, against "
        f"{across.max():.3f}. Another language is also another recording.",
    )


def flaws(table: pd.DataFrame) -> Markdown:
    """What the flawed videos would do to a measurement, of `describe.flawed_videos`."""
    shared = table[table.flaw == "shared"]
    if shared.empty:
        return seen("No video stands in both lists, so nothing was heard before.")
    return seen(
        f"{len(shared)} videos stand in both lists. Of their {shared.cross.sum()} clips in the "
        f"second language, {shared.repeated.sum()} repeat a training voice bit for bit. A system "
        "that names them shows memory, not another language. Videos marked *repeated* are one "
        "recording under two names. They do no harm while both stay on one side of a split."
    )


def leaks(mean: pd.DataFrame) -> Markdown:
    """What the split by clip does to a ranking, of mean accuracies by (modality, system)."""
    said = []
    for modality, table in mean.groupby(level="modality"):
        gain = (table["by clip"] - table["by video"]).droplevel("modality")
        best = {split: table[split].droplevel("modality").idxmax() for split in table}
        verdict = "Both splits agree on the better system."
        if best["by clip"] != best["by video"]:
            verdict = f"By clip the {best['by clip']} wins, by video the {best['by video']}."
        gains = " and ".join(f"the {s} {100 * g:+.1f} points" for s, g in gain.items())
        said.append(f"For {modality}s, the split by clip gives {gains}. {verdict}")
    return seen(*said, "From here on, whole videos are held out.")


def table(scores: pd.DataFrame, split: Split, named: np.ndarray) -> Markdown:
    """What a mean and a cosine reach, and how P6 goes (`named` rightly) for who is not in P4."""
    both = scores.loc["class means, sum (clip-weighted)"].accuracy
    known = np.isin(split.cross.labels, split.english.labels)
    said = ""
    if not known.all():
        said = (
            f"P6 also judges speakers with a single English video: {named[~known].mean():.1%} "
            f"of their clips are right, and {named[known].mean():.1%} of all others. So the step "
            "from P4 to P6 is not the language alone."
        )
    return seen(
        f"With the face, a mean and a cosine name {both['P3']:.1%} (P3) and {both['P5']:.1%} (P5) "
        f"of the clips. Without it they name {both['P4']:.1%} (P4) and {both['P6']:.1%} (P6).",
        said,
        "The face alone has no score in P4 and P6, since all speakers tie. Put this table beside "
        "every network.",
    )
