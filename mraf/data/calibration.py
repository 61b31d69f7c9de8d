"""Choose the twin's tails and sizes so that twins behave as the measured corpus does."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from tqdm.auto import tqdm

from mraf.data.features import Corpus
from mraf.data.inspection import pair_cosines, sample_pairs, video_index
from mraf.data.protocol import validation_split
from mraf.data.twin import Scalars, draw_coordinates, draw_people, generate

Array = NDArray[Any]

# Each knob: its path in a modality's scalars, its range, and whether it multiplies (as exp).
KNOBS: tuple[tuple[tuple[str, ...], float, float, bool], ...] = (
    (("mean",), -1.5, 1.5, True),
    (("shift",), -1.5, 2.0, True),
    (("language", "energy"), -1.5, 2.5, True),
    (("video", "energy"), -1.5, 1.5, True),
    (("clip", "energy"), -1.5, 1.5, True),
    (("speaker", "spread"), 0.0, 0.6, False),
    (("language", "spread"), 0.0, 1.2, False),
    (("video", "spread"), 0.0, 1.0, False),
    (("clip", "spread"), 0.0, 1.0, False),
    (("clip", "video_spread"), 0.0, 1.0, False),
    (("first_language_noise",), -0.5, 0.5, False),
    (("group", "strength"), 0.0, 0.98, False),
    (("stray", "share"), -1.5, 2.5, True),
    (("stray", "concentration"), -2.5, 2.0, True),
)
START = (0, 0, 0, 0, 0, 0.1, 0.4, 0.4, 0.3, 0.2, 0, 0.5, 0.5, 0)
LEVELS = (5, 25, 50, 75, 95)
MARGIN_LEVELS = (2, 5, 10, 25, 50, 75)


@dataclass(frozen=True, eq=False)
class Probe:
    """Measures rows of train and cross by the pairs and held-out videos of one corpus.

    Args:
        pairs: kinds of pairs, each (2, P).
        splits: rows (train, english, cross) of validation splits.
        speaker, video, language: of each row.
    """

    pairs: dict[str, Array]
    splits: list[tuple[Array, Array, Array]]
    speaker: Array
    video: Array
    language: Array

    @classmethod
    def of(cls, corpus: Corpus, splits: int, pairs: int = 8000) -> Probe:
        parts = corpus.train, corpus.cross
        key = np.concatenate([part.key for part in parts])
        where = {(0, k): i for i, k in enumerate(corpus.train.key)}
        where |= {(1, k): len(corpus.train) + i for i, k in enumerate(corpus.cross.key)}
        rows = []
        for seed in range(splits):
            split = validation_split(corpus, seed)
            rows.append(
                (
                    np.array([where[0, k] for k in split.train.key]),
                    np.array([where[0, k] for k in split.english.key]),
                    np.array([where[1, k] for k in split.cross.key]),
                )
            )
        return cls(
            sample_pairs(corpus, pairs),
            rows,
            np.concatenate([part.labels for part in parts]),
            video_index(*parts),
            (np.arange(len(key)) >= len(corpus.train)).astype(int),
        )

    def measure(self, rows: Array) -> dict[str, tuple[float, float]]:
        """Statistics by name, each with the difference that counts as one unit of misfit.

        Args:
            rows: unit length, shape (N, D).
        """
        found: dict[str, tuple[float, float]] = {}
        for kind, pairs in self.pairs.items():
            for level, value in zip(
                LEVELS, np.percentile(pair_cosines(rows, pairs), LEVELS), strict=True
            ):
                found[f"{kind} {level}%"] = value, 0.015 if level in (5, 50, 95) else 0.03
        size = np.bincount(self.video)
        gathered: dict[str, list[float]] = {}
        units: dict[str, float] = {}

        def note(name: str, value: float, scale: float) -> None:
            gathered.setdefault(name, []).append(value)
            units[name] = scale

        for train, *judged in self.splits:
            label = self.speaker[train]
            by_video = 1 / np.bincount(self.video[train])[self.video[train]]
            for weighting, weight in (("clip", np.ones(len(train))), ("video", by_video)):
                member = (label == np.arange(label.max() + 1)[:, None]) * weight
                means = member.astype(np.float32) @ rows[train]
                means /= np.linalg.norm(means, axis=1, keepdims=True)
                for name, clips in zip(("english", "cross"), judged, strict=True):
                    cosine = rows[clips] @ means.T
                    at = np.arange(len(clips)), self.speaker[clips]
                    own = cosine[at]
                    cosine[at] = -2
                    margin = own - cosine.max(axis=1)
                    note(f"accuracy {name} {weighting}", 100 * float((margin > 0).mean()), 1.0)
                    if weighting == "clip":
                        for level in MARGIN_LEVELS:
                            note(f"margin {name} {level}%", np.percentile(margin, level), 0.04)
                        video = np.unique(self.video[clips], return_inverse=True)[1]
                        clips_of = np.bincount(video)
                        right = np.bincount(video, margin > 0) / clips_of
                        note(f"video accuracy {name}", 100 * right.mean(), 1.5)
                        right = right[clips_of >= 5]
                        note(f"clean videos {name}", 100 * (right > 0.95).mean(), 4)
                        note(f"lost videos {name}", 100 * (right < 0.3).mean(), 1.5)
        sums = np.zeros((len(size), rows.shape[1]))
        np.add.at(sums, self.video, rows)
        within = (size - (sums**2).sum(axis=1) / size) / np.maximum(size - 1, 1)
        for level in (10, 50, 90):
            note(f"within video {level}%", np.percentile(within[size >= 5], level), 0.03)
        return found | {name: (float(np.mean(v)), units[name]) for name, v in gathered.items()}


def calibrate(
    corpus: Corpus,
    coordinates: dict[str, Array],
    scalars: Scalars,
    progress: bool = True,
    twins: int = 4,
) -> Scalars:
    """Least squares over the `KNOBS` of each modality: mean statistics of twins against the real.

    Args:
        coordinates: unit-length rows of train and cross by modality.
        scalars: from moments, with neutral tails.
        twins: how many seeds are averaged; the same ones in every step.
    """
    real = Probe.of(corpus, splits=8)
    seeds = range(1000, 1000 + twins)
    probes = [Probe.of(generate(seed, scalars=scalars), splits=3) for seed in seeds]
    people = [draw_people(seed, scalars, corpus.speakers) for seed in seeds]
    low, high = np.array([knob[1:3] for knob in KNOBS]).T
    calibrated = dict(scalars)
    for modality, rows in coordinates.items():
        target = real.measure(rows)
        wanted, scale = np.array(list(target.values())).T
        with tqdm(desc=f"calibrate {modality}", unit=" trials", disable=not progress) as bar:

            def misfit(
                position: Array,
                modality: str = modality,
                wanted: Array = wanted,
                scale: Array = scale,
                bar: Any = bar,
            ) -> Array:
                knobs = low + (high - low) * (position - 1)
                trial = scalars | {modality: turned(scalars[modality], knobs)}
                found = []
                for seed, probe, (layout, group) in zip(seeds, probes, people, strict=True):
                    drawn = draw_coordinates(seed, trial, modality, layout, group)
                    measured = probe.measure(drawn[layout.rows(modality)[: len(probe.speaker)]])
                    found.append([value for value, _ in measured.values()])
                misses: Array = (np.mean(found, axis=0) - wanted) / scale
                bar.update()
                bar.set_postfix(misfit=f"{np.sum(misses**2):.0f}")
                return misses

            # Positions lie in [1, 2], so that the relative step suits every knob.
            start = 1 + (np.array(START) - low) / (high - low)
            found = least_squares(
                misfit, start, bounds=(1, 2), diff_step=0.03, max_nfev=12, ftol=1e-3, xtol=1e-3
            )
        calibrated[modality] = turned(scalars[modality], low + (high - low) * (found.x - 1))
    return calibrated


def turned(scalars: Scalars, knobs: Array) -> Scalars:
    """A modality's scalars with the `KNOBS` set."""
    scalars = copy.deepcopy(scalars)
    for (path, _, _, multiplies), value in zip(KNOBS, knobs, strict=True):
        place = scalars
        for step in path[:-1]:
            place = place[step]
        if multiplies:
            value = np.asarray(place[path[-1]]) * np.exp(value)
        place[path[-1]] = np.round(value, 7).tolist()
    return scalars
