"""Eq. 16 and the centre loss against a few lines of NumPy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mraf.losses import CenterLoss, distillation_loss
from mraf.variants.objectives import SummedCenterLoss

logits = arrays(np.float64, (4, 5), elements=st.floats(-30, 30))


@given(logits, logits, st.floats(0.5, 10))
def test_distillation_is_the_scaled_divergence(teacher, student, temperature):
    def log_softmax(z):
        z = z / temperature
        z = z - z.max(axis=1, keepdims=True)
        return z - np.log(np.exp(z).sum(axis=1, keepdims=True))

    p, q = log_softmax(teacher), log_softmax(student)
    expected = temperature**2 * (np.exp(p) * (p - q)).sum(axis=1).mean()
    found = distillation_loss(torch.from_numpy(teacher), torch.from_numpy(student), temperature)
    assert found.item() == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert found.item() >= -1e-9


def test_distillation_is_zero_between_equals():
    z = torch.tensor([[1.0, -2.0, 0.5]])
    assert distillation_loss(z, z + 3, 2.0).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("kind", "divisor"), [(SummedCenterLoss, 1), (CenterLoss, 6 * 8)])
def test_center_loss_and_its_pull(kind, divisor):
    generator = torch.Generator().manual_seed(0)
    loss = kind(3, 8)
    with torch.no_grad():
        loss.centers.copy_(torch.randn(3, 8, generator=generator))
    embedding = torch.randn(6, 8, generator=generator, requires_grad=True)
    speaker = torch.tensor([0, 1, 1, 2, 0, 1])
    value = loss(embedding, speaker)
    value.backward()
    offset = embedding.detach().numpy() - loss.centers.detach().numpy()[speaker.numpy()]
    assert value.item() == pytest.approx(0.5 * (offset**2).sum() / divisor, rel=1e-5)
    np.testing.assert_allclose(embedding.grad, offset / divisor, rtol=1e-5)
    pull = np.zeros((3, 8))
    np.add.at(pull, speaker.numpy(), -offset / divisor)
    np.testing.assert_allclose(loss.centers.grad, pull, rtol=1e-4, atol=1e-6)
