"""Readings: what a figure shows, in sentences whose numbers come from the same run."""

from IPython.display import Markdown

ANSWER = "**What you see.**"


def seen(*sentences: str) -> Markdown:
    """A reading, to be shown under its figure; a sentence may end in a Markdown table."""
    return Markdown(" ".join([ANSWER, *sentences]))
