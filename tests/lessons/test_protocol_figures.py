"""Figures of the protocols show what a protocol shows, and the numbers they are given."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.patches import Rectangle

from mraf.errors import DataError
from mraf_lessons.leaderboard import figures
from mraf_related.leaderboard.protocols import (
    BATCH,
    BATCH_FACES,
    CLIP,
    COPY,
    LEADERBOARD,
    PROTOCOLS,
)


@pytest.fixture
def scores():
    rows = []
    accuracy = {"clip": 0.8, "batch": 0.85, "leaderboard": 0.95, "copy": 0.97}
    for system in ("class means", "MRAF"):
        for protocol, methods in {
            "clip": ["alone"],
            "batch": ["prototypes", "prior"],
            "leaderboard": ["prototypes", "spreading"],
            "copy": ["alone"],
        }.items():
            for method in methods:
                for setting in ("P3", "P4", "P5", "P6", "mean"):
                    a = 0.97 if setting in ("P3", "P5") else accuracy[protocol]
                    rows.append((system, protocol, method, setting, a, a - 0.05, a + 0.02))
    columns = ["system", "protocol", "method", "setting", "accuracy", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def test_every_step_of_the_ladder_uncovers_one_kind_of_square():
    def count(protocol, what):
        squares = [(v, c) for v in range(figures.VIDEOS) for c in range(figures.CLIPS)]
        return sum(figures.visible(protocol, what, v, c) for v, c in squares)

    faces = [count(p, "face") for p in (CLIP, BATCH, BATCH_FACES, LEADERBOARD, COPY)]
    assert faces == [0, 0, 6, 8, 9]
    assert [count(p, "voice") for p in PROTOCOLS.values()] == [1, 9, 9, 9]


def test_the_picture_fills_the_squares_that_may_be_seen():
    figure = figures.what_is_seen([BATCH_FACES])
    boxes = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    filled = [b for b in boxes if b.get_fill() and b.get_hatch() is None]
    colours = pd.Series([tuple(b.get_facecolor()) for b in filled]).value_counts()
    assert sorted(colours) == [6, 9]
    assert BATCH_FACES.meaning in figure.alt


def test_ladder(scores):
    figure = figures.ladder(scores[scores.system == "MRAF"], "MRAF")
    left = figure.axes[0]
    rows = [tick.get_text() for tick in left.get_yticklabels()]
    assert rows == [
        "clip", "batch · prototypes", "batch · prior", "leaderboard · prototypes",
        "leaderboard · spreading", "copy",
    ]  # fmt: skip
    points = [line.get_xdata()[0] for line in left.lines if line.get_marker() == "o"]
    assert points == [0.8, 0.85, 0.85, 0.95, 0.95, 0.97]
    assert "dashed: with the face, P3 97.0%" in figure.alt
    assert "P4, leaderboard · spreading: 95.0% [90.0%, 97.0%]" in figure.alt
    with pytest.raises(DataError, match="lacks"):
        figures.ladder(scores.drop(columns="low"))


def test_leak_steps_counts_the_clips_above_the_diagonal():
    table = pd.DataFrame({"step": ["a", "a", "b", "b"], "own": [1, 2, 3, 4], "rival": [2, 1, 1, 1]})
    figure = figures.leak_steps(table)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["a", "b"]
    assert "a: 1 of 2 clips right. b: 2 of 2 clips right." in figure.alt
    with pytest.raises(DataError, match="no rows"):
        figures.leak_steps(table[:0])
