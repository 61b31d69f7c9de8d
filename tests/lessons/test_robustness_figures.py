"""Figures of damage show the numbers they are given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mraf.errors import DataError
from mraf_lessons.faces import figures


@pytest.fixture
def measured():
    rows = []
    for scorer, worst in (("own", 0.5), ("agreement", 0.8)):
        for setting in ("P3", "P5"):
            for damage, amounts in (("swapped face", (0, 0.3, 1)), ("face noise", (0, 1))):
                for amount in amounts:
                    accuracy = 0.9 - amount * (0.9 - worst)
                    weights = {"low": 0.4, "middle": 0.5, "high": 0.6}
                    of = {"scorer": scorer, "setting": setting, "damage": damage}
                    rows.append({**of, "amount": amount, "accuracy": accuracy, **weights})
    return pd.DataFrame(rows)


def test_evidence_and_reliabilities():
    values = np.linspace(-3, 4, 50)
    table = pd.DataFrame({"condition": np.repeat(["own", "other"], 50)})
    table["evidence"] = np.concatenate([values, values - 5])
    figure = figures.evidence(table, certain=4.25)
    assert "own: median 0.5, below 0 42%" in figure.alt
    assert "other: median -4.5" in figure.alt
    table = pd.DataFrame(
        {
            "scorer": ["a"] * 4,
            "face": ["own"] * 2 + ["other"] * 2,
            "reliability": [0.4, 0.6, 0, 0.2],
        }
    )
    assert "a, other: median 0.10." in figures.noticed(table).alt


def test_curves_have_a_line_for_each_scorer(measured):
    figure = figures.damage_curves(measured.groupby(["scorer", "damage", "amount"], sort=False)
                                   .accuracy.mean().reset_index(), "Title")  # fmt: skip
    assert [axes.get_title("left") for axes in figure.axes] == ["swapped face", "face noise"]
    lines = {line.get_label(): line.get_ydata() for line in figure.axes[0].lines}
    np.testing.assert_allclose(lines["agreement"], [0.9, 0.87, 0.8])
    assert "swapped face, own: from 90% to 50%." in figure.alt


def test_price_and_enrolment():
    columns = ["arm", "quantity", "value", "low", "high"]
    table = pd.DataFrame(
        [("a", "cost", 0.05, 0.04, 0.06), ("b", "cost", 0.02, 0, 0.03)], columns=columns
    )
    figure = figures.price(table, "T")
    assert "cost, b: 2.0 [0.0, 3.0]." in figure.alt
    columns = ["system", "setting", "clips", "accuracy", "low", "high"]
    rows = [("face", "P3", n, 0.9 + n / 100, 0.8, 1.0) for n in (1, 5)]
    assert (
        "P3, face: from 91% to 95%." in figures.enrolment(pd.DataFrame(rows, columns=columns)).alt
    )


def test_tables_without_rows_or_columns_are_refused():
    for draw in (figures.noticed, figures.damage_curves, figures.price, figures.enrolment):
        with pytest.raises(DataError, match="the table to be drawn"):
            draw(pd.DataFrame({"damage": ["x"]}))
