"""The challenge's submission folders: write one, and score one where the labels are known."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mraf.data.splits import P3, P4, P5, P6, Setting, Split
from mraf.errors import DataError, RunError
from mraf.evaluation.judge import Judge, Predictor, answers, checked_scores
from mraf.evaluation.results import Evaluation, Judged
from mraf.files import read_csv, write_atomically, write_text

FILE = "submission_{version}_{phase}_{trained}_{tested}.csv"
COLUMNS = {"english": (P3, P4), "cross": (P5, P6)}


def write_submission(
    predict: Predictor | Judge,
    split: Split,
    folder: str | Path,
    version: str = "v1",
    system: str | None = None,
) -> tuple[Path, Path]:
    """Write `submission_v1_test_English_English.csv` (key,p3,p4) and the like of Urdu (key,p5,p6).

    Keys stand in the order of the source. P4 and P6 are predicted for the same clips without their
    faces. Where scores tie, the lowest label is written. Either both files are written or none.

    Args:
        predict: maps clips to scores, or judges them under a protocol.
        split: what to predict, normally `test_split(corpus)`; labels are not looked at.
        folder: created where it does not exist.
        version: of the corpus; names the files.
        system: whose scores to submit; by default the first the predictor names.
    Returns:
        The two files.
    Raises:
        RunError: no such system, scores of a wrong shape or not finite, or a failure to write.
    Warns:
        The predictions with and without faces are identical: the challenge is said to void them.
    """
    texts = {}
    for language, settings in COLUMNS.items():
        predicted = [_predicted(predict, split, setting, system) for setting in settings]
        clips = split.clips(settings[0])
        _warn_identical(settings, *predicted)
        languages = {"trained": split.train.language, "tested": clips.language}
        name = FILE.format(version=version, phase="test", **languages)
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(["key", *(setting.name.lower() for setting in settings)])
        writer.writerows(zip(clips.key.tolist(), *(p.tolist() for p in predicted), strict=True))
        texts[language] = Path(folder) / name, buffer.getvalue()
    if texts["english"][0] == texts["cross"][0]:
        raise DataError(f"{split.cross.source}: both test sets are {split.cross.language}.")
    (english, english_text), (cross, cross_text) = texts.values()

    def both(temporary: Path) -> None:  # the first is renamed into place only if the second was
        temporary.write_text(english_text, encoding="utf-8")
        write_text(cross, cross_text)

    write_atomically(english, both)
    return english, cross


def _predicted(
    predict: Predictor | Judge, split: Split, setting: Setting, system: str | None
) -> NDArray[np.int64]:
    """The label with the highest score, shape (N,)."""
    clips = split.clips(setting)
    systems = answers(predict, split, setting)
    name = next(iter(systems), None) if system is None else system
    if name is None or name not in systems:
        raise RunError(f"{setting.name}: no scores of system '{name}'; there are {list(systems)}.")
    scores = checked_scores(systems[name], name, setting, len(clips), split.speakers)
    return np.argmax(scores, axis=1)


def _warn_identical(
    settings: Sequence[Setting], first: NDArray[np.int64], second: NDArray[np.int64]
) -> None:
    if np.array_equal(first, second):
        names = " and ".join(setting.name for setting in settings)
        warnings.warn(
            f"{names} are identical: the face changed no prediction. The challenge's server is "
            "said to void identical columns.",
            stacklevel=3,
        )


def score_submission(folder: str | Path, labels: str | Path) -> Evaluation:
    """Score a submission folder against known labels.

    Args:
        folder: holds the two files of `write_submission`, of one version; the development phase
            has `val` for `test` in their names.
        labels: CSV with the columns key, language, speaker and, optionally, video. A key names a
            clip within its language only. Without videos the intervals resample speakers, which
            is the same in the official test, where one video is one speaker.
    Returns:
        The evaluation of one system, "submission".
    Raises:
        DataError: a file or column is missing; a key is missing, unknown or occurs twice; a
            prediction or label is not a whole number. The message names file and row.
    Warns:
        The predictions with and without faces are identical.
    """
    folder, labels = Path(folder), Path(labels)
    truth = _read_labels(labels)
    judged: dict[str, Judged] = {}
    correct: dict[str, NDArray[np.bool_]] = {}
    for part, (path, language) in _find_files(folder).items():
        if language not in truth:
            raise DataError(f"{labels}: no row of language {language}, which {path.name} needs.")
        judged[part] = truth[language]
        settings = COLUMNS[part]
        columns = [setting.name.lower() for setting in settings]
        table = _Table.read(path, ["key", *columns])
        rows = _match(table, truth[language], labels)
        predicted = [table.integers(column)[rows] for column in columns]
        _warn_identical(settings, *predicted)
        for setting, prediction in zip(settings, predicted, strict=True):
            correct[setting.name] = prediction == truth[language].speaker
    return Evaluation(judged, {"submission": correct}, "submission")


def _find_files(folder: Path) -> dict[str, tuple[Path, str]]:
    """The file of each part, "english" and "cross", and the language it is tested in."""
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder.")
    found: dict[str, list[tuple[Path, str]]] = {"english": [], "cross": []}
    versions = set()
    word = "([^_]+)"
    names = FILE.format(version=word, phase="(?:test|val)", trained=word, tested=word)
    pattern = re.compile(names.replace(".", r"\."))
    for path in sorted(folder.iterdir()):
        if match := pattern.fullmatch(path.name):
            version, trained, tested = match.groups()
            versions.add(version)
            found["english" if trained == tested else "cross"].append((path, tested))
    for part, (tested, example) in {
        "english": ("English", "English"),
        "cross": ("the second language", "Urdu"),
    }.items():
        if len(found[part]) != 1:
            there = [path.name for path, _ in found[part]]
            expected = FILE.format(version="v1", phase="test", trained="English", tested=example)
            raise DataError(
                f"{folder}: one file of {tested} is needed, as {expected}; found {there or 'none'}."
            )
    if len(versions) > 1:
        raise DataError(f"{folder}: files of several versions, {sorted(versions)}; keep one.")
    return {part: files[0] for part, files in found.items()}


def _read_labels(path: Path) -> dict[str, Judged]:
    """The labelled clips of each language."""
    table = _Table.read(path, ["key", "language", "speaker"], optional=["video"])
    table.reject_repeated("language", "key")
    language, key, video = (table.texts(name) for name in ("language", "key", "video"))
    speaker = table.integers("speaker", decimals=True)  # the official lists write 3.0
    return {
        str(name): Judged(str(name), key[own], speaker[own], video[own])
        for name in np.unique(language)
        if len(own := np.flatnonzero(language == name))
    }


def _match(table: _Table, judged: Judged, labels: Path) -> list[int]:
    """The row of each judged clip. Raises DataError unless the keys are the same, each once."""
    table.reject_repeated("key")
    row_of = {key: row for row, key in enumerate(table.columns["key"])}
    keys = judged.key.tolist()
    missing = [key for key in keys if key not in row_of]
    if missing:
        raise DataError(
            f"{table.path}: no row for key '{missing[0]}'; {len(missing)} of the {len(keys)} "
            f"{judged.language} keys in {labels} are missing."
        )
    unknown = row_of.keys() - set(keys)
    if unknown:
        row = min(row_of[key] for key in unknown)
        key = table.columns["key"][row]
        raise table.error(row, f"key '{key}' is not an {judged.language} key in {labels}")
    return [row_of[key] for key in keys]


@dataclass(frozen=True)
class _Table:
    """Columns of a CSV as text, with the line each row ends on."""

    path: Path
    columns: dict[str, list[str]]
    lines: list[int]

    @classmethod
    def read(cls, path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> _Table:
        """Raises DataError where the file, a column or a field is missing, naming the line."""
        found = read_csv(path, "mend the line or write the file again")
        for name in required:
            if name not in found:
                raise DataError(
                    f"{path}: needs one column '{name}', the header is {','.join(found)!r}."
                )
        if found.empty:
            raise DataError(f"{path}: a header without rows.")
        lines = found.index.tolist()
        texts = {name: [""] * len(lines) for name in optional}
        texts |= {name: found[name].tolist() for name in (*required, *optional) if name in found}
        return cls(path, texts, lines)

    def error(self, row: int, reason: str) -> DataError:
        return DataError(f"{self.path}, line {self.lines[row]}: {reason}.")

    def reject_repeated(self, *names: str) -> None:
        seen: dict[tuple[str, ...], int] = {}
        for row, values in enumerate(zip(*(self.columns[name] for name in names), strict=True)):
            if values in seen:
                raise self.error(
                    row,
                    f"{' '.join(values)} occurs again, first in line {self.lines[seen[values]]}",
                )
            seen[values] = row

    def texts(self, name: str) -> NDArray[np.str_]:
        return np.array(self.columns[name], dtype=np.str_)

    def integers(self, name: str, decimals: bool = False) -> NDArray[np.int64]:
        """Whole numbers from 0, shape (N,); with decimals, `3.0` is one too."""
        pattern = re.compile(r"[0-9]{1,9}(\.0*)?" if decimals else "[0-9]{1,9}")
        values = [value.strip() for value in self.columns[name]]
        for row, value in enumerate(values):
            if not pattern.fullmatch(value):
                raise self.error(row, f"{name} is '{value}', expected a whole number from 0")
        return np.array([int(value.partition(".")[0]) for value in values], dtype=np.int64)
