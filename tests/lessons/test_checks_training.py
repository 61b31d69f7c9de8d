"""The checkers of notebook 04 name the typical mistakes."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from verdicts import hint

from mraf.training.config import Config, configure
from mraf_lessons.training import checks as check

Array = np.ndarray


def summed(e: Array, centers: Array, y: Array) -> Array:
    g = np.zeros_like(centers)
    np.add.at(g, y, centers[y] - e)
    return g


def last_only(e: Array, centers: Array, y: Array) -> Array:
    g = np.zeros_like(centers)
    g[y] += centers[y] - e
    return g


def with_tensors(e: torch.Tensor, centers: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.zeros(centers.shape).index_add(0, y, centers[y] - e)


def test_center_gradient() -> None:
    assert check.center_gradient(summed)
    assert check.center_gradient(with_tensors)
    assert "The sign" in hint(check.center_gradient(lambda *given: -with_tensors(*given)))
    assert check.center_gradient(lambda e, c, y: ...).right is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda e, c, y: -summed(e, c, y), "The sign"),
        (last_only, "keeps the last clip only"),
        (
            lambda e, c, y: summed(e, c, y) / np.maximum(np.bincount(y, minlength=4), 1)[:, None],
            "the mean over",
        ),
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
        (lambda seed: both(seed, seed=seed + 1), "differ in seed"),
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
