"""Every checker takes the model solution in any form, and no answer that was drawn at random."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from verdicts import FUNCTIONS, GARBAGE, asked, further

from mraf.evaluation.differences import BETTER, EQUAL, OPEN, WORSE
from mraf.training.config import Config, configure
from mraf_lessons.data import checks as data
from mraf_lessons.embeddings import checks as embeddings
from mraf_lessons.evaluation import checks as evaluation
from mraf_lessons.kit.checker import Verdict
from mraf_lessons.missing_token import checks as missing_token
from mraf_lessons.open_set import checks as open_set
from mraf_lessons.training import checks as training

ROOT = Path(__file__).parents[2]

# --- the model solutions, and answers made from them -----------------------------------------


@cache
def solutions() -> dict[tuple[str, str], tuple[str, dict[str, Any]]]:
    """By module and name of a check: the function that a model solution hands over, and its names.

    Of a notebook, only the imports and the functions are run.
    """
    found = {}
    for path in sorted((ROOT / "notebooks/solutions").glob("*.ipynb")):
        code = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
        lesson = re.search(r"^from mraf_lessons\.(\w+) import .*checks", "\n".join(code), re.M)
        assert lesson, path
        checks = importlib.import_module(f"mraf_lessons.{lesson[1]}.checks")
        parts = [node for source in code for node in ast.parse(source).body]
        kept = [x for x in parts if isinstance(x, ast.Import | ast.ImportFrom | ast.FunctionDef)]
        names: dict[str, Any] = {}
        exec(compile(ast.Module(kept, type_ignores=[]), path.name, "exec"), names)
        for check, answer in re.findall(
            r"^verdict_\d+ = checks?\.(\w+)\((\w+)", "\n".join(code), re.M
        ):
            found[getattr(checks, check).__module__, check] = answer, names
    return found


def solution(module: Any, name: str) -> Callable[..., Any]:
    """The model solution of an exercise that asks for a function."""
    answer, names = solutions()[module.__name__, name]
    names |= {"TINY": training.TINY} | {x: further()[x] for x in ("corpus", "split", "model")}
    function: Callable[..., Any] = names[answer]
    return function


Change = Callable[[Any], Any]


def changed(value: Any, change: Change) -> Any:
    """The value with its arrays and numbers changed, also those in a pair."""
    if isinstance(value, tuple | list):
        return tuple(changed(part, change) for part in value)
    if isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    return change(value) if isinstance(value, np.ndarray | np.number | float) else value


def single(value: Any) -> Any:
    return np.float32(value) if np.asarray(value).dtype.kind == "f" else value


def column(value: Any) -> Any:
    return np.asarray(value)[..., None] if np.ndim(value) else value


def broken(value: Any) -> Any:
    if np.asarray(value).dtype.kind != "f":
        return value
    value = np.array(value)
    value.flat[0] = np.nan
    return value


def of(answer: Callable[..., Any], change: Change) -> Callable[..., Any]:
    return lambda *given: changed(answer(*given), change)


@pytest.mark.parametrize(("module", "name"), FUNCTIONS)
def test_a_right_answer_is_right_in_float32_and_as_a_list(module: Any, name: str) -> None:
    answer = solution(module, name)
    for change in (np.asarray, single, lambda value: np.asarray(value).tolist()):
        verdict = asked(module, name, of(answer, change))
        assert verdict, (verdict, change)


@pytest.mark.parametrize(("module", "name"), FUNCTIONS)
def test_a_right_answer_with_one_nan_or_as_a_column_is_wrong(module: Any, name: str) -> None:
    answer = solution(module, name)
    kinds = parts(answer_of(module, name, answer))
    for change, applies in (
        (broken, any(part.dtype.kind == "f" for part in kinds)),
        (column, any(part.ndim for part in kinds)),
    ):
        verdict = asked(module, name, of(answer, change))
        assert not applies or (verdict.right is False and verdict.message), (verdict, change)


def parts(value: Any) -> list[np.ndarray]:
    """The arrays and numbers of an answer."""
    if isinstance(value, tuple | list):
        return [x for part in value for x in parts(part)]
    return [np.asarray(value.detach() if isinstance(value, torch.Tensor) else value)]


def answer_of(module: Any, name: str, answer: Callable[..., Any]) -> Any:
    """What the model solution returns when the checker first asks it."""
    seen: list[Any] = []

    def kept(*given: Any) -> Any:
        seen.append(answer(*given))
        return seen[-1]

    asked(module, name, kept)
    return seen[0]


def guess(value: Any, rng: np.random.Generator, surely: bool = True) -> Any:
    """A random answer of the form of the right one; `surely` another than the right one."""
    if isinstance(value, str):
        others = [x for x in (BETTER, EQUAL, OPEN, WORSE) if x != value or not surely]
        return str(rng.choice(others))
    if isinstance(value, tuple | list):
        if isinstance(value[0], Config):
            return value[::-1] if rng.random() < 0.5 else (value[1], value[1])
        return tuple(guess(part, rng, surely) for part in value)
    (value,) = parts(value)
    if value.dtype.kind == "b":
        turned = surely or rng.random() < 0.5
        return rng.permutation(value) if value.ndim else bool(value) ^ turned
    if value.std() and rng.random() < 0.5:
        return rng.normal(value.mean(), value.std(), value.shape)
    factor = rng.uniform(1.4, 3, value.shape) ** rng.choice([-1, 1])
    return value * factor * rng.choice([-1, 1], value.shape)


@pytest.mark.parametrize(("module", "name"), FUNCTIONS)
def test_twenty_random_answers_are_wrong(module: Any, name: str) -> None:
    answer = solution(module, name)
    rng = np.random.default_rng(0)
    for _ in range(20):
        times: list[int] = []

        def wrong(*given: Any, times: list[int] = times) -> Any:
            times.append(1)
            return guess(answer(*given), rng, surely=len(times) == 1)

        verdict = asked(module, name, wrong)
        assert verdict.right is False
        assert verdict.message


# --- exercises that ask for a value ----------------------------------------------------------


LABELS = np.repeat(np.arange(4), [9, 6, 5, 20])
VIDEO = np.repeat(np.arange(8), 5)
CORRECT = np.arange(40) % 3 > 0
LOGITS = 2 * np.eye(4)[LABELS] + 2 * np.random.default_rng(0).normal(size=(40, 4))
FIRST, SECOND = np.array([0.80, 0.85, 0.79]), np.array([0.78, 0.80, 0.79])
VALUES: dict[str, tuple[Any, Callable[[Any], Verdict]]] = {
    "speaker average": (data, lambda x: data.speaker_average(x, CORRECT, LABELS)),
    "seeds": (missing_token, lambda x: missing_token.seed_interval(x, FIRST, SECOND)),
    "weight": (training, lambda x: training.equal_weight(x, configure("quick", 70, {}))),
    "temperature": (
        evaluation,
        lambda x: evaluation.temperature(x, VIDEO % 2 == 0, LOGITS, LABELS, VIDEO),
    ),
    "chance": (embeddings, lambda x: embeddings.chance(x, LABELS)),
    "floor": (open_set, open_set.floor),
}


@pytest.mark.parametrize("name", VALUES)
def test_only_the_right_value_is_right(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, check = VALUES[name]
    known: list[Any] = []
    real = module.judge
    monkeypatch.setattr(
        module, "judge", lambda x, said, *r, **o: known.append(said) or real(x, said)
    )
    check(0.123)
    monkeypatch.undo()
    right, rng = np.asarray(next(iter(known[0].values()))), np.random.default_rng(0)
    assert check(right)
    assert check(np.float32(right))
    assert check(right.tolist())
    for wrong in [*GARBAGE, right[..., None], *(guess(right, rng) for _ in range(20))]:
        verdict = check(wrong)
        assert verdict.right is False, repr(wrong)
        assert verdict.message
    assert check(None).right is check(...).right is None


def test_twenty_random_readings_of_a_map_are_wrong() -> None:
    right, rng = (
        {key: holds for key, (holds, _) in embeddings.CLAIMS.items()},
        np.random.default_rng(0),
    )
    for _ in range(20):
        wrong = {key: bool(rng.random() < 0.5) for key in right}
        verdict = embeddings.claims(wrong)
        assert verdict.right is (wrong == right)
