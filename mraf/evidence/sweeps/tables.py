"""What a sweep compares: a table of arms, declared in one TOML file of ``data/sweeps/``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from mraf.errors import RunError
from mraf.evidence.declared import Declaration, Text, checked, read_toml
from mraf.evidence.recorded import SWEEPS, find
from mraf.files import checked_path
from mraf.training.config import PRESETS, RECIPES, configure

NAME = re.compile(r"[A-Za-z0-9_.-]+")
SAME_FOR_ALL = ("seed", "split_seed", "holdout")

Given = Annotated[str, Field(description="text", min_length=1)]
Settings = Annotated[dict[str, Any], Field(default_factory=dict, description="a table")]


@dataclass(frozen=True)
class Arm:
    """One way to train: a preset with some settings changed."""

    name: str  # short, as it stands in recorded results
    label: str  # for people to read
    settings: Mapping[str, Any]  # what differs from the preset, by field name


@dataclass(frozen=True)
class Table:
    """Arms that are compared with one of them, the reference, in the order to show them."""

    file: Path  # its stem is the name of the table
    title: str  # for people to read
    source: str  # where in the paper, or who else asks
    reference: str  # name of an arm
    arms: tuple[Arm, ...]

    @property
    def name(self) -> str:
        return self.file.stem


def table_file(name: str | Path) -> Path:
    """The file of a table: a path that is there, else one of `data/sweeps/`, as "table4" is."""
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
    only under the presets that it names. A RunError names file and arm.
    """
    file = Path(file)
    configure(preset, 2)  # names an unknown preset
    if not file.exists():
        known = sorted(table.stem for table in (find(SWEEPS) or SWEEPS).glob("*.toml"))
        near = get_close_matches(file.stem, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}."
        raise RunError(f"{file}: no table of a sweep; {hint}")
    declared = checked(_Table, read_toml(file), str(file))
    arms: list[Arm] = []
    for name, content in declared.arms.items():
        where = f"{file}, arm '{name}'"
        if not NAME.fullmatch(name):
            raise RunError(f"{where}: give it a name of letters, digits, '_', '.' and '-'.")
        arm = checked(_Arm, content, where)
        if {"recipe", "set", preset} & arm.model_fields_set:
            if arm.label in [other.label for other in arms]:
                raise RunError(f"{where}: another arm has its label; tell them apart.")
            arms.append(Arm(name, arm.label, arm.settings(preset)))
    names = [arm.name for arm in arms]
    if declared.reference not in names:
        raise RunError(
            f"{file}: the reference '{declared.reference}' is not an arm under the preset "
            f"{preset}; there are: {', '.join(names)}."
        )
    return Table(file, declared.title, declared.source, declared.reference, tuple(arms))


class _Table(Declaration):
    title: Given
    source: Given
    reference: Given
    arms: Annotated[dict[str, Any], Field(description="a table", min_length=1)]


class _Arm(Declaration):
    """An arm as the file has it; ``set`` and the tables named like a preset hold settings."""

    label: Given
    recipe: Text = ""
    set: Settings
    paper: Settings
    quick: Settings

    def settings(self, preset: str) -> dict[str, Any]:
        recipe = RECIPES.get(self.recipe, {})
        return {**recipe, **self.set, **getattr(self, preset, {})}

    @model_validator(mode="after")
    def _valid(self) -> "_Arm":
        if "recipe" in self.model_fields_set and self.recipe not in RECIPES:
            raise RunError(f"no recipe '{self.recipe}'; choose one of {', '.join(RECIPES)}.")
        for preset in PRESETS:
            settings = self.settings(preset)
            for key in SAME_FOR_ALL:
                if key in settings:
                    raise RunError(f"'{key}' is the same for all arms of a sweep; remove it.")
            configure(preset, 2, settings)
        return self
