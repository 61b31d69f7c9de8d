"""One run of a sweep, as a worker does it: a pure function of its task, wherever it runs."""

import hashlib
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from mraf import data
from mraf.data.clips import Corpus
from mraf.data.splits import SETTINGS, Split, validation_split
from mraf.errors import RunError
from mraf.evaluation.judge import ClipByClip, outcomes
from mraf.evaluation.predict import SYSTEM_OF_HEAD, predict
from mraf.evaluation.results import Judged
from mraf.training.config import Config
from mraf.training.device import processor, resolve_device, resolve_precision
from mraf.training.golden import Numbers, golden_numbers, same
from mraf.training.loop import train
from mraf.training.runs import Run
from mraf.training.stacked import train_stacked
from mraf.variants.config import TrainingConfig

SYSTEM = SYSTEM_OF_HEAD["fused"]

_one_at_a_time = threading.Lock()  # torch's random state and threads belong to the process


@dataclass(frozen=True)
class Material:
    """What is trained on and judged, as a worker finds it."""

    corpus: str
    sizes: dict[str, int]  # as `Corpus.sizes`
    split: str
    clips: dict[str, tuple[int, ...]]  # of each video in published order, by `Setting.language`
    fingerprint: str  # of all features, labels and videos
    device: str  # "cpu", "cuda", "cuda:N" or "mps": what the worker took for "auto"
    precision: str  # what it took for "auto", as `TrainingConfig` names it


@dataclass(frozen=True)
class Task:
    """All that determines a run; two tasks of one ``id`` give the same outcome."""

    config: Config  # with the seed; its precision is not "auto", which depends on the processor
    source: str  # of the corpus, as `mraf.data.load` takes it
    features: str  # fingerprint of the material
    numbers: Numbers = field(hash=False)  # what the settings mean to who asks, see `golden`
    device: str
    plain: bool = False  # trained as in a stack, without shortcuts: dropout draws other masks

    @property
    def id(self) -> str:
        kind = self.device.partition(":")[0]
        made_of = [self.config.to_dict(), self.features, kind, *(["plain"] if self.plain else [])]
        return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:20]


def of_any_seed(config: Config) -> Config:
    """The settings whose numbers stand for those of all seeds, so that they are computed once."""
    return replace(config, training=replace(config.training, seed=0))


numbers_of = lru_cache(maxsize=256)(golden_numbers)


@lru_cache(maxsize=1)
def describe(source: str, device: str) -> Material:
    """Load a corpus and say what a sweep needs to know of it and of the worker."""
    found = str(resolve_device(device))
    corpus, split = _load(source)
    clips = {}
    for language in ("english", "cross"):
        judged = Judged.of(getattr(split, language))
        clips[language] = tuple(judged.published_counts(np.ones(len(judged.key), dtype=bool)))
    parts = "".join(part.fingerprint for part in (split.train, split.english, split.cross))
    fingerprint = hashlib.sha256(parts.encode()).hexdigest()[:16]
    precision = str(resolve_precision("auto", torch.device(found))).removeprefix("torch.")
    names = (corpus.name, corpus.sizes, split.name)
    return Material(*names, clips, fingerprint, found, precision)


def run_tasks(tasks: Sequence[Task]) -> list[dict[str, Any] | RunError]:
    """Train runs, those of a stack at once, judge each in P3–P6 and forget.

    Raises MrafError where the worker has other code or features than who asks, or training failed.

    Returns:
        For each: "correct", by setting how many clips of each video were named rightly; "seconds"
        of its share of training, and of judging; "device". Or why this run of a stack failed.
    """
    with _one_at_a_time:
        for task in tasks:
            _check(task)
        start, split = time.perf_counter(), _load(tasks[0].source)[1]
        configs, clips, device = [task.config for task in tasks], split.train, tasks[0].device
        runs: Sequence[Run | RunError]
        if tasks[0].plain:
            runs = train_stacked(configs, clips, device=device, progress=False)
        else:
            runs = [train(config, clips, device=device, progress=False) for config in configs]
        share = (time.perf_counter() - start) / len(tasks)
        found: list[dict[str, Any] | RunError] = []
        for task, run in zip(tasks, runs, strict=True):
            begun = time.perf_counter() - share
            found.append(run if isinstance(run, RunError) else _judged(task, run, split, begun))
        return found


def _check(task: Task) -> None:
    """Raise RunError where this worker has other code or features than who asks."""
    torch.set_num_threads(1)  # one core per worker, and sums in one order
    if not same(task.numbers, numbers_of(of_any_seed(task.config))):
        raise RunError("this worker has another version of mraf or torch; install the same.")
    if task.features != describe(task.source, task.device).fingerprint:
        raise RunError(f"this worker finds other features in {task.source}; give it the same.")


def _judged(task: Task, run: Run, split: Split, start: float) -> dict[str, Any]:
    """The outcome of a run that began at ``start``."""
    fused = ClipByClip(lambda clips: {SYSTEM: predict(run.model, clips)[SYSTEM]})
    correct = {}
    for setting in SETTINGS:
        right = outcomes(fused, split, setting)[SYSTEM].right
        correct[setting.name] = Judged.of(getattr(split, setting.language)).published_counts(right)
    return {"correct": correct, "seconds": time.perf_counter() - start, "device": _device(task)}


@lru_cache(maxsize=1)
def _load(source: str) -> tuple[Corpus, Split]:
    """The corpus and its split, once for all runs of a worker."""
    corpus = data.load(source, progress=False)
    return corpus, validation_split(corpus, TrainingConfig.split_seed)


def _device(task: Task) -> str:
    """The kind of device, for who wants the same digits again."""
    device = resolve_device(task.device)
    cuda = device.type == "cuda"
    name = torch.cuda.get_device_name(device) if cuda else f"{processor()}, 1 thread"
    precision, version = task.config.training.precision, torch.__version__.partition("+")[0]
    return f"{device.type}: {name}, {precision}, torch {version}"
