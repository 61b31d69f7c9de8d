"""What runs got right in each video: arms with their seeds, and the CSV files that keep them.

Every recorded result of P3–P6 has one form (``data/recorded/``): a row for each system, condition,
seed and setting, with the count of clips named rightly in each video, so that intervals can be
computed again. How many clips each has is said once for each split and setting of a file.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from mraf.errors import RunError
from mraf.evaluation.intervals import SETTING
from mraf.evaluation.shuffled import ORDER, shuffled
from mraf.files import locked, read_frame, write_text

RUN = ["system", "condition", "corpus", "preset", "split", "seed"]  # what a row is of
PLACE = ["corpus", "split", "setting"]  # of videos
COUNTS = ["correct_per_video", "clips_per_video"]
TOTALS = ["clips", "videos", "correct"]  # absent for a mean
NUMBERS = [*TOTALS, "accuracy", "low", "high"]  # low and high where there are no counts by video
COLUMNS = ["system", "condition", "seed", "setting", *NUMBERS, *COUNTS, "corpus", "preset", "split"]
COLUMNS += ["device", "commit", "command", "seconds"]  # a study may add others behind them
TEXT = {name: str for name in COLUMNS if name not in ("seed", *NUMBERS, "seconds")}


@dataclass(frozen=True, eq=False)
class ArmRuns:
    """The runs of one arm, one a seed.

    Raises RunError: shapes that do not fit, more right clips than clips, a seed twice.
    """

    name: str
    seeds: tuple[int, ...]  # S
    correct: Mapping[str, NDArray[Any]]  # by setting, right clips of each video, shape (S, V)
    clips: Mapping[str, NDArray[Any]]  # by `Setting.language`, clips of each video, shape (V,)

    def __post_init__(self) -> None:
        arm = f"arm '{self.name}'"
        if len(set(self.seeds)) < len(self.seeds):
            raise RunError(f"{arm}: a seed occurs twice: {list(self.seeds)}.")
        for setting, correct in self.correct.items():
            clips = self.clips[SETTING[setting].language]
            if correct.shape != (len(self.seeds), len(clips)):
                expected = f"{len(self.seeds)} seeds × {len(clips)} videos"
                raise RunError(
                    f"{arm}, {setting}: counts of shape {correct.shape}, expected {expected}."
                )
            if (correct < 0).any() or (correct > clips).any():
                raise RunError(f"{arm}, {setting}: more right clips than clips.")

    def accuracy(self, setting: str) -> NDArray[np.float64]:
        """Of each seed, shape (S,)."""
        clips = self.clips[SETTING[setting].language]
        return np.asarray(self.correct[setting].sum(axis=1) / clips.sum(), dtype=float)

    def only(self, seeds: Sequence[int]) -> "ArmRuns":
        """The runs of some of the seeds, in that order."""
        rows = [self.seeds.index(seed) for seed in seeds]
        correct = {setting: counts[rows] for setting, counts in self.correct.items()}
        return replace(self, seeds=tuple(seeds), correct=correct)


def runs_of(rows: pd.DataFrame) -> dict[str, ArmRuns]:
    """The runs of each arm, in the order of first rows, of one corpus and preset (`read_results`).

    Raises RunError: a seed occurs twice or lacks a setting, or counts do not fit the videos.
    """
    clips: dict[str, NDArray[np.float64]] = {}
    for setting, counts in zip(rows.setting, rows.clips_per_video, strict=True):
        clips.setdefault(SETTING[setting].language, np.asarray(counts, dtype=float))
    found = {}
    for name, own in rows.groupby("system", sort=False):
        arm = f"arm '{name}'"
        if own.correct_per_video.isna().any():
            raise RunError(f"{arm}: no counts by video were recorded.")
        if own.duplicated(["seed", "setting"]).any():
            raise RunError(f"{arm}: a seed occurs twice; choose one preset and one corpus.")
        table = own.pivot(index="seed", columns="setting", values="correct_per_video")
        for setting in table.columns[table.isna().any()]:
            seed = table.index[table[setting].isna()][0]
            raise RunError(f"{arm}, seed {seed}: no row for {setting}; record it again.")
        correct = {setting: np.stack(table[setting].to_list()) for setting in table}
        found[str(name)] = ArmRuns(str(name), tuple(map(int, table.index)), correct, clips)
    return found


def counted(right: Sequence[int], clips: Sequence[int]) -> dict[str, Any]:
    """What a recorded row says of its videos: NUMBERS without low and high, and COUNTS."""
    totals = {"clips": sum(clips), "videos": len(clips), "correct": sum(right)}
    texts = {"correct_per_video": counts_text(right), "clips_per_video": counts_text(clips)}
    return {**totals, "accuracy": sum(right) / sum(clips), **texts}


def counts_text(counts: Iterable[int]) -> str:
    """Counts of videos as a recorded row holds them."""
    return " ".join(str(int(count)) for count in counts)


def read_results(file: str | Path) -> pd.DataFrame:
    """The rows of recorded results; counts by video are arrays (V,), None where there are none.

    Raises RunError, with file and line: not such a file, or counts that do not fit their videos.
    """
    frame = _read(Path(file))
    twice = frame.duplicated([*RUN, "setting"])
    if twice.any():
        line = int(twice.idxmax()) + 2
        raise RunError(f"{file}, line {line}: system, seed, preset and setting occur twice.")
    return with_counts(frame, lambda index: f"{file}, line {index + 2}")


def with_counts(rows: pd.DataFrame, where: Callable[[Any], str]) -> pd.DataFrame:
    """Rows whose counts by video are text, with arrays; `where` names a row, from its index.

    Raises RunError: counts that are none, or that do not fit their videos or the row's totals.
    """
    if missing := [name for name in (*COUNTS, "correct", "clips") if name not in rows.columns]:
        raise RunError(f"not a table of results; it lacks {', '.join(missing)}.")
    counts = [_counts(row, where(row.Index)) for row in _filled(rows).itertuples()]
    found = pd.DataFrame(counts, rows.index, COUNTS, dtype=object)
    return rows.assign(**found)


def _counts(row: Any, where: str) -> tuple[Any, Any]:
    """Of each video, how many clips were named rightly and how many there are."""
    if pd.isna(row.correct_per_video):
        return None, None
    if pd.isna(row.clips_per_video):
        raise RunError(f"{where}: no videos are recorded for its split and setting.")
    try:
        right, clips = (np.array(str(getattr(row, c)).split(), dtype=np.int64) for c in COUNTS)
    except ValueError:
        raise RunError(f"{where}: correct_per_video or clips_per_video holds no counts.") from None
    if len(right) != len(clips) or (right < 0).any() or (right > clips).any():
        raise RunError(f"{where}: correct_per_video does not fit the {len(clips)} videos.")
    if (right.sum(), clips.sum()) != (row.correct, row.clips):
        raise RunError(f"{where}: the counts of the videos do not add up to the row's.")
    return right, clips


def write_results(file: Path, rows: pd.DataFrame, order: Sequence[str] = ()) -> None:
    """Put rows into a file of results; those of the same run, condition and setting are replaced.

    The videos of people come into an order of this machine's own (`shuffled`). Rows have columns of
    COLUMNS (what lacks is empty) and of the study, counts as text. Systems come in the ``order``
    given, others as they come.

    Raises RunError: the file is there but of another form or of other videos, or cannot be written.
    """
    rows = rows.reindex(columns=[*COLUMNS, *(name for name in rows if name not in COLUMNS)])
    rows = shuffled(_named(rows).reset_index(drop=True), COUNTS)
    with locked(file):
        _write_results(file, rows, order)


def _write_results(file: Path, rows: pd.DataFrame, order: Sequence[str]) -> None:
    if file.exists():
        before = _read(file)
        kept = ~pd.MultiIndex.from_frame(before[RUN]).isin(pd.MultiIndex.from_frame(rows[RUN]))
        rows = pd.concat([before[kept], rows], ignore_index=True) if kept.any() else rows
    rows[ORDER] = rows[ORDER].fillna("") if ORDER in rows else ""
    videos = rows.dropna(subset=COUNTS)  # a system may have no answer in a setting
    if videos.groupby(PLACE)[["clips_per_video", ORDER]].nunique().gt(1).any(axis=None):
        raise RunError(
            f"{file}: was recorded from other videos than {rows.corpus.iloc[-1]} has now, or on a "
            "machine with another order of videos; record into another folder."
        )
    for name, first in (("system", order), ("condition", ())):
        rows[name] = pd.Categorical(rows[name], list(dict.fromkeys([*first, *rows[name]])))
    rows = rows.sort_values(["preset", "system", "seed", "condition", "setting"], kind="stable")
    again = rows.dropna(subset="clips_per_video").duplicated(PLACE)
    rows.loc[again[again].index, "clips_per_video"] = None
    rows = rows.astype(dict.fromkeys(TOTALS, "Int64"))
    rows = rows if rows[ORDER].any() else rows.drop(columns=ORDER)
    write_text(file, rows.to_csv(index=False, float_format="%.5f"))


def _named(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows whose run is named by text alone: what lacks is empty."""
    return rows.assign(**{name: rows[name].astype(object).fillna("") for name in RUN[:-1]})


