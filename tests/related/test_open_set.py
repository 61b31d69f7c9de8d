"""Losses against independent NumPy, the ensemble against single runs, the protocol, the fusion."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mraf.errors import DataError, RunError
from mraf_related.metrics import curve, eer
from mraf_related.open_set import losses
from mraf_related.open_set.adapters import (
    Adapters,
    Recipe,
    eigenvalue_variance,
    selected,
    standardised,
    tune,
)
from mraf_related.open_set.protocol import (
    CLIPS_OF_A_VIDEO,
    UNKNOWN,
    OpenSetClips,
    deal,
)

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


def test_v1(batch):
    def of_clip(x, y, points, anchors, radius):
        loss = softmax_loss([-(x @ p) for p in points], [y])
        loss += softmax_loss([x @ c for c in anchors], [y])
        pull = ((x - anchors[y]) ** 2).mean()
        return loss + 5 * bound(((x - points[y]) ** 2).mean(), radius) + 2.5 * pull

    found = losses.rpl_v1(*tensors(*batch))
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
    parts = zip(adapters.layers[::2], adapters.layers[1::2], strict=True)
    for number, (weight, bias) in enumerate(parts):
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


def test_unknown_speakers_are_classes_that_nobody_is_named_by():
    rows, labels = enrolled(speakers=6)
    recipe = replace(RECIPES["v2"], steps=200, learning_rate=0.005)
    adapters = tune(recipe, rows, labels, [0], "cpu", targets=4)
    found = adapters.scores(rows)[0]
    assert found.shape == adapters.scores(rows, raw=True)[0].shape == (len(rows), 4)
    assert adapters.points.shape[1] == 6 + recipe.anchors
    assert found[labels >= 4].max(axis=1).max() < found[labels < 4].max(axis=1).min()
    x = adapters.embed(standardised(rows))[0].numpy()
    np.testing.assert_allclose(
        adapters.scores(rows, raw=True)[0], -x @ adapters.points[0, :4].numpy().T, atol=1e-4
    )


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


def fused(crowded, seeds=3):
    """Runs of 4 targets, an unknown speaker and an anchor at right angles; one is crowded."""
    points = torch.eye(6).repeat(seeds, 1, 1)
    points[crowded, 1] = points[crowded, 0]
    adapters = Adapters(Recipe(anchors=1), 6, 5, 4, range(seeds)).requires_grad_(False)
    for head in (adapters.points, adapters.anchors):
        head.copy_(points)
    return adapters


def test_the_runs_with_the_largest_variance_are_dropped():
    assert selected(fused(1)).tolist() == [0, 2]
    assert selected(fused(0)).tolist() == [1, 2]


def test_the_public_selection_drops_the_worst_third_by_either_matrix():
    """Points as they are, of targets and unknown speakers: by hand with NumPy."""
    adapters = fused(0, seeds=6)
    adapters.points[3, 4] *= 3  # the unknown speaker's, at right angles: only its length tells
    adapters.anchors[5, 2] *= 2
    drop = set()
    for head in (adapters.points, adapters.anchors):
        rows = head[:, :5].numpy()
        spread = [np.linalg.eigvalsh(one @ one.T).var() for one in rows]
        drop |= set(np.argsort(spread, kind="stable")[-2:].tolist())
    assert {0, 3, 5} <= drop
    assert selected(adapters, public=True).tolist() == sorted(set(range(6)) - drop)
    assert selected(adapters).tolist() == [1, 2, 3, 4]  # ours sees no lengths; of ties the first


def test_the_variance_of_extra_points_does_not_count():
    adapters = fused(2)
    for extra in (4, 5):
        adapters.points[0, extra] = adapters.anchors[0, extra] = adapters.points[0, 0]
    assert selected(adapters).tolist() == [0, 1]


# --- protocol ------------------------------------------------------------------------------------


def test_no_clip_of_an_enrolled_video_or_an_unknown_speaker_is_judged(tiny_corpus):
    draw = deal(tiny_corpus, seed=0)
    assert len(draw.judged) == 2
    for judged in draw.judged.values():
        assert not set(judged.clips.video) & set(draw.enrolment.video)
        assert not set(judged.clips.key) & set(draw.enrolment.key)
        known = judged.target != UNKNOWN
        assert len(np.unique(judged.clips.labels[known])) == 3
        assert len(np.unique(judged.clips.labels[~known])) == 2
        clips = np.unique(judged.clips.video, return_counts=True)[1]
        assert clips.max() <= CLIPS_OF_A_VIDEO
    label = dict(zip(tiny_corpus.train.key, tiny_corpus.train.labels, strict=True))
    unknown = {label[key] for key in draw.unknown.key}
    assert len(unknown) == 1
    assert not unknown & {speaker for own in draw.judged.values() for speaker in own.clips.labels}


def test_numbers_of_targets_agree(tiny_corpus):
    """The target of a judged clip is the label that its speaker's enrolled clips have."""
    draw = deal(tiny_corpus, seed=1)
    label = dict(zip(tiny_corpus.train.key, tiny_corpus.train.labels, strict=True))
    enrolled = {
        (label[k], t) for k, t in zip(draw.enrolment.key, draw.enrolment.labels, strict=True)
    }
    assert len(enrolled) == 3
    for judged in draw.judged.values():
        known = judged.target != UNKNOWN
        pairs = zip(judged.clips.labels[known], judged.target[known], strict=True)
        assert set(pairs) == enrolled


