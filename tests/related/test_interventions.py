"""Interventions on cross-attention do to Eq. 13 what their names say, against plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mraf.errors import RunError
from mraf.model import MRAF, Output
from mraf.variants.build import network
from mraf.variants.config import ModelConfig
from mraf_related.interventions import (
    INTERVENTIONS,
    logits_under,
    normalised_entropy,
    removed,
    shifted,
    swapped,
    uniform,
)

B, K, D = 4, 3, 8
Array = np.ndarray


def made(**settings: object) -> MRAF:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = network(ModelConfig(5, **{"tokens": K, "width": D, "heads": 2, **settings}))
        for part in model.fusion.parameters():
            part.data.normal_()
    return model.eval()


def output(model: MRAF) -> Output:
    generator = torch.Generator().manual_seed(1)
    face, voice = (torch.randn(B, n, generator=generator) for n in (512, 192))
    with torch.inference_mode():
        found: Output = model(face * torch.tensor([[1.0], [1], [0], [1]]), voice)
    return found


def by_hand(model: MRAF, out: Output, c_f: Array, c_a: Array) -> Array:
    """z_c of contexts (B, K, d), by Eq. 14."""
    W = {name: x.detach().numpy() for name, x in model.state_dict().items()}

    def norm(x: Array, name: str) -> Array:
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return x * W[f"fusion.{name}.weight"] + W[f"fusion.{name}.bias"]

    h_f, h_a = (x.numpy() for x in out.weighted)
    both = norm(h_f + c_f, "face_norm").mean(1) + norm(h_a + c_a, "voice_norm").mean(1)
    e_c = norm(both / 2, "norm")
    return e_c @ W["fused_head.weight"].T + W["fused_head.bias"]


def contexts(model: MRAF, face: torch.Tensor, voice: torch.Tensor) -> list[Array]:
    with torch.inference_mode():
        c_f, _ = model.fusion.face_to_voice(face, voice)
        c_a, _ = model.fusion.voice_to_face(voice, face)
    return [c_f.numpy(), c_a.numpy()]


def values_by_hand(model: MRAF, name: str, memory: torch.Tensor) -> Array:
    """The answers to a query that looks at all tokens alike: W_O of the mean of all values."""
    W = {key: x.detach().numpy() for key, x in model.state_dict().items()}
    mean = memory.numpy().mean(axis=1, keepdims=True)
    for part in (f"fusion.{name}.value", f"fusion.{name}.output"):
        mean = mean @ W[f"{part}.weight"].T + W[f"{part}.bias"]
    return np.repeat(mean, K, axis=1)


def test_each_intervention_is_what_a_few_lines_of_numpy_give() -> None:
    model = made()
    out = output(model)
    h_f, h_a = out.weighted
    own = contexts(model, h_f, h_a)
    asked = contexts(model, h_f, h_a.roll(B // 2, 0))[0], contexts(model, h_f.roll(B // 2, 0), h_a)
    expected = {
        uniform: (
            values_by_hand(model, "face_to_voice", h_a),
            values_by_hand(model, "voice_to_face", h_f),
        ),
        shifted: [np.roll(c, 1, axis=1) for c in own],
        swapped: (asked[0], asked[1][1]),
        removed: [np.zeros_like(c) for c in own],
    }
    assert set(expected) == set(INTERVENTIONS.values())
    for intervention, given in expected.items():
        found = logits_under(model, out, intervention).numpy()
        np.testing.assert_allclose(found, by_hand(model, out, *given), atol=2e-4)
        assert np.abs(found - out.logits.fused.numpy()).max() > 0.01


def test_the_network_stays_as_it_is() -> None:
    model = made()
    out = output(model)
    logits_under(model, out, removed)
    assert torch.equal(output(model).logits.fused, out.logits.fused)


def test_with_one_token_there_is_nothing_to_choose() -> None:
    model = made(tokens=1)
    out = output(model)
    for same in (uniform, shifted):
        torch.testing.assert_close(logits_under(model, out, same), out.logits.fused)
    assert out.attention is not None
    assert (out.attention.face == 1).all()
    assert (normalised_entropy(out.attention.face) == 1).all()


def test_entropy_is_one_where_even_and_zero_on_a_single_token() -> None:
    maps = torch.tensor([[0.25] * 4, [0, 1.0, 0, 0], [0.5, 0.5, 0, 0]])
    torch.testing.assert_close(normalised_entropy(maps), torch.tensor([1.0, 0.0, 0.5]))


@pytest.mark.parametrize("fusion", ["linear", "mean_context"])
def test_a_network_without_attention_is_refused(fusion: str) -> None:
    model = made(fusion=fusion)
    with pytest.raises(RunError, match="has no attention; give a network"):
        logits_under(model, output(model), uniform)


@pytest.mark.parametrize("fusion", ["mean_context", "linear_context", "no_context"])
def test_other_contexts_keep_equation_14(fusion: str) -> None:
    model = made(fusion=fusion)
    out = output(model)
    h_f, h_a = (x.numpy() for x in out.weighted)
    W = {name: x.detach().numpy() for name, x in model.state_dict().items()}

    def context(name: str, memory: Array) -> Array:
        if fusion == "no_context":
            return np.zeros_like(memory)
        if fusion == "mean_context":
            return np.repeat(memory.mean(axis=1, keepdims=True), K, axis=1)
        for layer in (0, 1):
            part = f"fusion.{name}.{layer}"
            memory = memory @ W[f"{part}.weight"].T + W[f"{part}.bias"]
        return memory

    given = context("face_to_voice", h_a), context("voice_to_face", h_f)
    found = out.logits.fused.numpy()
    np.testing.assert_allclose(found, by_hand(model, out, *given), atol=2e-4)
    assert out.attention is None


def test_a_linear_context_has_as_many_weights_as_attention() -> None:
    attention, linear = (
        sum(x.numel() for x in made(width=64, fusion=fusion).fusion.parameters())
        for fusion in ("cross_attention", "linear_context")
    )
    assert linear == pytest.approx(attention, rel=0.005)
