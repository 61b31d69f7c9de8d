"""A sweep: every arm of its tables with every seed, each run kept as soon as it is done."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from filelock import FileLock, Timeout
from tqdm.auto import tqdm

import mraf
from mraf.data.splits import SETTINGS
from mraf.errors import MrafError, RunError
from mraf.evaluation.results import MEAN
from mraf.evidence.sweeps.pools import Pool
from mraf.evidence.sweeps.tables import Arm, Table
from mraf.evidence.sweeps.tasks import Material, Task, describe, run_task
from mraf.files import user_cache, write_text
from mraf.training.config import Config, configure
from mraf.training.golden import golden_numbers, same

WORKER_DIED = (BrokenProcessPool, CancelledError)
TRIES = 2  # of a run whose worker dies


class Finished(NamedTuple):
    """An arm with one seed, and what its run gave (see `run_task`, and "commit")."""

    arm: Arm
    seed: int
    outcome: dict[str, Any]


class Sweep:
    """Arms and seeds on one corpus.

    A run is known by its settings, what they mean, its clips and the kind of device; arms that come
    to the same run, in one table or in several, share it. Finished runs are kept in a folder by
    that name. So an interrupted sweep goes on where it was, and two sweeps may share a folder: a
    run that another is doing is left to it, and done here only if the other fails or dies.

    Args:
        tables: see `read_table`.
        pool: where to run.
        preset: of all arms.
        seeds: the outer loop, so that what is there early is paired.
        arms: names of those to run; None is all.
        source: of the corpus, as `mraf.data.load` takes it; every worker must find it there.
        folder: of the finished runs; None is one in the user's cache.
        device: "cpu", "cuda", "cuda:N", "mps", or "auto" for what the first worker has.
    Raises:
        DataError: the corpus cannot be loaded.
        RunError: two tables of one name, no such arm, a device that is not here, a folder that
            cannot be made.
    """

    def __init__(
        self,
        tables: Sequence[Table],
        pool: Pool,
        *,
        preset: str = "quick",
        seeds: Sequence[int] = range(10),
        arms: Sequence[str] | None = None,
        source: str | None = None,
        folder: Path | None = None,
        device: str = "auto",
    ) -> None:
        names = [table.name for table in tables]
        if twice := [name for name in names if names.count(name) > 1]:
            raise RunError(f"two tables are called {twice[0]}; rename one of the files.")
        known = sorted({arm.name for table in tables for arm in table.arms})
        if unknown := [name for name in arms or () if name not in known]:
            raise RunError(f"no table has an arm '{unknown[0]}'; there are: {', '.join(known)}.")
        self.tables, self.pool, self.arms = tables, pool, arms
        self.preset, self.seeds, self.source = preset, seeds, _everywhere(source)
        self.folder = folder or user_cache() / "sweeps"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"{self.folder}: cannot be made ({error.strerror}).") from None
        self.material = self._describe(device)

    @cached_property
    def tasks(self) -> dict[Task, list[str]]:
        """The runs, each with what it is for in words."""
        tasks: dict[Task, list[str]] = {}
        for seed in self.seeds:
            for table in self.tables:
                for arm in self._chosen(table):
                    what = f"{table.name}, arm '{arm.name}', seed {seed}"
                    tasks.setdefault(self._task(arm, seed), []).append(what)
        return tasks

    def run(self, progress: bool = True) -> dict[str, str]:
        """Do what is not done yet. An interruption loses nothing that was finished.

        Returns:
            What failed, with its reason.
        """
        pending = deque(task for task in self.tasks if self._stored(task) is None)
        running: dict[Future, tuple[Task, FileLock]] = {}
        deaths: dict[Task, int] = {}
        failed: dict[str, str] = {}
        total = len(self.tasks)
        bar = tqdm(
            total=total,
            initial=total - len(pending),
            desc="sweep",
            unit="run",
            smoothing=0,
            disable=not progress,
        )
        try:
            while pending or running:
                bar.update(self._start(pending, running))
                bar.set_postfix(running=len(running), failed=len(failed), refresh=False)
                if not running:
                    time.sleep(0.5)  # all that is left is being done by another sweep
                for future in wait(running, timeout=1, return_when=FIRST_COMPLETED).done:
                    task, claim = running.pop(future)
                    self.pool.release(future)
                    error = CancelledError() if future.cancelled() else future.exception()
                    if error is None:
                        self._store(task, future.result())
                    _give_up(claim)
                    if isinstance(error, WORKER_DIED):
                        deaths[task] = deaths.get(task, 0) + 1
                        if deaths[task] < TRIES:
                            pending.append(task)
                            continue
                    if error is not None:
                        failed |= dict.fromkeys(self.tasks[task], _reason(error))
                    bar.update()
            bar.set_postfix(running=0, failed=len(failed))
        finally:
            bar.close()
            for _, claim in running.values():
                _give_up(claim)
        return failed

    def finished(self, table: Table) -> Iterator[Finished]:
        """What is done of a table, by arm and seed."""
        for arm in self._chosen(table):
            for seed in self.seeds:
                if (outcome := self._stored(self._task(arm, seed))) is not None:
                    yield Finished(arm, seed, outcome)

    def summary(self, table: Table) -> pd.DataFrame:
        """Mean accuracy over the seeds in percent, one row per arm; "runs" counts its seeds."""
        clips = {s.name: sum(self.material.clips[s.language]) for s in SETTINGS}
        rows = []
        for arm, _, outcome in self.finished(table):
            row = {name: 100 * sum(outcome["correct"][name]) / clips[name] for name in clips}
            rows.append({"arm": arm.label, **row, MEAN: sum(row.values()) / len(row), "runs": 1})
        frame = pd.DataFrame(rows, columns=["arm", *clips, MEAN, "runs"])
        grouped = frame.groupby("arm", sort=False)
        return grouped.mean().assign(runs=grouped["runs"].sum()).rename_axis(None)

    def _describe(self, device: str) -> Material:
        """The corpus, as a worker finds it."""
        future = self.pool.submit(describe, self.source, device)
        wait([future])
        self.pool.release(future)
        try:
            material: Material = future.result()
        except MrafError:
            raise
        except Exception as error:  # whatever is amiss with the worker
            raise RunError(f"a worker could not load the corpus: {_reason(error)}.") from None
        return material

    def _chosen(self, table: Table) -> list[Arm]:
        return [arm for arm in table.arms if self.arms is None or arm.name in self.arms]

    def _task(self, arm: Arm, seed: int) -> Task:
        settings = {**arm.settings, "seed": seed}
        config = configure(self.preset, self.material.speakers, settings)
        if config.training.precision == "auto":
            settings["precision"] = self.material.precision
            config = configure(self.preset, self.material.speakers, settings)
        features = self.material.fingerprint
        return Task(config, self.source, features, _numbers(config), self.material.device)

    def _start(self, pending: deque[Task], running: dict[Future, tuple[Task, FileLock]]) -> int:
        """Start what can be started; returns how many runs another sweep has finished."""
        elsewhere = 0
        for _ in range(len(pending)):
            if self.pool.free() < 1:
                break
            task = pending.popleft()
            # The system frees the lock of a process that dies, however it dies.
            claim = FileLock(self.folder / f"{task.id}.lock")
            try:
                claim.acquire(timeout=0)
            except Timeout:
                pending.append(task)
                continue
            if self._stored(task) is None:
                running[self.pool.submit(run_task, task)] = task, claim
            else:
                _give_up(claim)
                elsewhere += 1
        return elsewhere

    def _file(self, task: Task) -> Path:
        return self.folder / f"{task.id}.json"

    def _store(self, task: Task, outcome: dict[str, Any]) -> None:
        kept = {
            **outcome,
            "commit": commit(),
            "config": task.config.to_dict(),
            "golden": dict(task.numbers),
        }
        write_text(self._file(task), json.dumps(kept) + "\n")

    def _stored(self, task: Task) -> dict[str, Any] | None:
        """The outcome of a finished run; None where there is none or its file is damaged."""
        try:
            outcome: dict[str, Any] = json.loads(self._file(task).read_text(encoding="utf-8"))
            whole = {"correct", "seconds", "device", "commit", "golden"} <= outcome.keys()
            return outcome if whole and same(outcome["golden"], dict(task.numbers)) else None
        except (OSError, ValueError, AttributeError):
            return None


@cache
def _numbers(config: Config) -> tuple[tuple[str, float], ...]:
    try:
        return tuple(golden_numbers(config).items())
    except MrafError:  # it cannot be built; the run says so
        return ()


@cache
def commit() -> str:
    """The state of the checkout, or the release where this is none."""
    root = Path(mraf.__file__).parents[1]
    if not (root / ".git").exists():
        return f"mraf {mraf.__version__}"
    try:
        found = _git(root, "rev-parse", "--short", "HEAD")
        return f"{found}-dirty" if _git(root, "diff", "HEAD", "--", "mraf") else found
    except (OSError, subprocess.CalledProcessError):
        return f"mraf {mraf.__version__}"


def _give_up(claim: FileLock) -> None:
    claim.release()
    with suppress(OSError):  # on Windows, where another sweep has it by now
        Path(claim.lock_file).unlink()


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def parse_seeds(text: str) -> range:
    """ "10" is 0 to 9, "3-5" is 3, 4 and 5. Raises RunError."""
    first, dash, last = text.partition("-")
    if not (first.isdecimal() and (last.isdecimal() or not dash)):
        raise RunError(f"--seeds {text}: expected a number of seeds, or FIRST-LAST.")
    seeds = range(int(first), int(last) + 1) if dash else range(int(first))
    if not seeds:
        raise RunError(f"--seeds {text}: there is no seed.")
    return seeds


def _everywhere(source: str | None) -> str:
    """A name of the corpus that does not depend on the working folder of a process."""
    source = source or os.environ.get("MRAF_DATA", "").strip() or "twin"
    return source if source == "twin" else str(Path(source).expanduser().resolve())


def _reason(error: BaseException) -> str:
    """Why a run failed, in one line."""
    if isinstance(error, WORKER_DIED):
        return "its process died (out of memory?)"
    text = " ".join(str(error).split())
    return text if isinstance(error, MrafError) else f"{type(error).__name__}: {text}"
