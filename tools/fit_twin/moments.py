"""Measure the scalars from which the twin is drawn (``python -m tools.fit_twin``).

Two steps. *Moments*: counts, norms and, by a nested analysis of variance, the energies of the
factors are measured directly. *Calibration* (`tools.fit_twin.calibrate`): what moments do not fix
(overall sizes, tails, strangers; how concentrated the speakers' energy is, which the eigenbasis of
few speakers overstates) is chosen so that twins show the same cosine quantiles, margins and
held-out accuracies as the real features.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from mraf.data.clips import Corpus
from mraf.data.describe import flawed_videos, unit, video_index
from mraf.data.splits import cross_split, validation_split
from mraf.data.twin.factors import BAND_EDGES, Scalars
from mraf.data.twin.generate import NORM_LEVELS
from mraf.errors import DataError
from tools.fit_twin.calibrate import calibrate
from tools.fit_twin.landmarks import group_means, landmarks

Array = NDArray[Any]
LONG = 4  # clips of a video from which on it tells how many of them are distinct
NEGLIGIBLE = 1e-6  # mean energy of a band, of a total of 1, below which the band is left out


def fit_twin(corpus: Corpus, progress: bool = True) -> Scalars:
    """Scalars of a labelled corpus: aggregates over all speakers only. Deterministic.

    Raises:
        DataError: there are no test clips, whose number the twin needs, no video of some length,
            or no speaker with two English videos.
    """
    validation_split(corpus)  # what has no held-out video cannot be calibrated
    scalars: Scalars = {
        "counts": fit_counts(corpus),
        "norm": fit_norms(corpus),
        "group_share": 0.5,
    }
    coordinates = {}
    for modality in ("face", "voice"):
        coordinates[modality], scalars[modality] = fit_energies(corpus, modality)
    return calibrate(corpus, coordinates, scalars, progress)


def fit_counts(corpus: Corpus) -> Scalars:
    """Videos and clips per speaker, shared frames and the flaws of the lists."""
    parts = corpus.train, corpus.cross
    video = video_index(*parts)
    size = np.bincount(video)
    counts: Scalars = {"speakers": corpus.speakers}
    margins = []
    for name, part in (("train", corpus.train), ("cross", corpus.cross)):
        own = video_index(part)
        owner = np.zeros(own.max() + 1, dtype=np.int64)
        owner[own] = part.labels
        videos = np.bincount(owner, minlength=corpus.speakers)
        clips = np.bincount(part.labels, minlength=corpus.speakers)
        margins += [videos, clips]
        counts[name] = {
            "clips": len(part),
            "videos_per_speaker": np.bincount(videos)[1:].tolist(),
            "clips_per_speaker": _rounded(np.quantile(clips, np.linspace(0, 1, 21)), 1),
            "video_spread": _rounded(_spread_within(np.log(np.bincount(own)), owner), 3),
        }
    for name, test in (("test_english", corpus.test_english), ("test_cross", corpus.test_cross)):
        if test is None:
            raise DataError(f"{corpus.name}: no test clips; the twin needs their number.")
        # One video per speaker; its clips are hidden, so those of a training video, scaled.
        quantiles = np.quantile(size, np.linspace(0.025, 0.975, 20))
        quantiles = np.maximum(quantiles * len(test) / (quantiles.mean() * corpus.speakers), 1)
        counts[name] = {
            "clips": len(test),
            "videos_per_speaker": [corpus.speakers],
            "clips_per_speaker": _rounded(quantiles, 1),
            "video_spread": 0.0,
        }
    counts["rank_correlations"] = _rounded(rank_correlations(np.stack(margins)), 3)
    flawed = flawed_videos(corpus)
    shared = flawed[flawed["flaw"] == "shared"]
    counts["shared_videos"] = len(shared)
    repeated = shared["repeated"].sum() / max(shared["cross"].sum(), 1)
    counts["shared_clips"] = _rounded(repeated, 3)
    counts["ambiguous_videos"] = int((flawed["flaw"] == "ambiguous").sum())
    counts["repeated_videos"] = int((flawed["flaw"] == "repeated").sum())
    face = np.concatenate([part.face for part in parts])
    frame = np.unique([hash(row.tobytes()) for row in face], return_inverse=True)[1]
    distinct = np.bincount(np.unique(np.stack([video, frame]), axis=1)[0])
    own_frames = (distinct / size)[size >= LONG]
    if not len(own_frames):
        raise DataError(
            f"{corpus.name}: no video has {LONG} clips, too few to see how clips of a video differ."
        )
    counts["frames"] = _rounded(np.quantile(own_frames, np.linspace(0, 1, 11)), 3)
    return counts


def rank_correlations(values: Array) -> Array:
    """Spearman's correlations of rows (R, N), shape (R, R); 0 with a row that is all the same."""
    with np.errstate(invalid="ignore"):
        found = np.nan_to_num(np.corrcoef(rankdata(values, axis=1)))
    np.fill_diagonal(found, 1)
    return found


