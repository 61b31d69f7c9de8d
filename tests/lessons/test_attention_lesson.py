"""Notebook 07b: checkers name the typical mistakes, readings and figures follow the numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from verdicts import judged

from mraf.data import SETTINGS, Corpus
from mraf.errors import DataError
from mraf.evaluation.predict import forward
from mraf.evaluation.records import counted, write_results
from mraf.evidence.tables import OFFICIAL, TWIN
from mraf.variants.build import build
from mraf.variants.config import ModelConfig
from mraf_lessons.ablations import figures as ablations
from mraf_lessons.attention import checks, figures, readings
from mraf_lessons.one_page.readings import evenness


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


def test_evenness_is_told_for_each_direction_and_head(tiny_corpus: Corpus) -> None:
    model = build(ModelConfig(6, tokens=3, width=8, heads=2))
    out = forward(model, tiny_corpus.train[:4])
    told = figures.evenness(out).alt
    assert all(f"{asks}, head {h}: median" in told for asks in ("face asks voice",) for h in (0, 1))
    assert out.attention is not None
    even = out._replace(attention=type(out.attention)(*[torch.full((4, 2, 3, 3), 1 / 3)] * 2))
    assert "100.0% of the largest possible where the face asks, and 100.0%" in evenness(even)


def test_recorded_differences_are_corrected_together_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readings, "find", lambda path: [*tmp_path.glob(path.name), None][0])
    with pytest.raises(DataError, match="no attention is recorded"):
        readings.recorded({TWIN: ("quick",)})
    right = {"cross_attention": 9, "cross_attention+uniform": 9, "none": 8, "linear": 9}
    rows = [
        {"system": name, "setting": setting.name, "seed": seed, "corpus": "twin"}
        | {"preset": "quick", "split": "validation"}
        | counted([n] * 12, [10] * 12)
        for name, n in right.items()
        for seed in ((0,) if name == "linear" else (0, 1, 2))
        for setting in SETTINGS
    ]
    write_results(tmp_path / "attention_twin.csv", pd.DataFrame(rows))
    table = readings.recorded({TWIN: ("quick", "paper"), OFFICIAL: ("quick",)})
    even, none = "intervention: maps made even", "trained anew: no context: C = 0"
    assert set(table.system) == {even, none}  # one seed says nothing
    assert len(table) == 2 * len(readings.METRICS)
    assert (table.p_holm >= table.p).all()
    told = readings.verdicts(table).data
    assert f"All {len(table)} differences" in told
    assert f"| {none} | -10.0 to -10.0: 1 × *worse* |" in told
    assert f"| {even} | +0.0 to +0.0: 1 × *cannot be told apart* |" in told
    other = readings.verdicts(table.assign(difference=-0.2, verdict="cannot be told apart")).data
    assert f"| {none} | -20.0 to -20.0: 1 × *cannot be told apart* |" in other
    told = ablations.differences(table, row="system").alt
    assert "cannot be told apart*: 3 of 6 cells" in told
    assert "no context: C = 0 in mean (-10.0)" in told
    assert len(told.split()) <= 80
