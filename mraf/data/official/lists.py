"""The CSV lists of a POLY-SIM release: which there are, and their rows, checked."""

from __future__ import annotations

import os
import posixpath
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mraf.errors import DataError
from mraf.files import checked_path, read_csv

LIST_FOLDERS = ("csv_files/comp", "csv_files", "comp", ".")
FEATURE_FOLDERS = ("feats", "features", "feat", ".", "feats/train", "features/train")
REMEDY = "mend the line or fetch the list again"
SAVE = f"{REMEDY}, as CSV in UTF-8"
LEFT_OUT = "Going on without these test clips."
LIST_NAME = re.compile(r"(?P<version>v\d+)_(?P<kind>train|test)_(?P<language>[A-Za-z]+)\.csv")
NEAR_NAME = re.compile(r"(?i)(v\d+)[_ -]+(train|test)[_ -]+([a-z]+).*\.(csv|txt)")
COLUMNS = {  # what we call it → how the releases spell it
    "train": {
        "clip": ("audio_path",),
        "voice": ("ecappa_feats_path", "ecappafeats_path"),
        "face": ("facenet_feats_path", "facenetfeats_path"),
        "label": ("label",),
    },
    "test": {"clip": ("key",), "voice": ("voices", "audios"), "face": ("faces",)},
}


@dataclass(frozen=True)
class Release:
    """One version of the challenge in a folder: its second language, and its lists by part."""

    folder: Path
    version: str
    language: str
    lists: dict[str, Path]


@dataclass
class ClipList:
    """The rows of one list.

    Args:
        line: as an editor counts, the header being line 1.
        key: of a training clip its voice path, of a test clip the official key.
        video: the folder in which a training clip lies; "" for a test clip.
        label: None where the list has no labels.
        voice, face: paths of the features as listed, normalised, ending in .npy; a face is ""
            where its cell is empty: it is missing.
        spare: a test list in the form of a training list, which is left out where it is bad.
    """

    path: Path
    line: list[int] = field(default_factory=list)
    key: list[str] = field(default_factory=list)
    video: list[str] = field(default_factory=list)
    label: list[int] | None = None
    voice: list[str] = field(default_factory=list)
    face: list[str] = field(default_factory=list)
    spare: bool = False

    def __len__(self) -> int:
        return len(self.key)

    def refuse(self, row: int, reason: str) -> DataError:
        """The error that names this list and the line of a row."""
        return DataError(f"{self.path}, line {self.line[row]}: {reason}")


def inner_path(text: str) -> str:
    """A path from a list or an archive in one spelling: ``/`` only, no ``.``, no ``//``.

    Raises:
        ValueError: the path is empty, absolute, leaves its folder or holds a control character.
    """
    path = posixpath.normpath(text.strip().replace("\\", "/"))
    if path == "." or not path.isprintable():
        raise ValueError(f"the path {text!r} names no file")
    if path.startswith("/") or re.match(r"[A-Za-z]:", path) or path.split("/")[0] == "..":
        raise ValueError(f"the path {text!r} leaves the folder")
    return path


def find_release(folder: Path, version: str | None = None) -> Release:
    """The release whose lists lie in a folder.

    Args:
        folder: the folder that holds csv_files/; or a list in it, to choose among releases.
        version: "v1", "v2", …; needed only where the folder holds features of several releases.
    Raises:
        DataError: no lists, a training list missing, or several releases and no version given; an
            unreadable folder.
    """
    folder = checked_path(folder, DataError)
    if os.path.isfile(folder) and (match := LIST_NAME.fullmatch(folder.name)):
        version = version or match["version"]
        here = folder.absolute().parent
        above = (here, *here.parents)
        folder = next(top for place in LIST_FOLDERS for top in above if top / place == here)
    try:
        os.scandir(folder).close()  # a glob passes over what it may not read
    except OSError as error:
        reason = f"cannot be read ({error.strerror}); check the path and your right to read it"
        raise DataError(f"{folder}: {reason}.") from None
    found: dict[str, dict[str, dict[str, Path]]] = {"train": {}, "test": {}}
    paths = (path for place in LIST_FOLDERS for path in sorted((folder / place).glob("v*.csv")))
    for path in paths:
        if match := LIST_NAME.fullmatch(path.name):
            lists = found[match["kind"]].setdefault(match["version"], {})
            lists.setdefault(match["language"], path)
    version = _choose(folder, found["train"], version)
    train, test = found["train"][version], found["test"].get(version, {})
    others = sorted(set(train) - {"English"})
    if "English" not in train or not others:
        missing = "<second language>" if "English" in train else "English"
        path = next(iter(train.values())).parent / f"{version}_train_{missing}.csv"
        raise DataError(
            f"{path}: the list is missing; training lists of two languages are needed."
            f"{_near_names(folder)}"
        )
    if len(others) > 1:
        raise DataError(
            f"{folder}: {version} has training lists of several second languages "
            f"({', '.join(others)}); keep that of one."
        )
    parts = {"train": train["English"], "cross": train[others[0]]}
    if renamed := _near_names(folder, "test"):
        warnings.warn(f"{folder}: a test list is not read.{renamed}", stacklevel=3)
    tests = {"test_english": test.get("English"), "test_cross": test.get(others[0])}
    parts |= {part: path for part, path in tests.items() if path}
    return Release(folder, version, others[0], parts)


