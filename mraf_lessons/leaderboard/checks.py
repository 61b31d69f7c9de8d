"""Checks of notebook 08, what the leaderboard measures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mraf.data.clips import FACE_DIM, VOICE_DIM, FeatureSet
from mraf.data.describe import unit
from mraf_lessons.kit.checker import Verdict, unanswered

Judge = Callable[[FeatureSet], NDArray[Any]]

LEAKS = ("voices", "same video", "own face", "labels", "nothing")
"""What may leak into P4: voices of the batch, faces of the same video, the clip's own face, labels
of the judged clips, or nothing."""
_HINTS = {
    ("A", "nothing"): "Take a single clip: what is its voice minus the mean of one voice?",
    ("A", "labels"): "Labels of training clips are used, as they should be; none of judged clips.",
    ("A", "same video"): "No face occurs in it. What else does the mean see?",
    ("A", "own face"): "No face occurs in it. What else does the mean see?",
    ("B", "nothing"): "Two clips of one video: can one be adapted to while the other is judged?",
    ("B", "voices"): "Voices of the batch are allowed under batch+faces. What is not?",
    ("B", "own face"): "Its own face is in the other part. And those of its near-copies?",
    ("B", "labels"): "The names come from faces and training means, not from labels.",
    ("C", "nothing"): "Why this share and not another? Follow `accuracy` back to what it needs.",
    ("C", "voices"): "Every clip is scored alone. But who chose the share, and with what?",
    ("C", "same video"): "No face occurs in it. But who chose the share, and with what?",
    ("C", "own face"): "No face occurs in it. But who chose the share, and with what?",
}
_RIGHT = {
    "A": ("voices", "One clip alone would be centred to zero: this is protocol batch, not clip."),
    "B": (
        "same video",
        "Clips of one video are near-copies: this is protocol leaderboard. Split by video.",
    ),
    "C": (
        "labels",
        "No protocol allows that. Settings are chosen on the validation split, as ours were.",
    ),
}


def leak(snippet: str, answer: Any) -> Verdict:
    """What leaks in snippet "A", "B" or "C", a name of LEAKS."""
    if unanswered(answer):
        return Verdict(None)
    if answer not in LEAKS:
        return Verdict(False, f"Choose one of {', '.join(map(repr, LEAKS))}.")
    right, praise = _RIGHT[snippet]
    return Verdict(answer == right, praise if answer == right else _HINTS[snippet, answer])


def detector(answer: Callable[[Judge, FeatureSet, np.random.Generator], Any]) -> Verdict:
    """Whether a judge of P4 looks at faces, for judges from clips with faces to scores (N, C)."""
    rng = np.random.default_rng(0)
    clips = _clips(rng)
    towards, from_voice = rng.normal(size=(FACE_DIM, 4)), rng.normal(size=(VOICE_DIM, 4))
    cases: list[tuple[Judge, bool, str]] = [
        (
            lambda given: given.face @ towards,
            True,
            "It misses a judge that names clips by nothing but their faces.",
        ),
        (
            lambda given: given.voice @ from_voice,
            False,
            "It accuses a judge that never looks at a face. Did you change the voices?",
        ),
        (
            lambda given: given.voice @ from_voice + 1e-6 * given.face @ towards,
            True,
            "It misses a judge whose scores move but whose names do not, yet: compare the scores, "
            "bit for bit.",
        ),
        (
            lambda given: given.voice @ from_voice + given.face.max(axis=0) @ towards,
            True,
            "It misses a judge that pools all faces, whose order does not matter to it. Put noise "
            "in their place.",
        ),
        (
            lambda given: given.voice @ from_voice + np.roll(given.face, 1, axis=0) @ towards,
            True,
            "It misses a judge that ignores a clip's own face and looks at that of another clip: "
            "change the faces of all clips, and compare the scores of all.",
        ),
    ]
    for judge, looks, hint in cases:
        before = clips.face.copy()
        given = answer(judge, clips, np.random.default_rng(1))
        if unanswered(given):
            return Verdict(None)
        if not np.array_equal(before, clips.face):
            return Verdict(False, "The clips themselves were changed; `replace` makes a copy.")
        if not isinstance(given, bool | np.bool_):
            return Verdict(False, f"True or False is expected, this is a {type(given).__name__}.")
        if given != looks:
            return Verdict(False, hint)
    return Verdict(True, "Five judges told apart, whatever their code looks like.")


def _clips(rng: np.random.Generator) -> FeatureSet:
    """Twelve clips of four videos."""
    face, voice = (unit(rng.normal(size=(12, dim))) for dim in (FACE_DIM, VOICE_DIM))
    key = np.array([f"clip {number}" for number in range(12)])
    video = np.array([f"video {number}" for number in np.repeat(range(4), 3)])
    return FeatureSet(face, voice, np.repeat(np.arange(4), 3), video, "English", key)
