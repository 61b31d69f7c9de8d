"""The checkers of notebook 04 name the typical mistakes."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from verdicts import hint

from mraf.training.config import Config, configure
from mraf_lessons.training import checks as check

Array = np.ndarray


def log_softmax(z: Array, axis: int = 1) -> Array:
    z = z - z.max(axis=axis, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


def kl(teacher: Array, student: Array) -> Array:
    return np.exp(teacher) * (teacher - student)


def soft(z: Array, t: float) -> Array:
    return log_softmax(z / t)


def test_distillation() -> None:
    assert check.distillation(lambda a, b, t: t**2 * kl(soft(a, t), soft(b, t)).sum() / len(a))
    assert check.distillation(lambda a, b, t: None).right is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda a, b, t: kl(soft(a, t), soft(b, t)).sum() / len(a), "factor T² is missing"),
        (lambda a, b, t: t * kl(soft(a, t), soft(b, t)).sum() / len(a), "T², not T"),
        (lambda a, b, t: t**2 * kl(soft(b, t), soft(a, t)).sum() / len(a), "Turned round"),
        (lambda a, b, t: t**2 * kl(soft(a, t), soft(b, t)).mean(), "averaged over speakers"),
        (lambda a, b, t: t**2 * kl(soft(a, t), soft(b, t)).sum(), "summed over the clips"),
        (lambda a, b, t: t**2 * kl(soft(a, t), soft(b, 1)).sum() / len(a), "Only the teacher"),
        (lambda a, b, t: t**2 * kl(soft(a, 1), soft(b, t)).sum() / len(a), "Only the student"),
        (lambda a, b, t: t**2 * kl(soft(a, 1), soft(b, 1)).sum() / len(a), "Nothing is softened"),
        (
            lambda a, b, t: t**2 * kl(log_softmax(a / t, 0), log_softmax(b / t, 0)).sum() / len(a),
            "runs over the clips",
        ),
        (
            lambda a, b, t: -(t**2) * (np.exp(soft(a, t)) * soft(b, t)).sum() / len(a),
            "cross-entropy",
        ),
    ],
)
def test_distillation_mistakes(answer: Callable[..., Any], message: str) -> None:
    assert message in hint(check.distillation(answer))


def test_distillation_that_overflows() -> None:
    def naive(a: Array, b: Array, t: float) -> float:
        p, q = (np.exp(z / t) / np.exp(z / t).sum(axis=1, keepdims=True) for z in (a, b))
        return t**2 * (p * np.log(p / q)).sum() / len(a)

    assert "overflow" in hint(check.distillation(naive))


@pytest.mark.parametrize("guard", [lambda p: p + 1e-12, lambda p: np.maximum(p, 1e-12)])
def test_distillation_that_is_cut_off(guard: Callable[[Array], Array]) -> None:
    def guarded(a: Array, b: Array, t: float) -> float:
        p, q = (np.exp(soft(z, t)) for z in (a, b))
        return t**2 * (p * np.log(guard(p) / guard(q))).sum() / len(a)

    assert "give 27.63 where 2000 is right" in hint(check.distillation(guarded))


def summed(e: Array, centers: Array, y: Array) -> Array:
    g = np.zeros_like(centers)
    np.add.at(g, y, centers[y] - e)
    return g


def last_only(e: Array, centers: Array, y: Array) -> Array:
    g = np.zeros_like(centers)
    g[y] += centers[y] - e
    return g


def test_center_gradient() -> None:
    assert check.center_gradient(summed)
    assert check.center_gradient(lambda e, c, y: ...).right is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda e, c, y: -summed(e, c, y), "The sign"),
        (last_only, "keeps the last clip only"),
        (lambda e, c, y: -last_only(e, c, y), "turned round, and only the last"),
        (
            lambda e, c, y: summed(e, c, y) / np.maximum(np.bincount(y, minlength=4), 1)[:, None],
            "the mean over",
        ),
        (lambda e, c, y: 2 * summed(e, c, y), "The half"),
        (lambda e, c, y: e - c[y], "gradient on the embeddings"),
        (lambda e, c, y: c[y] - e, "add up the rows"),
    ],
)
def test_center_gradient_mistakes(answer: Callable[..., Any], message: str) -> None:
    assert message in hint(check.center_gradient(answer))


SIZES = {"width": 8, "batch_size": 4}


def made(**changes: Any) -> Config:
    return configure("quick", 70, {**SIZES, **changes})


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (0.1 / 4, "over all entries"),
        (0.1 / 8, "batch of one clip"),
        (0.1 * 32, "Upside down"),
        (1 / 32, "Keep the weight"),
        (0.1, "B · d times as strong"),
    ],
)
def test_equal_weight(answer: float, message: str) -> None:
    assert check.equal_weight(0.1 / 32, made(center_weight=0.1))
    assert message in hint(check.equal_weight(answer, made(center_weight=0.1)))


def both(number: int, **second: Any) -> tuple[Config, Config]:
    first = {"kd_temperature": 2, "seed": number}
    return made(**first), made(**{**first, "kd_temperature": 8, **second})


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda seed: both(seed, seed=seed + 1), "different seeds"),
        (lambda seed: both(seed, epochs=3, dropout=0.5), "differ in dropout, epochs"),
        (lambda seed: both(0), "the same seed"),
        (lambda seed: both(seed, kd_temperature=2), "nothing is compared"),
        (lambda seed: both(seed)[::-1], "other way round"),
        (lambda seed: both(seed)[0], "two configurations"),
        (lambda seed: "two", "two configurations"),
        (lambda seed: both(seed, kd_temperature=4), "so small"),
    ],
)
def test_fair_pair(answer: Callable[[int], Any], message: str) -> None:
    assert check.fair_pair(both, "kd_temperature", (2, 8), SIZES)
    assert check.fair_pair(lambda seed: ..., "kd_temperature", (2, 8), SIZES).right is None
    assert message in hint(check.fair_pair(answer, "kd_temperature", (2, 8), SIZES))


def of_size(sizes: dict[str, Any]) -> Callable[[int], Any]:
    def answer(seed: int) -> list[Config]:
        changes = [{**sizes, "seed": seed, "kd_temperature": t} for t in (2, 8)]
        return [configure("quick", 70, change) for change in changes]

    return answer


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({}, "Both have width=192, TINY has 64"),
        ({**check.TINY, "epochs": 10}, "Both have epochs=10, TINY has 3"),
    ],
)
def test_fair_pair_of_full_networks(sizes: dict[str, Any], message: str) -> None:
    assert check.fair_pair(of_size(check.TINY), "kd_temperature", (2, 8))
    assert message in hint(check.fair_pair(of_size(sizes), "kd_temperature", (2, 8)))


def test_tiny_is_that_of_the_notebook() -> None:
    path = Path(__file__).parents[2] / "notebooks/solutions/04_training.ipynb"
    lines = "\n".join(cell.source for cell in nbformat.read(path, 4).cells).splitlines()
    (line,) = [line for line in lines if line.startswith("TINY = ")]
    assert ast.literal_eval(line.removeprefix("TINY = ")) == check.TINY
