"""Judge systems in P3–P6 and compare two of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm.auto import tqdm

from mraf.data.clips import FeatureSet
from mraf.data.splits import SETTINGS, Setting, Split
from mraf.errors import DataError, RunError
from mraf.evaluation.results import LEVEL, MEAN, SETTING, Evaluation, Judged

__all__ = ["Evaluation", "Predictor", "evaluate", "paired_difference", "top1"]

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
    is an error, since the system does not decide.

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
    return Evaluation(judged, correct, split.name, split.notes, resamples, seed)


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


def paired_difference(
    evaluation: Evaluation, first: str, second: str, other: Evaluation | None = None
) -> pd.DataFrame:
    """How much better the first system is than the second on the same clips.

    Two checks over videos: the bootstrap interval of the difference, and a test that swaps the two
    systems within random videos. The verdict asks both, since the interval alone cries wolf when
    few videos differ (simulated: 8–10% false alarms at a nominal 5%, with both 2–5%). Five
    comparisons are five chances of a false alarm.

    Args:
        first, second: names of systems.
        other: where to look up the second system, another run judged on the same clips; by
            default the same evaluation.
    Returns:
        One row per setting in which both are defined, and the mean: difference, low, high
        (fractions), p, verdict ("better", "worse", "cannot be told apart").
    Raises:
        RunError: no such system, or the two evaluations are of other clips.
    """
    other = evaluation if other is None else other
    for language, judged in evaluation.judged.items():
        if not judged.same_clips(other.judged[language]):
            raise RunError(f"the evaluations are of different {judged.language} clips.")
    point = evaluation.accuracies(first), other.accuracies(second)
    drawn = (
        evaluation.accuracy_over(evaluation.draws, first),
        other.accuracy_over(evaluation.draws, second),
    )
    swapped = _swapped(evaluation, evaluation.correct[first], other.correct[second])
    rows = []
    for name in [name for name in point[0] if name in point[1]]:
        difference = point[0][name] - point[1][name]
        setting = None if name == MEAN else SETTING[name]
        low, high = evaluation.interval(drawn[0][name] - drawn[1][name], setting)
        as_large = np.abs(swapped[name]) >= abs(difference) - 1e-12
        p = (1 + as_large.sum()) / (1 + len(as_large))
        told_apart = p < LEVEL and (low > 0 or high < 0)
        verdict = (
            ("better" if difference > 0 else "worse") if told_apart else "cannot be told apart"
        )
        rows.append((name, difference, low, high, p, verdict))
    columns = ["setting", "difference", "low", "high", "p", "verdict"]
    return pd.DataFrame(rows, columns=columns).set_index("setting")


def _swapped(
    evaluation: Evaluation,
    first: Mapping[str, NDArray[np.bool_]],
    second: Mapping[str, NDArray[np.bool_]],
) -> dict[str, NDArray[np.float64]]:
    """Differences, by setting, after the systems are swapped within random videos (resamples,)."""
    rng = np.random.default_rng(evaluation.seed)
    signs = {
        language: rng.choice([-1.0, 1.0], size=(evaluation.resamples, judged.videos))
        for language, judged in evaluation.judged.items()
    }
    differences = {}
    for setting in SETTINGS:
        if setting.name in first and setting.name in second:
            judged = evaluation.judged[setting.language]
            delta = first[setting.name].astype(float) - second[setting.name]
            differences[setting.name] = signs[setting.language] @ judged.per_video(delta)
            differences[setting.name] /= len(judged.key)
    if len(differences) == len(SETTINGS):
        differences[MEAN] = np.mean(list(differences.values()), axis=0)
    return differences
