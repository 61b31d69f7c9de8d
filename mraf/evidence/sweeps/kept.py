"""Finished runs in a folder, one JSON a run, each done by one sweep at a time."""

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
from mraf.evidence.sweeps.tasks import Material, Task, run_tasks
from mraf.evidence.sweeps.workers import NoWorkers, WorkerDied, Workers
from mraf.files import write_text
from mraf.training.golden import same


class Kept:
    """The runs that are done in a folder, which other sweeps may share, by `Task.id`."""

    def __init__(self, folder: Path, material: Material) -> None:
        self.folder, self.material = folder, material

    def read(self, task: Task) -> dict[str, Any] | None:
        """What `run_tasks` gave, and "commit"; None where there is nothing that can be used.

        What settings of another meaning gave cannot be used, nor what a whole run cannot give.
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
        Gives why runs are not done: a `filelock.Timeout` where another sweep is doing it.
        Raises NoWorkers.
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
            stacked = _call(workers, mine) if len(mine) > 1 and mine[0].plain else None
            for number, task in enumerate(mine):
                try:
                    outcome = stacked[number] if stacked else _call(workers, [task])[0]
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

    def _file(self, task: Task) -> Path:
        return self.folder / f"{task.id}.json"


def _call(workers: Workers, tasks: Sequence[Task]) -> Any:
    """What `run_tasks` gives. Where a stack fails, None; where a worker dies, it is tried again."""
    try:
        return workers.call(run_tasks, tasks)
    except NoWorkers:
        raise
    except Exception as error:
        if len(tasks) > 1:
            text = f"{len(tasks)} runs cannot be trained at once ({error}); each is done alone."
            warnings.warn(text, stacklevel=2)
            return None
        if isinstance(error, WorkerDied):  # the run may be blameless
            return workers.call(run_tasks, tasks)
        raise


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
