"""What the loss explorer shows is what `mraf.losses` and `mraf.training.loop` compute."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mraf.errors import RunError
from mraf.losses import distillation_loss
from mraf.training.batches import TrainingClips
from mraf.training.config import configure
from mraf.training.loop import Learner
from mraf.variants.objectives import SummedCenterLoss
from mraf_lessons.training.view import PARTS, TEMPERATURES, TERMS, Reach, pull, soften, weigh

pytest.importorskip("ipywidgets")
from mraf_lessons.kit.live import Screen, image
from mraf_lessons.training.explorer import LossExplorer

TEACHER = np.array([5.0, 3.5, 1.0, 0.0])
STUDENT = np.array([1.0, 2.5, 1.5, 0.0])
GROUP = np.repeat([0, 1, 2], 5)
POINTS = np.random.default_rng(0).normal(size=(15, 2)) + np.eye(3, 2)[GROUP]
SMALL = {"precision": "float32", "width": 16, "tokens": 2, "heads": 2, "batch_size": 24}


@pytest.fixture(scope="module")
def config():
    return configure("quick", 6, SMALL)


@pytest.fixture(scope="module")
def learner(config) -> Learner:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Learner(config).eval()


@pytest.fixture(scope="module")
def batch(config, tiny_corpus):
    clips = TrainingClips.place(tiny_corpus.train, torch.device("cpu"))
    found = next(clips.batches(replace(config.training, audio_only_probability=0.5), 0))
    assert 0 < found.audio_only.sum() < len(found.audio_only)
    return found


# --- the pure functions ----------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [1.0, 3.0, 16.0])
def test_the_distillation_is_that_of_the_package(temperature):
    found = soften(TEACHER, STUDENT, temperature)
    student = torch.tensor(STUDENT[None], requires_grad=True)
    loss = distillation_loss(torch.tensor(TEACHER[None]), student, temperature)
    loss.backward()
    assert found.loss == pytest.approx(loss.item())
    assert np.allclose(found.gradient, student.grad[0])
    length = np.interp(temperature, TEMPERATURES, found.length)
    assert length == pytest.approx(student.grad.norm().item(), abs=1e-3)
    bare = soften(TEACHER, STUDENT, temperature, factor=False)
    assert np.allclose(bare.gradient * temperature**2, found.gradient)
    assert bare.loss * temperature**2 == pytest.approx(found.loss)
    assert np.allclose(found.without_factor * TEMPERATURES**2, found.length)


def test_a_student_that_has_learned_all_is_told_nothing():
    found = soften(TEACHER, STUDENT, 2, learned=1)
    assert found.loss == pytest.approx(0)
    assert np.allclose(found.gradient, 0)
    assert np.allclose(found.teacher, found.student)


@pytest.mark.parametrize("trained", [True, False])
def test_points_move_down_the_gradient_of_the_package(trained):
    found = pull(POINTS, GROUP, 0.3, 0.2, trained, step=20, steps=20)
    points = torch.tensor(POINTS, requires_grad=True)
    means = np.stack([POINTS[c == GROUP].mean(axis=0) for c in range(3)])
    classifier = torch.tensor(means, requires_grad=True)
    center = SummedCenterLoss(3, 2).double()
    moved = [points, classifier, *(center.parameters() if trained else ())]
    optimizer = torch.optim.SGD(moved, lr=0.05)
    for _ in range(20):
        optimizer.zero_grad()
        ce = F.cross_entropy(points @ classifier.T, torch.tensor(GROUP), reduction="sum")
        (0.3 * ce + 0.2 * center(points, torch.tensor(GROUP))).backward()
        optimizer.step()
    assert np.allclose(found.path[0], POINTS)
    assert np.allclose(found.path[-1], points.detach())
    assert np.allclose(found.centers[-1], center.centers.detach())
    assert found.centers.any() == trained


def test_the_centre_loss_alone_gathers_and_untrained_centres_gather_at_zero():
    alone = pull(POINTS, GROUP, ce_weight=0, center_weight=1)
    assert alone.within[-1] < 0.01 * alone.within[0]
    assert alone.between[-1] == pytest.approx(alone.between[0], rel=0.5)
    stuck = pull(POINTS, GROUP, ce_weight=0, center_weight=1, trained=False)
    assert np.allclose(stuck.path[-1], 0, atol=0.01)


def test_any_weights_give_the_gradient_that_training_would(learner, batch, config, monkeypatch):
    reach = Reach.of(learner, batch, config.training)
    assert all(parameter.grad is None for parameter in learner.parameters())
    names = ("face_weight", "voice_weight", "fused_weight", "kd_weight", "center_weight")
    weights = np.array([0.5, 0, 2, 1, 0.3])
    other = replace(config.training, **dict(zip(names, weights.tolist(), strict=True)))
    monkeypatch.setattr(learner.objective, "weights", other)
    losses = learner(batch)
    parameters = list(learner.parameters())
    gradients = torch.autograd.grad(losses.loss, parameters, allow_unused=True)
    by_parameter = dict(zip(parameters, gradients, strict=True))
    found = weigh(reach, *weights)
    for name, length in zip(PARTS.values(), found.lengths, strict=True):
        own = [by_parameter[p] for p in learner.get_submodule(name).parameters()]
        expected = sum(float(g.square().sum()) for g in own if g is not None) ** 0.5
        assert length == pytest.approx(expected, rel=1e-4, abs=1e-9), name
    assert found.shares.sum() == pytest.approx(losses.loss.item(), rel=1e-5)
    assert dict(zip(TERMS, reach.losses, strict=True))["kd"] == pytest.approx(losses.kd.item())


def test_the_weights_start_as_they_are_in_training(learner, batch, config):
    explorer = LossExplorer.branches(Reach.of(learner, batch, config.training))
    assert np.array_equal(explorer.found.lengths, explorer.found.before)
    training = learner(batch)
    assert explorer.found.shares.sum() == pytest.approx(training.loss.item(), rel=1e-5)


def test_a_network_without_a_token_is_refused(batch, tiny_corpus):
    config = configure("quick", 6, {**SMALL, "missing_face": "zero"})
    with pytest.raises(RunError, match="missing_face"):
        Reach.of(Learner(config), batch, config.training)


# --- the widget --------------------------------------------------------------------------------


@pytest.fixture(params=["distillation", "centre", "branches"])
def explorer(request, learner, batch, config) -> LossExplorer:
    arguments = {
        "distillation": (TEACHER, STUDENT),
        "centre": (POINTS, GROUP),
        "branches": (Reach.of(learner, batch, config.training),),
    }[request.param]
    return getattr(LossExplorer, request.param)(*arguments)


def test_each_control_moves_the_picture(explorer):
    before = explorer.picture.value
    for name, control in explorer.inputs.items():
        start, last = control.value, explorer.picture.value
        control.value = (not start) if isinstance(start, bool) else (1 if start != 1 else 0)
        assert explorer.picture.value != last, name
        anew = explorer._picture(explorer.found, None)  # the one that is kept shows the same
        assert explorer.picture.value == image(Screen().png(anew), anew.alt), name
        control.value = start
    assert explorer.picture.value == before


def test_it_says_in_words_what_it_shows(explorer):
    first = next(iter(explorer.inputs))
    if first == "face":
        assert "Exactly zero: none" in explorer.figure.alt
        explorer.inputs["face"].value = 0
        assert "Exactly zero: missing token, face head" in explorer.figure.alt
    elif first == "temperature":
        assert explorer.figure.alt.startswith("T = 2, with T²")
        explorer.inputs["factor"].value = False
        assert explorer.figure.alt.startswith("T = 2, without T²")
        assert f"{explorer.found.loss:.3f}" in explorer.figure.alt
    else:
        explorer.inputs["center_weight"].value = 0
        assert "There is no centre loss" in explorer.figure.alt
        explorer.inputs["step"].value = 0
        assert "after 0 steps" in explorer.figure.alt
