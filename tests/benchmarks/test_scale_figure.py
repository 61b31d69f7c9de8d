"""The figure of scale draws what was measured, in words as well."""

from __future__ import annotations

import runpy
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.figure import against_speakers
from mraf.errors import DataError
from mraf.evidence.recorded import recorded

ROOT = Path(__file__).parents[2]


def table() -> pd.DataFrame:
    rows = []
    for speakers in (100, 10_000):
        for method in ("whole softmax", "sampled"):
            rows.append(("training step", method, speakers, 64, speakers / 1e4, speakers / 10))
        for clips in (1, 1000):
            rows.append(("search", "exact", speakers, clips, clips * speakers / 1e9, 0.5))
    columns = ["what", "method", "speakers", "clips", "seconds", "memory_mb"]
    return pd.DataFrame(rows, columns=columns)


def test_time_and_memory_are_drawn_on_logarithmic_axes():
    figure = against_speakers(table().sample(frac=1, random_state=0))
    assert len(figure.axes) == 4  # two kinds of work, time and memory
    assert {axes.get_xscale() for axes in figure.axes} == {"log"}
    assert {axes.get_yscale() for axes in figure.axes} == {"log"}
    (line,) = figure.axes[1].lines  # of the search, one clip at a time
    assert line.get_xdata().tolist() == [100, 10_000]
    assert line.get_ydata() == pytest.approx([1e-7, 1e-5])
    assert "training step, sampled: 10 ms and 10 MB with 100 speakers, 1 s and 1e+03" in figure.alt
    assert "search, exact: 0.1 µs" in figure.alt


def test_the_page_shows_what_was_recorded():
    found = recorded("scale")
    assert found is not None
    assert {"training step", "query of the network", "search"} <= set(found.what)
    assert f"with {found.speakers.max():,}" in against_speakers(found).alt
    script = runpy.run_path(str(ROOT / "scripts" / "scale_page.py"))
    page = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    assert script["table"](found) in page, "run python -m scripts.scale_page"
    assert (ROOT / "docs" / "scale.svg").exists()


def test_a_table_without_memory_is_told():
    with pytest.raises(DataError, match="memory_mb"):
        against_speakers(table().drop(columns="memory_mb"))
