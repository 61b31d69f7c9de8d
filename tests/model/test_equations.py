"""Network and objective against the NumPy reference: forward, and gradient by differences."""

import numpy as np
import pytest
import reference
import torch

from mraf.losses import Batch
from mraf.model import reliability_weights
from mraf.training.config import Config
from mraf.training.loop import Learner
from mraf.variants.build import build
from mraf.variants.config import ModelConfig, TrainingConfig

SMALL = ModelConfig(speakers=5, tokens=3, width=16, layers=2, heads=4, dropout=0.0)


def weights(module):
    return {name: value.detach().numpy().copy() for name, value in module.state_dict().items()}


def clips(count, seed=0):
    rng = np.random.default_rng(seed)
    face, voice = rng.normal(size=(count, 512)), 250 * rng.normal(size=(count, 192))
    return face / np.linalg.norm(face, axis=1, keepdims=True), voice


@pytest.fixture
def learner():
    """A double-precision learner whose every parameter, biases and centres too, is non-trivial."""
    generator = torch.manual_seed(1)
    learner = Learner(Config(SMALL)).double()
    with torch.no_grad():
        for parameter in learner.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return learner


@pytest.mark.parametrize("missing", ["none", "some", "all"])
def test_forward_equals_the_equations(learner, missing):
    face, voice = clips(4)
    face[{"none": [], "some": [1, 3], "all": [0, 1, 2, 3]}[missing]] = 0
    model = learner.model.eval()
    out = model(torch.from_numpy(face), torch.from_numpy(voice))
    for row in range(4):
        expected = reference.mraf(weights(model), SMALL, face[row], voice[row])
        found = {
            "T_f": out.face.tokens,
            "H_f": out.face.encoded,
            "e_f": out.face.embedding,
            "T_a": out.voice.tokens,
            "H_a": out.voice.encoded,
            "e_a": out.voice.embedding,
            "r_f": out.reliability.face[:, 0],
            "r_a": out.reliability.voice[:, 0],
            "w_f": out.weight.face[:, 0],
            "w_a": out.weight.voice[:, 0],
            "A_f": out.attention.face,
            "A_a": out.attention.voice,
            "C_f": out.context.face,
            "C_a": out.context.voice,
            "e_c": out.fused_embedding,
            "z_f": out.logits.face,
            "z_a": out.logits.voice,
            "z_c": out.logits.fused,
        }
        assert found.keys() == expected.keys()
        for name, value in found.items():
            # the scorer works in float32, also under double precision
            np.testing.assert_allclose(
                value[row].detach(), expected[name], rtol=1e-5, atol=1e-6, err_msg=name
            )


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_objective_and_its_gradient_equal_finite_differences(learner, reduction):
    training = TrainingConfig(center_reduction=reduction, kd_weight=0.7, face_weight=0.5)
    learner = Learner(Config(SMALL, training)).double()
    face, voice = clips(4)
    speaker, audio_only = np.array([0, 3, 3, 4]), np.array([False, True, False, True])
    arrays = (face, voice, speaker, audio_only[:, None], speaker)
    batch = Batch(*(torch.from_numpy(x) for x in arrays))
    learner.train()  # dropout is 0
    losses = learner(batch)
    losses.loss.backward()

    rows = list(zip(face, voice, speaker, audio_only, strict=True))
    before = weights(learner.model)
    teachers = [reference.mraf(before, SMALL, f, v)["z_c"] for f, v, _, _ in rows]
    centers = learner.objective.center.centers.detach().numpy()

    def objective(parameters, centers):
        return reference.objective(parameters, centers, SMALL, training, rows, teachers)

    assert losses.loss.item() == pytest.approx(objective(before, centers), rel=1e-5)

    rng = np.random.default_rng(0)
    step = 1e-6  # small: a ReLU that changes sides within it spoils the difference
    moving = [*learner.model.named_parameters(), ("centers", learner.objective.center.centers)]
    for name, parameter in moving:
        direction = rng.normal(size=parameter.shape)
        direction /= np.linalg.norm(direction)
        values = []
        for sign in (1, -1):
            moved, moved_centers = dict(before), centers
            if name == "centers":
                moved_centers = centers + sign * step * direction
            else:
                moved[name] = before[name] + sign * step * direction
            values.append(objective(moved, moved_centers))
        expected = (values[0] - values[1]) / (2 * step)
        found = (parameter.grad.numpy() * direction).sum()
        assert found == pytest.approx(expected, rel=2e-3, abs=2e-6), name


def test_reliability_weights_sum_to_one_but_for_epsilon():
    face = torch.tensor([[0.9], [0.0], [1e-9]])
    voice = torch.tensor([[0.3], [0.5], [1e-9]])
    weight = reliability_weights(face, voice, epsilon=1e-6)
    expected = 1 - 1e-6 / (face + voice + 1e-6)
    torch.testing.assert_close(weight.face + weight.voice, expected)
    assert weight.face[1].item() == 0
    assert weight.voice[1].item() == pytest.approx(1, abs=1e-5)
    assert torch.isfinite(weight.face).all()


@pytest.mark.parametrize("setting", ["width=15", "heads=3", "tokens=0", "dropout=1.0"])
def test_a_network_that_cannot_be_built_says_why(setting):
    from mraf.errors import RunError
    from mraf.training.config import configure, parse_overrides

    with pytest.raises(RunError, match=setting.split("=")[0]):
        build(configure("paper", 5, parse_overrides([setting])).model)
