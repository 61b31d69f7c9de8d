"""What the widgets show and how their controls hang together, without a browser or a kernel."""

from __future__ import annotations

import html
from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from mraf.errors import RunError
from mraf.evaluation.predict import forward
from mraf.model import MRAF
from mraf.variants.build import build
from mraf.variants.config import ModelConfig
from mraf_lessons.kit.style import describe
from mraf_lessons.missing_token.explorer_figures import clip_step
from mraf_lessons.missing_token.steps import forward_steps

pytest.importorskip("ipywidgets")
from mraf_lessons.heads.explorer import MarginExplorer
from mraf_lessons.kit.live import Screen, fast_panels
from mraf_lessons.missing_token.explorer import FollowOneClip
from mraf_lessons.training.explorer import CentreExplorer


@pytest.fixture(scope="module")
def model() -> MRAF:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build(ModelConfig(6, tokens=3, width=16, heads=2)).eval()


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


# --- one clip, step by step ----------------------------------------------------------------


def test_the_steps_hold_the_values_of_the_forward_pass(model, tiny_corpus):
    clip = tiny_corpus.train[3:4]
    steps, output = forward_steps(model, clip), forward(model, clip)
    named = {name: values for step in steps for name, values in step.values.items()}
    assert np.array_equal(named["$T_f$"], output.face.tokens[0].numpy())
    assert np.array_equal(named["$H_a$"], output.voice.encoded[0].numpy())
    assert np.array_equal(named["$e_c$"], output.fused_embedding[0].numpy())
    assert named["$w_f, w_a$"][1] == output.weight.voice.item()
    assert np.allclose(named["fused"], output.logits.fused[0].softmax(-1).numpy())
    with torch.inference_mode():
        again = model.face_encoder.projection(torch.from_numpy(named["$x_f$"]))
    assert np.allclose(again.numpy(), named["$T_f$"].ravel(), atol=1e-6)
    placed = named["$T_a$"] + model.voice_encoder.position.detach().numpy()
    assert np.allclose(placed, named["$T_a + P_a$"])
    assert steps[-1].speaker == clip.labels[0]
    with pytest.raises(RunError, match="2 clips given"):
        forward_steps(model, tiny_corpus.train[:2])


def test_the_steps_start_with_what_the_encoders_read(model, tiny_corpus):
    clip = tiny_corpus.train[3:4]
    assert forward_steps(model, clip)[0].title == "Two features enter, scaled alike"
    scaled = build(replace(model.config, face_scale=3.0)).eval()
    scaled.load_state_dict(model.state_dict())
    step = forward_steps(scaled, clip)[0]
    x_f, x_a = model.inputs(torch.from_numpy(clip.face), torch.from_numpy(clip.voice))
    assert np.allclose(step.values["$x_f$"], 3 * x_f[0].numpy())
    assert np.allclose(step.values["$x_a$"], x_a[0].numpy())
    assert step.title == "Two features enter, as this network scales them"


def test_without_a_face_the_token_enters_and_nothing_of_it_comes_through(model, tiny_corpus):
    steps = forward_steps(model, tiny_corpus.train[:1].without_faces())
    named = {name: values for step in steps for name, values in step.values.items()}
    assert np.array_equal(named["$x_f$"], model.missing_face.token.detach().numpy())
    assert (named["$\\hat{H}_f$"] == 0).all()
    assert "learned token" in steps[0].title


def test_each_step_names_code_that_exists_and_draws_itself(model, tiny_corpus):
    import mraf.model

    steps = forward_steps(model, tiny_corpus.train[:1])
    for number, step in enumerate(steps, 1):
        figure = clip_step(steps, number)
        assert figure.alt.startswith(f"Step {number} of {len(steps)}. {step.title}")
        assert len(figure.axes) == len(step.values)
        owner = step.module.split(" · ")[0].split(".")[0]
        assert hasattr(mraf.model, owner)


def test_following_a_clip(model, tiny_corpus):
    follow = FollowOneClip(model, tiny_corpus.train)
    assert "Step 1 of 12" in follow.picture.value
    follow.step.value = 2
    assert "Step 2 of 12" in follow.picture.value
    follow.step.value = 7
    before = follow.picture.value
    follow.face.value = False
    assert "0.000 and 1.000" in follow.picture.value
    assert follow.picture.value != before
    follow.clip.value = 9
    assert np.array_equal(
        follow.steps[1].values["$T_a$"],
        forward(model, tiny_corpus.train[8:9]).voice.tokens[0].numpy(),
    )
