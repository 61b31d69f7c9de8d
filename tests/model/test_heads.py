"""Heads with margins against NumPy and pytorch-metric-learning, and the geometry of the ball."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from mraf.errors import RunError
from mraf.losses import Batch, distillation_loss
from mraf.training.config import Config
from mraf.training.loop import Learner
from mraf.training.step import with_and_without_face
from mraf.variants.build import build
from mraf.variants.config import ModelConfig, TrainingConfig
from mraf.variants.margins import HEADS, AAMHead, clip_to_ball, exponential_map, poincare_distance

SMALL = ModelConfig(speakers=5, tokens=3, width=16, heads=4, dropout=0.0)
EPS = 1e-5
MARGINS = [kind for kind in HEADS if kind != "linear"]


def head(kind, **changes):
    torch.manual_seed(0)
    return HEADS[kind](replace(SMALL, head=kind, **changes)).double()


def clips(length=1.0, count=40):
    """Embeddings (N, 16) of about a length, and speakers (N,)."""
    rng = np.random.default_rng(0)
    embedding = rng.normal(size=(count, SMALL.width)) * length / np.sqrt(SMALL.width)
    return torch.from_numpy(embedding), torch.from_numpy(rng.integers(0, 5, count))


# --- the same once more, in plain NumPy ------------------------------------------------------


def clipped(x, c):
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    return np.where(np.sqrt(c) * length > 1 - EPS, (1 - EPS) * x / (np.sqrt(c) * length), x)


def distance(x, w):
    """One pair at a time."""
    apart = ((x - w) ** 2).sum()
    argument = 1 + 2 * apart / ((1 - (x**2).sum()) * (1 - (w**2).sum()))
    return np.arccosh(max(argument, 1 + EPS))


def similarity(kind, x, w, c):
    if kind in ("am", "aam"):
        return x @ w / np.linalg.norm(x) / np.linalg.norm(w)
    if kind == "h_exp":
        root, gain = np.sqrt(c), SMALL.width**-0.5
        x, w = (np.tanh(root * gain * np.linalg.norm(p)) * p / np.linalg.norm(p) for p in (x, w))
        return -distance(x, w) / root
    return -distance(clipped(x, c), clipped(w, c))


def expected_logits(kind, weight, embedding, speaker, margin, scale, c):
    """Logits without and with the margin, by the formulas of the three papers."""
    plain = np.array([[similarity(kind, x, w, c) for w in weight] for x in embedding])
    with_margin = plain.copy()
    for row, own in enumerate(speaker):
        if kind in ("am", "ham"):
            with_margin[row, own] -= margin
        if kind == "aam":
            theta = np.arccos(plain[row, own])
            beyond = theta + margin > np.pi
            with_margin[row, own] = (
                plain[row, own] - margin * np.sin(margin) if beyond else np.cos(theta + margin)
            )
    return scale * plain, scale * with_margin


@pytest.mark.parametrize(
    ("kind", "length"),
    [(k, size) for k in MARGINS for size in (0.1, 1.0, 250.0) if (k, size) != ("h_exp", 250.0)],
)
def test_logits_with_and_without_margin_equal_the_formulas(kind, length):
    margin, scale, curvature = 0.3, 20.0, 2.0
    layer = head(kind, margin=margin, scale=scale, curvature=curvature)
    embedding, speaker = clips(length)
    weight = layer.weight.detach().numpy()
    if kind == "aam":  # one clip each side of π - m
        embedding[0], embedding[1] = -layer.weight[0].detach(), layer.weight[0].detach()
        speaker[:2] = 0
    plain, with_margin = expected_logits(
        kind, weight, embedding.numpy(), speaker.numpy(), margin, scale, curvature
    )
    found = layer(embedding)
    np.testing.assert_allclose(found.detach(), plain, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(
        layer.with_margin(found, speaker).detach(), with_margin, rtol=1e-6, atol=1e-4
    )


@pytest.mark.parametrize(("start", "monotone"), [("inside", False), ("rim", True)])
def test_ham_is_monotone_in_the_cosine_from_the_rim_and_not_once_lengths_differ(start, monotone):
    """Both regimes by NumPy: as drawn, and after a step has lengthened centres unequally."""
    layer = head("ham", start=start, curvature=3.0)
    length = layer.weight.detach().norm(dim=1)
    radius = (1 - EPS) / np.sqrt(3)
    assert (length > radius).all() if monotone else (length < 0.01).all()
    with torch.no_grad():
        layer.weight.mul_(torch.tensor([1.0, 2.0, 20.0, 40.0, 80.0])[:, None])
    embedding, _ = clips(250.0)
    x, w = embedding.numpy(), layer.weight.detach().numpy()
    by_hand = [[distance(clipped(a, 3.0), clipped(b, 3.0)) for b in w] for a in x]
    np.testing.assert_allclose(-layer(embedding).detach() / 30, by_hand, rtol=1e-6)
    cosine = x @ w.T / np.linalg.norm(x, axis=1)[:, None] / np.linalg.norm(w, axis=1)
    same = np.argmin(by_hand, axis=1) == cosine.argmax(axis=1)
    assert same.all() == monotone


@pytest.mark.parametrize(("kind", "name"), [("am", "CosFaceLoss"), ("aam", "ArcFaceLoss")])
def test_angular_margins_are_those_of_pytorch_metric_learning(kind, name):
    losses = pytest.importorskip("pytorch_metric_learning.losses")
    margin, scale = 0.3, 20.0
    theirs = margin if kind == "am" else np.rad2deg(margin)  # ArcFace takes degrees
    loss = getattr(losses, name)(SMALL.speakers, SMALL.width, margin=theirs, scale=scale).double()
    layer = head(kind, margin=margin, scale=scale)
    with torch.no_grad():
        loss.W.copy_(layer.weight.T)
    embedding, speaker = clips()
    embedding[0], speaker[0] = -layer.weight[2].detach(), 2  # θ = π, where the fallback is
    ours = F.cross_entropy(layer.with_margin(layer(embedding), speaker), speaker)
    assert ours.item() == pytest.approx(loss(embedding, speaker).item(), rel=1e-6)


def test_the_angular_margin_never_rewards_a_wider_angle():
    layer = head("aam", margin=0.5, scale=1.0)
    assert isinstance(layer, AAMHead)
    cosine = torch.linspace(-1, 1, 2001, dtype=torch.float64)
    assert (layer.own_with_margin(cosine).diff() > 0).all()
    assert (layer.own_with_margin(cosine) <= cosine).all()


@pytest.mark.parametrize("kind", MARGINS)
def test_gradients_are_finite_where_the_formulas_have_none(kind):
    layer = head(kind).float()
    centre = layer.weight.detach()
    edge = F.normalize(centre[:1])
    embedding = torch.cat([centre, -centre, 250 * centre, 1e-9 * centre, 0 * centre, edge])
    embedding.requires_grad_()
    speaker = torch.arange(5).repeat(6)[: len(embedding)]
    F.cross_entropy(layer.with_margin(layer(embedding), speaker), speaker).backward()
    assert torch.isfinite(embedding.grad).all()
    for parameter in layer.parameters():
        assert torch.isfinite(parameter.grad).all()
    assert layer.weight.grad.abs().max() > 0


# --- the ball --------------------------------------------------------------------------------


@given(st.floats(0, 300), st.floats(1, 20))
def test_clipping_touches_only_what_is_too_long(length, curvature):
    x = length * F.normalize(torch.ones(1, 4, dtype=torch.float64))
    radius = (1 - EPS) / np.sqrt(curvature)
    assert clip_to_ball(x, curvature).norm().item() == pytest.approx(min(length, radius))


@given(st.integers(0, 2**32 - 1))
def test_the_distance_is_a_metric_that_the_isometries_of_the_ball_keep(seed):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(3, 4))
    points *= rng.uniform(0.05, 0.9, (3, 1)) / np.linalg.norm(points, axis=1, keepdims=True)

    def moved(a, x):
        """Möbius addition a ⊕ x, a translation of the ball."""
        dot, aa, xx = a @ x, a @ a, x @ x
        return ((1 + 2 * dot + xx) * a + (1 - aa) * x) / (1 + 2 * dot + aa * xx)

    d = poincare_distance(*[torch.from_numpy(points)] * 2).numpy()
    np.testing.assert_allclose(d, d.T)
    assert d[0, 2] <= d[0, 1] + d[1, 2] + 1e-9
    shift = 0.5 * points[0]
    elsewhere = torch.from_numpy(np.stack([moved(shift, x) for x in points]))
    np.testing.assert_allclose(poincare_distance(elsewhere, elsewhere), d, rtol=1e-6, atol=1e-6)


def test_the_exponential_map_keeps_directions_and_distances_from_the_origin():
    v = torch.tensor([[0.3, -0.4], [3.0, 4.0]], dtype=torch.float64)
    mapped = exponential_map(v)
    origin = torch.zeros(1, 2, dtype=torch.float64)
    np.testing.assert_allclose(F.cosine_similarity(mapped, v), 1)
    # in the metric of the ball, 2 |dx| / (1 - ‖x‖²), exp_0(v) lies 2 ‖v‖ from the origin
    np.testing.assert_allclose(poincare_distance(mapped, origin)[:, 0], [1.0, 10.0], rtol=1e-3)


def test_long_tangent_vectors_saturate_at_the_edge():
    v = torch.tensor([[20.0, 0.0], [250.0, 0.0]], dtype=torch.float64)
    np.testing.assert_allclose(exponential_map(v), [[1 - EPS, 0], [1 - EPS, 0]])


# --- in the network --------------------------------------------------------------------------


def test_the_linear_head_draws_what_nn_linear_draws():
    layer = HEADS["linear"](SMALL)
    torch.manual_seed(0)
    plain = torch.nn.Linear(SMALL.width, SMALL.speakers)
    torch.testing.assert_close(layer.state_dict(), plain.state_dict(), rtol=0, atol=0)
    z = plain(torch.ones(2, SMALL.width))
    assert layer.with_margin(z, torch.tensor([0, 1])) is z


@pytest.mark.parametrize("kind", MARGINS)
def test_networks_of_one_seed_differ_in_the_heads_alone(kind):
    def weights(kind):
        torch.manual_seed(0)
        state = build(replace(SMALL, head=kind)).state_dict()
        late = ("face_head", "voice_head", "fused_head", "missing_face")
        return {name: value for name, value in state.items() if not name.startswith(late)}

    torch.testing.assert_close(weights(kind), weights("linear"), rtol=0, atol=0)


@pytest.mark.parametrize("kind", HEADS)
def test_the_margin_is_for_the_cross_entropy_alone(kind):
    learner = Learner(Config(replace(SMALL, head=kind), TrainingConfig()))
    rng = np.random.default_rng(0)
    face, voice = (torch.from_numpy(rng.normal(size=(6, d)).astype("f4")) for d in (512, 192))
    speaker = torch.tensor([0, 0, 1, 2, 3, 4])
    batch = Batch(face, voice, speaker, torch.zeros(6, 1, dtype=torch.bool), speaker)
    losses = learner(batch)
    model = learner.model
    complete, alone = with_and_without_face(model, face, voice).logits.fused.chunk(2)
    torch.testing.assert_close(losses.kd, distillation_loss(complete, alone, 2.0))
    hardened = model.fused_head.with_margin(complete, speaker)
    torch.testing.assert_close(losses.ce_fused, F.cross_entropy(hardened, speaker))
    own = hardened.gather(1, speaker[:, None]) < complete.gather(1, speaker[:, None])
    assert own.all() == (kind in {"am", "aam", "ham"})
    losses.loss.backward()
    heads = [model.face_head, model.voice_head, model.fused_head]
    assert all(p.grad.abs().max() > 0 for part in heads for p in part.parameters())


@pytest.mark.parametrize("kind", MARGINS)
def test_half_precision_leaves_the_angles_alone(kind):
    layer = head(kind).float()
    embedding, _ = clips()
    plain = layer(embedding.float())
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(layer(embedding.float()), plain, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("switches", "message"),
    [
        ({"head": "am", "scale": 0.0}, "scale=0.0: out of range, must be above 0"),
        ({"head": "aam", "margin": -0.1}, "margin=-0.1: out of range"),
        ({"head": "ham", "margin": 2.0}, "margin=2.0: out of range"),
        ({"head": "h", "curvature": 0.5}, "curvature=0.5: must be at least 1"),
        ({"head": "h_exp", "curvature": -1.0}, "curvature=-1.0: out of range"),
    ],
)
def test_a_head_that_cannot_be_built_is_refused(switches, message):
    with pytest.raises(RunError, match=message):
        build(replace(SMALL, **switches))