def _read(file: Path) -> pd.DataFrame:
    """The rows as they are, each with its clips by video."""
    try:
        frame = read_frame(file, dtype=TEXT)
    except OSError as error:
        raise RunError(f"{file}: cannot be read ({error.strerror}).") from None
    except ValueError as error:
        raise RunError(f"{file}: not a CSV of results ({error}).") from None
    if list(frame.columns[: len(COLUMNS)]) != COLUMNS:
        raise RunError(f"{file}: not a CSV of results; expected the columns {', '.join(COLUMNS)}.")
    for name in ("seed", *NUMBERS):
        if len(frame) and not is_numeric_dtype(frame[name]):
            raise RunError(f"{file}: not a CSV of results; expected numbers in '{name}'.")
        values = frame[name].dropna().astype(float)
        whole = name in ("seed", *TOTALS)
        bad = values[(values < 0) | (values % 1 != 0 if whole else values > 1)]
        if len(bad):
            kind = "a whole number from 0" if whole else "a fraction"
            found = f"'{name}' is {bad.iloc[0]:g}, not {kind}"
            raise RunError(f"{file}, line {bad.index[0] + 2}: {found}.")
    return _filled(_named(frame))


def _filled(rows: pd.DataFrame) -> pd.DataFrame:
    """Each row with the clips by video of its split and setting."""
    if rows["clips_per_video"].isna().all():
        return rows
    by = [name for name in PLACE if name in rows.columns]
    return rows.assign(clips_per_video=rows.groupby(by)["clips_per_video"].transform("first"))
