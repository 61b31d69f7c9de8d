"""Notebook 13: its checkers tell the typical mistakes apart, its figures and players describe."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from verdicts import judged

from mraf_lessons.kit.style import png
from mraf_lessons.waveform import checks as check
from mraf_lessons.waveform import figures


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda f: 1127 * np.log1p(f / 700), None),
        (lambda f: 2595 * np.log(1 + f / 700), "base 10"),
        (lambda f: 2595 * np.log10(f / 700), "no value"),
        (lambda f: 700 * (10 ** (f / 2595) - 1), "way back"),
    ],
)
def test_mel(answer, message):
    judged(check.mel(answer), message)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda x: x - np.average(x, axis=-1)[..., None], None),
        (lambda x: x - x.mean(axis=1, keepdims=True), "over the bands"),
        (lambda x: x - x.mean(axis=0), "mixes the clips"),
        (lambda x: (x - x.mean(2)[..., None]) / x.std(2)[..., None], "spread stays"),
    ],
)
def test_mean_removed(answer, message):
    judged(check.mean_removed(answer), message)


def statistics(h, score, axis=1, power=0.5):
    share = np.exp(score) / np.exp(score).sum(axis=axis, keepdims=True)
    mean = (share * h).sum(axis=1)
    return np.append(mean, (share * (h - mean[:, None]) ** 2).sum(axis=1) ** power)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (statistics, None),
        (lambda h, s: statistics(h, s, axis=0), "over time"),
        (lambda h, s: statistics(h, s, power=1), "square root"),
        (lambda h, s: np.append(h.mean(axis=1), h.std(axis=1)), "count the same"),
        (lambda h, s: statistics(h, s)[: len(h)], "spread is missing"),
    ],
)
def test_pooled(answer, message):
    judged(check.pooled(answer), message)


def test_a_figure_says_what_it_shows():
    tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / 16_000)
    figure = figures.spectra({"a tone": tone}, {"a tone": np.eye(40, 51)})
    assert "a tone: most energy at 1000 Hz" in figure.alt
    rows = [(c, s, 0.3 / s, 0.2 / s, 0.4 / s) for c in ("heard", "unheard") for s in (0.5, 2.0)]
    table = pd.DataFrame(rows, columns=["condition", "length", "value", "low", "high"])
    figure = figures.by_length(table.assign(system="filterbank"), "By length")
    assert "heard, filterbank: from 0.6 to 0.15" in figure.alt
    assert png(figure).startswith(b"\x89PNG")


def test_every_player_has_its_name():
    shown = figures.players({"a <voice>": np.ones(100), "another": np.ones(100)}).data
    assert shown.count("<audio") == 2
    assert "a &lt;voice&gt;" in shown
