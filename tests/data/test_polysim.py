"""The reader of the official layout: every release and spelling, and every kind of bad input."""

from __future__ import annotations

import errno
import io
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from official import challenge_spelling, random_corpus, write_official

import mraf.data
from mraf.data import load, named_source
from mraf.data.official.lists import inner_path
from mraf.errors import DataError

TRAIN = "csv_files/comp/v1_train_English.csv"
CROSS = "csv_files/comp/v1_train_Urdu.csv"
TEST = "csv_files/comp/v1_test_English.csv"
VOICE = "feats/ecappafeats/v1/voices/id0001/English/English-00/00001.npy"  # listed in line 3
FACE = "feats/facenetfeats/v1/faces/id0001/English/English-00/00001.npy"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """3 speakers x 2 videos x 2 clips in each of the four sets."""
    return write_official(tmp_path / "data")


def rows(corpus) -> dict[str, tuple]:
    return {
        name: (part.face.tolist(), part.voice.tolist(), part.language)
        for name, part in corpus.parts.items()
    }


def edit(path: Path, line: int, change: Callable[[str], str]) -> None:
    """Change one line of a text file, counted from 1 as an editor does."""
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[line - 1] = change(lines[line - 1])
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


# ---------------------------------------------------------------- what the releases look like


@pytest.mark.parametrize(
    ("language", "version"), [("Urdu", "v1"), ("Hindi", "v2"), ("German", "v3")]
)
def test_a_release_is_read_as_written(tmp_path, language, version):
    written = random_corpus(language, version, speakers=4, videos=2, clips=2, hidden=True)
    corpus = load(write_official(tmp_path / "polysim", written))
    assert rows(corpus) == rows(written)
    assert (corpus.version, corpus.cross.language, corpus.speakers) == (version, language, 4)
    assert corpus.name == f"MAV-Celeb {version}"
    for name in ("train", "cross"):
        part, truth = getattr(corpus, name), getattr(written, name)
        assert part.labels.tolist() == truth.labels.tolist()
        assert part.video.tolist() == truth.video.tolist()
        assert part.key[0] == f"{version}/voices/id0001/{truth.language}/{truth.video[0]}/00000.wav"
    assert corpus.test_english.speaker is None
    assert set(corpus.test_cross.video) == {""}
    assert corpus.test_cross.key[:2].tolist() == ["key00000", "key00001"]


@pytest.mark.parametrize(
    "options",
    [
        {"voice_folder": "ecappa_feats", "face_folder": "facenet_feats"},
        {"features": "."},
        {"features": "features", "test_features": "feat"},
        {"features": "features/train"},
        {"features": "feats/train", "test_features": "feats"},
        {"test_features": "feats"},
        {"test_features": "."},
        {"lists": "csv_files"},
        {"lists": "."},
        {"voice_column": "audios"},
        {"spell": lambda path: path},
    ],
    ids=lambda options: (
        "-".join(f"{k}={v}" for k, v in options.items() if isinstance(v, str)) or "spell"
    ),
)
def test_other_places_and_spellings(tmp_path, folder, options):
    assert rows(load(write_official(tmp_path / "other", **options))) == rows(load(folder))


@pytest.mark.parametrize("kind", ["ecappa", "facenet"])
def test_lists_and_folders_may_spell_differently(folder, kind):
    expected = rows(load(folder))
    (folder / f"feats/{kind}feats").rename(folder / f"feats/{kind}_feats")
    assert rows(load(folder)) == expected


@settings(max_examples=50)
@given(
    names=st.lists(st.text("abXY09 -_é.", min_size=1).filter(str.strip), min_size=1, max_size=5),
    data=st.data(),
)
def test_every_spelling_of_a_path_is_the_same_path(names, data):
    names = [f"n{name.strip()}" for name in names]
    separators = st.sampled_from(["/", "\\", "//", "/./", "\\.\\", "\\/"])
    text = data.draw(st.sampled_from(["", "./", ".\\", " ./"])) + names[0]
    for name in names[1:]:
        text += data.draw(separators) + name
    assert inner_path(text) == "/".join(names)


