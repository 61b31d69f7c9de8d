"""Statistics by which a twin is judged to be like the real features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mraf.data.clips import Corpus
from mraf.data.describe import pair_cosines, sample_pairs, video_index
from mraf.data.splits import validation_split
from tools.fit_twin.landmarks import group_means, held_out_accuracy

Array = NDArray[Any]
Statistics = dict[str, tuple[float, float]]
"""Values by name, each with the difference that counts as one unit of misfit."""

JUDGED = ("english", "cross")
QUANTILES = {5: 0.015, 25: 0.03, 50: 0.015, 75: 0.03, 95: 0.015}  # level: unit
MARGINS = (2, 5, 10, 25, 50, 75)


@dataclass(frozen=True, eq=False)
class Probe:
    """Measures rows of train and cross by the pairs and the held-out videos of one corpus.

    What depends on who speaks where is prepared once, so that many draws can be measured.

    Args:
        pairs: pairs of rows by kind, each (2, P).
        splits: rows of train, english and cross of some validation splits.
        speaker, video: of each row, shape (N,); videos differ between languages and speakers.
    """

    pairs: dict[str, Array]
    splits: list[dict[str, Array]]
    speaker: Array
    video: Array

    @classmethod
    def of(cls, corpus: Corpus, splits: int, pairs: int) -> Probe:
        """The probe of a labelled corpus with so many splits, and pairs of each kind."""
        parts = corpus.train, corpus.cross
        english = {key: row for row, key in enumerate(corpus.train.key)}
        cross = {key: row for row, key in enumerate(corpus.cross.key, len(corpus.train))}
        rows = []
        for seed in range(splits):
            split = validation_split(corpus, seed)
            names = (("train", english), ("english", english), ("cross", cross))
            rows.append(
                {name: np.array([at[k] for k in getattr(split, name).key]) for name, at in names}
            )
        speaker = np.concatenate([part.labels for part in parts])
        return cls(sample_pairs(corpus, pairs), rows, speaker, video_index(*parts))

    def measure(self, rows: Array) -> Statistics:
        """All statistics of unit-length rows (N, D)."""
        each = [self._held_out(rows, split) for split in self.splits]
        held_out = {
            name: (float(np.mean([one[name][0] for one in each])), each[0][name][1])
            for name in each[0]
        }
        first = self.splits[0]
        train = np.sort(np.concatenate([first["train"], first["english"]]))
        expected: Statistics = {
            f"expected accuracy {name}": (value, 0.5)
            for name, value in held_out_accuracy(
                rows, self.speaker, self.video, train, first["cross"]
            ).items()
        }
        return self._cosines(rows) | expected | held_out | self._scatter(rows)

    def _cosines(self, rows: Array) -> Statistics:
        """Quantiles of the cosines of each kind of pair."""
        found: Statistics = {}
        for kind, pairs in self.pairs.items():
            values = np.percentile(pair_cosines(rows, pairs), list(QUANTILES))
            for (level, unit), value in zip(QUANTILES.items(), values, strict=True):
                found[f"{kind} {level}%"] = float(value), unit
        return found

    def _held_out(self, rows: Array, split: dict[str, Array]) -> Statistics:
        """How clips of held-out videos lie to the class means of the training clips.

        The margin is the cosine to the own mean less the highest of the others: below zero, the
        nearest class mean is wrong.
        """
        found: Statistics = {}
        train = split["train"]
        label, video = self.speaker[train], self.video[train]
        member = label == np.arange(label.max() + 1)[:, None]
        for weighting, weight in (
            ("clip", np.ones(len(train))),
            ("video", 1 / np.bincount(video)[video]),
        ):
            means = (member * weight).astype(np.float32) @ rows[train]
            means /= np.linalg.norm(means, axis=1, keepdims=True)
            for name in JUDGED:
                clips = split[name]
                cosine = rows[clips] @ means.T
                own = np.arange(len(clips)), self.speaker[clips]
                of_own = cosine[own]
                cosine[own] = -np.inf
                margin = of_own - cosine.max(axis=1)
                found[f"accuracy {name} {weighting}"] = 100 * float((margin > 0).mean()), 1.0
                if weighting == "clip":
                    found |= self._margins(name, margin, self.video[clips])
        return found

    @staticmethod
    def _margins(name: str, margin: Array, video: Array) -> Statistics:
        """Quantiles of margins, and how errors gather in videos."""
        found: Statistics = {
            f"margin {name} {level}%": (float(np.percentile(margin, level)), 0.04)
            for level in MARGINS
        }
        index = np.unique(video, return_inverse=True)[1]
        size = np.bincount(index)
        right = np.bincount(index, margin > 0) / size
        long = right[size >= min(5, size.max())]
        found[f"video accuracy {name}"] = 100 * float(right.mean()), 1.5
        found[f"clean videos {name}"] = 100 * float((long > 0.95).mean()), 4.0
        found[f"lost videos {name}"] = 100 * float((long < 0.3).mean()), 1.5
        return found

    def _scatter(self, rows: Array) -> Statistics:
        """How clips scatter within videos, and in how many dimensions speakers differ."""
        size = np.bincount(self.video)
        means = group_means(rows, self.video, len(size))
        within = size * (1 - (means**2).sum(axis=1)) / np.maximum(size - 1, 1)
        long = size >= min(5, size.max())
        found: Statistics = {
            f"within video {level}%": (float(np.percentile(within[long], level)), 0.03)
            for level in (10, 50, 90)
        }
        speaker = np.zeros(len(size), dtype=np.int64)
        speaker[self.video] = self.speaker
        between = np.cov(group_means(means, speaker, speaker.max() + 1).T)
        rest = (rows - means[self.video]) / np.sqrt(size[self.video], dtype=np.float32)[:, None]
        clips = rest.T @ rest
        power = np.sum(between**2)
        aligned = np.sum(between * clips) / np.sqrt(power * np.sum(clips**2))
        found["speaker dimensions"] = float(np.trace(between) ** 2 / power), 1.0
        found["alignment"] = float(aligned), 0.02
        return found
