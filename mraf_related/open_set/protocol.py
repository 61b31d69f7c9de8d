"""The open-set protocol: who is enrolled, with what, which clips of whom are judged, and how.

The speakers of a corpus are dealt into *targets* (40 of 70), who may be enrolled; *unknown*
speakers (10), whose clips a system may train on as classes of their own; and *strangers* (20). Of
36 they are 21, 5 and 10. A list enrols the first targets with a few English clips each. Judged are
one whole held-out video of every enrolled speaker that has two (`validation_split`), every clip of
the second language (`cross_split`), and every clip of the strangers. So no clip of a video that was
enrolled or trained on is judged.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mraf.data.clips import Corpus, FeatureSet
from mraf.data.splits import cross_split, validation_split
from mraf.errors import DataError
from mraf.evaluation.judge import top1
from mraf_related.metrics import Curve, Floats, Trials, eer, oscr

UNKNOWN = -1  # the target of a clip whose speaker is not enrolled
CLIPS_OF_A_VIDEO = 10  # that are judged, at most


def enrolled(clips: FeatureSet, per_speaker: int, rng: np.random.Generator) -> FeatureSet:
    """A few clips of each speaker, drawn at random; all of a speaker who has no more.

    From a generator in the same state, a smaller draw is part of a larger one.

    Raises DataError: fewer than one clip a speaker, or hidden labels.
    """
    if per_speaker < 1:
        raise DataError(f"{per_speaker} clips a speaker: at least 1 is needed.")
    place = np.argsort(rng.permutation(len(clips)))
    return clips[_ranks(clips.labels, place) < per_speaker]


def _ranks(group: NDArray[np.int64], drawn: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of each clip within its group by a drawn order (N,) of all: 0 first, shape (N,)."""
    return pd.Series(drawn).groupby(group).rank().to_numpy(dtype=np.int64) - 1


@dataclass(frozen=True, eq=False)
class OpenSetClips:
    """Clips of enrolled speakers and of strangers in one language."""

    clips: FeatureSet  # with the speaker labels of the corpus
    target: NDArray[np.int64]  # number among the targets, or UNKNOWN, shape (N,)

    def trials(self, scores: NDArray[Any]) -> Trials:
        """Stranger rejection: each clip claims to be the enrolled speaker whose score is highest.

        Args:
            scores: of each clip for each enrolled speaker, shape (N, K).
        Raises DataError: shapes that do not fit, or a target that is no enrolled speaker.
        """
        scores, target = np.asarray(scores, dtype=float), self.target
        if scores.ndim != 2 or len(scores) != len(target):
            raise DataError(f"scores {scores.shape}, targets {target.shape}: need (N, K), (N,).")
        if target.min(initial=0) < UNKNOWN or target.max(initial=0) >= scores.shape[1]:
            raise DataError(f"a target is neither {UNKNOWN} nor one of {scores.shape[1]} speakers.")
        known = target != UNKNOWN
        named = known & top1(scores, np.where(known, target, 0))
        return Trials(scores.max(axis=1), known, named, self.clips.labels)

    def pooled(self, scores: NDArray[Any]) -> Trials:
        """Every clip with every enrolled speaker by scores (N, K), as the paper's public code."""
        own = self.target[:, None] == np.arange(scores.shape[1])
        identity = np.repeat(self.clips.labels, scores.shape[1])
        return Trials(scores.astype(float).ravel(), own.ravel(), own.ravel(), identity)

    def listed(self, targets: int) -> "OpenSetClips":
        """The clips of the first so many enrolled speakers and of strangers."""
        return OpenSetClips(self.clips[self.target < targets], self.target[self.target < targets])


@dataclass(frozen=True, eq=False)
class Draw:
    """One way to deal the speakers.

    A network may be trained on the validation split of `known` with ``split_seed=seed``.
    """

    seed: int  # of everything that was drawn
    known: Corpus  # of the targets alone, numbered 0 … K-1 in the order in which lists take them
    enrolment: FeatureSet  # English clips of the targets that may be enrolled
    unknown: FeatureSet  # English clips of the unknown speakers, numbered 0 … U-1
    rank: NDArray[np.int64]  # drawn place of each clip of `enrolment` among its speaker's, (E,)
    judged: dict[str, OpenSetClips]  # by language
    people: int  # of the corpus

    def enrolled(self, shots: int, targets: int | None = None) -> FeatureSet:
        """So many clips of the first targets, of all by default; all clips where there are fewer.

        Raises DataError: less than one clip.
        """
        if shots < 1:
            raise DataError(f"{shots} shots: a speaker enrols with at least 1 clip.")
        listed = self.known.speakers if targets is None else targets
        return self.enrolment[(self.rank < shots) & (self.enrolment.labels < listed)]

    def seeds(self, runs: int) -> range:
        """Seeds of so many runs, which no two draws share."""
        return range(1000 * self.seed, 1000 * self.seed + runs)

    def others(self, shots: int) -> FeatureSet:
        """So many clips of each unknown speaker."""
        return enrolled(self.unknown, shots, np.random.default_rng(self.seed))


def deal(corpus: Corpus, seed: int = 0, known: int | None = None) -> Draw:
    """Deal the speakers of a corpus into targets, unknown ones and strangers.

    Args:
        seed: the same seed gives the same draw.
        known: number of targets; by default four of seven speakers. A seventh is unknown.
    Raises DataError: not two targets, somebody unknown and a stranger; or hidden labels.
    """
    count = round(corpus.speakers * 4 / 7) if known is None else known
    unknown = max(1, round(corpus.speakers / 7))
    if not 2 <= count < corpus.speakers - unknown:
        raise DataError(
            f"{count} targets and {unknown} unknown of {corpus.speakers} speakers: at least two "
            "targets and one stranger are needed."
        )
    rng = np.random.default_rng(seed)
    dealt = rng.permutation(corpus.speakers)
    number, other = np.full((2, corpus.speakers), UNKNOWN)
    number[dealt[:count]] = np.arange(count)
    other[dealt[count : count + unknown]] = np.arange(unknown)
    second, _ = cross_split(corpus)

    def of(clips: FeatureSet, numbers: NDArray[np.int64]) -> FeatureSet:
        own = clips[numbers[clips.labels] != UNKNOWN]
        return replace(own, speaker=numbers[own.labels])

    closed = Corpus(
        of(corpus.train, number), of(second, number), None, None, count, corpus.name, corpus.version
    )
    split = validation_split(closed, seed)
    english, target = corpus.train, number[corpus.train.labels]
    trained = np.union1d(split.train.video, of(english, other).video)
    elsewhere = ~np.isin(english.video, trained)
    fair = np.where(target == UNKNOWN, elsewhere, np.isin(english.key, split.english.key))
    rank = _ranks(split.train.labels, rng.permutation(len(split.train)))
    judged = {}
    for clips, where in ((english[fair], target[fair]), (second, number[second.labels])):
        video = np.unique(clips.video, return_inverse=True)[1]
        few = _ranks(video, rng.permutation(len(clips))) < CLIPS_OF_A_VIDEO
        few &= other[clips.labels] == UNKNOWN
        judged[clips.language] = OpenSetClips(clips[few], where[few])
    return Draw(seed, closed, split.train, of(corpus.train, other), rank, judged, corpus.speakers)


def measures(found: Curve) -> dict[str, Floats]:
    """All metrics of a curve: EER, OSCR, and ACC without any rejection."""
    return {"EER": eer(found), "OSCR": oscr(found), "ACC": found.named[..., -1]}