@settings(max_examples=8)
@given(data=st.data())
def test_random_spellings_of_the_lists_round_trip(tmp_path_factory, data):
    def spell(path: str) -> str:
        separators = data.draw(st.lists(st.sampled_from("/\\"), min_size=9, max_size=9))
        parts = path.split("/")
        mixed = "".join(f"{part}{end}" for part, end in zip(parts, separators, strict=False))
        return data.draw(st.sampled_from(["", "./", ".\\"])) + mixed[:-1]

    written = random_corpus(speakers=2, videos=1, clips=1, hidden=True)
    folder = write_official(tmp_path_factory.mktemp("spelled"), written, spell=spell)
    assert rows(load(folder)) == rows(written)


@settings(max_examples=50)
@given(
    st.one_of(
        st.from_regex(r"[/\\]{1,2}\w+", fullmatch=True),
        st.from_regex(r"(\./)?(a/){0,2}(\.\./){3,4}\w*", fullmatch=True),
        st.from_regex(r"[A-Za-z]:[\\/]?\w+", fullmatch=True),
        st.from_regex(r"a/\w*[\n\r\t\0]\w+", fullmatch=True),
        st.sampled_from(["", ".", "./", " ", "..", "\\..", "a/.."]),
    )
)
def test_paths_that_leave_the_folder_are_refused(text):
    with pytest.raises(ValueError, match="path"):
        inner_path(text)


def test_lists_with_byte_order_mark_blank_lines_and_windows_ends(folder):
    expected = rows(load(folder))
    for path in folder.glob("csv_files/comp/*.csv"):
        lines = path.read_text(encoding="utf-8").splitlines()
        lines.insert(2, "")
        path.write_text("\r\n".join(lines) + "\r\n\r\n", encoding="utf-8-sig", newline="")
    assert rows(load(folder)) == expected


def test_lines_are_counted_as_an_editor_does_after_blank_lines(folder):
    edit(folder / TRAIN, 3, lambda line: f"\n\n{line.replace('0.0', 'x')}")
    with pytest.raises(DataError, match="line 5: the label 'x'"):
        load(folder)


def test_axes_of_length_one_and_other_byte_order(folder):
    expected = rows(load(folder))
    for path in folder.glob("feats/ecappafeats/**/*.npy"):
        np.save(path, np.load(path)[None, None].astype(">f4"))
    assert rows(load(folder)) == expected


@pytest.mark.filterwarnings("ignore:.* feature files hold")
@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_floats_are_read_with_a_note(folder, dtype):
    expected = load(folder).train.voice
    for path in folder.glob("feats/ecappafeats/**/*.npy"):
        np.save(path, np.load(path).astype(dtype))
    note = rf"v1_train_English\.csv: 12 feature files hold {dtype}; read as float32\."
    with pytest.warns(UserWarning, match=note):
        found = load(folder).train.voice
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected.astype(dtype).astype("f4"))


def test_a_missing_face_is_a_row_of_zeros(folder):
    np.save(folder / FACE, np.zeros(512, np.float32))
    assert load(folder).train.face_missing.tolist() == [False, True] + [False] * 10


def test_a_speaker_with_one_clip(tmp_path):
    corpus = random_corpus(speakers=3, videos=1, clips=1, hidden=True)
    assert load(write_official(tmp_path, corpus)).train.labels.tolist() == [0, 1, 2]


def test_labels_of_a_test_list_are_read_where_it_has_them(folder):
    path = folder / TEST
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([f"{lines[0]},label", *(f"{line},1.0" for line in lines[1:])]))
    assert set(load(folder).test_english.labels) == {1}


# ---------------------------------------------------------------- several releases, absent parts


@pytest.fixture
def two_releases(folder: Path) -> Path:
    hindi = random_corpus("Hindi", "v2", speakers=4, videos=2, clips=2)
    return write_official(folder, hindi)


def test_several_releases_ask_for_a_choice(two_releases):
    with pytest.raises(DataError) as caught:
        load(two_releases)
    assert "v1 (English, Urdu), v2 (English, Hindi)" in str(caught.value)
    path = re.search(r"as in (\S+)\.$", str(caught.value)).group(1)
    assert load(path).version == "v1"  # the remedy works as printed


def test_a_release_is_chosen_by_its_list(two_releases, monkeypatch):
    place = "csv_files/comp/v2_train_English.csv"
    assert load(two_releases / place).cross.language == "Hindi"
    monkeypatch.chdir(two_releases / "csv_files")
    assert load(Path("..") / place).speakers == 4
    monkeypatch.setenv("MRAF_DATA", str(two_releases / place))
    assert load().version == "v2"


