"""Checks of the notebooks' exercises: one module a notebook, all of them built on `checker`."""

from mraf.exercises.checker import Mistake, Verdict, compare, unanswered

__all__ = ["Mistake", "Verdict", "compare", "unanswered"]
