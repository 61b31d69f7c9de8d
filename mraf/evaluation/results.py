"""What systems got right, clip by clip and video by video, and the accuracies that follow."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
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
    """The judged clips of one language."""

    language: str  # "English", "Urdu", …
    key: NDArray[np.str_]  # names of the clips, shape (N,)
    speaker: NDArray[np.int64]  # true labels, shape (N,)
    video: NDArray[np.str_]  # what is resampled, shape (N,); the speaker where it is not known

    def __post_init__(self) -> None:
        stand_in = np.char.add(STAND_IN, self.speaker.astype(str))
        object.__setattr__(self, "video", np.where(self.video == "", stand_in, self.video))

    @classmethod
    def of(cls, clips: FeatureSet) -> "Judged":
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
        """How many clips of each video are counted, in the order of a hash of the names.

        The order is the same everywhere, so `write_results` shuffles it before it is published.
        """
        names = [sha256(video.encode()).hexdigest() for video in np.unique(self.video)]
        return [int(count) for count in self.per_video(counted)[np.argsort(names)]]

    def same_clips(self, other: "Judged") -> bool:
        names = ("key", "speaker", "video")
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in names)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What each system got right, clip by clip, and everything that follows from it.

    A setting is absent where the system's scores are the same for every clip (a face-only system
    without faces): its accuracy would say nothing.
    """

    judged: Mapping[str, Judged]  # by `Setting.language`, "english" and "cross"
    correct: Mapping[str, Mapping[str, NDArray[np.bool_]]]  # by system and setting, shape (N,)
    split: str  # "validation", "test", …
    notes: tuple[str, ...] = ()  # what was left out, and why
    resamples: int = 2000  # of the bootstrap
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
            raise RunError(f"no system '{system}' was evaluated; there are: {list(self.correct)}.")
        return self.correct[system]

    def runs(self, system: str) -> ArmRuns:
        """What a system got right in each video, as an arm of one seed. Raises as `outcomes`."""
        correct = {
            name: self.judged[SETTING[name].language].per_video(right)[None]
            for name, right in self.outcomes(system).items()
        }
        return ArmRuns(system, (0,), correct, self.clips)

    def estimates(
        self, counts: Mapping[str, NDArray[Any]], accuracy: bool = False
    ) -> list[Estimate]:
        """Counts by setting, shape (1, V), as accuracies or differences, and their mean.

        P3 and P4 are judged on the same clips, as are P5 and P6, and share their draws: the
        interval of the mean and of a difference thereby sees how they move together.
        """
        metrics = [name for name in SHOWN if METRICS[name].keys() <= counts.keys()]
        chance = self.resamples, self.seed
        return estimate(counts, self.clips, metrics, *chance, accuracy=accuracy)

    def counts_by_video(self) -> pd.DataFrame:
        """What a recorded row says of each video, by system and setting; no names.

        A setting whose videos are not known has none: its speakers stand in for them.
        """
        found = {}
        for system, settings in self.correct.items():
            for name, right in settings.items():
                judged = self.judged[SETTING[name].language]
                if not np.char.startswith(judged.video, STAND_IN).any():
                    counted = (right, np.ones_like(right))
                    found[system, name] = [counts_text(judged.published_counts(x)) for x in counted]
        return pd.DataFrame(found, COUNTS).T

    def accuracies(self, system: str) -> dict[str, float]:
        """Accuracy by setting and, where all have one, their mean. Raises as `outcomes`."""
        found = {name: float(right.mean()) for name, right in self.outcomes(system).items()}
        return found | ({MEAN: float(np.mean(list(found.values())))} if len(found) == 4 else {})

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row per (system, setting), settings P3 … P6 and "mean".

        Columns: clips, videos, correct (counts; NA for the mean), accuracy, low, high (fractions;
        NaN where the setting is not defined, low and high also where there is a single video).
        """
        found: list[tuple[Any, ...]] = []
        correct: dict[tuple[str, str], int] = {}
        for system, settings in self.correct.items():
            runs = self.runs(system)
            found += [(system, *estimate[:4]) for estimate in self.estimates(runs.correct, True)]
            correct |= {(system, name): int(right.sum()) for name, right in settings.items()}
        names = ["system", "setting"]
        shown = pd.DataFrame(index=pd.MultiIndex.from_product([self.correct, SHOWN], names=names))
        judged = {name: self.judged[setting.language] for name, setting in SETTING.items()}
        setting = shown.index.get_level_values("setting")
        counts = {
            "clips": setting.map({name: len(part.key) for name, part in judged.items()}),
            "videos": setting.map({name: part.videos for name, part in judged.items()}),
            "correct": shown.index.map(correct),
        }
        measured = pd.DataFrame(found, columns=[*names, "accuracy", "low", "high"])
        return shown.assign(**counts).astype("Int64").join(measured.set_index(names))

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
        table = self.table.rename_axis("system").reset_index()
        widths = [max(map(len, [name, *table[name]])) for name in table]
        rule = ["-" * width for width in widths]
        lines = [
            "| " + " | ".join(map(str.ljust, row, widths)) + " |"
            for row in (table.columns, rule, *table.to_numpy())
        ]
        sizes = " and ".join(
            f"{len(judged.key):,} {judged.language} clips of {judged.videos:,} videos"
            for judged in self.judged.values()
        )
        caption = f"Accuracy in percent ({self.split}: {sizes}) with its 95% interval over videos."
        if (self.table == "–").any(axis=None):
            caption += " –: the same scores for every clip, or clips that lack what is judged by."
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

        def plain(array: NDArray[Any]) -> Any:
            return "".join(np.where(array, "1", "0")) if array.dtype == bool else array.tolist()

        scores = self.scores.reset_index().astype(object)
        rows = scores.where(scores.notna(), None).to_dict("records")
        content = {**asdict(self), "scores": rows}
        return json.dumps(content, default=plain, ensure_ascii=False)
