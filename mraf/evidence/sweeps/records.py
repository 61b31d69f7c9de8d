"""Finished sweeps as tidy CSV (``data/recorded/sweep_<table>_<corpus>.csv``), and back.

A row per arm, seed and setting, with the count of clips named rightly in each video, so that
intervals can be computed again. Videos are numbered in an order that tells nothing of their names;
how many clips each has stands once in ``sweep_videos_<corpus>.csv``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import mraf
from mraf.data.splits import SETTINGS
from mraf.errors import RunError
from mraf.evidence.sweeps.sweep import Sweep
from mraf.evidence.sweeps.tables import Table
from mraf.files import slug_of, without_home, write_text

COLUMNS = [
    "arm",
    "seed",
    "setting",
    "clips",
    "correct",
    "accuracy",
    "correct_per_video",
    "corpus",
    "preset",
    "split",
    "device",
    "commit",
    "command",
    "seconds",
]
NUMBERS = ("seed", "clips", "correct", "accuracy", "seconds", "video")
VIDEO_COLUMNS = ["split", "language", "video", "clips"]
TEXT = [name for name in (*COLUMNS, *VIDEO_COLUMNS) if name not in NUMBERS]  # a commit is no number
RUN = ["arm", "seed", "preset"]


def record(sweep: Sweep, folder: Path) -> list[Path]:
    """Write what is done of a sweep; rows of the same arm, seed and preset are replaced.

    Of a table of which nothing is done nothing is written: a file without rows is no record.

    Returns:
        The files of the tables.
    Raises:
        RunError: a file is there but of another form or of other videos, or cannot be written.
    """
    slug = slug_of(sweep.material.corpus)
    tables = [(table, _rows(sweep, table)) for table in sweep.tables]
    tables = [(table, rows) for table, rows in tables if len(rows)]
    if tables:
        _record_videos(sweep, folder / f"sweep_videos_{slug}.csv")
    files = []
    for table, rows in tables:
        file = folder / f"sweep_{table.name}_{slug}.csv"
        if file.exists():
            before = _read(file, COLUMNS)
            kept = ~pd.MultiIndex.from_frame(before[RUN]).isin(pd.MultiIndex.from_frame(rows[RUN]))
            rows = pd.concat([before[kept], rows], ignore_index=True) if kept.any() else rows
        order = {arm.name: number for number, arm in enumerate(table.arms)}
        rows["order"] = rows["arm"].map(order)  # arms that are no longer declared come last
        rows = rows.sort_values(["preset", "order", "arm", "seed", "setting"])[COLUMNS]
        write_text(file, rows.to_csv(index=False, float_format="%.5f"))
        files.append(file)
    return files


def read_sweep(file: str | Path, condition: Sequence[str] = ()) -> pd.DataFrame:
    """The rows of a recorded table, with arrays.

    Args:
        condition: columns before the usual ones that say under what a run was judged, where each
            was judged under several conditions.
    Returns:
        The columns of the file; ``correct_per_video`` is an array of counts (V,), and
        ``clips_per_video`` beside it says of how many clips.
    Raises:
        RunError: not such a file, or counts that do not fit their videos; the message names file
            and line.
    """
    file = Path(file)
    frame = _read(file, [*condition, *COLUMNS])
    videos = _clips_per_video(file, frame)
    correct, clips = [], []
    for row in frame.itertuples():
        where = f"{file}, line {row.Index + 2}"
        counts = parse_counts(row.correct_per_video, f"{where}: correct_per_video")
        of = videos.get((row.split, row.setting))
        if of is None:
            raise RunError(f"{where}: no videos are recorded for {row.split}, {row.setting}.")
        if len(counts) != len(of) or (counts < 0).any() or (counts > of).any():
            raise RunError(f"{where}: correct_per_video does not fit the {len(of)} videos.")
        if counts.sum() != row.correct or of.sum() != row.clips:
            raise RunError(f"{where}: the counts of the videos do not add up to the row's.")
        correct.append(counts)
        clips.append(of)
    twice = frame.duplicated([*condition, *RUN, "setting"])
    if twice.any():
        line = int(twice.idxmax()) + 2
        raise RunError(f"{file}, line {line}: arm, seed, preset and setting occur twice.")
    return frame.assign(correct_per_video=correct, clips_per_video=clips)


def with_counts(rows: pd.DataFrame, what: str) -> pd.DataFrame:
    """The rows of a table that says in each how many clips each video has, with arrays.

    Args:
        what: names the table in errors.
    Raises:
        RunError: a column is missing, or counts do not add up to the row's.
    """
    totals = {"correct_per_video": "correct", "clips_per_video": "clips"}
    if missing := [name for pair in totals.items() for name in pair if name not in rows.columns]:
        raise RunError(f"{what}: lacks {', '.join(missing)}.")
    arrays = {}
    for name, total in totals.items():
        arrays[name] = [parse_counts(text, f"{what}: {name}") for text in rows[name]]
        if [int(counts.sum()) for counts in arrays[name]] != rows[total].tolist():
            raise RunError(f"{what}: {name} does not add up to '{total}'.")
    return rows.assign(**arrays)


def parse_counts(text: object, what: str) -> NDArray[np.int64]:
    """Counts separated by blanks, shape (V,). Raises RunError where they are none."""
    try:
        return np.array(str(text).split(), dtype=np.int64)
    except ValueError:
        raise RunError(f"{what} holds no counts.") from None


def _rows(sweep: Sweep, table: Table) -> pd.DataFrame:
    rows = []
    for arm, seed, outcome in sweep.finished(table):
        for setting in SETTINGS:
            counts, clips = outcome["correct"][setting.name], sweep.material.clips
            total = sum(clips[setting.language])
            rows.append(
                {
                    "arm": arm.name,
                    "seed": seed,
                    "setting": setting.name,
                    "clips": total,
                    "correct": sum(counts),
                    "accuracy": sum(counts) / total,
                    "correct_per_video": " ".join(map(str, counts)),
                    "corpus": sweep.material.corpus,
                    "preset": sweep.preset,
                    "split": sweep.material.split,
                    "device": outcome["device"],
                    "commit": outcome["commit"],
                    "command": _command(sweep, table, arm.name, seed),
                    "seconds": outcome["seconds"],
                }
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def _command(sweep: Sweep, table: Table, arm: str, seed: int) -> str:
    """What makes this run again; the official features are where MRAF_DATA says."""
    root = Path(mraf.__file__).parents[1]
    file = table.file.resolve()
    shown = file.relative_to(root) if file.is_relative_to(root) else without_home(table.file)
    data = " --data twin" if sweep.source == "twin" else ""
    return (
        f"mraf sweep {shown}{data} --preset {sweep.preset} --arms {arm} --seeds {seed}-{seed} "
        f"--device {sweep.material.device.partition(':')[0]}"
    )


def _record_videos(sweep: Sweep, file: Path) -> None:
    split = sweep.material.split
    rows = pd.DataFrame(
        [
            (split, language, video, clips)
            for language, counts in sweep.material.clips.items()
            for video, clips in enumerate(counts)
        ],
        columns=VIDEO_COLUMNS,
    )
    if file.exists():
        before = _read(file, VIDEO_COLUMNS)
        same = before[before["split"] == split].reset_index(drop=True)
        if len(same) and not same.equals(rows):
            raise RunError(
                f"{file}: was recorded from other videos than {sweep.material.corpus} has now; "
                "record into another folder."
            )
        rows = pd.concat([before[before["split"] != split], rows])
    write_text(file, rows.to_csv(index=False))


def _clips_per_video(file: Path, frame: pd.DataFrame) -> dict[tuple[str, str], NDArray[np.int64]]:
    """Clips per video, shape (V,), by split and setting, from the file beside a recorded table."""
    if frame.empty or frame["corpus"].nunique() != 1:
        raise RunError(f"{file}: expected rows of one corpus.")
    videos = _read(
        file.with_name(f"sweep_videos_{slug_of(frame['corpus'].iloc[0])}.csv"), VIDEO_COLUMNS
    )
    return {
        (split, setting.name): group["clips"].to_numpy(dtype=np.int64)
        for (split, language), group in videos.groupby(["split", "language"], sort=False)
        for setting in SETTINGS
        if setting.language == language
    }


def _read(file: Path, columns: list[str]) -> pd.DataFrame:
    try:
        frame = pd.read_csv(file, dtype=dict.fromkeys(TEXT, str))
    except OSError as error:
        raise RunError(f"{file}: cannot be read ({error.strerror}).") from None
    except ValueError as error:
        raise RunError(f"{file}: not a CSV of a sweep ({error}).") from None
    if list(frame.columns) != columns:
        raise RunError(f"{file}: not a CSV of a sweep; expected the columns {', '.join(columns)}.")
    return frame
