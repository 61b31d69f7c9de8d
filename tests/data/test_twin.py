"""The twin: its shape, its flaws, its randomness; nothing personal hides in its scalars."""

from __future__ import annotations

import copy
import json
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from benchmarks.scale import few_clips
from mraf.data.clips import Corpus
from mraf.data.describe import PAIRS, flawed_videos, unit, video_index
from mraf.data.splits import cross_split, validation_split
from mraf.data.twin.factors import balanced_levels, heavy_tailed, stray_shares
from mraf.data.twin.generate import KEPT, calibration, generate
from mraf.data.twin.people import draw_people
from mraf.errors import DataError
from tools.fit_twin.landmarks import landmarks
from tools.fit_twin.search import search


def _videos_per_speaker(part: Any) -> np.ndarray:
    pairs = np.unique(np.stack([part.labels.astype(str), part.video]), axis=1)[0].astype(int)
    return np.bincount(pairs)


def test_shape_is_that_of_table_1(twin: Corpus) -> None:
    assert twin.speakers == 70
    assert [len(part) for part in twin.parts.values()] == [4039, 9304, 1521, 1623]
    assert [len(np.unique(part.video)) for part in twin.parts.values()] == [262, 413, 70, 70]
    assert [part.language for part in twin.parts.values()] == ["English", "Urdu"] * 2
    for part in (twin.test_english, twin.test_cross):  # one video per speaker, labels visible
        assert np.array_equal(_videos_per_speaker(part), np.ones(70))


def test_the_draws_of_the_twin_are_those_that_the_search_keeps() -> None:
    scalars = calibration()
    people = draw_people(0, scalars, scalars["counts"]["speakers"])
    assert {name: search(people, name, scalars[name]) for name in KEPT} == KEPT


def test_imbalance_is_the_real_one(twin: Corpus) -> None:
    english, urdu = np.bincount(twin.train.labels), np.bincount(twin.cross.labels)
    assert (english.min(), english.max()) == (2, 391)
    assert (urdu.min(), urdu.max()) == (3, 510)
    assert (_videos_per_speaker(twin.train) == 1).sum() == 17
    assert len(np.unique(validation_split(twin).english.labels)) == 53
    # Half of the cross clips are of speakers with little English, as in the real lists.
    few = _videos_per_speaker(twin.train) <= 2
    assert 0.3 < few[twin.cross.labels].mean() < 0.7


def test_flaws_of_the_lists_are_there(twin: Corpus) -> None:
    flaws = flawed_videos(twin)
    assert flaws["flaw"].value_counts().to_dict() == {
        "shared": 12,
        "repeated": 3,
        "ambiguous": 2,
    }
    assert (flaws.loc[flaws["flaw"] == "ambiguous", "speakers"].str.count(",") == 1).all()
    assert flaws.loc[flaws["flaw"] == "shared", "repeated"].sum() > 0
    for part in (twin.train, twin.cross):  # clips share frames, as in the real lists
        assert 0.4 < len(np.unique(part.face[:, :4], axis=0)) / len(part) < 0.75


def test_lengths(twin: Corpus) -> None:
    for part in twin.parts.values():
        assert np.linalg.norm(part.face, axis=1) == pytest.approx(1, abs=1e-5)
        norms = np.linalg.norm(part.voice, axis=1)
        assert norms.min() > 157
        assert norms.max() < 415
        assert norms.mean() == pytest.approx(250, abs=5)
        assert 20 < norms.std() < 32


def test_faces_have_the_rank_of_the_real_ones(twin: Corpus) -> None:
    values = np.linalg.svd(twin.train.face - twin.train.face.mean(axis=0), compute_uv=False)
    assert values[48] > 10 * values[49]
    assert values[-1] > 0  # what is left is small, but a covariance can be inverted


