"""Are these two of one person? Trials on people never trained on, and their error rates.

Trials of one identity are not independent: every interval resamples identities, and a trial of two
identities counts as often as both are drawn (a bootstrap over subjects; Poh & Bengio, TPAMI 2007).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mraf.data.clips import FeatureSet
from mraf.errors import DataError
from mraf_related.metrics import Curve, Trials, curve, eer
from mraf_related.study import Measured

Ints = NDArray[np.int64]
FOLDS, TESTED = 5, 2 / 7  # of 70 identities, 20 are tested in each fold


class Pairs(NamedTuple):
    """Pairs of a voice and a face, or of two voices, each of one clip; shapes (N,)."""

    voice: Ints  # rows of the clips they are taken from
    other: Ints
    speaker: Ints  # identity of the voice
    shown: Ints  # identity of the other

    @property
    def same(self) -> NDArray[np.bool_]:
        """Whether both are of one person, shape (N,)."""
        matching: NDArray[np.bool_] = self.speaker == self.shown
        return matching


class Fold(NamedTuple):
    """Identities to train on and identities to test on, which have nobody in common."""

    train: NDArray[np.int64]
    test: NDArray[np.int64]


def identity_folds(speakers: int, folds: int = FOLDS, seed: int = 0) -> list[Fold]:
    """Folds over identities; everybody is tested, some twice: 70 are cut into 50 and 20.

    Raises DataError: fewer than two identities on a side.
    """
    tested = round(TESTED * speakers)
    if tested < 2 or speakers - tested < 2:
        raise DataError(f"{speakers} people cannot be cut into two groups; give data of more.")
    order = np.random.default_rng(seed).permutation(speakers)
    starts = [number * speakers // folds for number in range(folds)]
    tests = [np.sort(np.roll(order, -start)[:tested]) for start in starts]
    return [Fold(np.setdiff1d(order, test), test) for test in tests]


def compact(clips: FeatureSet) -> NDArray[np.int64]:
    """Labels 0 … C-1 of the speakers that occur, in the order of their labels, shape (N,)."""
    return np.unique(clips.labels, return_inverse=True)[1].astype(np.int64)


def draw_trials(
    clips: FeatureSet, identities: ArrayLike, rng: np.random.Generator, per_pair: int = 10
) -> Pairs:
    """As many trials of one person as of two, and `per_pair` of each voice with each other's face.

    A clip is drawn by its video first, so that long videos do not drown the others. Identities
    without clips are left out.

    Raises DataError: fewer than two identities with clips, a missing face, or no trials.
    """
    if (absent := int(clips.face_missing.sum())) > 0:
        raise DataError(f"{clips.source}: {absent} clips have no face to be matched; drop them.")
    clips_of = _clips_of(clips, identities)
    speaker, shown = _balanced(clips_of, per_pair)
    return Pairs(_drawn(clips_of, speaker, rng), _drawn(clips_of, shown, rng), speaker, shown)


def draw_voice_trials(
    clips: FeatureSet, identities: ArrayLike, rng: np.random.Generator, per_pair: int = 10
) -> Pairs:
    """The same of two voices, which never come from one video.

    Who has a single video is compared with other people only.

    Raises DataError: fewer than two identities with clips, nobody with two videos, or no trials.
    """
    clips_of = _clips_of(clips, identities)
    speaker, shown = _balanced(clips_of, per_pair)
    several = np.array([person for person, videos in clips_of.items() if len(videos) > 1])
    asked = (speaker != shown) | np.isin(speaker, several)
    speaker, shown = speaker[asked], shown[asked]
    if not len(several):
        raise DataError(f"{clips.source}: nobody has two videos to be compared.")
    voice, other = _drawn(clips_of, speaker, rng), _drawn(clips_of, shown, rng)
    while (again := clips.video[voice] == clips.video[other]).any():
        again &= speaker == shown  # a video of two people is drawn once, and then left out
        if not again.any():
            break
        other[again] = _drawn(clips_of, shown[again], rng)
    apart = clips.video[voice] != clips.video[other]
    return Pairs(voice[apart], other[apart], speaker[apart], shown[apart])


def _balanced(clips_of: dict[int, list[Ints]], per_pair: int) -> tuple[Ints, Ints]:
    """Who is compared with whom, shapes (N,): as often with oneself as with all others."""
    if per_pair < 1:
        raise DataError(f"{per_pair} trials for each pair: at least 1 is needed.")
    present = np.array(list(clips_of))
    speaker, shown = (x.ravel() for x in np.meshgrid(present, present, indexing="ij"))
    times = np.where(speaker == shown, per_pair * (len(present) - 1), per_pair)
    return np.repeat(speaker, times), np.repeat(shown, times)


def _clips_of(clips: FeatureSet, identities: ArrayLike) -> dict[int, list[Ints]]:
    """Rows of each identity's clips, video by video."""
    found = {}
    for identity in np.intersect1d(np.asarray(identities), clips.labels):
        rows = np.flatnonzero(clips.labels == identity)
        videos = np.unique(clips.video[rows])
        found[int(identity)] = [rows[clips.video[rows] == video] for video in videos]
    if len(found) < 2:
        raise DataError(f"{clips.source}: {len(found)} identities with clips; two are needed.")
    return found


