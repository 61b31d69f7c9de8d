"""The figure of dots with intervals draws the numbers it is given, and says all of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mraf.errors import DataError
from mraf_lessons.kit.forest import FAR, forest
from mraf_lessons.kit.style import FUSED, VOICE, draws, png

COLUMNS = ["arm", "metric", "accuracy", "low", "high"]


@pytest.fixture
def table() -> pd.DataFrame:
    rows = [
        (arm, metric, middle, middle - 0.05, middle + 0.05)
        for metric in ("P3", "other")
        for arm, middle in (("a", 0.9), ("b", 0.8), ("c", 0.85))
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def lines(axes, marker):
    return [line for line in axes.lines if line.get_marker() == marker]


def test_rows_and_panels_keep_the_order_of_the_table(table):
    figure = forest(table, "arm", "metric", title="T", label="accuracy")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["P3", "other"]
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["a", "b", "c"]
    assert [dot.get_xdata()[0] for dot in lines(figure.axes[1], "o")] == [0.9, 0.8, 0.85]
    assert [dot.get_ydata()[0] for dot in lines(figure.axes[1], "o")] == [0, 1, 2]
    assert figure.alt.startswith("T. Accuracy. With 95% intervals. P3, a: 90.0% [85.0%, 95.0%]; ")
    assert "English,\nface and voice" in [text.get_text() for text in figure.axes[0].texts]


def test_a_number_that_is_not_known_is_a_dash_and_an_interval_may_be_missing(table):
    table.loc[0, "accuracy"] = np.nan
    table.loc[1, ["low", "high"]] = np.nan
    figure = forest(table, "arm", "metric")
    assert len(lines(figure.axes[0], "o")) == 2
    assert "–" in [text.get_text() for text in figure.axes[0].texts]
    assert "P3, a" not in figure.alt
    assert "P3, b: 80.0%;" in figure.alt


def test_the_papers_value_is_a_hollow_mark_in_points_and_in_words(table):
    known = table.assign(difference=table.accuracy - 0.85, paper=[0.02, np.nan, -0.01] * 2)
    figure = forest(known, "arm", "metric", "difference", points=True, zero=True, paper="paper",
                    legend={"ours": FUSED})  # fmt: skip
    marks = [mark.get_xdata()[0] for mark in lines(figure.axes[0], "D")]
    assert marks == pytest.approx([2, np.nan, -1], nan_ok=True)
    assert "P3, a: +5.0 [+85.0, +95.0], paper +2.0" in figure.alt
    assert [text.get_text() for text in figure.legends[0].texts] == ["ours", "paper"]
    assert 0.0 in [line.get_xdata()[0] for line in figure.axes[0].lines]


@pytest.mark.parametrize(("shift", "edge"), [(-2 * FAR, "◂ 40%"), (3 * FAR, "140% ▸")])
def test_values_far_off_are_left_out_and_said_where_they_lie(table, shift, edge):
    table.loc[1, ["accuracy", "low", "high"]] += shift
    figure = forest(table, "arm", "metric", far=True)
    left, right = figure.axes[0].get_xlim()
    assert right - left < 0.3
    assert edge in [text.get_text() for text in figure.axes[0].texts]
    assert edge not in [text.get_text() for text in figure.axes[1].texts]
    assert f"P3, b: {0.8 + shift:.1%}" in figure.alt
    assert right - left < np.ptp(forest(table, "arm", "metric").axes[0].get_xlim())


def test_a_value_far_from_its_panel_is_not_written_where_the_common_axis_shows_it(table):
    table.loc[table.metric == "other", ["accuracy", "low", "high"]] -= 0.4
    table.loc[5, ["accuracy", "low", "high"]] += 0.45
    figure = forest(table, "arm", "metric", far=True)
    assert figure.axes[0].get_xlim()[0] < 0.35
    assert figure.axes[0].get_xlim()[1] < 1  # nothing is written at the right edge
    assert [text.get_text() for text in figure.axes[1].texts if "▸" in text.get_text()] == []


def test_labels_of_more_lines_get_more_height(table):
    def height(label):
        return forest(table.replace({"arm": {"a": label}}), "arm", "metric").get_size_inches()[1]

    assert height("a " * 20) < height("a " * 40)


def test_a_papers_difference_far_off_does_not_squash_the_others(table):
    known = table.assign(difference=table.accuracy - 0.85, paper=[-0.13, 0.02, 0.0] * 2)
    known[["low", "high"]] = known.difference.to_numpy()[:, None] + [-0.01, 0.01]
    figure = forest(known, "arm", "metric", "difference", points=True, far=True, paper="paper")
    assert min(figure.axes[0].get_xlim()) > -10
    assert "◂ ◇ -13" in [text.get_text() for text in figure.axes[0].texts]


def test_parts_of_a_row_stand_below_each_other_around_their_mean(table):
    both = pd.concat([table.assign(seed=seed, accuracy=table.accuracy + seed / 100)
                      for seed in (0, 2)])  # fmt: skip
    figure = forest(both, "arm", "metric", split="seed", mean=True)
    y = [dot.get_ydata()[0] for dot in lines(figure.axes[0], "o")]
    assert y == pytest.approx([-0.17, 0.83, 1.83, 0.17, 1.17, 2.17])
    upright = [x for x, y in (line.get_data() for line in figure.axes[0].lines) if np.ptp(y) > 0.5]
    np.testing.assert_allclose(upright, [[0.91, 0.91], [0.81, 0.81], [0.86, 0.86]])
    assert "P3, a, 2: 92.0%" in figure.alt


def test_colours_texts_strokes_and_hollow_dots_come_from_the_table(table):
    look = table.assign(colour=[VOICE, FUSED, FUSED] * 2, text="here", strokes=[[0.7, 0.8]] * 6)
    look["hollow"] = look.arm == "a"
    figure = forest(look, "arm", "metric", reference={"P3": 0.5, "other": 0.6})
    first, second, _ = lines(figure.axes[0], "o")
    assert (first.get_color(), first.get_markerfacecolor()) == (VOICE, "white")
    assert (second.get_color(), second.get_markerfacecolor()) == (FUSED, FUSED)
    assert list(lines(figure.axes[0], "|")[0].get_xdata()) == [0.7, 0.8]
    assert [t.get_text() for t in figure.axes[0].texts].count("here") == 3
    assert lines(figure.axes[1], "None")[0].get_xdata()[0] == 0.6
    assert png(figure).startswith(b"\x89PNG")


def test_a_figure_declares_the_columns_that_it_needs(table):
    @draws("arm", "high")
    def drawn(name: str, table: pd.DataFrame) -> str:
        """What it draws."""
        return name

    assert drawn("x", table) == drawn("x", table=table) == "x"
    assert "What it draws.\n\nThe table has the columns arm, high" in str(drawn.__doc__)
    with pytest.raises(DataError, match="has no rows"):
        drawn("x", table[:0])
    with pytest.raises(DataError, match=r"lacks the column\(s\) high; it needs: arm, high"):
        drawn("x", table[["arm"]])
    with pytest.raises(DataError, match="lacks"):
        forest(table.drop(columns="low"), "arm", "metric")
