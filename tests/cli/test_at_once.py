"""Four processes that write to one place at once leave what they leave one after another."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from house import TINY, build
from test_killed import COMMANDS, InThisProcess, made, same

from mraf.cli.main import main
from mraf.evaluation.records import read_results

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

HOLDS = ("train", "reproduce")  # where a second process is told that another is at work
ALIKE = ("submit", "pack", "ledger", "export", "unpack", "import")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return build(tmp_path_factory.mktemp("house"))


@pytest.fixture
def anew(house, tmp_path, monkeypatch):
    """Goes to a fresh copy of the house, and gives it."""
    torch.set_num_threads(1)
    monkeypatch.setattr("mraf.evidence.sweeps.workers.Processes", InThisProcess)
    monkeypatch.delenv("MRAF_DATA", raising=False)

    def copied() -> Path:
        folder = tmp_path / "house"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(house, folder)
        monkeypatch.chdir(folder)
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / ".cache"))
        return folder

    return copied


def at_once(commands: Iterable[str]) -> list[int]:
    """The exit codes of commands that begin together, each in a process of its own."""
    reading, writing = os.pipe()
    children = []
    for number, command in enumerate(commands):
        if (child := os.fork()) == 0:
            signal.alarm(300)  # ends one that waits for ever
            os.close(writing)
            os.read(reading, 1)  # until the parent closes its end, too
            sys.stdout = sys.stderr = open(f"said{number}", "w", buffering=1)  # noqa: SIM115
            try:
                os._exit(main(command.split()))
            except BaseException:
                traceback.print_exc()
                os._exit(99)
        children.append(child)
    os.close(reading)
    os.close(writing)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def said() -> str:
    files = sorted(Path().glob("said*"))
    texts = [file.read_text(errors="replace") for file in files]
    for file in files:
        file.unlink()
    return "\n".join(texts)


@pytest.mark.parametrize("name", [*HOLDS, *ALIKE])
def test_what_all_want_is_there_once(name, anew):
    folder = anew()
    assert at_once([COMMANDS[name]]) == [0], said()
    said()
    wanted = made(folder)
    folder = anew()
    codes = at_once([COMMANDS[name]] * (2 if name == "reproduce" else 4))
    told = said()
    assert "Traceback" not in told
    if name in HOLDS:
        assert 0 in codes, told  # a second may begin when the first has ended
        assert set(codes) <= {0, 2}
        assert codes.count(2) == told.count("mraf: error:")
    else:
        assert set(codes) == {0}, told
    found = made(folder)
    assert sorted(found) == sorted(wanted)
    for file, content in wanted.items():
        assert same(found[file], content, file), file


def test_no_row_of_a_record_is_lost(anew):
    anew()
    for seed in range(4):
        assert at_once([f"train --data data {TINY} --seed {seed} --out run{seed}"]) == [0], said()
    evaluate = "evaluate run{} --data data --device cpu --record records/all.csv"
    assert at_once(evaluate.format(seed) for seed in range(4)) == [0] * 4, said()
    assert np.unique(read_results(Path("records/all.csv")).seed).tolist() == [0, 1, 2, 3]


def test_no_seed_of_a_sweep_is_lost(anew):
    anew()
    sweep = "sweep table.toml --data data --device cpu --folder kept --record swept --seeds {}"
    assert at_once(sweep.format(seeds) for seeds in ("0-1", "2-3", "1-2", "0-3")) == [0] * 4, said()
    (table,) = Path("swept").glob("sweep_*.csv")
    assert np.unique(read_results(table).seed).tolist() == [0, 1, 2, 3]
