"""The forward pass can be exported: no branch on the data, with and without a face alike."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mraf.variants.build import build
from mraf.variants.config import ModelConfig

VARIANTS = {
    "the paper": {},
    "face judged": {"missing_reliability": "learned"},
    "regressed face": {"missing_face": "voice_completion", "missing_reliability": "learned"},
    "class means": {"shortcut": "raw"},
    "lstm": {"fusion": "lstm"},
}


class LogitsOf(nn.Module):
    """z_f, z_a and z_c as a plain tuple."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, face: Tensor, voice: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.model(face, voice).logits)


def network(**switches: object) -> LogitsOf:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build(ModelConfig(5, tokens=3, width=16, heads=4, **switches)).eval()
    for name, buffer in model.named_buffers():
        if name.endswith("fitted"):
            buffer.fill_(True)
    return LogitsOf(model).eval()


def clips(seed: int, missing: slice) -> tuple[Tensor, Tensor]:
    """Six clips with faces of length 1, as FaceNet gives them; those in ``missing`` have none."""
    generator = torch.Generator().manual_seed(seed)
    face, voice = (torch.randn(6, dim, generator=generator) for dim in (512, 192))
    face = nn.functional.normalize(face, dim=-1)
    face[missing] = 0
    return face, 200 * voice


FACES = {"all faces": slice(0, 0), "some": slice(0, 6, 2), "none": slice(0, 6)}


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_exported_program_answers_as_the_network(variant: str) -> None:
    model = network(**VARIANTS[variant])
    batch = torch.export.Dim("batch", min=2)
    with torch.no_grad():
        program = torch.export.export(
            model, clips(0, FACES["some"]), dynamic_shapes=({0: batch}, {0: batch})
        ).module()
        for missing in FACES.values():
            face, voice = clips(1, missing)
            for size in (4, 6):
                expected, found = (
                    model(face[:size], voice[:size]),
                    program(face[:size], voice[:size]),
                )
                torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("newer", [True, False])
def test_both_onnx_exporters_answer_as_the_network(newer: bool, tmp_path) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="needs pip install 'mraf[export]'")
    pytest.importorskip("onnxscript", reason="needs pip install 'mraf[export]'")
    model, file = network(), tmp_path / "model.onnx"
    batch = torch.export.Dim("batch", min=2)
    shapes = (
        {"dynamic_shapes": ({0: batch}, {0: batch})}
        if newer
        else {"dynamic_axes": {"face": {0: "batch"}, "voice": {0: "batch"}}}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older exporter is deprecated; people still use it
        torch.onnx.export(
            model,
            clips(0, FACES["some"]),
            file,
            dynamo=newer,
            verbose=False,
            input_names=["face", "voice"],
            **shapes,
        )
    session = runtime.InferenceSession(file)
    for missing in FACES.values():
        face, voice = clips(1, missing)
        found = session.run(None, {"face": face.numpy(), "voice": voice.numpy()})
        with torch.no_grad():
            expected = model(face, voice)
        for ours, theirs in zip(expected, found, strict=True):
            np.testing.assert_allclose(theirs, ours, rtol=1e-4, atol=1e-5)