def test_a_list_is_found_from_within_its_folder(two_releases, monkeypatch):
    monkeypatch.chdir(two_releases / "csv_files/comp")
    assert load("v2_train_English.csv").version == "v2"


def test_a_release_without_features_is_no_choice(two_releases):
    for kind in ("ecappafeats", "facenetfeats"):
        (two_releases / "feats" / kind / "v2").rename(two_releases / f"{kind}-elsewhere")
    assert load(two_releases).version == "v1"


def test_a_release_without_training_lists(two_releases):
    path = two_releases / "csv_files/comp/v7_test_English.csv"
    path.touch()
    with pytest.raises(DataError, match="no training lists of 'v7', only of v1, v2"):
        load(path)


def test_without_test_lists_one_can_still_train(folder):
    for path in folder.glob("csv_files/comp/*_test_*.csv"):
        path.unlink()
    corpus = load(folder)
    assert list(corpus.parts) == ["train", "cross"]
    assert len(mraf.data.validation_split(corpus).english) == 6
    with pytest.raises(DataError, match=r"no English test clips.*v1_test_English\.csv"):
        mraf.data.test_split(corpus)


def test_test_lists_without_features_warn_until_they_come(folder):
    (folder / "features").rename(folder / "later")
    with pytest.warns(UserWarning, match=r"v1_test_\w+.csv, line 2: no folder 'test/v1'"):
        corpus = load(folder)
    assert list(corpus.parts) == ["train", "cross"]
    assert list(load(folder).parts) == ["train", "cross"]  # from the pack
    (folder / "later").rename(folder / "features")
    assert list(load(folder).parts) == ["train", "cross", "test_english", "test_cross"]


# ---------------------------------------------------------------- sources


def test_sources(folder, monkeypatch):
    expected = rows(load(folder))
    assert rows(load(str(folder))) == expected
    monkeypatch.setenv("MRAF_DATA", str(folder))
    assert rows(load()) == expected
    monkeypatch.setattr("mraf.data.twin.generate.generate", lambda: "the twin")
    assert load("twin") == "the twin"
    for nothing in ("", " ", "twin"):
        monkeypatch.setenv("MRAF_DATA", nothing)
        assert load() == "the twin"
    monkeypatch.delenv("MRAF_DATA")
    assert load() == "the twin"
    monkeypatch.chdir(folder.parent)
    folder.rename("twin")
    assert load("twin") == "the twin"
    assert rows(load("./twin")) == expected


def test_a_relative_mraf_data_holds_in_the_folders_below(folder, monkeypatch):
    expected = rows(load(folder))
    monkeypatch.setenv("MRAF_DATA", folder.name)
    below = folder.parent / "notebooks" / "app"
    below.mkdir(parents=True)
    for place in (folder.parent, below.parent, below):
        monkeypatch.chdir(place)
        assert rows(load()) == expected
    (below / folder.name).mkdir()  # the nearest one counts, good or not
    assert named_source() == folder.name
    monkeypatch.setenv("MRAF_DATA", "nowhere")
    assert named_source() == "nowhere"
    with pytest.raises(DataError, match=r"'nowhere' \(from the environment variable MRAF_DATA\)"):
        load()


def test_a_source_that_is_none(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"nowhere' is neither 'twin' nor a folder"):
        load(tmp_path / "nowhere")
    monkeypatch.setenv("MRAF_DATA", "/no/such/place")
    with pytest.raises(DataError, match="from the environment variable MRAF_DATA"):
        load()
    archive = tmp_path / "features.zip"
    archive.write_bytes(b"PK")
    with pytest.raises(DataError, match=r"mraf data download DIR --from-archive .*features\.zip"):
        load(archive)


def test_a_folder_that_may_not_be_read(folder, monkeypatch):
    def closed(path):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(DataError, match=r"data: cannot be read \(Permission denied\); check the"):
        load(folder)


