"""What a run is made of: the network, the training, the presets and ``key=value`` overrides."""

from __future__ import annotations

import difflib
import inspect
import typing
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, TypeVar

import torch

from mraf.errors import RunError
from mraf.losses import CenterReduction, Centers
from mraf.model import ModelConfig

Precision = Literal["auto", "float32", "bfloat16"]
Sampling = Literal["clip", "speaker", "video"]
Part = TypeVar("Part")
GIVEN = {"speakers", "face_dim", "voice_dim"}  # by the corpus, not to be set


@dataclass(frozen=True)
class TrainingConfig:
    """How the network is trained (Section 4.2); what the paper leaves open says so.

    Args:
        epochs: not stated by the paper; 24 as in the team's public code.
        batch_size, learning_rate: of Adam.
        audio_only_probability: p_a; p_av = 1 - p_a.
        audio_only_per: whether the condition is drawn for each clip or once a batch (unstated).
        face_weight, voice_weight, fused_weight: λ_f, λ_a, λ_c of Eq. 15.
        kd_weight, kd_temperature: λ_kd and T of Eq. 16–17.
        center_weight, center_reduction: λ_center of Eq. 17 and its form, see ``CenterLoss``.
        centers: "trained", or "frozen" as in the team's public challenge code; see ``CenterLoss``.
        label_smoothing, class_weights, reliability_floor_weight, reliability_floor: more of that
            code: smoothed targets; speakers weighted by √(N / (C n)) in every cross-entropy; and
            weight · max(0, floor - r_f)² for the faces that are there.
        weight_decay: 0 is plain Adam.
        sampling: what an epoch draws its clips from. "clip": every clip once, so that who has many
            is seen often. "speaker": as many clips, but all speakers equally often. "video": also
            the videos of a speaker equally often (ours; the paper does not say).
        swapped_faces: probability that a clip is shown with another speaker's face (ours). The
            face head learns whose face it is, the fused head whose voice.
        precision: arithmetic of the forward pass; "auto" takes bfloat16 where it is fast.
        holdout: train without the validation videos; False trains on every English clip.
        split_seed: chooses the validation videos.
        seed: of the weights, the order of clips, the dropout and the drawn conditions.
    """

    epochs: int = 24
    batch_size: int = 64
    learning_rate: float = 1e-4
    audio_only_probability: float = 0.2
    audio_only_per: Literal["clip", "batch"] = "clip"
    face_weight: float = 1.0
    voice_weight: float = 1.0
    fused_weight: float = 1.0
    kd_weight: float = 0.2
    kd_temperature: float = 2.0
    center_weight: float = 0.1
    center_reduction: CenterReduction = "mean"
    centers: Centers = "trained"
    label_smoothing: float = 0.0
    class_weights: bool = False
    reliability_floor: float = 0.7
    reliability_floor_weight: float = 0.0
    weight_decay: float = 0.0
    sampling: Sampling = "clip"
    swapped_faces: float = 0.0
    precision: Precision = "auto"
    holdout: bool = True
    split_seed: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        allowed = {
            "epochs": self.epochs >= 1,
            "batch_size": self.batch_size >= 1,
            "learning_rate": self.learning_rate > 0,
            "audio_only_probability": 0 <= self.audio_only_probability <= 1,
            "kd_temperature": self.kd_temperature > 0,
            "swapped_faces": 0 <= self.swapped_faces <= 1,
            "label_smoothing": 0 <= self.label_smoothing < 1,
            "reliability_floor": 0 <= self.reliability_floor <= 1,
            "reliability_floor_weight": self.reliability_floor_weight >= 0,
            "weight_decay": self.weight_decay >= 0,
            "seed": 0 <= self.seed < 2**63,  # what torch takes
            "split_seed": 0 <= self.split_seed < 2**63,
        }
        for name in ("face_weight", "voice_weight", "fused_weight", "kd_weight", "center_weight"):
            allowed[name] = getattr(self, name) >= 0
        for name, ok in allowed.items():
            if not ok:
                raise RunError(f"{name}={getattr(self, name)}: out of range.")