def test_landmarks_are_the_measured_ones(twin: Corpus) -> None:
    language = np.repeat([0, 1], [len(twin.train), len(twin.cross)])
    speaker = np.concatenate([twin.train.labels, twin.cross.labels])
    judged = np.isin(twin.cross.key, cross_split(twin)[0].key)
    train = np.arange(len(twin.train))
    video = video_index(twin.train, twin.cross)
    cross = len(train) + np.flatnonzero(judged)
    measure = landmarks(speaker, language, video, train, cross)
    for modality in ("face", "voice"):
        parts = (getattr(part, modality) for part in (twin.train, twin.cross))
        found = measure(unit(np.concatenate(list(parts))))
        for name, value in calibration()[modality]["landmarks"].items():
            assert found[name] == pytest.approx(value, abs=2 if "accuracy" in name else 0.07)


def test_same_seed_same_corpus() -> None:
    first, again, other = (generate(seed, speakers=8) for seed in (3, 3, 4))
    for name, part in first.parts.items():
        assert np.array_equal(part.voice, again.parts[name].voice)
        assert np.array_equal(part.face, again.parts[name].face)
        assert np.array_equal(part.key, again.parts[name].key)
    assert not np.array_equal(first.train.voice[:5], other.train.voice[:5])


def test_one_modality_does_not_disturb_the_other() -> None:
    scalars = copy.deepcopy(calibration())
    scalars["voice"]["clip"]["spread"] *= 1.5
    usual, changed = generate(speakers=8), generate(speakers=8, scalars=scalars)
    assert np.array_equal(usual.train.face, changed.train.face)
    assert not np.array_equal(usual.train.voice, changed.train.voice)


@pytest.mark.parametrize("speakers", [2, 3, 5, 25, 140])
def test_other_numbers_of_speakers(speakers: int) -> None:
    corpus = generate(speakers=speakers)
    assert corpus.speakers == speakers
    assert len(corpus.train) == pytest.approx(4039 * speakers / 70, rel=0.05, abs=40)
    for part in corpus.parts.values():
        assert np.array_equal(np.unique(part.labels), np.arange(speakers))


def test_too_few_speakers() -> None:
    with pytest.raises(DataError, match="at least 2"):
        generate(speakers=1)


def test_heavy_tails_have_mean_square_one() -> None:
    level = (np.arange(20_000) + 0.5) / 20_000
    assert np.mean(heavy_tailed(level, 0.5) ** 2) == pytest.approx(1, abs=0.01)
    assert heavy_tailed(level, 0.0) == pytest.approx(1)


def test_strays_have_their_share() -> None:
    level = (np.arange(20_000) + 0.5) / 20_000
    share = stray_shares(level, {"share": 0.04, "concentration": 0.5})
    assert share.mean() == pytest.approx(0.04, abs=0.001)
    assert np.median(share) < 0.001
    assert share.max() > 0.9


def test_outliers_carry_their_share_of_the_clips() -> None:
    rng = np.random.default_rng(0)
    size = np.ceil(np.exp(1.3 * rng.standard_normal(260)) * 8).astype(int)
    group = np.repeat([0, 1], 130)
    level = balanced_levels(rng, size, group)
    for members in (group == 0, group == 1):
        assert np.sort(level[members]) == pytest.approx((np.arange(130) + 0.5) / 130)
        share = size[members] / size[members].sum()
        for tail in (0.05, 0.5, 0.95):
            assert share[level[members] < tail].sum() == pytest.approx(tail, abs=0.05)


# --- twin.json ------------------------------------------------------------------------------------

