"""What a corpus is like: counts, flaws of the lists, norms and cosine similarities."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mraf.data.clips import Corpus, FeatureSet
from mraf.data.splits import ambiguous_videos, shared_videos

Modality = Literal["face", "voice"]
LEVELS = (5, 50, 95)
PAIRS = {
    "same speaker, same video": "two clips of one video",
    "same speaker, other video": "two videos, one language",
    "same speaker, other language": "two videos, two languages",
    "different speakers": "two speakers, one language",
    "different speakers, other language": "two speakers, two languages",
}
"""The five kinds of pairs of clips of `cosine_quantiles`, each with its meaning."""


def unit(rows: NDArray[Any]) -> NDArray[np.float32]:
    """Rows brought to length 1, shape (N, D); a missing face stays zero."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (rows / np.where(length > 0, length, 1)).astype(np.float32)
    return scaled


def video_index(*sets: FeatureSet) -> NDArray[np.int64]:
    """A number for each clip's (language, speaker, video), over all sets in order, shape (N,).

    A video that carries two speakers counts as two; one that is listed in two languages, too.
    """
    names = [
        np.char.add(np.char.add(part.labels.astype(str), f"/{part.language}/"), part.video)
        for part in sets
    ]
    return np.unique(np.concatenate(names), return_inverse=True)[1].ravel()


def counts(corpus: Corpus) -> pd.DataFrame:
    """Clips, videos and speakers of each part, and how unevenly they are spread.

    Returns:
        One row per part; missing values where the source hides labels or videos.
    """
    rows = {}
    for name, part in corpus.parts.items():
        row: dict[str, Any] = {
            "language": part.language,
            "clips": len(part),
            "missing faces": int(part.face_missing.sum()),
            "distinct faces": _distinct(part.face),
            "distinct voices": _distinct(part.voice),
        }
        named = bool(np.any(part.video != ""))
        if named:
            row["videos"] = len(np.unique(part.video))
        if part.speaker is not None:
            clips = np.bincount(part.labels)
            clips = clips[clips > 0]
            row |= {"speakers": len(clips)} | _spread("clips per speaker", clips)
            if named:
                index = video_index(part)
                size = np.bincount(index)
                owner = np.zeros(len(size), dtype=np.int64)
                owner[index] = part.labels
                videos = np.bincount(owner)
                videos = videos[videos > 0]
                row |= _spread("videos per speaker", videos) | _spread("clips per video", size)
                row["speakers with one video"] = int((videos == 1).sum())
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index").convert_dtypes()


def _distinct(rows: NDArray[np.float32]) -> int:
    return len({row.tobytes() for row in rows})


def _spread(name: str, values: NDArray[Any]) -> dict[str, float]:
    ends = {"min": values.min(), "median": np.median(values), "max": values.max()}
    return {f"{name}, {end}": value for end, value in ends.items()}


def flawed_videos(corpus: Corpus) -> pd.DataFrame:
    """Videos that would spoil a measurement.

    Flaws: "shared", listed in train and in cross; "ambiguous", carrying two speakers; "repeated",
    sharing at least half of its voices bit for bit with another video of the same part.

    Returns:
        One row per video (per pair if repeated): name, flaw, its clips in train and in cross, the
        speakers' labels, and how many clips repeat a voice of train (shared) or of the other.
    """
    train, cross = corpus.train, corpus.cross
    rows: list[dict[str, Any]] = []

    def note(flaw: str, videos: list[str], repeated: int) -> None:
        first, second = np.isin(train.video, videos), np.isin(cross.video, videos)
        labels = np.unique(np.concatenate([train.labels[first], cross.labels[second]]))
        rows.append(
            {
                "video": " = ".join(videos),
                "flaw": flaw,
                "train": int(first.sum()),
                "cross": int(second.sum()),
                "speakers": ", ".join(map(str, labels)),
                "repeated": repeated,
            }
        )

    for video in shared_videos(train, cross):
        known = {voice.tobytes() for voice in train.voice[train.video == video]}
        mine = cross.voice[cross.video == video]
        note("shared", [str(video)], sum(voice.tobytes() in known for voice in mine))
    for part in (train, cross):
        for video in ambiguous_videos(part):
            note("ambiguous", [str(video)], 0)
        for first, second, repeated in _repeated_videos(part):
            note("repeated", [first, second], repeated)
    columns = ["video", "flaw", "train", "cross", "speakers", "repeated"]
    return pd.DataFrame(rows, columns=columns)


def _repeated_videos(part: FeatureSet) -> list[tuple[str, str, int]]:
    """Pairs of videos of which at least half of the shorter one's voices are the same."""
    names, size = np.unique(part.video, return_counts=True)
    clips = dict(zip(names.tolist(), size.tolist(), strict=True))
    places: dict[bytes, set[str]] = {}
    for voice, video in zip(part.voice, part.video.tolist(), strict=True):
        places.setdefault(voice.tobytes(), set()).add(video)
    shared = Counter(pair for videos in places.values() for pair in combinations(sorted(videos), 2))
    return [
        (first, second, number)
        for (first, second), number in sorted(shared.items())
        if 2 * number >= min(clips[first], clips[second])
    ]


def norms(corpus: Corpus, levels: tuple[float, ...] = (0, 5, 50, 95, 100)) -> pd.DataFrame:
    """Percentiles of the rows' lengths; rows (modality, part), columns the levels.

    Missing faces are left out.
    """
    found = {}
    for modality in get_args(Modality):
        for name, part in corpus.parts.items():
            length = np.linalg.norm(getattr(part, modality), axis=1)
            present = length[length > 0]
            if len(present):
                found[modality, name] = np.percentile(present, levels)
    table = pd.DataFrame.from_dict(found, orient="index", columns=[f"{q:g}%" for q in levels])
    table.index = pd.MultiIndex.from_tuples(table.index, names=["modality", "part"])
    return table


