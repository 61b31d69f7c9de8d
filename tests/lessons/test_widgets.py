"""What the widgets show and how their controls hang together, without a browser or a kernel."""

from __future__ import annotations

import base64
import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from mraf.data.clips import Corpus
from mraf.data.degradation import degrade_faces
from mraf.data.splits import validation_split
from mraf.errors import RunError
from mraf.evaluation.predict import forward
from mraf.model import MRAF
from mraf.variants.build import build
from mraf.variants.config import ModelConfig
from mraf_lessons.kit.rebuilt import rebuilt
from mraf_lessons.kit.style import describe
from mraf_lessons.missing_token.explorer_figures import clip_step
from mraf_lessons.missing_token.other_token import replace_token
from mraf_lessons.missing_token.steps import forward_steps
from mraf_lessons.reliability.picture import reliability_picture
from mraf_lessons.reliability.view import Gallery, ReliabilityState, degraded_clip

pytest.importorskip("ipywidgets")
from mraf_lessons.kit.live import Screen, fast_panels, image
from mraf_lessons.missing_token.explorer import FollowOneClip, MissingTokenExplorer
from mraf_lessons.reliability.explorer import ReliabilityExplorer


@pytest.fixture(scope="module")
def model() -> MRAF:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build(ModelConfig(6, tokens=3, width=16, heads=2)).eval()


@pytest.fixture(scope="module")
def gallery(model: MRAF, tiny_corpus: Corpus) -> Gallery:
    return Gallery.of(model, validation_split(tiny_corpus).train)


# --- the pure functions ----------------------------------------------------------------------


def test_nothing_moved_shows_the_forward_pass(model, gallery, tiny_corpus):
    clip = tiny_corpus.cross[5:6]
    found = degraded_clip(model, gallery, clip)
    output = forward(model, clip)
    for seen in (found.before, found.now):
        for modality in ("face", "voice"):
            for pair in ("reliability", "weight"):
                expected = getattr(getattr(output, pair), modality).item()
                assert getattr(getattr(seen.output, pair), modality) == expected
            for pair in ("weighted", "attention"):
                expected = getattr(getattr(output, pair), modality)[0].numpy()
                assert np.array_equal(getattr(getattr(seen.output, pair), modality), expected)
        for head, guess in seen.guesses.items():
            logits = getattr(output.logits, head)[0].numpy()
            assert guess.speakers.tolist() == np.argsort(-logits)[:5].tolist()
            assert guess.rank == 1 + np.argsort(-logits).tolist().index(found.speaker)
        assert list(seen.guesses) == ["face", "voice", "fused"]
    assert found.moved == pytest.approx(1, abs=1e-6)
    assert found.speaker == clip.labels[0]


def test_a_degraded_face_changes_the_face_and_not_the_voice(model, gallery, tiny_corpus):
    clip, state = tiny_corpus.train[:1], ReliabilityState(face_kind="swap", face_amount=0.6)
    found = degraded_clip(model, gallery, clip, state)
    worse = degrade_faces(clip, "swap", 0.6, np.random.default_rng([0, 0]), gallery.train)
    now, before = found.now.output.reliability, found.before.output.reliability
    assert now.face == forward(model, worse).reliability.face.item()
    assert now.face != before.face
    assert now.voice == before.voice
    assert found.moved < 0.9999


def test_a_missing_face_has_no_weight_unless_the_scorer_is_asked(model, gallery, tiny_corpus):
    clip = tiny_corpus.train[:1]
    paper = degraded_clip(model, gallery, clip, ReliabilityState(face=False)).now.output
    assert paper.weight.face == 0
    assert (paper.weighted.face == 0).all()
    assert np.allclose(paper.attention.voice, 1 / 3)  # nothing to choose among zero tokens
    asked = degraded_clip(
        model, gallery, clip, ReliabilityState(face=False, missing_reliability="learned")
    ).now.output
    with torch.inference_mode():
        stand_in = model.face_encoder(model.missing_face(torch.from_numpy(clip.voice)))
        expected = torch.sigmoid(model.reliability.face(stand_in.embedding)).item()
    assert asked.reliability.face == pytest.approx(expected)
    assert asked.weight.face > 0


