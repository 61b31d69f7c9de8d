"""Checks of notebook 01, data inspection."""

import numpy as np

from mraf.data.clips import FeatureSet, unit
from mraf.data.splits import Split
from mraf_lessons.kit.checker import Answer, Array, Verdict, ask, judge, numbers, refused, unless


def cosine(answer: Answer) -> Verdict:
    """The cosine of every row of (N, D) with every row of (M, D), zero for a missing face."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=(3, 4)) * [[1], [0], [9]]  # a row of zeros is a missing face
    b = rng.normal(size=(5, 4)) * [[2], [4], [6], [0], [3]]
    columns = a / np.linalg.norm(a, axis=0) @ (b / np.linalg.norm(b, axis=0)).T
    whole = a @ b.T / np.linalg.norm(a) / np.linalg.norm(b)
    said = {
        "And a missing face is equally unlike everybody.": unit(a) @ unit(b).T,
        "You forgot to normalise: a long voice would look like a similar one.": a @ b.T,
        "Only the first rows are normalised; divide the others, too.": unit(a) @ b.T,
        "Only the second rows are normalised; divide the others, too.": a @ unit(b).T,
        "You divided by the length of the whole matrix: np.linalg.norm needs axis=1.": whole,
        "You normalised the columns: a clip is a row, so the norm runs along axis=1.": columns,
    }
    given = ask(answer, a, b)
    found = numbers(given)
    if found is not None and found.shape == (3, 5) and np.isnan(found).any():
        return Verdict(False, "A missing face, a row of zeros, becomes 0 / 0: score 0 for it.")
    return judge(given, said)


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
        "You averaged zeros into a mean: leave out speakers who are not judged.": with_zeros,
    }
    return judge(answer, said)


def hold_out(answer: Answer, clips: FeatureSet) -> Verdict:
    """A mask of the held-out clips: whole videos, at least one of each speaker left to train on."""
    masks = [ask(answer, clips, np.random.default_rng(seed)) for seed in range(5)]
    same = all(np.array_equal(masks[0], other) for other in masks)
    verdict = Verdict(None)
    for given in masks:
        held = numbers(given, "b")
        if held is None or held.shape != (len(clips),):
            hint = f"A mask is expected, True or False for each of the {len(clips):,} clips."
            return refused(given, hint)
        both = len(np.intersect1d(clips.video[held], clips.video[~held]))
        lost = len(np.setdiff1d(clips.labels, clips.labels[~held]))
        hints = {
            f"A clip-level split: {both} videos have clips on both sides. Draw videos.": both,
            f"{lost} speakers have no clip left to train on: hold out a video only of those who "
            "have another.": lost,
            f"{held.mean():.0%} of the clips are held out; aim at about a fifth.": (
                not 0.1 <= held.mean() <= 0.35
            ),
            "Another generator gives the same mask: draw with `rng`.": same,
        }
        speakers = len(np.unique(clips.labels[held]))
        verdict = unless(hints, f"{held.sum():,} clips of {speakers} speakers are held out.")
        if not verdict:
            break
    return verdict


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
