"""Systems that judge clip by clip, with the space in which their voices can be compared."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from mraf.data.clips import FeatureSet
from mraf.data.describe import unit
from mraf.evaluation.baselines import ClassMeans, class_means, means_of
from mraf.evaluation.predict import HEADS, forward, predict
from mraf.related.leaderboard.protocols import System
from mraf.training.runs import Run
from mraf.variants.class_means import BesideClassMeans


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
    name = HEADS["fused"]

    def judge(clips: FeatureSet) -> NDArray[np.float32]:
        return predict(run.model, clips)[name]

    if isinstance(run.model, BesideClassMeans):
        past = run.model.means

        def rows(clips: FeatureSet) -> NDArray[np.float32]:
            voice = torch.from_numpy(np.array(clips.voice)).to(past.voice_means.device)
            return past.voice_rows(voice).cpu().numpy()

        return System(name, judge, rows, past.voice_means.cpu().numpy())

    def embed(clips: FeatureSet, batch: int = 512) -> NDArray[np.float32]:
        parts = [clips[at : at + batch] for at in range(0, len(clips), batch)]
        rows = [forward(run.model, part).fused_embedding.float().cpu().numpy() for part in parts]
        return np.concatenate(rows)

    means = means_of(embed(train.without_faces()), train, "video")
    return System(name, judge, embed, means)