def fit_norms(corpus: Corpus) -> Scalars:
    """Quantiles of the voices' lengths, and the share of their variance between videos."""
    video = video_index(corpus.train, corpus.cross)
    length = np.linalg.norm(np.concatenate([corpus.train.voice, corpus.cross.voice]), axis=1)
    size = np.bincount(video)
    score = ndtri((rankdata(length) - 0.5) / len(length))
    mean = np.bincount(video, score) / size
    within = np.sum((score - mean[video]) ** 2) / (len(score) - len(size))
    return {
        "quantiles": _rounded(np.quantile(length, NORM_LEVELS), 1),
        "video_share": _rounded(1 - within, 3),
    }


def fit_energies(corpus: Corpus, modality: str) -> tuple[Array, Scalars]:
    """Energy of each factor in bands of the eigenbasis of the total covariance.

    A nested analysis of variance by moments, every video weighing the same; repeated rows of a
    video (shared frames) count once.

    Returns:
        The unit-length rows of train and cross in that basis, shape (N, D), to calibrate with, and
        the modality's scalars with neutral tails.
    """
    parts = corpus.train, corpus.cross
    video = video_index(*parts)
    speaker = np.concatenate([part.labels for part in parts])
    language = np.repeat([0, 1], [len(part) for part in parts])
    rows = unit(np.concatenate([getattr(part, modality) for part in parts])).astype(np.float64)
    marks = [hash((v, row.tobytes())) for v, row in zip(video, rows, strict=True)]
    once = np.sort(np.unique(marks, return_index=True)[1])

    weight = 1 / np.bincount(video[once])[video[once]]
    centred = rows[once] - weight @ rows[once] / weight.sum()
    _, basis = np.linalg.eigh((centred * weight[:, None]).T @ centred)
    coordinates = rows @ basis[:, ::-1][:, : BAND_EDGES[-1]]
    z, v = coordinates[once], video[once]

    size = np.bincount(v)
    mean = group_means(z, v, len(size))
    squares = group_means((z - mean[v]) ** 2, v, len(size))
    several = size >= 3
    clip = (squares * (size / np.maximum(size - 1, 1))[:, None])[several].mean(axis=0)

    cell_of_clip = 2 * speaker[once] + language[once]  # (speaker, language)
    cell = np.zeros(len(size), dtype=np.int64)
    cell[v] = cell_of_clip
    videos = np.bincount(cell, minlength=2 * corpus.speakers)
    cells = group_means(mean, cell, len(videos))
    freedom = np.maximum(videos - 1, 0).sum()
    between = ((mean - cells[cell]) ** 2).sum(axis=0) / freedom
    video_energy = between - clip * (1 / size).mean()

    both = (videos[::2] > 0) & (videos[1::2] > 0)
    pair = np.repeat(both, 2)
    per_clip = np.bincount(cell, 1 / size, minlength=len(videos)) / np.maximum(videos, 1) ** 2
    noise = video_energy * (1 / videos[pair]).mean() + clip * per_clip[pair].mean()
    first, second = cells[::2][both], cells[1::2][both]
    middle, shift = (first + second).mean(axis=0) / 2, second.mean(axis=0) - first.mean(axis=0)
    first, second = first - first.mean(axis=0), second - second.mean(axis=0)
    speakers = int(both.sum())
    person = (first * second).sum(axis=0) / (speakers - 1)
    accent = ((first - second) ** 2).sum(axis=0) / (speakers - 1) / 2 - noise

    kept = int((_bands(z.var(axis=0)) > NEGLIGIBLE).sum())

    def energies(values: Array) -> list[float]:
        banded: list[float] = _rounded(np.maximum(_bands(values)[:kept], 0), 7)
        return banded

    judged = np.isin(corpus.cross.key, cross_split(corpus)[0].key)
    listed = len(corpus.train)
    measure = landmarks(
        speaker, language, video, np.arange(listed), listed + np.flatnonzero(judged)
    )
    scalars = {
        "landmarks": {name: _rounded(value, 3) for name, value in measure(coordinates).items()},
        "mean": energies(middle**2 - person / speakers),
        "shift": energies(shift**2 - 2 * (accent + noise) / speakers),
        "group": {"axis": 0, "strength": 0.0},
        "first_language_noise": 0.0,
        "speaker": {"energy": energies(person), "spread": 0.0},
        "language": {"energy": energies(accent), "spread": 0.0},
        "video": {"energy": energies(video_energy), "spread": 0.0},
        "clip": {"energy": energies(clip), "spread": 0.0, "video_spread": 0.0},
        "stray": {"share": 0.01, "concentration": 1.0},
    }
    return coordinates[:, : BAND_EDGES[kept]].astype(np.float32), scalars


def _spread_within(values: Array, group: Array) -> float:
    """Standard deviation within groups, pooled."""
    size = np.bincount(group)
    mean = np.bincount(group, values) / np.maximum(size, 1)
    freedom = max(len(values) - int(np.count_nonzero(size)), 1)
    return float(np.sqrt(np.sum((values - mean[group]) ** 2) / freedom))


def _bands(energy: Array) -> Array:
    """Mean energy of each band that the dimensions fill."""
    return np.array([energy[a:b].mean() for a, b in pairwise(BAND_EDGES) if b <= len(energy)])


def _rounded(values: Any, digits: int) -> Any:
    """Plain Python numbers with few digits: what is stored is no finer than it needs to be."""
    return np.round(np.asarray(values, dtype=float), digits).tolist()
