"""What a sweep compares: a table of arms, declared in one TOML file (``data/sweeps/``).

::

    title = "Table 4: what stands in for a missing face"
    source = "Table 4"
    reference = "token"

    [arms.token]
    label = "learnable token, r_f = 0 (the paper)"
    set = {}

    [arms.small_steps]
    label = "a learning rate that makes sense beside that of the paper preset alone"
    paper = { learning_rate = 5e-5 }
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mraf.errors import RunError
from mraf.evidence.recorded import SWEEPS, find
from mraf.files import checked_path
from mraf.training.config import PRESETS, RECIPES, configure

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NAME = re.compile(r"[A-Za-z0-9_.-]+")
SAME_FOR_ALL = ("seed", "split_seed", "holdout")


@dataclass(frozen=True)
class Arm:
    """One way to train: a preset with some settings changed.

    Args:
        name: short, as it stands in recorded results.
        label: for people to read.
        settings: what differs from the preset, by field name.
    """

    name: str
    label: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """Arms that are compared with one of them.

    Args:
        file: where it is declared; its stem is the name of the table.
        title: for people to read.
        source: where in the paper, or who else asks.
        reference: name of the arm the others are compared with.
        arms: in the order in which they are shown.
    """

    file: Path
    title: str
    source: str
    reference: str
    arms: tuple[Arm, ...]

    @property
    def name(self) -> str:
        return self.file.stem


def table_file(name: str | Path) -> Path:
    """The file of a table: as it is given, else one of `data/sweeps/`.

    Args:
        name: a path, "data/sweeps/table4.toml" wherever the data of the project lie, or "table4".
    """
    given = checked_path(name)
    if given.exists():
        return given
    if given.parent not in (Path(), SWEEPS) or given.suffix not in ("", ".toml"):
        return given
    return find(SWEEPS / f"{given.stem}.toml") or given


def read_table(file: str | Path, preset: str) -> Table:
    """Read a table for a preset.

    An arm has a ``label`` and what it changes: a ``recipe``, over it ``set`` for every preset, over
    both a table named like a preset for that one. An arm with neither recipe nor ``set`` exists
    only under the presets that it names.

    Raises:
        RunError: no such file or preset, not TOML, an arm or setting that is wrong; the message
            names file and arm.
    """
    file = Path(file)
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{file}: no table of a sweep ({error.strerror}).") from None
    except ValueError as error:  # of the encoding or of TOML
        raise RunError(f"{file}: not valid TOML: {error}.") from None
    _check_keys(str(file), content, {"title": str, "source": str, "reference": str, "arms": dict})
    arms = []
    for name, declared in content["arms"].items():
        where = f"{file}, arm '{name}'"
        if not NAME.fullmatch(name):
            raise RunError(f"{where}: give it a name of letters, digits, '_', '.' and '-'.")
        optional = {"recipe": str, **dict.fromkeys(("set", *PRESETS), dict)}
        _check_keys(where, declared, {"label": str}, optional)
        if (recipe := declared.get("recipe")) is not None and recipe not in RECIPES:
            raise RunError(f"{where}: no recipe '{recipe}'; choose one of {', '.join(RECIPES)}.")
        for chosen in PRESETS:
            _check_settings(where, chosen, _settings(declared, chosen))
        if {"recipe", "set", preset} & set(declared):
            arms.append(Arm(name, declared["label"], _settings(declared, preset)))
    labels = [arm.label for arm in arms]
    if twice := [arm for arm in arms if labels.count(arm.label) > 1]:
        raise RunError(
            f"{file}, arm '{twice[-1].name}': another arm has its label; tell them apart."
        )
    table = Table(file, content["title"], content["source"], content["reference"], tuple(arms))
    configure(preset, 2)  # names an unknown preset
    if table.reference not in [arm.name for arm in arms]:
        names = ", ".join(arm.name for arm in arms)
        raise RunError(
            f"{file}: the reference '{table.reference}' is not an arm under the preset {preset}; "
            f"there are: {names}."
        )
    return table


def _settings(declared: Mapping[str, Any], preset: str) -> dict[str, Any]:
    recipe = RECIPES.get(declared.get("recipe", ""), {})
    return {**recipe, **declared.get("set", {}), **declared.get(preset, {})}


def _check_keys(
    where: str,
    found: Any,
    required: Mapping[str, type],
    optional: Mapping[str, type] | None = None,
) -> None:
    """Every required key, no unknown one, values of the right type."""
    known = {**required, **(optional or {})}
    if not isinstance(found, dict):
        raise RunError(f"{where}: expected a table with {', '.join(known)}.")
    for key, value in found.items():
        if key not in known:
            raise RunError(f"{where}: unknown key '{key}'; known are {', '.join(known)}.")
        if not isinstance(value, known[key]):
            kind = "text" if known[key] is str else "a table"
            raise RunError(f"{where}: '{key}' must be {kind}.")
    for key in required:
        if not found.get(key):
            raise RunError(f"{where}: '{key}' is missing or empty.")


def _check_settings(where: str, preset: str, settings: Mapping[str, Any]) -> None:
    for key in SAME_FOR_ALL:
        if key in settings:
            raise RunError(f"{where}: '{key}' is the same for all arms of a sweep; remove it.")
    try:
        configure(preset, 2, settings)
    except RunError as error:
        raise RunError(f"{where}: {error}") from None
