"""What holds for the checker of every exercise that asks for a function."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import numpy as np
import pytest
import torch

from mraf.data import Corpus, validation_split
from mraf.evaluation.predict import forward
from mraf.variants.build import build
from mraf.variants.config import ModelConfig
from mraf_lessons.kit import checker
from mraf_lessons.kit.checker import Verdict

LESSONS = (
    "data",
    "one_page",
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


@pytest.fixture(scope="module")
def further(tiny_corpus: Corpus) -> dict[str, Any]:
    """What a checker asks for besides the answer, by its name."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = build(ModelConfig(6, tokens=2, width=8, heads=2)).eval()
    clips = tiny_corpus.train
    return {
        "clips": clips,
        "split": validation_split(tiny_corpus),
        "model": model,
        "complete": forward(model, clips[:5]),
        "missing": forward(model, clips[:5].without_faces()),
        "key": "kd_temperature",
        "values": (2, 8),
    }


def asked(module: Any, name: str, answer: Any, further: dict[str, Any]) -> Verdict:
    check = getattr(module, name)
    names = inspect.signature(check).parameters
    return check(answer, **{key: value for key, value in further.items() if key in names})


def raises(*given: Any) -> Any:
    raise IndexError("an index")


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


@pytest.mark.parametrize(("module", "name"), FUNCTIONS)
def test_garbage_is_wrong(module: Any, name: str, further: dict[str, Any]) -> None:
    for garbage in GARBAGE:
        verdict = asked(module, name, lambda *_, garbage=garbage: garbage, further)
        assert verdict.right is False, repr(garbage)
        assert verdict.message, repr(garbage)
    assert "IndexError" in asked(module, name, raises, further).message
    assert asked(module, name, lambda: 1, further).right is False
    for stub in (None, ..., lambda *_: None, lambda *_: ...):
        assert asked(module, name, stub, further).right is None


@pytest.mark.parametrize(("module", "name"), FUNCTIONS)
def test_every_answer_that_is_known_gets_what_is_said_to_it(
    module: Any, name: str, further: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No mistake leads to the right answer, or hides behind another; float32 will do."""
    judged: list[tuple[checker.Said, float]] = []
    real = checker.judge

    def spy(given: Any, said: checker.Said, rtol: float = 1e-4, *rest: Any) -> Verdict:
        judged.append((said, rtol))
        return real(next(iter(said.values())), said, rtol, *rest)

    monkeypatch.setattr(checker, "judge", spy)
    if hasattr(module, "judge"):
        monkeypatch.setattr(module, "judge", spy)
    asked(module, name, lambda *_: [[0.1, 0.2]], further)
    for said, rtol in judged:
        for number, (message, values) in enumerate(said.items()):
            for value in values if isinstance(values, tuple) else (values,):
                verdict = real(value, said, rtol)
                assert (verdict.right, verdict.message) == (number == 0, message)
                rounded = np.asarray(checker.numbers(value), dtype=np.float32)
                verdict = real(rounded, said, rtol)
                assert (verdict.right, verdict.message) == (number == 0, message)
                assert real(rounded[..., None], said, rtol).right is False
