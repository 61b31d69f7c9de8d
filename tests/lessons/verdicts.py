"""How tests find every checker of an exercise, ask it, and read what it says."""

from __future__ import annotations

import importlib
import inspect
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from official import random_corpus

from mraf.data import validation_split
from mraf.evaluation.predict import forward
from mraf.variants.build import build
from mraf.variants.config import ModelConfig
from mraf_lessons.kit import checker
from mraf_lessons.kit.checker import Verdict

LESSONS = (
    "data",
    "one_page",
    "units",
    "missing_token",
    "reliability",
    "training",
    "evaluation",
    "embeddings",
    "ablations",
    "attention",
    "leaderboard",
    "faces",
    "decisions",
    "shared_space",
    "open_set",
    "heads",
    "waveform",
    "enrolment",
)
MODULES = [importlib.import_module(f"mraf_lessons.{lesson}.checks") for lesson in LESSONS]
FUNCTIONS = [
    pytest.param(module, name, id=f"{module.__name__.split('.')[1]}-{name}")
    for module in MODULES
    for name, check in vars(module).items()
    if inspect.isfunction(check) and check.__module__ == module.__name__
    if inspect.signature(check).parameters.get("answer", inspect.Parameter("x", 1)).annotation
    == checker.Answer
]


@cache
def further() -> dict[str, Any]:
    """What checkers ask for besides the answer, by its name."""
    corpus = random_corpus()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = build(ModelConfig(6, tokens=2, width=8, heads=2)).eval()
    clips = corpus.train
    return {
        "corpus": corpus,
        "clips": clips,
        "split": validation_split(corpus),
        "model": model,
        "complete": forward(model, clips[:5]),
        "missing": forward(model, clips[:5].without_faces()),
        "key": "kd_temperature",
        "values": (2, 8),
    }


def asked(module: Any, name: str, answer: Any) -> Verdict:
    """What the check of that name says to an answer."""
    check = getattr(module, name)
    names = inspect.signature(check).parameters
    return check(answer, **{key: value for key, value in further().items() if key in names})


GARBAGE = [
    "0.5",
    b"0.5",
    np.nan,
    np.inf,
    -np.inf,
    np.float32(7e30),
    1 + 2j,
    {},
    {"P3": 1.0},
    set(),
    object(),
    [],
    (),
    [[1, 2], [3]],
    [None, None],
    (..., ...),
    ("a", "b"),
    np.array("0.5"),
    np.full(3, np.nan),
    np.full((2, 3), None),
    np.zeros((0, 4)),
    np.zeros((4, 1)),
    (np.zeros(3), np.zeros(4)),
    torch.zeros(2, 3, 4, requires_grad=True),
    range(2),
]


def hint(verdict: Verdict) -> str:
    """The hint to a wrong answer; anything else fails."""
    assert verdict.right is False, verdict
    return verdict.message


def judged(verdict: Verdict, message: str | None) -> None:
    """Right where no message is given, else wrong with a hint that holds it."""
    assert verdict.right is (message is None), verdict
    assert message is None or message in verdict.message
