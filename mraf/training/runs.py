"""A run on disk: ``config.json``, ``history.csv``, ``model.safetensors``.

``state.safetensors`` holds what resuming needs while a run is unfinished. Loading never unpickles.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from mraf.errors import RunError
from mraf.files import read_as, read_frame, write_atomically, write_text
from mraf.training.config import Config
from mraf.variants.build import Network, build

Row = dict[str, float]  # an epoch
ENTRY, CHECKSUM = "mraf", "checksum"
CONFIG, HISTORY, LOCK = "config.json", "history.csv", ".lock"
MODEL, STATE = "model.safetensors", "state.safetensors"


@dataclass
class Run:
    """A trained network with what made it."""

    config: Config
    model: Network  # in evaluation mode, on the device it was trained or loaded on
    history: pd.DataFrame  # one row an epoch: losses, accuracy on the training clips, seconds
    data: dict[str, str] = field(default_factory=dict)  # names of the corpus and the split
    path: Path | None = None  # its folder; None while it lives in memory only
    origin: str = ""  # whether it was trained now or loaded, in words

    @classmethod
    def load(cls, path: str | Path, device: torch.device | str = "cpu") -> "Run":
        """Read a finished run. Raises RunError where it is absent, unfinished or damaged."""
        path = Path(path)
        config, data = read_config(path)
        if not (path / MODEL).is_file():
            raise RunError(f"{path}: this run is unfinished; finish it with mraf train --resume.")
        with torch.random.fork_rng(devices=[]):  # the initial weights drawn here are overwritten
            model = build(config.model)
        weights, metadata = read_tensors(path / MODEL)
        load_weights(model, weights, path / MODEL)
        if metadata.get(CONFIG, found := _config_sum(path)) != found:
            raise RunError(f"{path / CONFIG}: was changed after training; put it back as it was.")
        history = read_history(path)
        if len(history) != config.training.epochs:
            raise RunError(
                f"{path / HISTORY}: {len(history)} epochs, but {CONFIG} says "
                f"{config.training.epochs}; the files are not of one run, train again."
            )
        return cls(config, model.to(device).eval(), history, data, path)


def read_config(path: Path) -> tuple[Config, dict[str, str]]:
    """Read ``config.json``. Raises RunError when it is missing or damaged."""
    file = path / CONFIG
    if not file.is_file():
        raise RunError(f"{path}: no run here (no {CONFIG}); make one with mraf train --out.")
    values = read_as("JSON", json.loads, file, "train again", RunError)
    data = values.get("data", {}) if isinstance(values, dict) else None
    if not isinstance(data, dict):
        raise RunError(f"{file}: 'data' must say by name what the clips are; train again.")
    try:
        return Config.from_dict(values), data
    except RunError as error:
        raise RunError(f"{file}: {error}") from None


def read_history(path: Path) -> pd.DataFrame:
    """Read ``history.csv``. Raises RunError when it is missing or damaged."""
    try:
        return read_frame(path / HISTORY)
    except (OSError, ValueError) as error:
        raise RunError(f"{path / HISTORY}: unreadable ({error}); train again.") from None


def write_tensors(file: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Write named tensors as safetensors, atomically; the same tensors give the same bytes."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    for name, tensor in plain.items():
        if not torch.isfinite(tensor).all():
            raise RunError(f"{file}: '{name}' is no longer finite; lower learning_rate.")

    entry = json.dumps({**metadata, CHECKSUM: _checksum(plain, metadata)}, sort_keys=True)

    def write(temporary: Path) -> None:
        try:
            # one entry: safetensors writes several in an order of chance
            save_file(plain, temporary, {ENTRY: entry})
        except SafetensorError as error:  # how safetensors reports a full disk
            raise OSError(str(error)) from error

    write_atomically(file, write)


def read_tensors(file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read what ``write_tensors`` wrote. Raises RunError when it is missing or damaged."""
    try:
        with safe_open(file, framework="pt") as stored:
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
            found = stored.metadata() or {}
        metadata = dict(json.loads(found[ENTRY]) if ENTRY in found else found)
    except FileNotFoundError:
        raise RunError(f"{file}: missing; train again.") from None
    except (OSError, SafetensorError, TypeError, ValueError) as error:
        raise RunError(f"{file}: truncated or not a checkpoint ({error}); train again.") from None
    # a run from before there was this checksum has none
    if metadata.pop(CHECKSUM, None) not in (None, _checksum(tensors, metadata)):
        raise RunError(f"{file}: damaged, its checksum does not fit its content; train again.")
    return tensors, metadata


