"""Two corpora side by side: is the twin like the real one? (the option ``--compare``)"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from mraf.data.clips import Corpus
from mraf.data.describe import cosine_quantiles, counts, flawed_videos, norms
from mraf.data.splits import P3, P4, P5, P6, validation_split
from mraf.evaluation.baselines import ClassMeans
from mraf.evaluation.judge import top1

POINTS = 2.0  # tolerated difference of accuracies, in points
COSINE = 0.05  # of quantiles of cosines
NORM = 15.0  # of quantiles of norms
EQUAL = ("clips", "videos", "speakers", "speakers with one video")


@dataclass(frozen=True, eq=False)
class Comparison:
    """The table of `compare`; ``str()`` shows it with a line that sums it up.

    Args:
        table: rows (quantity group, quantity); columns the two names, "difference", "tolerance",
            "within" (bool).
    """

    table: pd.DataFrame

    def __str__(self) -> str:
        shown = self.table.copy()
        shown["within"] = np.where(shown["within"], "yes", "NO")
        outside = int((~self.table["within"]).sum())
        verdict = f"{len(self.table) - outside} of {len(self.table)} quantities within tolerance"
        return f"{shown.to_string(float_format='{:.3f}'.format)}\n\n{verdict}"


def compare(first: Corpus, second: Corpus, splits: int = 10) -> Comparison:
    """Counts, flaws, norms, cosines and class-mean accuracies of two labelled corpora.

    Args:
        splits: accuracies are means over this many validation splits (seeds 0, 1, …): a split
            holds out one video of each speaker, so that a single one is off by some points.
    """
    names = [first.name, second.name if second.name != first.name else f"{second.name} (2)"]
    columns = [_quantities(corpus, splits) for corpus in (first, second)]
    rows = [row for row in columns[0] if row in columns[1]]
    table = pd.DataFrame(
        {
            name: [column[row][0] for row in rows]
            for name, column in zip(names, columns, strict=True)
        },
        index=pd.MultiIndex.from_tuples(rows, names=["", "quantity"]),
    )
    table["difference"] = table[names[0]] - table[names[1]]
    table["tolerance"] = [columns[0][row][1] for row in rows]
    table["within"] = table["difference"].abs() <= table["tolerance"]
    return Comparison(table)


def class_mean_accuracies(corpus: Corpus, splits: int = 10) -> dict[str, float]:
    """Accuracy in percent of each class-mean system where it has its modality, by name."""
    total: dict[str, float] = {}
    modalities: dict[Literal["voice", "face", "sum"], tuple] = {
        "voice": (P4, P6),
        "face": (P3, P5),
        "sum": (P3, P5),
    }
    weightings: tuple[Literal["clip", "video"], ...] = ("clip", "video")
    for seed in range(splits):
        split = validation_split(corpus, seed)
        for modality, settings in modalities.items():
            for weighting in weightings:
                system = ClassMeans(split.train, modality, weighting)
                for setting in settings:
                    clips = split.clips(setting)
                    right = top1(system(clips)[system.name], clips.labels)
                    name = f"{setting.name} {modality}, {weighting}-weighted means"
                    total[name] = total.get(name, 0.0) + 100 * float(right.mean()) / splits
    return dict(sorted(total.items()))


def _quantities(corpus: Corpus, splits: int) -> dict[tuple[str, str], tuple[float, float]]:
    """Every compared quantity by (group, name), with its tolerance."""
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for part, row in counts(corpus).iterrows():
        for name in EQUAL:
            if part in ("train", "cross") or name == "clips":
                found["counts", f"{part}: {name}"] = float(row[name]), 0.0
    flaws = flawed_videos(corpus)["flaw"].value_counts()
    for flaw in ("shared", "ambiguous", "repeated"):
        found["counts", f"{flaw} videos"] = float(flaws.get(flaw, 0)), 0.0
    levels = (5.0, 50.0, 95.0)
    for part, row in norms(corpus, levels).loc["voice"].iterrows():
        for level, value in row.items():
            found["voice norm", f"{part}: {level}"] = float(value), NORM
    for (modality, kind), row in cosine_quantiles(corpus, levels=levels).iterrows():
        for level, value in row.items():
            found[f"{modality} cosine", f"{kind}: {level}"] = float(value), COSINE
    for name, value in class_mean_accuracies(corpus, splits).items():
        found["accuracy", name] = value, POINTS
    return found
