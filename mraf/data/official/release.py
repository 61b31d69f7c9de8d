"""Which releases of POLY-SIM a folder holds, and where their CSV lists lie."""

import os
import posixpath
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mraf.errors import DataError
from mraf.files import checked_path

LIST_FOLDERS = ("csv_files/comp", "csv_files", "comp", ".")
FEATURE_FOLDERS = ("feats", "features", "feat", ".", "feats/train", "features/train")
LIST_NAME = re.compile(r"(?P<version>v\d+)_(?P<kind>train|test)_(?P<language>[A-Za-z]+)\.csv")
NEAR_NAME = re.compile(r"(?i)(v\d+)[_ -]+(train|test)[_ -]+([a-z]+).*\.(csv|txt)")


@dataclass(frozen=True)
class Release:
    """One version of the challenge in a folder: its second language, and its lists by part."""

    folder: Path
    version: str
    language: str
    lists: dict[str, Path]


def find_release(folder: str | Path) -> Release:
    """The release whose lists lie in a folder; or that of a list, to choose among releases.

    Raises DataError: no lists, a training list missing, or features of several releases; an
    unreadable folder.
    """
    folder, version = checked_path(folder, DataError), None
    if os.path.isfile(folder) and (match := LIST_NAME.fullmatch(folder.name)):
        version = match["version"]
        here = folder.absolute().parent
        above = (here, *here.parents)
        folder = next(top for place in LIST_FOLDERS for top in above if top / place == here)
    try:
        os.scandir(folder).close()  # a glob passes over what it may not read
    except OSError as error:
        reason = f"cannot be read ({error.strerror}); check the path and your right to read it"
        raise DataError(f"{folder}: {reason}.") from None
    files = {p.name: p for place in reversed(LIST_FOLDERS) for p in (folder / place).glob("*")}
    found: dict[str, dict[str, dict[str, Path]]] = {"train": {}, "test": {}}
    for name in sorted(files):
        if match := LIST_NAME.fullmatch(name):
            lists = found[match["kind"]].setdefault(match["version"], {})
            lists[match["language"]] = files[name]
    if not found["train"]:
        inner = sorted(folder.glob("*/csv_files"))
        meant = f"did you mean {inner[0].parent}? " if inner else ""
        raise DataError(
            f"{folder}: no training list such as csv_files/comp/v1_train_English.csv; {meant}"
            "`mraf data download` fetches the official files, data/README.md shows the layout."
            f"{_near_names(files, 'train')}"
        )
    version = _choose(folder, found["train"], version)
    train, test = found["train"][version], found["test"].get(version, {})
    others = sorted(set(train) - {"English"})
    if "English" not in train or not others:
        missing = "<second language>" if "English" in train else "English"
        path = next(iter(train.values())).parent / f"{version}_train_{missing}.csv"
        reason = "the list is missing; training lists of two languages are needed"
        raise DataError(f"{path}: {reason}.{_near_names(files, 'train')}")
    if len(others) > 1:
        reason = f"training lists of several second languages ({', '.join(others)})"
        raise DataError(f"{folder}: {version} has {reason}; keep that of one.")
    if renamed := _near_names(files, "test"):
        warnings.warn(f"{folder}: a test list is not read.{renamed}", stacklevel=3)
    parts = {"train": train["English"], "cross": train[others[0]]}
    tests = {"test_english": test.get("English"), "test_cross": test.get(others[0])}
    parts |= {part: path for part, path in tests.items() if path}
    return Release(folder, version, others[0], parts)


def _choose(folder: Path, train: dict[str, dict[str, Path]], version: str | None) -> str:
    """The version asked for, or the only one that can be used."""
    there = [name for name in sorted(train) if feature_folder(folder, f"ecappafeats/{name}")]
    usable = [version] if version else there or sorted(train)
    if usable[0] not in train:
        known = ", ".join(sorted(train))
        raise DataError(f"{folder}: no training lists of '{version}', only of {known}.")
    if len(usable) > 1:
        named = ", ".join(f"{name} ({', '.join(sorted(train[name]))})" for name in usable)
        remedy = f"choose one by its list, as in {next(iter(train[usable[0]].values()))}"
        raise DataError(f"{folder} holds several releases: {named}; {remedy}.")
    return usable[0]


def feature_folder(folder: Path, head: str) -> str:
    """Where listed paths that begin with two folders lie; "" where no spelling of them exists.

    "ecappafeats/v1" may be "feats/ecappa_feats/v1".
    """
    name, _, rest = head.partition("/")
    respelled = re.sub(r"_?feats$", "feats" if name.endswith("_feats") else "_feats", name)
    for spelling in (name, respelled):
        for place in FEATURE_FOLDERS:
            found = posixpath.normpath(posixpath.join(place, spelling, rest))
            if os.path.isdir(folder / found):
                return found
    return ""


def _near_names(files: Iterable[str], kind: str) -> str:
    """What to rename where names of lists are nearly right and no list has the right name."""
    wrong = ""
    for name in sorted(files):
        near = NEAR_NAME.match(name)
        if near and near[2].lower() == kind:
            right = f"{near[1].lower()}_{kind}_{near[3].title()}.csv"
            wrong += "" if right in files else f" Rename {name} to {right}."
    return wrong
