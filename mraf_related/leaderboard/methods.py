"""Methods that judge a batch of voices together: the answer for a clip depends on other clips.

Each takes an `UnlabelledBatch`, all that it may look at, and returns scores (N, C). What is hidden
is decided in `mraf_related.leaderboard.protocols`. Methods name clips themselves (pseudo-labels)
and know no label of the batch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import softmax
from sklearn.neighbors import NearestNeighbors

from mraf.data.clips import unit

Scores = NDArray[np.floating[Any]]
NEIGHBOURS = 20  # that are kept of each voice


@dataclass(frozen=True, eq=False)
class Voices:
    """The voices of a batch, and of the training speakers, in one space; unit length."""

    rows: NDArray[np.float32]  # shape (N, D)
    means: NDArray[np.float32]  # class means of the training clips, shape (C, D)

    @cached_property
    def neighbours(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Cosines and rows of the nearest other voices, nearest first, shapes (N, k)."""
        number = min(NEIGHBOURS, len(self.rows) - 1)
        search = NearestNeighbors(n_neighbors=number, algorithm="brute").fit(self.rows)
        distance, index = search.kneighbors()  # Euclidean: a fraction of cosine's time and memory
        return np.clip(1 - distance**2 / 2, 0, 1).astype(np.float32), index


@dataclass(frozen=True, eq=False)
class UnlabelledBatch:
    """What a method is shown of the clips of one setting."""

    voices: Voices  # of all clips
    scores: Scores  # of each clip alone, with its face where `seen`, shape (N, C)
    seen: NDArray[np.bool_]  # where the face was looked at, shape (N,)


def soft_names(scores: Scores, sharpness: float) -> Scores:
    """Scores as probabilities (N, C), whatever their unit: softmax(sharpness · standard scores).

    Cosines of class means and logits of a network differ in scale by far more than they do once
    each row has mean 0 and deviation 1; so one sharpness serves both.
    """
    centred = scores - scores.mean(axis=1, keepdims=True)
    deviation = np.maximum(centred.std(axis=1, keepdims=True), 1e-12)
    names: Scores = softmax(sharpness * centred / deviation, axis=1)
    return names


def alone(batch: UnlabelledBatch) -> Scores:
    """No transduction: what each clip scores alone."""
    return batch.scores


def prototypes(batch: UnlabelledBatch, anchor: float, sharpness: float, rounds: int) -> Scores:
    """Soft k-means on voices, anchored to the training means; scores are cosines to the means.

    m_c = unit(anchor · (training mean)_c + Σ_i p_ic v_i), p_i the soft names of clip i. After each
    round clips are named anew by the means; names that saw a face stay.

    Args:
        anchor: how many clips a training mean is worth.
        sharpness: of the soft names.
        rounds: 1 or more.
    """
    rows = batch.voices.rows
    given = names = soft_names(batch.scores, sharpness)
    for _ in range(rounds):
        means = unit(anchor * batch.voices.means + names.T @ rows)
        cosine = rows @ means.T
        names = np.where(batch.seen[:, None], given, soft_names(cosine, sharpness))
    return cosine


def spreading(
    batch: UnlabelledBatch,
    neighbours: int,
    power: float,
    share: float,
    sharpness: float,
    rounds: int,
) -> Scores:
    """Label spreading over the graph of nearest voices (after Zhou et al., NIPS 2003).

    F ← share · W F + (1 - share) · p, from F = p, the soft names. W has rows that sum to 1, over
    the nearest voices, in proportion to cosine^power. One round is a vote of the neighbours.
    scikit-learn's LabelSpreading takes hard names of some clips and weighs neighbours alike.

    Args:
        neighbours: k, at most NEIGHBOURS.
        power: the larger, the more the very nearest count.
        share: of the neighbours' names, in [0, 1].
        sharpness: of the soft names.
        rounds: steps along the graph.
    """
    cosine, index = (x[:, :neighbours] for x in batch.voices.neighbours)
    weight = np.maximum(cosine, 1e-6) ** power
    weight /= weight.sum(axis=1, keepdims=True)
    clips, number = index.shape
    start = np.arange(0, clips * number + 1, number)
    graph = csr_matrix((weight.ravel(), index.ravel(), start), shape=(clips, clips))
    names = spread = soft_names(batch.scores, sharpness)
    for _ in range(rounds):
        spread = share * (graph @ spread) + (1 - share) * names
    return spread


METHODS: dict[str, Callable[..., Scores]] = {
    "alone": alone,
    "prototypes": prototypes,
    "spreading": spreading,
}

# Chosen on the validation split of the official features, with class means of raw features:
# data/recorded/transduction_choice.csv, written by scripts/choose_transduction.py.
SETTINGS_OF: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    "batch": {
        "prototypes": {"anchor": 3, "sharpness": 1, "rounds": 1},
        "spreading": {"neighbours": 20, "power": 4, "share": 0.75, "sharpness": 1, "rounds": 3},
    },
    "batch+faces": {
        "prototypes": {"anchor": 30, "sharpness": 3, "rounds": 3},
        "spreading": {"neighbours": 20, "power": 8, "share": 0.75, "sharpness": 1, "rounds": 3},
    },
    "leaderboard": {
        "prototypes": {"anchor": 10, "sharpness": 3, "rounds": 3},
        "spreading": {"neighbours": 10, "power": 8, "share": 0.75, "sharpness": 3, "rounds": 1},
    },
}
CHOSEN: Mapping[str, str] = {
    "clip": "alone",
    "batch": "prototypes",
    "batch+faces": "prototypes",
    "leaderboard": "spreading",
    "copy": "alone",
}
