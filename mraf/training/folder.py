"""The folder of a run while it is trained: who may write there, and how it goes on after a stop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from torch import Tensor, nn

from mraf.errors import RunError
from mraf.training.config import Config
from mraf.training.runs import (
    CONFIG,
    HISTORY,
    MODEL,
    STATE,
    Row,
    load_weights,
    read_config,
    read_history,
    read_tensors,
    write_config,
    write_history,
    write_tensors,
)

LOCK = ".lock"


class FolderInUse(RunError):
    """Another process trains into the folder."""


class RunFolder:
    """Where a training keeps what it has done; with no path it keeps nothing.

    Args:
        path: of the folder.
        finished: the run is there, whole.
    """

    def __init__(self, path: Path | None, finished: bool = False) -> None:
        self.path, self.finished = path, finished

    @classmethod
    @contextmanager
    def open(
        cls, path: Path | None, config: Config, data: Mapping[str, str], resume: bool
    ) -> Iterator[RunFolder]:
        """The folder, owned by this process until the end.

        Raises:
            FolderInUse: another process trains into it.
            RunError: it holds another run, one that is not to be resumed, or something else.
        """
        if path is None:
            yield cls(None)
            return
        _refuse_others(path)
        lock = FileLock(path / LOCK)
        try:
            path.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout:
            raise FolderInUse(
                f"{path}: another process is training into this folder; choose another --out."
            ) from None
        except OSError as error:
            reason = error.strerror or error
            raise RunError(f"{path}: cannot be written ({reason}); choose another --out.") from None
        try:
            for left in path.glob(".*.*"):  # of a process that was killed while it wrote
                left.unlink()
            yield cls(path, _prepare(path, config, data, resume))
        finally:
            (path / LOCK).unlink(missing_ok=True)
            lock.release()

    def save(
        self, learner: nn.Module, optimizer: torch.optim.Optimizer, history: list[Row]
    ) -> None:
        """Write the history first: on resuming, rows beyond the state's epoch are dropped."""
        if self.path is None:
            return
        write_history(self.path, history)
        tensors = {f"learner.{name}": value for name, value in learner.state_dict().items()}
        for number, row in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": value for name, value in row.items()}
        write_tensors(self.path / STATE, tensors, {"epoch": str(len(history))})

    def restore(self, learner: nn.Module, optimizer: torch.optim.Optimizer) -> list[Row]:
        """Put back the last saved state; returns the history up to it, none at the start.

        Raises:
            RunError: the state or the history is damaged.
        """
        if self.path is None or not (self.path / STATE).is_file():
            return []
        file = self.path / STATE
        tensors, metadata = read_tensors(file)
        weights: dict[str, Tensor] = {}
        moments: dict[int, dict[str, Any]] = {}
        for name, value in tensors.items():
            part, _, rest = name.partition(".")
            if part == "learner":
                weights[rest] = value
            elif part == "optimizer" and (number := rest.partition(".")[0]).isdecimal():
                moments.setdefault(int(number), {})[rest.partition(".")[2]] = value
            else:
                raise RunError(f"{file}: '{name}' is no part of a training; use another --out.")
        load_weights(learner, weights, file)
        epoch = int(metadata.get("epoch", 0))
        rows = read_history(self.path).to_dict("records")[:epoch]
        if not moments or not rows or len(rows) < epoch:
            what = "the optimiser's moments" if rows else f"the epochs of {HISTORY}"
            raise RunError(f"{file}: {what} are missing; train again in another folder.")
        optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
        return [{str(key): value for key, value in row.items()} for row in rows]

    def finish(self, model: nn.Module) -> None:
        """Write the trained network; what resuming needed goes."""
        if self.path is None:
            return
        write_tensors(self.path / MODEL, model.state_dict(), {})
        (self.path / STATE).unlink(missing_ok=True)


def _refuse_others(path: Path) -> None:
    """Raise RunError where something that is no run is in the way."""
    if not path.exists() or (path / CONFIG).is_file():
        return
    if not path.is_dir() or any(not file.name.startswith(".") for file in path.iterdir()):
        raise RunError(f"{path}: exists and is not a run; choose another --out.")


def _prepare(path: Path, config: Config, data: Mapping[str, str], resume: bool) -> bool:
    """Whether the run is finished; where nothing has been done, its settings are written."""
    if (path / CONFIG).is_file() and any((path / name).is_file() for name in (STATE, MODEL)):
        if not resume:
            raise RunError(f"{path}: there is a run here; use --resume or another --out.")
        stored, stored_data = read_config(path)
        if (difference := _first_difference(stored, stored_data, config, data)) is not None:
            raise RunError(f"{path}: cannot resume, {difference}; use another --out.")
        return (path / MODEL).is_file()
    write_config(path, config, data)  # a run without a finished epoch is begun anew
    return False


def _first_difference(
    stored: Config, stored_data: Mapping[str, str], config: Config, data: Mapping[str, str]
) -> str | None:
    old = {**stored_data, **stored.to_dict()["model"], **stored.to_dict()["training"]}
    new = {**data, **config.to_dict()["model"], **config.to_dict()["training"]}
    for key in new:
        if old.get(key) != new[key]:
            return f"the run was started with {key}={old.get(key)}, not {new[key]}"
    return None