def _checksum(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """CRC-32 over the metadata, and over names, shapes, types and bytes."""
    found = zlib.crc32(json.dumps(metadata, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        found = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), found)
        found = zlib.crc32(tensor.contiguous().flatten().view(torch.uint8).numpy().data, found)
    return f"{found:08x}"


def _config_sum(path: Path) -> str:
    """CRC-32 over the settings and the data that a run's file names, however it is laid out."""
    values = read_as("JSON", json.loads, path / CONFIG, "train again", RunError)
    return f"{zlib.crc32(json.dumps(values, sort_keys=True).encode()):08x}"


def load_weights(module: nn.Module, tensors: Mapping[str, Tensor], file: Path) -> None:
    """Copy tensors into a module. Raises RunError naming the first that does not fit."""
    expected = module.state_dict()
    for name, tensor in expected.items():
        if name not in tensors:
            raise RunError(f"{file}: '{name}' is missing; it belongs to another configuration.")
        found, wanted = tuple(tensors[name].shape), tuple(tensor.shape)
        if found != wanted:
            raise RunError(f"{file}: '{name}' has shape {found}, the configuration wants {wanted}.")
    if extra := sorted(set(tensors) - set(expected)):
        raise RunError(f"{file}: '{extra[0]}' does not belong to this configuration.")
    module.load_state_dict(dict(tensors))


class FolderInUse(RunError):
    """Another process trains into the folder."""


class RunFolder:
    """Where a training keeps what it has done; with no path it keeps nothing."""

    def __init__(self, path: Path | None, finished: bool = False) -> None:
        self.path, self.finished = path, finished

    @classmethod
    @contextmanager
    def open(
        cls, path: Path | None, config: Config, data: Mapping[str, str], resume: bool
    ) -> Iterator["RunFolder"]:
        """The folder, owned by this process until the end.

        Raises FolderInUse: another process trains into it; RunError: it holds another run, one that
        is not to be resumed, or something else.
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
        write_text(self.path / HISTORY, pd.DataFrame(history).to_csv(index=False))
        tensors = {f"learner.{name}": value for name, value in learner.state_dict().items()}
        for number, row in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": value for name, value in row.items()}
        write_tensors(self.path / STATE, tensors, {"epoch": str(len(history))})

    def restore(self, learner: nn.Module, optimizer: torch.optim.Optimizer) -> list[Row]:
        """Put back the last saved state; returns the history up to it, none at the start."""
        if self.path is None or not (self.path / STATE).is_file():
            return []
        file = self.path / STATE
        tensors, metadata = read_tensors(file)
        weights: dict[str, Tensor] = {}
        moments: dict[int, dict[str, Any]] = {}
        for name, value in tensors.items():
            part, _, rest = name.partition(".")
            number, _, entry = rest.partition(".")
            if part == "learner":
                weights[rest] = value
            elif part == "optimizer" and number.isdecimal():
                moments.setdefault(int(number), {})[entry] = value
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
        write_tensors(self.path / MODEL, model.state_dict(), {CONFIG: _config_sum(self.path)})
        (self.path / STATE).unlink(missing_ok=True)


def _refuse_others(path: Path) -> None:
    """Raise RunError where something that is no run is in the way."""
    if not path.exists() or (path / CONFIG).is_file():
        return
    if not path.is_dir() or any(not file.name.startswith(".") for file in path.iterdir()):
        raise RunError(f"{path}: exists and is not a run; choose another --out.")


def _prepare(path: Path, config: Config, data: Mapping[str, str], resume: bool) -> bool:
    """Whether the run is finished; where nothing has been done, its settings are written."""
    values = config.to_dict()
    if not (path / CONFIG).is_file() or not any((path / name).is_file() for name in (STATE, MODEL)):
        # a run without a finished epoch is begun anew
        write_text(path / CONFIG, json.dumps({**values, "data": dict(data)}, indent=2) + "\n")
        return False
    if not resume:
        raise RunError(f"{path}: there is a run here; use --resume or another --out.")
    stored, stored_data = read_config(path)
    old = {**stored_data, **stored.to_dict()["model"], **stored.to_dict()["training"]}
    for key, value in {**data, **values["model"], **values["training"]}.items():
        if old.get(key) != value:
            started = f"the run was started with {key}={old.get(key)}, not {value}"
            raise RunError(f"{path}: cannot resume, {started}; use another --out.")
    if (path / MODEL).is_file():
        (path / STATE).unlink(missing_ok=True)  # of a process that was killed when it had finished
        return True
    return False