@dataclass(frozen=True)
class Config:
    """A whole run: the network and its training."""

    model: ModelConfig
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def to_dict(self) -> dict[str, Any]:
        """Plain nested dictionaries, as written to ``config.json``."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Config:
        """Read what ``to_dict`` wrote. Raises RunError on unknown, missing or invalid values."""

        def read(part: type[Part], stored: Mapping[str, Any]) -> Part:
            known = field_types(part)  # what an older version did not write is at its default
            return part(**{key: parse_value(key, stored[key], known[key]) for key in stored})

        try:
            return cls(read(ModelConfig, values["model"]), read(TrainingConfig, values["training"]))
        except (KeyError, TypeError) as error:
            raise RunError(f"no valid setting {error}; made by another version of mraf?") from None


PRESETS: dict[str, dict[str, Any]] = {
    "paper": {},
    "quick": {
        "width": 192,
        "tokens": 4,
        "epochs": 10,
        "learning_rate": 1e-3,
    },
}


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


def configure(preset: str, speakers: int, overrides: Mapping[str, Any] | None = None) -> Config:
    """A preset with overrides by field name, as ``mraf train --set key=value`` gives them.

    Args:
        preset: a name in ``PRESETS``, or "NAME+RECIPE" with one of ``RECIPES``.
        speakers: C of the corpus.
        overrides: values, or strings to be parsed as the field's type.
    Raises:
        RunError: an unknown preset or key, or a value of the wrong type or range.
    """
    name, _, recipe = preset.partition("+")
    for chosen, known in ((name, PRESETS), (recipe, {"": {}, **RECIPES})):
        if chosen not in known:
            raise RunError(
                f"unknown preset '{preset}'; choose one of {', '.join(PRESETS)}, alone or with "
                f"{' or '.join(f'+{found}' for found in RECIPES)}."
            )
    parts: dict[type, dict[str, Any]] = {ModelConfig: {}, TrainingConfig: {}}
    changes = {**PRESETS[name], **RECIPES.get(recipe, {}), **(overrides or {})}
    for key, value in changes.items():
        owner = next(
            (part for part in parts if key in field_types(part) and key not in GIVEN), None
        )
        if owner is None:
            raise RunError(f"unknown setting '{key}'{_suggestion(key)}; see mraf train --help.")
        parts[owner][key] = parse_value(key, value, field_types(owner)[key])
    return Config(
        replace(ModelConfig(speakers), **parts[ModelConfig]),
        TrainingConfig(**parts[TrainingConfig]),
    )


def describe_settings() -> str:
    """Every setting with its value in the paper preset, its choices and its meaning, as text."""
    lines = []
    for part in (ModelConfig, TrainingConfig):
        for entry in fields(part):
            if entry.name in GIVEN:
                continue
            choices = typing.get_args(field_types(part)[entry.name])
            among = f"  {{{', '.join(choices)}}}" if choices else ""
            lines.append(f"  {entry.name}={str(entry.default).lower()}{among}")
        arguments = inspect.cleandoc(part.__doc__ or "").split("Args:\n")[1]
        lines += ["", *arguments.rstrip().splitlines(), ""]
    return "\n".join(lines)


def field_types(part: type) -> dict[str, Any]:
    """The fields of a configuration class with their types."""
    hints = typing.get_type_hints(part)
    return {entry.name: hints[entry.name] for entry in fields(part)}


def parse_value(key: str, value: Any, kind: Any) -> Any:
    """Turn a string of the command line into the type of its field. Raises RunError."""
    choices = typing.get_args(kind) if typing.get_origin(kind) is Literal else None
    text = str(value).strip()
    if choices:
        if text not in choices:
            raise RunError(f"{key}={text}: choose one of {', '.join(choices)}.")
        return text
    if kind is bool:
        if text.lower() not in {"true", "false"}:
            raise RunError(f"{key}={text}: choose true or false.")
        return text.lower() == "true"
    try:
        number = kind(text)
    except ValueError:
        raise RunError(f"{key}={text}: not a valid {kind.__name__}.") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise RunError(f"{key}={text}: must be a finite number.")
    return number


def parse_overrides(pairs: Iterable[str]) -> dict[str, str]:
    """Split ``key=value`` words. Raises RunError on a word without '='."""
    overrides = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise RunError(f"'{pair}' is not of the form key=value.")
        overrides[key.strip()] = value
    return overrides


def _suggestion(key: str) -> str:
    known = [*field_types(TrainingConfig), *field_types(ModelConfig)]
    known = [name for name in known if name not in GIVEN]
    close = difflib.get_close_matches(key, known, n=1)
    return f", did you mean '{close[0]}'?" if close else ""


def resolve_device(name: str) -> torch.device:
    """ "auto" is cuda, then mps, then cpu. Raises RunError for what this machine does not have."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise RunError(f"unknown device '{name}'; choose auto, cpu, cuda, cuda:N or mps.") from None
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not available.get(device.type, False):
        raise RunError(f"device '{name}' is not available here; use --device auto or cpu.")
    return device


def resolve_precision(precision: Precision, device: torch.device) -> torch.dtype:
    """ "auto" takes bfloat16 only where the processor multiplies it natively."""
    if precision == "auto":
        return torch.bfloat16 if fast_bfloat16(device) else torch.float32
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def fast_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 arithmetic is in hardware: CUDA from Ampere on, AVX512-BF16 or AMX CPUs."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
        return bool(probe and probe())
    return False
