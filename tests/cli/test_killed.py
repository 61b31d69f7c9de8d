"""A kill at any write of any command leaves what the same command, given again, finishes.

`make test-kills` tries every write; here some of each command's, others each day.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import torch
from house import EMBED, TINY, build, snapshot
from safetensors.torch import load

from mraf.cli.main import main
from mraf.evaluation.judge import top1
from mraf.evaluation.predict import predict
from mraf.training.experiment import trained
from mraf_related.decision.layer import ARMS, CONDITIONS
from mraf_related.embedding.forget import kept_runs

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

COMMANDS = {
    "train": f"train --data data {TINY} --out new",
    "evaluate": "evaluate run --data data --device cpu --json e.json --record records/v.csv",
    "submit": "submit run --data data --device cpu --out submission",
    "pack": "data pack data --force",
    "unpack": "data download new --yes --from-archive a.tar",
    "ledger": "ledger --claims claims.toml --recorded records --out l.csv",
    "sweep": "sweep table.toml --data data --seeds 2 --device cpu --folder kept --record swept",
    "reproduce": f"reproduce --data data {TINY} --out new",
    "figure": "figure pipeline --out p.svg",
    "import": "data import table.npz --out new",
    "export": "export run --out page",
    "lessons": "lessons notebooks",
    "embed": EMBED.replace("own.csv", "new.csv"),
    "forget": "forget people",
    "related": "related decision --data data --record studies",
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

    def call(self, function: Callable[..., object], *arguments: object) -> object:
        return function(*arguments)

    def close(self) -> None: ...


def small(preset, corpus, changes):
    """In place of a run of the whole preset; kept like one."""
    tiny = {"epochs": 1, "width": 16, "heads": 2, "tokens": 2}
    return trained(preset, corpus, changes | tiny, device="cpu")


def named(model, clips, _seed):
    """In place of decision layers, for which the house holds too few videos."""
    right = top1(predict(model, clips)["MRAF"], clips.labels)
    return {condition: dict.fromkeys(ARMS, right) for condition in CONDITIONS}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return build(tmp_path_factory.mktemp("house"))


def run(command: str, folder: Path, at: int = 0) -> tuple[int, int]:
    """The command in a child that kills itself before its write number ``at``, if there is one.

    Returns:
        The exit code, and the number of writes where it was not killed.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            writes = _count_writes(at, str(folder.resolve()))
            sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
            code = main(command.split())
            os.write(writing, str(len(writes)).encode())
            os._exit(code)
        except BaseException:
            os._exit(99)
    os.close(writing)
    status = os.waitpid(child, 0)[1]
    with os.fdopen(reading) as counted:
        writes = int(counted.read() or 0)
    killed = os.WIFSIGNALED(status)
    return (-os.WTERMSIG(status) if killed else os.WEXITSTATUS(status)), writes


def _count_writes(at: int, folder: str) -> list[str]:
    done: list[str] = []

    def write(what: object) -> None:
        if isinstance(what, int):  # a file that is open already, as Python's own bytecode
            return
        if str(what).startswith((folder, "/dev/fd")) or not os.path.isabs(str(what)):
            done.append(str(what))
            if len(done) == at:
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
    return done


def made(folder: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, content in snapshot(folder).items():
        if Path(name).name.startswith(".") and Path(name).parent != Path("new"):
            continue  # half a file under a hidden name, which a later write clears away
        if name.endswith(".csv") and content and b"seconds" in content.split(b"\n")[0]:
            content = pd.read_csv(folder / name).drop(columns="seconds").to_csv().encode()
        timed = name.endswith(TIMED) or name.startswith("kept")
        found[name] = None if timed else content
    return found


def same(found: object, wanted: object, file: str) -> bool:
    """Equal; weights but for what a processor's own order of sums leaves of them."""
    if found == wanted or not file.endswith(".safetensors"):
        return found == wanted
    one, other = load(found), load(wanted)
    return one.keys() == other.keys() and all(
        (one[name] - other[name]).abs().mean() < 1e-5 for name in one
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_a_kill_at_any_write_is_mended_by_the_same_command(name, house, tmp_path, monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setattr("mraf.evidence.sweeps.workers.Processes", InThisProcess)
    monkeypatch.setattr("mraf_related.decision.study.judge", named)
    monkeypatch.setattr("mraf_related.decision.study.trained", small)
    monkeypatch.setattr("mraf_related.decision.study.SEEDS", range(2))
    monkeypatch.delenv("MRAF_DATA", raising=False)
    folder, command = tmp_path / "house", COMMANDS[name]

    def anew(command: str, at: int = 0) -> tuple[int, int]:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(house, folder)
        monkeypatch.chdir(folder)
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / ".cache"))
        return run(command, folder, at)

    code, writes = anew(command)
    assert code == 0
    assert writes > 2
    wanted = made(folder)
    every = range(1, writes + 1)
    few = random.Random(date.today().toordinal()).sample(every, min(4, writes))
    for at in every if os.environ.get("MRAF_EVERY_WRITE") else few:
        where = f"{name}, after a kill at write {at} of {writes}"
        assert anew(command, at)[0] == -signal.SIGKILL, where
        again = run(command, folder)[0]
        if again == 2 and name == "train":
            again = run(f"{command} --resume", folder)[0]
        assert again == 0, where
        found = made(folder)
        assert sorted(found) == sorted(wanted), where
        assert name != "forget" or not [*kept_runs()], where
        for file, content in wanted.items():
            assert same(found[file], content, file), f"{file}: {where}"
    print(f"{name}: {writes} writes")
