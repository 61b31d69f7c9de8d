"""What was measured for a claim: from sweeps, from damaged clips, from systems, from studies."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from scipy.special import ndtri

from mraf.errors import RunError
from mraf.evaluation.differences import LEVEL, RESAMPLES, ArmRuns, equality, weighted_sum
from mraf.evaluation.records import read_results
from mraf.evidence.claims import Claim
from mraf.evidence.golden import Golden
from mraf.evidence.recorded import there
from mraf.evidence.tables import (
    Condition,
    Place,
    RecordedTable,
    arms_of,
    recorded_robustness,
    recorded_table,
)
from mraf.files import read_frame

Side = tuple[float, Mapping[str, ArmRuns]]  # arms, and their weight in what is compared
VIDEOS = "videos of these speakers, seeds"  # an English speaker has one video that is held out
DRAWN = {
    "open_set": "other speakers, draws of those known",
    "shared_space": "other speakers, folds with a seed each",
    "heads": "other speakers, folds with a seed each",
    "short_segment": "other speakers, seeds",
}
MOST = "most"  # in the row of a claim: the largest number of a column
NUMBERS = ("difference", "low", "high", "p", "p_equal")
SEEDS = "FIRST-LAST"  # stands for them in a command
AGAIN = "build/again"  # where a command records a row once more, beside what is kept


class Tested(NamedTuple):
    """What was measured for a claim: a row per rival, and from what.

    The columns of the table are NUMBERS and chance, the difference if there were none, drawn again
    and again (R,).
    """

    table: pd.DataFrame
    seeds: int
    preset: str
    command: str
    drawn: str  # what the interval draws
    golden: str = ""  # whether its arms compute now what they did then, see `Golden.of`


class Evidence:
    """The recorded results of a folder; each sweep is read once. Raises RunError without it."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise RunError(f"{folder}: no folder of recorded results; give the one with the CSVs.")
        self.folder = folder
        self._sweep = cache(lambda name, place: recorded_table(name, place, folder))
        self._damage = cache(lambda place: recorded_robustness(place, folder))
        self.golden = Golden(folder)

    def of(self, claim: Claim, place: Place) -> Tested | None:
        """What was measured for a claim on a corpus; None where that is not recorded, or cannot be.

        Raises RunError for a file that cannot be read, or is without what the claim asks for.
        """
        if claim.sweep:
            found = self._damage(place) if claim.damage else self._sweep(claim.sweep, place)
            tested = _of_arms(claim, place, found) if found else None
            name = f"{'robustness' if claim.damage else f'sweep_{claim.sweep}'}_{place.slug}"
        else:
            name = claim.systems or f"{claim.study}_{place.slug}"
            file = self.folder / f"{name}.csv"
            if claim.untestable or not there(file):
                return None
            try:
                rows = read_results(file) if claim.systems else _read_study(file)
            except RunError as error:
                raise RunError(f"{file}: claim '{claim.name}' needs it, but: {error}") from None
            if claim.systems:
                return _of_counts(claim, file, rows, _of_runs(rows))
            tested = _of_study(claim, file, rows)
        if tested is None:
            return None
        golden = self.golden.of(name, tested.preset, (claim.of, *claim.over))
        return tested._replace(golden=golden)


def sweep_command(
    claim: Claim, place: Place, preset: str, seeds: str, device: str, folder: object
) -> str:
    """What makes the runs of a claim and records them in a folder."""
    arms = " ".join((claim.of, *claim.over))
    return (
        f"mraf sweep data/sweeps/{claim.sweep}.toml{place.data} --preset {preset} --arms {arms} "
        f"--seeds {seeds} --device {device} --record {folder}"
    )


def _of_arms(claim: Claim, place: Place, found: RecordedTable) -> Tested | None:
    """From a sweep, or by how much less a damage costs the one than its rivals."""
    names, arms = (claim.of, *claim.over), found.runs.get(Condition.of(claim.damage), {})
    if not set(names) <= arms.keys() & found.arms.keys():
        return None
    sides: list[Side] = [(1, arms)]
    command = sweep_command(claim, place, found.preset, SEEDS, found.device, AGAIN)
    if claim.damage:
        sides.append((-1, found.arms))
        trained = " ".join(dict.fromkeys(name.partition("+")[0] for name in names))
        command = f"python scripts/record_robustness.py{place.data} --preset {found.preset} "
        command += f"--arms {trained} --seeds {SEEDS} --out {AGAIN}"
    return _paired(claim, sides, found.preset, command)


