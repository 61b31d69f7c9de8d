"""Figures of open-set identification draw what they are given; the threshold's control, too."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mraf.errors import DataError, RunError
from mraf_lessons.kit.threshold import ThresholdExplorer, ThresholdPicture, at_threshold, grouped
from mraf_lessons.open_set import figures
from mraf_related.metrics import Trials, curve


@pytest.fixture
def trials():
    enrolled, named = np.array([[1, 1, 1, 0, 0], [1, 1, 0, 0, 0]], dtype=bool)
    return Trials(np.array([0.9, 0.8, 0.6, 0.5, 0.4]), enrolled, named, np.arange(5))


def test_one_threshold_accepts_what_reaches_it(trials):
    found = curve(trials)
    for value, expected in {
        1.0: (1, 0, 0),
        0.9: (2 / 3, 0, 1 / 3),
        0.6: (0, 0, 2 / 3),
        0.5: (0, 0.5, 2 / 3),
        0.0: (0, 1, 2 / 3),
    }.items():
        point = at_threshold(found, value)
        assert (point.false_reject, point.false_accept, point.named) == pytest.approx(expected)


def test_clips_are_grouped_by_what_becomes_of_them(trials):
    groups = grouped(trials, figures.NAMES)
    assert groups[figures.RIGHT].tolist() == [0.9, 0.8]
    assert groups[figures.WRONG].tolist() == [0.6]
    assert groups[figures.STRANGER].tolist() == [0.5, 0.4]
    figure = figures.confidences(groups)
    assert "not enrolled, 2 clips: median 0.45." in figure.alt
    with pytest.raises(DataError, match="at least one clip"):
        figures.confidences({"nobody": np.array([])})


def test_the_threshold_is_a_point_of_the_curve(trials):
    figure = ThresholdPicture(trials, figures.NAMES, "score").show(0.5)
    right = figure.axes[2]
    point = next(line for line in right.lines if line.get_marker() == "o")
    assert point.get_xdata()[0] == 0.5
    assert point.get_ydata()[0] == pytest.approx(2 / 3)
    assert "FAR 50.0%, FRR 0.0%, rightly accepted 66.7%" in figure.alt
    assert [axes.get_title(loc="left") for axes in figure.axes][1] == "EER 0.0%"


def test_the_control_moves_the_threshold_and_changes_the_system(trials):
    other = trials._replace(named=np.arange(5) == 0)
    explorer = ThresholdExplorer({"one": trials, "other": other}, figures.NAMES, "score")
    before = explorer.figure
    assert before.axes[0].get_title(loc="left")  # in the package's style, which puts it there
    explorer.threshold.value = 0.0
    assert explorer.figure is before  # only what moves is drawn anew
    assert "FAR 100.0%" in explorer.figure.alt
    assert "rightly accepted 66.7%" in explorer.figure.alt
    explorer.trials.value = "other"
    assert "rightly accepted 33.3%" in explorer.figure.alt
    explorer.threshold.value = 1.0
    assert "Threshold 0.900: FAR 0.0%" in explorer.figure.alt
    with pytest.raises(RunError, match="no trials"):
        ThresholdExplorer({}, figures.NAMES, "score")


def test_lines_name_every_curve():
    table = pd.DataFrame({"t": [0, 1, 0, 1], "loss": [3, 2, 1, 5], "sum": list("aabb")})
    figure = figures.lines(table, "t", "loss", "sum", "Two sums", mark=1)
    assert "a: lowest, 2.00, at 1.00. b: lowest, 1.00, at 0.00" in figure.alt
    with pytest.raises(DataError, match="lacks"):
        figures.lines(table, "t", "loss", "name", "Two sums")


def test_selection_tells_kept_from_dropped():
    table = pd.DataFrame({"rank": [1, 2, 3], "EER": [0.1, 0.2, 0.3], "kept": [True, True, False]})
    figure = figures.selection(table)
    assert "correlation +1.00" in figure.alt
    assert "dropped 30.0%, kept 15.0%" in figure.alt


@pytest.fixture
def recorded():
    rows = []
    for language in ("English", "Urdu"):
        for shots in (1, 5):
            for system, value in (("means", 0.2), ("v2", 0.3), ("v2 − means", 0.1)):
                value -= 0.01 * shots
                rows.append(
                    (system, 40, shots, language, "mean", "EER", value, value - 0.1, value + 0.1)
                )
                rows.append((system, 40, shots, language, "0", "EER", 0.9, np.nan, np.nan))
        for face in ("own face", "no face"):
            rows.append((f"MRAF · {face}", 40, 0, language, "mean", "EER", 0.25, 0.2, 0.3))
    columns = ["system", "targets", "shots", "language", "draw", "metric", "value", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def test_means_over_draws_are_drawn_by_shots(recorded):
    figure = figures.by_number(recorded, ["means", "v2"], "EER", "Recorded")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["English", "Urdu"]
    drawn = [list(line.get_ydata()) for line in figure.axes[0].lines]
    assert drawn == [pytest.approx([0.19, 0.15]), pytest.approx([0.29, 0.25])]
    assert "English, v2: 29.0% with 1, 25.0% with 5" in figure.alt
    lists = pd.concat([recorded, recorded.assign(targets=10, value=recorded.value - 0.1)])
    figure = figures.by_number(lists, ["v2"], "EER", "Lists", "targets")
    assert "English, v2: 15.0% with 10, 25.0% with 40" in figure.alt
    with pytest.raises(DataError, match="no rows"):
        figures.by_number(recorded, ["v3"], "EER", "Recorded")


def test_the_change_to_the_longest_list_is_paired_over_draws():
    rows = [
        ("v2", targets, 5, "Urdu", metric, str(draw), 0.1 + 0.01 * draw + grown * (targets == 40))
        for metric, change in (("EER", (0.1, 0.11, 0.12)), ("pooled EER", (-0.1, 0, 0.1)))
        for draw, grown in enumerate(change)
        for targets in (5, 10, 40)
    ]
    columns = ["system", "targets", "shots", "language", "metric", "draw", "value"]
    found = figures.longer_lists({"v1": pd.DataFrame(rows, columns=columns)}, ["v2"])
    assert list(found.sign) == ["grows", "the draws do not agree on the sign"]
    # Student's t of two degrees of freedom is 4.303; the standard error is 1 / sqrt(3) points
    assert found["change in points"].iloc[0] == "+11.0 [+8.5, +13.5]"
    assert found[["shortest list", "longest list"]].iloc[0].tolist() == pytest.approx([0.11, 0.22])


def test_the_door_is_drawn_by_face(recorded):
    figure = figures.conditions(recorded, "EER", "A door")
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert labels == ["own face", "no face"]
    assert "Urdu, no face, MRAF: 25.0% [20.0%, 30.0%]" in figure.alt
    with pytest.raises(DataError, match="no rows"):
        figures.conditions(recorded[recorded.shots > 0], "EER", "A door")
