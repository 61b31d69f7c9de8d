"""Submission folders: written as the challenge wants them, scored only when they are sound."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mraf.data.splits import SETTINGS, Split, test_split
from mraf.errors import DataError, RunError
from mraf.evaluation.judge import evaluate
from mraf.evaluation.submission import score_submission, write_submission

ENGLISH = "submission_v1_test_English_English.csv"
URDU = "submission_v1_test_English_Urdu.csv"


@pytest.fixture
def split(tiny_corpus) -> Split:
    return test_split(tiny_corpus)


def noisy(clips):
    """Scores that differ from clip to clip and with the face, without ties."""
    rng = np.random.default_rng(int(clips.face_missing[0]) + 2 * (clips.language == "Urdu"))
    return {"noisy": np.eye(6)[clips.labels] + rng.normal(size=(len(clips), 6))}


def write_labels(path: Path, split: Split, video: bool = True) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["key", "language", "speaker", *(["video"] if video else [])])
        for part in (split.english, split.cross):
            for key, speaker, name in zip(part.key, part.labels, part.video, strict=True):
                writer.writerow([key, part.language, speaker, *([name] if video else [])])
    return path


@pytest.fixture
def labels(split, tmp_path) -> Path:
    return write_labels(tmp_path / "labels.csv", split)


@pytest.fixture
def folder(split, tmp_path) -> Path:
    write_submission(noisy, split, tmp_path / "submission")
    return tmp_path / "submission"


# --- writing


def test_files_are_the_official_ones(split, folder):
    assert sorted(path.name for path in folder.iterdir()) == [ENGLISH, URDU]
    with (folder / ENGLISH).open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["key", "p3", "p4"]
    assert [row[0] for row in rows[1:]] == split.english.key.tolist()
    given = noisy(split.english)["noisy"].argmax(axis=1)
    assert [row[1] for row in rows[1:]] == [str(label) for label in given]
    without = noisy(split.english.without_faces())["noisy"].argmax(axis=1)
    assert [row[2] for row in rows[1:]] == [str(label) for label in without]
    assert (folder / URDU).read_text().splitlines()[0] == "key,p5,p6"


def test_labels_may_be_hidden(split, folder, tmp_path):
    hidden = replace(
        split,
        english=replace(split.english, speaker=None),
        cross=replace(split.cross, speaker=None),
    )

    def voice(clips):
        return {"v": clips.voice[:, :6] + clips.face[:, :6] * 1e4}

    with_labels = write_submission(voice, split, tmp_path / "a")
    without = write_submission(voice, hidden, tmp_path / "b")
    assert [p.read_bytes() for p in with_labels] == [p.read_bytes() for p in without]


def test_version_and_language_name_the_files(split, tmp_path):
    german = replace(split, cross=replace(split.cross, language="German"))
    paths = write_submission(noisy, german, tmp_path, version="v3")
    assert [path.name for path in paths] == [
        "submission_v3_test_English_English.csv",
        "submission_v3_test_English_German.csv",
    ]
    labels = write_labels(tmp_path / "labels.csv", german)
    assert score_submission(tmp_path, labels).judged["cross"].language == "German"


def test_the_first_system_is_submitted(split, folder, tmp_path):
    def two(clips):
        return {**noisy(clips), "other": np.roll(noisy(clips)["noisy"], 1, axis=1)}

    first = write_submission(two, split, tmp_path / "first")
    assert [p.read_bytes() for p in first] == [(folder / p.name).read_bytes() for p in first]
    with pytest.raises(RunError, match="P3: the predictor names no system"):
        write_submission(lambda clips: {}, split, tmp_path / "none")


def test_nothing_is_written_unless_all_is_predicted(split, tmp_path):
    def fails_late(clips):
        scores = noisy(clips)["noisy"]
        return {"noisy": scores if clips.language == "English" else scores * np.nan}

    with pytest.raises(RunError, match="noisy, P5: scores of clip 0 are not finite"):
        write_submission(fails_late, split, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_is_a_run_error(split, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        write_submission(noisy, split, tmp_path / "file")


def test_a_failure_at_the_second_file_leaves_the_first_as_it_was(split, tmp_path):
    (tmp_path / ENGLISH).write_text("before")
    (tmp_path / URDU).mkdir()
    with pytest.raises(RunError, match=URDU):
        write_submission(noisy, split, tmp_path)
    assert (tmp_path / ENGLISH).read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == [ENGLISH, URDU]


def test_one_language_twice_is_refused(split, tmp_path):
    with pytest.raises(DataError, match="both test sets are English"):
        write_submission(noisy, replace(split, cross=split.english), tmp_path)


def test_a_voice_only_system_is_warned_about_void_columns(split, tmp_path):
    def voice(clips):
        return {"voice": clips.voice[:, :6]}

    with pytest.warns(UserWarning, match="are identical") as warned:
        write_submission(voice, split, tmp_path)
    assert [str(warning.message)[:9] for warning in warned] == ["P3 and P4", "P5 and P6"]


# --- scoring


def test_scoring_agrees_with_evaluating(split, folder, labels):
    scored, evaluated = score_submission(folder, labels), evaluate(noisy, split)
    assert scored.systems == ("submission",)
    for column in ("clips", "videos", "correct", "accuracy", "low", "high"):
        np.testing.assert_array_equal(
            *(x.scores[column].to_numpy(float, na_value=np.nan) for x in (scored, evaluated))
        )
    assert 0 < scored.accuracies("submission")["mean"] < 1


def test_without_videos_speakers_are_resampled(split, folder, tmp_path):
    scored = score_submission(folder, write_labels(tmp_path / "l.csv", split, video=False))
    assert scored.scores.videos.dropna().unique().tolist() == [6]


def test_keys_mean_nothing_across_languages(split, tmp_path):
    """The official keys of both lists coincide; here in another order, so a join on key errs."""
    keys = np.array([f"key{row}" for row in range(len(split.english))])
    twins = replace(
        split,
        english=replace(split.english, key=keys),
        cross=replace(split.cross, key=np.roll(keys, 30)),
    )
    write_submission(noisy, twins, tmp_path)
    scored = score_submission(tmp_path, write_labels(tmp_path / "labels.csv", twins))
    assert scored.accuracies("submission") == evaluate(noisy, twins).accuracies("noisy")


def test_rows_may_come_in_any_order_with_crlf_bom_and_blank_lines(folder, labels):
    before = score_submission(folder, labels).accuracies("submission")
    header, *rows = (folder / ENGLISH).read_text().splitlines()
    text = "\r\n".join([header.replace("p3,p4", "p3, p4"), "", *reversed(rows), "", ""])
    (folder / ENGLISH).write_text(text, encoding="utf-8-sig", newline="")
    assert score_submission(folder, labels).accuracies("submission") == before


def test_tables_of_excel_are_scored(folder, labels):
    before = score_submission(folder, labels).accuracies("submission")
    labels.write_text(labels.read_text().replace(",", ";"))
    text = (folder / URDU).read_text().replace(",", "\t")
    (folder / URDU).write_text(text, encoding="utf-16")
    assert score_submission(folder, labels).accuracies("submission") == before


def test_the_names_of_the_development_phase_are_known(folder, labels):
    before = score_submission(folder, labels).accuracies("submission")
    for name in (ENGLISH, URDU):
        (folder / name).rename(folder / name.replace("_test_", "_val_"))
    assert score_submission(folder, labels).accuracies("submission") == before
    shutil.copy(folder / ENGLISH.replace("_test_", "_val_"), folder / ENGLISH)
    with pytest.raises(DataError, match=r"one file of English is needed.*found \[.*_test_.*_val_"):
        score_submission(folder, labels)


def test_labels_written_as_decimals_are_read(folder, labels, split):
    before = score_submission(folder, labels).accuracies("submission")
    with labels.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["speaker"] += ".0"
    with labels.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    assert score_submission(folder, labels).accuracies("submission") == before


names = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=8)


@pytest.mark.filterwarnings("ignore:.*identical")
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_round_trip_of_any_keys_and_labels(split, tmp_path, data):
    keys = data.draw(st.lists(names, min_size=2, max_size=8, unique=True))
    languages = data.draw(st.lists(st.sampled_from(["Urdu", "Hindi", "German"]), max_size=1))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**31)))
    part = split.english[np.arange(len(keys))]
    small = replace(
        split,
        english=replace(part, key=np.array(keys), speaker=rng.integers(0, 6, len(keys))),
        cross=replace(
            part,
            key=rng.permutation(keys),
            speaker=rng.integers(0, 6, len(keys)),
            language=languages[0] if languages else "Urdu",
        ),
    )
    tables = {
        setting.name: rng.permuted(np.eye(6)[[0] * len(keys)], axis=1) for setting in SETTINGS
    }
    folder = tmp_path / "round trip"
    queue = iter(tables.values())
    write_submission(lambda clips: {"s": next(queue)}, small, folder)
    scored = score_submission(folder, write_labels(tmp_path / "labels.csv", small))
    for setting in SETTINGS:
        expected = tables[setting.name].argmax(axis=1) == small.clips(setting).labels
        np.testing.assert_array_equal(scored.correct["submission"][setting.name], expected)
    shutil.rmtree(folder)


# --- bad input: one line, which names the file, the row and what is wrong


def edit(old: str, new: str, file: str = ENGLISH):
    def change(folder: Path, labels: Path) -> None:
        path = labels if file == "labels" else folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return change


def cells(row: int, column: int, value: str | None, file: str = ENGLISH):
    """Set one cell; None drops the row."""

    def change(folder: Path, labels: Path) -> None:
        path = labels if file == "labels" else folder / file
        lines = path.read_text().splitlines()
        fields = lines[row].split(",")
        if value is None:
            del lines[row]
        else:
            fields[column] = value
            lines[row] = ",".join(fields)
        path.write_text("\n".join(lines))

    return change


def repeat(row: int, file: str):
    def change(folder: Path, labels: Path) -> None:
        path = labels if file == "labels" else folder / file
        lines = path.read_text().splitlines()
        path.write_text("\n".join([*lines, lines[row]]))

    return change


def delete(file: str):
    return lambda folder, labels: (labels if file == "labels" else folder / file).unlink()


def rename(old: str, new: str):
    return lambda folder, labels: (folder / old).rename(folder / new)


def content(file: str, data: bytes):
    return lambda folder, labels: (labels if file == "labels" else folder / file).write_bytes(data)


BAD = {
    "no folder": (lambda folder, labels: shutil.rmtree(folder), r"submission: no such folder"),
    "no english file": (delete(ENGLISH), rf"one file of English is needed, as {ENGLISH}; found no"),
    "no second file": (delete(URDU), rf"the second language is needed, as {URDU}; found none"),
    "two second files": (
        lambda folder, labels: shutil.copy(folder / URDU, folder / URDU.replace("Urdu", "Hindi")),
        r"found \['submission_v1_test_English_Hindi.csv', 'submission_v1_test_English_Urdu.csv'\]",
    ),
    "two versions": (rename(URDU, URDU.replace("v1", "v2")), r"several versions, \['v1', 'v2'\]"),
    "another language": (
        rename(URDU, URDU.replace("Urdu", "Hindi")),
        r"labels.csv: no row of language Hindi",
    ),
    "no column": (edit("p4", "p5"), rf"{ENGLISH}: needs one column 'p4', .* 'key,p3,p5'"),
    "column twice": (edit("key,p5,p6", "key,p5,p5", URDU), "the column 'p5' occurs twice"),
    "no key column": (edit("key", "clip"), "needs one column 'key'"),
    "key missing": (cells(7, 0, None), r"no row for key 'English/3/00006'; 1 of the 72 English"),
    "key unknown": (
        lambda folder, labels: (folder / ENGLISH).write_text(
            (folder / ENGLISH).read_text() + "stranger,1,1\n"
        ),
        rf"{ENGLISH}, line 74: key 'stranger' is not an English key in .*labels.csv",
    ),
    "key twice": (repeat(5, URDU), rf"{URDU}, line 74: Urdu/4/00004 occurs again, .* line 6"),
    "not a number": (cells(3, 1, "Anna"), rf"{ENGLISH}, line 4: p3 is 'Anna', expected a whole"),
    "a fraction": (cells(3, 2, "1.5"), r"line 4: p4 is '1.5'"),
    "a decimal": (cells(3, 2, "1.0"), r"line 4: p4 is '1.0'"),
    "negative": (cells(3, 2, "-1"), r"line 4: p4 is '-1'"),
    "nan": (cells(9, 2, "nan", URDU), rf"{URDU}, line 10: p6 is 'nan'"),
    "empty cell": (cells(9, 1, "", URDU), r"line 10: p5 is ''"),
    "huge": (cells(9, 1, "9" * 40, URDU), r"line 10: p5 is '9999"),
    "short row": (lambda f, _: cells(2, 0, "x,y")(f, _), r"line 3: 4 fields, but the header has 3"),
    "empty file": (content(ENGLISH, b""), rf"{ENGLISH}: needs one column 'key'"),
    "header only": (content(ENGLISH, b"key,p3,p4\n"), rf"{ENGLISH}: a header without rows"),
    "not text": (content(ENGLISH, b"k\xe9y"), r"not text in UTF-8\); save it as 'CSV UTF-8'"),
    "open quote": (content(ENGLISH, b'key,p3,p4\n"a,1,2\n'), "line 2: unexpected end of data"),
    "no labels": (delete("labels"), r"labels.csv: cannot be read \(No such file"),
    "labels without speaker": (
        edit("speaker", "identity", "labels"),
        "labels.csv: needs one column 'speaker', the header is 'key,language,identity,video'",
    ),
    "labels without language": (edit("language", "lang", "labels"), "one column 'language'"),
    "bad label": (cells(4, 2, "id0003", "labels"), "labels.csv, line 5: speaker is 'id0003'"),
    "fractional label": (cells(4, 2, "2.5", "labels"), "labels.csv, line 5: speaker is '2.5'"),
    "label twice": (repeat(4, "labels"), r"labels.csv, line 146: English English/3/00003 occurs"),
    "label missing": (
        cells(4, 0, None, "labels"),
        rf"{ENGLISH}, line 5: key 'English/3/00003' is not an English key in",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_line(name, folder, labels):
    change, message = BAD[name]
    change(folder, labels)
    with pytest.raises(DataError, match=message) as caught:
        score_submission(folder, labels)
    assert "\n" not in str(caught.value)


def test_identical_columns_are_warned_about(folder, labels):
    lines = (folder / URDU).read_text().splitlines()
    same = [f"{key},{first},{first}" for key, first, _ in (line.split(",") for line in lines[1:])]
    (folder / URDU).write_text("\n".join([lines[0], *same]))
    with pytest.warns(UserWarning, match="P5 and P6 are identical") as warned:
        score_submission(folder, labels)
    assert len(warned) == 1
