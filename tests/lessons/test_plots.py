"""Figures show the numbers they are given, say so in words, and touch nothing else."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.pylabtools import select_figure_formats
from nbconvert import HTMLExporter, SlidesExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output
from notebook_rules import Images
from PIL import Image

from mraf.data.clips import Corpus
from mraf.errors import DataError, RunError
from mraf_lessons.data.figures import cosine_distributions, counts_and_imbalance, norms
from mraf_lessons.kit.panels import colour_bar, signed_image
from mraf_lessons.kit.pipeline import pipeline
from mraf_lessons.kit.results import (
    accuracy_table,
    history,
    per_speaker_accuracy,
    reliability_and_weights,
)
from mraf_lessons.kit.style import PALETTE, RC, Figure, describe, new_figure, png, save, small_png

SETTINGS = ("P3", "P4", "P5", "P6")


def scores() -> pd.DataFrame:
    rows = [
        ("MRAF", "P3", 0.95, 0.9, 1.0),
        ("MRAF", "P4", 0.85, 0.8, 0.9),
        ("class means, face", "P3", 0.9, 0.85, 0.95),
        ("class means, face", "P4", np.nan, np.nan, np.nan),
    ]
    return pd.DataFrame(rows, columns=["system", "setting", "accuracy", "low", "high"])


def epochs() -> pd.DataFrame:
    columns = ["loss", "ce_face", "ce_voice", "ce_fused", "kd", "center"]
    table = pd.DataFrame({name: [4.0, 2.0, 1.0] for name in columns})
    return table.assign(epoch=[1, 2, 3], accuracy=[0.1, 0.5, 0.75], seconds=2.0)


def speakers() -> pd.DataFrame:
    rows = [
        (system, s, k, 0.5 + k / 10, 4 * k + 1)
        for system in "ab"
        for s in SETTINGS
        for k in range(6)
    ]
    return pd.DataFrame(rows, columns=["system", "setting", "speaker", "accuracy", "clips"])


def weights() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    face = rng.uniform(size=(4, 50)) * [[1], [0], [1], [0]]
    return pd.DataFrame(
        {"setting": np.repeat(SETTINGS, 50), "face": face.ravel(), "voice": 1 - face.ravel()}
    )


def cosines() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "modality": np.repeat(["face", "voice"], 200),
            "relation": np.tile(["same speaker", "different speakers"], 200),
            "cosine": np.tile([0.8, 0.1], 200) + rng.normal(0, 0.05, 400),
        }
    )


FROM_TABLES: dict[str, tuple[Callable[[pd.DataFrame], Figure], pd.DataFrame]] = {
    "accuracy_table": (accuracy_table, scores()),
    "history": (history, epochs()),
    "per_speaker_accuracy": (per_speaker_accuracy, speakers()),
    "reliability_and_weights": (reliability_and_weights, weights()),
    "cosine_distributions": (cosine_distributions, cosines()),
}
FROM_CORPUS = {"counts": counts_and_imbalance, "norms": norms}


@pytest.fixture(scope="module", params=[*FROM_TABLES, *FROM_CORPUS])
def figure(request: pytest.FixtureRequest, tiny_corpus: Corpus) -> Figure:
    if request.param in FROM_CORPUS:
        return FROM_CORPUS[request.param](tiny_corpus)
    draw, table = FROM_TABLES[request.param]
    return draw(table)


def test_every_figure_is_titled_labelled_and_described(figure: Figure) -> None:
    assert len(figure.alt.split()) > 10
    assert any(axes.get_title(loc="left") for axes in figure.axes)
    labels = [axes.get_xlabel() for axes in figure.axes] + [figure.get_supxlabel()]
    assert any(labels)
    assert png(figure).startswith(b"\x89PNG")


def test_the_value_of_a_cell_shows_itself_with_its_text_on_every_page() -> None:
    figure = describe(new_figure(1, 1), 'a "quoted" <text>')
    bundle = figure._repr_mimebundle_()
    assert bundle["text/plain"] == figure.alt
    cell = new_code_cell("figure", outputs=[new_output("display_data", bundle)])
    for exporter in (HTMLExporter(), HTMLExporter(template_name="basic"), SlidesExporter()):
        page = exporter.from_notebook_node(new_notebook(cells=[cell]))[0]
        assert Images(page).alts == [figure.alt]


def test_a_picture_is_stored_once_even_where_pyplot_adds_its_own() -> None:
    shell = InteractiveShell.instance()
    try:
        select_figure_formats(shell, {"png", "svg"})  # as a kernel does where pyplot is imported
        found = shell.display_formatter.format(new_figure(1, 1))[0]
        assert set(found) == {"text/html", "text/plain"}
    finally:
        InteractiveShell.clear_instance()


@pytest.mark.parametrize("name", FROM_TABLES)
def test_a_table_without_rows_or_columns_is_refused(name: str) -> None:
    draw, table = FROM_TABLES[name]
    with pytest.raises(DataError, match="has no rows"):
        draw(table.iloc[:0])
    with pytest.raises(DataError, match=r"lacks the column\(s\) \w+"):
        draw(table.drop(columns=table.columns[-1 if name != "history" else 0]))


def test_settings_of_the_user_neither_matter_nor_change() -> None:
    before = dict(matplotlib.rcParams)
    plain = png(history(epochs()))
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "savefig.dpi": 7}):
        assert png(history(epochs())) == plain
    assert dict(matplotlib.rcParams) == before


def test_pyplot_is_not_needed() -> None:
    code = "import sys; from mraf_lessons.kit.pipeline import pipeline; pipeline()"
    code += "; print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_accuracy_table_draws_each_accuracy_with_its_interval() -> None:
    figure = accuracy_table(scores())
    p3, p4 = figure.axes
    drawn = [(list(line.get_xdata()), list(line.get_ydata())) for line in p3.get_lines()]
    assert ([0.9, 1.0], [0, 0]) in drawn
    assert ([0.95], [0]) in drawn
    assert ([0.9], [1]) in drawn
    assert [label.get_text() for label in p3.get_yticklabels()] == ["MRAF", "class means, face"]
    assert len(p4.get_lines()) == 2  # the face alone says nothing in P4
    assert "–" in [text.get_text() for text in p4.texts]
    assert "P3: best MRAF with 95.0%" in figure.alt
    indexed = accuracy_table(scores().set_index(["system", "setting"]))
    assert indexed.alt == figure.alt


def test_history_draws_the_parts_that_there_are() -> None:
    figure = history(epochs().drop(columns=["kd", "seconds"]).assign(center=0.0))
    labels = [line.get_label() for line in figure.axes[0].get_lines()]
    assert labels == [
        "whole objective",
        "cross-entropy, fused",
        "cross-entropy, voice",
        "cross-entropy, face",
    ]
    assert "75.0%" in figure.alt


def test_per_speaker_accuracy_draws_one_system_and_names_the_worst() -> None:
    figure = per_speaker_accuracy(speakers(), "b")
    assert len(figure.axes) == len(SETTINGS)
    offsets = np.asarray(figure.axes[0].collections[1].get_offsets())
    assert offsets[:, 1] == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    assert "P3: 1 of 6 speakers without an error, the worst 50% of 1 clips" in figure.alt


def test_bars_are_the_counts_of_the_corpus(tiny_corpus: Corpus) -> None:
    figure = counts_and_imbalance(tiny_corpus)
    clips, videos = (sum(bar.get_height() for bar in axes.patches) for axes in figure.axes)
    assert clips == len(tiny_corpus.train) + len(tiny_corpus.cross)
    assert videos == 2 * 6 * 3
    assert "English: 72 clips, 12 to 12 a speaker" in figure.alt


def test_medians_are_marked() -> None:
    table = cosines()
    figure = cosine_distributions(table)
    chosen = (table.modality == "face") & (table.relation == "same speaker")
    median = table.cosine[chosen].median()
    ticks = [
        line.get_xdata()[0] for line in figure.axes[0].get_lines() if len(line.get_xdata()) == 2
    ]
    assert ticks[0] == pytest.approx(median)
    assert f"face, same speaker: median {median:.2f}" in figure.alt


def test_lengths_that_are_all_alike_are_not_magnified(tiny_corpus: Corpus) -> None:
    face, voice = norms(tiny_corpus).axes
    assert face.get_xlim() == pytest.approx((0.45, 1.55), rel=1e-3)
    assert voice.get_xlim()[0] > 100


@pytest.mark.parametrize("kind", ["svg", "pdf"])
def test_the_pipeline_is_saved_as_the_same_file_each_time(kind: str, tmp_path: Path) -> None:
    first, second = tmp_path / f"a.{kind}", tmp_path / f"b.{kind}"
    save(pipeline(), first)
    save(pipeline(), second)
    assert first.read_bytes() == second.read_bytes()
    assert len(first.read_bytes()) > 10_000


def test_the_pipeline_names_every_symbol_of_the_paper() -> None:
    figure = pipeline()
    written = " ".join(text.get_text() for text in figure.axes[0].texts)
    for symbol in ("x_f", "x_a", "m_f", "H_f", "e_c", "w_a", "z_f", "z_a", "z_c", "r_f", "mu_y"):
        assert symbol in written
    for number in ("9", "2–8", "10–11", "12", "13", "14", "15", "16", "17"):
        assert f"Eq. {number}" in written
    (left, right), (low, high) = figure.axes[0].get_xlim(), figure.axes[0].get_ylim()
    for text in figure.axes[0].texts:  # nothing is cut off
        box = text.get_window_extent(figure._get_renderer()).transformed(
            figure.axes[0].transData.inverted()
        )
        assert left <= box.x0 <= box.x1 <= right, text
        assert low <= box.y0 <= box.y1 <= high, text


@pytest.mark.parametrize("name", ["picture", "picture.jpg", "picture.txt"])
def test_other_kinds_of_files_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="ends in"):
        save(new_figure(1, 1), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_colours_of_lines_belong_to_the_palette() -> None:
    assert set(RC["axes.prop_cycle"].by_key()["color"]) <= set(PALETTE.values())


def test_a_palette_never_breaks_the_ramp_of_a_colour_bar() -> None:
    ramp, noise = new_figure(3, 2), np.random.default_rng(0).normal(size=(40, 60))
    image = signed_image(ramp.subplots(), noise, 1.0)
    assert Image.open(io.BytesIO(small_png(ramp))).mode == "P"
    colour_bar(ramp, image, ramp.axes)
    assert Image.open(io.BytesIO(small_png(ramp))).mode == "RGB"