def sample_pairs(
    corpus: Corpus, pairs: int = 20_000, seed: int = 0
) -> dict[str, NDArray[np.int64]]:
    """Random pairs of clips of train and cross (rows counted through both) by kind.

    Returns:
        For each kind of `PAIRS` that the corpus has, an array (2, pairs).
    """
    parts = corpus.train, corpus.cross
    speaker = np.concatenate([part.labels for part in parts])
    language = np.repeat([0, 1], [len(part) for part in parts])
    video = np.unique(np.concatenate([part.video for part in parts]), return_inverse=True)[1]
    return draw_pairs(np.random.default_rng(seed), speaker, language, video.ravel(), pairs)


def draw_pairs(
    rng: np.random.Generator,
    speaker: NDArray[np.int64],
    language: NDArray[np.int64],
    video: NDArray[np.int64],
    pairs: int,
) -> dict[str, NDArray[np.int64]]:
    """Pairs of rows by kind; all pairs of a kind are equally likely, drawn with replacement.

    A pair of a shared video across languages is no pair: it may be the same clip.

    Args:
        speaker, language, video: of each row, shape (N,).
    Returns:
        For each kind of `PAIRS` that there is, an array (2, pairs).
    """
    drawn: dict[str, list[NDArray[np.int64]]] = {kind: [] for kind in PAIRS}
    order = np.argsort(speaker, kind="stable")
    size = np.bincount(speaker)
    start = np.cumsum(size) - size
    chance = size[speaker] / size[speaker].sum()
    wanted = 4 * pairs
    for _ in range(8):  # rare kinds need more than one draw
        first = rng.choice(len(speaker), wanted, p=chance)
        second = order[start[speaker[first]] + rng.integers(0, size[speaker[first]])]
        some = rng.integers(0, len(speaker), (2, wanted))
        for kind, (i, j) in (("same", (first, second)), ("different", (some[0], some[1]))):
            one_language, one_video = language[i] == language[j], video[i] == video[j]
            if kind == "same":
                masks = {
                    "same speaker, same video": one_language & one_video & (i != j),
                    "same speaker, other video": one_language & ~one_video,
                    "same speaker, other language": ~one_language & ~one_video,
                }
            else:
                others = speaker[i] != speaker[j]
                masks = {
                    "different speakers": others & one_language,
                    "different speakers, other language": others & ~one_language,
                }
            for name, mask in masks.items():
                drawn[name].append(np.stack([i[mask], j[mask]]))
        if all(sum(p.shape[1] for p in many) >= pairs for many in drawn.values()):
            break
    joined = {name: np.concatenate(many, axis=1)[:, :pairs] for name, many in drawn.items()}
    return {name: found for name, found in joined.items() if found.shape[1]}


def pair_cosines(rows: NDArray[np.float32], pairs: NDArray[np.int64]) -> NDArray[np.float32]:
    """Cosines of pairs (2, P) of unit-length rows (N, D), in chunks; shape (P,)."""
    chunks = np.array_split(pairs, max(1, pairs.shape[1] // 8192), axis=1)
    return np.concatenate([np.einsum("pd,pd->p", rows[i], rows[j]) for i, j in chunks])


def cosine_quantiles(
    corpus: Corpus, seed: int = 0, pairs: int = 20_000, levels: tuple[float, ...] = LEVELS
) -> pd.DataFrame:
    """Percentiles of cosine similarity over random pairs of clips of train and cross.

    Returns:
        Rows (modality, kind of pair), columns the levels.
    """
    sampled = sample_pairs(corpus, pairs, seed)
    found = {}
    for modality in get_args(Modality):
        rows = np.concatenate([getattr(part, modality) for part in (corpus.train, corpus.cross)])
        present: NDArray[np.bool_] = np.asarray(rows.any(axis=1))
        rows = unit(rows)
        for kind, chosen in sampled.items():
            given = chosen[:, present[chosen[0]] & present[chosen[1]]]
            if given.shape[1]:
                found[modality, kind] = np.percentile(pair_cosines(rows, given), levels)
    table = pd.DataFrame.from_dict(found, orient="index", columns=[f"{q:g}%" for q in levels])
    table.index = pd.MultiIndex.from_tuples(table.index, names=["modality", "pair"])
    return table


@dataclass(frozen=True, eq=False)
class Description:
    """The tables of `describe`; ``str()`` shows them one below the other."""

    name: str
    counts: pd.DataFrame
    flawed_videos: pd.DataFrame
    norms: pd.DataFrame
    cosines: pd.DataFrame

    def __str__(self) -> str:
        flaws = self.flawed_videos
        tables = {
            "counts": self.counts.T.to_string(na_rep="–"),
            "videos to leave out or to know of": (
                "none" if flaws.empty else flaws.to_string(index=False, justify="left")
            ),
            "length of the feature vectors, percentiles": self.norms.to_string(
                float_format="{:.2f}".format
            ),
            "cosine of pairs of clips (train and cross), percentiles": self.cosines.to_string(
                float_format="{:.3f}".format
            ),
        }
        head = f"{self.name}\n"
        return head + "\n".join(f"\n{title}\n{table}" for title, table in tables.items())


def describe(corpus: Corpus, seed: int = 0) -> Description:
    """Counts, flawed videos, norms and cosines of a corpus; seed: of the sampled pairs."""
    return Description(
        corpus.name,
        counts(corpus),
        flawed_videos(corpus),
        norms(corpus),
        cosine_quantiles(corpus, seed),
    )
