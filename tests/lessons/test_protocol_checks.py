"""The checkers of notebook 08 tell the typical mistakes apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from verdicts import hint, judged

from mraf_lessons.leaderboard import checks as check


@pytest.mark.parametrize(
    ("snippet", "right"), [("A", "voices"), ("B", "same video"), ("C", "labels")]
)
def test_one_answer_is_right_and_every_other_has_a_hint(snippet, right):
    assert check.leak(snippet, right)
    others = [name for name in check.LEAKS if name != right]
    assert all(hint(check.leak(snippet, name)) for name in others)
    assert "Choose one of 'voices'" in hint(check.leak(snippet, "faces"))
    assert check.leak(snippet, ...).right is None


def with_faces(clips, face):
    return replace(clips, face=face.astype(np.float32))


def noise(judge, clips, rng):
    other = with_faces(clips, rng.normal(size=clips.face.shape))
    return not np.array_equal(judge(clips), judge(other))


def order(judge, clips, rng):
    other = with_faces(clips, rng.permutation(clips.face))
    return not np.array_equal(judge(clips), judge(other))


def names_only(judge, clips, rng):
    other = with_faces(clips, rng.normal(size=clips.face.shape))
    return bool((judge(clips).argmax(axis=1) != judge(other).argmax(axis=1)).any())


def own_face_of_the_first(judge, clips, rng):
    face = clips.face.copy()
    face[0] = rng.normal(size=face.shape[1])
    return not np.array_equal(judge(clips)[0], judge(with_faces(clips, face))[0])


def own_face_of_each(judge, clips, rng):
    before, found = judge(clips), False
    for row in range(len(clips.face)):
        face = clips.face.copy()
        face[row] = rng.normal(size=face.shape[1])
        found |= not np.array_equal(before[row], judge(with_faces(clips, face))[row])
    return found


def without(judge, clips, rng):
    return not np.array_equal(judge(clips), judge(clips.without_faces()))


def voices_too(judge, clips, rng):
    other = replace(clips, voice=rng.normal(size=clips.voice.shape).astype(np.float32))
    return not np.array_equal(judge(clips), judge(other)) or noise(judge, clips, rng)


def in_place(judge, clips, rng):
    before = judge(clips)
    clips.face[:] = rng.normal(size=clips.face.shape)
    return not np.array_equal(before, judge(clips))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (noise, None),
        (without, None),
        (order, "pools all faces"),
        (own_face_of_the_first, "ignores a clip's own face"),
        (own_face_of_each, "ignores a clip's own face"),
        (names_only, "compare the scores"),
        (voices_too, "Did you change the voices?"),
        (in_place, "were changed"),
        (lambda *_: False, "nothing but their faces"),
        (lambda *_: 1.0, "True or False is expected, this is a float"),
    ],
)
def test_detector(answer, message):
    verdict = check.detector(answer)
    judged(verdict, message)
    assert check.detector(lambda *_: ...).right is None


def prototypes(voice, names, everybody=False):
    speakers = np.arange(4) if everybody else np.unique(names)
    with np.errstate(invalid="ignore", divide="ignore"):
        sums = np.stack([voice[names == c].sum(axis=0) for c in speakers])
        means = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return speakers, (voice @ means.T).argmax(axis=1)


def without_length(voice, names):
    present = np.unique(names)
    means = np.stack([voice[names == c].mean(axis=0) for c in present])
    return present[(voice @ means.T).argmax(axis=1)]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda v, n: prototypes(v, n)[0][prototypes(v, n)[1]], None),
        (lambda v, n: prototypes(v, n)[1], "rows of the prototypes"),
        (lambda v, n: prototypes(v, n, everybody=True)[1], "0 / 0"),
        (lambda v, n: n, "names from the face"),
        (without_length, "long prototype"),
    ],
)
def test_transduced(answer, message):
    judged(check.transduced(answer), message)
    assert check.transduced(lambda *_: ...).right is None
