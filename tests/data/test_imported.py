"""Any embeddings: six kinds of table give one corpus, and what is wrong is told in one line."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from official import random_corpus, write_official

from mraf.cli.main import main
from mraf.data import Corpus, from_table, load, test_split, validation_split
from mraf.data.imported.folder import import_table
from mraf.data.splits import SETTINGS
from mraf.errors import DataError, RunError
from mraf.evaluation.predict import predict
from mraf.training.config import configure
from mraf.training.loop import train

Columns = dict[str, Any]
FIELDS = ("face", "voice", "speaker", "video", "key")

pytestmark = pytest.mark.filterwarnings("ignore:trained on is")


def columns_of(corpus: Corpus) -> Columns:
    """A corpus as the columns of a table, faces and voices as arrays (N, D)."""
    found: dict[str, list[Any]] = {}
    for name, part in corpus.parts.items():
        hidden = np.full(len(part), np.nan)
        for field in FIELDS:
            values = getattr(part, field)
            found.setdefault(field, []).append(hidden if values is None else values)
        found.setdefault("language", []).append(np.full(len(part), part.language))
        split = "test" if name.startswith("test") else "train"
        found.setdefault("split", []).append(np.full(len(part), split))
    return {name: np.concatenate(values) for name, values in found.items()}


def made(languages: str = "German Hindi", face: int = 32, voice: int = 16, **sizes: int) -> Columns:
    """A table of random clips, the same number in each language; two videos of four speakers."""
    speakers, videos = sizes.get("speakers", 4), sizes.get("videos", 2)
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(speakers, face)), rng.normal(size=(speakers, voice))
    rows = [
        (speaker, f"{language}-{speaker}-{video}", language)
        for language in languages.split()
        for speaker in range(speakers)
        for video in range(videos)
        for _ in range(3)
    ]
    speaker = np.array([row[0] for row in rows])
    near = [c[speaker] + 0.3 * rng.normal(size=(len(rows), c.shape[1])) for c in centres]
    return {
        "face": near[0].astype(np.float32),
        "voice": near[1].astype(np.float32),
        "speaker": np.array([f"person {number}" for number in speaker]),
        "video": np.array([row[1] for row in rows]),
        "language": np.array([row[2] for row in rows]),
    }


def frame_of(columns: Columns, cells: Callable[[np.ndarray], Any] = list) -> pd.DataFrame:
    """The same as a data frame with a vector in each cell of face and voice."""
    vectors = ("face", "voice")
    return pd.DataFrame({k: list(map(cells, v)) if k in vectors else v for k, v in columns.items()})


def with_files(columns: Columns, folder: Path) -> pd.DataFrame:
    """A data frame with paths of .npy files, as from Windows; a missing face is an empty cell."""
    frame = pd.DataFrame({k: v for k, v in columns.items() if k not in ("face", "voice")})
    for name in ("face", "voice"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for row, vector in enumerate(columns[name]):
            np.save(folder / name / f"{row}.npy", vector)
        given = columns[name].any(axis=1)
        frame[name] = [f"{name}\\{row}.npy" if given[row] else "" for row in range(len(given))]
    return frame


def assert_same(first: Corpus, second: Corpus) -> None:
    assert list(first.parts) == list(second.parts)
    assert first.sizes == second.sizes
    for name, part in first.parts.items():
        other = second.parts[name]
        assert part.language == other.language
        for field in FIELDS:
            np.testing.assert_array_equal(getattr(part, field), getattr(other, field), field)


# ---------------------------------------------------------------- kinds of tables

needs_pyarrow = pytest.mark.skipif(
    not importlib.util.find_spec("pyarrow"), reason="Parquet needs pyarrow"
)


def as_csv(columns: Columns, folder: Path) -> Path:
    with_files(columns, folder).to_csv(folder / "table.csv", index=False)
    return folder / "table.csv"


def as_npz(columns: Columns, folder: Path) -> Path:
    np.savez(folder / "table.npz", **columns)
    return folder / "table.npz"


def as_compressed_npz(columns: Columns, folder: Path) -> Path:
    np.savez_compressed(folder / "table.npz", **columns)
    return folder / "table.npz"


def as_parquet(columns: Columns, folder: Path) -> Path:
    frame_of(columns).to_parquet(folder / "table.parquet")
    return folder / "table.parquet"


def as_parquet_of_paths(columns: Columns, folder: Path) -> Path:
    with_files(columns, folder).to_parquet(folder / "table.parquet")
    return folder / "table.parquet"


KINDS = {
    "csv": as_csv,
    "npz": as_npz,
    "compressed npz": as_compressed_npz,
    "parquet": pytest.param(as_parquet, marks=needs_pyarrow),
    "parquet of paths": pytest.param(as_parquet_of_paths, marks=needs_pyarrow),
}


@pytest.mark.filterwarnings("ignore:.*have no face")
@pytest.mark.parametrize("write", KINDS.values(), ids=KINDS)
def test_every_kind_of_file_gives_the_same_corpus(tmp_path, write):
    columns = made()
    columns["face"][[0, 5, 30]] = 0
    wanted = from_table(columns)
    assert wanted.train.face_missing.sum() == 2
    imported = import_table(write(columns, tmp_path), tmp_path / "out", progress=False)
    assert_same(imported, wanted)
    assert_same(load(tmp_path / "out"), wanted)
    assert (tmp_path / "out" / ".gitignore").read_text() == "*\n"  # biometrics stay out of git


@pytest.mark.filterwarnings("ignore:.*have no face")
def test_a_data_frame_holds_lists_arrays_or_paths(tmp_path, monkeypatch):
    columns = made()
    columns["face"][[0, 5]] = 0
    wanted = from_table(columns)
    for frame in (frame_of(columns), frame_of(columns, np.array)):
        frame["face"] = frame["face"].where(~frame.index.isin([0, 5]), None)
        assert_same(from_table(frame), wanted)
    monkeypatch.chdir(tmp_path)  # paths of a frame begin in the working folder
    assert_same(from_table(with_files(columns, tmp_path)), wanted)


def test_the_official_layout_goes_round(tmp_path):
    """Official folder → data frame → import → the same arrays, with hidden test labels."""
    official = load(write_official(tmp_path / "polysim", random_corpus()))
    assert official.test_cross is not None
    assert official.test_cross.speaker is None
    frame = frame_of(columns_of(official))
    assert_same(from_table(frame), official)
    table = as_csv(columns_of(official), tmp_path)
    assert_same(import_table(table, tmp_path / "own", progress=False), official)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(("face", "voice"), [(32, 1024), (1024, 32), (1, 7)])
def test_widths_and_types_are_those_of_the_table(face, voice, dtype):
    columns = made(face=face, voice=voice)
    columns = {k: v.astype(dtype) if k in ("face", "voice") else v for k, v in columns.items()}
    corpus = from_table(columns)
    assert corpus.sizes == {"speakers": 4, "face_dim": face, "voice_dim": voice}
    assert corpus.train.face.dtype == np.float32
    np.testing.assert_array_equal(corpus.train.face, columns["face"][:24].astype("f4"))


def test_a_face_may_be_missing_before_the_first_one_is_seen(monkeypatch):
    """The width is not known then, over whole blocks."""
    monkeypatch.setattr("mraf.data.imported.table.BLOCK", 2)
    columns = made()
    columns["face"][:5] = 0
    frame = frame_of(columns)
    frame["face"] = frame["face"].where(frame.index >= 5, None)
    with pytest.warns(UserWarning, match="5 of 24 training clips have no face and are left out"):
        corpus = from_table(frame)
    np.testing.assert_array_equal(corpus.train.face, columns["face"][:24])


# ---------------------------------------------------------------- languages, speakers, splits


def test_of_three_languages_two_are_taken(tmp_path):
    columns = made("German Hindi Urdu")
    columns = {name: values[:-6] for name, values in columns.items()}  # fewer in Urdu
    with pytest.warns(UserWarning, match=r"left out: Urdu \(18 clips\); choose by"):
        corpus = from_table(columns)
    assert (corpus.train.language, corpus.cross.language) == ("German", "Hindi")
    corpus = from_table(columns, train_on="Hindi", cross="Urdu")
    assert (corpus.train.language, corpus.cross.language) == ("Hindi", "Urdu")
    assert len(corpus.cross) == 18
    spoken = np.where(columns["language"] == "Urdu", "English", columns["language"])
    english = {**columns, "language": spoken}
    assert from_table(english).train.language == "English"  # as in the challenge


def test_labels_are_numbered_in_their_natural_order():
    columns = made(speakers=12)
    numbered = {**columns, "speaker": np.char.replace(columns["speaker"], "person ", "")}
    corpus = from_table(numbered)
    assert corpus.train.labels[::6].tolist() == list(range(12))  # 2 before 10
    as_floats = {**columns, "speaker": numbered["speaker"].astype(float) * 10}
    assert from_table(as_floats).train.labels[::6].tolist() == list(range(12))


def test_strangers_are_left_out_with_a_note():
    columns = made()
    columns["speaker"][-6:] = "a stranger"
    with pytest.warns(UserWarning, match="cross: 6 clips left out; they are of speakers without"):
        corpus = from_table(columns)
    assert (corpus.speakers, len(corpus.cross)) == (4, 18)


def test_a_second_language_that_is_only_tested_is_validated_on_too():
    columns = made()
    columns["split"] = np.where(columns["language"] == "Hindi", "Test", "")
    with pytest.warns(UserWarning, match="all Hindi clips are test clips"):
        corpus = from_table(columns)
    assert list(corpus.parts) == ["train", "cross", "test_cross"]
    with pytest.raises(DataError, match=r"no German test clips.*rows whose split is 'test'"):
        test_split(corpus)


def test_one_video_a_speaker_is_imported_with_a_note():
    columns = made()
    columns["video"] = np.array([video[:-2] for video in columns["video"]])
    with pytest.warns(UserWarning, match="no video can be held out"):
        corpus = from_table(columns)
    with pytest.raises(DataError, match="no speaker has two German videos"):
        validation_split(corpus)


def test_a_hundred_thousand_speakers():
    speakers = 100_000
    rng = np.random.default_rng(0)
    number = np.tile(np.arange(speakers), 3)
    columns = {
        "face": rng.normal(size=(3 * speakers, 2)).astype(np.float32),
        "voice": rng.normal(size=(3 * speakers, 2)).astype(np.float32),
        "speaker": number,
        "video": np.arange(3 * speakers),
        "language": np.repeat(["German", "German", "Hindi"], speakers),
    }
    corpus = from_table(columns, progress=False)
    assert corpus.speakers == speakers
    assert len(validation_split(corpus).english) == speakers  # one of two videos each


class Sized(NamedTuple):
    sizes: dict[str, int]


def test_a_network_takes_clips_of_its_own_widths_only():
    corpus, other = from_table(made()), from_table(made(face=24))
    config = configure("quick", corpus, {"width": 16, "heads": 2, "epochs": 1})
    assert (config.model.face_dim, config.model.voice_dim) == (32, 16)
    sizes = Sized(corpus.sizes)
    configure("quick", sizes, {"width": 8})
    assert sizes.sizes == corpus.sizes  # a sweep asks again and again
    reason = "a face has 24 numbers, but the network was made for 32"
    with pytest.raises(RunError, match=reason):
        train(config, other.train, progress=False)
    with pytest.raises(RunError, match=reason):
        predict(train(config, corpus.train, progress=False).model, other.cross)


# ---------------------------------------------------------------- what is refused


def put(name: str, at: Any, value: Any) -> Callable[[Columns], None]:
    def change(columns: Columns) -> None:
        columns[name][at] = value

    return change


def drop(name: str) -> Callable[[Columns], Any]:
    return lambda columns: columns.pop(name)


def cut(name: str) -> Callable[[Columns], None]:
    return lambda columns: columns.update({name: columns[name][:-1]})


def every(name: str, value: Any) -> Callable[[Columns], None]:
    return lambda columns: columns.update({name: np.full(len(columns["voice"]), value)})


def cell(name: str, row: int, value: Any) -> Callable[[Columns], None]:
    def change(columns: Columns) -> None:
        cells = np.empty(len(columns[name]), object)
        cells[:] = list(columns[name])
        cells[row] = value
        columns[name] = cells

    return change


BAD = {
    "no voices": (drop("voice"), "no column 'voice', only face, speaker, video, language; needed"),
    "no clips": (lambda c: c.update({k: v[:0] for k, v in c.items()}), "'speaker' has 0"),
    "a column too short": (cut("video"), "'video' has 47 rows, 'speaker' has 48"),
    "a voice too few": (cut("voice"), "'voice' has 47 rows, 'speaker' has 48"),
    "NaN": (put("voice", (7, 3), np.nan), "row 7: the voice holds NaN"),
    "Inf": (put("face", (8, 3), np.inf), "row 8: the face holds NaN, Inf"),
    "too large": (cell("face", 9, np.full(32, 1e300)), "row 9: the face holds NaN, Inf or numbers"),
    "a silent clip": (put("voice", 9, 0), "row 9: the voice is missing"),
    "no faces at all": (every("face", None), "no clip has a face"),
    "a speaker without faces": (put("face", slice(0, 6), 0), "every clip of speaker 0"),
    "another width": (cell("face", 4, np.ones(31)), "row 4: the face has 31 numbers, the rows"),
    "words": (cell("voice", 2, ["a", "b"]), "row 2: the voice is <U1 of shape"),
    "a matrix": (
        cell("voice", 2, np.ones((2, 2))),
        r"row 2: the voice is float64 of shape \(2, 2\)",
    ),
    "whole numbers": (lambda c: c.update(face=c["face"].astype(int)), "'face' holds int64"),
    "no such file": (cell("face", 3, "there/is/none.npy"), "row 3: the face there/is/none.npy"),
    "one language": (every("language", "German"), "all clips are in German; P5 and P6 need"),
    "a language that is a path": (put("language", 3, "a/b"), "'a/b' would name files"),
    "no language": (put("language", 3, " "), "row 3: the language is empty"),
    "one speaker": (every("speaker", "me"), r"1 speaker\(s\); identification needs at least 2"),
    "no speaker": (put("speaker", 5, ""), "row 5: the speaker is empty; it may be in test clips"),
    "no video": (put("video", 5, ""), "row 5: the video is empty"),
    "lists for names": (cell("speaker", 1, ["a"]), "'speaker' holds no plain values"),
    "only strangers": (put("speaker", slice(24, None), "new"), "all Hindi clips are of speakers"),
    "another split": (every("split", "dev"), "row 0: the split is 'dev'; write train or test"),
    "nothing to train on": (every("split", "test"), "all German clips are test clips; there is"),
    "a key twice": (every("key", "one"), "the key occurs twice"),
}


@pytest.mark.filterwarnings("ignore:all .* are test clips")
@pytest.mark.parametrize(("change", "message"), BAD.values(), ids=BAD)
def test_a_bad_table_is_refused_in_one_line(change, message):
    columns = made()
    change(columns)
    with pytest.raises(DataError, match=message) as caught:
        from_table(columns, progress=False)
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


def test_hidden_speakers_are_all_or_none():
    columns = made()
    columns["split"] = np.array(["train"] * 12 + ["test"] * 12 + ["train"] * 24)
    columns["speaker"][:12] = ["ab"[row % 2] for row in range(12)]
    columns["speaker"][24:] = "a"
    columns["speaker"][20] = ""
    with pytest.raises(DataError, match="row 20: the speaker is empty, but not that of every"):
        from_table(columns)


BAD_FILES = {
    "no such file": ("table.npz", None, "there is no such file"),
    "another kind": ("table.xlsx", b"x", "is no table that is known; give a Parquet file"),
    "no archive": ("table.npz", b"PK but not really", "damaged or no .npz archive"),
    "no csv": ("table.csv", b"\xff\xfe\xff", "cannot be read|no column"),
    "csv without rows": ("table.csv", b"face,voice,speaker,video,language\n", "'speaker' has 0"),
}


@pytest.mark.parametrize(("name", "content", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_refused_and_nothing_stays(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        import_table(tmp_path / name, tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} <= {name}


def test_nothing_is_unpickled(tmp_path):
    columns = {**made(), "face": np.array([{}] * 48)}
    with pytest.raises(DataError, match=r"damaged or no \.npz archive .*allow_pickle"):
        import_table(as_npz(columns, tmp_path), tmp_path / "out")


def test_a_line_of_a_csv_is_named(tmp_path):
    table = as_csv(made(), tmp_path)
    (tmp_path / "voice" / "1.npy").write_bytes(b"")
    with pytest.raises(DataError, match=r"table\.csv, line 3: the voice is empty"):
        import_table(table, tmp_path / "out", progress=False)


def test_parquet_without_pyarrow_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "table.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"needs pyarrow.*write the table as \.npz or \.csv"):
        import_table(tmp_path / "table.parquet", tmp_path / "out")


@needs_pyarrow
def test_a_parquet_file_without_rows_is_refused(tmp_path):
    table = as_parquet({name: values[:0] for name, values in made().items()}, tmp_path)
    with pytest.raises(DataError, match="'speaker' has 0"):
        import_table(table, tmp_path / "out")


@needs_pyarrow
def test_a_damaged_parquet_file_is_refused(tmp_path):
    (tmp_path / "table.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="damaged or no Parquet file"):
        import_table(tmp_path / "table.parquet", tmp_path / "out")


# ---------------------------------------------------------------- the folder


def test_only_an_earlier_import_is_replaced(tmp_path):
    table, out = as_npz(made(), tmp_path), tmp_path / "out"
    import_table(table, out, progress=False)
    (tmp_path / ".out.importing").mkdir()  # as a killed process leaves it
    (tmp_path / ".out.importing" / "train.face.npy").write_bytes(b"half")
    assert import_table(table, out, "Hindi", progress=False).train.language == "Hindi"
    assert load(out).train.language == "Hindi"
    np.savez(table, face=[1])
    with pytest.raises(DataError, match="no column"):
        import_table(table, out)
    assert load(out).train.language == "Hindi"  # the last good state
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine")
    with pytest.raises(DataError, match=r"holds 'chapter\.txt', which would be lost"):
        import_table(table, tmp_path / "thesis")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "table.npz", "thesis"]


def test_what_else_is_kept_in_the_folder_is_not_taken_away(tmp_path):
    table, out = as_npz(made(), tmp_path), tmp_path / "out"
    import_table(table, out, progress=False)
    (out / "run").mkdir()
    with pytest.raises(DataError, match="holds 'run', which would be lost"):
        import_table(table, out, "Hindi", progress=False)
    assert (out / "run").is_dir()
    assert load(out).train.language != "Hindi"


def test_an_import_that_cannot_take_its_place_leaves_the_earlier_one(tmp_path, monkeypatch):
    table, out = as_npz(made(), tmp_path), tmp_path / "out"
    before = import_table(table, out, progress=False).train.language
    rename = Path.rename

    def stopped(path: Path, target: Path) -> Path:
        if path.name == ".out.importing":
            raise OSError("the disk is gone")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", stopped)
    with pytest.raises(DataError, match="cannot be written"):
        import_table(table, out, "Hindi", progress=False)
    assert load(out).train.language == before
    monkeypatch.undo()
    out.rename(tmp_path / ".out.replaced")  # as a process leaves it that is killed in between
    (tmp_path / "bad.npz").write_bytes(b"")
    with pytest.raises(DataError):
        import_table(tmp_path / "bad.npz", out, progress=False)
    assert load(out).train.language == before


def test_a_damaged_folder_says_to_import_again(tmp_path):
    out = tmp_path / "out"
    import_table(as_npz(made(), tmp_path), out, progress=False)
    voices = out / "train.voice.npy"
    voices.write_bytes(voices.read_bytes()[:-4])
    with pytest.raises(DataError, match=r"damaged .*import the table again"):
        load(out)
    (out / "corpus.json").write_text("{}")
    with pytest.raises(DataError, match=r"damaged .*import the table again"):
        load(out)


def test_what_is_done_in_memory_is_not_written_back(tmp_path):
    out = tmp_path / "out"
    corpus = import_table(as_npz(made(), tmp_path), out, progress=False)
    kept = corpus.train.face.copy()
    corpus.train.face[:] = 1
    np.testing.assert_array_equal(load(out).train.face, kept)


@pytest.mark.filterwarnings("ignore")
def test_every_command_reads_an_imported_folder(tmp_path, capsys):
    """Import, describe, train, evaluate with FOP and submit, with other widths and languages."""
    columns = made(face=24, voice=40, videos=3)
    columns["face"][[0, 8]] = 0
    again = {name: values.copy() for name, values in columns.items()}
    again["video"] = np.char.add(again["video"], "-test")
    whole = {name: np.concatenate([columns[name], again[name]]) for name in columns}
    whole["split"] = np.repeat(["train", "test"], len(columns["voice"]))
    table, out, run = as_npz(whole, tmp_path), tmp_path / "own", tmp_path / "run"
    small = ["width=16", "tokens=2", "heads=2", "epochs=2", "shortcut=whitened"]

    def mraf(*words: Any) -> str:
        assert main([*map(str, words)]) == 0
        return capsys.readouterr().out

    told = mraf("data", "import", table, "--out", out)
    assert "4 speakers, faces of 24 and voices of 40 numbers" in told
    assert "36 clips, 2 without a face" in told
    assert "table (imported)" in mraf("data", "describe", out)
    mraf("train", "--data", out, "--out", run, "--set", *small)
    assert '"face_dim": 24' in (run / "config.json").read_text()
    shown = mraf("evaluate", run, "--data", out, "--fop")
    assert all(setting.name in shown for setting in SETTINGS)
    assert "MRAF" in mraf("evaluate", run, "--data", out, "--split", "test")
    mraf("submit", run, "--data", out, "--out", tmp_path / "submission")
    assert (tmp_path / "submission" / "submission_own_test_German_Hindi.csv").is_file()

    narrow = as_npz(made(), tmp_path)  # another encoder, imported under the same name
    mraf("data", "import", narrow, "--out", out)
    assert main(["evaluate", str(run), "--data", str(out)]) == 2
    error = capsys.readouterr().err
    assert "faces of 32" in error or "other features" in error
