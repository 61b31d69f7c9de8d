"""Figures and the threshold of notebook 10 show the numbers they are given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mraf.errors import DataError
from mraf_lessons.kit.style import png
from mraf_lessons.shared_space import figures

SAME = np.arange(60) % 3 == 0
COSINE = np.where(SAME, 0.5, 0.0) + np.linspace(-0.4, 0.4, 60)


@pytest.fixture
def table():
    rows = []
    for system, eer in (("space", 0.3), ("· varied", 0.35), ("FOP", 0.4)):
        for condition, language in (("heard", "English"), ("unheard", "Urdu")):
            known = {"system": system, "condition": condition, "language": language}
            for draw in ("mean", "0", "1"):
                shift = {"mean": 0, "0": -0.05, "1": 0.05}[draw]
                rows.append(known | {"draw": draw, "value": eer + shift})
        rows.append(known | {"system": f"{system} − other", "draw": "mean", "value": 0.1})
    frame = pd.DataFrame(rows)
    return frame.assign(low=frame.value - 0.08, high=frame.value + 0.08)


def test_every_figure_is_titled_and_described(table):
    angle = np.linspace(0, np.pi, 7)
    drawn = [
        figures.margin(angle, {"cos θ": np.cos(angle), "m": np.cos(angle + 0.2)}),
        figures.score_panels({"known": (COSINE, SAME), "strangers": (COSINE, SAME)}),
        figures.systems(table, "Twin"),
    ]
    for figure in drawn:
        assert len(figure.alt.split()) > 10
        assert any(axes.get_title(loc="left") for axes in figure.axes)
        assert png(figure).startswith(b"\x89PNG")


def test_systems_show_mean_interval_and_folds(table):
    figure = figures.systems(table)
    axes = figure.axes[0]
    points = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert points == pytest.approx([0.3, 0.3, 0.35, 0.35, 0.4, 0.4])
    strokes = [list(line.get_xdata()) for line in axes.lines if line.get_marker() == "|"]
    assert strokes[0] == pytest.approx([0.25, 0.35])
    assert "FOP, unheard: 40.0% [32.0%, 48.0%]" in figure.alt
    with pytest.raises(DataError, match="lacks"):
        figures.systems(table.drop(columns="low"))
