"""The checkers: silent when nothing is answered, and able to tell the typical mistakes apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from verdicts import hint

from mraf.data import Corpus, FeatureSet, Split, validation_split
from mraf.data.clips import unit
from mraf_lessons.data import checks as check
from mraf_lessons.kit.checker import ask, judge

# --- the checker ---------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [None, ...])
def test_no_answer_is_neither_right_nor_wrong(answer: object) -> None:
    verdict = judge(answer, {"": 1.0})
    assert verdict.right is None
    assert not verdict
    assert repr(verdict) == "… Not answered yet."
    assert ask(answer, 1) is answer  # type: ignore[arg-type]


def test_a_right_answer_is_praised() -> None:
    verdict = judge(0.50001, {"Well.": 0.5, "never said": 0.5}, rtol=1e-3)
    assert verdict
    assert repr(verdict) == "✓ Right. Well."
    assert repr(judge([1, 2], {"": [1, 2]})) == "✓ Right."


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (3.0, "It is three."),
        ([[2.0, 4.0], [6.0, 8.0]], "Doubled."),
        (2.0, "an array of shape (2, 2) is expected, this is a number"),
        ([1.0, 2.0], "of shape (2, 2) is expected, this is an array of shape (2,)"),
        ("one", "an array of shape (2, 2) is expected, this is a str"),
        ([["1", "2"], ["3", "4"]], "an array of shape (2, 2) is expected, this is a list"),
        ([[1.0, 2.0], [3.0]], "an array of shape (2, 2) is expected, this is a list"),
        ([[1.0, 2.0], [3.0, np.nan]], "NaN or infinity"),
        ([[100, 200], [300, 400]], "in percent"),
        ([[1.0, 2.0], [3.0, 5.0]], "so small"),
    ],
)
def test_a_wrong_answer_gets_the_hint_that_fits(answer: Any, message: str) -> None:
    right = np.array([[1.0, 2.0], [3.0, 4.0]])
    verdict = judge(answer, {"": right, "It is three.": 3.0, "Doubled.": 2 * right})
    assert repr(verdict).startswith("✗ Not yet. ")
    assert message in hint(verdict)


def test_of_two_near_answers_the_nearer_is_meant() -> None:
    said = {"": 1.0, "Too much.": 1.04, "One of two.": (0.97, 0.9)}
    assert judge(1.01, said, rtol=0.05)
    assert "Too much" in hint(judge(1.03, said, rtol=0.05))
    assert "One of two" in hint(judge(0.98, said, rtol=0.05))


def test_an_exception_is_a_wrong_answer_that_is_named() -> None:
    def answer(rows: np.ndarray) -> Any:
        rows += 1
        return rows.nothing  # type: ignore[attr-defined]

    rows = np.zeros(3)
    verdict = judge(ask(answer, rows), {"": 1.0})
    assert "It raises AttributeError in `return rows.nothing" in hint(verdict)
    assert not rows.any()  # answers get copies
    assert "not callable" in hint(judge(ask(3, rows), {"": 1.0}))  # type: ignore[arg-type]


def test_an_answer_for_tensors_is_asked_with_tensors() -> None:
    rows, names = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array(["a", "b"])

    def answer(rows: Any, names: Any, broken: bool = False) -> Any:
        assert isinstance(names, np.ndarray)  # words stay what they are
        return torch.clamp(rows, max=4.0) @ torch.ones(3 if broken else 2)

    assert judge(ask(answer, rows, names), {"": [3.0, 7.0]})
    said = hint(judge(ask(answer, rows, names, True), {"": [3.0, 7.0]}))
    assert "It raises RuntimeError in `return torch.clamp" in said  # and no array is named
    said = hint(judge(ask(lambda rows: rows @ np.ones(3), rows), {"": 1.0}))
    assert "It raises ValueError" in said  # as of arrays, for which it was written


# --- notebook 01 ---------------------------------------------------------------------------


def length(rows: np.ndarray, axis: int | None = 1) -> Any:
    return np.linalg.norm(rows, axis=axis, keepdims=True)


def test_cosine() -> None:
    assert check.cosine(lambda a, b: unit(a) @ unit(b).T)
    assert check.cosine(lambda a, b: a @ b.T / np.maximum(length(a) * length(b).T, 1e-12))
    assert check.cosine(lambda a, b: None).right is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda a, b: a @ b.T, "forgot to normalise"),
        (lambda a, b: unit(a) @ b.T, "Only the first"),
        (lambda a, b: a @ unit(b).T, "Only the second"),
        (lambda a, b: a @ b.T / length(a, None) / length(b, None), "whole matrix"),
        (lambda a, b: a / length(a, 0) @ (b / length(b, 0)).T, "columns"),
        (lambda a, b: a / length(a) @ unit(b).T, "A missing face"),
        (lambda a, b: unit(a) @ (b / length(b)).T, "A missing face"),
        (lambda a, b: unit(b) @ unit(a).T, "shape"),
    ],
)
def test_cosine_mistakes(answer: Callable[..., Any], message: str) -> None:
    assert message in hint(check.cosine(answer))


def test_speaker_average() -> None:
    labels = np.array([0, 0, 0, 2])  # speaker 1 is not judged
    correct = np.array([True, True, False, False])
    assert check.speaker_average((2 / 3 + 0) / 2, correct, labels)
    assert check.speaker_average(..., correct, labels).right is None
    assert "averaged zeros" in hint(check.speaker_average((2 / 3) / 3, correct, labels))
    assert "mean over clips" in hint(check.speaker_average(0.5, correct, labels))
    all_speakers = (2 / 3) / 5  # the corpus has more speakers than the last label tells
    assert "averaged zeros" in hint(check.speaker_average(all_speakers, correct, labels))


def hold_videos(clips: FeatureSet, rng: np.random.Generator) -> np.ndarray:
    """One random video of each speaker; in the tiny corpus everybody has three."""
    videos = [
        rng.choice(np.unique(clips.video[clips.labels == c])) for c in np.unique(clips.labels)
    ]
    return np.isin(clips.video, videos)


def hold_some(number: int) -> Callable[[FeatureSet, np.random.Generator], np.ndarray]:
    """So many random videos, while everybody keeps one."""

    def answer(clips: FeatureSet, rng: np.random.Generator) -> np.ndarray:
        kept = clips.video[hold_videos(clips, rng)]
        spare = rng.permutation(np.setdiff1d(clips.video, kept))
        return np.isin(clips.video, spare[:number])

    return answer


def test_hold_out(tiny_corpus: Corpus) -> None:
    assert check.hold_out(hold_videos, tiny_corpus.train)
    assert check.hold_out(hold_some(4), tiny_corpus.train)
    assert check.hold_out(lambda clips, rng: None, tiny_corpus.train).right is None


@pytest.mark.parametrize(("videos", "share"), [(1, "6%"), (8, "44%")])
def test_hold_out_is_about_a_fifth(videos: int, share: str, tiny_corpus: Corpus) -> None:
    found = hint(check.hold_out(hold_some(videos), tiny_corpus.train))
    assert f"{share} of the clips are held out; aim at about a fifth" in found


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda clips, rng: rng.random(len(clips)) < 0.2, "A clip-level split"),
        (lambda clips, rng: clips.labels == 1, "no clip left to train on"),
        (lambda clips, rng: np.zeros(len(clips), dtype=bool), "0% of the clips are held out"),
        (lambda clips, rng: np.ones(len(clips), dtype=bool), "no clip left to train on"),
        (lambda clips, rng: np.flatnonzero(hold_videos(clips, rng)), "A mask is expected"),
        (lambda clips, rng: hold_videos(clips, np.random.default_rng(0)), "draw with `rng`"),
        (lambda clips, rng: ~hold_videos(clips, rng), "are held out; aim"),
        (lambda clips, rng: hold_videos(clips, rng).astype(int), "A mask is expected"),
    ],
)
def test_hold_out_mistakes(answer: Callable[..., Any], message: str, tiny_corpus: Corpus) -> None:
    assert message in hint(check.hold_out(answer, tiny_corpus.train))


def test_hold_out_is_asked_with_more_than_one_generator(tiny_corpus: Corpus) -> None:
    def lucky(clips: FeatureSet, rng: np.random.Generator) -> np.ndarray:
        first = rng.bit_generator.state == np.random.default_rng(0).bit_generator.state
        return hold_videos(clips, rng) if first else rng.random(len(clips)) < 0.2

    assert "A clip-level split" in hint(check.hold_out(lucky, tiny_corpus.train))


@pytest.fixture(scope="module")
def split(tiny_corpus: Corpus) -> Split:
    return validation_split(tiny_corpus)


def means_of(rows: np.ndarray, split: Split) -> np.ndarray:
    labels = split.train.labels
    return np.stack([rows[labels == c].mean(axis=0) for c in range(split.speakers)])


def centre(rows: np.ndarray) -> np.ndarray:
    return rows - rows.mean(axis=0)


def test_centred(split: Split) -> None:
    train = unit(split.train.voice)

    def answer(clips: FeatureSet) -> np.ndarray:
        return unit(centre(unit(clips.voice))) @ unit(means_of(centre(train), split)).T

    assert check.centred(answer, split)
    assert check.centred(lambda clips: answer(clips) * 7, split)  # no nearest mean changes
    assert check.centred(lambda clips: None, split).right is None


@pytest.mark.parametrize(
    ("train", "judged", "message"),
    [
        (lambda t: t, lambda x, t: x, "without centring"),
        (centre, lambda x, t: x - t.mean(axis=0), "by the English mean"),
        (lambda t: t, lambda x, t: centre(x), "Only the judged clips"),
    ],
)
def test_centred_mistakes(
    train: Callable[..., Any], judged: Callable[..., Any], message: str, split: Split
) -> None:
    english = unit(split.train.voice)
    means = unit(means_of(train(english), split))
    verdict = check.centred(lambda clips: unit(judged(unit(clips.voice), english)) @ means.T, split)
    assert message in hint(verdict)


def test_centred_before_normalising(split: Split) -> None:
    means = unit(means_of(centre(split.train.voice), split))
    verdict = check.centred(lambda clips: unit(centre(clips.voice)) @ means.T, split)
    assert "before you normalised" in hint(verdict)