def _drawn(clips_of: dict[int, list[Ints]], identity: Ints, rng: np.random.Generator) -> Ints:
    """A clip of each identity, shape (N,)."""
    rows = np.empty(len(identity), dtype=np.int64)
    for person, videos in clips_of.items():
        own = np.flatnonzero(identity == person)
        size = np.array([len(video) for video in videos])
        video = rng.integers(len(videos), size=len(own))
        clip = rng.integers(size[video])
        rows[own] = np.concatenate(videos)[(np.cumsum(size) - size)[video] + clip]
    return rows


def trial_weights(pairs: Pairs, drawn: NDArray[Any]) -> NDArray[Any]:
    """How often each pair counts, shape (…, N), where identities are drawn so often, (…, I)."""
    of_two = drawn[..., pairs.speaker] * drawn[..., pairs.shown]
    return np.where(pairs.same, drawn[..., pairs.speaker], of_two)


def rates(scores: ArrayLike, pairs: Pairs, drawn: NDArray[Any] | None = None) -> Curve:
    """FAR and FRR of taking both for one person's, at every threshold.

    Args:
        scores: of the pairs, shape (N,); more is more alike.
        drawn: how often each identity was drawn, shape (…, I); by default once each.
    Raises DataError: scores of another shape or not finite, or pairs of one kind only.
    """
    trials, first = _by_two(scores, pairs)
    if drawn is None:
        return curve(trials)
    return curve(trials, trial_weights(first, drawn))


def _by_two(scores: ArrayLike, pairs: Pairs) -> tuple[Trials, Pairs]:
    """The scored trials, those of the same two people as one unit, and a pair of each unit."""
    score = np.asarray(scores, dtype=float)
    if score.shape != pairs.voice.shape:
        raise DataError(f"scores of shape {score.shape} for {len(pairs.voice)} trials.")
    two = pairs.speaker * (pairs.shown.max(initial=0) + 1) + pairs.shown
    _, first, unit = np.unique(two, return_index=True, return_inverse=True)
    trials = Trials(score, pairs.same, pairs.same, unit)
    return trials, Pairs(*(part[first] for part in pairs))


def measured_eer(
    scores: ArrayLike, pairs: Pairs, drawn: NDArray[Any], points: int | None = None
) -> Measured:
    """The equal error rate for people as they are and as drawn; see `rates` and `curve`."""
    trials, first = _by_two(scores, pairs)
    by_draw = eer(curve(trials, trial_weights(first, drawn), points))
    return Measured(float(eer(curve(trials))), by_draw, len(pairs.voice))
