"""Published counts by video cannot be put to the names of videos."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mraf.data
from mraf.data.splits import validation_split
from mraf.errors import RunError
from mraf.evaluation.records import read_results, write_results
from mraf.evaluation.results import Judged

RECORDED = Path("data/recorded")
COUNT = 40


def rows(seed: int = 0, corpus: str = "MAV-Celeb v1") -> pd.DataFrame:
    clips = np.arange(1, COUNT + 1)
    text = " ".join(map(str, clips))
    settings = ["P3", "P4", "P5", "P6"]
    return pd.DataFrame(
        {
            "system": "a",
            "seed": seed,
            "setting": settings,
            "clips": clips.sum(),
            "videos": COUNT,
            "correct": clips.sum(),
            "correct_per_video": text,
            "clips_per_video": text,
            "corpus": corpus,
            "preset": "quick",
            "split": "validation",
        }
    )


def order(file: Path) -> list[int]:
    return list(read_results(file).clips_per_video[0])


def test_people_are_shuffled_alike_in_all_files_and_by_another_key_otherwise(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "one"))
    for name in ("first", "second"):
        write_results(tmp_path / f"{name}.csv", rows())
    write_results(tmp_path / "twin.csv", rows(corpus="twin"))
    write_results(tmp_path / "first.csv", rows(seed=1))  # joins under the same key
    first = read_results(tmp_path / "first.csv")
    assert first.seed.tolist() == [0] * 4 + [1] * 4
    assert all(
        np.array_equal(a, b)
        for a, b in zip(first.clips_per_video[::4], first.correct_per_video[::4], strict=True)
    )
    assert order(tmp_path / "first.csv") == order(tmp_path / "second.csv")
    assert sorted(order(tmp_path / "first.csv")) == order(tmp_path / "twin.csv")
    assert order(tmp_path / "first.csv") != order(tmp_path / "twin.csv")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "two"))
    write_results(tmp_path / "third.csv", rows())
    assert order(tmp_path / "third.csv") != order(tmp_path / "first.csv")
    before = (tmp_path / "first.csv").read_bytes()
    with pytest.raises(RunError, match="another order of videos; record into another folder"):
        write_results(tmp_path / "first.csv", rows(seed=2))
    assert (tmp_path / "first.csv").read_bytes() == before


def test_the_key_is_made_once_and_is_private(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    write_results(tmp_path / "a.csv", rows())
    (key,) = tmp_path.rglob("*.key")
    content = key.read_bytes()
    write_results(tmp_path / "b.csv", rows())
    assert key.read_bytes() == content
    if os.name == "posix":
        assert key.stat().st_mode & 0o077 == 0


def test_records_at_once_lose_no_row(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "a.csv"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seed: write_results(file, rows(seed)), range(16)))
    assert sorted(set(read_results(file).seed)) == list(range(16))


def test_a_system_without_an_answer_does_not_keep_the_next_seed_out(tmp_path, monkeypatch):
    """A face head has no P4: its row holds no counts, and so no order."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    silent = {"correct": None, "correct_per_video": None, "clips_per_video": None}
    for seed in range(3):
        face = rows(seed).iloc[1:2].assign(system="face head", **silent)
        write_results(tmp_path / "a.csv", pd.concat([rows(seed), face]))
    found = read_results(tmp_path / "a.csv")
    assert found.groupby("system").seed.nunique().tolist() == [3, 3]


PEOPLE = [*RECORDED.glob("*_mavceleb_v*.csv"), *RECORDED.glob("validation_*.csv")]


@pytest.mark.real
@pytest.mark.parametrize("file", sorted(PEOPLE), ids=lambda f: f.stem)
def test_names_of_videos_do_not_give_the_order_of_the_committed_records(file):
    """The attack on what was committed before: sort the public names by a digest of them."""
    if "clips_per_video" not in file.read_text(encoding="utf-8").split("\n", 1)[0]:
        pytest.skip("no counts by video")
    found = read_results(file).dropna(subset="clips_per_video")
    corpus = mraf.data.load()
    if set(found.corpus) != {corpus.name}:
        pytest.skip(f"MRAF_DATA holds {corpus.name}")
    split = validation_split(corpus)
    for name, settings in {"english": ["P3", "P4"], "cross": ["P5", "P6"]}.items():
        judged = Judged.of(getattr(split, name))
        clips = judged.per_video(np.ones(len(judged.key)))
        for published in found[found.setting.isin(settings)].clips_per_video.iloc[:1]:
            assert len(published) == len(clips)
            agreed = judged.published_counts(np.ones(len(judged.key), dtype=bool))
            assert not np.array_equal(published, agreed)
            assert not np.array_equal(published, clips)


def test_another_key_is_noticed_where_all_videos_are_as_long(tmp_path, monkeypatch):
    """Their shuffled counts of clips are the same under every key."""
    even = rows().assign(clips_per_video=" ".join(["40"] * COUNT), clips=40 * COUNT)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "one"))
    write_results(tmp_path / "a.csv", even)
    write_results(tmp_path / "a.csv", even.assign(seed=1))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "two"))
    with pytest.raises(RunError, match="another order of videos"):
        write_results(tmp_path / "a.csv", even.assign(seed=2))


def test_rows_of_a_run_that_names_no_corpus_are_read_and_replaced(tmp_path):
    for _ in range(2):
        write_results(tmp_path / "a.csv", rows(corpus="").assign(preset=None))
    assert len(read_results(tmp_path / "a.csv")) == 4
