"""Finished runs in a folder, one JSON a run, each done by one sweep at a time."""

from __future__ import annotations

import json
import subprocess
import warnings
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

from filelock import FileLock

import mraf
from mraf.data.splits import SETTINGS
from mraf.evidence.sweeps.tasks import Material, Task, run_stacked, run_task
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

    def run(self, tasks: Sequence[Task], workers: Workers) -> dict[Task, Exception]:
        """Do runs of one shape and keep each, unless another sweep is doing it or has done it.

        Several are stacked. Where that fails as a whole, for memory say, each is done alone.

        Returns:
            Why runs are not done: a `filelock.Timeout` where another sweep is doing it.
        Raises:
            NoWorkers: no worker can be had any more.
        """
        errors: dict[Task, Exception] = {}
        with ExitStack() as locks:  # the system frees them when this process dies
            mine = []
            for task in tasks:
                try:
                    lock = FileLock(self.folder / f"{task.id}.lock")
                    locks.enter_context(lock.acquire(timeout=0))
                    mine += [task] if self.read(task) is None else []
                except Exception as error:
                    errors[task] = error
            stacked = self._stacked(mine, workers) if len(mine) > 1 and mine[0].plain else None
            for number, task in enumerate(mine):
                try:
                    outcome = stacked[number] if stacked else self._alone(task, workers)
                    if isinstance(outcome, Exception):
                        raise outcome
                    outcome |= {"commit": commit(), "config": task.config.to_dict()}
                    outcome |= {"golden": task.numbers}
                    write_text(self._file(task), json.dumps(outcome) + "\n")
                except NoWorkers:
                    raise
                except Exception as error:
                    errors[task] = error
        return errors

    def _stacked(self, tasks: Sequence[Task], workers: Workers) -> list[Any] | None:
        """What `run_stacked` gives; None where it fails."""
        try:
            outcomes: list[Any] = workers.call(run_stacked, tasks)
        except NoWorkers:
            raise
        except Exception as error:
            text = f"{len(tasks)} runs cannot be trained at once ({error}); each is done alone."
            warnings.warn(text, stacklevel=2)
            return None
        return outcomes

    def _alone(self, task: Task, workers: Workers) -> Any:
        """What `run_task` gives; tried once more if its worker dies: it may be blameless."""
        asked = (run_stacked, [task]) if task.plain else (run_task, task)
        try:
            outcome = workers.call(*asked)
        except WorkerDied:
            outcome = workers.call(*asked)
        return outcome[0] if task.plain else outcome

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
