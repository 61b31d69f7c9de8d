"""A run judged and submitted under protocols that look at the batch, beside its class means."""

import warnings
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from mraf.data.clips import Corpus, FeatureSet, unit
from mraf.data.splits import Split
from mraf.errors import RunError
from mraf.evaluation import run as clipwise
from mraf.evaluation.baselines import ClassMeans, class_means, means_of
from mraf.evaluation.predict import SYSTEM_OF_HEAD, predict
from mraf.evaluation.results import Evaluation
from mraf.training.runs import Run
from mraf.variants.class_means import BesideClassMeans
from mraf_related.leaderboard.methods import METHODS
from mraf_related.leaderboard.protocols import (
    CLIP,
    COPY,
    LEADERBOARD,
    PROTOCOLS,
    Protocol,
    System,
    Transduction,
)
from mraf_related.study import fused_output


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

    Raises RunError: no such protocol, or as `mraf.evaluation.run.evaluate_run`.
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
    if (shown := _protocol(protocol)) is CLIP:
        return clipwise.submit_run(run, source, folder)
    return clipwise.submit_run(
        run, source, folder, lambda run, split: [Transduction(run_system(run, split.train), shown)]
    )


def _protocol(name: str) -> Protocol:
    if name not in PROTOCOLS:
        raise RunError(f"no protocol '{name}'; choose one of {', '.join(PROTOCOLS)}.")
    return PROTOCOLS[name]


def transductions(run: Run, split: Split, *protocols: Protocol) -> list[Transduction]:
    """MRAF and the class means of raw features: alone, and with each method under each protocol."""
    found = []
    for system in (run_system(run, split.train), class_mean_system(split.train)):
        found.append(Transduction(system, CLIP))
        for protocol, method in product(protocols, METHODS):
            if protocol is not CLIP and method != "alone":
                found.append(Transduction(system, protocol, method))
        if LEADERBOARD in protocols:
            found.append(Transduction(system, COPY))
    clips = len(split.english) + len(split.cross)
    if (minutes := 2e-7 * len(found) * clips**1.26) > 1:  # as was measured
        text = f"{clips:,} clips are compared with one another; that takes about {minutes:.0f} min."
        warnings.warn(text, stacklevel=2)
    return found


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

    Without a face the fused embedding is a function of the voice alone. A run with a shortcut has
    the space of its shortcut's voices. The class means are of the clips that it was trained on.
    """
    name = SYSTEM_OF_HEAD["fused"]
    shortcut = run.model.means if isinstance(run.model, BesideClassMeans) else None

    def judge(clips: FeatureSet) -> NDArray[np.float32]:
        return predict(run.model, clips)[name]

    def embed(clips: FeatureSet) -> NDArray[np.float32]:
        if shortcut is None:
            return fused_output(run.model, clips)[0]
        voice = torch.from_numpy(np.array(clips.voice)).to(shortcut.voice_means.device)
        return shortcut.of_voices(voice).cpu().numpy()

    if shortcut is None:
        means = means_of(embed(train.without_faces()), train, "video")
    else:
        means = shortcut.voice_means.cpu().numpy()
    return System(name, judge, embed, means)
