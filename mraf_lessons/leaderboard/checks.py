"""Checks of notebook 08, what the leaderboard measures."""

import numpy as np

from mraf.data.clips import FACE_DIM, VOICE_DIM, FeatureSet, unit
from mraf_lessons.kit.checker import Answer, Verdict, ask, judge, refused, unless

LEAKS = ("voices", "same video", "own face", "labels", "nothing")
"""What may leak into P4: of the batch, of the judged clip or its video, labels of judged clips."""
_RIGHT = {"A": "voices", "B": "same video", "C": "labels"}
_SAID = {
    ("A", "voices"): "One clip alone would be centred to zero: this is protocol batch, not clip.",
    ("A", "nothing"): "Take a single clip: what is its voice minus the mean of one voice?",
    ("A", "labels"): "Labels of training clips are used, as they should be; none of judged clips.",
    ("B", "same video"): "Clips of one video are near-copies: this is protocol leaderboard. Split "
    "by video.",
    ("B", "nothing"): "Two clips of one video: can one be adapted to while the other is judged?",
    ("B", "voices"): "Voices of the batch are allowed under batch+faces. What is not?",
    ("B", "own face"): "Its own face is in the other part. And those of its near-copies?",
    ("B", "labels"): "The names come from faces and training means, not from labels.",
    ("C", "labels"): "No protocol allows that. Settings are chosen on the validation split, as "
    "ours were.",
    ("C", "nothing"): "Why this share and not another? Follow `accuracy` back to what it needs.",
    ("C", "voices"): "Every clip is scored alone. But who chose the share, and with what?",
}
_NO_FACE = "No face occurs in it. What else is used to name a clip?"


def leak(snippet: str, answer: object) -> Verdict:
    """What leaks in snippet "A", "B" or "C", a name of LEAKS."""
    if not isinstance(answer, str) or answer not in LEAKS:
        return refused(answer, f"Choose one of {', '.join(map(repr, LEAKS))}.")
    return Verdict(answer == _RIGHT[snippet], _SAID.get((snippet, answer), _NO_FACE))


def detector(answer: Answer) -> Verdict:
    """Whether a judge of P4 looks at faces, for judges from clips with faces to scores (N, C)."""
    rng = np.random.default_rng(0)
    face, voice = (unit(rng.normal(size=(12, dim))) for dim in (FACE_DIM, VOICE_DIM))
    towards, from_voice = rng.normal(size=(FACE_DIM, 4)), rng.normal(size=(VOICE_DIM, 4))
    speaker, key = np.repeat(range(4), 3), np.arange(12).astype(str)
    clips = FeatureSet(face, voice, speaker, speaker.astype(str), "English", key)
    judges = {
        "It misses a judge that names clips by nothing but their faces.": (
            lambda x: x.face @ towards
        ),
        "It accuses a judge that never looks at a face. Did you change the voices?": (
            lambda x: x.voice @ from_voice
        ),
        "It misses a judge whose names stay while its scores move: compare the scores.": (
            lambda x: x.voice @ from_voice + 1e-6 * x.face @ towards
        ),
        "It misses a judge that pools all faces. Put noise in their place.": (
            lambda x: x.voice @ from_voice + x.face.max(axis=0) @ towards
        ),
        "It misses a judge that ignores a clip's own face. Change the faces of all clips.": (
            lambda x: x.voice @ from_voice + np.roll(x.face, 1, axis=0) @ towards
        ),
    }
    for looks, (hint, of) in zip((True, False, True, True, True), judges.items(), strict=True):
        before = clips.face.copy()
        given = ask(answer, of, clips, np.random.default_rng(1), fresh=False)
        changed = not np.array_equal(before, clips.face)
        if not changed and not isinstance(given, bool | np.bool_):
            return refused(given, f"True or False is expected, this is a {type(given).__name__}.")
        spoilt = "The clips themselves were changed; `replace` makes a copy."
        verdict = unless({spoilt: changed, hint: given != looks})
        if not verdict:
            return verdict
    return Verdict(True, "Five judges told apart, whatever their code looks like.")


def transduced(answer: Answer) -> Verdict:
    """Prototypes from judged clips: unit voices (N, D) and names given (N,) to the names (N,)."""
    rng = np.random.default_rng(0)
    centre = rng.normal(size=(4, 6))
    names = np.repeat([0, 1, 3], [5, 6, 4])  # nobody is named 2
    voice = unit(centre[names] + 0.6 * rng.normal(size=(15, 6)))
    names[[0, 7]] = [3, 0]  # two of them are wrong
    present = np.unique(names)
    means = np.stack([voice[names == c].mean(axis=0) for c in present])
    nearest, longest = ((voice @ rows.T).argmax(axis=1) for rows in (unit(means), means))
    said = {
        "The face is withheld, yet it has spoken: through the other clips of its video.": present[
            nearest
        ],
        "A long prototype wins: bring all of them to length 1.": present[longest],
        "These are rows of the prototypes; turn them into names of speakers.": nearest,
        "No clip was named 2: its mean, 0 / 0, wins everywhere. Leave it out.": np.full(15, 2),
        "These are the names from the face; compare the voices once more.": names,
    }
    return judge(ask(answer, voice, names), said)
