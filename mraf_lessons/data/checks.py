"""Checks of notebook 01, data inspection."""

import numpy as np

from mraf.data.clips import FeatureSet, unit
from mraf.data.splits import Split
from mraf_lessons.kit.checker import Answer, Array, Verdict, ask, judge, numbers, refused, unless


def cosine(answer: Answer) -> Verdict:
    """The cosine of every row of (N, D) with every row of (M, D), zero for a missing face."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=(3, 4)) * [[1], [5], [9]]
    b = rng.normal(size=(5, 4)) * [[2], [4], [6], [8], [3]]
    columns = a / np.linalg.norm(a, axis=0) @ (b / np.linalg.norm(b, axis=0)).T
    whole = a @ b.T / np.linalg.norm(a) / np.linalg.norm(b)
    mistakes = {
        "You forgot to normalise: a long voice would look like a similar one.": a @ b.T,
        "Only the first rows are normalised; divide the others, too.": unit(a) @ b.T,
        "Only the second rows are normalised; divide the others, too.": a @ unit(b).T,
        "You divided by the length of the whole matrix: np.linalg.norm needs axis=1.": whole,
        "You normalised the columns: a clip is a row, so the norm runs along axis=1.": columns,
    }
    verdict = judge(ask(answer, a, b), {"": unit(a) @ unit(b).T, **mistakes})
    for name, rows in (("a", a), ("b", b)):
        if not verdict:
            return verdict
        rows[1] = 0  # a missing face
        given = ask(answer, a, b)
        found = numbers(given)
        if found is not None and not np.isfinite(found).all():
            hint = f"Right for faces that are there, but a missing face in {name}, a row of zeros, "
            return Verdict(False, f"{hint}becomes 0 / 0; it has no direction: score 0.")
        said = {"And a missing face is equally unlike everybody.": unit(a) @ unit(b).T}
        verdict = judge(given, said)
    return verdict


def speaker_average(answer: object, correct: Array, labels: Array) -> Verdict:
    """The mean over the judged speakers of the share of their clips that was named rightly."""
    clips = np.bincount(labels)
    judged = np.count_nonzero(clips)
    total = (np.bincount(labels, weights=correct) / np.maximum(clips, 1)).sum()
    # divided by the speakers of the corpus, however many there are
    with_zeros = tuple(total / np.arange(judged + 1, 3 * judged + 2))
    said = {
        "Report which mean you took: they answer different questions.": total / judged,
        "That is the mean over clips: a speaker with many clips counts more.": correct.mean(),
        "You averaged zeros into a mean: speakers who are not judged count as always "
        "wrong.": with_zeros,
    }
    return judge(answer, said)


def hold_out(answer: Answer, clips: FeatureSet) -> Verdict:
    """A mask of the held-out clips: whole videos, at least one of each speaker left to train on."""
    masks = [ask(answer, clips, np.random.default_rng(seed)) for seed in range(5)]
    for given in masks:
        held = numbers(given, "b")
        if held is None or held.shape != (len(clips),):
            hint = f"A mask is expected, True or False for each of the {len(clips):,} clips; "
            return refused(given, f"{hint}this is {given!r:.60}.")
        both = np.intersect1d(clips.video[held], clips.video[~held])
        lost = np.setdiff1d(clips.labels, clips.labels[~held])
        share = held.mean()
        off = not 0.1 <= share <= 0.35
        hints = {
            f"A clip-level split: {len(both)} videos have clips on both sides, so near-copies of "
            "what is judged were trained on. Draw videos, not clips.": len(both),
            f"{len(lost)} speakers, {next(iter(lost), '')} among them, have no clip left to train "
            "on: hold out a video only of those who have another.": len(lost),
            f"{share:.0%} of the clips are held out; aim at about a fifth.": off,
        }
        speakers = len(np.unique(clips.labels[held]))
        verdict = unless(hints, f"{held.sum():,} clips of {speakers} speakers are held out.")
        if not verdict:
            return verdict
    same = all(np.array_equal(masks[0], other) for other in masks)
    return unless(
        {"Another generator gives the same mask: draw with `rng`.": same}, verdict.message
    )


def centred(answer: Answer, split: Split) -> Verdict:
    """Cosine scores to English class means, each language's unit voices moved to mean zero."""
    raw_train, raw_voice = split.train.voice, split.cross.voice
    train, voice = unit(raw_train), unit(raw_voice)

    def scores(train: Array, voice: Array) -> Array:
        labels = np.arange(split.speakers)[:, None] == split.train.labels
        return unit(voice) @ unit(labels.astype(np.float32) @ train).T

    right = scores(train - train.mean(0), voice - voice.mean(0))
    raw = scores(raw_train - raw_train.mean(0), raw_voice - raw_voice.mean(0))
    english, half = scores(train - train.mean(0), voice - train.mean(0)), voice - voice.mean(0)
    said = {
        "Now see whether it helps.": right,
        "These are the scores without centring: nothing was moved.": scores(train, voice),
        "You moved both languages by the English mean: the distance between them stays.": english,
        "Only the judged clips were moved: centre the training clips, too.": scores(train, half),
        "You centred before you normalised: long voices pulled the mean towards themselves.": raw,
    }
    given = ask(answer, split.cross)
    found = numbers(given)
    if found is not None and found.ndim == 2:  # scaling a clip's scores leaves its nearest mean
        given, said = unit(found), {hint: unit(scores) for hint, scores in said.items()}
    return judge(given, said, rtol=1e-3)
