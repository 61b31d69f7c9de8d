"""Losses against independent NumPy, the ensemble against single runs, the protocol, the fusion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from mraf.errors import DataError, RunError
from mraf.related.open_set import losses
from mraf.related.open_set.adapters import (
    Adapters,
    Recipe,
    eigenvalue_variance,
    interpolated,
    selected,
    standardised,
    tune,
)
from mraf.related.open_set.protocol import CLIPS_OF_A_VIDEO, UNKNOWN, deal

R, B, D, K, EXTRA = 2, 6, 5, 3, 2


@pytest.fixture
def batch():
    """x (R, B, d), labels (R, B), points and anchors (R, K + 2, d), radius (R,); doubles."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(R, B, D))
    label = rng.integers(K, size=(R, B))
    points, anchors = rng.normal(size=(2, R, K + EXTRA, D))
    return x, label, points, anchors, np.array([0.3, 1.7])


def tensors(*arrays):
    return [torch.from_numpy(np.asarray(array)) for array in arrays]


def softmax_loss(logits, targets):
    """−log of the summed probability of a set of classes."""
    exponents = [np.exp(value) for value in logits]
    return -np.log(sum(exponents[k] for k in targets) / sum(exponents))


def by_clip(batch, of_clip):
    """The mean over the clips of each run of a function of one clip."""
    x, label, points, anchors, radius = batch
    return [
        np.mean([of_clip(x[r, b], label[r, b], points[r], anchors[r], radius[r]) for b in range(B)])
        for r in range(R)
    ]


def bound(distance, radius):
    return max(0.0, distance - radius + 1)


@pytest.mark.parametrize("public", [False, True])
def test_v1(batch, public):
    def of_clip(x, y, points, anchors, radius):
        loss = softmax_loss([-(x @ p) for p in points], [y])
        loss += softmax_loss([x @ c for c in anchors], [y])
        if public:
            pull = ((x - points[y]) ** 2).mean()
            return loss + 5 * bound(x @ points[y], radius) + 2.5 * pull
        pull = ((x - anchors[y]) ** 2).mean()
        return loss + 5 * bound(-(x @ points[y]), radius) + 2.5 * pull

    found = losses.rpl_v1(*tensors(*batch), public=public)
    assert found.tolist() == pytest.approx(by_clip(batch, of_clip))


@pytest.mark.parametrize("kind", ["true", "public", "none"])
def test_v2(batch, kind):
    scale = {"true": 0.2, "public": 1.0, "none": None}[kind]

    def of_clip(x, y, points, anchors, radius):
        f = np.array([x @ c for c in anchors])
        if scale:
            f = f / (scale * np.sqrt((f**2).sum()))
        away = softmax_loss([-(x @ p) for p in points], [y])
        return away + 5 * bound(((x - points[y]) ** 2).mean(), radius) + softmax_loss(f, [y])

    found = losses.rpl_v2(*tensors(*batch), logit_norm=kind, temperature=0.2)
    assert found.tolist() == pytest.approx(by_clip(batch, of_clip))


def test_strangers_may_be_any_class_beyond_the_targets(batch):
    def of_clip(x, _, points, anchors, radius):
        others = range(K, K + EXTRA)
        f = np.array([x @ c for c in anchors])
        f = f / (0.2 * np.linalg.norm(f))
        return softmax_loss([-(x @ p) for p in points], others) + softmax_loss(f, others)

    x, _, points, anchors, _ = tensors(*batch)
    found = losses.strangers(x, points, anchors, K, temperature=0.2)
    assert found.tolist() == pytest.approx(by_clip(batch, of_clip))


def test_the_temperature_cancels_in_the_public_logit_norm_only(batch):
    one, other = (
        [
            losses.rpl_v2(*tensors(*batch), logit_norm=kind, temperature=t)[0].item()
            for t in (0.1, 1)
        ]
        for kind in ("public", "true")
    )
    assert one[0] == one[1]
    assert other[0] != pytest.approx(other[1])


