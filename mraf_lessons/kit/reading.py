"""Readings: what a figure shows, in sentences whose numbers and verbs come from the same run."""

from collections.abc import Mapping

from IPython.display import Markdown

ANSWER = "**What you see.**"


def seen(*sentences: str) -> Markdown:
    """A reading, to be shown under its figure; a sentence may end in a Markdown table."""
    return Markdown(" ".join([ANSWER, *sentences]))


def moves(before: float, after: float, form: str = ".0%") -> str:
    """'grows from 3% to 5%', 'falls from …' or 'stays at …', judged as it is printed."""
    first, last = format(before, form), format(after, form)
    verb = "stays at" if first == last else "grows from" if after > before else "falls from"
    return f"{verb} {first}" + ("" if first == last else f" to {last}")


def ranked(values: Mapping[str, float], form: str = ".1%") -> str:
    """Names with their values, the highest first: 'A (90.0%), B (80.0%)'."""
    ordered = sorted(values.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} ({format(value, form)})" for name, value in ordered)


def by_interval(low: float, high: float, above: str, below: str, neither: str) -> str:
    """The sentence for an interval that lies above zero, below zero, or holds zero."""
    return above if low > 0 else below if high < 0 else neither
