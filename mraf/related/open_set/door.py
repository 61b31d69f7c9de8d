"""A door for MRAF: the known speakers are named, the others rejected, with any face before it.

One network for each draw is trained on the known speakers alone. Enrolled are all clips that it was
trained on, each with its face and without. Judged are clips with their own face, without a face,
and with the face of an enrolled speaker other than the one who speaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mraf.data.clips import FeatureSet
from mraf.data.describe import unit
from mraf.evaluation.baselines import ClassMeans, means_of
from mraf.evaluation.predict import forward
from mraf.related.open_set.adapters import Recipe, tune
from mraf.related.open_set.protocol import Draw, OpenSetClips
from mraf.training.experiment import trained
from mraf.training.runs import Run
from mraf.variants.build import Network

Scores = dict[str, NDArray[Any]]  # by language, of each run, (R, N, K)

OWN, NONE, ANOTHERS = FACES = ("own face", "no face", "another's face")
RAW, SOFTMAX, MEANS, TUNED = (
    "class means, face and voice",
    "MRAF, softmax",
    "MRAF, class means",
    "MRAF, SpeakerRPL v2",
)
RECIPE = Recipe(steps=450)  # thousands of clips are enrolled here, not fifty


def door_run(draw: Draw, device: str = "auto") -> Run:
    """The network of a draw, quick preset: loaded from the run store, or trained."""
    seeds = {"seed": draw.seed, "split_seed": draw.seed}
    return trained("quick", draw.known, seeds, device=device)


def shown(judged: OpenSetClips, faces: str, draw: Draw) -> FeatureSet:
    """The judged clips as they come to the door, with one of FACES."""
    clips = judged.clips
    if faces == OWN:
        return clips
    if faces == NONE:
        return clips.without_faces()
    rng = np.random.default_rng(draw.seed)
    enrolled = draw.enrolment
    other = rng.integers(len(enrolled), size=len(clips))
    while (own := enrolled.labels[other] == judged.target).any():
        other[own] = rng.integers(len(enrolled), size=own.sum())
    return replace(clips, face=enrolled.face[other])


def door_scores(
    draw: Draw, run: Run, seeds: Sequence[int] = (0,), device: str = "auto"
) -> dict[str, Scores]:
    """What each system makes of the judged clips with each face.

    - RAW: cosines to the class means of raw faces and voices, added up; no network.
    - SOFTMAX: the probability that the network's fused head gives.
    - MEANS: cosines of e_c to the enrolled means of the same kind, with or without a face.
    - TUNED: a SpeakerRPL v2 adapter on e_c, tuned on both kinds; one run for each seed.

    Returns:
        By "SYSTEM · FACES".
    """
    enrolled = draw.enrolment
    raw = ClassMeans(enrolled, "sum")
    kinds = [fused_output(run.model, clips)[0] for clips in (enrolled, enrolled.without_faces())]
    with_face, without = (means_of(rows, enrolled) for rows in kinds)
    labels = np.tile(enrolled.labels, 2)
    adapters = tune(RECIPE, np.concatenate(kinds), labels, seeds, device, progress=False)
    found: dict[str, Scores] = {}
    for faces, (language, judged) in product(FACES, draw.judged.items()):
        clips = shown(judged, faces, draw)
        embedding, probability = fused_output(run.model, clips)
        scores = {
            RAW: raw(clips)[raw.name][None],
            SOFTMAX: probability[None],
            MEANS: (unit(embedding) @ (without if faces == NONE else with_face).T)[None],
            TUNED: adapters.scores(embedding),
        }
        for name, each_run in scores.items():
            found.setdefault(f"{name} · {faces}", {})[language] = each_run
    return found


def fused_output(
    model: Network, clips: FeatureSet, batch: int = 512
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fused embeddings e_c (N, d) and the fused head's probabilities (N, K)."""
    parts = [forward(model, clips[at : at + batch]) for at in range(0, len(clips), batch)]
    embedding = [part.fused_embedding.float().cpu().numpy() for part in parts]
    probability = [part.logits.fused.float().softmax(-1).cpu().numpy() for part in parts]
    return np.concatenate(embedding), np.concatenate(probability)
