"""What runs got right in each video: arms of a sweep, and the CSV files that keep them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mraf.errors import RunError
from mraf.evaluation.intervals import SETTING, Unit


@dataclass(frozen=True, eq=False)
class ArmRuns:
    """The runs of one arm, one a seed.

    Args:
        name: of the arm.
        seeds: shape (S,).
        correct: by setting, clips of each video that were named rightly, shape (S, V).
        clips: by `Setting.language`, clips of each video, shape (V,).
        unit: what counts are of; of "speaker", V is the number of speakers in every language.
    Raises:
        RunError: shapes that do not fit, more right clips than clips, a seed twice.
    """

    name: str
    seeds: tuple[int, ...]
    correct: Mapping[str, NDArray[Any]]
    clips: Mapping[str, NDArray[Any]]
    unit: Unit = "video"

    def __post_init__(self) -> None:
        if len(set(self.seeds)) < len(self.seeds):
            raise RunError(f"arm '{self.name}': a seed occurs twice: {list(self.seeds)}.")
        for setting, correct in self.correct.items():
            clips = self.clips[SETTING[setting].language]
            if correct.shape != (len(self.seeds), len(clips)):
                raise RunError(
                    f"arm '{self.name}', {setting}: counts of shape {correct.shape}, expected "
                    f"{len(self.seeds)} seeds × {len(clips)} videos."
                )
            if (correct < 0).any() or (correct > clips).any():
                raise RunError(f"arm '{self.name}', {setting}: more right clips than clips.")
        if self.unit == "speaker" and len({len(clips) for clips in self.clips.values()}) > 1:
            raise RunError(f"arm '{self.name}': other speakers in one language than in another.")

    def accuracy(self, setting: str) -> NDArray[np.float64]:
        """Of each seed, shape (S,)."""
        clips = self.clips[SETTING[setting].language]
        return np.asarray(self.correct[setting].sum(axis=1) / clips.sum(), dtype=float)

    def only(self, seeds: Iterable[int]) -> ArmRuns:
        """The runs of some of the seeds, in that order."""
        chosen = tuple(seeds)
        rows = [self.seeds.index(seed) for seed in chosen]
        correct = {setting: counts[rows] for setting, counts in self.correct.items()}
        return replace(self, seeds=chosen, correct=correct)


def runs_of(rows: pd.DataFrame, labels: Mapping[str, str] | None = None) -> dict[str, ArmRuns]:
    """The runs of each arm of a recorded sweep, in the order of their first rows.

    Args:
        rows: of one corpus and preset, as `mraf.evidence.sweeps.read_sweep` gives them: arm, seed,
        setting,
            correct_per_video and clips_per_video (arrays of counts, shape (V,)).
        labels: names to give the arms; by default they keep their own.
    Raises:
        RunError: a seed occurs twice or lacks a setting, or counts do not fit the videos.
    """
    clips: dict[str, NDArray[np.float64]] = {}
    for setting, counts in zip(rows.setting, rows.clips_per_video, strict=True):
        clips.setdefault(SETTING[setting].language, np.asarray(counts, dtype=float))
    found = {}
    for arm, own in rows.groupby("arm", sort=False):
        name = str(arm)
        if own.duplicated(["seed", "setting"]).any():
            raise RunError(f"arm '{name}': a seed occurs twice; choose one preset and one corpus.")
        table = own.pivot(index="seed", columns="setting", values="correct_per_video")
        for setting in table.columns[table.isna().any()]:
            seed = table.index[table[setting].isna()][0]
            raise RunError(f"arm '{name}', seed {seed}: no row for {setting}; record it again.")
        correct = {str(setting): np.stack(table[setting].to_list()) for setting in table.columns}
        seeds = tuple(int(seed) for seed in table.index)
        found[name] = ArmRuns((labels or {}).get(name, name), seeds, correct, clips)
    return found