def test_logit_norm_cannot_be_lowered_by_growing(batch):
    x, label, _, anchors, _ = tensors(*batch)
    for kind, same in (("true", True), ("none", False)):
        small, large = (
            losses.cross_entropy(
                losses.normalised(losses.similarity(scale * x, anchors), kind, 0.1), label
            )
            for scale in (1, 10)
        )
        assert torch.allclose(small, large) == same


def moved(term, x, point):
    """How the squared distance of clip and point changes when the clip follows the gradient."""
    x = x.clone().requires_grad_()
    term(x).sum().backward()
    after = x.detach() - 1e-3 * x.grad
    return float(((after - point) ** 2).sum() - ((x.detach() - point) ** 2).sum())


def test_reciprocal_points_push_away_and_the_radius_holds(batch):
    x, label, points, anchors, radius = tensors(*batch)
    x, label, points, anchors, radius = x[:, :1], label[:, :1], points, anchors, 0 * radius
    own = points[torch.arange(R)[:, None], label]

    def away(z):
        return losses.cross_entropy(-losses.similarity(z, points), label)

    def distance(z):
        return losses.own(losses.squared_distance(z, points), label)

    assert moved(lambda z: losses.open_space(distance(z), radius), x, own) < 0
    # a step away from the own point lowers the loss of a clip, other things being equal
    direction = x - own
    assert away(x + 1e-3 * own * -1).sum() < away(x).sum()
    assert (
        losses.open_space(distance(x + direction), radius).sum()
        > losses.open_space(distance(x), radius).sum()
    )


def test_the_public_bound_of_v1_pushes_the_way_of_the_cross_entropy(batch):
    """x · p_y falls under both: nothing is bounded. With the sign of the idea it rises."""
    x, label, points, _, radius = tensors(*batch)
    slope = {}
    for name, sign in (("public", 1.0), ("ours", -1.0)):
        z = x.clone().requires_grad_()
        losses.open_space(
            sign * losses.own(losses.similarity(z, points), label), 0 * radius - 20
        ).sum().backward()
        along = points.gather(1, label[..., None].expand(-1, -1, D))
        slope[name] = -(z.grad * along).sum()  # of x · p_y under gradient descent
    z = x.clone().requires_grad_()
    losses.cross_entropy(-losses.similarity(z, points), label).sum().backward()
    assert slope["public"] < 0 < slope["ours"]


# --- adapters ------------------------------------------------------------------------------------


def enrolled(speakers=4, shots=3, dim=8, seed=0):
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(speakers, dim))
    labels = np.repeat(np.arange(speakers), shots)
    rows = means[labels] + 0.3 * rng.normal(size=(len(labels), dim))
    return (100 * rows).astype(np.float32), labels


RECIPES = {
    "softmax": Recipe("softmax", steps=6),
    "logitnorm": Recipe("logitnorm", steps=6),
    "v1": Recipe("v1", steps=6),
    "v2": Recipe("v2", steps=6, anchors=2),
    "v2 with unknowns": Recipe("v2", steps=6, anchors=2, unknowns=True),
}


@pytest.mark.parametrize("name", RECIPES)
def test_runs_side_by_side_are_the_runs_alone(name):
    rows, labels = enrolled()
    together = tune(RECIPES[name], rows, labels, [3, 1, 4], "cpu").scores(rows)
    alone = [tune(RECIPES[name], rows, labels, [seed], "cpu").scores(rows)[0] for seed in (3, 1, 4)]
    assert np.allclose(together, alone, atol=1e-5)
    assert not np.allclose(together[0], together[1], atol=1e-3)


def test_the_same_seed_gives_the_same_run_and_touches_no_global_state():
    rows, labels = enrolled()
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first, second = (tune(RECIPES["v2"], rows, labels, [7], "cpu").scores(rows) for _ in range(2))
    assert np.array_equal(first, second)
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002


