"""Checks declared as data: by what is said, the answers that it is said to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mraf_lessons.kit.checker import Mistake, Verdict, compare

Hints = Mapping[str, Any]  # answers, or tuples of answers that deserve the same hint


def mistakes(hints: Hints) -> list[Mistake]:
    """The mistakes that a checker looks for, in order."""
    return [
        Mistake(answer, hint)
        for hint, answers in hints.items()
        for answer in (answers if isinstance(answers, tuple) else (answers,))
    ]


def judge(given: Any, said: Hints, rtol: float = 1e-4) -> Verdict:
    """Find what is said to an answer.

    Args:
        given: the answer; None or an ellipsis is not answered yet.
        said: first the praise of the right answer, then the hints to what mistakes lead to.
        rtol: tolerated difference, relative to the largest number of the right answer.
    """
    (praise, right), *others = said.items()
    return compare(given, right, mistakes(dict(others)), praise, rtol)
