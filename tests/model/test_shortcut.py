"""Class means beside the network: what they add, what they leave alone, and their space."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

from mraf.data.clips import unit
from mraf.errors import RunError
from mraf.evaluation.predict import forward
from mraf.training.config import RECIPES, configure
from mraf.training.loop import train
from mraf.variants.whitening import SHRINKAGE, Whitening
from mraf_related.leaderboard.run import run_system

TINY = {"width": 16, "tokens": 2, "heads": 2, "batch_size": 8, "epochs": 2, "precision": "float32"}


@pytest.fixture(scope="module")
def runs(tiny_corpus):
    """The same training without a shortcut and with both."""
    return {
        kind: train(
            configure("paper", tiny_corpus.speakers, {**TINY, "shortcut": kind}),
            tiny_corpus.train,
            progress=False,
        )
        for kind in ("none", "raw", "whitened")
    }


@pytest.mark.parametrize("kind", ["raw", "whitened"])
def test_the_network_is_trained_as_without_it(runs, kind):
    trained = runs[kind].model.network.state_dict()
    for name, value in runs["none"].model.state_dict().items():
        assert torch.equal(trained[name], value), name


@pytest.mark.parametrize("faces", [True, False])
@pytest.mark.parametrize("kind", ["raw", "whitened"])
def test_logits_are_the_networks_share_and_the_weighted_log_probabilities(
    runs, tiny_corpus, kind, faces
):
    clips = tiny_corpus.cross if faces else tiny_corpus.cross.without_faces()
    alone, out = forward(runs["none"].model, clips), forward(runs[kind].model, clips)
    past = runs[kind].model.means
    by = {}
    for number, (name, space) in enumerate((("face", past.of_faces), ("voice", past.of_voices))):
        rows = unit(getattr(clips, name)) if getattr(clips, name).any() else clips.face
        if isinstance(space, Whitening) and rows.any():
            rows = unit(rows - space.center.numpy())
            rows = unit(rows @ space.matrix.numpy()) if space.covariance else rows
        means = getattr(past, f"{name}_means").numpy()
        by[name] = log_softmax(past.sharpness[number].item() * rows @ means.T, axis=1)
    share = runs[kind].config.model.network_share
    w_f, w_a = (w.numpy() for w in out.weight)
    expected = share * alone.logits.fused.numpy() + w_f * by["face"] + w_a * by["voice"]
    np.testing.assert_allclose(out.logits.fused.numpy(), expected, atol=2e-4)
    expected = share * alone.logits.voice.numpy() + by["voice"]
    np.testing.assert_allclose(out.logits.voice.numpy(), expected, atol=2e-4)


def test_a_missing_face_leaves_the_answer_to_the_voice(runs, tiny_corpus):
    model, clips = runs["whitened"].model, tiny_corpus.cross.without_faces()
    before = forward(model, clips)
    token = model.network.missing_face.token
    kept = token.detach().clone()
    with torch.no_grad():
        token += 1
    after = forward(model, clips)
    with torch.no_grad():
        token.copy_(kept)
    assert not before.weight.face.any()
    assert torch.equal(before.logits.fused, after.logits.fused)


def test_whitening_equals_the_formula(tiny_corpus):
    clips, dim = tiny_corpus.train, tiny_corpus.train.voice.shape[1]
    space = Whitening(dim, covariance=True)
    video = np.unique(clips.video, return_inverse=True)[1]
    space.fit(*(torch.from_numpy(x) for x in (clips.voice, clips.labels, video)))
    rows, speakers = unit(clips.voice).astype(float), range(tiny_corpus.speakers)
    videos = {c: np.unique(video[clips.labels == c]) for c in speakers}

    def means(x):
        own = {(c, v): x[(clips.labels == c) & (video == v)] for c in speakers for v in videos[c]}
        of_videos = {key: part.mean(axis=0) for key, part in own.items()}
        of_speakers = {c: np.mean([of_videos[c, v] for v in videos[c]], axis=0) for c in speakers}
        return own, of_videos, of_speakers

    center = np.mean(list(means(rows)[2].values()), axis=0)
    np.testing.assert_allclose(space.center, center, atol=1e-6)
    rows = unit(rows - center)
    own, of_videos, of_speakers = means(rows)
    w = np.zeros((dim, dim))
    for key, part in own.items():
        w += np.cov(part.T, bias=True) / len(own)
        off = of_videos[key] - of_speakers[key[0]]
        w += np.outer(off, off) / (len(own) - len(speakers))
    w = (1 - SHRINKAGE) * w / (np.trace(w) / dim) + SHRINKAGE * np.eye(dim)
    matrix = space.matrix.numpy().astype(float)
    np.testing.assert_allclose(matrix @ w @ matrix, np.eye(dim), atol=1e-3)
    assert not space(torch.zeros(1, dim)).any()  # a missing face stays one


def test_transduction_works_in_the_space_of_the_shortcut(runs, tiny_corpus):
    run = runs["whitened"]
    voices = run_system(run, tiny_corpus.train).voices(tiny_corpus.cross)
    past = run.model.means
    expected = past.of_voices(torch.from_numpy(tiny_corpus.cross.voice)).numpy()
    np.testing.assert_allclose(voices.rows, expected, atol=1e-6)
    np.testing.assert_allclose(voices.means, past.voice_means.numpy(), atol=1e-6)


def test_a_run_with_a_shortcut_is_kept_and_loaded(tiny_corpus, tmp_path):
    from mraf.training.runs import Run

    config = configure("paper+best", tiny_corpus.speakers, {**TINY, "epochs": 1})
    made = train(config, tiny_corpus.train, tmp_path / "run", progress=False)
    loaded = Run.load(tmp_path / "run")
    assert loaded.config == made.config
    clips = tiny_corpus.cross
    assert torch.equal(
        forward(loaded.model, clips).logits.fused, forward(made.model, clips).logits.fused
    )


def test_a_recipe_changes_a_preset_and_an_override_the_recipe():
    best = configure("quick+best", 70)
    assert best.model.width == configure("quick", 70).model.width
    for key, value in RECIPES["best"].items():
        part = best.model if hasattr(best.model, key) else best.training
        assert getattr(part, key) == value
    assert configure("quick+best", 70, {"shortcut": "raw"}).model.shortcut == "raw"
    with pytest.raises(RunError, match=r"unknown preset 'quick\+bets'.*\+best"):
        configure("quick+bets", 70)
