"""From the name of a corpus to a trained, judged and submitted run; what the commands call."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from mraf import __version__, data
from mraf.baselines import class_mean_systems, fit_fop
from mraf.configuration import Config, configure, resolve_device
from mraf.data.features import Corpus, FeatureSet
from mraf.data.protocol import Split, test_split, validation_split
from mraf.errors import RunError
from mraf.evaluation import Predictor, evaluate
from mraf.files import user_cache, without_home, write_text
from mraf.outcomes import Evaluation
from mraf.prediction import predict
from mraf.protocols import CLIP, COPY, LEADERBOARD, PROTOCOLS, Protocol, Transduction
from mraf.runs import MODEL, Run
from mraf.submission import write_submission
from mraf.sweeps.tasks import code_fingerprint
from mraf.systems import class_mean_system, run_system
from mraf.training import train
from mraf.transduction import METHODS

HELD_OUT = "trained without the validation videos"
TRAIN_ON_ALL = "mraf train --set holdout=false trains on every English clip"
FEWER_CLIPS = f"MRAF was {HELD_OUT}, the other systems on all English clips; {TRAIN_ON_ALL}."


@dataclass(frozen=True)
class Experiment:
    """A corpus, and what is to be trained on it."""

    corpus: Corpus
    config: Config
    preset: str
    device: str = "auto"

    @classmethod
    def of(
        cls,
        source: str | None,
        preset: str = "paper",
        overrides: Mapping[str, Any] | None = None,
        device: str = "auto",
    ) -> Experiment:
        """Load a corpus and configure a preset for it.

        Raises:
            DataError: the corpus cannot be loaded.
            RunError: an unknown preset or setting.
        """
        configure(preset, 2, overrides)  # a typing error is told before the features are read
        corpus = data.load(source)
        return cls(corpus, configure(preset, corpus.speakers, overrides), preset, device)

    @property
    def data(self) -> dict[str, str]:
        """What is kept with a run about its corpus."""
        return {
            "corpus": self.corpus.name,
            "preset": self.preset,
            "features": self.corpus.train.fingerprint,
        }

    @property
    def training_clips(self) -> FeatureSet:
        """English clips, without the validation videos unless ``holdout=false``."""
        seed = self.config.training.split_seed
        holdout = self.config.training.holdout
        return validation_split(self.corpus, seed).train if holdout else self.corpus.train


def train_run(experiment: Experiment, out: Path | None, *, resume: bool = False) -> Run:
    """Train with a progress bar. Raises as ``mraf.training.train``."""
    return train(
        experiment.config,
        experiment.training_clips,
        out,
        device=experiment.device,
        resume=resume,
        data=experiment.data,
    )


def trained(
    preset: str = "quick",
    corpus: Corpus | None = None,
    overrides: Mapping[str, Any] | None = None,
    *,
    store: Path | None = None,
    device: str = "auto",
) -> Run:
    """A run of a preset: loaded from the run store, or trained with a progress bar and kept there.

    ``origin`` of the run says which. The store is $MRAF_RUNS, else a folder of the user's cache,
    else, where nothing can be written, none: then it trains and keeps nothing.

    Args:
        preset, overrides: as in ``configure``.
        corpus: by default ``mraf.data.load()``.
    """
    corpus = data.load() if corpus is None else corpus
    config = configure(preset, corpus.speakers, overrides)
    experiment = Experiment(corpus, config, preset, device)
    # what trains is in the name: without it, a run of other code would be taken for this one
    code = {"mraf": __version__, "code": code_fingerprint()}
    made_of = json.dumps({**config.to_dict(), "data": experiment.data, **code})
    name = f"{preset}-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}"
    folder = _store(store)
    path = folder / name if folder else None
    if path and (path / MODEL).is_file():
        try:
            run = Run.load(path, resolve_device(device))
            run.origin = f"loaded from {without_home(path)}"
            return run
        except RunError:  # damaged: train it anew
            shutil.rmtree(path, ignore_errors=True)
    run = train_run(experiment, path, resume=True)
    seconds = run.history["seconds"].sum()
    kept = f"kept in {without_home(path)}" if path else "not kept, no folder can be written"
    run.origin = f"trained now in {seconds:.0f} s, {kept}"
    return run


def evaluate_run(
    run: Run,
    source: str | Corpus | None,
    split: Literal["validation", "test"] = "validation",
    *,
    fop: bool = False,
    protocol: str = CLIP.name,
) -> Evaluation:
    """MRAF's three heads beside the class means (and FOP) in P3–P6.

    Under another protocol than "clip": MRAF and the class means, each alone and with every method
    that looks at the batch; under "leaderboard" also `copy`. "all" is a table of all protocols.

    Raises:
        RunError: the run was trained on another corpus, or on the videos it would be judged on; or
            no such protocol.
        DataError: the labels are hidden.
    """
    corpus = _matching(run, source)
    judged = _judged(run, corpus, split)
    judged.english.labels, judged.cross.labels  # noqa: B018  hidden labels are told before training
    device = next(run.model.parameters()).device
    systems: Sequence[Predictor | Transduction]
    if protocol == CLIP.name:
        systems = [mraf_system(run), *class_mean_systems(judged.train)]
    else:
        shown = PROTOCOLS.values() if protocol == "all" else [_protocol(protocol)]
        systems = transductions(run, judged, *shown)
    if fop:
        seed = run.config.training.seed
        fitted = fit_fop(judged.train, corpus.speakers, seed, device=str(device))
        systems = [*systems, fitted]
    return evaluate(systems, judged)


def transductions(run: Run, split: Split, *protocols: Protocol) -> list[Transduction]:
    """MRAF and the class means of raw features: alone, and with each method under each protocol."""
    found = []
    for system in (run_system(run, split.train), class_mean_system(split.train)):
        found.append(Transduction(system, CLIP))
        methods = [name for name in METHODS if name != "alone"]
        for protocol in [p for p in protocols if p is not CLIP]:
            found += [Transduction(system, protocol, method) for method in methods]
        if LEADERBOARD in protocols:
            found.append(Transduction(system, COPY))
    return found


def _protocol(name: str) -> Protocol:
    if name not in PROTOCOLS:
        raise RunError(f"no protocol '{name}'; choose one of {', '.join(PROTOCOLS)}.")
    return PROTOCOLS[name]


def mraf_system(run: Run) -> Predictor:
    """The run as a predictor of its three heads."""
    return lambda clips: predict(run.model, clips)


def submit_run(
    run: Run, source: str | Corpus | None, folder: Path, protocol: str = CLIP.name
) -> tuple[Path, Path]:
    """Write the challenge's two files, with the method that was chosen for the protocol.

    Raises as ``evaluate_run``; labels are not needed. Warns where the run saw fewer clips than it
    might have.
    """
    corpus, shown = _matching(run, source), _protocol(protocol)
    split = test_split(corpus)
    if run.config.training.holdout:
        warnings.warn(f"the run was {HELD_OUT}; {TRAIN_ON_ALL}.", stacklevel=2)
    predictor: Predictor | Transduction = mraf_system(run)
    if shown is not CLIP:
        predictor = Transduction(run_system(run, split.train), shown)
    return write_submission(predictor, split, folder, corpus.version)


def _store(folder: Path | None) -> Path | None:
    try:
        chosen = folder or Path(os.environ.get("MRAF_RUNS") or user_cache() / "runs")
        chosen.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # RuntimeError: there is no home directory
        return None
    return chosen if os.access(chosen, os.W_OK) else None


def _matching(run: Run, source: str | Corpus | None) -> Corpus:
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
        return replace(test, notes=(*test.notes, FEWER_CLIPS)) if training.holdout else test
    if not training.holdout:
        raise RunError(
            f"{run.path}: trained with holdout=false, so the validation videos are not unseen; "
            "judge it with --split test, or submit it."
        )
    return validation_split(corpus, training.split_seed)


def record(evaluation: Evaluation, run: Run, command: str, file: Path) -> None:
    """Put the scores into a CSV, a row for each system and setting, with what made them.

    Rows of the same system, setting, seed, corpus, preset and split are replaced.

    Raises:
        RunError: the file is there but of another form, or cannot be written.
    """
    training = run.config.training
    made_by = {
        "command": without_home(command),
        "corpus": run.data.get("corpus", ""),
        "preset": run.data.get("preset", ""),
        "split": evaluation.split,
        "seed": training.seed,
    }
    rows = evaluation.scores.reset_index().assign(**made_by)
    if file.exists():
        try:
            before = pd.read_csv(file)
        except (OSError, ValueError) as error:
            raise RunError(f"{file}: not a CSV of records ({error}); give another file.") from None
        if list(before.columns) != list(rows.columns):
            raise RunError(f"{file}: has other columns; give another file.")
        key = ["system", "setting", "seed", "corpus", "preset", "split"]
        again = pd.MultiIndex.from_frame(before[key]).isin(pd.MultiIndex.from_frame(rows[key]))
        rows = pd.concat([before[~again], rows], ignore_index=True)
    counts = ["clips", "videos", "correct"]  # absent for the mean
    rows = rows.astype(dict.fromkeys(counts, "Int64"))
    write_text(file, rows.to_csv(index=False, float_format="%.5f"))