def test_the_missing_reliability_can_be_switched_both_ways(model, tiny_corpus):
    clips = tiny_corpus.train[:4].without_faces()
    learned = build(replace(model.config, missing_reliability="learned")).eval()
    learned.load_state_dict(model.state_dict())
    one, other = (
        forward(rebuilt(model, missing_reliability="learned"), clips),
        forward(learned, clips),
    )
    assert torch.allclose(one.logits.fused, other.logits.fused, atol=1e-6)
    told = rebuilt(learned, missing_reliability="zero")
    one, other = forward(told, clips), forward(model, clips)
    assert torch.allclose(one.logits.fused, other.logits.fused, atol=1e-6)
    assert model.config.missing_reliability == "zero"  # the network itself is left alone


def test_the_gallery_holds_the_mean_embedding_of_each_speaker(model, tiny_corpus):
    train = validation_split(tiny_corpus).train
    everything = Gallery.of(model, train, clips=1000)
    own = forward(model, train[train.labels == 2]).fused_embedding
    mean = torch.nn.functional.normalize(own, dim=-1).mean(0)
    assert np.allclose(everything.centres[2], mean / mean.norm(), atol=1e-5)


def test_one_clip_is_explored(model, gallery, tiny_corpus):
    with pytest.raises(RunError, match="2 clips given"):
        degraded_clip(model, gallery, tiny_corpus.train[:2])


def test_the_figure_says_in_words_what_it_shows(model, gallery, tiny_corpus):
    found = degraded_clip(model, gallery, tiny_corpus.train[:1], ReliabilityState(voice_amount=0.5))
    figure = reliability_picture(found)
    assert f"{found.now.output.weight.face:.3f}" in figure.alt
    assert f"speaker {found.now.guesses['fused'].speakers[0]}" in figure.alt
    assert "voice: 50% noise" in figure.alt
    assert len(figure.axes) == 8
    hidden = replace(tiny_corpus.train[:1], speaker=None)
    assert "speaker hidden" in reliability_picture(degraded_clip(model, gallery, hidden)).alt


def test_other_fusions_have_no_attention_to_show(tiny_corpus):
    linear = build(ModelConfig(6, tokens=2, width=8, heads=2, fusion="linear")).eval()
    gallery = Gallery.of(linear, tiny_corpus.train)
    figure = reliability_picture(degraded_clip(linear, gallery, tiny_corpus.train[:1]))
    assert any("no attention" in text.get_text() for text in figure.axes[2].texts)


# --- the widget --------------------------------------------------------------------------------


def quick_figure(found, on=None):
    """Says what the true figure says, drawn in a twentieth of the time."""
    return describe(fast_panels(None, 1, 1)[0], f"{found.state} {found.now.output.weight}")


@pytest.fixture
def explorer(model: MRAF, tiny_corpus: Corpus, monkeypatch) -> ReliabilityExplorer:
    monkeypatch.setattr("mraf_lessons.reliability.explorer.reliability_picture", quick_figure)
    return ReliabilityExplorer(model, tiny_corpus)


def test_moving_a_slider_redraws_the_picture(explorer):
    before = explorer.picture.value
    explorer.face_amount.value = 0.5
    assert explorer.found.state == ReliabilityState(face_amount=0.5)
    assert explorer.picture.value != before
    assert "face_amount=0.5" in explorer.picture.value
    explorer.face_amount.value = 0
    assert explorer.picture.value == before


MOVES = (
    {"face_amount": 0.5, "voice_amount": 1.0},
    {"clip": 2, "speaker": 3},
    {"setting": "P6", "voice_amount": 0.0},
)


@pytest.mark.parametrize(("fusion", "moves"), [("cross_attention", MOVES), ("linear", MOVES[:1])])
def test_the_picture_kept_between_moves_is_the_one_drawn_anew(fusion, moves, tiny_corpus):
    config = ModelConfig(6, tokens=2, width=8, heads=2, fusion=fusion)
    explorer = ReliabilityExplorer(build(config).eval(), tiny_corpus)
    kept = explorer.figure
    for move in moves:
        for control, value in move.items():
            explorer.inputs[control].value = value
        anew = reliability_picture(explorer.found)
        assert explorer.picture.value == image(Screen().png(anew), anew.alt), move
    assert explorer.figure is kept


