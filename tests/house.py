"""A folder with small official data, a run, a submission and records, all sound."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from official import random_corpus, write_official

from mraf.cli.main import main

TINY = "--set width=16 tokens=2 heads=2 precision=float32 epochs=1 --device cpu"
MAKE = [
    f"train --data data {TINY} --out run",
    "submit run --data data --out submission --device cpu",
    "evaluate run --data data --record records/v.csv --json e.json",
]
EMBED = "embed people/clips --out people/own.csv --voice house:Digest --face house:Digest"
PEOPLE = [
    EMBED,
    "data import people/own.csv --out people/corpus",
    f"train --data people/corpus {TINY} --out people/run",
]
CLAIM = """[a]
section = "1"
says = "x"
metric = "P3"
of = "MRAF"
untestable = "y"
"""
TABLE = """title = "T"
source = "x"
reference = "a"
[arms.a]
label = "A"
set = { width = 16, tokens = 2, heads = 2, epochs = 1 }
"""


class Digest:
    """An encoder of any files for these tests: 32 numbers that follow from the bytes."""

    def __init__(self, weights: Path | None) -> None: ...

    def embed(self, paths: Sequence[Path]) -> np.ndarray:
        found = [hashlib.sha256(path.read_bytes()).digest() for path in paths]
        return np.stack([np.frombuffer(one, np.uint8) / 255.0 for one in found])


def build(folder: Path) -> Path:
    """Fill the folder with data, run, submission, labels.csv, records, claims.toml, table.toml.

    Lists and a face lie in a.tar, clips of others in table.npz. In people lie clips, their table,
    corpus and run, and in the cache another run of theirs.
    """
    before = Path.cwd(), os.environ.get("XDG_CACHE_HOME")
    os.chdir(folder)
    os.environ["XDG_CACHE_HOME"] = str(folder / ".cache")
    try:
        corpus = random_corpus(speakers=3, videos=3, clips=2, hidden=True)
        write_official(Path("data"), corpus)
        for command in MAKE:
            assert main(command.split()) == 0
        with Path("labels.csv").open("w") as labels:
            labels.write("key,language,speaker\n")
            for language in ("English", "Urdu"):
                labels.writelines(f"key{row:05d},{language},{row // 6}\n" for row in range(18))
        for name, content in {"claims.toml": CLAIM, "table.toml": TABLE}.items():
            Path(name).write_text(content, encoding="utf-8")
        with tarfile.open("a.tar", "w") as packed:
            packed.add("data/csv_files", "archive/csv_files")
            packed.add(min(Path("data/feats").rglob("*.npy")), "archive/feats/face.npy")
        clips = random_corpus(speakers=3, videos=3, clips=2).train
        columns = {name: getattr(clips, name) for name in ("face", "voice", "speaker", "video")}
        np.savez("table.npz", **columns, language=["English", "Urdu"] * (len(clips) // 2))
        for clip in range(8):
            who, language, video = (clip >> bit & 1 for bit in (2, 1, 0))
            sound = Path(f"people/clips/{who}/{language}/{video}/a.wav")
            sound.parent.mkdir(parents=True, exist_ok=True)
            sound.write_text(f"sound {clip}")
            sound.with_suffix(".jpg").write_text(f"face {clip}")
        for command in PEOPLE:
            assert main(command.split()) == 0
        shutil.copytree("people/run", ".cache/mraf/kept/run")
    finally:
        os.chdir(before[0])
        os.environ.pop("XDG_CACHE_HOME")
        if before[1]:
            os.environ["XDG_CACHE_HOME"] = before[1]
    return folder


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Content of each file below the folder, None of a folder; caches are left out."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
        if not {".cache", ".mraf-cache"} & set(path.parts)
    }


def evaluated(embed: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What is printed from `embed CLIPS --out TABLE …` to the evaluation of a run."""
    corpus, run = (f"{embed[3]}-{name}" for name in ("corpus", "run"))
    for command in (
        embed,
        ["data", "import", embed[3], "--out", corpus],
        ["train", "--data", corpus, "--preset", "quick", *TINY.split(), "--out", run],
        ["evaluate", run, "--data", corpus, "--device", "cpu"],
    ):
        assert main(command) == 0, capsys.readouterr().err
    return capsys.readouterr().out
