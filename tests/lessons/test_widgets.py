"""What the widgets show and how their controls hang together, without a browser or a kernel."""

from __future__ import annotations

import html
import inspect
import json
import re

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

import mraf.model
from mraf.data.splits import validation_split
from mraf.errors import RunError
from mraf.export.export import flat, script
from mraf_lessons.kit.style import describe
from tests.export.parity import clips_with_and_without_faces, run_of

pytest.importorskip("ipywidgets")
from mraf_lessons.heads.explorer import MarginExplorer
from mraf_lessons.kit.live import Screen, fast_panels
from mraf_lessons.one_page.live import VIEWS, LiveExplorer
from mraf_lessons.training.explorer import CentreExplorer


def quick_figure(found, on=None):
    """Says what the true figure says, drawn in a twentieth of the time."""
    return describe(fast_panels(None, 1, 1)[0], f"{found.kind} {found.share}")


@pytest.fixture
def explorer(monkeypatch) -> MarginExplorer:
    monkeypatch.setattr("mraf_lessons.heads.explorer.margin_explorer", quick_figure)
    return MarginExplorer()


def test_moving_a_slider_redraws_the_picture(explorer):
    before, share = explorer.picture.value, explorer.found.share
    explorer.margin.value = 0.5
    assert explorer.found.share < share
    assert f"am {explorer.found.share}" in explorer.picture.value
    explorer.margin.value = 0.2
    assert explorer.picture.value == before


def test_an_axis_that_changes_has_its_frame_drawn_anew():
    figure, (axes,) = fast_panels(None, 2, 1)
    (line,) = axes.plot([0, 1], [0, 1])
    screen = Screen()
    screen.png(figure)
    line.set_ydata([1, 0])
    axes.set_ylim(-2, 2)
    assert screen.png(figure) == Screen().png(figure)


def test_frames_are_drawn_once_for_each_figure_of_an_explorer(monkeypatch):
    drawn, draw = [], FigureCanvasAgg.draw
    monkeypatch.setattr(FigureCanvasAgg, "draw", lambda self: (drawn.append(self), draw(self)))
    figures, screen = [fast_panels(None, 2, 1)[0] for _ in range(2)], Screen()
    for figure in figures * 3:  # a move from one set of trials to another takes 30 ms, not 100
        screen.png(figure)
    assert len(drawn) == 2


@pytest.mark.parametrize("name", ["ce_weight", "center_weight", "step"])
def test_a_small_move_of_the_centre_loss_keeps_its_frames(name):
    pulling = CentreExplorer(np.random.default_rng(0).normal(size=(6, 2)), np.repeat([0, 1, 2], 2))
    axes = pulling.figure.axes
    before = [(each.get_xlim(), each.get_ylim()) for each in axes]
    control = pulling.inputs[name]
    control.value -= control.step
    assert [(each.get_xlim(), each.get_ylim()) for each in axes] == before


def test_every_control_has_a_label_and_a_question(explorer):
    rows = [row.children for row in explorer.children[0].children[0].children]
    assert [control for control, _ in rows] == list(explorer.inputs.values())
    assert all(control.description for control, _ in rows)
    idle = [control.description for control, question in rows if "?" not in question.value]
    assert idle == ["Curvature c"]
    assert all(control.disabled == (control.description in idle) for control, _ in rows)
    explorer.kind.value = "ham"
    assert not explorer.curvature.disabled


def test_where_no_kernel_answers_there_is_a_picture(explorer, monkeypatch):
    shown = []
    monkeypatch.setattr(
        "mraf_lessons.kit.explorer.display",
        lambda bundle, **options: shown.append((bundle, options)),
    )
    explorer._ipython_display_()
    (live, _), (still, _) = shown
    assert "application/vnd.jupyter.widget-view+json" in live
    assert not live["text/plain"]  # where the widget may not be shown, there is nothing of it
    assert set(still) == {"text/html", "text/plain"}  # the picture is stored once
    assert f'alt="{html.escape(explorer.figure.alt)}"' in still["text/html"]
    assert explorer.figure.alt
    assert "This picture is still: open the notebook in JupyterLab" in still["text/html"]


def test_an_error_is_shown_in_place_of_the_picture(explorer, monkeypatch):
    def fails(**values):
        raise RunError("no <such> thing")

    monkeypatch.setattr(explorer, "_find", fails)
    explorer.margin.value = 0.5
    assert "no &lt;such&gt; thing" in explorer.picture.value


# --- the network in the page ---------------------------------------------------------------


def test_each_step_of_a_clip_names_code_that_exists(twin):
    text = script("steps.js")
    steps = json.loads(text[text.index("[") : text.rindex("]") + 1])
    model = run_of(twin, width=8, tokens=2, heads=2).model
    output = {*flat(model(*map(torch.from_numpy, clips_with_and_without_faces(twin))))}
    shown = {path for step in steps for path in step["values"].values()}
    assert shown - {"face.placed", "voice.placed"} == output  # all of it, and T_m + P_m
    source = inspect.getsource(mraf.model)
    for step in steps:
        assert [
            w for w in re.findall(r"\w+", step["code"]) if not re.search(rf"\b{w}\b", source)
        ] == []


@pytest.mark.parametrize("view", VIEWS)
def test_where_a_view_cannot_run_there_is_a_picture_and_a_link(view, twin, monkeypatch):
    assert f"\n  {view}: {{" in script("views.js")
    shown = []
    monkeypatch.setattr(
        "mraf_lessons.kit.explorer.display", lambda bundle, **options: shown.append(bundle)
    )
    run = run_of(twin, width=8, tokens=2, heads=2)
    LiveExplorer(run, validation_split(twin), view)._ipython_display_()
    still = shown[1]["text/html"]
    assert "This picture is still" in still
    assert "<img" in still
    assert f'<div class="mraf-live" data-view="{view}">' in still


def test_another_view_is_refused_by_name(twin):
    with pytest.raises(RunError, match="no view is called 'trust'; there are: reliability, "):
        LiveExplorer(run_of(twin, width=8, tokens=2, heads=2), validation_split(twin), "trust")
