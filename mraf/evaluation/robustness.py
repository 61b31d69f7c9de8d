"""What it costs a system when faces or voices get worse, and how two systems compare in that.

A rate q says how many clips are hit, each with its own luck: a clip that is hit at one rate is hit
at every higher one, in the same way. An amount says how badly all clips are hit. Since each clip is
judged alone, the expected accuracy at rate q lies on the straight line from that of clean clips to
that of clips that are all hit.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm.auto import tqdm

from mraf.data.clips import FeatureSet
from mraf.data.degradation import FaceDegradation, VoiceDegradation, degrade_faces, degrade_voices
from mraf.errors import RunError
from mraf.evaluation.differences import ArmRuns, Metric, estimate, paired_runs, runs_of
from mraf.evaluation.judge import top1
from mraf.evaluation.predict import forward
from mraf.evidence.recorded import FOLDER, find
from mraf.evidence.sweeps.records import read_sweep
from mraf.evidence.tables import Place
from mraf.model import MRAF
from mraf.training.batches import TrainingClips
from mraf.variants.agreement import Agreement

Damage = Literal[
    "swapped face", "missing face", "face noise", "mean face", "voice noise", "shorter voice"
]
RATES: tuple[Damage, ...] = ("swapped face", "missing face")  # a share of the clips is hit
CLEAN = "clean"
CONDITION = ["damage", "amount"]
Scores = Callable[[FeatureSet], NDArray[Any]]
_FACES: dict[str, FaceDegradation] = {
    "swapped face": "swap",
    "face noise": "noise",
    "mean face": "mean face",
}


def damaged(clips: FeatureSet, damage: Damage, amount: float, seed: int = 0) -> FeatureSet:
    """Clips with worse faces or voices.

    Args:
        damage: "swapped face" (another speaker's, from the same clips) and "missing face" hit a
            share of the clips; the others turn all faces or voices, see `mraf.data.degradation`.
        amount: that share, or how far; 0 to 1.
        seed: of who is hit, and of directions and other speakers.
    Raises:
        RunError: an unknown damage, or an amount outside [0, 1].
        DataError: as `degrade_faces` and `degrade_voices`.
    """
    if damage not in get_args(Damage):
        raise RunError(f"unknown damage '{damage}'; choose one of {', '.join(get_args(Damage))}.")
    rng = np.random.default_rng([seed, 1])
    if damage in RATES:
        if not 0 <= amount <= 1:
            raise RunError(f"rate {amount}: must lie between 0 (no clip) and 1 (all clips).")
        worse = degrade_faces(clips, "swap", 1, rng) if damage == "swapped face" else None
        face = np.zeros_like(clips.face) if worse is None else worse.face
        return replace(
            clips, face=np.where(hit(len(clips), amount, seed)[:, None], face, clips.face)
        )
    if damage in _FACES:
        return degrade_faces(clips, _FACES[damage], amount, rng)
    kind: VoiceDegradation = "noise" if damage == "voice noise" else "shorter clip"
    return degrade_voices(clips, kind, amount, rng)


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
    """What a system says of clips under each amount of a damage, each of shape (N, C).

    Args:
        system: from clips to scores (N, C), each clip by itself.
        clean: its scores of the clips as they are, where they are known already.
    """
    clean = system(clips) if clean is None else clean
    if damage in RATES:  # two passes do for all rates
        all_hit = system(damaged(clips, damage, 1, seed))
        for rate in amounts:
            yield np.where(hit(len(clips), rate, seed)[:, None], all_hit, clean)
    else:
        for amount in amounts:
            yield system(damaged(clips, damage, amount, seed)) if amount else clean


def with_agreement(model: MRAF, train: FeatureSet) -> MRAF:
    """The same network with the scorer that sees whether face and voice agree; nothing is trained.

    On clips that it was trained on nothing ever speaks against a face, or hardly anything. So a
    network that is trained with this scorer comes to the same as one that is given it afterwards.

    Args:
        train: the clips that the network was trained on.
    """
    other = copy.deepcopy(model)
    other.config = replace(model.config, scorer="agreement")
    if other.agreement is None:
        placed = TrainingClips.place(train, next(model.parameters()).device)
        other.agreement = Agreement(other.config).to(placed.face.device)
        other.agreement.fit(placed.face, placed.voice, placed.speaker, placed.video)
    return other


def looked_at(model: MRAF, clips: FeatureSet, batch: int = 512) -> NDArray[np.float32]:
    """For each clip whether the fused head is right, r_f and w_f, shape (N, 3)."""
    parts = []
    for start in range(0, len(clips), batch):
        out = forward(model, clips[start : start + batch])
        right = top1(out.logits.fused.float().cpu().numpy(), clips[start : start + batch].labels)
        found = [x.face[:, 0].float().cpu().numpy() for x in (out.reliability, out.weight)]
        parts.append(np.stack([right, *found], axis=1).astype(np.float32))
    return np.concatenate(parts)


def damage_table(
    models: Mapping[str, MRAF],
    clips: Mapping[str, FeatureSet],
    amounts: Mapping[Damage, Sequence[float]],
    seed: int = 0,
    progress: bool = True,
) -> pd.DataFrame:
    """How networks do under each amount of each damage.

    Args:
        models: by the name of their scorer.
        clips: with faces, by the name of their setting.
        amounts: of each damage.
    Returns:
        One row per scorer, setting, damage and amount: accuracy, and low, middle and high
        (quartiles of w_f).
    """
    rows = []
    clean: dict[tuple[str, str], NDArray[np.float32]] = {}
    tasks = [(m, s, d) for m in models for s in clips for d in amounts]
    for scorer, setting, damage in tqdm(
        tasks, "damage", delay=2, leave=False, disable=not progress
    ):

        def look(worse: FeatureSet, model: MRAF = models[scorer]) -> NDArray[np.float32]:
            return looked_at(model, worse)

        if (scorer, setting) not in clean:
            clean[scorer, setting] = look(clips[setting])
        known = clean[scorer, setting]
        found = scores_under(look, clips[setting], damage, amounts[damage], seed, known)
        for amount, seen in zip(amounts[damage], found, strict=True):
            of = {"scorer": scorer, "setting": setting, "damage": damage, "amount": amount}
            quartiles = np.quantile(seen[:, 2], [0.25, 0.5, 0.75])
            named = dict(zip(("low", "middle", "high"), quartiles.tolist(), strict=True))
            rows.append({**of, "accuracy": float(seen[:, 0].mean()), **named})
    return pd.DataFrame(rows)


# --- recorded -----------------------------------------------------------------------------------


class Condition(NamedTuple):
    """A damage and how much of it; no amount is clean."""

    damage: str = CLEAN
    amount: float = 0.0

    @classmethod
    def of(cls, text: str) -> Condition:
        """As in "swapped face 0.3". Raises RunError."""
        damage, _, given = text.rpartition(" ")
        try:
            amount = float(given)
        except ValueError:
            amount = np.nan
        if damage not in get_args(Damage) or not 0 <= amount <= 1:
            raise RunError(
                f"'{text}': expected a damage and an amount from 0 to 1; the damages are "
                f"{', '.join(get_args(Damage))}."
            )
        return cls(damage, amount)

    def __str__(self) -> str:
        return CLEAN if self.damage == CLEAN else f"{self.damage} {self.amount:g}"


@dataclass(frozen=True, eq=False)
class RecordedRobustness:
    """What was recorded on one corpus: the runs of each arm under each condition."""

    place: Place
    preset: str
    runs: Mapping[Condition, Mapping[str, ArmRuns]]
    command: str

    def cost(self, arm: str, condition: Condition) -> Cost:
        """Of a condition to an arm. Raises RunError where either was not recorded."""
        both = [self._of(arm, at) for at in (Condition(), condition)]
        return Cost(*paired_runs(*both))

    def _of(self, arm: str, condition: Condition) -> ArmRuns:
        if condition not in self.runs:
            known = ", ".join(map(str, self.runs))
            raise RunError(f"'{condition}' was not recorded on {self.place.corpus}; {known} were.")
        if arm not in self.runs[condition]:
            raise RunError(f"no arm '{arm}'; there are: {', '.join(self.runs[condition])}.")
        return self.runs[condition][arm]


def recorded_robustness(
    place: Place, preset: str = "quick", folder: Path | None = None
) -> RecordedRobustness | None:
    """What `scripts/record_robustness.py` has recorded; None where there is nothing (yet).

    Arms that were run with one seed are left out, since that says nothing about another.

    Args:
        folder: of the recorded results; by default `data/recorded/`.
    Raises:
        RunError: the file cannot be read, or is incomplete.
    """
    file = (folder or find(FOLDER) or FOLDER) / f"robustness_{place.slug}.csv"
    if not file.is_file():
        return None
    rows = read_sweep(file, CONDITION)
    rows = rows[rows.preset == preset]
    runs = {
        Condition(str(damage), float(amount)): {
            name: arm for name, arm in runs_of(own).items() if len(arm.seeds) > 1
        }
        for (damage, amount), own in rows.groupby(CONDITION, sort=False)
    }
    return RecordedRobustness(place, preset, runs, rows.command.iloc[0]) if runs else None


# --- compared -----------------------------------------------------------------------------------


class Cost(NamedTuple):
    """An arm on clean clips and on damaged ones, the same seeds and videos."""

    clean: ArmRuns
    damaged: ArmRuns

    def counts(self) -> dict[str, NDArray[np.float64]]:
        """Clips lost to the damage, by setting, shape (S, V)."""
        return {
            setting: np.asarray(counts - self.damaged.correct[setting], dtype=float)
            for setting, counts in self.clean.correct.items()
        }

    def only(self, seeds: Sequence[int]) -> Cost:
        return Cost(self.clean.only(seeds), self.damaged.only(seeds))


def costs(cost: Cost, metrics: Sequence[Metric] = ("P3", "P5", "with face")) -> pd.DataFrame:
    """Accuracy lost to a damage, with its 95% interval over videos and seeds.

    Returns:
        One row per metric: cost, low, high (fractions).
    """
    found = estimate(cost.counts(), cost.clean.clips, len(cost.clean.seeds), metrics)
    rows = [(e.metric, e.value, *e.interval) for e in found]
    return pd.DataFrame(rows, columns=["metric", "cost", "low", "high"]).set_index("metric")


def spared(
    ours: Cost, other: Cost, share: float = 1.0, metrics: Sequence[Metric] = ("with face",)
) -> pd.DataFrame:
    """By how much a share of the other's cost exceeds ours, on the same seeds and videos.

    With a share of ⅓, an interval above zero says that ours loses less than a third of what the
    other loses.

    Returns:
        One row per metric: difference, low, high (fractions), p (of a test that swaps the sides
        within random videos).
    """
    seeds = sorted(set(ours.clean.seeds) & set(other.clean.seeds))
    ours, other = ours.only(seeds), other.only(seeds)
    own, theirs = ours.counts(), other.counts()
    delta = {setting: share * theirs[setting] - own[setting] for setting in own}
    found = estimate(delta, ours.clean.clips, len(seeds), metrics)
    rows = [(e.metric, e.value, *e.interval, e.p) for e in found]
    columns = ["metric", "difference", "low", "high", "p"]
    return pd.DataFrame(rows, columns=columns).set_index("metric")


def cost_ratio(ours: Cost, other: Cost, metric: Metric = "with face") -> tuple[float, float, float]:
    """Our cost as a share of the other's, with its 95% interval over videos and seeds.

    The interval holds the shares at which `spared` finds no difference (Fieller 1954): a ratio of
    two noisy numbers has no standard error of its own.

    Returns:
        ratio, low, high; an end beyond 0 or 2 is shown as that.
    """
    value = float(costs(ours, [metric]).cost.iloc[0] / costs(other, [metric]).cost.iloc[0])
    shares = np.linspace(0, 2, 201)
    found = [spared(ours, other, share, [metric]).iloc[0] for share in shares]
    open_ = [s for s, row in zip(shares, found, strict=True) if row.low <= 0 <= row.high]
    return value, float(min(open_, default=value)), float(max(open_, default=value))
