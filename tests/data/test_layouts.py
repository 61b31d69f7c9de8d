"""Layouts that users have: faces that are missing, lists of another form, tables from Excel."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from official import random_corpus, write_official

from mraf.data import load
from mraf.data.clips import Corpus
from mraf.data.describe import counts
from mraf.data.splits import test_split, validation_split
from mraf.errors import DataError
from mraf.evaluation.judge import evaluate
from mraf.evaluation.run import evaluate_run
from mraf.training.experiment import Experiment, train_run, trained

TRAIN = "csv_files/comp/v1_train_English.csv"
TEST = "csv_files/comp/v1_test_English.csv"
FACES = "feats/facenetfeats/v1/faces/id0001/English"
TINY = {"width": 16, "tokens": 2, "heads": 2, "epochs": 1, "precision": "float32"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return write_official(tmp_path / "data")


def rewrite(path: Path, change: Callable[[list[list[str]]], None]) -> None:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    change(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


# ---------------------------------------------------------------- a face that is missing


def empty_cell(folder: Path) -> None:
    rewrite(folder / TRAIN, lambda rows: rows[2].__setitem__(3, ""))


MISSING = {
    "zeros": lambda folder: np.save(folder / FACES / "English-00/00001.npy", np.zeros(512, "f4")),
    "absent file": lambda folder: (folder / FACES / "English-00/00001.npy").unlink(),
    "empty cell": empty_cell,
}


@pytest.mark.parametrize("spoil", MISSING.values(), ids=MISSING)
def test_a_missing_face_is_counted_and_left_out_of_training(folder, spoil):
    spoil(folder)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        corpus = load(folder)
        run = train_run(Experiment.of(str(folder), "quick", {**TINY, "holdout": False}), None)
    assert corpus.train.face_missing.tolist() == [False, True] + [False] * 10
    notes = {str(warning.message) for warning in caught}
    assert "English: 1 of 12 training clips have no face and are left out of training." in notes
    absent = [note for note in notes if "line 3: 1 faces are not there" in note]
    assert len(absent) == (spoil is not MISSING["zeros"])
    assert len(test_split(corpus).train) == 11
    assert len(run.history) == 1
    assert load(folder).train.fingerprint == corpus.train.fingerprint  # from the pack, silently


def test_a_face_that_comes_later_is_read(folder):
    file = folder / FACES / "English-00/00001.npy"
    face = np.load(file)
    file.unlink()
    with pytest.warns(UserWarning, match="read as missing"):
        load(folder)
    np.save(file, face)
    assert not load(folder).train.face_missing.any()


def without(corpus: Corpus, rows: slice | np.ndarray) -> Corpus:
    """The corpus without the faces of some training clips."""
    corpus.train.face[rows] = 0
    return corpus


def test_a_speaker_keeps_a_face_to_train_on():
    corpus = random_corpus(speakers=3, videos=2, clips=2)
    for seed in range(4):  # speaker 0 has faces in the second video only
        split = validation_split(without(corpus, slice(0, 2)), seed)
        assert set(split.train.labels) == {0, 1, 2}
        assert not split.train.face_missing.any()
        assert "2 of 12 training clips have no face" in split.notes[0]


def test_without_faces_to_train_on_there_is_one_error():
    corpus = random_corpus(speakers=3, videos=2, clips=2)
    with pytest.raises(DataError, match=r"4 of 12 .*, among them every clip of speaker 0; MRAF is"):
        validation_split(without(corpus, slice(0, 4)))
    with pytest.raises(DataError, match=r"12 of 12 training clips have no face; MRAF is trained"):
        test_split(without(corpus, slice(None)))


@pytest.mark.parametrize("count", [1, 12])
def test_clips_without_a_face_are_counted_and_face_only_systems_not_judged(count):
    split = validation_split(random_corpus())
    split.cross.face[:count] = 0
    means = np.eye(6)

    def systems(clips):
        own = means[clips.labels]
        face = np.where(clips.face_missing[:, None], 0.3 * means[0], own)  # a guess without a face
        return {"both": own, "face": face}

    found = evaluate(systems, split)
    note = f"P5: {count} of {len(split.cross)} clips have no face; only the voice decides there."
    assert note in found.markdown
    assert "P3: " not in found.markdown
    p3, p5 = found.table.loc["face", ["P3", "P5"]]
    assert (p3[:7], p3[-7:], p5) == ("100.0 [", " 100.0]", "–")
    assert set(found.correct["both"]) == {"P3", "P4", "P5", "P6"}


# ---------------------------------------------------------------- lists of another form


def as_training_list(folder: Path, wanted: slice = slice(None)) -> None:
    """The English test list in the columns of a training list, of clips of the second language."""
    lines = (folder / TRAIN.replace("English", "Urdu")).read_text().splitlines()
    (folder / TEST).write_text("\n".join([lines[0], *lines[1:][wanted]]))


def test_a_test_list_in_the_form_of_a_training_list_is_read_with_its_labels(folder):
    as_training_list(folder)
    corpus = load(folder)
    assert corpus.test_english.labels.tolist() == corpus.cross.labels.tolist()
    assert counts(corpus).notna().any(axis=None)


BAD = {
    "a voice is missing": (
        lambda folder: next((folder / "feats/ecappafeats").rglob("Urdu-00/00000.npy")).unlink(),
        "is missing",
    ),
    "a label out of range": (
        lambda folder: rewrite(folder / TEST, lambda rows: rows[1].__setitem__(4, "9.0")),
        "the label 9 is out of range",
    ),
    "no number": (
        lambda folder: rewrite(folder / TEST, lambda rows: rows[1].__setitem__(4, "Ann")),
        "the label 'Ann' is not a number",
    ),
}


@pytest.mark.parametrize(("spoil", "message"), BAD.values(), ids=BAD)
def test_where_it_is_bad_it_is_left_out_with_a_note(folder, spoil, message):
    as_training_list(folder, slice(0, 2))
    rewrite(folder / TRAIN.replace("English", "Urdu"), lambda rows: rows.__delitem__(slice(1, 3)))
    spoil(folder)
    with pytest.warns(UserWarning, match=rf"{message}.*Going on without these test clips\."):
        assert load(folder).test_english is None


def test_clips_that_were_trained_on_are_not_judged_as_test_clips(tmp_path):
    corpus = random_corpus()
    run = trained("quick", corpus, {**TINY, "holdout": False}, store=tmp_path)
    corpus.test_english.video[:4] = "English-00"
    notes = evaluate_run(run, corpus, "test").notes
    reason = "their videos also occur in the English training list."
    assert f"English: 4 test clips left out; {reason}" in notes
    corpus.test_english.video[:] = "English-00"
    with pytest.raises(DataError, match="no test clip can be judged; their videos also occur"):
        evaluate_run(run, corpus, "test")


def test_where_nobody_has_two_videos_the_remedy_is_named():
    with pytest.raises(DataError, match=r"no video can be held out; .*--final.*holdout=false"):
        validation_split(random_corpus(videos=1))


# ---------------------------------------------------------------- tables saved by Excel, names


@pytest.mark.parametrize(
    ("between", "encoding"), [(";", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-16"), (",", "utf-16")]
)
def test_tables_of_excel_are_read(folder, between, encoding):
    before = load(folder)
    for path in (folder / TRAIN).parent.iterdir():
        with path.open(newline="", encoding="utf-8") as file:
            rows = [[cell.replace(".0", ",0") for cell in row] for row in csv.reader(file)]
            rows = [[c if c.endswith(",0") else c.replace(",0", ".0") for c in r] for r in rows]
        with path.open("w", newline="", encoding=encoding) as file:
            csv.writer(file, delimiter=between).writerows(rows)
    assert load(folder).train.fingerprint == before.train.fingerprint
    assert load(folder).train.labels.tolist() == before.train.labels.tolist()


@pytest.mark.parametrize(
    "name", ["v1_train_English (1).csv", "v1_train_english.csv", "V1_Train_English.CSV"]
)
@pytest.mark.parametrize("others", [True, False])
def test_a_list_whose_name_is_nearly_right_is_named(folder, name, others):
    (folder / TRAIN).rename((folder / TRAIN).with_name(name))
    if not others:
        (folder / TRAIN.replace("English", "Urdu")).unlink()
    with pytest.raises(DataError) as caught:
        load(folder)
    assert f" Rename {name} to v1_train_English.csv." in str(caught.value)


def test_a_test_list_whose_name_is_nearly_right_is_named(folder):
    (folder / TEST).rename((folder / TEST).with_name("v1_test_English (1).csv"))
    with pytest.warns(UserWarning, match=r"Rename v1_test_English \(1\)\.csv to v1_test_English\."):
        assert load(folder).test_english is None


def test_a_copy_beside_the_right_list_is_no_trouble(folder):
    (folder / TEST).with_name("v1_test_English (1).csv").write_bytes((folder / TEST).read_bytes())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load(folder).test_english is not None
