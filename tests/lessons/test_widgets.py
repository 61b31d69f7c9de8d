"""What the widgets show and how their controls hang together, without a browser or a kernel."""

from __future__ import annotations

import base64
import inspect
import json
import re

import pytest
import torch

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
    (live, _), (still, options) = shown
    assert "application/vnd.jupyter.widget-view+json" in live
    assert not live["text/plain"]  # where the widget may not be shown, there is nothing of it
    assert base64.b64decode(still["image/png"]).startswith(b"\x89PNG")
    assert options["metadata"]["image/png"]["alt"] == explorer.figure.alt != ""
    assert 'alt="' in still["text/html"]
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