def test_few_shots_are_among_the_more_and_short_lists_among_the_longer(tiny_corpus):
    draw = deal(tiny_corpus, seed=0)
    keys = [set(draw.enrolled(shots).key) for shots in (1, 3, 5, 100)]
    assert len(keys[0]) == 3
    assert keys[0] < keys[1] < keys[2] < keys[3] == set(draw.enrolment.key)
    assert np.bincount(draw.enrolled(3).labels).tolist() == [3] * 3
    assert set(draw.enrolled(3, targets=2).key) < keys[1]
    for judged in draw.judged.values():
        short = judged.listed(2)
        assert set(short.target) == {UNKNOWN, 0, 1}
        assert (short.target == UNKNOWN).sum() == (judged.target == UNKNOWN).sum()
    with pytest.raises(DataError, match="at least 1"):
        draw.enrolled(0)


def test_the_pooled_trials_are_every_clip_with_every_target():
    """Two clips of three targets and one of a stranger, by a loop."""
    clips = OpenSetClips(SimpleNamespace(labels=np.array([7, 8, 9])), np.array([1, 0, UNKNOWN]))
    scores = np.array([[0.2, 0.9, 0.1], [0.4, 0.6, 0.3], [0.5, 0.1, 0.2]])
    trials = clips.pooled(scores)
    expected = [(scores[i, k], clips.target[i] == k, 7 + i) for i in range(3) for k in range(3)]
    assert list(zip(trials.score, trials.accept, trials.unit, strict=True)) == expected
    # of two to accept, 0.9 and 0.4, and seven to reject, of which 0.6 and 0.5 are above 0.4
    assert eer(curve(trials)) == pytest.approx(2 / 7, abs=0.1)


def test_draws_are_seeded(tiny_corpus):
    first, again, other = (deal(tiny_corpus, seed) for seed in (0, 0, 1))
    assert np.array_equal(first.rank, again.rank)
    for language, judged in first.judged.items():
        assert np.array_equal(judged.target, again.judged[language].target)
    assert any(
        not np.array_equal(judged.clips.key, other.judged[language].clips.key)
        or not np.array_equal(judged.target, other.judged[language].target)
        for language, judged in first.judged.items()
    )


def test_too_many_or_too_few_targets_are_refused(tiny_corpus):
    for known in (0, 1, tiny_corpus.speakers - 1):
        with pytest.raises(DataError, match="at least two targets"):
            deal(tiny_corpus, known=known)