def test_an_axis_that_changes_has_its_frame_drawn_anew():
    figure, (axes,) = fast_panels(None, 2, 1)
    (line,) = axes.plot([0, 1], [0, 1])
    screen = Screen()
    screen.png(figure)
    line.set_ydata([1, 0])
    axes.set_ylim(-2, 2)
    assert screen.png(figure) == Screen().png(figure)


def test_setting_and_face_follow_each_other(explorer):
    explorer.setting.value = "P6"
    assert not explorer.face.value
    assert explorer.found.language == "Urdu"
    assert not explorer.found.state.face
    assert explorer.face_amount.disabled
    assert not explorer.missing_reliability.disabled
    explorer.face.value = True
    assert explorer.setting.value == "P5"
    assert not explorer.face_amount.disabled
    assert explorer.found.state.face


def test_a_click_draws_once(explorer, monkeypatch):
    drawn = []
    original = explorer._find
    monkeypatch.setattr(explorer, "_find", lambda **of: drawn.append(1) or original(**of))
    explorer.setting.value = "P6"  # changes the face and the clips as well
    assert len(drawn) == 1


def test_every_clip_of_every_speaker_can_be_shown(explorer):
    explorer.setting.value = "P5"
    for _, speaker in explorer.speaker.options:
        explorer.speaker.value = speaker
        explorer.clip.value = explorer.clip.max
        assert explorer.found.speaker == speaker
    own = explorer.split.cross.labels == speaker
    assert explorer.found.clip == explorer.split.cross.key[own][-1]


def test_every_control_has_a_label_and_a_question(explorer):
    rows = [row.children for row in explorer.children[0].children[0].children]
    assert [control for control, _ in rows] == list(explorer.inputs.values())
    assert len(rows) == 9
    assert all(control.description for control, _ in rows)
    idle = [control.description for control, question in rows if "?" not in question.value]
    assert idle == ["Face, towards", "Voice, towards", "Missing face"]
    assert all(control.disabled == (control.description in idle) for control, _ in rows)
    explorer.face_amount.value = 0.5
    assert not explorer.face_kind.disabled


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
    explorer.face_amount.value = 0.5
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
    scaled = rebuilt(model, face_scale=3.0)
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


# --- another missing token ---------------------------------------------------------------------


def test_another_token_moves_the_face_branch_and_nothing_of_the_fusion(model, tiny_corpus):
    found = replace_token(model, tiny_corpus.train[:1], "random")
    moved = {name for name, value in found.changes.items() if value > 0}
    assert moved == {
        "tokens $T_f$", "encoded tokens $H_f$", "face embedding $e_f$", "face head $z_f$"
    }  # fmt: skip
    asked = replace_token(model, tiny_corpus.train[:1], "random", missing_reliability="learned")
    assert all(value > 0 for value in asked.changes.values())


@pytest.mark.parametrize("asked", ["zero", "learned"])
def test_the_learned_token_changes_nothing_and_is_left_alone(model, tiny_corpus, asked):
    before = model.missing_face.token.detach().clone()
    found = replace_token(model, tiny_corpus.train[:1], "zero", 0, asked)
    assert set(found.changes.values()) == {0}
    other = replace_token(model, tiny_corpus.train[:1], "zero", 1, asked)
    assert torch.equal(model.missing_face.token, before)
    assert model.missing_face.token.requires_grad
    zeroed = copy.deepcopy(model)
    torch.nn.init.zeros_(zeroed.missing_face.token)
    output = forward(
        rebuilt(zeroed, missing_reliability=asked), tiny_corpus.train[:1].without_faces()
    )
    assert other.named["face"][1] == output.logits.face.argmax()


def test_a_network_without_a_token_has_none_to_replace(tiny_corpus):
    zero = build(ModelConfig(6, tokens=2, width=8, heads=2, missing_face="zero"))
    with pytest.raises(RunError, match="no missing token"):
        replace_token(zero, tiny_corpus.train[:1])


def test_exploring_the_token(model, tiny_corpus):
    explorer = MissingTokenExplorer(model, tiny_corpus.train)
    assert "exactly" not in explorer.figure.alt
    assert "Not changed at all: reliability r_f" in explorer.picture.value
    explorer.reliability.value = "learned"
    assert "Not changed at all: nothing" in explorer.picture.value
    explorer.share.value = 0
    assert "Changed: nothing" in explorer.picture.value
