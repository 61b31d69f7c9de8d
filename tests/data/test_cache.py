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
from mraf.data.official.pack import open_pack, pack
from mraf.data.official.release import find_release
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
    return folder / ".mraf-cache" / "v1.npz"


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


def test_packed_arrays_may_be_changed_and_are_never_written_back(folder):
    load(folder)
    before = place_of(folder).read_bytes()
    load(folder).train.face[:] = 0  # torch wants writable arrays
    assert place_of(folder).read_bytes() == before


def test_the_pack_leaves_nothing_temporary_and_is_kept_out_of_git(folder):
    load(folder)
    assert sorted(os.listdir(folder / ".mraf-cache")) == [".gitignore", "v1.npz"]
    assert (folder / ".mraf-cache/.gitignore").read_text() == "*\n"
    umask = os.umask(0)
    os.umask(umask)
    assert place_of(folder).stat().st_mode & 0o777 == 0o666 & ~umask


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


def damage(change):
    return lambda place: place.write_bytes(change(place.read_bytes()))


def arrays(change, **options):
    """Writes the pack anew with other arrays: its checksums are right again."""

    def spoil(place: Path) -> None:
        with np.load(place) as pack:
            found = dict(pack)
        change(found)
        np.savez(place, **found)

    return spoil


def changed(name: str, change):
    return arrays(lambda found: found.update({name: change(found[name])}))


def source(change):
    """Changes what the pack says of its source."""

    def edit(values: np.ndarray) -> np.ndarray:
        parsed = json.loads(values.tobytes())
        change(parsed)
        return np.frombuffer(json.dumps(parsed).encode(), np.uint8)

    return changed("source", edit)


def poison(values: np.ndarray) -> np.ndarray:
    values[3, 3] = np.nan
    return values


DAMAGES = {
    "truncated": damage(lambda data: data[:-8]),
    "empty": damage(lambda data: b""),
    "an array gone": arrays(lambda found: found.pop("cross.voice")),
    "a part gone": arrays(lambda found: [found.pop(n) for n in list(found) if "cross." in n]),
    "labels gone": arrays(lambda found: found.pop("train.speaker")),
    "an unknown part": arrays(lambda found: found.update({"dev.face": found["train.face"]})),
    "an unknown array": arrays(lambda found: found.update({"train.x": found["train.face"]})),
    "array pickled": changed("cross.key", lambda keys: keys.astype(object)),
    "array of another dtype": changed("train.face", lambda face: face.astype("f8")),
    "integers for floats": changed("train.face", lambda face: face.view("i4")),
    "array of another length": changed("train.face", lambda face: face[1:]),
    "array with NaN": changed("train.voice", poison),
    "voices of zeros": changed("train.voice", np.zeros_like),
    "labels out of range": changed("cross.speaker", lambda labels: labels + 1),
    "labels negative": changed("train.speaker", lambda labels: labels - 1),
    "keys twice": changed("test_cross.key", lambda keys: np.full_like(keys, "same")),
    "source damaged": changed("source", lambda values: values[:50]),
    "source too deep": changed("source", lambda _: np.full(200_000, ord("["), np.uint8)),
    "another format": source(lambda found: found.update(format=0)),
    "files left out": source(lambda found: found["files"].pop()),
}