def test_the_adapter_is_the_network_it_claims_to_be():
    rows, labels = enrolled()
    adapters = tune(replace(RECIPES["v2"], steps=2), rows, labels, [0, 1], "cpu")
    layers = []
    for number, (weight, bias) in enumerate(adapters.weights):
        linear = torch.nn.Linear(*weight.shape[1:])
        linear.load_state_dict({"weight": weight[1].T, "bias": bias[1, 0]})
        layers += [linear] + [torch.nn.InstanceNorm1d(weight.shape[2]), torch.nn.ReLU()] * (
            number < 3
        )
    assert [linear.out_features for linear in layers[::3]] == [512, 256, 256, 8]
    with torch.no_grad():
        expected = torch.nn.Sequential(*layers)(standardised(rows))
        assert torch.allclose(adapters.embed(standardised(rows))[1], expected, atol=1e-4)


@pytest.mark.parametrize("name", RECIPES)
def test_tuning_learns_the_enrolled_clips(name):
    rows, labels = enrolled()
    recipe = replace(RECIPES[name], steps=200, learning_rate=0.005)
    scores = tune(recipe, rows, labels, [0], "cpu").scores(rows)[0]
    assert scores.shape == (len(rows), 4)
    assert (scores.argmax(axis=1) == labels).all()
    assert (scores.sum(axis=1) <= 1 + 1e-5).all()


def test_only_the_length_of_an_embedding_is_forgotten():
    rows, labels = enrolled()
    adapters = tune(RECIPES["v2"], rows, labels, [0], "cpu")
    assert np.allclose(adapters.scores(rows), adapters.scores(rows / 50), atol=1e-5)


