"""Measure the scalars from which the twin is drawn (``mraf data fit-twin``)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, spearmanr

from mraf.data.features import Corpus
from mraf.data.protocol import ambiguous_videos, shared_videos
from mraf.data.twin import BAND_EDGES, Calibration
from mraf.errors import DataError

Array = NDArray[Any]


def fit_twin(corpus: Corpus) -> Calibration:
    """Scalars of a corpus: aggregates over all speakers only. Deterministic."""
    return {
        "counts": fit_counts(corpus),
        "group_share": 0.5,
        "norm": fit_norms(corpus),
        "face": fit_modality(corpus, "face"),
        "voice": fit_modality(corpus, "voice"),
    }


def clip_videos(corpus: Corpus) -> tuple[Array, Array, Array]:
    """(speaker, language 0/1) of each video of train and cross, and the video of each clip."""
    names = [
        np.char.add(np.char.add(part.labels.astype(str), f"/{index}/"), part.video)
        for index, part in enumerate((corpus.train, corpus.cross))
    ]
    names_of, video = np.unique(np.concatenate(names), return_inverse=True)
    parts = [name.split("/")[:2] for name in names_of]
    speaker, language = np.array(parts, dtype=np.int64).T
    return speaker, language, np.asarray(video)


def fit_counts(corpus: Corpus) -> Calibration:
    """Videos and clips per speaker, shared frames and the flaws of the lists."""
    _, language, video = clip_videos(corpus)
    size = np.bincount(video)
    counts: Calibration = {"speakers": corpus.speakers}
    for index, (name, part) in enumerate((("train", corpus.train), ("cross", corpus.cross))):
        pairs = np.unique(np.stack([part.labels.astype(str), part.video]), axis=1)[0].astype(int)
        videos = np.bincount(pairs, minlength=corpus.speakers)
        clips = np.bincount(part.labels, minlength=corpus.speakers)
        many = size[language == index]
        counts[name] = {
            "clips": len(part),
            "videos_per_speaker": np.bincount(videos)[1:].tolist(),
            "clips_per_speaker": _round(np.quantile(clips, np.linspace(0, 1, 21)), 1),
            "rank_correlation": _round(spearmanr(videos, clips)[0], 3),
            "video_spread": _round(np.log(many).std(), 3),
        }
    shared = shared_videos(corpus.train, corpus.cross)
    rows = corpus.cross.voice[np.isin(corpus.cross.video, shared)]
    known = {row.tobytes() for row in corpus.train.voice[np.isin(corpus.train.video, shared)]}
    repeated = np.mean([row.tobytes() in known for row in rows]) if len(rows) else 0.0
    for name, test in (("test_english", corpus.test_english), ("test_cross", corpus.test_cross)):
        if test is None:
            raise DataError(f"{corpus.name}: no test clips; the twin needs their number.")
        counts[name] = {
            "clips": len(test),
            "videos_per_speaker": [corpus.speakers],
            "clips_per_speaker": _round(_test_sizes(size, len(test), corpus.speakers), 1),
            "rank_correlation": 0.0,
            "video_spread": 0.0,
        }
    counts["shared_videos"] = len(shared)
    counts["shared_clips"] = _round(repeated, 3)
    counts["ambiguous_videos"] = len(ambiguous_videos(corpus.cross))
    counts["frames"] = _round(_distinct_frames(corpus, video), 3)
    return counts


def _test_sizes(size: Array, clips: int, speakers: int) -> Array:
    """Quantiles of the clips of a test video: hidden, so those of training, scaled."""
    quantiles = np.quantile(size, np.linspace(0, 1, 21))
    return np.maximum(quantiles * clips / (quantiles.mean() * speakers), 1)


def _distinct_frames(corpus: Corpus, video: Array) -> Array:
    """Quantiles over videos of the share of clips that have a face frame of their own."""
    face = np.concatenate([corpus.train.face, corpus.cross.face])
    frames = np.unique(face, axis=0, return_inverse=True)[1].ravel()
    distinct = np.bincount(np.unique(np.stack([video, frames]), axis=1)[0])
    size = np.bincount(video)
    return np.quantile((distinct / size)[size >= 4], np.linspace(0, 1, 11))


def fit_norms(corpus: Corpus) -> Calibration:
    """Quantiles of the voices' lengths and the share of their variance that lies between videos."""
    _, _, video = clip_videos(corpus)
    length = np.linalg.norm(np.concatenate([corpus.train.voice, corpus.cross.voice]), axis=1)
    size = np.bincount(video)
    score = norm.ppf((np.argsort(np.argsort(length)) + 0.5) / len(length))
    mean = np.bincount(video, score) / size
    within = np.sum((score - mean[video]) ** 2) / (len(score) - len(size))
    return {
        "quantiles": _round(np.quantile(length, np.linspace(0, 1, 21)), 1),
        "video_share": _round(1 - within, 3),
    }


