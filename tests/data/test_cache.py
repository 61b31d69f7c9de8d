"""The pack cache: the same corpus, faster; and never that of another or a changed source."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from official import random_corpus, write_official

import mraf.data.official.pack
from mraf.data import load
from mraf.data.official.lists import find_release
from mraf.data.official.pack import open_pack, pack
from mraf.errors import DataError

VOICE = "feats/ecappafeats/v1/voices/id0001/English/English-00/00001.npy"
LIST = "csv_files/comp/v1_train_English.csv"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    return write_official(tmp_path / "data")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each time that the single files are read."""
    seen: list[str] = []
    read = mraf.data.official.pack.read_corpus

    def counted(release, *rest):
        seen.append(release.version)
        return read(release, *rest)

    monkeypatch.setattr(mraf.data.official.pack, "read_corpus", counted)
    return seen


def place_of(folder: Path) -> Path:
    return folder / ".mraf-cache" / "v1"


def content(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def assert_same(first, second) -> None:
    assert (first.name, first.version, first.speakers) == (
        second.name,
        second.version,
        second.speakers,
    )
    assert list(first.parts) == list(second.parts)
    for name, part in first.parts.items():
        other = second.parts[name]
        for field in ("face", "voice", "speaker", "video", "key"):
            np.testing.assert_array_equal(getattr(part, field), getattr(other, field))
        assert (part.language, part.source) == (other.language, other.source)


def test_the_pack_holds_what_was_read(folder, reads):
    first, second = load(folder), load(folder)
    assert reads == ["v1"]
    assert_same(first, second)
    assert second.test_english.speaker is None


def test_packed_arrays_are_mapped_and_never_written_back(folder):
    load(folder)
    files = {path: path.read_bytes() for path in place_of(folder).glob("*")}
    corpus = load(folder)
    assert isinstance(corpus.train.face.base, np.memmap)
    corpus.train.face[:] = 0  # torch wants writable arrays
    assert {path: path.read_bytes() for path in place_of(folder).glob("*")} == files


def test_the_pack_leaves_nothing_temporary_and_is_kept_out_of_git(folder):
    load(folder)
    assert sorted(os.listdir(folder / ".mraf-cache")) == [".gitignore", "v1"]
    assert (folder / ".mraf-cache/.gitignore").read_text() == "*\n"
    umask = os.umask(0)
    os.umask(umask)
    assert place_of(folder).stat().st_mode & 0o777 == 0o777 & ~umask


def touch_later(path: Path) -> None:
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


def rewrite_list(folder: Path) -> None:
    path = folder / LIST
    status = path.stat()
    path.write_text(path.read_text().replace("2.0", "2"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # its content counts, not its time


CHANGES = {
    "a feature file's time": lambda folder: touch_later(folder / VOICE),
    "a feature file's size": lambda folder: np.save(folder / VOICE, np.ones((1, 192), "f4")),
    "a list's content": rewrite_list,
    "a test list gone": lambda folder: (folder / LIST.replace("train", "test")).unlink(),
    "folders spelled otherwise": lambda folder: (folder / "feats/ecappafeats").rename(
        folder / "feats/ecappa_feats"
    ),
    "another folder comes first": lambda folder: shutil.copytree(
        folder / "features/test", folder / "feats/test"
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_source_is_noticed(folder, reads, change):
    load(folder)
    change(folder)
    corpus = load(folder)
    assert reads == ["v1", "v1"]
    assert_same(corpus, load(folder))
    assert reads == ["v1", "v1"]


def test_changed_values_arrive(folder):
    load(folder)
    time.sleep(0.01)
    np.save(folder / VOICE, np.full(192, 7, np.float32))
    assert (load(folder).train.voice[1] == 7).all()


def test_a_feature_file_that_vanished_is_not_served_from_the_pack(folder):
    load(folder)
    (folder / VOICE).unlink()
    with pytest.raises(DataError, match=r"line 3: feature file .* is missing"):
        load(folder)


def test_a_pack_from_another_source_is_not_used(folder, tmp_path, reads):
    other = write_official(tmp_path / "other", random_corpus(speakers=4, hidden=True))
    load(other)
    shutil.copytree(other / ".mraf-cache", folder / ".mraf-cache")
    assert load(folder).speakers == 3
    assert reads == ["v1", "v1"]
    load(folder)
    assert reads == ["v1", "v1"]


def damage(name: str, change):
    def spoil(place: Path) -> None:
        path = place / name
        path.write_bytes(change(path.read_bytes()))

    return spoil


def meta(change):
    def edit(data: bytes) -> bytes:
        parsed = json.loads(data)
        change(parsed)
        return json.dumps(parsed).encode()

    return damage("pack.json", edit)


def resave(name: str, change, **options):
    def spoil(place: Path) -> None:
        np.save(place / name, change(np.load(place / name)), **options)

    return spoil


def poison(values: np.ndarray) -> np.ndarray:
    values[3, 3] = np.nan
    return values


DAMAGES = {
    "array gone": lambda place: (place / "cross.voice.npy").unlink(),
    "array truncated": damage("cross.voice.npy", lambda data: data[:-8]),
    "array empty": damage("cross.voice.npy", lambda data: b""),
    "array pickled": resave("cross.key.npy", lambda keys: keys.astype(object), allow_pickle=True),
    "array of another dtype": resave("train.face.npy", lambda face: face.astype("f8")),
    "array of another length": resave("train.face.npy", lambda face: face[1:]),
    "array with NaN": resave("train.voice.npy", poison),
    "voices of zeros": resave("train.voice.npy", np.zeros_like),
    "labels out of range": resave("cross.speaker.npy", lambda labels: labels + 1),
    "labels negative": resave("train.speaker.npy", lambda labels: labels - 1),
    "keys twice": resave("test_cross.key.npy", lambda keys: np.full_like(keys, "same")),
    "json damaged": damage("pack.json", lambda data: data[:50]),
    "json of another shape": damage("pack.json", lambda data: b"[1]"),
    "another format": meta(lambda data: data["fingerprint"].update(format=0)),
    "a part less": meta(lambda data: data["parts"].pop("cross")),
    "an unknown part": meta(lambda data: data["parts"].update(dev=["face"])),
    "labels left out": meta(lambda data: data["parts"]["train"].remove("speaker")),
    "files left out": damage("files.txt", lambda data: data[:100]),
}


@pytest.mark.parametrize("spoil", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_pack_is_made_again(folder, reads, spoil):
    expected = load(folder)
    spoil(place_of(folder))
    assert_same(load(folder), expected)
    assert reads == ["v1", "v1"]
    assert open_pack(place_of(folder), find_release(folder)) is not None


# ---------------------------------------------------------------- where it cannot be written


def forbid(place: Path) -> None:
    """Makes it impossible to create the folder ``place``, also for root."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("in the way")


def test_a_folder_that_cannot_be_written_is_packed_in_the_users_cache(folder, tmp_path, reads):
    forbid(folder / ".mraf-cache")
    before = content(folder)
    expected = load(folder)
    assert_same(load(folder), expected)
    assert reads == ["v1"]
    assert content(folder) == before
    (place,) = (tmp_path / "user" / "mraf").glob("data-*/v1")
    assert pack(folder) == place


def test_two_folders_of_one_name_do_not_share_the_users_cache(folder, tmp_path):
    forbid(folder / ".mraf-cache")
    other = write_official(tmp_path / "b/data", random_corpus(speakers=4, hidden=True))
    forbid(other / ".mraf-cache")
    for _ in range(2):
        assert (load(folder).speakers, load(other).speakers) == (3, 4)
    assert len(list((tmp_path / "user" / "mraf").glob("data-*/v1"))) == 2


def test_where_no_place_can_be_written_it_warns_and_works(folder, tmp_path, reads):
    forbid(folder / ".mraf-cache")
    forbid(tmp_path / "user")
    with pytest.warns(UserWarning, match=r"No pack could be written \(.*; .*\)"):
        assert load(folder).speakers == 3
    with pytest.raises(DataError, match="No pack could be written"):
        pack(folder)
    assert reads == ["v1", "v1"]


def test_a_full_disk_leaves_nothing_half_written(folder, tmp_path, monkeypatch):
    save, saved = np.save, []

    def full(file, values, **options):
        saved.append(file.name)
        if len(saved) % 4 == 0:
            file.write(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(file, values, **options)

    monkeypatch.setattr(np, "save", full)
    with pytest.warns(UserWarning, match="No space left on device"):
        load(folder)
    assert len(saved) == 8  # both places were tried
    assert content(folder / ".mraf-cache") == [".gitignore"]
    assert [path.name for path in (tmp_path / "user").rglob("*") if path.is_file()] == [
        ".gitignore"
    ]


def test_a_failure_while_replacing_keeps_the_old_pack(folder, monkeypatch):
    load(folder)
    before = content(place_of(folder))
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        pack(folder, force=True)
    assert content(place_of(folder)) == before
    assert sorted(os.listdir(folder / ".mraf-cache")) == [".gitignore", "v1"]


def test_what_a_killed_process_left_is_cleared_away(folder):
    stale, fresh = (folder / ".mraf-cache" / name for name in (".v1-stale", ".v1-fresh"))
    for place in (stale, fresh):
        place.mkdir(parents=True)
        (place / "train.face.npy").touch()
    os.utime(stale, (0, 0))
    load(folder)
    assert sorted(os.listdir(folder / ".mraf-cache")) == [".gitignore", ".v1-fresh", "v1"]


def test_another_process_may_pack_at_the_same_time(folder, monkeypatch):
    """The other one's pack appears between writing ours and renaming it."""
    elsewhere = folder.parent / "elsewhere"
    shutil.copytree(pack(folder), elsewhere)
    shutil.rmtree(folder / ".mraf-cache")
    rename = Path.rename

    def slow(self, target):
        if target == place_of(folder):
            shutil.copytree(elsewhere, target)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", slow)
    assert load(folder).speakers == 3
    assert sorted(os.listdir(folder / ".mraf-cache")) == [".gitignore", "v1"]
    assert not (folder.parent / "user").exists()  # the other's pack is as good as ours


# ---------------------------------------------------------------- mraf data pack


def test_pack_packs_once_and_again_when_forced(folder, reads):
    assert pack(folder) == place_of(folder)
    assert pack(folder) == place_of(folder)
    assert reads == ["v1"]
    load(folder)
    assert reads == ["v1"]
    assert pack(folder, force=True) == place_of(folder)
    assert reads == ["v1", "v1"]
    assert sorted(os.listdir(folder / ".mraf-cache")) == [".gitignore", "v1"]


def test_pack_refuses_bad_features(folder):
    (folder / VOICE).write_bytes(b"")
    with pytest.raises(DataError, match="is empty"):
        pack(folder)
    assert not (folder / ".mraf-cache").exists()


def test_releases_are_packed_apart(folder, reads):
    write_official(folder, random_corpus("Hindi", "v2", speakers=4))
    for _ in range(2):
        assert load(folder, version="v1").speakers == 3
        assert load(folder, version="v2").speakers == 4
    assert reads == ["v1", "v2"]
    assert sorted(os.listdir(folder / ".mraf-cache")) == [".gitignore", "v1", "v2"]
