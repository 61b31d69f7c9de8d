"""What a corpus is like: counts, flaws of the lists, norms and cosine similarities."""

from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mraf.data.clips import Corpus, FeatureSet, unit
from mraf.data.clips import video_index as video_index
from mraf.data.draws import PAIRS as PAIRS
from mraf.data.draws import draw_pairs, pair_cosines
from mraf.data.splits import ambiguous_videos, shared_videos

Modality = Literal["face", "voice"]


def counts(corpus: Corpus) -> pd.DataFrame:
    """Clips, videos and speakers of each part (a row), and how unevenly they are spread.

    Missing values stand where the source hides labels or videos.
    """
    rows = {}
    for name, part in corpus.parts.items():
        row: dict[str, Any] = {
            "language": part.language,
            "clips": len(part),
            "missing faces": int(part.face_missing.sum()),
            "distinct faces": len({face.tobytes() for face in part.face}),
            "distinct voices": len(set(_voices(part))),
        }
        if named := bool(np.any(part.video != "")):
            row["videos"] = len(np.unique(part.video))
        if part.speaker is not None:
            frame = pd.DataFrame({"speaker": part.speaker, "video": part.video})
            clips = frame.groupby("speaker").size()
            row |= {"speakers": len(clips)} | _spread("clips per speaker", clips)
            if named:
                size = frame.groupby(["speaker", "video"]).size()
                videos = size.groupby("speaker").size()
                row |= _spread("videos per speaker", videos) | _spread("clips per video", size)
                row["speakers with one video"] = int((videos == 1).sum())
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index").convert_dtypes()


def _spread(name: str, values: pd.Series) -> dict[str, float]:
    return {f"{name}, {end}": values.agg(end) for end in ("min", "median", "max")}


def flawed_videos(corpus: Corpus) -> pd.DataFrame:
    """Videos that would spoil a measurement.

    Flaws: "shared", listed in train and in cross; "ambiguous", carrying two speakers; "repeated",
    sharing at least half of its voices bit for bit with another video of the same part. One row per
    video (per pair if repeated): name, flaw, its clips in train and in cross, the speakers' labels,
    and how many clips repeat a voice of train (shared) or of the other.
    """
    train, cross = corpus.train, corpus.cross
    found: list[tuple[str, tuple[str, ...], int]] = []
    for video in shared_videos(train, cross).tolist():
        known = set(_voices(train[train.video == video]))
        again = sum(voice in known for voice in _voices(cross[cross.video == video]))
        found.append(("shared", (video,), again))
    for part in (train, cross):
        found += [("ambiguous", (video,), 0) for video in ambiguous_videos(part).tolist()]
        found += [("repeated", pair, number) for pair, number in _repeated_videos(part)]
    rows = []
    for flaw, videos, repeated in found:
        first, second = np.isin(train.video, videos), np.isin(cross.video, videos)
        labels = np.union1d(train.labels[first], cross.labels[second])
        speakers = ", ".join(map(str, labels))
        rows.append((" = ".join(videos), flaw, first.sum(), second.sum(), speakers, repeated))
    columns = ["video", "flaw", "train", "cross", "speakers", "repeated"]
    return pd.DataFrame(rows, columns=columns)


def _voices(part: FeatureSet) -> list[bytes]:
    return [voice.tobytes() for voice in part.voice]


def _repeated_videos(part: FeatureSet) -> list[tuple[tuple[str, str], int]]:
    """Pairs of videos of which at least half of the shorter one's voices are the same."""
    rows = pd.DataFrame({"voice": _voices(part), "video": part.video})
    clips, rows = rows["video"].value_counts(), rows.drop_duplicates()
    pairs = rows.merge(rows, on="voice").query("video_x < video_y")
    common = pairs.groupby(["video_x", "video_y"]).size()
    return [(pair, n) for pair, n in common.items() if 2 * n >= clips[list(pair)].min()]


def norms(corpus: Corpus, levels: tuple[float, ...] = (0, 5, 50, 95, 100)) -> pd.DataFrame:
    """Percentiles of the lengths of the rows (modality, part); missing faces are left out."""
    found = {}
    for modality in get_args(Modality):
        for name, part in corpus.parts.items():
            length = np.linalg.norm(getattr(part, modality), axis=1)
            if length.any():
                found[modality, name] = length[length > 0]
    return _percentiles(found, levels, "part")


def sample_pairs(
    corpus: Corpus, pairs: int = 20_000, seed: int = 0
) -> dict[str, NDArray[np.int64]]:
    """Pairs as `draw_pairs` gives them, of train and cross; rows are counted through both."""
    parts = corpus.train, corpus.cross
    speaker = np.concatenate([part.labels for part in parts])
    language = np.repeat([0, 1], [len(part) for part in parts])
    video = np.unique(np.concatenate([part.video for part in parts]), return_inverse=True)[1]
    return draw_pairs(np.random.default_rng(seed), speaker, language, video.ravel(), pairs)


def cosine_quantiles(
    corpus: Corpus, seed: int = 0, pairs: int = 20_000, levels: tuple[float, ...] = (5, 50, 95)
) -> pd.DataFrame:
    """Percentiles of cosine similarity over random pairs of clips of train and cross.

    Rows are (modality, kind of pair), columns the levels.
    """
    sampled = sample_pairs(corpus, pairs, seed)
    found = {}
    for modality in get_args(Modality):
        rows = np.concatenate([getattr(part, modality) for part in (corpus.train, corpus.cross)])
        present = np.asarray(rows.any(axis=1))
        rows = unit(rows)
        for kind, chosen in sampled.items():
            given = chosen[:, present[chosen].all(axis=0)]
            if given.shape[1]:
                found[modality, kind] = pair_cosines(rows, given)
    return _percentiles(found, levels, "pair")


def _percentiles(found: dict, levels: tuple[float, ...], of: str) -> pd.DataFrame:
    """A table of percentiles by (modality, of)."""
    values = [np.percentile(values, levels) for values in found.values()]
    index = pd.MultiIndex.from_tuples(found, names=["modality", of])
    return pd.DataFrame(values, index, [f"{level:g}%" for level in levels])


def describe(corpus: Corpus) -> str:
    """Counts, flawed videos, norms and cosines of a corpus, one table below the other."""
    flaws = flawed_videos(corpus)
    lengths = norms(corpus).to_string(float_format="{:.2f}".format)
    cosines = cosine_quantiles(corpus).to_string(float_format="{:.3f}".format)
    videos = "none" if flaws.empty else flaws.to_string(index=False, justify="left")
    tables = {
        "counts": counts(corpus).T.to_string(na_rep="–"),
        "videos to leave out or to know of": videos,
        "length of the feature vectors, percentiles": lengths,
        "cosine of pairs of clips (train and cross), percentiles": cosines,
    }
    return "\n".join([corpus.name, *(f"\n{title}\n{table}" for title, table in tables.items())])
