"""The challenge's submission folders: write one, and score one where the labels are known."""

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mraf.data.splits import P3, P4, P5, P6, Setting, Split
from mraf.errors import DataError, RunError
from mraf.evaluation.judge import Judge, Predictor, answers, checked_scores
from mraf.evaluation.results import Evaluation, Judged
from mraf.files import read_csv, write_atomically, write_text

FILE = "submission_{version}_{phase}_{trained}_{tested}.csv"
COLUMNS = {"english": (P3, P4), "cross": (P5, P6)}


def write_submission(
    predict: Predictor | Judge, split: Split, folder: str | Path, version: str = "v1"
) -> tuple[Path, Path]:
    """Write `submission_v1_test_English_English.csv` (key,p3,p4) and the like of Urdu (key,p5,p6).

    Keys stand in the order of the source. P4 and P6 are predicted for the same clips without their
    faces. Of the systems that the predictor names, the first is submitted; where its scores tie,
    the lowest label. Labels are not looked at. Either both files are written or none.

    Raises RunError: no system, scores of a wrong shape or not finite, or a failure to write.
    Warns: the predictions with and without faces are identical: the challenge is said to void them.
    """
    files = []
    for settings in COLUMNS.values():
        predicted = [_predicted(predict, split, setting) for setting in settings]
        _warn_identical(settings, *predicted)
        clips = split.clips(settings[0])
        languages = {"trained": split.train.language, "tested": clips.language}
        path = Path(folder) / FILE.format(version=version, phase="test", **languages)
        names = [setting.name.lower() for setting in settings]
        table = pd.DataFrame({"key": clips.key} | dict(zip(names, predicted, strict=True)))
        files.append((path, table.to_csv(index=False, lineterminator="\n")))
    (english, english_text), (cross, cross_text) = files
    if english == cross:
        raise DataError(f"{split.cross.source}: both test sets are {split.cross.language}.")

    def both(temporary: Path) -> None:  # the first is renamed into place only if the second was
        temporary.write_text(english_text, encoding="utf-8")
        write_text(cross, cross_text)

    write_atomically(english, both)
    return english, cross


def _predicted(predict: Predictor | Judge, split: Split, setting: Setting) -> NDArray[np.int64]:
    """The label with the highest score, shape (N,)."""
    parts = []
    for rows, systems in answers(predict, split, setting):
        if not systems:
            raise RunError(f"{setting.name}: the predictor names no system.")
        name, scores = next(iter(systems.items()))
        scores = checked_scores(scores, name, setting, rows, split.speakers)
        parts.append(np.argmax(scores, axis=1))
    return np.concatenate(parts)


def _warn_identical(
    settings: Sequence[Setting], first: NDArray[np.int64], second: NDArray[np.int64]
) -> None:
    if np.array_equal(first, second):
        warnings.warn(
            f"{settings[0].name} and {settings[1].name} are identical: the face changed no "
            "prediction. The challenge's server is said to void identical columns.",
            stacklevel=3,
        )


def score_submission(folder: str | Path, labels: str | Path) -> Evaluation:
    """The evaluation of a submission folder against known labels, as a system "submission".

    Args:
        folder: holds the two files of `write_submission`, of one version; the development phase
            has `val` for `test` in their names.
        labels: CSV with the columns key, language, speaker and, optionally, video. A key names a
            clip within its language only. Without videos the intervals resample speakers.
    Raises DataError: a file or column is missing; a key is missing, unknown or occurs twice; a
    prediction or label is not a whole number. The message names file and row.
    Warns: the predictions with and without faces are identical.
    """
    folder, labels = Path(folder), Path(labels)
    truth = _read_labels(labels)
    judged: dict[str, Judged] = {}
    correct: dict[str, NDArray[np.bool_]] = {}
    for part, (path, language) in _find_files(folder).items():
        if language not in truth:
            raise DataError(f"{labels}: no row of language {language}, which {path.name} needs.")
        judged[part] = truth[language]
        names = [setting.name for setting in COLUMNS[part]]
        table = _read(path, ["key", *map(str.lower, names)])
        table = _matched(table, path, truth[language], labels)
        predicted = [_whole_numbers(table, path, name.lower()) for name in names]
        _warn_identical(COLUMNS[part], *predicted)
        for name, prediction in zip(names, predicted, strict=True):
            correct[name] = prediction == truth[language].speaker
    return Evaluation(judged, {"submission": correct}, "submission")