def test_synthetic_unknowns_lie_between_two_speakers():
    x = torch.tensor([[3.0, 0.0, 0.0, 0.0]]), torch.tensor([[0.0, 3.0, 0.0, 0.0]])
    found = interpolated(*x, torch.tensor([[0.5]]))
    assert torch.allclose(found, torch.tensor([[1.0, 1.0, 0.0, 0.0]]) * np.sqrt(2), atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"objective": "v3"}, "choose one of softmax"),
        ({"logit_norm": "half"}, "choose one of true"),
        ({"steps": 0}, "steps=0"),
        ({"temperature": -1}, "must be above 0"),
        ({"anchors": -1}, "must be at least 0"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(settings, message):
    with pytest.raises(RunError, match=message):
        Recipe(**settings)


def test_bad_enrolment_is_refused():
    rows, labels = enrolled()
    recipe = RECIPES["softmax"]
    for bad_rows, bad_labels in (
        (rows, labels + 1),
        (rows[:3], labels[:3]),
        (rows, labels[1:]),
        (np.where(labels[:, None] == 1, np.nan, rows), labels),
    ):
        with pytest.raises(DataError):
            tune(recipe, bad_rows, bad_labels, [0], "cpu")
    with pytest.raises(RunError, match="no seed"):
        tune(recipe, rows, labels, [], "cpu")
    with pytest.raises(RunError, match="run 0 is not finite"):
        tune(replace(recipe, learning_rate=1e30, steps=30), rows, labels, [0], "cpu")


# --- fusion --------------------------------------------------------------------------------------


def test_eigenvalue_variance_is_the_mean_squared_cosine_to_the_others():
    points = np.random.default_rng(0).normal(size=(3, 6, 4))
    rows = points / np.linalg.norm(points, axis=-1, keepdims=True)
    for run, found in zip(rows, eigenvalue_variance(points), strict=True):
        pairs = [run[i] @ run[j] for i in range(6) for j in range(6) if i != j]
        assert found == pytest.approx(sum(c**2 for c in pairs) / 6)
    assert eigenvalue_variance(np.eye(4)) == pytest.approx(0)


def fused(crowded):
    """Three runs at right angles, of which one is crowded."""
    points = torch.eye(5).repeat(3, 1, 1)
    points[crowded, 1] = points[crowded, 0]
    adapters = Adapters(Recipe(anchors=1), 5, 4, range(3)).requires_grad_(False)
    for head in adapters.heads:
        head.copy_(points)
    return adapters


def test_the_runs_with_the_largest_variance_are_dropped():
    assert selected(fused(1)).tolist() == [0, 2]
    assert selected(fused(0)).tolist() == [1, 2]
    assert selected(fused(0), share=1).tolist() == [0, 1, 2]
    assert len(selected(fused(0), share=0.01)) == 1
    for share in (0, 1.1):
        with pytest.raises(RunError, match="share"):
            selected(fused(0), share)


def test_the_variance_of_extra_points_does_not_count():
    adapters = fused(2)
    adapters.points[0, 4] = adapters.anchors[0, 4] = adapters.points[0, 0]
    assert selected(adapters).tolist() == [0, 1]


# --- protocol ------------------------------------------------------------------------------------


def test_no_clip_of_an_enrolled_video_is_judged(tiny_corpus):
    draw = deal(tiny_corpus, seed=0, known=4)
    assert len(draw.judged) == 2
    for judged in draw.judged.values():
        assert not set(judged.clips.video) & set(draw.enrolment.video)
        assert not set(judged.clips.key) & set(draw.enrolment.key)
        known = judged.target != UNKNOWN
        assert len(np.unique(judged.clips.labels[known])) == 4
        assert len(np.unique(judged.clips.labels[~known])) == 2
        clips = np.unique(judged.clips.video, return_counts=True)[1]
        assert clips.max() <= CLIPS_OF_A_VIDEO


def test_numbers_of_known_speakers_agree(tiny_corpus):
    """The target of a judged clip is the label that its speaker's enrolled clips have."""
    draw = deal(tiny_corpus, seed=1, known=4)
    number = dict(
        zip(tiny_corpus.train.key.tolist(), tiny_corpus.train.labels.tolist(), strict=True)
    )
    enrolled = {
        (number[k], t) for k, t in zip(draw.enrolment.key, draw.enrolment.labels, strict=True)
    }
    assert len(enrolled) == 4
    for judged in draw.judged.values():
        known = judged.target != UNKNOWN
        pairs = zip(judged.clips.labels[known], judged.target[known], strict=True)
        assert set(pairs) == enrolled


def test_few_shots_are_among_the_more(tiny_corpus):
    draw = deal(tiny_corpus, seed=0, known=4)
    keys = [set(draw.enrolled(shots).key) for shots in (1, 3, 5, 100)]
    assert len(keys[0]) == 4
    assert keys[0] < keys[1] < keys[2] < keys[3] == set(draw.enrolment.key)
    assert np.bincount(draw.enrolled(3).labels).tolist() == [3] * 4
    with pytest.raises(DataError, match="at least 1"):
        draw.enrolled(0)


def test_draws_are_seeded(tiny_corpus):
    first, again, other = (deal(tiny_corpus, seed, known=4) for seed in (0, 0, 1))
    assert np.array_equal(first.rank, again.rank)
    for language, judged in first.judged.items():
        assert np.array_equal(judged.target, again.judged[language].target)
    assert any(
        not np.array_equal(judged.clips.key, other.judged[language].clips.key)
        or not np.array_equal(judged.target, other.judged[language].target)
        for language, judged in first.judged.items()
    )


def test_too_many_or_too_few_known_speakers_are_refused(tiny_corpus):
    for known in (0, 1, tiny_corpus.speakers):
        with pytest.raises(DataError, match="at least two must be known"):
            deal(tiny_corpus, known=known)


def test_by_default_five_of_seven_speakers_are_known(tiny_corpus):
    assert deal(tiny_corpus).known.speakers == 4
