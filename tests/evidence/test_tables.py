"""Recorded arms beside the paper's rows, in tables and figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mraf.errors import DataError
from mraf.evaluation.differences import SHOWN, ArmRuns, difference, scores
from mraf.evaluation.records import _read, counts_text, write_results
from mraf.evaluation.results import SETTING
from mraf.evidence.recorded import paper_table
from mraf.evidence.tables import TWIN, declared_table, recorded_table
from mraf_lessons.ablations import figures
from mraf_lessons.ablations.arms import PAPER_ROWS, difference_table, labelled, score_table
from mraf_lessons.ablations.coverage import as_runs, simulated_pair

TABLE3 = declared_table("table3", "quick")
CLIPS = {"english": np.arange(4, 16), "cross": np.arange(3, 18)}


def runs(name: str, share: float, seeds: int = 3) -> ArmRuns:
    rng = np.random.default_rng(0)
    correct = {
        setting.name: rng.binomial(
            CLIPS[setting.language], share, (seeds, len(CLIPS[setting.language]))
        )
        for setting in SETTING.values()
    }
    return ArmRuns(name, tuple(range(seeds)), correct, CLIPS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Table 3 without its gated arm, recorded on the twin."""
    rows = []
    for name, share in (("linear", 0.5), ("cross_attention", 0.9), ("lstm", 0.9)):
        arm = runs(name, share)
        for setting, counts in arm.correct.items():
            total = int(CLIPS[SETTING[setting].language].sum())
            for seed, row in enumerate(counts):
                counts = counts_text(row), counts_text(CLIPS[SETTING[setting].language])
                rows.append((name, seed, setting, total, row.sum(), row.sum() / total, *counts))
    counted = ["clips", "correct", "accuracy", "correct_per_video", "clips_per_video"]
    frame = pd.DataFrame(rows, columns=["system", "seed", "setting", *counted]).assign(
        corpus="twin", preset="quick", split="validation", device="cpu: x", commit="a",
        command="mraf sweep …", seconds=1.0,
    )  # fmt: skip
    write_results(tmp_path / "sweep_table3_twin.csv", frame)
    return tmp_path


def test_the_papers_rows_are_rows_of_the_paper_and_arms_of_the_tables():
    for name, rows in PAPER_ROWS.items():
        assert set(rows.values()) == set(paper_table(int(name[-1])).index)
        assert set(rows) <= {arm.name for arm in declared_table(name, "paper").arms}


def test_recorded_arms_stand_beside_the_papers_in_the_order_of_the_table(folder):
    found = recorded_table("table3", TWIN, folder)
    assert found.caption == "twin, quick preset, 3 seeds"
    assert recorded_table("table4", TWIN, folder) is None
    table = score_table(found, TABLE3)
    assert table["name"].unique().tolist() == ["cross_attention", "lstm", "linear"]
    named = labelled(found, TABLE3)
    assert [runs.name for runs in named.values()] == table.arm.unique().tolist()
    own = table[table["name"] == "lstm"].set_index("metric")
    expected = scores(runs("lstm", 0.9))
    pd.testing.assert_frame_equal(own[expected.columns], expected)
    assert own.paper["P6"] == pytest.approx(0.9895)


def test_arms_of_one_seed_are_left_out(folder):
    file = folder / "sweep_table3_twin.csv"
    rows = _read(file)
    rows[(rows.system != "lstm") | (rows.seed == 0)].to_csv(file, index=False)
    assert list(recorded_table("table3", TWIN, folder).arms) == ["linear", "cross_attention"]
    rows[rows.seed == 0].to_csv(file, index=False)
    assert recorded_table("table3", TWIN, folder) is None


def test_differences_are_to_the_reference_beside_the_papers(folder):
    table = difference_table(recorded_table("table3", TWIN, folder), TABLE3)
    assert table["name"].unique().tolist() == ["lstm", "linear"]
    row = table[(table["name"] == "linear") & (table.metric == "mean")].iloc[0]
    expected = difference(runs("linear", 0.5), runs("cross_attention", 0.9)).loc["mean"]
    assert row.difference == pytest.approx(expected.difference)
    assert row.paper == pytest.approx(0.8693 - 0.9957)
    assert row.arm == "linear, on the concatenation"
    assert row.verdict == "worse"


# --- figures -----------------------------------------------------------------------------------


def test_the_figure_of_accuracies_shows_every_arm_and_the_papers_point(folder):
    table = score_table(recorded_table("table3", TWIN, folder), TABLE3)
    figure = figures.accuracies(table, "Table 3")
    assert len(figure.axes) == len(SHOWN)
    mean = table[table.metric == "mean"].set_index("arm")
    dots = [line for line in figure.axes[-1].lines if line.get_marker() == "o"]
    diamonds = [line for line in figure.axes[-1].lines if line.get_marker() == "D"]
    assert [line.get_xdata()[0] for line in dots] == mean.accuracy.tolist()
    assert [line.get_xdata()[0] for line in diamonds] == mean.paper.tolist()
    assert f"LSTM: {mean.accuracy['LSTM']:.1%}" in figure.alt
    assert "paper 99.35%" in figure.alt
    with pytest.raises(DataError, match="lacks"):
        figures.accuracies(table.drop(columns="paper"))


def test_the_figure_of_differences_says_its_verdicts(folder):
    table = difference_table(recorded_table("table3", TWIN, folder), TABLE3)
    figure = figures.differences(table, "Table 3")
    dots = [line for line in figure.axes[-1].lines if line.get_marker() == "o"]
    mean = table[table.metric == "mean"]
    assert [line.get_xdata()[0] for line in dots] == pytest.approx(100 * mean.difference)
    assert [line.get_color() for line in dots] == [figures.COLOUR[v] for v in mean.verdict]
    assert "linear, on the concatenation" in figure.alt
    assert "worse" in figure.alt
    (legend,) = figure.legends
    assert {text.get_text() for text in legend.texts} == {*table.verdict, "paper"}


def test_the_figure_of_shares_names_the_best():
    rows = [
        (share, metric, 0.9 - abs(share - 0.4), 0.3, 0.95)
        for share in (0.0, 0.4, 1.0)
        for metric in SHOWN
    ]
    table = pd.DataFrame(rows, columns=["share", "metric", "accuracy", "low", "high"])
    figure = figures.sampling(table)
    assert "mean: highest, 90.0%, at 0.4." in figure.alt
    assert figure.axes[2].lines[0].get_ydata().tolist() == pytest.approx([0.5, 0.9, 0.3])


def test_the_figure_of_shared_noise_tells_the_correlation():
    outcomes, video, _ = simulated_pair(np.random.default_rng(0), 40)
    first, second = as_runs(outcomes, video)
    intervals = pd.DataFrame(
        {"difference": [0.04], "low": [0.01], "high": [0.07]}, index=["paired"]
    )
    figure = figures.shared_noise(first, second, intervals)
    rate = [arm.correct["P3"].mean(axis=0) / arm.clips["english"] for arm in (first, second)]
    assert f"correlation {np.corrcoef(*rate)[0, 1]:.2f}" in figure.alt
    assert "paired: 6.0 points wide" in figure.alt


# --- the widget --------------------------------------------------------------------------------
