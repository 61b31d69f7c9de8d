"""Figures of an evaluation show the numbers they are given, and say them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mraf.errors import DataError
from mraf_lessons.evaluation import figures
from mraf_lessons.evaluation.calibration import reliability_bins


def test_interval_comparison():
    rows = [("P3", "videos", 0.9, 0.8, 0.95), ("P3", "clips", 0.9, 0.88, 0.92)]
    table = pd.DataFrame(rows, columns=["setting", "drawn", "accuracy", "low", "high"])
    figure = figures.interval_comparison(table)
    lines = [line.get_xdata() for line in figure.axes[0].lines if len(line.get_xdata()) == 2]
    np.testing.assert_allclose(lines, [[0.8, 0.95], [0.88, 0.92]])
    assert "face and voice, drawing videos: 90.0% [80.0%, 95.0%]" in figure.alt
    with pytest.raises(DataError, match="lacks"):
        figures.interval_comparison(table.drop(columns="drawn"))


def test_coverage():
    rows = [(25, "clips", 0.3), (50, "clips", 0.25), (25, "videos", 0.9), (50, "videos", 0.92)]
    figure = figures.coverage(pd.DataFrame(rows, columns=["videos", "drawn", "covers"]))
    clips, videos, promise = figure.axes[0].lines
    assert clips.get_ydata().tolist() == [0.3, 0.25]
    assert videos.get_ydata().tolist() == [0.9, 0.92]
    assert set(promise.get_ydata()) == {0.95}
    assert "drawing videos: 90% of 25 videos, 92% of 50 videos." in figure.alt


def test_errors_by_video_counts_the_videos_that_hold_half():
    errors = {"P3": np.array([0, 0, 8, 1, 1]), "P4": np.zeros(2)}
    clips = {"P3": np.array([5, 5, 10, 10, 10]), "P4": np.array([3, 4])}
    figure = figures.errors_by_video(errors, clips)
    assert "P3: half of the 10 errors are in 1 of 5 videos; 1 videos are mostly" in figure.alt
    assert "P4: no errors." in figure.alt
    left, right = figure.axes
    np.testing.assert_allclose(left.lines[0].get_ydata(), [0, 0.8, 0.9, 1, 1, 1])
    np.testing.assert_allclose(left.lines[1].get_ydata(), [0, 0.25, 0.5, 0.75, 0.875, 1])
    assert left.lines[1].get_label() == "errors at one rate"
    np.testing.assert_allclose(right.lines[0].get_ydata(), [0.8, 0.1, 0.1, 0, 0])
    others = {"P3": errors["P3"], "P4": errors["P3"], "P5": np.array([1, 2, 0])}
    figure = figures.errors_by_video(others, dict.fromkeys(("P3", "P4"), clips["P3"]) | {
        "P5": np.array([3, 4, 5])
    })  # fmt: skip
    assert len(figure.axes[0].lines) == 3 + 2  # the reference once for P3 and P4
    with pytest.raises(DataError, match="of one shape"):
        figures.errors_by_video(errors, {"P3": np.ones(4), "P4": np.ones(2)})


def test_confusions_names_the_most_frequent():
    counts = pd.DataFrame({7: [1, 8], 9: [0, 2], "others": [9, 0]}, index=[7, 9])
    figure = figures.confusions(counts)
    np.testing.assert_allclose(figure.axes[0].images[0].get_array(), [[0.1, 0, 0], [0.8, 0.2, 0]])
    assert "80% of the clips of speaker 9 were taken for 7." in figure.alt
    bold = [text.get_text() for text in figure.axes[0].texts if text.get_weight() == "bold"]
    assert bold == ["1", "2"]
    with pytest.raises(DataError, match="no rows"):
        figures.confusions(counts[:0])


def test_reliability_diagrams():
    confidence, correct = np.array([0.2, 0.4, 0.9, 1.0]), np.array([0, 1, 1, 1])
    figure = figures.reliability_diagrams({"P3": reliability_bins(confidence, correct, 2)})
    upper, lower = figure.axes
    assert [bar.get_height() for bar in upper.patches] == [0.5, 1.0]
    assert [bar.get_height() for bar in lower.patches] == [0.5, 0.5]
    assert "accuracy 75.0%, expected calibration error 12.5 points" in figure.alt
    with pytest.raises(DataError, match="nothing to draw"):
        figures.reliability_diagrams({})
