"""The notebook's heads in the plane and on the circle: numbers, figures, and the explorer."""

import numpy as np
import pandas as pd
import pytest
import torch

from mraf.errors import DataError
from mraf_lessons.heads import figures
from mraf_lessons.heads.explorer import MarginExplorer
from mraf_lessons.heads.geometry import distance_of_angle, hardened_angle
from mraf_lessons.heads.view import ANGLES, NOBODY, OUTSIDE, TURN, embed_in_plane, margins
from mraf_lessons.kit.style import png


@pytest.fixture(scope="module")
def plane():
    rng = np.random.default_rng(0)
    speaker = np.repeat([0, 1, 2], 15)
    voice = rng.normal(size=(3, 192))[speaker] + 0.3 * rng.normal(size=(45, 192))
    return embed_in_plane(voice.astype("f4"), speaker, head="am", margin=0.3)


def test_clips_in_the_plane_lie_on_the_ground_of_their_speaker(plane):
    assert plane.accuracy == 1
    assert plane.points.shape == (45, 2)
    assert plane.centres.shape == (3, 2)
    # an angular head asks for the direction alone: opposite borders of the grid are cut alike
    direction = plane.points / np.linalg.norm(plane.points, axis=1, keepdims=True)
    means = [direction[plane.speaker == k].mean(axis=0) for k in range(3)]
    for k, mean in enumerate(means):
        column, row = (int(np.abs(plane.side - 0.3 * x).argmin()) for x in mean)
        assert plane.winner[row, column] == k
    assert 0 < plane.spread < 30


def test_the_same_seed_gives_the_same_plane():
    voice = np.random.default_rng(0).normal(size=(9, 192)).astype("f4")
    state = torch.get_rng_state()
    first, second = (embed_in_plane(voice, np.arange(9) % 3, steps=5, seed=3) for _ in range(2))
    assert np.array_equal(first.points, second.points)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("kind", ["am", "aam", "ham"])
def test_the_arcs_are_those_of_the_formula(kind):
    """A speaker wins up to the θ at which his hardened angle is 120° - θ."""
    found = margins(kind, margin=0.3, curvature=3.0)
    theta = np.linspace(0, np.pi / 3, 20001)
    wins = hardened_angle(kind, theta, 0.3) < 2 * np.pi / 3 - theta
    edge = theta[wins].max()
    own = TURN[(found.winner == 0) & (np.pi > TURN)]
    assert own.max() == pytest.approx(edge, abs=2 * np.pi / 720)
    assert found.share == pytest.approx(3 * edge / np.pi, abs=0.02)
    assert margins(kind, margin=0.0).share > 0.99


def test_the_scale_moves_no_edge_and_makes_surer():
    soft, hard = (margins("aam", scale=scale) for scale in (4.0, 32.0))
    assert np.array_equal(soft.winner, hard.winner)
    assert soft.at_centre > 1e-3 > hard.at_centre
    assert np.all(np.diff(hard.without[:60]) <= 0)


def test_the_disk_is_won_as_the_distance_says():
    found = margins("ham", margin=0.5, curvature=3.0)
    assert set(np.unique(found.disk)) == {OUTSIDE, NOBODY, 0, 1, 2}
    assert found.disk[80, 80] == NOBODY  # the origin is as far from all
    assert found.disk[80, 150] == 0
    assert found.disk[0, 0] == OUTSIDE


def test_without_a_ball_the_disk_is_cut_into_slices_by_the_angle():
    found = margins("aam", margin=0.5)
    assert set(np.unique(found.disk)) == {OUTSIDE, NOBODY, 0, 1, 2}
    assert (found.disk[80, 90:160] == 0).all()  # from near the origin to the rim
    assert found.disk[80, 10] == NOBODY  # 180°, between two others


def test_every_figure_is_titled_and_described(plane):
    logit = {"am": np.cos(ANGLES) - 0.2, "h": -distance_of_angle(ANGLES, 5.0)}
    excess = {"am": hardened_angle("am", ANGLES, 0.2) - ANGLES}
    cosine = np.random.default_rng(0).uniform(-1, 1, (4, 9))
    table = pd.DataFrame(
        [("linear", "P4", "mean", 0.5, 0.4, 0.6), ("linear", "P6", "mean", 0.4, 0.3, 0.5)],
        columns=["system", "metric", "draw", "value", "low", "high"],
    )
    drawn = [
        figures.planes({"AM": plane}, "In the plane"),
        figures.penalties(logit, excess, 0.2),
        figures.cosine_and_distance({"one": (cosine, -cosine), "other": (cosine, cosine)}),
        figures.lengths(np.geomspace(1, 10), {"a": np.linspace(0, 1)}, np.array([2.0, 5.0])),
        figures.heads_on_voices(table, ["P4", "P6"], "Heads"),
        figures.margin_explorer(margins("ham")),
    ]
    for figure in drawn:
        assert len(figure.alt.split()) > 10
        assert any(axes.get_title(loc="left") for axes in figure.axes)
        assert png(figure).startswith(b"\x89PNG")
    assert "100% of the steps within a clip" in drawn[2].alt
    assert "other: the distance falls with the cosine in 0%" in drawn[2].alt
    with pytest.raises(DataError, match="value"):
        figures.heads_on_voices(table.drop(columns="value"), ["P4"], "Heads")


def test_the_explorer_shows_what_its_controls_say():
    explorer = MarginExplorer()
    assert explorer.found.kind == "am"
    for name, value in {"kind": "ham", "margin": 0.4, "scale": 8.0, "curvature": 5.0}.items():
        explorer.inputs[name].value = value
    expected = margins("ham", 0.4, 8.0, 5.0)
    assert explorer.found.share == expected.share
    assert explorer.found.at_centre == expected.at_centre
    assert "ham, m = 0.4, s = 8, c = 5" in explorer.picture.value
