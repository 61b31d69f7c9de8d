"""Judge systems in P3–P6."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from mraf.data.clips import FeatureSet
from mraf.data.splits import P3, P4, P5, P6, SETTINGS, Setting, Split
from mraf.errors import DataError, RunError
from mraf.evaluation.results import Evaluation, Judged

Predictor = Callable[[FeatureSet], Mapping[str, NDArray[Any]]]
"""Maps N clips to {name of a system: scores (N, C)}, higher is better."""


class Judge(Protocol):
    """A system that is told more than the clips of the setting, by a protocol of its own."""

    def answers(self, split: Split, setting: Setting) -> Mapping[str, NDArray[Any]]:
        """{name of a system: scores (N, C)} of the clips of a setting."""


def answers(predictor: Predictor | Judge, split: Split, setting: Setting) -> Mapping[str, Any]:
    """What a predictor says of the clips of a setting: {name of a system: scores (N, C)}."""
    if hasattr(predictor, "answers"):
        found: Mapping[str, Any] = predictor.answers(split, setting)
        return found
    return predictor(split.clips(setting))


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
        predictors: each is asked once per setting and may score for several systems. A function
            sees the clips of the setting; a `Judge` what its protocol shows.
        resamples, seed: of the bootstrap over videos.
        progress: show a bar when it takes longer than two seconds.
    Raises:
        DataError: the labels of the split are hidden or not below its number of speakers.
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
    tasks = [(number, setting) for number in range(len(predictors)) for setting in SETTINGS]
    for number, setting in tqdm(tasks, "evaluate", delay=2, leave=False, disable=not progress):
        clips = split.clips(setting)
        for system, given in answers(predictors[number], split, setting).items():
            if owner.setdefault(system, number) != number:
                raise RunError(f"two predictors name a system '{system}'; rename one.")
            scores = checked_scores(given, system, setting, len(clips), split.speakers)
            outcomes = correct.setdefault(system, {})
            if _depends_on_clip(scores):
                outcomes[setting.name] = top1(scores, clips.labels)
    notes = list(split.notes)
    for given, faceless in ((P3, P4), (P5, P6)):
        missing = split.clips(given).face_missing
        if missing.any():
            notes.append(
                f"{given.name}: {missing.sum()} of {len(missing)} clips have no face; only the "
                "voice decides there. A face-only system cannot answer and shows –."
            )
            for outcomes in correct.values():
                if faceless.name not in outcomes:  # it looks at the face only
                    outcomes.pop(given.name, None)
    return Evaluation(judged, correct, split.name, tuple(notes), resamples, seed)


def checked_scores(
    scores: Any, system: str, setting: Setting, clips: int, speakers: int
) -> NDArray[Any]:
    """The scores as an array (clips, speakers). Raises RunError for another shape, NaN or Inf."""
    scores = np.asarray(scores)
    if scores.shape != (clips, speakers):
        raise RunError(
            f"{system}, {setting.name}: scores have shape {scores.shape}, "
            f"expected {(clips, speakers)}: one row per clip, one column per speaker."
        )
    bad = ~np.isfinite(scores).all(axis=1)
    if bad.any():
        raise RunError(f"{system}, {setting.name}: scores of clip {bad.argmax()} are not finite.")
    return scores


def top1(scores: NDArray[Any], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """True where the label's score is above all others, shape (N,); a tie for the top is False."""
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    correct: NDArray[np.bool_] = (scores >= own).sum(axis=1) == 1
    return correct


def _depends_on_clip(scores: NDArray[Any]) -> bool:
    """False where every clip is given the same scores, up to rounding (one clip: all tied)."""
    spread = np.ptp(scores, axis=0 if len(scores) > 1 else 1)
    return bool(spread.max() > 1e-6 * np.abs(scores).max())
