"""The four settings of POLY-SIM 2026 and the honest split on which everything is measured."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mraf.data.clips import IMPORTED, Corpus, FeatureSet
from mraf.errors import DataError


@dataclass(frozen=True)
class Setting:
    """One test condition: the language of the clips and whether their faces are given."""

    name: str
    language: Literal["english", "cross"]
    face: bool


P3 = Setting("P3", "english", face=True)
P4 = Setting("P4", "english", face=False)
P5 = Setting("P5", "cross", face=True)
P6 = Setting("P6", "cross", face=False)
SETTINGS = (P3, P4, P5, P6)


@dataclass(frozen=True, eq=False)
class Split:
    """What is trained on and what is judged."""

    train: FeatureSet  # labelled clips of the language that is trained on, all with a face
    english: FeatureSet  # judged in P3 and P4, of the same language (English in POLY-SIM)
    cross: FeatureSet  # judged in P5 and P6, of the second language
    speakers: int  # C
    name: str  # "validation" or "test"
    notes: tuple[str, ...] = ()  # one sentence for each group of clips left out, and why

    def clips(self, setting: Setting) -> FeatureSet:
        """The clips of a setting; in P4 and P6 every face is missing."""
        clips: FeatureSet = getattr(self, setting.language)
        return clips if setting.face else clips.without_faces()


def shared_videos(first: FeatureSet, second: FeatureSet) -> NDArray[np.str_]:
    """Names of the videos that occur in both sets, sorted."""
    return np.setdiff1d(np.intersect1d(first.video, second.video), [""])


def ambiguous_videos(clips: FeatureSet) -> NDArray[np.str_]:
    """Names of the videos that carry more than one speaker label, sorted."""
    videos, number = np.unique(clips.video, return_inverse=True)
    speakers = clips.labels.max() + 1
    owned = np.unique(number.ravel() * speakers + clips.labels) // speakers  # once a speaker
    return np.setdiff1d(videos[np.bincount(owned) > 1], [""])


def _left_out(
    clips: FeatureSet, bad: NDArray[np.bool_], note: str, refusal: str
) -> tuple[FeatureSet, tuple[str, ...]]:
    """The clips but for the bad ones, and a note where there are such; an error if all are."""
    if not bad.any():
        return clips, ()
    if bad.all():
        raise DataError(f"{clips.source}: {refusal}.")
    return clips[~bad], (f"{clips.language}: {note}.",)


def with_faces(train: FeatureSet, speakers: int) -> tuple[FeatureSet, tuple[str, ...]]:
    """The training clips that have a face, and a sentence where there are others.

    Raises DataError where a speaker has no training clip with a face.
    """
    missing = train.face_missing
    count = f"{missing.sum()} of {len(train)} training clips have no face"
    remedy = "MRAF is trained on clips with a face, so add the face features"
    absent = np.setdiff1d(np.arange(speakers), train.labels[~missing])
    if len(absent) and not missing.all():
        reason = f"{count}, among them every clip of speaker {absent[0]}; {remedy}"
        raise DataError(f"{train.source}: {reason}.")
    return _left_out(train, missing, f"{count} and are left out of training", f"{count}; {remedy}")


def unseen(train: FeatureSet, clips: FeatureSet) -> tuple[FeatureSet, tuple[str, ...]]:
    """The clips to be judged without the videos that were trained on, and a sentence on those.

    Raises DataError where no clip is left.
    """
    seen = np.isin(clips.video, shared_videos(train, clips))
    reason = f"their videos also occur in the {train.language} training list"
    note, refusal = f"{seen.sum()} test clips left out", "no test clip can be judged"
    return _left_out(clips, seen, f"{note}; {reason}", f"{refusal}; {reason}")


def cross_split(corpus: Corpus) -> tuple[FeatureSet, tuple[str, ...]]:
    """The clips judged in P5 and P6, and a sentence for each reason with the clips it removes.

    Videos that are also trained on or carry two speakers are left out.
    """
    cross, notes = corpus.cross, tuple[str, ...]()
    for reason, videos in (
        (
            f"also occur in the {corpus.train.language} training list",
            shared_videos(corpus.train, cross),
        ),
        ("carry two speaker labels", ambiguous_videos(cross)),
    ):
        bad = np.isin(cross.video, videos)
        count = f"{bad.sum()} clips of {len(np.unique(cross.video[bad]))} videos left out"
        refusal = f"no clip is left for P5 and P6; all videos {reason}"
        cross, note = _left_out(cross, bad, f"{count}; they {reason}", refusal)
        notes += note
    return cross, notes


def validation_split(corpus: Corpus, seed: int = 0) -> Split:
    """Hold out one whole training video of each speaker that has at least two.

    Clips of one video are near-copies: a clip-level split would judge what was trained on.

    The same seed holds out the same videos. Raises DataError: no speaker has two training videos,
    or a speaker has no face to train on.
    """
    train = corpus.train
    _, notes = with_faces(train, corpus.speakers)  # each speaker keeps a face to train on
    rng = np.random.default_rng(seed)
    videos, number = np.unique(train.video, return_inverse=True)
    pair = train.labels * len(videos) + number.ravel()  # of speaker and video, sorted by both
    free = ~np.isin(videos, ambiguous_videos(train))
    pairs = np.unique(pair[~train.face_missing])
    ends = np.searchsorted(pairs, np.arange(corpus.speakers + 1) * len(videos))
    chosen = [
        rng.choice(candidates)
        for own in (pairs[start:end] for start, end in pairwise(ends))
        if len(own) > 1 and len(candidates := own[free[own % len(videos)]])
    ]
    held = np.isin(pair, chosen)
    if not held.any():
        raise DataError(
            f"{train.source}: no speaker has two {train.language} videos, so no video can be "
            "held out; train on all clips (`mraf train --final`, which is holdout=false) "
            "and judge on the test clips."
        )
    cross, left_out = cross_split(corpus)
    if single := corpus.speakers - len(np.unique(train.labels[held])):
        reason = "have a single video and are not judged in P3 and P4"
        notes += (f"{train.language}: {single} speakers {reason}.",)
    rest = train[~held & ~train.face_missing]
    return Split(rest, train[held], cross, corpus.speakers, "validation", notes + left_out)


def test_split(corpus: Corpus) -> Split:
    """All training clips, judged on the test clips (their labels may be hidden).

    Raises DataError: the source has no test clips, or a speaker has no face to train on.
    """
    english, cross = corpus.test_english, corpus.test_cross
    if english is None or cross is None:
        absent = corpus.train.language if english is None else corpus.cross.language
        remedy = (
            f"add the list csv_files/comp/{corpus.version}_test_{absent}.csv and its features "
            f"under features/test/{corpus.version}"
        )
        if corpus.version == IMPORTED:
            remedy = "add rows whose split is 'test' to the table and import it again"
        raise DataError(
            f"{corpus.name}: no {absent} test clips in this source; {remedy}, or judge on the "
            "validation split."
        )
    train, notes = with_faces(corpus.train, corpus.speakers)
    return Split(train, english, cross, corpus.speakers, "test", notes)


test_split.__test__ = False  # type: ignore[attr-defined]  # not a test, whatever pytest thinks of its name
