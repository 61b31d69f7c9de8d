"""How tests read what a checker says."""

from __future__ import annotations

from mraf_lessons.kit.checker import Verdict


def hint(verdict: Verdict) -> str:
    """The hint to a wrong answer; anything else fails."""
    assert verdict.right is False, verdict
    return verdict.message


def judged(verdict: Verdict, message: str | None) -> None:
    """Right where no message is given, else wrong with a hint that holds it."""
    assert verdict.right is (message is None), verdict
    assert message is None or message in verdict.message
