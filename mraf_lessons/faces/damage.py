"""What it costs a system when faces or voices get worse, and how two systems compare in that.

A rate says how many clips are hit; a clip that is hit at one rate is hit at every higher one, in
the same way. An amount says how badly all clips are hit.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from mraf.data.clips import FeatureSet
from mraf.errors import RunError
from mraf.evidence.tables import Damage
from mraf.training.batches import TrainingClips
from mraf.variants.build import Network, build
from mraf_related.degradation import (
    FaceDegradation,
    VoiceDegradation,
    degrade_faces,
    degrade_voices,
)

RATES: tuple[Damage, ...] = ("swapped face", "missing face")  # a share of the clips is hit
Scores = Callable[[FeatureSet], NDArray[Any]]
_FACES: dict[str, FaceDegradation] = {"face noise": "noise", "mean face": "mean face"}
_VOICES: dict[str, VoiceDegradation] = {"voice noise": "noise", "shorter voice": "shorter clip"}


def damaged(clips: FeatureSet, damage: Damage, amount: float, seed: int = 0) -> FeatureSet:
    """Clips with worse faces or voices, by a rate or an amount (`mraf_related.degradation`).

    Raises RunError for an unknown damage, or an amount outside [0, 1].
    """
    if damage not in get_args(Damage):
        raise RunError(f"unknown damage '{damage}'; choose one of {', '.join(get_args(Damage))}.")
    rng = np.random.default_rng([seed, 1])
    if damage in _FACES:
        return degrade_faces(clips, _FACES[damage], amount, rng)
    if damage in _VOICES:
        return degrade_voices(clips, _VOICES[damage], amount, rng)
    if not 0 <= amount <= 1:
        raise RunError(f"rate {amount}: must lie between 0 (no clip) and 1 (all clips).")
    swapped = damage == "swapped face"
    worse = degrade_faces(clips, "swap", 1, rng) if swapped else clips.without_faces()
    rows = hit(len(clips), amount, seed)[:, None]
    return replace(clips, face=np.where(rows, worse.face, clips.face))


def hit(clips: int, rate: float, seed: int = 0) -> NDArray[np.bool_]:
    """Which clips are hit at a rate, shape (N,)."""
    drawn: NDArray[np.bool_] = np.random.default_rng([seed, 0]).random(clips) < rate
    return drawn


def scores_under(
    system: Scores,
    clips: FeatureSet,
    damage: Damage,
    amounts: Sequence[float],
    seed: int = 0,
    clean: NDArray[Any] | None = None,
) -> Iterator[NDArray[Any]]:
    """The scores (N, C) of clips under each amount of a damage; `clean` are those without any."""
    clean = system(clips) if clean is None else clean
    if damage in RATES:  # two passes do for all rates
        all_hit = system(damaged(clips, damage, 1, seed))
        for rate in amounts:
            yield np.where(hit(len(clips), rate, seed)[:, None], all_hit, clean)
    else:
        for amount in amounts:
            yield system(damaged(clips, damage, amount, seed)) if amount else clean


def with_agreement(model: Network, train: FeatureSet) -> Network:
    """The same network with the scorer that sees whether face and voice agree; untrained."""
    if model.config.scorer == "agreement":
        return model
    placed = TrainingClips.place(train, next(model.parameters()).device)
    with torch.random.fork_rng(devices=[]):  # the weights drawn here are overwritten
        other = build(replace(model.config, scorer="agreement")).to(placed.face.device)
        other.load_state_dict(model.state_dict(), strict=False)
        placed.fit(other, torch.Generator())
    return other.eval()
