"""A run on disk: ``config.json``, ``history.csv``, ``model.safetensors``, ``metrics.json``.

``state.safetensors`` holds what resuming needs while a run is unfinished. Loading never unpickles.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from mraf.errors import RunError
from mraf.files import read_frame, write_atomically, write_text
from mraf.training.config import Config
from mraf.variants.build import Network, build

Row = dict[str, float]  # an epoch
CHECKSUM = "crc32"
CONFIG, HISTORY, MODEL, STATE = (
    "config.json",
    "history.csv",
    "model.safetensors",
    "state.safetensors",
)


@dataclass
class Run:
    """A trained network with what made it.

    Args:
        config: the network and its training.
        model: in evaluation mode, on the device it was trained or loaded on.
        history: one row an epoch: losses, accuracy on the training clips, seconds.
        data: name of the corpus and split it was trained on.
        path: its folder; None while it lives in memory only.
        origin: whether it was trained now or loaded, in words.
    """

    config: Config
    model: Network
    history: pd.DataFrame
    data: dict[str, str] = field(default_factory=dict)
    path: Path | None = None
    origin: str = ""

    @classmethod
    def load(cls, path: str | Path, device: torch.device | str = "cpu") -> Run:
        """Read a finished run.

        Raises:
            RunError: no such run, an unfinished one, or a file that is damaged or of another shape.
        """
        path = Path(path)
        if not (path / MODEL).is_file():
            if (path / CONFIG).is_file():
                raise RunError(
                    f"{path}: this run is unfinished; finish it with mraf train --resume."
                )
            raise RunError(f"{path}: no run here (no {MODEL}); make one with mraf train --out.")
        config, data = read_config(path)
        with torch.random.fork_rng(devices=[]):  # the initial weights drawn here are overwritten
            model = build(config.model)
        tensors, _ = read_tensors(path / MODEL)
        load_weights(model, tensors, path / MODEL)
        history = read_history(path)
        if len(history) != config.training.epochs:
            raise RunError(
                f"{path / HISTORY}: {len(history)} epochs, but {CONFIG} says "
                f"{config.training.epochs}; the files are not of one run, train again."
            )
        return cls(config, model.to(device).eval(), history, data, path)


def write_config(path: Path, config: Config, data: Mapping[str, str]) -> None:
    """Write ``config.json``."""
    text = json.dumps({**config.to_dict(), "data": dict(data)}, indent=2)
    write_text(path / CONFIG, text + "\n")


def read_config(path: Path) -> tuple[Config, dict[str, str]]:
    """Read ``config.json``. Raises RunError when it is missing or damaged."""
    try:
        values = json.loads((path / CONFIG).read_text(encoding="utf-8"))
        config, data = Config.from_dict(values), values.get("data", {})
        if not isinstance(data, dict):
            raise ValueError("'data' must say by name what the clips are")
        return config, data
    except FileNotFoundError:
        raise RunError(
            f"{path}: no run here (no {CONFIG}); make one with mraf train --out."
        ) from None
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise RunError(f"{path / CONFIG}: unreadable ({error}); train again.") from None
    except RunError as error:
        raise RunError(f"{path / CONFIG}: {error}") from None


def write_history(path: Path, rows: list[Row]) -> None:
    """Write ``history.csv``."""
    write_text(path / HISTORY, pd.DataFrame(rows).to_csv(index=False))


def read_history(path: Path) -> pd.DataFrame:
    """Read ``history.csv``. Raises RunError when it is missing or damaged."""
    try:
        return read_frame(path / HISTORY)
    except (OSError, ValueError) as error:
        raise RunError(f"{path / HISTORY}: unreadable ({error}); train again.") from None


def write_tensors(file: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Write named tensors as safetensors, atomically."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    for name, tensor in plain.items():
        if not torch.isfinite(tensor).all():
            raise RunError(f"{file}: '{name}' is no longer finite; lower learning_rate.")
    metadata = {**metadata, CHECKSUM: _checksum(plain)}

    def write(temporary: Path) -> None:
        try:
            save_file(plain, temporary, metadata)
        except SafetensorError as error:  # how safetensors reports a full disk
            raise OSError(str(error)) from error

    write_atomically(file, write)


def read_tensors(file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read what ``write_tensors`` wrote. Raises RunError when it is missing or damaged."""
    try:
        with safe_open(file, framework="pt") as stored:
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
            metadata = stored.metadata() or {}
    except FileNotFoundError:
        raise RunError(f"{file}: missing; train again.") from None
    except (OSError, SafetensorError, ValueError) as error:
        raise RunError(f"{file}: truncated or not a checkpoint ({error}); train again.") from None
    if metadata.get(CHECKSUM, found := _checksum(tensors)) != found:
        raise RunError(f"{file}: damaged, its checksum does not fit its content; train again.")
    return tensors, metadata


def _checksum(tensors: Mapping[str, Tensor]) -> str:
    """CRC-32 over names, shapes, types and bytes."""
    found = 0
    for name in sorted(tensors):
        tensor = tensors[name]
        found = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), found)
        found = zlib.crc32(tensor.contiguous().flatten().view(torch.uint8).numpy().data, found)
    return f"{found:08x}"


def load_weights(module: nn.Module, tensors: Mapping[str, Tensor], file: Path) -> None:
    """Copy tensors into a module. Raises RunError naming the first that is missing or misshapen."""
    expected = module.state_dict()
    for name, tensor in expected.items():
        if name not in tensors:
            raise RunError(f"{file}: '{name}' is missing; it belongs to another configuration.")
        if tensors[name].shape != tensor.shape:
            found, wanted = tuple(tensors[name].shape), tuple(tensor.shape)
            raise RunError(f"{file}: '{name}' has shape {found}, the configuration wants {wanted}.")
    if extra := sorted(set(tensors) - set(expected)):
        raise RunError(f"{file}: '{extra[0]}' does not belong to this configuration.")
    module.load_state_dict(dict(tensors))
