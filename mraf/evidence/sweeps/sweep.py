"""A sweep: every arm of its tables with every seed, each run kept as soon as it is done."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import Timeout
from tqdm.auto import tqdm

from mraf.data import named_source
from mraf.data.splits import SETTINGS
from mraf.errors import MrafError, RunError
from mraf.evaluation.intervals import MEAN
from mraf.evaluation.records import counted, write_results
from mraf.evidence import golden
from mraf.evidence.recorded import within_project
from mraf.evidence.sweeps.kept import Kept
from mraf.evidence.sweeps.tables import Arm, Table
from mraf.evidence.sweeps.tasks import Material, Task, describe, numbers_of, of_any_seed
from mraf.evidence.sweeps.workers import WorkerDied, Workers
from mraf.files import slug_of, user_cache, without_home
from mraf.training.config import Config, configure
from mraf.training.golden import Numbers
from mraf.training.stacked import can_be_stacked, shape


class Sweep:
    """Arms and seeds on one corpus. Raises DataError, RunError for what cannot be had.

    Arms that come to the same run, in one table or in several, share it (`Task.id`). Finished runs
    are kept in a folder, so an interrupted sweep goes on where it was. Two sweeps may share one.

    Args:
        seeds: the outer loop, so that what is there early is paired.
        arms: names of those to run; None is all.
        source: of the corpus, as `mraf.data.load` takes it; every worker must find it there.
        folder: of the finished runs; None is one in the user's cache.
        device: "cpu", "cuda", "cuda:N", "mps", or "auto" for what the first worker has.
        stack: how many runs of one shape are trained at once; None is 16 on CUDA and 1 elsewhere.
    """

    def __init__(
        self,
        tables: Sequence[Table],
        workers: Workers,
        *,
        preset: str = "quick",
        seeds: Sequence[int] = range(10),
        arms: Sequence[str] | None = None,
        source: str | None = None,
        folder: Path | None = None,
        device: str = "auto",
        stack: int | None = None,
    ) -> None:
        names = [table.name for table in tables]
        if twice := [name for name in names if names.count(name) > 1]:
            raise RunError(f"two tables are called {twice[0]}; rename one of the files.")
        known = sorted({arm.name for table in tables for arm in table.arms})
        if unknown := [name for name in arms or () if name not in known]:
            raise RunError(f"no table has an arm '{unknown[0]}'; there are: {', '.join(known)}.")
        if stack is not None and stack < 1:
            raise RunError(f"--stack {stack}: at least one run is trained at a time.")
        self.tables, self.workers, self.arms = tables, workers, arms
        self.preset, self.seeds, self.source = preset, seeds, _everywhere(source)
        folder = folder or user_cache() / "sweeps"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"{folder}: cannot be made ({error.strerror}).") from None
        try:
            self.material: Material = workers.call(describe, self.source, device)
        except Exception as error:
            if isinstance(error, MrafError) and not isinstance(error, WorkerDied):
                raise
            raise RunError(f"a worker could not load the corpus: {_reason(error)}.") from None
        self.kept = Kept(folder, self.material)
        self.stack = stack or (16 if self.material.device.startswith("cuda") else 1)

    @cached_property
    def tasks(self) -> dict[Task, list[tuple[Table, Arm, int]]]:
        """The runs, each with the tables, arms and seeds that it is for."""
        tasks: dict[Task, list[tuple[Table, Arm, int]]] = {}
        for seed, table in product(self.seeds, self.tables):
            for arm in table.arms:
                if self.arms is None or arm.name in self.arms:
                    tasks.setdefault(self._task(arm, seed), []).append((table, arm, seed))
        return tasks

    def run(self, progress: bool = True) -> dict[str, str]:
        """Do what is not done yet; gives what failed, with its reason."""
        pending = [task for task in self.tasks if self.kept.read(task) is None]
        total, failed = len(self.tasks), dict[str, str]()
        done = {"initial": total - len(pending), "total": total, "smoothing": 0, "unit": "run"}
        with (
            tqdm(desc="sweep", disable=not progress, **done) as bar,
            ThreadPoolExecutor(self.workers.jobs) as threads,
        ):
            try:
                while pending:
                    asked = len(pending)
                    running = {
                        threads.submit(self.kept.run, group, self.workers): group
                        for group in self._groups(pending)
                    }
                    pending = []
                    for future in as_completed(running):
                        group, errors = running[future], future.result()
                        elsewhere = [of for of in group if isinstance(errors.get(of), Timeout)]
                        pending += elsewhere
                        for task in set(errors).difference(elsewhere):
                            for table, arm, seed in self.tasks[task]:
                                what = f"{table.name}, arm '{arm.name}', seed {seed}"
                                failed[what] = _reason(errors[task])
                        bar.set_postfix(failed=len(failed), refresh=False)
                        bar.update(len(group) - len(elsewhere))
                    if len(pending) == asked:
                        time.sleep(0.5)  # all that is left is being done by another sweep
            except BaseException:  # an interrupt, or nobody is left to work
                threads.shutdown(wait=False, cancel_futures=True)
                self.workers.close()
                raise
        return failed

    def _groups(self, tasks: Sequence[Task]) -> Iterator[list[Task]]:
        """The runs that are trained at once."""
        groups: dict[Config, list[Task]] = {}
        for task in tasks:
            groups.setdefault(shape(task.config), []).append(task)
            if len(groups[shape(task.config)]) == self.stack:
                yield groups.pop(shape(task.config))
        yield from groups.values()

    def finished(self, table: Table) -> Iterator[tuple[Arm, int, dict[str, Any]]]:
        """What is done of a table: arm, seed and outcome (see `run_tasks`, and "commit")."""
        for task, arm, seed in self._uses(table):
            if (outcome := self.kept.read(task)) is not None:
                yield arm, seed, outcome

    def _uses(self, table: Table) -> Iterator[tuple[Task, Arm, int]]:
        for task, uses in self.tasks.items():
            yield from ((task, arm, seed) for of, arm, seed in uses if of is table)

    def summary(self, table: Table) -> pd.DataFrame:
        """Mean accuracy over the seeds in percent, one row per arm; "runs" counts its seeds."""
        rows = pd.DataFrame(self._rows(table), columns=["system", "seed", "setting", "accuracy"])
        means = 100 * rows.pivot_table("accuracy", "system", "setting", sort=False)
        means[MEAN] = means.mean(axis=1)
        means["runs"] = rows.groupby("system").seed.nunique()
        labels = {arm.name: arm.label for arm in table.arms}
        return means.rename(index=labels).rename_axis(index=None, columns=None)

    def record(self, folder: Path) -> list[Path]:
        """Write what is done into ``sweep_<table>_<corpus>.csv``. Raises RunError.

        Rows of the same arm, seed and preset are replaced. Beside the rows, `golden_of_arms.csv`
        keeps what their arms computed (`golden.remember`).
        """
        files = []
        for table in self.tables:
            if found := self._rows(table):
                file = folder / f"sweep_{table.name}_{slug_of(self.material.corpus)}.csv"
                rows = pd.DataFrame(found)
                write_results(file, rows, [arm.name for arm in table.arms])
                numbers = {arm.name: task.numbers for task, arm, _ in self._uses(table)}
                golden.remember(file, rows, table.name, numbers)
                files.append(file)
        return files

    def _rows(self, table: Table) -> list[dict[str, Any]]:
        material = self.material
        made_of = {"corpus": material.corpus, "preset": self.preset, "split": material.split}
        rows = []
        for arm, seed, outcome in self.finished(table):
            of = {"system": arm.name, "seed": seed, "command": self._command(table, arm.name, seed)}
            of |= {name: outcome[name] for name in ("device", "commit", "seconds")}
            for setting in SETTINGS:
                right, clips = outcome["correct"][setting.name], material.clips[setting.language]
                rows.append({**of, "setting": setting.name, **counted(right, clips), **made_of})
        return rows

    def _command(self, table: Table, arm: str, seed: int) -> str:
        """What makes this run again; the official features are where MRAF_DATA says."""
        shown = within_project(table.file) or without_home(table.file)
        data = " --data twin" if self.source == "twin" else ""
        stack = f" --stack {self.stack}" if self.stack > 1 else ""
        return (
            f"mraf sweep {shown}{data} --preset {self.preset} --arms {arm} --seeds {seed}-{seed} "
            f"--device {self.material.device.partition(':')[0]}{stack}"
        )

    def _task(self, arm: Arm, seed: int) -> Task:
        material = self.material
        settings = {"precision": "auto", **arm.settings, "seed": seed}
        if settings["precision"] == "auto":
            settings["precision"] = material.precision
        config = configure(self.preset, material, settings)
        numbers: Numbers = {}
        with suppress(MrafError):  # it cannot be built; the run says so
            numbers = numbers_of(of_any_seed(config))
        of = (config, self.source, material.fingerprint, numbers, material.device)
        return Task(*of, plain=self.stack > 1 and can_be_stacked(config))


def parse_seeds(text: str) -> range:
    """ "10" is 0 to 9, "3-5" is 3, 4 and 5. Raises RunError."""
    first, dash, last = text.partition("-")
    numbers = (first, last) if dash else (first,)
    if not all(number.isdecimal() and len(number) <= 10 for number in numbers):
        raise RunError(f"--seeds {text}: expected a number of seeds, or FIRST-LAST.")
    seeds = range(int(first), int(last) + 1) if dash else range(int(first))
    if not seeds:
        raise RunError(f"--seeds {text}: there is no seed.")
    if len(seeds) > 10_000:
        raise RunError(f"--seeds {text}: more than 10,000 seeds.")
    return seeds


def _everywhere(source: str | None) -> str:
    """A name of the corpus that does not depend on the working folder of a process."""
    source = source or named_source()
    return source if source == "twin" else str(Path(source).expanduser().resolve())


def _reason(error: BaseException) -> str:
    """Why a run failed, in one line."""
    text = " ".join(str(error).split())
    return text if isinstance(error, MrafError) else f"{type(error).__name__}: {text}"
