"""A run judged, recorded and submitted; what the commands call."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from mraf import data
from mraf.data.clips import Corpus
from mraf.data.splits import Split, test_split, unseen, validation_split
from mraf.errors import RunError
from mraf.evaluation.baselines import class_mean_systems, fit_fop
from mraf.evaluation.judge import ClipByClip, Judge, Predictor, evaluate
from mraf.evaluation.predict import predict
from mraf.evaluation.records import write_results
from mraf.evaluation.results import Evaluation
from mraf.evaluation.submission import write_submission
from mraf.files import without_home
from mraf.training.runs import Run

Systems = Callable[[Run, Split], Sequence[Predictor | Judge]]
HELD_OUT = "trained without the validation videos"
TRAIN_ON_ALL = "mraf train --final trains on every training clip"
FEWER_CLIPS = f"MRAF was {HELD_OUT}, the other systems on all training clips; {TRAIN_ON_ALL}."


def evaluate_run(
    run: Run,
    source: str | Corpus | None,
    split: Literal["validation", "test"] = "validation",
    *,
    fop: bool = False,
    systems: Systems | None = None,
) -> Evaluation:
    """MRAF's three heads beside the class means (and FOP) in P3–P6, or other systems of the run.

    Raises RunError: the run was trained on another corpus, or on the videos it would be judged on;
    DataError: the labels are hidden.
    """
    corpus = matching(run, source)
    judged = _judged(run, corpus, split)
    judged.english.labels, judged.cross.labels  # noqa: B018  hidden labels are told before training
    shown = list((systems or heads_and_class_means)(run, judged))
    if fop:
        device = str(next(run.model.parameters()).device)
        seed = run.config.training.seed
        shown.append(ClipByClip(fit_fop(judged.train, corpus.speakers, seed, device=device)))
    return evaluate(shown, judged)


def heads_and_class_means(run: Run, split: Split) -> list[Predictor | Judge]:
    return [mraf_system(run), *class_mean_systems(split.train)]


def mraf_system(run: Run) -> ClipByClip:
    """The run as a predictor of its three heads."""
    return ClipByClip(lambda clips: predict(run.model, clips))


def submit_run(
    run: Run, source: str | Corpus | None, folder: Path, systems: Systems | None = None
) -> tuple[Path, Path]:
    """Write the challenge's two files for MRAF, or for the first of other systems.

    Raises as ``evaluate_run``; labels are not needed. Warns where the run saw fewer clips than it
    might have.
    """
    corpus = matching(run, source)
    split = test_split(corpus)
    if run.config.training.holdout:
        warnings.warn(f"the run was {HELD_OUT}; {TRAIN_ON_ALL}.", stacklevel=2)
    predictor = (systems or heads_and_class_means)(run, split)[0]
    return write_submission(predictor, split, folder, corpus.version)


def matching(run: Run, source: str | Corpus | None) -> Corpus:
    """The corpus that a run was trained on. Raises RunError where the source is another one."""
    corpus = source if isinstance(source, Corpus) else data.load(source)
    trained_on = run.data.get("corpus", corpus.name)
    if trained_on != corpus.name:
        raise RunError(
            f"{run.path}: trained on {trained_on}, so it cannot name the speakers of "
            f"{corpus.name}; give the same --data."
        )
    if run.data.get("features") not in (None, corpus.train.fingerprint):
        raise RunError(
            f"{run.path}: trained on other features than {corpus.name} holds now; train again."
        )
    return corpus


def _judged(run: Run, corpus: Corpus, split: str) -> Split:
    training = run.config.training
    if split == "test":
        test = test_split(corpus)
        english, notes = unseen(test.train, test.english)
        cross, more = unseen(test.train, test.cross)
        notes = (*test.notes, *notes, *more, *((FEWER_CLIPS,) if training.holdout else ()))
        return replace(test, english=english, cross=cross, notes=notes)
    if not training.holdout:
        raise RunError(
            f"{run.path}: trained with --final, so it has seen the validation videos; "
            "judge it with --split test, or submit it."
        )
    return validation_split(corpus, training.split_seed)


def record(evaluation: Evaluation, run: Run, command: str, file: Path) -> None:
    """Put the scores into a file of results, a row for each system and setting.

    Counts by video are those of validation videos alone: of a test a video may be a speaker.
    Raises as `write_results`.
    """
    rows = evaluation.scores.reset_index().assign(
        command=without_home(command),
        corpus=run.data.get("corpus", ""),
        preset=run.data.get("preset", ""),
        split=evaluation.split,
        seed=run.config.training.seed,
    )
    if evaluation.split == "validation":
        rows = rows.join(evaluation.counts_by_video(), on=["system", "setting"])
    write_results(file, rows)
