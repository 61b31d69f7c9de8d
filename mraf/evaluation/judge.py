"""Judge systems in P3–P6, a block of clips at a time where a system allows it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from mraf.data.clips import FeatureSet
from mraf.data.splits import P3, P4, P5, P6, SETTINGS, Setting, Split
from mraf.errors import DataError, RunError
from mraf.evaluation.predict import BATCH
from mraf.evaluation.results import Evaluation, Judged

Predictor = Callable[[FeatureSet], Mapping[str, NDArray[Any]]]
"""Maps N clips to {name of a system: scores (N, C)}, higher is better."""

SCORES = 2**23  # of one system in one block, at most, unless a single batch holds more
BATCHES = 16  # in one block, at most


@dataclass(frozen=True, eq=False)
class ClipByClip:
    """A predictor that judges each clip by itself, so that it may be asked block by block."""

    predictor: Predictor

    def __call__(self, clips: FeatureSet) -> Mapping[str, NDArray[Any]]:
        return self.predictor(clips)


class Judge(Protocol):
    """A system that is told more than the clips of the setting, by a protocol of its own."""

    def answers(self, split: Split, setting: Setting) -> Mapping[str, NDArray[Any]]:
        """{name of a system: scores (N, C)} of the clips of a setting."""


def answers(
    predictor: Predictor | Judge, split: Split, setting: Setting
) -> Iterator[tuple[slice, Mapping[str, Any]]]:
    """The clips of a setting (which rows) and what a predictor says: {system: scores (rows, C)}.

    A `ClipByClip` is asked block by block; others may look at all clips and are asked once.
    """
    clips: FeatureSet = getattr(split, setting.language)
    if isinstance(predictor, ClipByClip):
        size = BATCH * int(np.clip(SCORES // (BATCH * split.speakers), 1, BATCHES))
        for start in range(0, len(clips), size):
            block = clips[start : start + size]
            shown = block if setting.face else block.without_faces()
            yield slice(start, start + len(block)), predictor(shown)
    elif hasattr(predictor, "answers"):
        yield slice(0, len(clips)), predictor.answers(split, setting)
    else:
        yield slice(0, len(clips)), predictor(split.clips(setting))


def evaluate(
    predictors: Predictor | Judge | Sequence[Predictor | Judge],
    split: Split,
    resamples: int = 2000,
    seed: int = 0,
    progress: bool = True,
) -> Evaluation:
    """Judge systems in P3–P6.

    A clip is named rightly when its speaker's score is above every other score; a tie for the top
    is an error, since the system does not decide. Clips without a face where P3 or P5 expect one
    are counted in the notes; a system that looks at the face only is then not judged there.

    Args:
        predictors: each may score for several systems. A function sees all clips of the setting at
            once, a `ClipByClip` a block of them, a `Judge` what its protocol shows.
        resamples, seed: of the bootstrap over videos.
    Raises DataError: the labels of the split are hidden or not below its number of speakers;
    RunError: scores of a wrong shape or not finite, or two systems of one name.
    """
    judged = {name: Judged.of(getattr(split, name)) for name in ("english", "cross")}
    for name, part in judged.items():
        if part.speaker.max() >= split.speakers:
            source = getattr(split, name).source
            raise DataError(f"{source}: a speaker label is not below {split.speakers}.")
    predictors = list(predictors) if isinstance(predictors, Sequence) else [predictors]
    correct: dict[str, dict[str, NDArray[np.bool_]]] = {}
    owner: dict[str, int] = {}
    tasks = list(product(range(len(predictors)), SETTINGS))
    for number, setting in tqdm(tasks, "evaluate", delay=2, leave=False, disable=not progress):
        for system, outcome in outcomes(predictors[number], split, setting).items():
            if owner.setdefault(system, number) != number:
                raise RunError(f"two predictors name a system '{system}'; rename one.")
            settings = correct.setdefault(system, {})
            if outcome.depends_on_clip:
                settings[setting.name] = outcome.right
    notes = list(split.notes)
    for given, faceless in ((P3, P4), (P5, P6)):
        missing = split.clips(given).face_missing
        if missing.any():
            notes.append(
                f"{given.name}: {missing.sum()} of {len(missing)} clips have no face; only the "
                "voice decides there. A face-only system cannot answer and shows –."
            )
            for settings in correct.values():
                if faceless.name not in settings:  # it looks at the face only
                    settings.pop(given.name, None)
    return Evaluation(judged, correct, split.name, tuple(notes), resamples, seed)


class Outcome:
    """What is kept of a system's scores in a setting: who was named rightly, and their range."""

    def __init__(self, clips: int) -> None:
        self.right = np.zeros(clips, dtype=bool)
        self.low: Any = np.inf  # of each speaker's scores, (C,)
        self.high: Any = -np.inf

    def add(self, rows: slice, scores: NDArray[Any], labels: NDArray[np.int64]) -> None:
        self.right[rows] = top1(scores, labels)
        self.low = np.minimum(self.low, scores.min(axis=0))
        self.high = np.maximum(self.high, scores.max(axis=0))

    @property
    def depends_on_clip(self) -> bool:
        """False where every clip is given the same scores, up to rounding (one clip: all tied)."""
        spread = self.high - self.low if len(self.right) > 1 else np.ptp(self.low)
        return bool(np.max(spread) > 1e-6 * np.maximum(-self.low, self.high).max())


def outcomes(predictor: Predictor | Judge, split: Split, setting: Setting) -> dict[str, Outcome]:
    """What each system of a predictor gets right; scores are not kept. Raises as `evaluate`."""
    labels = getattr(split, setting.language).labels
    found: dict[str, Outcome] = {}
    for rows, given in answers(predictor, split, setting):
        for system, scores in given.items():
            scores = checked_scores(scores, system, setting, rows, split.speakers)
            found.setdefault(system, Outcome(len(labels))).add(rows, scores, labels[rows])
    return found


def checked_scores(
    scores: Any, system: str, setting: Setting, clips: slice, speakers: int
) -> NDArray[Any]:
    """The scores of a slice of clips as an array. Raises RunError: another shape, NaN or Inf."""
    scores = np.asarray(scores)
    shape = (clips.stop - clips.start, speakers)
    if scores.shape != shape:
        raise RunError(
            f"{system}, {setting.name}: scores have shape {scores.shape}, expected {shape}: one "
            "row per clip, one column per speaker."
        )
    bad = ~np.isfinite(scores).all(axis=1)
    if bad.any():
        clip = clips.start + bad.argmax()
        raise RunError(f"{system}, {setting.name}: scores of clip {clip} are not finite.")
    return scores


def top1(scores: NDArray[Any], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """True where the label's score is above all others, shape (N,); a tie for the top is False."""
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    correct: NDArray[np.bool_] = (scores >= own).sum(axis=1) == 1
    return correct
