"""The rows of the CSV lists of a POLY-SIM release, checked."""

import posixpath
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mraf.data.official.release import FEATURE_FOLDERS, Release, feature_folder
from mraf.errors import DataError
from mraf.files import read_csv

if TYPE_CHECKING:
    import pandas as pd

REMEDY = "mend the line or fetch the list again"
LEFT_OUT = "Going on without these test clips."
COLUMNS = {  # what we call it → how the releases spell it
    "train": {
        "key": ("audio_path",),
        "voice": ("ecappa_feats_path", "ecappafeats_path"),
        "face": ("facenet_feats_path", "facenetfeats_path"),
        "label": ("label",),
    },
    "test": {"key": ("key",), "voice": ("voices", "audios"), "face": ("faces",)},
}


class FeaturesMissing(DataError):
    """The folder of listed features is not there: for test clips it may come later."""


@dataclass
class ClipList:
    """The rows of one list by line.

    Columns: ``key``, of a training clip its voice path; ``video``, the folder in which a training
    clip lies, else ""; ``voice`` and ``face``, paths of the features, "" where the face is missing;
    ``label``, where the list has labels.
    """

    path: Path
    rows: "pd.DataFrame"
    spare: bool = False  # a test list in the form of a training list: left out where it is bad

    def __len__(self) -> int:
        return len(self.rows)

    def refuse(self, row: int, reason: str) -> DataError:
        """The error that names this list and the line of a row."""
        return _refused(self.path, self.rows.index[row], reason)


def _refused(path: Path, line: int, reason: str) -> DataError:
    return DataError(f"{path}, line {line}: {reason}")


def inner_path(text: str) -> str:
    """A path from a list or an archive in one spelling: ``/`` only, no ``.``, no ``//``.

    Raises ValueError: the path is empty, absolute, leaves its folder or holds a control character.
    """
    path = posixpath.normpath(text.strip().replace("\\", "/"))
    if path == "." or not path.isprintable():
        raise ValueError(f"the path {text!r} names no file")
    if path.startswith("/") or re.match(r"[A-Za-z]:", path) or path.split("/")[0] == "..":
        raise ValueError(f"the path {text!r} leaves the folder")
    return path


def read_lists(release: Release) -> dict[str, ClipList]:
    """All lists of a release by part, their paths leading to where the features lie.

    A test list whose features are not there at all is left out with a warning: one may train
    before the test features are fetched.

    Raises DataError: the first bad line, what is wrong with it and how to mend it; also a label
    that no English training clip carries, or the folder of training features is missing.
    """
    lists: dict[str, ClipList] = {}
    for part, path in release.lists.items():
        cells = read_csv(path, f"{REMEDY}, as CSV in UTF-8")
        test = part.startswith("test")
        # A test list may have the columns of a training list, as the challenge's code once had.
        spelled = COLUMNS["train"].values()
        spare = test and "key" not in cells and all(set(cells) & set(names) for names in spelled)
        try:
            rows = _checked(path, cells, "test" if test and not spare else "train")
            clips = ClipList(path, rows, spare)
            _check_labels(clips, lists.get("train", clips))
            _find_features(clips, release.folder)
            lists[part] = clips
        except DataError as error:
            if not spare and not (test and isinstance(error, FeaturesMissing)):
                raise
            warnings.warn(f"{error} {LEFT_OUT}", stacklevel=3)
    return lists


def _checked(path: Path, cells: "pd.DataFrame", kind: str) -> "pd.DataFrame":
    """The rows of a list, see `ClipList`, from its cells; paths as listed, but normalised."""
    import pandas as pd

    columns = {}
    for name, spellings in {**COLUMNS[kind], "label": ("label",)}.items():
        if present := [spelling for spelling in spellings if spelling in cells]:
            columns[present[0]] = name
        elif name in COLUMNS[kind]:
            reason = f"no column '{' or '.join(spellings)}', only "
            reason += f"{', '.join(cells) or 'an empty line'}; fetch the official list again."
            raise _refused(path, 1, reason)
    rows: list[dict[str, Any]] = []
    lines: dict[str, int] = {}
    wanted = cells[list(columns)].rename(columns=columns)
    for line, cell in zip(cells.index, wanted.to_dict("records"), strict=True):
        try:
            rows.append(_row(cell, kind))
            if (key := rows[-1]["key"]) in lines:
                raise ValueError(f"'{key}' occurs already in line {lines[key]}; remove one")
        except ValueError as error:
            raise _refused(path, line, f"{error}; {REMEDY}.") from None
        lines[key] = line
    if not rows:
        raise DataError(f"{path}: the list holds no clips; fetch it again.")
    return pd.DataFrame(rows, cells.index)


def _row(cell: dict[str, str], kind: str) -> dict[str, Any]:
    row: dict[str, Any] = {"key": cell["key"], "video": ""}
    if kind == "train":
        row["key"] = inner_path(cell["key"])
        row["video"] = posixpath.basename(posixpath.dirname(row["key"]))
        if not row["video"]:
            raise ValueError(f"the path '{row['key']}' has no folder to name its video")
    if not row["key"]:
        raise ValueError("the key is empty")
    for name in ("voice", "face"):
        missing = name == "face" and not cell[name].strip()
        row[name] = "" if missing else posixpath.splitext(inner_path(cell[name]))[0] + ".npy"
    if "label" in cell:
        row["label"] = _label(cell["label"])
    return row


def _label(text: str) -> int:
    try:
        value = float(re.sub(r",0{1,2}$", "", text.strip()))  # 3,0 in a table saved by Excel
    except ValueError:
        raise ValueError(f"the label '{text}' is not a number; labels are 0 … C-1") from None
    if not 0 <= value < 2**31 or not value.is_integer():  # also refuses nan and inf
        raise ValueError(f"the label '{text}' is not one of 0 … C-1")
    return int(value)


def _check_labels(clips: ClipList, train: ClipList) -> None:
    """Refuse a label that no English training clip can carry."""
    last = train.rows.label.max()
    end = f"in English training they end at {last}."
    if clips is train:  # would otherwise read as a huge gap in the labels
        last, end = len(train) - 1, f"there are only {len(train)} clips."
    if "label" in clips.rows and (high := clips.rows.label > last).any():
        row = int(high.argmax())
        label = clips.rows.label.iloc[row]
        raise clips.refuse(row, f"the label {label} is out of range; {end}")


def _find_features(clips: ClipList, folder: Path) -> None:
    """Let the listed paths lead from the folder of the release to where its features lie."""
    for name in ("voice", "face"):
        paths = clips.rows[name].tolist()
        heads = ["/".join(path.split("/")[:-1][:2]) for path in paths]
        roots = {head: feature_folder(folder, head) for head in dict.fromkeys(heads)}
        if absent := [head for head, root in roots.items() if not root]:
            where = f"no folder '{absent[0]}' under {' or '.join(FEATURE_FOLDERS)} of {folder}"
            reason = f"{where}; unpack the features there (see data/README.md)."
            raise FeaturesMissing(clips.refuse(heads.index(absent[0]), reason))
        clips.rows[name] = [
            path and roots[head] + path[len(head) :]  # no path: the face is missing
            for path, head in zip(paths, heads, strict=True)
        ]
