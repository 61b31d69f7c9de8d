"""Compare an answer with the right one and, if it is wrong, with the mistakes that people make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a check found; true only where the answer is right, and shown as one line.

    Args:
        right: None where nothing was answered yet.
        message: praise with a further thought, or a hint.
    """

    right: bool | None
    message: str = ""

    def __bool__(self) -> bool:
        return self.right is True

    def __repr__(self) -> str:
        if self.right is None:
            return "… Not answered yet."
        return f"{'✓ Right.' if self.right else '✗ Not yet.'} {self.message}".rstrip()


@dataclass(frozen=True)
class Mistake:
    """A typical mistake: the answer it leads to, and a hint that names it."""

    answer: ArrayLike
    hint: str


Mistakes = Mapping[str, Any] | Sequence[Mistake]
"""Typical mistakes in the order in which they are looked for: by hint, the answer it leads to."""


def _by_hint(mistakes: Mistakes) -> list[tuple[str, Any]]:
    if isinstance(mistakes, Mapping):
        return list(mistakes.items())
    return [(mistake.hint, mistake.answer) for mistake in mistakes]


def unanswered(answer: object) -> bool:
    """True for what a stub leaves behind: None or an ellipsis."""
    return answer is None or answer is ...


def compare(
    answer: Any,
    right: ArrayLike,
    mistakes: Mistakes = (),
    praise: str = "",
    rtol: float = 1e-4,
) -> Verdict:
    """Compare a number or an array with the right one, then with each typical mistake.

    Args:
        answer: what the student computed, also a tensor; None or ``...`` is not answered yet.
        right: the right answer.
        mistakes: by hint, the answer that each leads to; looked for in this order.
        praise: said when the answer is right.
        rtol: tolerated difference, relative to the largest number of the right answer.
    """
    if unanswered(answer):
        return Verdict(None)
    expected = _numbers(right)
    try:
        given = _numbers(answer)
    except (TypeError, ValueError):
        return Verdict(False, f"{_kind(expected)} is expected, this is a {type(answer).__name__}.")

    def equals(value: ArrayLike) -> bool:
        other = _numbers(value)
        atol = rtol * float(np.max(np.abs(expected), initial=0.0))
        return other.shape == given.shape and np.allclose(
            given, other, rtol=0, atol=atol, equal_nan=True
        )

    if equals(expected):
        return Verdict(True, praise)
    for hint, wrong in _by_hint(mistakes):
        if equals(wrong):
            return Verdict(False, hint)
    if given.shape != expected.shape:
        return Verdict(False, f"{_kind(expected)} is expected, this is {_kind(given)}.")
    if not np.isfinite(given).all():
        return Verdict(False, "There is NaN or infinity in it: where could 0 be divided by 0?")
    if equals(100 * expected):
        return Verdict(False, "That is in percent; a fraction is asked for.")
    return Verdict(False, "Try it on a case so small that you can work it out by hand.")


def compare_interval(
    answer: Any,
    right: ArrayLike,
    mistakes: Mistakes,
    of: str,
    praise: str,
    near: float,
    fractions: bool = False,
) -> Verdict:
    """Compare a bootstrap interval with the right one and with those of typical mistakes.

    Args:
        answer: a pair (low, high) that a student drew; None or ``...`` is not answered yet.
        right: the right pair.
        mistakes: the intervals they lead to.
        of: what the interval is of, as a hint says it.
        praise: said when the right interval is the nearest.
        near: how far an end may be off, relative to the right interval's width.
        fractions: both ends must lie in [0, 1].
    """
    if unanswered(answer):
        return Verdict(None)
    try:
        low, high = (float(x) for x in answer)
    except (TypeError, ValueError):
        return Verdict(False, "Return a pair of two numbers, low and high.")
    if low > high:
        return Verdict(False, "low is above high.")
    if fractions and not 0 <= low <= high <= 1:
        return Verdict(False, f"({low:.3g}, {high:.3g}) is no interval of fractions.")
    if high - low < 1e-9:
        return Verdict(False, "All draws are equal: draw with replacement, or nothing changes.")
    hints, wrong = zip(*_by_hint(mistakes), strict=True)
    known = np.array([right, *wrong], dtype=float)
    distance = np.abs(known - (low, high)).max(axis=1)
    nearest = int(distance.argmin())
    first, last = known[0]
    if distance[nearest] < near * (last - first):
        return Verdict(False, hints[nearest - 1]) if nearest else Verdict(True, praise)
    return Verdict(
        False,
        f"({low:.3f}, {high:.3f}); about ({first:.3f}, {last:.3f}) is expected. Take the 2.5% and "
        f"97.5% quantiles of the {of} over a thousand draws or more.",
    )


def _numbers(values: Any) -> np.ndarray:
    return np.asarray(values.detach() if hasattr(values, "detach") else values, dtype=float)


def _kind(value: np.ndarray) -> str:
    return f"an array of shape {value.shape}" if value.ndim else "a number"
