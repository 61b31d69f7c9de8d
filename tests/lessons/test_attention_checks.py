"""The checkers of notebook 07b name the typical mistakes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from verdicts import judged

from mraf_lessons.attention import checks


def rows(maps: torch.Tensor, dim: int = -1) -> torch.Tensor:
    return torch.special.entr(maps).sum(dim=dim)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda A: rows(A) / torch.tensor(A.shape[-1]).log(), None),
        (lambda A: -rows(A) / torch.tensor(A.shape[-1]).log(), "minus sign"),
        (rows, "Divide it by the largest one"),
        (lambda A: rows(A) / A.shape[-1], "not K'"),
        (lambda A: rows(A) / torch.tensor(A.shape[-2]).log(), "not on K"),
        (lambda A: -(A * A.log()).sum(-1) / torch.tensor(A.shape[-1]).log(), "0 be divided by 0"),
    ],
)
def test_entropy(answer: Callable[..., Any], message: str | None) -> None:
    judged(checks.entropy(answer), message)


def fuse(H_f: Any, H_a: Any, fusion: Any, c: float = 1, norms: bool = True, half: Any = 2) -> Any:
    C_f, C_a = (fusion.face_norm(H_f), fusion.voice_norm(H_a)) if norms else (H_f, H_a)
    return fusion.norm((c * C_f.mean(dim=1) + c * C_a.mean(dim=1)) / half)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (fuse, None),
        (lambda *given: fuse(*given, half=1), None),  # the last LayerNorm takes the factor out
        (lambda *given: fuse(*given, c=0), "the clip itself is gone"),
        (lambda *given: fuse(*given, norms=False), "LayerNorms of C̃ stay"),
        (lambda f, a, fusion: fusion(f, a)[0], "the paper's own"),
        (lambda f, a, fusion: fusion.norm(fusion.face_norm(f).mean(1)), "One modality is gone"),
    ],
)
def test_without_context(answer: Callable[..., Any], message: str | None) -> None:
    judged(checks.without_context(answer), message)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda d: 4 * d * (d + 1), None),
        (lambda d: 2 * d * (d + 1), "one direction"),
        (lambda d: 4 * d * d, "have biases"),
        (lambda d: 8 * d * (d + 1), "Values and outputs"),
        (lambda d: 0, "so small that you can work it out"),
    ],
)
def test_idle(answer: Callable[..., Any], message: str | None) -> None:
    judged(checks.idle(answer), message)
