"""What holds for the checker of every exercise that asks for a function."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from verdicts import FUNCTIONS, GARBAGE, asked

from mraf_lessons.kit import checker
from mraf_lessons.kit.checker import Verdict


def raises(*given: Any) -> Any:
    raise IndexError("an index")


@pytest.mark.parametrize(("module", "name"), FUNCTIONS)
def test_garbage_is_wrong(module: Any, name: str) -> None:
    for garbage in GARBAGE:
        verdict = asked(module, name, lambda *_, garbage=garbage: garbage)
        assert verdict.right is False, repr(garbage)
        assert verdict.message, repr(garbage)
    assert "IndexError" in asked(module, name, raises).message
    assert asked(module, name, lambda: 1).right is False
    for stub in (None, ..., lambda *_: None, lambda *_: ...):
        assert asked(module, name, stub).right is None


@pytest.mark.parametrize(("module", "name"), FUNCTIONS)
def test_every_answer_that_is_known_gets_what_is_said_to_it(
    module: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No mistake leads to the right answer, or hides behind another; float32 will do."""
    judged: list[tuple[checker.Said, float]] = []
    drawn: list[tuple[Any, ...]] = []
    real, real_interval = checker.judge, checker.judge_interval

    def spy(
        given: Any, said: checker.Said, rtol: float = 1e-4, *rest: Any, **options: Any
    ) -> Verdict:
        judged.append((said, rtol))
        return real(next(iter(said.values())), said, rtol, *rest, **options)

    def spy_interval(given: Any, *rest: Any, **options: Any) -> Verdict:
        drawn.append((rest, options))
        return Verdict(None)

    monkeypatch.setattr(checker, "judge", spy)
    for known, stand_in in (("judge", spy), ("judge_interval", spy_interval)):
        if hasattr(module, known):
            monkeypatch.setattr(module, known, stand_in)
    for some in ([[0.1, 0.2]], np.ones((2, 3, 1))):  # the second is a pair of columns
        asked(module, name, lambda *_, some=some: some)
    monkeypatch.undo()
    for said, rtol in judged:
        for number, (message, values) in enumerate(said.items()):
            for value in values if isinstance(values, tuple) else (values,):
                verdict = real(value, said, rtol)
                assert (verdict.right, verdict.message) == (number == 0, message)
                rounded = np.asarray(checker.numbers(value), dtype=np.float32)
                verdict = real(rounded, said, rtol)
                assert (verdict.right, verdict.message) == (number == 0, message)
                assert real(rounded[..., None], said, rtol).right is False
    for rest, options in drawn:
        for number, (message, draws) in enumerate(rest[0].items()):
            verdict = real_interval(np.percentile(draws, [2.5, 97.5]), *rest, **options)
            assert (verdict.right, verdict.message) == (number == 0, message)
