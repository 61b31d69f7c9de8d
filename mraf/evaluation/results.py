"""What systems got right, clip by clip and video by video, and the accuracies that follow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mraf.data.clips import FeatureSet
from mraf.errors import RunError
from mraf.evaluation.intervals import MEAN, METRICS, SETTING, SHOWN, Estimate, estimate
from mraf.evaluation.records import COUNTS, ArmRuns, counts_text

STAND_IN = "speaker "  # and its number, where a video is not known


@dataclass(frozen=True, eq=False)
class Judged:
    """The judged clips of one language.

    Args:
        language: "English", "Urdu", …
        key: names of the clips, shape (N,), str.
        speaker: true labels, shape (N,), int64.
        video: what is resampled, shape (N,), str. Where a video is not known its speaker stands
            in for it: in the official test one video is one speaker.
    """

    language: str
    key: NDArray[np.str_]
    speaker: NDArray[np.int64]
    video: NDArray[np.str_]

    def __post_init__(self) -> None:
        stand_in = np.char.add(STAND_IN, self.speaker.astype(str))
        object.__setattr__(self, "video", np.where(self.video == "", stand_in, self.video))

    @classmethod
    def of(cls, clips: FeatureSet) -> Judged:
        """The clips of a labelled set. Raises DataError where the source hides the labels."""
        return cls(clips.language, clips.key, clips.labels, clips.video)

    @cached_property
    def video_index(self) -> NDArray[np.int64]:
        """Number of each clip's video, 0 … V-1, shape (N,)."""
        return np.unique(self.video, return_inverse=True)[1].astype(np.int64)

    @property
    def videos(self) -> int:
        return int(self.video_index.max()) + 1

    def per_video(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Sum of one value per clip (N,) over the clips of each video, shape (V,)."""
        return np.bincount(self.video_index, weights=values).astype(float)

    def published_counts(self, counted: NDArray[np.bool_]) -> list[int]:
        """How many clips of each video are counted, in an order that tells nothing of the names.

        Videos are sorted by a hash of their names: the same order everywhere, but neither
        alphabetical nor by speaker.
        """
        names = [sha256(video.encode()).hexdigest() for video in np.unique(self.video)]
        return [int(count) for count in self.per_video(counted)[np.argsort(names)]]

    def to_dict(self) -> dict[str, Any]:
        arrays = {name: getattr(self, name).tolist() for name in ("key", "speaker", "video")}
        return {"language": self.language, **arrays}


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What each system got right, clip by clip, and everything that follows from it.

    Args:
        judged: the clips by `Setting.language`, "english" and "cross".
        correct: by system and name of the setting, True where the clip was named rightly, shape
            (N,), bool. A setting is absent where the system's scores are the same for every clip
            (a face-only system without faces): its accuracy would say nothing.
        split: "validation", "test", …
        notes: what was left out, and why.
        resamples: number of bootstrap draws.
        seed: of those draws.
    """

    judged: Mapping[str, Judged]
    correct: Mapping[str, Mapping[str, NDArray[np.bool_]]]
    split: str
    notes: tuple[str, ...] = ()
    resamples: int = 2000
    seed: int = 0

    @property
    def systems(self) -> tuple[str, ...]:
        return tuple(self.correct)

    @cached_property
    def clips(self) -> dict[str, NDArray[np.float64]]:
        """Clips of each video, shape (V,), by `Setting.language`."""
        return {name: part.per_video(np.ones(len(part.key))) for name, part in self.judged.items()}

    def outcomes(self, system: str) -> Mapping[str, NDArray[np.bool_]]:
        """What a system got right by setting, shape (N,). Raises RunError where there is none."""
        if system not in self.correct:
            known = list(self.systems)
            raise RunError(f"no system '{system}' was evaluated; there are: {known}.")
        return self.correct[system]

    def runs(self, system: str) -> ArmRuns:
        """What a system got right in each video, as an arm of one seed. Raises as `outcomes`."""
        correct = {
            name: self.judged[SETTING[name].language].per_video(right)[None]
            for name, right in self.outcomes(system).items()
        }
        return ArmRuns(system, (0,), correct, self.clips)

    def estimates(self, counts: Mapping[str, NDArray[Any]]) -> list[Estimate]:
        """Counts by setting, shape (1, V), as accuracies with intervals, and their mean.

        P3 and P4 are judged on the same clips, as are P5 and P6, and share their draws: the
        interval of the mean and of a difference thereby sees how they move together.
        """
        metrics = [name for name in SHOWN if METRICS[name].keys() <= counts.keys()]
        return estimate(counts, self.clips, metrics, self.resamples, self.seed)

    def counts_by_video(self) -> dict[tuple[str, str], dict[str, str]]:
        """What a recorded row says of each video, by system and setting; no names.

        A setting whose videos are not known has none: its speakers stand in for them.
        """
        found = {}
        for system, settings in self.correct.items():
            for name, right in settings.items():
                judged = self.judged[SETTING[name].language]
                counted = (right, np.ones(len(right), dtype=bool))
                texts = [counts_text(judged.published_counts(flags)) for flags in counted]
                if not np.char.startswith(judged.video, STAND_IN).any():
                    found[system, name] = dict(zip(COUNTS, texts, strict=True))
        return found

    def accuracies(self, system: str) -> dict[str, float]:
        """Accuracy by setting and, under "mean", their mean; a setting without meaning is absent.

        Raises as `outcomes`.
        """
        found = {name: float(right.mean()) for name, right in self.outcomes(system).items()}
        return found | ({MEAN: float(np.mean(list(found.values())))} if len(found) == 4 else {})

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row per (system, setting), settings P3 … P6 and "mean".

        Columns: clips, videos, correct (counts; NA for the mean), accuracy, low, high (fractions;
        NaN where the setting is not defined, low and high also where there is a single video).
        """
        rows = []
        for system, correct in self.correct.items():
            found = {e.metric: e for e in self.estimates(self.runs(system).correct)}
            for name in SHOWN:
                row: dict[str, Any] = {"system": system, "setting": name}
                if name != MEAN:
                    judged = self.judged[SETTING[name].language]
                    row |= {"clips": len(judged.key), "videos": judged.videos}
                if name in correct:
                    row["correct"] = int(correct[name].sum())
                if name in found:
                    value, low, high = found[name][1:4]
                    row |= {"accuracy": value, "low": low, "high": high}
                rows.append(row)
        counts = ["clips", "videos", "correct"]
        columns = ["system", "setting", *counts, "accuracy", "low", "high"]
        frame = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(counts, "Int64"))
        return frame.set_index(["system", "setting"])

    @property
    def table(self) -> pd.DataFrame:
        """Systems × P3 … P6, mean in percent as text: `97.4 [95.0, 99.1]`; `–` if undefined."""

        def cell(row: Any) -> str:
            if np.isnan(row.accuracy):
                return "–"
            if np.isnan(row.low):
                return f"{100 * row.accuracy:.1f}"
            return f"{100 * row.accuracy:.1f} [{100 * row.low:.1f}, {100 * row.high:.1f}]"

        cells = pd.Series([cell(row) for row in self.scores.itertuples()], self.scores.index)
        return cells.unstack().reindex(index=list(self.systems), columns=list(SHOWN))

    @property
    def markdown(self) -> str:
        """The table with its caption and notes; aligned, so that it also reads as plain text."""
        frame = self.table.rename_axis("system").reset_index()
        rows = [list(frame.columns), *frame.to_numpy().tolist()]
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        rows.insert(1, ["-" * width for width in widths])
        lines = [
            "| " + " | ".join(text.ljust(w) for text, w in zip(row, widths, strict=True)) + " |"
            for row in rows
        ]
        sizes = " and ".join(
            f"{len(judged.key):,} {judged.language} clips of {judged.videos:,} videos"
            for judged in self.judged.values()
        )
        caption = f"Accuracy in percent ({self.split}: {sizes}) with its 95% interval over videos."
        flawless = "100.0 [100.0, 100.0]"
        if (self.table == flawless).any(axis=None):
            caption += f" {flawless}: no error was seen, not that none can happen."
        if (self.table == "–").any(axis=None):
            caption += (
                " –: the same scores for every clip, or clips that lack what the system judges by."
            )
        return "\n".join([*lines, "", caption, *self.notes])

    @cached_property
    def per_speaker(self) -> pd.DataFrame:
        """Accuracy of each speaker: columns system, setting, speaker, clips, correct, accuracy."""
        parts = {}
        for system, settings in self.correct.items():
            for name, correct in settings.items():
                grouped = pd.Series(correct).groupby(self.judged[SETTING[name].language].speaker)
                parts[system, name] = grouped.agg(clips="size", correct="sum")
        frame = pd.concat(parts, names=["system", "setting", "speaker"]).reset_index()
        return frame.assign(accuracy=frame.correct / frame.clips)

    def to_json(self) -> str:
        """Everything as JSON: the scores to read, and the outcome of each clip as a 0 or 1.

        It names clips and speakers, so that of the official features is not for publication;
        `scores` is.
        """
        scores = self.scores.reset_index().astype(object)
        return json.dumps(
            {
                "split": self.split,
                "notes": self.notes,
                "resamples": self.resamples,
                "seed": self.seed,
                "scores": scores.where(scores.notna(), None).to_dict("records"),
                "judged": {language: part.to_dict() for language, part in self.judged.items()},
                "correct": {
                    system: {name: "".join(np.where(c, "1", "0")) for name, c in settings.items()}
                    for system, settings in self.correct.items()
                },
            },
            ensure_ascii=False,
        )