@pytest.mark.parametrize("spoil", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_pack_is_made_again(folder, reads, spoil):
    expected = load(folder)
    spoil(place_of(folder))
    assert_same(load(folder), expected)
    assert reads == ["v1", "v1"]
    assert open_pack(place_of(folder), find_release(folder)) is not None


def test_a_flipped_bit_is_noticed_or_harmless(folder):
    expected = load(folder)
    place, release = place_of(folder), find_release(folder)
    sound = place.read_bytes()
    for at in range(0, len(sound), len(sound) // 60):
        place.write_bytes(sound[:at] + bytes([sound[at] ^ 4]) + sound[at + 1 :])
        if (corpus := open_pack(place, release)) is not None:
            assert_same(corpus, expected)


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
    (place,) = (tmp_path / "user" / "mraf").glob("data-*/v1.npz")
    assert pack(folder) == place


def test_two_folders_of_one_name_do_not_share_the_users_cache(folder, tmp_path):
    forbid(folder / ".mraf-cache")
    other = write_official(tmp_path / "b/data", random_corpus(speakers=4, hidden=True))
    forbid(other / ".mraf-cache")
    for _ in range(2):
        assert (load(folder).speakers, load(other).speakers) == (3, 4)
    assert len(list((tmp_path / "user" / "mraf").glob("data-*/v1.npz"))) == 2


@pytest.mark.filterwarnings("ignore:No pack could be written")
def test_where_no_place_can_be_written_it_warns_and_works(folder, tmp_path, reads):
    forbid(folder / ".mraf-cache")
    forbid(tmp_path / "user")
    with pytest.warns(UserWarning, match=r"No pack could be written\. .*data/.*user/"):
        assert load(folder).speakers == 3
    with pytest.raises(DataError, match="No pack could be written"):
        pack(folder)
    assert reads == ["v1", "v1"]


def test_without_a_home_the_pack_lies_beside_the_data(folder, tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    monkeypatch.chdir(tmp_path)
    assert pack(folder) == place_of(folder)
    assert content(tmp_path)[0] == "data"  # and no folder that is called ~


def test_a_full_disk_leaves_nothing_half_written(folder, tmp_path, monkeypatch):
    tried = []

    def full(file, **arrays):
        tried.append(file.name)
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.warns(UserWarning, match="No space left on device"):
        load(folder)
    assert len(tried) == 2  # both places
    assert content(folder / ".mraf-cache") == [".gitignore"]
    assert [path.name for path in (tmp_path / "user").rglob("*") if path.is_file()] == [
        ".gitignore"
    ]


def test_a_failure_while_replacing_keeps_the_old_pack(folder, monkeypatch):
    load(folder)
    before = place_of(folder).read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        pack(folder, force=True)
    assert place_of(folder).read_bytes() == before
    assert sorted(os.listdir(folder / ".mraf-cache")) == [".gitignore", "v1.npz"]


def test_what_a_killed_process_left_is_cleared_away(folder):
    stale, fresh = (folder / ".mraf-cache" / name for name in (".v1.npz.old", ".v1.npz.new"))
    stale.parent.mkdir()
    for file in (stale, fresh):
        file.touch()
    os.utime(stale, (0, 0))
    load(folder)
    assert sorted(os.listdir(folder / ".mraf-cache")) == [".gitignore", ".v1.npz.new", "v1.npz"]


# ---------------------------------------------------------------- mraf data pack


def test_pack_packs_once_and_again_when_forced(folder, reads):
    assert pack(folder) == place_of(folder)
    assert pack(folder) == place_of(folder)
    assert reads == ["v1"]
    load(folder)
    assert reads == ["v1"]
    assert pack(folder, force=True) == place_of(folder)
    assert reads == ["v1", "v1"]
    assert sorted(os.listdir(folder / ".mraf-cache")) == [".gitignore", "v1.npz"]


def test_pack_refuses_bad_features(folder):
    (folder / VOICE).write_bytes(b"")
    with pytest.raises(DataError, match="is empty"):
        pack(folder)
    assert not (folder / ".mraf-cache").exists()


def test_releases_are_packed_apart(folder, reads):
    write_official(folder, random_corpus("Hindi", "v2", speakers=4))
    for _ in range(2):
        assert load(folder / LIST).speakers == 3
        assert load(folder / LIST.replace("v1", "v2")).speakers == 4
    assert reads == ["v1", "v2"]
    assert sorted(os.listdir(folder / ".mraf-cache")) == [".gitignore", "v1.npz", "v2.npz"]
