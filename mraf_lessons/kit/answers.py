"""Checks declared as data: the right value, and by hint what typical mistakes lead to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

from mraf_lessons.kit.checker import Mistake, Verdict, compare

Hints = Mapping[str, Any]  # answers, or tuples of answers that deserve the same hint


def mistakes(hints: Hints) -> list[Mistake]:
    """The mistakes that a checker looks for, in order."""
    return [
        Mistake(answer, hint)
        for hint, answers in hints.items()
        for answer in (answers if isinstance(answers, tuple) else (answers,))
    ]


def judge(given: Any, right: ArrayLike, hints: Hints, praise: str, rtol: float = 1e-4) -> Verdict:
    """Compare an answer with the right one and, if it is wrong, find the hint it deserves."""
    return compare(given, right, mistakes(hints), praise, rtol)