def test_an_empty_folder_and_the_folder_above(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no training list such as csv_files/comp/v1_train"):
        load(tmp_path / "empty")
    with pytest.raises(DataError, match=f"did you mean {re.escape(str(folder))}"):
        load(folder.parent)


# ---------------------------------------------------------------- bad lists


def cell(old: str, new: str, line: int = 3, path: str = TRAIN):
    """Replaces text in one line of a list."""

    def change(folder: Path) -> None:
        before = (folder / path).read_text(encoding="utf-8")
        edit(folder / path, line, lambda text: text.replace(old, new))
        assert (folder / path).read_text(encoding="utf-8") != before

    return change


def whole(text: str | bytes, path: str = TRAIN):
    """Replaces the whole list."""
    content = text if isinstance(text, bytes) else text.encode()
    return lambda folder: (folder / path).write_bytes(content)


def repeat(path: str, line: int):
    return lambda folder: edit(folder / path, line, lambda text: f"{text}\n{text}")


LISTED = challenge_spelling(VOICE.removeprefix("feats/"))
BAD_LISTS = {
    "English list missing": (
        lambda folder: (folder / TRAIN).unlink(),
        r"v1_train_English\.csv: the list is missing",
    ),
    "second list missing": (
        lambda folder: (folder / CROSS).unlink(),
        r"v1_train_<second language>\.csv: the list is missing",
    ),
    "two second languages": (
        lambda folder: (folder / CROSS.replace("Urdu", "Hindi")).touch(),
        r"several second languages \(Hindi, Urdu\)",
    ),
    "no label column": (
        cell("label", "class", line=1),
        r"v1_train_English\.csv, line 1: no column 'label', only audio_path, face_path",
    ),
    "no voice column": (
        cell("ecappa_feats_path", "x", line=1, path=CROSS),
        r"v1_train_Urdu\.csv, line 1: no column 'ecappa_feats_path or ecappafeats_path'",
    ),
    "no test voice column": (
        cell("voices", "sounds", line=1, path=TEST),
        r"v1_test_English\.csv, line 1: no column 'voices or audios'",
    ),
    "empty file": (whole(""), r"v1_train_English\.csv, line 1: no column 'audio_path'"),
    "header only": (
        whole("audio_path,ecappa_feats_path,facenet_feats_path,label\n"),
        r"v1_train_English\.csv: the list holds no clips",
    ),
    "test header only": (whole("key,voices,faces\n", TEST), r"v1_test_English\.csv: .*no clips"),
    "not text": (
        whole("gar\xe7on,label".encode("cp1252")),
        r"v1_train_English\.csv: cannot be read \(not text in UTF-8\); save it as 'CSV UTF-8', or",
    ),
    "a folder": (
        lambda folder: ((folder / TRAIN).unlink(), (folder / TRAIN).mkdir()),
        r"v1_train_English\.csv: cannot be read \(Is a directory\)",
    ),
    "column twice": (
        cell("face_path", "label", line=1),
        r"v1_train_English\.csv, line 1: the column 'label' occurs twice",
    ),
    "stray quotation mark": (cell("id0001,", '"id0001,'), r"English\.csv, line \d+: .*fetch"),
    "quotation mark within": (cell("id0001,", '"id"1,'), r"English\.csv, line 3: .*fetch"),
    "two stray quotation marks": (
        lambda folder: [
            edit(folder / TRAIN, 3, lambda text: text.replace("id0001,", '"id,')),
            edit(folder / TRAIN, 5, lambda text: text.replace("id0001,", 'id",')),
        ],
        r"English\.csv, line 5: ",
    ),
    "line break within": (
        cell("id0001,", '"id\n0001",'),
        r"English\.csv, line 4: a line break within a field",
    ),
    "too few fields": (
        lambda folder: edit(folder / TRAIN, 4, lambda text: text.rsplit(",", 1)[0]),
        r"v1_train_English\.csv, line 4: 6 fields, but the header has 7",
    ),
    "too many fields": (cell("id0001,", "id0001,,"), r"line 3: 8 fields"),
    "label not a number": (cell("0.0", "zero"), r"line 3: the label 'zero' is not a number"),
    "label empty": (cell(",0.0,", ",,"), r"line 3: the label '' is not a number"),
    "label nan": (cell("0.0", "nan"), r"line 3: the label 'nan' is not one of 0 … C-1"),
    "label inf": (cell("0.0", "inf"), r"line 3: the label 'inf' is not one of 0 … C-1"),
    "label fractional": (cell("0.0", "0.5"), r"line 3: the label '0.5' is not one of"),
    "label negative": (cell("0.0", "-1"), r"line 3: the label '-1' is not one of"),
    "label huge": (cell("0.0", "1e300"), r"line 3: the label '1e300' is not one of 0 … C-1"),
    "label out of range": (cell("0.0", "12"), "line 3: the label 12 is out of range; .* 12 clips"),
    "gap in the labels": (
        lambda folder: [
            edit(folder / TRAIN, line, lambda text: text.replace(",1.0,", ",3,"))
            for line in range(2, 14)
        ],
        r"v1_train_English\.csv: no training clip of speaker\(s\) 1;",
    ),
    "cross label unknown in English": (
        cell("0.0", "3.0", path=CROSS),
        r"v1_train_Urdu\.csv, line 3: the label 3 is out of range; in English training they end",
    ),
    "one speaker": (
        lambda folder: [
            edit(folder / path, line, lambda text: re.sub(r",[12]\.0,", ",0,", text))
            for path in (TRAIN, CROSS)
            for line in range(2, 14)
        ],
        r"1 speaker\(s\); identification needs at least 2",
    ),
    "path leaves the folder": (
        cell(LISTED, "./ecappafeats/..\\..\\..\\x.npy"),
        r"line 3: the path .* leaves the folder",
    ),
    "path absolute": (cell(LISTED, "/etc/x.npy"), r"line 3: the path '/etc/x.npy' leaves"),
    "path with a drive": (cell(LISTED, "C:\\x.npy"), r"line 3: the path .* leaves the folder"),
    "path empty": (cell(LISTED, ""), r"line 3: the path '' names no file"),
    "test path leaves the folder": (
        cell("test/", "../../", path=TEST),
        r"v1_test_English\.csv, line 3: the path .* leaves the folder",
    ),
    "no video": (
        cell("./v1/voices/id0001/English/English-00/", ""),
        r"line 3: the path '00001.wav' has no folder to name its video",
    ),
    "train key twice": (
        repeat(TRAIN, 3),
        r"line 4: 'v1/voices/id0001/\S+/00001.wav' occurs already in line 3",
    ),
    "test key twice": (repeat(TEST, 5), r"line 6: 'key00003' occurs already in line 5"),
    "test key empty": (cell("key00001", "", path=TEST), r"line 3: the key is empty"),
    "features elsewhere": (
        lambda folder: (folder / "feats").rename(folder / "moved"),
        r"v1_train_English\.csv, line 2: no folder 'ecappafeats/v1' under feats or features",
    ),
}


@pytest.mark.parametrize(("spoil", "message"), BAD_LISTS.values(), ids=BAD_LISTS)
def test_a_bad_list_is_named_with_its_line(folder, spoil, message):
    spoil(folder)
    with pytest.raises(DataError, match=message) as caught:
        load(folder)
    assert "\n" not in str(caught.value)
    assert not (folder / ".mraf-cache").exists()


# ---------------------------------------------------------------- bad feature files


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("a pickle was loaded",)


def header(text: str) -> bytes:
    """A .npy file of format 1.0 with any header."""
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + b"\0" * 768


def npy(values: np.ndarray) -> bytes:
    np.save(stream := io.BytesIO(), values)
    return stream.getvalue()


def with_value(value: float) -> np.ndarray:
    vector = np.ones(192, np.float32)
    vector[7] = value
    return vector


BAD_FILES = {
    "missing": (None, "is missing"),
    "empty": (b"", "is empty"),
    "pickle": (pickle.dumps(Bomb()), "is not a .npy file"),
    "pickled array": (np.array([Bomb()]), "holds a pickled object, which is never loaded"),
    "zip": (b"PK\x03\x04" + b"\0" * 100, "is not a .npy file"),
    "truncated": (npy(np.ones(192, "f4"))[:-4], "is truncated"),
    "truncated header": (npy(np.ones(192, "f4"))[:40], "has a damaged header"),
    "header without length": (b"\x93NUMPY\x01", "has a damaged header"),
    "header of another version": (b"\x93NUMPY\x09\x00" + b"\0" * 200, "has a damaged header"),
    "header with code": (header("__import__('os').abort()"), "has a damaged header"),
    "header too deep": (header("(" * 5000), "has a damaged header"),
    "too long": (npy(np.ones(192, "f4")) + b"\0\0\0\0", "is longer than its header says"),
    "huge": (np.zeros(10**6, np.float32), r"has shape \(1000000,\), expected \(192,\)"),
    "claims to be huge": (
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (10**15,), }"),
        "has a damaged header",
    ),
    "wrong size": (np.ones(512, np.float32), r"has shape \(512,\), expected \(192,\)"),
    "two vectors": (np.ones((2, 192), np.float32), r"has shape \(2, 192\), expected \(192,\)"),
    "scalar": (np.float32(1), r"has shape \(\), expected \(192,\)"),
    "float64 beyond float32": (np.full(192, 1e300), "holds NaN or Inf"),
    "int32": (np.ones(192, np.int32), "holds int32, expected float32"),
    "complex": (np.ones(192, np.complex64), "holds complex64, expected float32"),
    "NaN": (with_value(np.nan), "holds NaN or Inf"),
    "Inf": (with_value(-np.inf), "holds NaN or Inf"),
    "folder": (os.mkdir, "is not a regular file"),
    "pipe": (os.mkfifo, "is not a regular file"),
    "link to nothing": (lambda path: path.symlink_to("nothing"), "is missing"),
}


