"""What each switch beyond the paper changes, against a few lines of NumPy."""

from dataclasses import replace

import numpy as np
import pytest
import reference
import torch
from scipy.special import erf

from mraf.errors import RunError
from mraf.losses import Batch
from mraf.training.config import Config
from mraf.training.loop import Learner
from mraf.training.step import with_and_without_face
from mraf.variants.build import build
from mraf.variants.config import ModelConfig, TrainingConfig

SMALL = ModelConfig(speakers=5, tokens=3, width=16, heads=4, dropout=0.0)
CLIPS = 6


def clips(missing=()):
    rng = np.random.default_rng(0)
    face = rng.normal(size=(CLIPS, 512)).astype(np.float32)
    face[list(missing)] = 0
    return torch.from_numpy(face), torch.from_numpy(rng.normal(size=(CLIPS, 192)).astype("f4"))


def network(**switches):
    torch.manual_seed(0)
    return build(replace(SMALL, **switches)).eval()


def array(tensor):
    return tensor.detach().numpy()


def test_uniform_reliability_weighs_both_halves_and_wakes_the_token():
    model = network(reliability="uniform")
    out = model(*clips(missing=[0, 1]))
    assert (array(out.weight.face) == 0.5).all()
    assert (array(out.weight.voice) == 0.5).all()
    before = out.logits.fused
    with torch.no_grad():
        model.missing_face.token.add_(1)
    after = model(*clips(missing=[0, 1])).logits.fused
    assert not torch.allclose(before[:2], after[:2])
    torch.testing.assert_close(before[2:], after[2:])


def test_weighted_heads_read_weighted_embeddings():
    model = network(weighted_heads=True)
    out = model(*clips(missing=[0]))
    for name in ("face", "voice"):
        e, w = array(getattr(out, name).embedding), array(getattr(out.weight, name))
        expected = reference.linear(
            {k: array(v) for k, v in model.state_dict().items()}, f"{name}_head", w * e
        )
        np.testing.assert_allclose(array(getattr(out.logits, name)), expected, atol=1e-6)
    np.testing.assert_allclose(array(out.logits.face[0]), array(model.face_head.bias), atol=1e-7)


def test_tokens_of_unit_length_point_where_the_others_do():
    plain, unit = (network(normalise_tokens=on)(*clips()).face.tokens for on in (False, True))
    expected = array(plain) / np.linalg.norm(array(plain), axis=-1, keepdims=True)
    np.testing.assert_allclose(array(unit), expected, atol=1e-6)


def test_normalised_projection_and_gelu():
    model = network(projection="normalised", activation="gelu")
    w = {name: array(value) for name, value in model.state_dict().items()}
    face, voice = clips()

    def gelu(x):
        return x * (1 + erf(x / np.sqrt(2))) / 2

    x = array(face) / np.linalg.norm(array(face), axis=1, keepdims=True) * np.sqrt(512)
    projected = reference.linear(w, "face_encoder.projection", x)
    tokens = gelu(reference.layer_norm(w, "face_encoder.after_projection.0", projected))
    out = model(face, voice)
    np.testing.assert_allclose(
        array(out.face.tokens), tokens.reshape(CLIPS, 3, 16), rtol=1e-4, atol=1e-5
    )
    layer, hidden = model.face_encoder.layers[0], np.float32([[-1.0, 0.0, 2.0]])
    np.testing.assert_allclose(
        array(layer.feed_forward[1](torch.from_numpy(hidden))), gelu(hidden), atol=1e-6
    )


def test_faces_that_are_there_are_scaled():
    scaled, whole = (network(face_scale=scale)(*clips(missing=[2])) for scale in (0.5, 1.0))
    bias = array(network().face_encoder.projection.bias).reshape(3, 16)
    there = [0, 1, 3, 4, 5]
    np.testing.assert_allclose(
        array(scaled.face.tokens)[there] - bias,
        0.5 * (array(whole.face.tokens)[there] - bias),
        atol=1e-5,
    )
    torch.testing.assert_close(scaled.face.tokens[2], whole.face.tokens[2])


def losses_of(training, model=SMALL):
    torch.manual_seed(0)
    speaker = torch.tensor([0, 0, 0, 1, 2, 4])
    learner = Learner(Config(model, training), speaker.bincount(minlength=5)).eval()
    face, voice = clips()
    batch = Batch(face, voice, speaker, torch.tensor([[False], [True]] * 3), speaker)
    out = with_and_without_face(learner.model, face, voice)
    return learner, batch, out, learner(batch)


def test_smoothed_and_weighted_cross_entropy():
    training = TrainingConfig(label_smoothing=0.1, class_weights=True)
    _, batch, out, losses = losses_of(training)
    y = batch.speaker.numpy()
    z = array(out.logits.voice[:CLIPS]).astype(float)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    # speaker 3 has no clip: its weight is that of a speaker with one
    weight = np.sqrt(6 / (5 * np.maximum(np.bincount(y, minlength=5), 1)))
    smooth = 0.1 / 5 * (log_p * weight).sum(axis=1) + 0.9 * weight[y] * log_p[np.arange(CLIPS), y]
    assert losses.ce_voice.item() == pytest.approx(-smooth.sum() / weight[y].sum(), rel=1e-5)


def test_class_weights_need_the_clips_of_each_speaker():
    with pytest.raises(RunError, match="class_weights=true"):
        Learner(Config(SMALL, TrainingConfig(class_weights=True)))


def test_the_reliability_floor_costs_faces_that_are_there():
    _, _, out, with_floor = losses_of(TrainingConfig(reliability_floor_weight=3.0))
    _, _, _, without = losses_of(TrainingConfig())
    r_f = array(out.reliability.face[:CLIPS])
    cost = 3 * (np.maximum(0, 0.7 - r_f) ** 2).mean()
    assert cost > 0
    assert (with_floor.loss - without.loss).item() == pytest.approx(cost, rel=1e-4)


def test_frozen_centres_pull_but_do_not_move():
    learner, batch, out, losses = losses_of(TrainingConfig(centers="frozen", center_weight=1.0))
    centers = array(learner.objective.center.centers)
    assert np.abs(centers).max() > 0
    assert not any("center" in name for name, _ in learner.named_parameters())
    assert "objective.center.centers" in learner.state_dict()  # resuming needs them
    complete, alone = np.split(array(out.fused_embedding), 2)
    e_c = np.where(batch.audio_only.numpy(), alone, complete)
    pull = e_c - centers[batch.speaker.numpy()]
    assert losses.center.item() == pytest.approx((pull**2).mean() / 2, rel=1e-5)
    losses.loss.backward()
    assert learner.model.face_head.weight.grad is not None