def fit_modality(corpus: Corpus, modality: str) -> Calibration:
    """Energy of each factor in bands of the eigenbasis of the total covariance.

    A nested analysis of variance (method of moments), every video weighing the same. Repeated
    frames of a video count once.
    """
    owner, language, video = clip_videos(corpus)
    x = np.concatenate([getattr(part, modality) for part in (corpus.train, corpus.cross)])
    x = x.astype(np.float64)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    _, rows = np.unique(np.column_stack([video, x[:, :8]]), axis=0, return_index=True)
    x, video = x[rows], video[rows]
    size = np.bincount(video)

    weight = 1 / size[video] / len(size)
    centred = x - weight @ x
    _, basis = np.linalg.eigh((centred * weight[:, None]).T @ centred)
    z = x @ basis[:, ::-1]
    mean = _group_means(z, video, len(size))
    spread = z - mean[video]
    variance = _group_means(spread**2, video, len(size)) * (size / np.maximum(size - 1, 1))[:, None]
    clip = variance[size >= 3].mean(axis=0)

    cell = 2 * owner + language
    videos = np.bincount(cell, minlength=2 * corpus.speakers)
    cells = _group_means(mean, cell, len(videos))
    fewer = np.bincount(cell, 1 / size, minlength=len(videos))  # sum of 1/n over a cell's videos
    freedom = np.maximum(videos - 1, 0).sum()
    between = ((mean - cells[cell]) ** 2).sum(axis=0)
    video_energy = between / freedom - clip * (1 / size).mean()
    both = (videos[::2] > 0) & (videos[1::2] > 0)
    noise = video_energy * (1 / videos[np.repeat(both, 2)]).mean()
    noise += clip * (fewer / np.maximum(videos, 1) ** 2)[np.repeat(both, 2)].mean()
    first, second = cells[::2][both], cells[1::2][both]
    middle, shift = (first + second).mean(axis=0) / 2, second.mean(axis=0) - first.mean(axis=0)
    first, second = first - first.mean(axis=0), second - second.mean(axis=0)
    freedom = both.sum() - 1
    speaker = (first * second).sum(axis=0) / freedom
    crossed = ((first - second) ** 2).sum(axis=0) / freedom / 2 - noise
    return {
        "mean": _bands(middle**2 - speaker / len(first)),
        "shift": _bands(shift**2 - 2 * (crossed + noise) / len(first)),
        "group": {"axis": 0, "strength": 0.0},
        "speaker": {"energy": _bands(speaker), "spread": 0.0},
        "language": {"energy": _bands(crossed), "spread": 0.5},
        "video": {"energy": _bands(video_energy), "spread": 0.25},
        "clip": {"energy": _bands(clip), "spread": 0.2, "video_spread": 0.22},
    }


def _group_means(values: Array, group: Array, groups: int) -> Array:
    """Mean of the rows of each group, shape (groups, D); zeros for an empty group."""
    sums = np.zeros((groups, values.shape[1]))
    np.add.at(sums, group, values)
    return sums / np.maximum(np.bincount(group, minlength=groups), 1)[:, None]


def _bands(energy: Array) -> list[float]:
    """Mean energy of each band, never negative."""
    dim = len(energy)
    edges = [e for e in BAND_EDGES if e < dim] + [dim]
    means = [energy[a:b].mean() for a, b in pairwise(edges)]
    return _round(np.maximum(means, 0.0), 7)


def _round(values: Any, digits: int) -> Any:
    """Plain Python numbers with few digits: what is stored is no finer than it needs to be."""
    rounded = np.round(np.asarray(values, dtype=float), digits)
    return rounded.tolist()