@pytest.mark.parametrize(("content", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_feature_file_is_named_with_its_line(folder, content, message):
    path = folder / VOICE
    path.unlink()
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif callable(content):
        content(path)
    elif content is not None:
        np.save(path, content)
    expected = rf"v1_train_English\.csv, line 3: feature file {re.escape(VOICE)} {message}"
    with pytest.raises(DataError, match=expected) as caught:
        load(folder)
    assert "\n" not in str(caught.value)
    assert not (folder / ".mraf-cache").exists()


def test_a_voice_of_zeros(folder):
    np.save(folder / VOICE, np.zeros(192, np.float32))
    with pytest.raises(DataError, match=r"English\.csv, line 3: the voice is all zeros"):
        load(folder)


def test_a_bad_face_and_a_bad_test_file(folder):
    (folder / "features/test/v1/faces/Urdu/00004.npy").write_bytes(b"junk")
    expected = r"v1_test_Urdu\.csv, line 5: feature file features/test/v1/faces/Urdu/00004\.npy is"
    with pytest.raises(DataError, match=expected):
        load(folder)
    (folder / FACE).write_bytes(b"")
    with pytest.raises(DataError, match=rf"line 3: feature file {FACE} is empty"):
        load(folder)


def test_the_first_of_several_bad_files_is_reported(folder, monkeypatch):
    monkeypatch.setattr("mraf.data.official.reader.CHUNK", 3)  # several tasks of threads
    voices = sorted((folder / "feats/ecappafeats/v1/voices").glob("*/English/*/*.npy"))
    for path in voices[4:]:
        path.unlink()
    with pytest.raises(DataError, match=r"v1_train_English\.csv, line 6: .* is missing"):
        load(folder)


# ---------------------------------------------------------------- the official features themselves


@pytest.mark.real
def test_the_real_v1_features(real_corpus):
    corpus = real_corpus
    sizes = {name: len(part) for name, part in corpus.parts.items()}
    assert sizes == {"train": 4039, "cross": 9304, "test_english": 1521, "test_cross": 1623}
    assert corpus.speakers == 70
    assert corpus.cross.language == "Urdu"
    assert len(set(corpus.train.video)) == 262
    assert len(set(corpus.cross.video)) == 413
    clips = np.bincount(corpus.train.labels)
    assert (clips.min(), clips.max()) == (2, 391)
    clips = np.bincount(corpus.cross.labels)
    assert (clips.min(), clips.max()) == (3, 510)
    for part in corpus.parts.values():
        assert not part.face_missing.any()
        np.testing.assert_allclose(np.linalg.norm(part.face, axis=1), 1, atol=1e-5)
        norms = np.linalg.norm(part.voice, axis=1)
        assert norms.min() > 150
        assert norms.max() < 420
        assert 230 < norms.mean() < 270


@pytest.mark.real
def test_the_real_v1_protocol(real_corpus):
    split = mraf.data.validation_split(real_corpus)
    assert split.notes == (
        "English: 17 speakers have a single video and are not judged in P3 and P4.",
        "Urdu: 131 clips of 12 videos left out; they also occur in the English training list.",
        "Urdu: 92 clips of 2 videos left out; they carry two speaker labels.",
    )
    assert len(split.cross) == 9304 - 131 - 92
    assert len(set(split.english.video)) == 70 - 17
