"""Finished runs in a folder, one JSON a run, each done by one sweep at a time."""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

from filelock import FileLock

import mraf
from mraf.data.splits import SETTINGS
from mraf.evidence.sweeps.tasks import Material, Task, run_task
from mraf.evidence.sweeps.workers import NoWorkers, WorkerDied, Workers
from mraf.files import write_text
from mraf.training.golden import same


class Kept:
    """The runs that are done in a folder, which other sweeps may share, by `Task.id`."""

    def __init__(self, folder: Path, material: Material) -> None:
        self.folder, self.material = folder, material

    def read(self, task: Task) -> dict[str, Any] | None:
        """What `run_task` gave, and "commit"; None where there is nothing that can be used.

        A run cannot be used whose settings mean other numbers now, that lacks a setting, or that
        has more right clips than clips.
        """
        try:
            outcome: dict[str, Any] = json.loads(self._file(task).read_text(encoding="utf-8"))
            for setting in SETTINGS:
                clips = self.material.clips[setting.language]
                for right, of in zip(outcome["correct"][setting.name], clips, strict=True):
                    if not 0 <= right <= of:
                        return None
            whole = {"seconds", "device", "commit"} <= outcome.keys()
            return outcome if whole and same(outcome["golden"], task.numbers) else None
        except (OSError, ValueError, AttributeError, KeyError, TypeError, RecursionError):
            return None

    def run(self, task: Task, workers: Workers) -> Exception | None:
        """Do a run and keep it, unless another sweep is doing it or has done it.

        A run whose worker dies is tried once more: it may be blameless.

        Returns:
            Why it is not done: a `filelock.Timeout` where another sweep is doing it.
        Raises:
            NoWorkers: no worker can be had any more.
        """
        lock = FileLock(self.folder / f"{task.id}.lock")
        try:
            with lock.acquire(timeout=0):  # the system frees it when this process dies
                if self.read(task) is None:
                    try:
                        outcome = workers.call(run_task, task)
                    except WorkerDied:
                        outcome = workers.call(run_task, task)
                    outcome |= {"commit": commit(), "config": task.config.to_dict()}
                    outcome |= {"golden": task.numbers}
                    write_text(self._file(task), json.dumps(outcome) + "\n")
        except NoWorkers:
            raise
        except Exception as error:
            return error
        return None

    def _file(self, task: Task) -> Path:
        return self.folder / f"{task.id}.json"


@cache
def commit() -> str:
    """The state of the checkout, or the release where this is none."""
    root = Path(mraf.__file__).parents[1]
    git = partial(subprocess.check_output, cwd=root, stderr=subprocess.DEVNULL, text=True)
    if (root / ".git").exists():  # and not that of somebody who has installed it in theirs
        with suppress(OSError, subprocess.CalledProcessError):
            changed = git(["git", "diff", "HEAD", "--", "mraf"])
            head = git(["git", "rev-parse", "--short", "HEAD"]).strip()
            return f"{head}-dirty" if changed else head
    return f"mraf {mraf.__version__}"
