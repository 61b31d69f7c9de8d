"""The inert token: what m_f can and cannot change."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mraf.errors import RunError
from mraf.training.step import with_and_without_face
from mraf.variants.build import build
from mraf.variants.config import ModelConfig

CONFIG = ModelConfig(speakers=5, tokens=3, width=16, heads=4, dropout=0.0)


def network(**changes):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build(replace(CONFIG, **changes)).eval()


def batch(count=6):
    generator = torch.Generator().manual_seed(0)
    face, voice = (torch.randn(count, size, generator=generator) for size in (512, 192))
    face[::2] = 0
    return face, voice


def move_token(model):
    with torch.no_grad():
        model.missing_face.token.copy_(torch.linspace(-3, 3, 512))


def test_the_fused_prediction_never_depends_on_the_missing_token():
    model, (face, voice) = network(), batch()
    before = model(face, voice)
    move_token(model)
    after = model(face, voice)
    assert torch.equal(before.logits.fused, after.logits.fused)
    assert torch.equal(before.fused_embedding, after.fused_embedding)
    changed = (before.logits.face != after.logits.face).any(dim=1)
    assert changed.tolist() == [True, False] * 3  # the face head sees it, where the face is missing


def test_no_gradient_reaches_the_token_through_the_fused_branch():
    model, (face, voice) = network(), batch()
    output = model(face, voice)
    (through_fused,) = torch.autograd.grad(
        output.logits.fused.square().sum(), model.missing_face.token, retain_graph=True
    )
    (through_face,) = torch.autograd.grad(
        output.logits.face.square().sum(), model.missing_face.token
    )
    assert torch.equal(through_fused, torch.zeros(512))
    assert through_face.abs().max() > 0


def test_with_learned_reliability_the_token_is_alive():
    model, (face, voice) = network(missing_reliability="learned"), batch()
    before = model(face, voice).logits.fused
    (gradient,) = torch.autograd.grad(before.square().sum(), model.missing_face.token)
    assert gradient.abs().max() > 0
    move_token(model)
    changed = (before != model(face, voice).logits.fused).any(dim=1)
    assert changed.tolist() == [True, False] * 3


def test_a_missing_face_is_a_known_absence_whatever_fills_it():
    """Zero filling with r_f = 0 and the learnable token give the same fused logits."""
    token, zero = network(), network(missing_face="zero")
    weights = {k: v for k, v in token.state_dict().items() if not k.startswith("missing_face")}
    zero.load_state_dict(weights)
    face, voice = batch()
    assert torch.equal(token(face, voice).logits.fused, zero(face, voice).logits.fused)


def test_without_a_face_the_voice_context_is_a_constant_plus_the_voice():
    """Keys and values of zero tokens are biases, so C_a is the same vector for every clip."""
    model, (_, voice) = network(), batch()
    out = model(torch.zeros(6, 512), voice)
    attention = model.fusion.voice_to_face
    constant = attention.output(attention.value.bias)
    expected = model.fusion.voice_norm(out.weighted.voice + constant)
    torch.testing.assert_close(out.context.voice, expected)
    torch.testing.assert_close(out.attention.voice, torch.full_like(out.attention.voice, 1 / 3))


def test_the_shared_encoding_of_the_token_equals_the_full_forward_pass():
    model, (_, voice) = network(), batch()
    whole = model(torch.zeros(6, 512), voice)
    both = with_and_without_face(model, torch.randn(6, 512), voice).logits
    torch.testing.assert_close(whole.logits.fused, both.fused[6:])
    torch.testing.assert_close(whole.logits.face, both.face[6:])


@pytest.mark.parametrize("fusion", ["cross_attention", "lstm", "gated", "linear"])
@pytest.mark.parametrize("missing_face", ["token", "zero", "voice_completion", "memory_bank"])
def test_every_switch_gives_clips_their_own_scores(fusion, missing_face):
    """A clip's logits do not depend on the clips beside it in the batch."""
    model = network(fusion=fusion, missing_face=missing_face, missing_reliability="learned")
    face, voice = batch()
    if missing_face in {"voice_completion", "memory_bank"}:
        with pytest.raises(RunError, match="fit"):
            model(face, voice)
        model.missing_face.fit(torch.randn(40, 512), torch.randn(40, 192), torch.Generator())
    whole = model(face, voice).logits.fused
    alone = torch.cat([model(face[i : i + 1], voice[i : i + 1]).logits.fused for i in range(6)])
    torch.testing.assert_close(whole, alone, rtol=1e-4, atol=1e-5)
    assert torch.isfinite(whole).all()


def test_voice_completion_is_ridge_regression():
    model = network(missing_face="voice_completion")
    generator = torch.Generator().manual_seed(0)
    voice = torch.randn(300, 192, generator=generator)
    face = voice @ torch.randn(192, 512, generator=generator) + 1
    model.missing_face.fit(face, voice, generator)
    x, y = (v.numpy() - v.numpy().mean(0) for v in (voice, face))
    expected = np.linalg.solve(x.T @ x / 300 + np.eye(192), x.T @ y / 300)
    np.testing.assert_allclose(model.missing_face.weight, expected, rtol=1e-3, atol=1e-4)


def test_the_memory_bank_returns_the_face_of_the_voice_it_knows():
    model = network(missing_face="memory_bank")
    generator = torch.Generator().manual_seed(0)
    voice, face = (torch.randn(50, size, generator=generator) for size in (192, 512))
    model.missing_face.fit(face, voice, generator)
    recalled = model.missing_face(voice)
    assert F.cosine_similarity(recalled, face).min() > 0.95
