"""What the explorer of the centre loss shows is what `mraf` computes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mraf.variants.objectives import SummedCenterLoss
from mraf_lessons.training.view import pull

pytest.importorskip("ipywidgets")
from mraf_lessons.kit.live import Screen
from mraf_lessons.kit.style import image
from mraf_lessons.training.explorer import CentreExplorer

GROUP = np.repeat([0, 1, 2], 5)
POINTS = np.random.default_rng(0).normal(size=(15, 2)) + np.eye(3, 2)[GROUP]


# --- the pure functions ----------------------------------------------------------------------


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


# --- the widget --------------------------------------------------------------------------------


@pytest.fixture
def explorer() -> CentreExplorer:
    return CentreExplorer(POINTS, GROUP)


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
    explorer.inputs["center_weight"].value = 0
    assert "There is no centre loss" in explorer.figure.alt
    explorer.inputs["step"].value = 0
    assert "after 0 steps" in explorer.figure.alt
