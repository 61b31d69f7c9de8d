"""The open-set protocol: who is enrolled, with what, which clips of whom are judged, and how.

The speakers of a corpus are dealt into known ones (50 of 70, and in this proportion elsewhere) and
unknown ones. Known speakers enrol with a few English clips. Judged are

- English: one whole held-out video of every known speaker that has two (`validation_split`), and
  every clip of the unknown speakers;
- the second language: every clip of both, without videos also listed in English and videos that
  carry two labels (`cross_split`).

So no clip of an enrolled video is judged. Of a judged video at most ten clips count, drawn. All
shots of a draw are judged on the same clips, and few shots are among the more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mraf.data.clips import Corpus, FeatureSet
from mraf.data.splits import cross_split, validation_split
from mraf.errors import DataError
from mraf.evaluation.judge import top1
from mraf.related.metrics import Curve, Floats, Trials, eer, min_dcf, oscr

UNKNOWN = -1  # the target of a clip whose speaker is not enrolled
CLIPS_OF_A_VIDEO = 10  # that are judged, at most


@dataclass(frozen=True, eq=False)
class OpenSetClips:
    """Clips of known and unknown speakers in one language."""

    clips: FeatureSet  # with the speaker labels of the corpus
    target: NDArray[np.int64]  # number among the known speakers, or UNKNOWN, shape (N,)

    def trials(self, scores: NDArray[Any]) -> Trials:
        """The trials of scores (N, K) of these clips."""
        return open_set_trials(scores, self.target, self.clips.labels)


@dataclass(frozen=True, eq=False)
class Draw:
    """One way to deal the speakers.

    A network may be trained on the validation split of `known` with ``split_seed=seed``.
    """

    seed: int  # of everything that was drawn
    known: Corpus  # of the known speakers alone, numbered 0 … K-1
    enrolment: FeatureSet  # English clips of the known speakers that may be enrolled
    rank: NDArray[np.int64]  # drawn place of each of these clips among its speaker's, shape (E,)
    judged: dict[str, OpenSetClips]  # by language

    def enrolled(self, shots: int) -> FeatureSet:
        """So many clips of every known speaker, or all where there are fewer; at least one."""
        if shots < 1:
            raise DataError(f"{shots} shots: a speaker enrols with at least 1 clip.")
        return self.enrolment[self.rank < shots]


def deal(corpus: Corpus, seed: int = 0, known: int | None = None) -> Draw:
    """Deal the speakers of a corpus into known and unknown ones.

    Args:
        seed: the same seed gives the same draw.
        known: how many are known; five of seven by default.
    Raises:
        DataError: not at least two known speakers and one unknown, or no second video of anyone.
    """
    count = round(corpus.speakers * 5 / 7) if known is None else known
    if not 2 <= count < corpus.speakers:
        raise DataError(
            f"{count} known of {corpus.speakers} speakers: at least two must be known and one not."
        )
    rng = np.random.default_rng(seed)
    number = np.full(corpus.speakers, UNKNOWN)
    number[np.sort(rng.permutation(corpus.speakers)[:count])] = np.arange(count)
    second, _ = cross_split(corpus)

    def of_known(clips: FeatureSet) -> FeatureSet:
        own = clips[number[clips.labels] != UNKNOWN]
        return replace(own, speaker=number[own.labels])

    closed = Corpus(
        of_known(corpus.train), of_known(second), None, None, count, corpus.name, corpus.version
    )
    split = validation_split(closed, seed)
    english, target = corpus.train, number[corpus.train.labels]
    elsewhere = ~np.isin(english.video, split.train.video)
    fair = np.where(target == UNKNOWN, elsewhere, np.isin(english.key, split.english.key))
    rank = _ranks(split.train.labels, rng)
    judged = {}
    for clips, where in ((english[fair], target[fair]), (second, number[second.labels])):
        few = _ranks(np.unique(clips.video, return_inverse=True)[1], rng) < CLIPS_OF_A_VIDEO
        judged[clips.language] = OpenSetClips(clips[few], where[few])
    return Draw(seed, closed, split.train, rank, judged)


def _ranks(group: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """A drawn order within each group: the place of each clip, 0 first, shape (N,)."""
    ranks = pd.Series(rng.permutation(len(group))).groupby(group).rank()
    return ranks.to_numpy(dtype=np.int64) - 1


def open_set_trials(
    scores: NDArray[Any], target: NDArray[np.int64], identity: NDArray[np.int64]
) -> Trials:
    """Each clip claims to be its best-scoring enrolled speaker; that score is its confidence.

    Args:
        scores: of each clip for each enrolled speaker, shape (N, K).
        target: number of the enrolled speaker, or UNKNOWN, shape (N,).
        identity: number of the speaker, enrolled or not, who is drawn for intervals, shape (N,).
    Raises:
        DataError: shapes that do not fit, or a target that is no enrolled speaker.
    """
    scores = np.asarray(scores, dtype=float)
    if scores.ndim != 2 or not len(scores) == len(target) == len(identity):
        raise DataError(
            f"scores {scores.shape}, targets {target.shape}, identities {identity.shape}: "
            "expected (N, K), (N,), (N,)."
        )
    if target.min(initial=0) < UNKNOWN or target.max(initial=0) >= scores.shape[1]:
        raise DataError(f"a target is neither {UNKNOWN} nor one of {scores.shape[1]} speakers.")
    known = target != UNKNOWN
    named = known & top1(scores, np.where(known, target, 0))
    return Trials(scores.max(axis=1), known, named, identity)


def measures(found: Curve) -> dict[str, Floats]:
    """All metrics of a curve: EER, minDCF at two priors, OSCR, and ACC without any rejection."""
    return {
        "EER": eer(found),
        "minDCF 0.1": min_dcf(found, 0.1),
        "minDCF 0.01": min_dcf(found, 0.01),
        "OSCR": oscr(found),
        "ACC": found.named[..., -1],
    }
