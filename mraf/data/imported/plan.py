"""Which rows of a table are trained on, which are judged, and which are left out."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mraf.data.imported.table import Table
from mraf.errors import DataError

FORMAT = 1
IMPORTED = " (imported)"  # ends the name of each corpus


@dataclass
class Plan:
    """Which rows of a table make which part, everything but the vectors, and what to tell."""

    about: dict[str, Any]  # as in corpus.json
    clips: int  # of the table
    speakers: list[str]  # their names by label
    rows: dict[str, NDArray[np.int64]]  # of each part, ascending
    arrays: dict[str, dict[str, NDArray[Any]]]  # of each part: video, key, speaker if not hidden
    notes: list[str]


def plan_of(table: Table, train_on: str | None, cross: str | None) -> Plan:
    """Raises DataError, with the row where there is one, for a table that makes no corpus."""
    columns: dict[str, tuple[NDArray[np.int64], NDArray[np.str_]]] = {
        name: table.texts(name)
        for name in ("speaker", "video", "language", "split", "key")
        if name in table.columns
    }
    total = len(columns["speaker"][0])
    for name, (number, _) in columns.items():
        if len(number) != total or not total:
            reason = f"'{name}' has {len(number)} rows" + f", 'speaker' has {total}" * bool(total)
            raise DataError(f"{table.source}: {reason}; give every clip one row.")
    spoken, languages, notes = _languages(table, *columns["language"], train_on, cross)
    chosen = _parts(table, spoken, languages, columns, notes)

    (speaker, names), (video, videos) = columns["speaker"], columns["video"]
    silent = (names == "")[speaker]
    for name, empty in (("speaker", silent), ("video", (videos == "")[video])):
        if (bad := empty & (chosen["train"] | chosen["cross"])).any():
            reason = (
                f"the {name} is empty; it may be in test clips, beside others of both languages"
            )
            raise table.refuse(bad.argmax(), reason)
    known = sorted(names[np.unique(speaker[chosen["train"]])].tolist(), key=_natural)
    label = pd.Index(known).get_indexer(names)[speaker]  # -1: not among those trained on

    rows: dict[str, NDArray[np.int64]] = {}
    arrays: dict[str, dict[str, NDArray[Any]]] = {}
    for part, clips in chosen.items():
        hidden = bool((clips & silent).any())
        if hidden and not silent[clips].all():
            row = (clips & silent).argmax()
            raise table.refuse(row, f"the speaker is empty, but not that of every {part} clip")
        if not hidden and (strange := clips & (label < 0)).any():
            reason = f"of speakers without a {languages[0]} clip to train on"
            if part == "cross" and not (clips & ~strange).any():
                raise DataError(f"{table.source}: all {languages[1]} clips are {reason}.")
            notes.append(f"{part}: {strange.sum()} clips left out; they are {reason}.")
            clips = clips & ~strange
        if clips.any():
            rows[part] = own = np.flatnonzero(clips)
            arrays[part] = {"video": videos[video[own]], "key": own.astype(str)}
            if "key" in columns:
                arrays[part]["key"] = columns["key"][1][columns["key"][0][own]]
            if not hidden:
                arrays[part]["speaker"] = label[own]
    pairs = np.unique(label[rows["train"]] * len(videos) + video[rows["train"]])
    if np.bincount(pairs // len(videos)).max() == 1:
        notes.append(
            f"no speaker has two {languages[0]} videos, so no video can be held out: train with "
            "--final (holdout=false), and judge test clips."
        )
    about = {
        "format": FORMAT,
        "name": f"{Path(table.source).stem}{IMPORTED}",
        "languages": dict(zip(("train", "cross"), languages, strict=True)),
        "speakers": len(known),
        "parts": {part: ["face", "voice", *found] for part, found in arrays.items()},
    }
    return Plan(about, total, known, rows, arrays, notes)


def _languages(
    table: Table, number: NDArray[np.int64], names: NDArray[Any], *asked: str | None
) -> tuple[NDArray[np.int64], tuple[str, str], list[str]]:
    """0 or 1 for the clips of the first and second language (N,), else -1; both; and notes."""
    clips = dict(zip(names.tolist(), np.bincount(number, minlength=len(names)), strict=True))
    if clips.pop("", 0):
        raise table.refuse(int((names[number] == "").argmax()), "the language is empty")
    most = sorted(clips, key=lambda name: -clips[name])
    for name in [*most, *filter(None, asked)]:
        if name not in clips or not re.fullmatch(r"[^\W_]([^\W_]|[ -])*", name):
            reason = f"no clip is in {name!r}, only in {', '.join(most)}"
            if name in clips:
                reason = f"the language {name!r} would name files; use letters, digits and hyphens"
            raise DataError(f"{table.source}: {reason}.")
    first = asked[0] or ("English" if "English" in clips else most[0])
    others = [name for name in most if name != first]
    if not others or asked[1] == first:
        reason = f"all clips are in {first}" if not others else f"{first} was chosen for both"
        remedy = "P5 and P6 need a second language"
        raise DataError(f"{table.source}: {reason}; {remedy}.")
    second = asked[1] or others[0]
    notes = [f"trained on is {first}; {second} is the second language, of P5 and P6."]
    if left := [f"{name} ({clips[name]} clips)" for name in others if name != second]:
        notes.append(f"left out: {', '.join(left)}; choose by --train-on and --cross.")
    role = np.array([{first: 0, second: 1}.get(name, -1) for name in names.tolist()])
    return role[number], (first, second), notes


def _parts(
    table: Table,
    spoken: NDArray[np.int64],
    languages: tuple[str, str],
    columns: dict[str, tuple[NDArray[np.int64], NDArray[np.str_]]],
    notes: list[str],
) -> dict[str, NDArray[np.bool_]]:
    """The clips of each part, shape (N,), before those of strangers are left out."""
    test = np.zeros(len(spoken), bool)
    if "split" in columns:
        number, words = columns["split"]
        kind = np.array([{"": 0, "train": 0, "test": 1}.get(w.lower(), -1) for w in words.tolist()])
        if (bad := kind[number] < 0).any():
            word = words[number[bad.argmax()]]
            raise table.refuse(bad.argmax(), f"the split is {str(word)!r}; write train or test")
        test = kind[number] == 1
    chosen = {
        "train": (spoken == 0) & ~test,
        "cross": (spoken == 1) & ~test,
        "test_english": (spoken == 0) & test,
        "test_cross": (spoken == 1) & test,
    }
    if not chosen["train"].any():
        reason = f"all {languages[0]} clips are test clips; there is nothing to train on"
        raise DataError(f"{table.source}: {reason}.")
    if not chosen["cross"].any():
        chosen["cross"] = chosen["test_cross"]
        notes.append(f"all {languages[1]} clips are test clips; validation judges them, too.")
    return chosen


def _natural(name: str) -> tuple[int, int, str]:
    """Labels that are numbers in their order, before names in theirs."""
    number = name.isdecimal() and len(name) < 19
    return (0, int(name), name) if number else (1, 0, name)
