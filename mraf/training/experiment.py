"""From the name of a corpus to a trained run, made now or found in the store."""

import hashlib
import json
import os
import shutil
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mraf import data
from mraf.data.clips import Corpus, FeatureSet
from mraf.data.splits import validation_split, with_faces
from mraf.errors import RunError
from mraf.files import user_cache, without_home, write_text
from mraf.training.config import Config, configure
from mraf.training.device import resolve_device
from mraf.training.golden import golden_numbers
from mraf.training.loop import train
from mraf.training.runs import FolderInUse, Run
from mraf.variants.config import ModelConfig

NOTICE = "NOTICE.txt"


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
    ) -> "Experiment":
        """A preset for a corpus. Raises DataError or RunError as ``data.load``, ``configure``."""
        configure(preset, 2, overrides)  # a typing error is told before the features are read
        corpus = data.load(source)
        return cls(corpus, configure(preset, corpus, overrides), preset, device)

    @property
    def data(self) -> dict[str, str]:
        """What is kept with a run about its corpus."""
        features = self.corpus.train.fingerprint
        return {"corpus": self.corpus.name, "preset": self.preset, "features": features}

    @property
    def training_clips(self) -> FeatureSet:
        """Training clips with a face, without the validation videos unless ``--final``."""
        if self.config.training.holdout:
            return validation_split(self.corpus, self.config.training.split_seed).train
        return with_faces(self.corpus.train, self.corpus.speakers)[0]


def train_run(experiment: Experiment, out: Path | None, *, resume: bool = False) -> Run:
    """Train with a progress bar. Raises as ``mraf.training.loop.train``.

    Warns: training clips without a face are left out, or the run holds biometrics of people.
    """
    notes = list(with_faces(experiment.corpus.train, experiment.corpus.speakers)[1])
    if held := [] if experiment.corpus.name == "twin" else biometrics(experiment.config.model):
        notes.append(f"the run will hold {' and '.join(held)}: do not pass its folder on.")
    for note in notes:
        warnings.warn(note, stacklevel=2)
    clips, where = experiment.training_clips, experiment.device
    run = train(experiment.config, clips, out, device=where, resume=resume, data=experiment.data)
    if held and out is not None:
        write_text(out / NOTICE, f"This run holds {' and '.join(held)}. Do not pass it on.\n")
    return run


def biometrics(config: ModelConfig) -> list[str]:
    """What of the training clips themselves a checkpoint keeps beside its weights, in words."""
    found = []
    if config.missing_face == "memory_bank":
        found.append("faces and voices of training clips (missing_face=memory_bank)")
    if config.scorer == "agreement" or config.shortcut != "none":
        switch = "scorer=agreement" if config.scorer == "agreement" else "shortcut"
        found.append(f"class means of people ({switch})")
    return found


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
    else, where nothing can be written, none: then it trains and keeps nothing. Preset and overrides
    are those of ``configure``, the corpus is by default ``mraf.data.load()``.
    """
    corpus = data.load() if corpus is None else corpus
    config = configure(preset, corpus, overrides).settled(resolve_device(device))
    experiment = Experiment(corpus, config, preset, device)
    # what the settings mean is in the name, so that a run of other mathematics is not taken for it
    means = [f"{value:.4g}" for value in golden_numbers(config).values()]
    made_of = json.dumps([config.to_dict(), experiment.data, means], sort_keys=True)
    name = f"{preset}-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}"
    if (folder := _store(store)) is None:
        run, kept = train_run(experiment, None), "not kept, no folder can be written"
    else:
        path = folder / name
        with suppress(RunError):  # there is none, or a damaged one
            run = Run.load(path, resolve_device(device))
            run.origin = f"loaded from {without_home(path)}"
            return run
        run = _trained_or_awaited(experiment, path)
        kept = f"kept in {without_home(path)}"
    run.origin = f"trained now in {run.history['seconds'].sum():.0f} s, {kept}"
    return run


def _trained_or_awaited(experiment: Experiment, path: Path) -> Run:
    """The run of a folder of the store, which another process may be training meanwhile."""
    while True:
        try:
            return train_run(experiment, path, resume=True)
        except FolderInUse:
            time.sleep(0.5)
        except RunError:  # what is left of an earlier training cannot be gone on with
            if not path.exists():
                raise
            shutil.rmtree(path, ignore_errors=True)
            return train_run(experiment, path)


def _store(folder: Path | None) -> Path | None:
    try:
        chosen = folder or Path(os.environ.get("MRAF_RUNS") or user_cache() / "runs")
        chosen.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # RuntimeError: there is no home directory
        return None
    return chosen if os.access(chosen, os.W_OK) else None
