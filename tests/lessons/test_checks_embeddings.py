"""The checkers of notebook 06 name the typical mistakes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from verdicts import hint

from mraf_lessons.embeddings import checks as check

Array = np.ndarray


def share(rows: Array, speaker: Array, video: Array, k: int, *, apart: str = "video") -> float:
    """The right answer, or a variant of it."""
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    score = -rows @ rows.T
    if apart == "video":
        score[video[:, None] == video] = np.inf
    if apart == "itself":
        np.fill_diagonal(score, np.inf)
    near = np.argsort(score, axis=1, kind="stable")[:, :k]
    return float(np.mean(speaker[near] == speaker[:, None]))


def left_out_after(rows: Array, speaker: Array, video: Array, k: int) -> float:
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    score = -rows @ rows.T
    np.fill_diagonal(score, np.inf)
    near = np.argsort(score, axis=1)[:, :k]
    same = speaker[near] == speaker[:, None]
    return float(np.mean(same & (video[near] != video[:, None])))


def among_what_is_left(rows: Array, speaker: Array, video: Array, k: int) -> float:
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    score = -rows @ rows.T
    np.fill_diagonal(score, np.inf)
    near = np.argsort(score, axis=1)[:, :k]
    left = video[near] != video[:, None]
    return float(np.mean((speaker[near] == speaker[:, None])[left]))


def by_length(rows: Array, speaker: Array, video: Array, k: int) -> float:
    distance = np.square(rows[:, None] - rows).sum(axis=2)
    distance[video[:, None] == video] = np.inf
    near = np.argsort(distance, axis=1)[:, :k]
    return float(np.mean(speaker[near] == speaker[:, None]))


def test_neighbour_share() -> None:
    assert check.neighbour_share(share)
    assert check.neighbour_share(lambda *given: None).right is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda *given: share(*given, apart="nothing"), "its own nearest neighbour"),
        (lambda *given: share(*given, apart="itself"), "near-copies"),
        (left_out_after, "left the own video out after"),
        (among_what_is_left, "left the own video out after"),
        (by_length, "by length"),
    ],
)
def test_neighbour_share_mistakes(answer: Callable[..., Any], message: str) -> None:
    assert message in hint(check.neighbour_share(answer))


LABEL = np.array([0, 0, 0, 1, 1, 2])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (1 / 3, "equally frequent"),
        ((9 + 4 + 1) / 36, "one fewer"),
        (3 / 6, "the most frequent label"),
    ],
)
def test_chance(answer: float, message: str) -> None:
    assert check.chance((3 * 2 + 2 * 1) / (6 * 5), LABEL)
    assert message in hint(check.chance(answer, LABEL))


def test_claims() -> None:
    right = {key: holds for key, (holds, _) in check.CLAIMS.items()}
    assert check.claims(right)
    assert check.claims(None).right is None
    assert check.claims({**right, "b": ...}).right is None
    assert check.claims({key: np.bool_(holds) for key, holds in right.items()})
    for garbage in (
        {"a": False},
        "abcde",
        [True] * 5,
        3,
        {**right, "a": "False"},
        {**right, "a": 0},
    ):
        assert "Say True or False" in hint(check.claims(garbage))
    for key, holds in right.items():
        assert f"about {key}:" in hint(check.claims({**right, key: not holds}))


def centred(x: Array, axis: int | None = 0) -> Array:
    return x - x.mean(axis=axis, keepdims=True)


def test_gap() -> None:
    assert check.gap(lambda a, b: (centred(a), centred(b)))
    assert check.gap(lambda a, b: ...).right is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda a, b: np.split(centred(np.concatenate([a, b])), 2), "common mean"),
        (lambda a, b: (centred(a), b - a.mean(axis=0)), "the first mean"),
        (lambda a, b: (centred(a, 1), centred(b, 1)), "each clip's numbers"),
        (lambda a, b: (centred(a, None), centred(b, None)), "one number for all"),
        (lambda a, b: (a, b), "Nothing was moved"),
        (lambda a, b: (a[:2], b), "two arrays"),
        (lambda a, b: 3, "two arrays"),
    ],
)
def test_gap_mistakes(answer: Callable[..., Any], message: str) -> None:
    assert message in hint(check.gap(answer))