def _paired(claim: Claim, sides: Sequence[Side], preset: str, command: str) -> Tested | None:
    """From runs on the same videos with the same seeds; None where they share fewer than two."""
    names = (claim.of, *claim.over)
    of_each = [set(arms[name].seeds) for _, arms in sides for name in names]
    seeds = sorted(set.intersection(*of_each))
    if len(seeds) < 2:
        return None
    rows = []
    for rival in claim.over:
        parts = [(weight, arms[claim.of].only(seeds)) for weight, arms in sides]
        parts += [(-weight, arms[rival].only(seeds)) for weight, arms in sides]
        (e,) = weighted_sum(parts, [claim.metric])
        p_equal = equality(e.elsewhere, e.videos)
        rows.append((e.value, e.low, e.high, e.p, p_equal, e.swapped))
    table = pd.DataFrame(rows, columns=[*NUMBERS, "chance"])
    command = command.replace(SEEDS, f"{seeds[0]}-{seeds[-1]}")
    return Tested(table, len(seeds), preset, command, DRAWN.get(claim.study, VIDEOS))


# --- studies ------------------------------------------------------------------------------------


def _read_study(file: Path) -> pd.DataFrame:
    """A study: results by video, or rows with value, low, high and command."""
    try:
        rows = read_frame(file)
    except (OSError, ValueError) as error:
        raise RunError(f"no readable CSV ({error}); record it again.") from None
    if "correct_per_video" in rows.columns:
        return read_results(file)
    numbers = ("value", *NUMBERS[1:])
    for name in (*numbers, "draw", "command"):
        if name not in rows.columns:
            raise RunError(f"it lacks its column '{name}'.")
        if name in numbers and not is_numeric_dtype(rows[name]) and len(rows):
            raise RunError(f"it lacks numbers in '{name}'.")
    return rows


def _of_study(claim: Claim, file: Path, recorded: pd.DataFrame) -> Tested | None:
    """From a study of `mraf related`; None where the claim's row is not recorded."""
    if recorded.empty:
        raise RunError(f"{file}: holds no rows; restore it or record it again.")
    rows = recorded
    for column, value in (claim.row or {}).items():
        if column not in rows.columns:
            raise RunError(f"{file}: claim '{claim.name}' asks for an unknown column: {column}.")
        asked = rows[column].max() if value == MOST else value
        rows = rows[rows[column].astype(str) == str(asked)]
    if rows.empty:
        return None
    first = rows.iloc[0]
    if "correct_per_video" in rows.columns:
        return _of_counts(claim, file, rows, first.command)
    if len(rows) > 1:
        raise RunError(f"{file}: claim '{claim.name}' picks {len(rows)} rows; name one.")
    between = (first.value, first.low, first.high)
    if claim.smaller:
        between = (-first.value, -first.high, -first.low)
    normal = ndtri((np.arange(RESAMPLES) + 0.5) / RESAMPLES) / (2 * ndtri(1 - LEVEL / 2))
    row = (*between, first.p, first.p_equal, normal * (first.high - first.low))
    draws = pd.to_numeric(recorded.draw, errors="coerce").nunique()  # beside the pooled rows
    table = pd.DataFrame([row], columns=[*NUMBERS, "chance"])
    return Tested(table, draws, "", first.command, DRAWN.get(claim.study, VIDEOS))


def _of_counts(claim: Claim, file: Path, rows: pd.DataFrame, command: str) -> Tested | None:
    """From what was named rightly in each video. Raises RunError where an arm is not there."""
    asked = (claim.of, *claim.over)
    rows = rows[rows.system.isin(asked) & rows.correct_per_video.notna()]
    if rows[["corpus", "preset", "split"]].nunique().max() > 1:
        raise RunError(f"{file}: claim '{claim.name}' meets runs of several kinds; keep one kind.")
    arms = arms_of(rows)
    for name in asked:
        if name not in arms:
            raise RunError(f"{file}: claim '{claim.name}' asks for an unknown arm: {name}.")
    return _paired(claim, [(1, arms)], rows.preset.iloc[0], command)


def _of_runs(rows: pd.DataFrame) -> str:
    """What trains and judges the runs of a recorded evaluation; the run of seed 0 is called X-0."""
    first = rows.iloc[0]
    preset, _, recipe = first.preset.partition("+")
    words = first.command.split()
    run = words[2].removesuffix(f"-{first.seed}") if len(words) > 2 else "run"
    train = f"mraf train --preset {preset}{f' --recipe {recipe}' if recipe else ''}"
    judge = first.command.replace(f"{run}-{first.seed}", f"{run}-$S")
    seeds = " ".join(map(str, sorted(rows.seed.unique())))
    return f"for S in {seeds}; do {train} --seed $S --out {run}-$S && {judge} || exit 1; done"
