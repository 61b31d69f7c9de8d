"""Figures and the threshold of notebook 10 show the numbers they are given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from mraf.errors import DataError, RunError
from mraf_lessons.kit.style import png
from mraf_lessons.shared_space import figures
from mraf_lessons.shared_space.explorer import ThresholdExplorer
from mraf_related.trials import Pairs, rates

SAME = np.arange(60) % 3 == 0
COSINE = np.where(SAME, 0.5, 0.0) + np.linspace(-0.4, 0.4, 60)


def found():
    number = np.arange(60)
    return rates(COSINE, Pairs(number, number, number, np.where(SAME, number, -1)))


@pytest.fixture
def table():
    rows = []
    for system, eer in ((figures.WINNER, 0.3), ("· varied", 0.35), (figures.RIVAL, 0.4)):
        for condition, language in (("heard", "English"), ("unheard", "Urdu")):
            known = {"system": system, "condition": condition, "language": language}
            for fold in ("all", "0", "1"):
                shift = {"all": 0, "0": -0.05, "1": 0.05}[fold]
                rows.append(known | {"metric": "EER", "fold": fold, "value": eer + shift})
            for at in (0.02, 0.1, 0.5, 0.98):
                rows.append(known | {"metric": "FRR", "fold": "all", "at": at, "value": 1 - at})
            for at in (2, 10):
                value = (1 - eer) / at * 1.5
                rows.append(known | {"metric": "matching", "fold": "all", "at": at, "value": value})
    frame = pd.DataFrame(rows)
    return frame.assign(low=frame.value - 0.08, high=frame.value + 0.08)


def of(table, metric):
    return table[table.metric == metric]


def test_every_figure_is_titled_and_described(table):
    angle = np.linspace(0, np.pi, 7)
    drawn = [
        figures.margin(angle, {"cos θ": np.cos(angle), "m": np.cos(angle + 0.2)}),
        figures.score_panels({"known": (COSINE, SAME), "strangers": (COSINE, SAME)}),
        figures.systems(of(table, "EER"), "Twin"),
        figures.det(of(table, "FRR")),
        figures.matching(of(table, "matching")),
        figures.at_threshold(COSINE, SAME, found(), 0.2, "fold 1, English"),
    ]
    for figure in drawn:
        assert len(figure.alt.split()) > 10
        assert any(axes.get_title(loc="left") for axes in figure.axes)
        assert png(figure).startswith(b"\x89PNG")


def test_systems_show_mean_interval_and_folds(table):
    figure = figures.systems(of(table, "EER"))
    axes = figure.axes[0]
    points = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert points == pytest.approx([0.3, 0.3, 0.35, 0.35, 0.4, 0.4])
    strokes = [list(line.get_xdata()) for line in axes.lines if line.get_marker() == "|"]
    assert strokes[0] == pytest.approx([0.25, 0.35])
    assert "FOP, unheard: 40.0% [32.0%, 48.0%]" in figure.alt
    with pytest.raises(DataError, match="lacks"):
        figures.systems(of(table, "EER").drop(columns="low"))


def test_chance_is_a_line_on_det_axes(table):
    figure = figures.det(of(table, "FRR"))
    chance, curve = figure.axes[0].lines[-2], figure.axes[0].lines[0]
    np.testing.assert_allclose(curve.get_xdata(), ndtri([0.02, 0.1, 0.5, 0.98]))
    np.testing.assert_allclose(curve.get_xdata(), -curve.get_ydata(), atol=1e-9)
    np.testing.assert_allclose(chance.get_xdata(), -chance.get_ydata(), atol=1e-9)
    assert "heard, FOP: FRR 90% at FAR 10%" in figure.alt


def test_matching_is_shown_beside_a_guess(table):
    figure = figures.matching(of(table, "matching"))
    assert "unheard, among 10, a guess: 10.0%" in figure.alt
    assert f"heard, among 2, {figures.WINNER}: 52.5% [44.5%, 60.5%]; " in figure.alt


def test_the_errors_are_those_at_the_threshold():
    figure = figures.at_threshold(COSINE, SAME, found(), 0.2, "fold 1, English")
    far, frr = (COSINE[~SAME] >= 0.2).mean(), (COSINE[SAME] < 0.2).mean()
    assert figure.axes[1].get_title(loc="left") == f"FAR {far:.1%}, FRR {frr:.1%}"
    assert f"{far:.1%} of the trials of two people are accepted" in figure.alt


def test_the_control_moves_the_threshold_and_changes_fold_and_language():
    scored = {
        (fold, language): (COSINE + shift, SAME, found())
        for fold, shift in (("fold 1", 0.0), ("fold 2", 0.1))
        for language in ("English", "Urdu")
        if (fold, language) != ("fold 2", "Urdu")
    }
    explorer = ThresholdExplorer(scored)
    assert "fold 1, English: at threshold 0.10" in explorer.figure.alt
    explorer.threshold.value = 1.0
    assert "0.0% of the trials of two people are accepted and 100.0%" in explorer.figure.alt
    before = explorer.figure.alt
    explorer.fold.value = "fold 2"
    assert explorer.figure.alt != before
    explorer.language.value = "Urdu"
    assert "fold 2 has no trials in Urdu" in explorer.picture.value
    with pytest.raises(RunError, match="no trials"):
        ThresholdExplorer({})
