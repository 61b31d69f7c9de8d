"""Files with random damage, given to the commands that read them: one clear line or an answer.

`make fuzz` looks for two minutes with a new seed, which it prints; here it is a few seconds.
"""

from __future__ import annotations

import os
import random
import time
import zipfile
from pathlib import Path

import pytest
from house import build, snapshot

from mraf.cli.main import main

SECONDS = float(os.environ.get("MRAF_FUZZ_SECONDS", "6"))
SEED = int(os.environ.get("MRAF_FUZZ_SEED", "0"))
DATA = "data describe data"
EVALUATE = "evaluate run --data data --device cpu"
LEDGER = "ledger --claims claims.toml --recorded records --out l.csv"
COMMANDS = {
    "data/csv_files/comp/v1_train_English.csv": DATA,
    "data/csv_files/comp/v1_test_Urdu.csv": DATA,
    "face.npy": DATA,
    "voice.npy": DATA,
    "a.zip": "data download unpacked --yes --from-archive a.zip",
    "table.npz": "data import table.npz --out imported",
    "run/config.json": EVALUATE,
    "run/history.csv": EVALUATE,
    "run/model.safetensors": EVALUATE,
    "records/v.csv": f"{EVALUATE} --record records/v.csv",
    "claims.toml": LEDGER,
    "labels.csv": "score submission --labels labels.csv",
    "submission/submission_v1_test_English_English.csv": "score submission --labels labels.csv",
}
TOKENS = [
    b'"',
    b",",
    b";",
    b"\n",
    b"\r",
    b"\0",
    b"\t",
    b"nan",
    b"-1",
    b"1e308",
    b"9" * 30,
    b"{",
    b"[",
]
TOKENS += [
    b"]",
    b"=",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    "é".encode("cp1252"),
    b"../",
    b"//",
    b"null",
    b" ",
]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = build(tmp_path_factory.mktemp("house"))
    for name, pattern in {"face": "facenet*/**/*.npy", "voice": "ecappa*/**/*.npy"}.items():
        file = min((folder / "data/feats").glob(pattern))
        (folder / f"{name}.npy").symlink_to(file)
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(folder.glob("data/csv_files/**/*.csv")):
            packed.write(file, file.relative_to(folder / "data"))
    return folder


def damaged(content: bytes, rng: random.Random) -> bytes:
    """One to three pieces of the content changed, doubled, moved, cut away or put in."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(content) + 1)
        to = min(len(content), at + int(rng.expovariate(1 / 40)))
        piece = content[at:to]
        content = rng.choice(
            [
                content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :],
                content[:at] + piece + content[at:],
                content[:at] + content[to:],
                content[:at],
                content[:at] + rng.choice(TOKENS) + content[at:],
                content[:at] + rng.choice(TOKENS) + content[to:],
            ]
        )
    return content


def test_random_damage(house, monkeypatch, capfd):
    monkeypatch.chdir(house)
    monkeypatch.setenv("XDG_CACHE_HOME", str(house / ".cache"))
    monkeypatch.delenv("MRAF_DATA", raising=False)
    rng = random.Random(SEED)
    end, tried, refused = time.monotonic() + SECONDS, 0, 0
    whole = {name: Path(name).read_bytes() for name in COMMANDS}
    while time.monotonic() < end:
        name = rng.choice(list(COMMANDS))
        Path(name).write_bytes(damaged(whole[name], rng))
        before = snapshot(house) if rng.random() < 0.05 else None
        code = main(COMMANDS[name].split())
        shown = capfd.readouterr().err
        where = f"MRAF_FUZZ_SEED={SEED}, case {tried}: {name}: {shown[-400:]}"
        assert code in (0, 2), where
        if code == 2:
            refused += 1
            assert "Traceback" not in shown, where
            assert sum("error:" in line for line in shown.splitlines()) == 1, where
            assert before is None or snapshot(house) == before, where
        for file, content in whole.items():
            if Path(file).read_bytes() != content:
                Path(file).write_bytes(content)
        tried += 1
    print(f"{tried} files, {refused} refused")
    assert refused > tried / 4
