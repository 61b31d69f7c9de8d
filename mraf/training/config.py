"""A whole run in settings: presets, recipes and ``key=value`` overrides."""

import difflib
import inspect
import typing
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Protocol

import torch

from mraf.data.clips import FeatureSet
from mraf.errors import RunError
from mraf.model import Sizes
from mraf.training.device import resolve_precision
from mraf.variants.build import check_sizes
from mraf.variants.config import ModelConfig, TrainingConfig

GIVEN = {"speakers", "face_dim", "voice_dim"}  # by the corpus, not to be set
OWNER: dict[str, type] = {  # of each setting
    entry.name: part
    for part in (ModelConfig, TrainingConfig)
    for entry in fields(part)
    if entry.name not in GIVEN
}


@dataclass(frozen=True)
class Config:
    """A whole run: the network and its training."""

    model: ModelConfig
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        check_sizes(self.model)

    def to_dict(self) -> dict[str, Any]:
        """Plain nested dictionaries, as written to ``config.json``."""
        return asdict(self)

    def settled(self, device: torch.device) -> "Config":
        """With what "auto" means on a device: thus a run is kept, and resumed elsewhere."""
        half = resolve_precision(self.training.precision, device) == torch.bfloat16
        training = replace(self.training, precision="bfloat16" if half else "float32")
        return replace(self, training=training)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Config":
        """Read what ``to_dict`` wrote. Raises RunError on unknown, missing or invalid values."""
        try:  # what an older version did not write is at its default
            return cls(ModelConfig(**values["model"]), TrainingConfig(**values["training"]))
        except (KeyError, TypeError) as error:
            raise RunError(f"no valid setting {error}; made by another version of mraf?") from None


QUICK: dict[str, Any] = {"width": 192, "tokens": 4, "epochs": 10, "learning_rate": 1e-3}
# as accurate as quick in two fifths of the time, see docs/speed.md
FAST = {"epochs": 4, "learning_rate": 3e-3, "schedule": "one-cycle"}
PRESETS: dict[str, dict[str, Any]] = {"paper": {}, "quick": QUICK, "fast": {**QUICK, **FAST}}
TEAM: dict[str, Any] = {
    "audio_only_probability": 0.0,
    "audio_only_per": "batch",
    "center_weight": 0.15,
    "centers": "frozen",
    "weight_decay": 1e-4,
    "label_smoothing": 0.1,
    "class_weights": True,
    "reliability_floor_weight": 0.1,
    "face_scale": 0.95,
    "projection": "normalised",
    "activation": "gelu",
    "normalise_tokens": True,
    "weighted_heads": True,
}
# Changes to a preset: the team's public challenge configuration without its learning rate and batch
# size; and ours, that with class means past the network. data/sweeps takes both apart.
RECIPES: dict[str, dict[str, Any]] = {"team": TEAM, "best": {**TEAM, "shortcut": "whitened"}}


class Sized(Protocol):
    """Whatever knows the sizes that a network takes from its data, as a Corpus does."""

    @property
    def sizes(self) -> dict[str, int]: ...


def configure(
    preset: str, corpus: Sized | int, overrides: Mapping[str, Any] | None = None
) -> Config:
    """A preset with overrides by field name, as ``mraf train --set key=value`` gives them.

    Args:
        preset: a name in ``PRESETS``, or "NAME+RECIPE" with one of ``RECIPES``.
        corpus: what to train on; or its number of speakers C, with embeddings as in POLY-SIM.
        overrides: values, or strings to be parsed as the field's type.
    Raises RunError: an unknown preset or key, or a value of the wrong type or range.
    """
    name, _, recipe = preset.partition("+")
    for chosen, known in ((name, PRESETS), (recipe, {"": {}, **RECIPES})):
        if chosen not in known:
            raise RunError(
                f"unknown preset '{preset}'; choose one of {', '.join(PRESETS)}, alone or with "
                f"{' or '.join(f'+{found}' for found in RECIPES)}."
            )
    sizes = {"speakers": corpus} if isinstance(corpus, int) else dict(corpus.sizes)
    values: dict[type, dict[str, Any]] = {ModelConfig: sizes, TrainingConfig: {}}
    changes = {**PRESETS[name], **RECIPES.get(recipe, {}), **(overrides or {})}
    for key, value in changes.items():
        if key not in OWNER:
            close = difflib.get_close_matches(key, OWNER, n=1)
            meant = f", did you mean '{close[0]}'?" if close else ""
            raise RunError(f"unknown setting '{key}'{meant}; see mraf train --help.")
        values[OWNER[key]][key] = value.strip() if isinstance(value, str) else value
    return Config(ModelConfig(**values[ModelConfig]), TrainingConfig(**values[TrainingConfig]))


def check_widths(sizes: Sizes, clips: FeatureSet) -> None:
    """Raise RunError where clips are not as wide as what a network takes."""
    for name, wanted in (("face", sizes.face_dim), ("voice", sizes.voice_dim)):
        if (width := getattr(clips, name).shape[1]) != wanted:
            raise RunError(
                f"{clips.source}: a {name} has {width} numbers, but the network was made for "
                f"{wanted}; give it clips of the same encoders, or train on these."
            )


def describe_settings() -> str:
    """Every setting with its value in the paper preset, its choices and its meaning, as text."""
    lines = []
    for part in (ModelConfig, TrainingConfig):
        types = typing.get_type_hints(part)
        for entry in fields(part):
            if entry.name in OWNER:
                choices = ", ".join(typing.get_args(types[entry.name]))
                among = f"  {{{choices}}}" if choices else ""
                lines.append(f"  {entry.name}={str(entry.default).lower()}{among}")
        arguments = inspect.cleandoc(part.__doc__ or "").split("Args:\n")[1]
        lines += ["", *arguments.rstrip().splitlines(), ""]
    return "\n".join(lines)


def parse_overrides(pairs: Iterable[str]) -> dict[str, str]:
    """Split ``key=value`` words. Raises RunError on a word without '='."""
    overrides = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise RunError(f"'{pair}' is not of the form key=value.")
        overrides[key.strip()] = value
    return overrides
