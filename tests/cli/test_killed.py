"""A kill at every write of every command leaves what the same command, given again, finishes."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
import torch

from mraf.cli.main import main
from tests.cli.house import TINY, build, snapshot

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

COMMANDS = {
    "train": f"train --data data {TINY} --out new",
    "evaluate": "evaluate run --data data --device cpu --json e.json --record records/v.csv",
    "submit": "submit run --data data --device cpu --out submission",
    "pack": "data pack data --force",
    "unpack": "data download new --yes --from-archive a.tar",
    "ledger": "ledger --claims claims.toml --recorded records --out l.csv --readme r.md",
    "sweep": "sweep table.toml --data data --seeds 2 --device cpu --folder kept --record swept",
    "reproduce": f"reproduce --data data {TINY} --out new",
    "figure": "figure pipeline --out p.svg",
}
WRITES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate", "os.chmod"}
TIMED = (
    ".svg",
    ".html",
    "metrics.json",
    "config.json",
)  # what holds times is compared by name alone


class InThisProcess:
    """Does the work of a sweep's processes here, where writes are counted."""

    jobs = 1

    def __init__(self, *_: object) -> None: ...

    @contextmanager
    def worker(self) -> Iterator[object]:
        yield lambda function, *arguments: function(*arguments)

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = build(tmp_path_factory.mktemp("house"))
    with tarfile.open(folder / "a.tar", "w") as packed:
        packed.add(folder / "data" / "csv_files", "archive/csv_files")
        vector = next((folder / "data" / "feats").rglob("*.npy"))
        packed.add(vector, f"archive/feats/{vector.name}")
    return folder


def killed(command: str, at: int | None, folder: Path) -> int:
    """Exit code of the command in a child that kills itself before its write number ``at``."""
    child = os.fork()
    if child == 0:
        try:
            _count_writes(at, str(folder.resolve()))
            sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
            os._exit(main(command.split()))
        except BaseException:
            os._exit(99)
    status = os.waitpid(child, 0)[1]
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _count_writes(at: int | None, folder: str) -> None:
    done = 0

    def write(what: object) -> None:
        nonlocal done
        if str(what).startswith((folder, "/dev/fd")) or not os.path.isabs(str(what)):
            done += 1
            if done == at:
                os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        flags = arguments[2] if event == "open" and isinstance(arguments[2], int) else 0
        if event in WRITES or flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            write(arguments[0])

    sys.addaudithook(hook)
    real = os.fsync

    def fsync(handle: int) -> None:
        write(folder)
        real(handle)
        write(folder)

    os.fsync = fsync


def made(folder: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, content in snapshot(folder).items():
        if Path(name).name.startswith(".") and not name.startswith("new"):
            continue  # half a file under a hidden name, which a later write clears away
        if name.endswith(".csv") and content and b"seconds" in content.split(b"\n")[0]:
            content = pd.read_csv(folder / name).drop(columns="seconds").to_csv().encode()
        timed = name.endswith(TIMED) or name.startswith("kept")
        found[name] = None if timed else content
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_a_kill_at_every_write_is_mended_by_the_same_command(name, house, tmp_path, monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setattr("mraf.evidence.sweeps.workers.Processes", InThisProcess)
    monkeypatch.delenv("MRAF_DATA", raising=False)
    command, wanted, at = COMMANDS[name], None, None
    while True:
        folder = tmp_path / "house"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(house, folder)
        monkeypatch.chdir(folder)
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / ".cache"))
        code = killed(command, at, folder)
        if at is None:
            assert code == 0
            wanted, at = made(folder), 1
            continue
        if code == 0:
            break
        assert code == -signal.SIGKILL
        again = killed(command, None, folder)
        if again == 2 and name == "train":
            again = killed(f"{command} --resume", None, folder)
        assert again == 0, f"after a kill at write {at}"
        found = made(folder)
        assert sorted(found) == sorted(wanted), f"after a kill at write {at}"
        for file, content in wanted.items():
            assert found[file] == content, f"{file} after a kill at write {at}"
        at += 1
    assert at > 2
    print(name, at - 1, "writes")