def _choose(folder: Path, train: dict[str, dict[str, Path]], version: str | None) -> str:
    """The version asked for, or the only one that can be used."""
    if not train:
        inner = [child.parent for child in sorted(folder.glob("*/csv_files"))]
        raise DataError(
            f"{folder}: no training list such as csv_files/comp/v1_train_English.csv; "
            + (f"did you mean {inner[0]}? " if inner else "")
            + "`mraf data download` fetches the official files, data/README.md shows the layout."
            + _near_names(folder)
        )
    voices = ("ecappafeats", "ecappa_feats")
    tops = [folder / place / name for place in FEATURE_FOLDERS for name in voices]
    there = [name for name in sorted(train) if any((top / name).is_dir() for top in tops)]
    usable = [version] if version else there or sorted(train)
    if usable[0] not in train:
        known = ", ".join(sorted(train))
        raise DataError(f"{folder}: no training lists of '{version}', only of {known}.")
    if len(usable) > 1:
        named = [f"{name} ({', '.join(sorted(train[name]))})" for name in usable]
        raise DataError(
            f"{folder} holds several releases: {', '.join(named)}; choose one by its list, as "
            f"in {next(iter(train[usable[0]].values()))}."
        )
    return usable[0]


def _near_names(folder: Path, kind: str = "train") -> str:
    """What to rename where names of lists are nearly right and no list has the right name."""
    wrong = []
    for place in LIST_FOLDERS:
        for path in sorted((folder / place).glob("*")):
            near = NEAR_NAME.match(path.name)
            if near and near[2].lower() == kind:
                right = f"{near[1].lower()}_{kind}_{near[3].title()}.csv"
                if not any((folder / place / right).exists() for place in LIST_FOLDERS):
                    wrong.append(f" Rename {path.name} to {right}.")
    return "".join(wrong)


def read_lists(release: Release) -> dict[str, ClipList]:
    """All lists of a release by part, with labels checked against the English training list.

    Raises:
        DataError: see ``read_list``; also a label that no English training clip carries.
    """
    lists: dict[str, ClipList] = {}
    for part, path in release.lists.items():
        spare = part.startswith("test") and _has_training_columns(path)
        kind = "test" if part.startswith("test") and not spare else "train"
        try:
            lists[part] = read_list(path, kind)
            lists[part].spare = spare
        except DataError as error:
            if not spare:
                raise
            warnings.warn(f"{error} {LEFT_OUT}", stacklevel=3)
    train = lists["train"].label or []
    speakers = max(train) + 1
    if speakers > len(train):  # would otherwise read as a huge gap in the labels
        reason = f"the label {max(train)} is out of range; there are only {len(train)} clips."
        raise lists["train"].refuse(train.index(max(train)), reason)
    for part, clips in list(lists.items()):
        for row, label in enumerate(clips.label or []):
            if label >= speakers:
                reason = f"the label {label} is out of range; in English training they end at"
                problem = clips.refuse(row, f"{reason} {speakers - 1}.")
                if not clips.spare:
                    raise problem
                warnings.warn(f"{problem} {LEFT_OUT}", stacklevel=3)
                del lists[part]
                break
    return lists


def _has_training_columns(path: Path) -> bool:
    """Whether a test list has the columns of a training list, as the challenge's code once had."""
    header, _ = read_csv(path, SAVE)
    spelled = COLUMNS["train"].values()
    return "key" not in header and all(set(names) & set(header) for names in spelled)


def read_list(path: Path, kind: str) -> ClipList:
    """Read and check one list.

    Args:
        kind: "train" or "test", which have different columns. Labels of a test list are read
            where it has a column for them.
    Raises:
        DataError: the first bad line, what is wrong with it and how to mend it.
    """
    clips = ClipList(path)
    lines: dict[str, int] = {}
    for line, cell in _rows(path, COLUMNS[kind]):
        clips.line.append(line)
        try:
            key = inner_path(cell["clip"]) if kind == "train" else cell["clip"]
            video = posixpath.basename(posixpath.dirname(key)) if kind == "train" else ""
            if not key:
                raise ValueError("the key is empty")
            if kind == "train" and not video:
                raise ValueError(f"the path '{key}' has no folder to name its video")
            if key in lines:
                raise ValueError(f"'{key}' occurs already in line {lines[key]}; remove one")
            clips.voice.append(_feature_path(cell["voice"]))
            clips.face.append(_feature_path(cell["face"]) if cell["face"].strip() else "")
            if "label" in cell:
                clips.label = [] if clips.label is None else clips.label
                clips.label.append(_label(cell["label"]))
        except ValueError as error:
            raise clips.refuse(-1, f"{error}; {REMEDY}.") from None
        lines[key] = line
        clips.key.append(key)
        clips.video.append(video)
    if not clips.key:
        raise DataError(f"{path}: the list holds no clips; fetch it again.")
    return clips


def _rows(path: Path, wanted: dict[str, tuple[str, ...]]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and wanted cells of each row that is not blank."""
    header, rows = read_csv(path, SAVE)
    columns = {}
    for name, spellings in {**wanted, "label": ("label",)}.items():
        if present := [spelling for spelling in spellings if spelling in header]:
            columns[name] = header.index(present[0])
        elif name in wanted:
            raise DataError(
                f"{path}, line 1: no column '{' or '.join(spellings)}', only "
                f"{', '.join(header) or 'an empty line'}; fetch the official list again."
            )
    for line, cells in rows:
        yield line, {name: cells[at] for name, at in columns.items()}


def _feature_path(text: str) -> str:
    return posixpath.splitext(inner_path(text))[0] + ".npy"


def _label(text: str) -> int:
    try:
        value = float(re.sub(r",0{1,2}$", "", text.strip()))  # 3,0 in a table saved by Excel
    except ValueError:
        raise ValueError(f"the label '{text}' is not a number; labels are 0 … C-1") from None
    if not 0 <= value < 2**31 or not value.is_integer():  # also refuses nan and inf
        raise ValueError(f"the label '{text}' is not one of 0 … C-1")
    return int(value)
