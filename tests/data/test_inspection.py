"""Inspection against brute force and against flaws made on purpose."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from mraf.data.clips import Corpus
from mraf.data.describe import (
    PAIRS,
    cosine_quantiles,
    counts,
    describe,
    flawed_videos,
    norms,
    pair_cosines,
    sample_pairs,
    unit,
    video_index,
)


def _renamed(corpus: Corpus, part: str, old: str, new: str) -> Corpus:
    clips = getattr(corpus, part)
    video = np.where(clips.video == old, new, clips.video)
    return replace(corpus, **{part: replace(clips, video=video)})


def test_counts(tiny_corpus: Corpus) -> None:
    table = counts(tiny_corpus)
    assert list(table.index) == ["train", "cross", "test_english", "test_cross"]
    row = table.loc["train"]
    assert (row["clips"], row["videos"], row["speakers"]) == (72, 18, 6)
    assert (row["clips per speaker, min"], row["clips per speaker, max"]) == (12, 12)
    assert (row["clips per video, median"], row["videos per speaker, median"]) == (4, 3)
    assert (row["speakers with one video"], row["missing faces"]) == (0, 0)
    assert row["distinct faces"] == 72


def test_counts_of_hidden_and_missing(tiny_corpus: Corpus) -> None:
    test = replace(tiny_corpus.test_english, speaker=None, video=np.full(72, ""))
    some = replace(tiny_corpus, test_english=test.without_faces(), test_cross=None)
    table = counts(some)
    assert list(table.index) == ["train", "cross", "test_english"]
    assert table.loc["test_english"].isna().sum() > 5
    assert table.loc["test_english", "missing faces"] == 72
    assert ("face", "test_english") not in norms(some).index


def test_counts_of_uneven_speakers(tiny_corpus: Corpus) -> None:
    train = tiny_corpus.train
    keep = (train.labels != 0) | (train.video == train.video[0])
    row = counts(replace(tiny_corpus, train=train[keep])).loc["train"]
    assert (row["clips"], row["videos"], row["speakers with one video"]) == (64, 16, 1)
    assert (row["clips per speaker, min"], row["clips per speaker, max"]) == (4, 12)


def test_no_flaws(tiny_corpus: Corpus) -> None:
    assert flawed_videos(tiny_corpus).empty


def test_shared_video(tiny_corpus: Corpus) -> None:
    train, cross = tiny_corpus.train, tiny_corpus.cross
    first, second = train.video[0], cross.video[0]
    voice = cross.voice.copy()
    voice[:3] = train.voice[:3]
    corpus = replace(tiny_corpus, cross=replace(cross, voice=voice))
    found = flawed_videos(_renamed(corpus, "cross", second, first))
    assert found.to_dict("records") == [
        {
            "video": first,
            "flaw": "shared",
            "train": 4,
            "cross": 4,
            "speakers": "0",
            "repeated": 3,
        }
    ]


def test_ambiguous_video(tiny_corpus: Corpus) -> None:
    video = tiny_corpus.cross.video
    found = flawed_videos(_renamed(tiny_corpus, "cross", video[-1], video[0])).iloc[0]
    assert (found["flaw"], found["speakers"], found["cross"]) == ("ambiguous", "0, 5", 8)


@pytest.mark.parametrize(("copied", "flawed"), [(1, False), (2, True), (4, True)])
def test_repeated_video(tiny_corpus: Corpus, copied: int, flawed: bool) -> None:
    cross = tiny_corpus.cross
    voice = cross.voice.copy()
    voice[4 : 4 + copied] = voice[:copied]
    found = flawed_videos(replace(tiny_corpus, cross=replace(cross, voice=voice)))
    assert list(found["flaw"]) == ["repeated"] * flawed
    if flawed:
        assert found["repeated"][0] == copied
        assert found["video"][0] == f"{cross.video[0]} = {cross.video[4]}"


def test_norms(tiny_corpus: Corpus) -> None:
    table = norms(tiny_corpus, levels=(0, 50, 100))
    length = np.linalg.norm(tiny_corpus.cross.voice, axis=1)
    expected = [length.min(), np.median(length), length.max()]
    assert table.loc[("voice", "cross")].to_numpy() == pytest.approx(expected)
    assert table.loc["face"].to_numpy() == pytest.approx(1, abs=1e-5)


def test_video_index_tells_speakers_and_languages_apart(tiny_corpus: Corpus) -> None:
    video = tiny_corpus.cross.video
    corpus = _renamed(tiny_corpus, "cross", video[-1], video[0])
    assert video_index(corpus.train, corpus.cross).max() == 35


def _kind(corpus: Corpus, i: int, j: int) -> str | None:
    """The definition of the five kinds, clip by clip."""
    parts = corpus.train, corpus.cross
    speaker = np.concatenate([part.labels for part in parts])
    video = np.concatenate([part.video for part in parts])
    one_language = (i < len(corpus.train)) == (j < len(corpus.train))
    if speaker[i] != speaker[j]:
        return "different speakers" + ("" if one_language else ", other language")
    if video[i] == video[j]:
        return "same speaker, same video" if one_language and i != j else None
    return f"same speaker, other {'video' if one_language else 'language'}"


def test_sampled_pairs_are_of_their_kind(tiny_corpus: Corpus) -> None:
    # One video is shared between the languages: it makes no pair across languages.
    corpus = _renamed(tiny_corpus, "cross", tiny_corpus.cross.video[0], tiny_corpus.train.video[0])
    sampled = sample_pairs(corpus, pairs=500)
    assert set(sampled) == set(PAIRS)
    for kind, pairs in sampled.items():
        assert pairs.shape == (2, 500)
        assert {_kind(corpus, i, j) for i, j in pairs.T} == {kind}
    again, other = sample_pairs(corpus, 500), sample_pairs(corpus, 500, seed=1)
    assert all(np.array_equal(sampled[kind], again[kind]) for kind in PAIRS)
    assert not np.array_equal(sampled["different speakers"], other["different speakers"])


def test_all_pairs_of_a_kind_are_equally_likely(tiny_corpus: Corpus) -> None:
    train = tiny_corpus.train
    keep = (np.arange(72) < 30) | (np.arange(72) % 8 < 5)  # uneven speakers and videos
    corpus = replace(tiny_corpus, train=train[keep])
    rows = len(corpus.train) + len(corpus.cross)
    every = [p for p in combinations(range(rows), 2) if _kind(corpus, *p) == next(iter(PAIRS))]
    drawn = sample_pairs(corpus, pairs=40_000)["same speaker, same video"]
    number = {pair: 0 for pair in every}
    for pair in np.sort(drawn, axis=0).T:
        number[tuple(map(int, pair))] += 1
    each = np.array(list(number.values()))
    assert each.min() > 0
    assert each.std() == pytest.approx(np.sqrt(each.mean()), rel=0.25)  # a Poisson's spread


def test_cosine_quantiles_against_all_pairs(tiny_corpus: Corpus) -> None:
    table = cosine_quantiles(tiny_corpus, pairs=20_000)
    parts = tiny_corpus.train, tiny_corpus.cross
    rows = unit(np.concatenate([part.voice for part in parts])).astype(np.float64)
    found: dict[str, list[float]] = {kind: [] for kind in PAIRS}
    for i, j in combinations(range(len(rows)), 2):
        if kind := _kind(tiny_corpus, i, j):
            found[kind].append(float(rows[i] @ rows[j]))
    for kind in PAIRS:
        expected = np.percentile(found[kind], (5, 50, 95))
        assert table.loc[("voice", kind)].to_numpy() == pytest.approx(expected, abs=0.01)


def test_pair_cosines_in_chunks() -> None:
    rows = unit(np.random.default_rng(0).standard_normal((50, 8)).astype(np.float32))
    pairs = np.random.default_rng(1).integers(0, 50, (2, 30_000))
    assert pair_cosines(rows, pairs) == pytest.approx((rows @ rows.T)[pairs[0], pairs[1]], abs=1e-6)


def test_kinds_that_a_corpus_lacks_are_left_out(tiny_corpus: Corpus) -> None:
    train = tiny_corpus.train
    one_clip = np.unique(train.labels, return_index=True)[1]
    cross = tiny_corpus.cross
    lone = replace(
        tiny_corpus,
        train=train[one_clip],
        cross=cross[np.unique(cross.labels, return_index=True)[1]],
    )
    assert "same speaker, same video" not in sample_pairs(lone, 100)
    assert ("voice", "same speaker, other language") in cosine_quantiles(lone, pairs=100).index


def test_missing_faces_have_no_cosine(tiny_corpus: Corpus) -> None:
    face = tiny_corpus.train.face.copy()
    face[::2] = 0
    table = cosine_quantiles(replace(tiny_corpus, train=replace(tiny_corpus.train, face=face)))
    assert table.loc[("face", "same speaker, same video"), "5%"] > 0.3


def test_description_shows_every_table(tiny_corpus: Corpus) -> None:
    text = describe(tiny_corpus)
    for word in ("clips per speaker, max", "videos to leave out", "none", "percentiles", "95%"):
        assert word in text
