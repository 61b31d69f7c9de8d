"""Fetching with a fake gdown; unpacking of good, damaged and malicious archives."""

from __future__ import annotations

import errno
import io
import stat
import tarfile
import zipfile
from pathlib import Path

import gdown
import numpy as np
import pytest
from official import write_official

from mraf.data import load
from mraf.data.official import unpacking
from mraf.data.official.download import ARCHIVES, CONSENT_NOTE, download
from mraf.data.official.pack import pack
from mraf.data.official.unpacking import extract
from mraf.errors import DataError


def tree(folder: Path) -> dict[str, bytes]:
    """Content of the files in a folder by relative path, but for .gitignore."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".gitignore"
    }


def make_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def make_tar(path: Path, files: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


WRITERS = {
    "zip": make_zip,
    "tar": make_tar,
    "tar.gz": lambda path, files: make_tar(path, files, "w:gz"),
    "tar.xz": lambda path, files: make_tar(path, files, "w:xz"),
}
every_kind = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)


@pytest.fixture(scope="module")
def official(tmp_path_factory) -> Path:
    return write_official(tmp_path_factory.mktemp("official"))


@pytest.fixture(scope="module")
def files(official) -> dict[str, bytes]:
    return tree(official)


# ---------------------------------------------------------------- unpacking


@every_kind
@pytest.mark.parametrize("top", ["", "./", "polysim/", "a/b/polysim_v1/"])
def test_the_layout_begins_at_the_folder_however_it_is_wrapped(tmp_path, files, write, top):
    archive = write(tmp_path / "fetched", {top + name: data for name, data in files.items()})
    assert extract(archive, tmp_path / "data") == len(files)
    assert tree(tmp_path / "data") == files
    assert load(tmp_path / "data").speakers == 3


def test_folders_with_entries_of_their_own(tmp_path, official, files):
    with tarfile.open(tmp_path / "data.tar.gz", "w:gz") as archive:
        archive.add(official, "./")  # as `tar czf data.tar.gz .` writes it
    extract(tmp_path / "data.tar.gz", tmp_path / "data")
    assert tree(tmp_path / "data") == files


def test_backslashes_and_what_a_mac_adds(tmp_path, files):
    content = {name.replace("/", "\\"): data for name, data in files.items()}
    content |= {"__MACOSX/._feats": b"x", "feats/.DS_Store": b"x", ".git/hooks/pre-commit": b"x"}
    extract(make_zip(tmp_path / "data.zip", content), tmp_path / "data")
    assert tree(tmp_path / "data") == files


def test_folders_side_by_side_are_all_kept(tmp_path):
    content = {"one/feats/a.npy": b"1", "two/feats/b.npy": b"2"}
    extract(make_zip(tmp_path / "data.zip", content), tmp_path / "data")
    assert tree(tmp_path / "data") == content


def test_several_archives_merge_and_newer_files_replace(tmp_path):
    for name, content in {
        "first": {"feats/x/1": b"old", "feats/x/2": b"two"},
        "second": {"feats/x/1": b"new", "feats/y/3": b"three"},
    }.items():
        extract(make_zip(tmp_path / f"{name}.zip", content), tmp_path / "data")
    expected = {"feats/x/1": b"new", "feats/x/2": b"two", "feats/y/3": b"three"}
    assert tree(tmp_path / "data") == expected


def test_a_new_folder_keeps_git_away_but_an_old_one_is_left_alone(tmp_path):
    archive = make_zip(tmp_path / "data.zip", {"feats/x.npy": b"1"})
    extract(archive, tmp_path / "new")
    assert (tmp_path / "new" / ".gitignore").read_text() == "*\n"
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "README").touch()
    extract(archive, tmp_path / "old")
    assert not (tmp_path / "old" / ".gitignore").exists()


HOSTILE = ["/etc/evil", "../evil", "feats/../../evil", "..\\evil", "C:\\evil", "feats/a\nb"]


@every_kind
@pytest.mark.parametrize("name", HOSTILE)
def test_paths_that_leave_the_folder_are_refused(tmp_path, write, name):
    home = tmp_path / "home"
    home.mkdir()
    archive = write(home / "evil", {"feats/good.npy": b"1", name: b"2"})
    with pytest.raises(
        DataError, match=r"evil: refused, the path .*; nothing was unpacked"
    ) as error:
        extract(archive, home / "data")
    assert "\n" not in str(error.value)
    assert set(tree(tmp_path)) == {"home/evil"}


@pytest.mark.parametrize("kind", ["SYMTYPE", "LNKTYPE", "FIFOTYPE", "CHRTYPE"])
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        good = tarfile.TarInfo("feats/good.npy")
        archive.addfile(good, io.BytesIO())
        link = tarfile.TarInfo("feats/link")
        link.type, link.linkname = getattr(tarfile, kind), "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(DataError, match=r"refused, 'feats/link' is a link or device"):
        extract(tmp_path / "evil.tar", tmp_path / "data")
    assert tree(tmp_path / "data") == {}


def test_links_in_a_zip_are_refused(tmp_path):
    link = zipfile.ZipInfo("feats/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr("feats/good.npy", b"1")
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match=r"refused, 'feats/link' is a link or device"):
        extract(tmp_path / "evil.zip", tmp_path / "data")
    assert tree(tmp_path / "data") == {}


@every_kind
@pytest.mark.parametrize("bound", [{"MAX_BYTES": 999_999}, {"MAX_FILES": 2}])
def test_size_and_count_are_bounded(tmp_path, monkeypatch, write, bound):
    exact = {"MAX_BYTES": 1_200_000, "MAX_FILES": 3}
    for name, value in (exact | bound).items():
        monkeypatch.setattr(unpacking, name, value)
    bomb = {f"feats/{number}.npy": bytes(400_000) for number in range(3)}
    archive = write(tmp_path / "bomb", bomb)
    with pytest.raises(DataError, match="refused, unpacks to more than"):
        extract(archive, tmp_path / "data")
    assert not (tmp_path / "data").exists()
    for name, value in exact.items():
        monkeypatch.setattr(unpacking, name, value)
    assert extract(archive, tmp_path / "data") == 3


@pytest.mark.parametrize("keep", [0.01, 0.3, 0.8, 0.97])
@every_kind
def test_a_truncated_archive_changes_nothing(tmp_path, files, write, keep):
    archive = write(tmp_path / "cut", files)
    content = archive.read_bytes().rstrip(b"\0")  # a tar ends in zeros that may go missing
    archive.write_bytes(content[: int(len(content) * keep)])
    before = {"feats/old.npy": b"old"}
    (tmp_path / "data/feats").mkdir(parents=True)
    (tmp_path / "data/feats/old.npy").write_bytes(b"old")
    with pytest.raises(DataError, match="damaged"):
        extract(archive, tmp_path / "data")
    assert tree(tmp_path / "data") == before


@pytest.mark.parametrize("keep", [11, 15, 100])
def test_a_compressed_tar_that_hardly_begins(tmp_path, files, keep):
    archive = make_tar(tmp_path / "cut.tar.gz", files, "w:gz")
    archive.write_bytes(archive.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"cut\.tar\.gz: .*damaged") as caught:
        extract(archive, tmp_path / "data")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mode", ["w:gz", "w:xz", "w:bz2"])
def test_a_flipped_bit_in_a_compressed_tar_is_noticed(tmp_path, mode):
    noise = np.random.default_rng(0).bytes(3000)  # stored as it is: only the checksum can tell
    archive = make_tar(tmp_path / "bad", {"feats/1.npy": noise}, mode)
    sound = archive.read_bytes()
    for at in range(20, len(sound) - 8, 97):
        archive.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
        with pytest.raises(DataError):
            extract(archive, tmp_path / "data")
        assert tree(tmp_path / "data") == {}


def test_a_hard_link_within_the_archive_becomes_a_copy(tmp_path, monkeypatch):
    def write(path: Path, links: dict[str, str]) -> Path:
        with tarfile.open(path, "w:gz") as archive:
            archive.addfile(good := tarfile.TarInfo("./feats/1.npy"), io.BytesIO(b""))
            good.size = 400
            good.name = "./feats/2.npy"
            archive.addfile(good, io.BytesIO(b"2" * 400))
            for name, target in links.items():
                link = tarfile.TarInfo(name)
                link.type, link.linkname = tarfile.LNKTYPE, target
                archive.addfile(link)
        return path

    linked = write(tmp_path / "links", {"./feats/3.npy": "./feats/2.npy"})
    assert extract(linked, tmp_path / "data") == 3
    assert (tmp_path / "data/feats/3.npy").read_bytes() == b"2" * 400
    assert (tmp_path / "data/feats/3.npy").stat().st_nlink == 1
    bomb = write(tmp_path / "bomb", {f"feats/{n}": "feats/2.npy" for n in range(3, 9)})
    with monkeypatch.context() as bounded:
        bounded.setattr(unpacking, "MAX_BYTES", 2000)
        with pytest.raises(DataError, match="refused, unpacks to more than"):
            extract(bomb, tmp_path / "data")
    (tmp_path / "secret").write_text("outside")
    for target in ("../secret", "../../secret", str(tmp_path / "secret"), "feats/9.npy", "", "."):
        with pytest.raises(DataError, match="'feats/8' is a link or device"):
            extract(write(tmp_path / "evil", {"feats/8": target}), tmp_path / "data")


def test_a_tar_cut_between_two_files(tmp_path):
    archive = make_tar(tmp_path / "cut.tar", {"feats/1": b"1" * 512, "feats/2": b"2" * 512})
    archive.write_bytes(archive.read_bytes()[:1024])  # header and content of the first
    with pytest.raises(DataError, match="the end of the archive is missing"):
        extract(archive, tmp_path / "data")
    assert tree(tmp_path / "data") == {}


def test_a_changed_byte_is_noticed(tmp_path, files):
    archive = make_zip(tmp_path / "bad.zip", files)
    content = bytearray(archive.read_bytes())
    content[len(content) // 3] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(DataError, match=r"bad\.zip: (damaged|refused)"):
        extract(archive, tmp_path / "data")
    assert tree(tmp_path / "data") == {}


def test_encrypted_and_strange_and_absent_files(tmp_path):
    archive = make_zip(tmp_path / "locked.zip", {"feats/1.npy": b"1"})
    content = bytearray(archive.read_bytes())
    for header, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(header) + offset] |= 1
    archive.write_bytes(content)
    with pytest.raises(DataError, match=r"'feats/1\.npy' is encrypted"):
        extract(archive, tmp_path / "data")
    (tmp_path / "page.zip").write_text("<html>quota exceeded</html>")
    with pytest.raises(DataError, match=r"page\.zip: neither zip nor tar"):
        extract(tmp_path / "page.zip", tmp_path / "data")
    with pytest.raises(DataError, match="there is no such file"):
        extract(tmp_path / "nothing.zip", tmp_path / "data")
    with pytest.raises(DataError, match="holds no files"):
        extract(make_zip(tmp_path / "empty.zip", {"feats/": b""}), tmp_path / "data")


@pytest.mark.parametrize("name", ["a\0b", "n" * 300, "~nobody-of-this-name/x"])
def test_paths_that_cannot_be_are_told_in_one_line(tmp_path, name):
    archive = make_zip(tmp_path / "x.zip", {"feats/1.npy": b"1"})
    for use in (
        lambda: extract(archive, name),
        lambda: extract(name, tmp_path),
        lambda: download(name),
        lambda: load(name),
        lambda: pack(name),
    ):
        with pytest.raises(
            DataError, match=r"cannot be used \(.*\); give another path\.$"
        ) as caught:
            use()
        assert "\n" not in str(caught.value)


def test_a_conflict_moves_nothing(tmp_path):
    (tmp_path / "data/feats/b.npy").mkdir(parents=True)
    archive = make_zip(tmp_path / "x.zip", {"csv_files/a": b"1", "feats/b.npy": b"2"})
    with pytest.raises(DataError, match=r"feats/b\.npy is in the way"):
        extract(archive, tmp_path / "data")
    assert tree(tmp_path / "data") == {}


def test_a_full_disk_changes_nothing(tmp_path, files, monkeypatch):
    def full(source, target):
        target.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", full)
    with pytest.raises(DataError, match=r"cannot be unpacked into .*No space left on device"):
        extract(make_zip(tmp_path / "data.zip", files), tmp_path / "data")
    assert tree(tmp_path / "data") == {}


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="choose another folder"):
        extract(make_zip(tmp_path / "x.zip", {"feats/1": b"1"}), tmp_path / "file" / "data")


def test_what_a_killed_process_left_is_cleared_away(tmp_path):
    archive = make_zip(tmp_path / "x.zip", {"feats/1": b"1"})
    left = tmp_path / "data" / ".unpacking-x.zip" / "feats"
    left.mkdir(parents=True)
    (left / "half").write_bytes(b"half")
    extract(archive, tmp_path / "data")
    assert tree(tmp_path / "data") == {"feats/1": b"1"}


# ---------------------------------------------------------------- fetching


class Drive:
    """Stands in for gdown: hands out prepared archives by their id."""

    def __init__(self, monkeypatch, tmp_path: Path, files: dict[str, bytes]):
        def some(*starts: str) -> dict[str, bytes]:
            return {name: data for name, data in files.items() if name.startswith(starts)}

        self.content = {
            "train-lists": make_zip(tmp_path / "1", some("csv_files/comp/v1_train")).read_bytes(),
            "train-features": make_tar(tmp_path / "2", some("feats"), "w:gz").read_bytes(),
            "test-lists": make_zip(tmp_path / "3", some("csv_files/comp/v1_test")).read_bytes(),
            "test-features": make_zip(tmp_path / "4", some("features")).read_bytes(),
        }
        self.asked: list[tuple[str, bool]] = []
        monkeypatch.setattr(gdown, "download", self.download)

    def download(self, *, id: str, output: str, resume: bool) -> str:
        name = next(name for name, drive_id in ARCHIVES.items() if drive_id == id)
        self.asked.append((name, resume))
        Path(output).write_bytes(self.content[name])
        return output


@pytest.fixture
def drive(monkeypatch, tmp_path, files) -> Drive:
    return Drive(monkeypatch, tmp_path, files)


def test_download_fetches_and_unpacks_what_v1_needs(drive, tmp_path, files):
    download(tmp_path / "data")
    names = ["train-lists", "train-features", "test-lists", "test-features"]
    assert drive.asked == [(name, True) for name in names]
    found = tree(tmp_path / "data")
    assert {name: data for name, data in found.items() if name[0] != "."} == files
    assert list(load(tmp_path / "data").parts) == ["train", "cross", "test_english", "test_cross"]
    assert (tmp_path / "data" / ".gitignore").read_text() == "*\n"


FAILURES = {
    "offline": ConnectionError("Max retries exceeded:\nFailed to resolve 'drive.google.com'"),
    "refused": RuntimeError("Cannot retrieve the public link of the file." + " Quota." * 99),
    "gdown": gdown.exceptions.FileURLRetrievalError("no access"),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_offline_it_says_so_and_prints_the_manual_steps(drive, tmp_path, monkeypatch, failure):
    def fail(**_):
        raise failure

    monkeypatch.setattr(gdown, "download", fail)
    with pytest.raises(DataError) as caught:
        download(tmp_path / "data")
    lines = str(caught.value).splitlines()
    assert "offline, or refused" in lines[0]
    assert len(lines[0]) < 320
    assert [line.split()[0] for line in lines[2:6]] == [
        f"https://drive.google.com/file/d/{drive_id}/view" for drive_id in ARCHIVES.values()
    ]
    assert lines[-1].strip() == f"mraf data download {tmp_path / 'data'} --from-archive FILE"
    assert tree(tmp_path / "data") == {}


def test_gdown_that_returns_nothing_is_a_refusal(drive, tmp_path, monkeypatch):
    monkeypatch.setattr(gdown, "download", lambda **_: None)
    with pytest.raises(DataError, match="did not hand out train-lists"):
        download(tmp_path / "data")


def test_a_full_disk_while_fetching(drive, tmp_path, monkeypatch):
    def full(**_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(gdown, "download", full)
    with pytest.raises(DataError, match=r"train-lists: .*No space left on device.*resumes"):
        download(tmp_path / "data")


def test_a_bad_archive_from_drive_names_its_file(drive, tmp_path):
    drive.content["train-features"] = b"<html>virus scan warning</html>"
    with pytest.raises(DataError, match=r"\.mraf-downloads/train-features: neither zip nor tar"):
        download(tmp_path / "data")
    # gdown takes a file that is there for complete: a bad one must not stay
    assert list((tmp_path / "data/.mraf-downloads").iterdir()) == [
        tmp_path / "data/.mraf-downloads/train-lists"
    ]


def test_a_good_archive_stays_when_unpacking_fails(drive, tmp_path):
    (tmp_path / "data/csv_files").mkdir(parents=True)
    (tmp_path / "data/csv_files/comp").touch()
    with pytest.raises(DataError, match="comp is in the way"):
        download(tmp_path / "data")
    assert (tmp_path / "data/.mraf-downloads/train-lists").exists()


def test_the_note_speaks_of_consent_and_terms():
    for word in ("consent", "terms", "GDPR", "delete", "YouTube"):
        assert word in CONSENT_NOTE


def test_unpacked_features_keep_their_values(tmp_path, official):
    """A whole round: what is written, archived, unpacked and loaded is the same to the bit."""
    with tarfile.open(tmp_path / "all.tar.gz", "w:gz") as archive:
        archive.add(official, "polysim_v1")
    extract(tmp_path / "all.tar.gz", tmp_path / "data")
    first, second = load(official), load(tmp_path / "data")
    for name, part in first.parts.items():
        np.testing.assert_array_equal(part.voice, second.parts[name].voice)