LIST = {"videos_per_speaker", "clips_per_speaker", "quantiles", "frames", "energy"}
LIST |= {"mean", "shift", "rank_correlations"}
PART = {"clips": None, "videos_per_speaker": None, "clips_per_speaker": None, "video_spread": None}
FACTOR = {"energy": None, "spread": None}
MODALITY = {
    "landmarks": {f"{kind}, {level}%": None for kind in PAIRS for level in (5, 50, 95)}
    | {"accuracy, english": None, "accuracy, cross": None},
    "mean": None,
    "shift": None,
    "first_language_noise": None,
    "group": {"axis": None, "strength": None},
    "speaker": FACTOR,
    "language": FACTOR,
    "video": FACTOR,
    "clip": FACTOR | {"video_spread": None},
    "stray": {"share": None, "concentration": None},
}
ALLOWED = {
    "counts": {
        "speakers": None,
        "train": PART,
        "cross": PART,
        "test_english": PART,
        "test_cross": PART,
        "rank_correlations": None,
        "shared_videos": None,
        "shared_clips": None,
        "ambiguous_videos": None,
        "repeated_videos": None,
        "frames": None,
    },
    "norm": {"quantiles": None, "video_share": None},
    "group_share": None,
    "face": MODALITY,
    "voice": MODALITY,
}
LONGEST = 21  # quantiles; the shortest template of a person has 192 numbers
MOST = 420  # numbers in all; one number per speaker and dimension would be 13,440


def offences(scalars: Any, allowed: Any = ALLOWED, path: str = "") -> list[str]:
    """What in the scalars could hold more than aggregates: unknown keys, long lists, text."""
    found = []
    if isinstance(scalars, dict):
        if allowed is None:
            return [f"{path}: a dictionary"]
        found += [f"{path}/{key}: unknown" for key in scalars if key not in allowed]
        for key in allowed:
            found += offences(scalars.get(key), allowed[key], f"{path}/{key}")
    elif isinstance(scalars, list):
        if path.rsplit("/", 1)[-1] not in LIST:
            found.append(f"{path}: a list")
        if np.size(scalars) > LONGEST:
            found.append(f"{path}: {np.size(scalars)} numbers")
    elif not isinstance(scalars, int | float) or not np.isfinite(scalars):
        found.append(f"{path}: {scalars!r} is no number")
    return found


def count(scalars: Any) -> int:
    if isinstance(scalars, dict):
        return sum(count(value) for value in scalars.values())
    return int(np.size(scalars))


def test_scalars_hold_aggregates_only() -> None:
    text = files("mraf.data.twin").joinpath("twin.json").read_text(encoding="utf-8")
    scalars = json.loads(text)
    assert offences(scalars) == []
    assert count(scalars) <= MOST


@pytest.mark.parametrize(
    ("smuggled", "offence"),
    [
        ({"means": [0.0] * 192}, "unknown"),
        ({"mean": [0.0] * 192}, "192 numbers"),
        ({"mean": "AAAA"}, "no number"),
        ({"mean": {"id0001": 1.0}}, "a dictionary"),
        ({"first_language_noise": [1.0, 2.0]}, "a list"),
    ],
)
def test_check_of_the_scalars_finds_templates(smuggled: dict[str, Any], offence: str) -> None:
    scalars = copy.deepcopy(calibration())
    scalars["voice"] |= smuggled
    assert any(offence in found for found in offences(scalars))


@pytest.mark.real
def test_real_features_are_like_the_twin(twin: Corpus, real_corpus: Corpus) -> None:
    from tools.fit_twin.compare import compare

    table = compare(twin, real_corpus).table
    assert table["within"].all(), table[~table["within"]].to_string()


def test_many_speakers_with_few_clips_each() -> None:
    corpus = generate(0, 300, few_clips(calibration(), train=4, test=2))
    assert corpus.speakers == 300
    assert [len(part) for part in corpus.parts.values()] == [1200, 600, 600, 600]
    assert (np.bincount(corpus.train.labels) == 4).all()
    assert (_videos_per_speaker(corpus.train) == 2).all()
    assert (_videos_per_speaker(corpus.cross) == 1).all()
    assert flawed_videos(corpus).empty
    assert calibration()["counts"]["shared_videos"] == 12  # the one shipped is as it was


def test_of_very_many_items_few_orders_are_tried() -> None:
    items = 600_000  # 200 orders of them would take a gigabyte
    rng = np.random.default_rng(0)
    level = balanced_levels(rng, np.ones(items), np.zeros(items, dtype=np.int64))
    assert np.allclose(np.sort(level), (np.arange(items) + 0.5) / items)
