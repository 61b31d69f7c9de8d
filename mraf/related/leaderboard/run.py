"""A run judged and submitted under protocols that look at the batch, beside its class means."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from mraf.data.clips import Corpus, FeatureSet
from mraf.data.describe import unit
from mraf.data.splits import Split
from mraf.errors import RunError
from mraf.evaluation import run as clipwise
from mraf.evaluation.baselines import ClassMeans, class_means, means_of
from mraf.evaluation.predict import SYSTEM_OF_HEAD, forward, predict
from mraf.evaluation.results import Evaluation
from mraf.related.leaderboard.methods import METHODS
from mraf.related.leaderboard.protocols import (
    CLIP,
    COPY,
    LEADERBOARD,
    PROTOCOLS,
    Protocol,
    System,
    Transduction,
)
from mraf.training.runs import Run
from mraf.variants.class_means import BesideClassMeans


def evaluate_run(
    run: Run,
    source: str | Corpus | None,
    split: Literal["validation", "test"] = "validation",
    *,
    fop: bool = False,
    protocol: str = CLIP.name,
) -> Evaluation:
    """MRAF and the class means in P3–P6 under a protocol.

    Under another protocol than "clip": each alone and with every method that looks at the batch;
    under "leaderboard" also `copy`. "all" is a table of all protocols.

    Raises:
        RunError: no such protocol, or as `mraf.evaluation.run.evaluate_run`.
    """
    if protocol == CLIP.name:
        return clipwise.evaluate_run(run, source, split, fop=fop)
    shown = list(PROTOCOLS.values()) if protocol == "all" else [_protocol(protocol)]
    return clipwise.evaluate_run(
        run, source, split, fop=fop, systems=lambda run, split: transductions(run, split, *shown)
    )


def submit_run(
    run: Run, source: str | Corpus | None, folder: Path, protocol: str = CLIP.name
) -> tuple[Path, Path]:
    """Write the challenge's two files, with the method that was chosen for the protocol.

    Raises as ``evaluate_run``; labels are not needed.
    """
    shown = _protocol(protocol)
    if shown is CLIP:
        return clipwise.submit_run(run, source, folder)
    return clipwise.submit_run(
        run,
        source,
        folder,
        lambda run, split: [Transduction(run_system(run, split.train), shown)],
    )


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


def class_mean_system(train: FeatureSet) -> System:
    """Class means of raw features (each video counts once), in the space of raw voices."""
    means = ClassMeans(train, "sum", "video")
    return System(
        "class means",
        lambda clips: means(clips)[means.name],
        lambda clips: unit(clips.voice),
        class_means(train, "voice", "video"),
    )


def run_system(run: Run, train: FeatureSet) -> System:
    """A run's fused head, in the space of its fused embeddings without the face.

    Without a face the fused embedding is a function of the voice alone. A run with a shortcut
    has the space of its shortcut's voices.

    Args:
        train: the clips that the run was trained on, for the class means.
    """
    name = SYSTEM_OF_HEAD["fused"]

    def judge(clips: FeatureSet) -> NDArray[np.float32]:
        return predict(run.model, clips)[name]

    if isinstance(run.model, BesideClassMeans):
        past = run.model.means

        def rows(clips: FeatureSet) -> NDArray[np.float32]:
            voice = torch.from_numpy(np.array(clips.voice)).to(past.voice_means.device)
            return past.of_voices(voice).cpu().numpy()

        return System(name, judge, rows, past.voice_means.cpu().numpy())

    def embed(clips: FeatureSet, batch: int = 512) -> NDArray[np.float32]:
        parts = [clips[at : at + batch] for at in range(0, len(clips), batch)]
        rows = [forward(run.model, part).fused_embedding.float().cpu().numpy() for part in parts]
        return np.concatenate(rows)

    means = means_of(embed(train.without_faces()), train, "video")
    return System(name, judge, embed, means)