def _find_files(folder: Path) -> dict[str, tuple[Path, str]]:
    """The file of each part, "english" and "cross", and the language it is tested in."""
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder.")
    word = "([^_]+)"
    names = FILE.format(version=word, phase="(?:test|val)", trained=word, tested=word)
    matches = [re.fullmatch(names.replace(".", r"\."), file.name) for file in folder.iterdir()]
    named = sorted((match for match in matches if match), key=lambda match: match.string)
    found = {}
    wanted = {"english": ("English", "English"), "cross": ("the second language", "Urdu")}
    for part, (tested, example) in wanted.items():
        own = [match for match in named if (match[2] == match[3]) == (part == "english")]
        if len(own) != 1:
            there = [match.string for match in own] or "none"
            expected = FILE.format(version="v1", phase="test", trained="English", tested=example)
            raise DataError(
                f"{folder}: one file of {tested} is needed, as {expected}; found {there}."
            )
        found[part] = folder / own[0].string, own[0][3]
    if len(versions := {match[1] for match in named}) > 1:
        raise DataError(f"{folder}: files of several versions, {sorted(versions)}; keep one.")
    return found


def _read_labels(path: Path) -> dict[str, Judged]:
    """The labelled clips of each language."""
    table = _read(path, ["key", "language", "speaker"])
    if "video" not in table:
        table["video"] = ""
    _reject_repeated(table, path, ["language", "key"])
    table["speaker"] = _whole_numbers(table, path, "speaker", decimals=True)  # officially 3.0
    found = {}
    for language, own in table.groupby("language"):
        key, video = (own[name].to_numpy(dtype=np.str_) for name in ("key", "video"))
        found[language] = Judged(language, key, own.speaker.to_numpy(), video)
    return found


def _matched(table: pd.DataFrame, path: Path, judged: Judged, labels: Path) -> pd.DataFrame:
    """A row for each judged clip. Raises DataError unless the keys are the same, each once."""
    _reject_repeated(table, path, ["key"])
    missing = judged.key[~np.isin(judged.key, table.key.to_numpy(dtype=np.str_))]
    if len(missing):
        raise DataError(
            f"{path}: no row for key '{missing[0]}'; {len(missing)} of the {len(judged.key)} "
            f"{judged.language} keys in {labels} are missing."
        )
    unknown = table[~table.key.isin(judged.key)]
    if len(unknown):
        line, key = unknown.index[0], unknown.key.iloc[0]
        raise DataError(
            f"{path}, line {line}: key '{key}' is not an {judged.language} key in {labels}."
        )
    return table.loc[pd.Series(table.index, table.key)[judged.key]]


def _read(path: Path, required: Sequence[str]) -> pd.DataFrame:
    """A CSV as text; the index is the line that each row ends on. Raises DataError."""
    found = read_csv(path, "mend the line or write the file again")
    if missing := [name for name in required if name not in found]:
        raise DataError(
            f"{path}: needs one column '{missing[0]}', the header is {','.join(found)!r}."
        )
    if found.empty:
        raise DataError(f"{path}: a header without rows.")
    return found


def _reject_repeated(table: pd.DataFrame, path: Path, names: list[str]) -> None:
    twice = table.duplicated(names)
    if twice.any():
        line = twice.idxmax()
        values = table.loc[line, names]
        first = (table[names] == values).all(axis=1).idxmax()
        said = " ".join(values)
        raise DataError(f"{path}, line {line}: {said} occurs again, first in line {first}.")


def _whole_numbers(
    table: pd.DataFrame, path: Path, name: str, decimals: bool = False
) -> NDArray[np.int64]:
    """Whole numbers from 0, shape (N,); with decimals, `3.0` is one too."""
    values = table[name].str.strip()
    bad = values[~values.str.fullmatch(r"[0-9]{1,9}(\.0*)?" if decimals else "[0-9]{1,9}")]
    if len(bad):
        line = bad.index.min()
        raise DataError(
            f"{path}, line {line}: {name} is '{bad[line]}', expected a whole number from 0."
        )
    return values.astype(float).to_numpy(dtype=np.int64)
