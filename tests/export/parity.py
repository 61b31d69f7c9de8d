"""What PyTorch answers, to compare an exported module with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch

from mraf.data.clips import Corpus
from mraf.export.export import flat
from mraf.training.config import configure
from mraf.training.runs import Run
from mraf.variants.build import build


def run_of(twin: Corpus, corpus: str = "twin", **settings: Any) -> Run:
    """A run that is not trained, with weights as large as trained ones."""
    config = configure("quick", twin.speakers, settings)
    model = build(config.model).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1.5)
    features = {"corpus": corpus, "preset": "quick", "features": twin.train.fingerprint}
    return Run(config, model, pd.DataFrame(), features)


def clips_with_and_without_faces(twin: Corpus) -> tuple[np.ndarray, np.ndarray]:
    clips = twin.cross[np.arange(0, 600, 100)]
    face = np.where((np.arange(6) % 2 == 0)[:, None], clips.face, 0).astype(np.float32)
    return face, clips.voice


def rounded(run: Run, face: np.ndarray, voice: np.ndarray) -> dict[str, np.ndarray]:
    """Every tensor of PyTorch's output, with weights rounded to float16, by name."""
    model = build(run.config.model)
    weights = {name: value.half().float() for name, value in run.model.state_dict().items()}
    model.load_state_dict(weights, strict=False)  # zero filling has no token
    with torch.no_grad():
        output = model.eval()(torch.from_numpy(face), torch.from_numpy(voice))
    return {name: value.numpy() for name, value in flat(output).items()}


def assert_same(found: list[dict[str, Any]], expected: dict[str, np.ndarray]) -> float:
    """All of Output within 1e-4 for each clip; returns the largest deviation."""
    worst = 0.0
    for row, output in enumerate(found):
        for name, values in expected.items():
            value: Any = output
            for part in name.split("."):
                value = value[part]
            shown = np.asarray(value, np.float64).reshape(values[row].shape)
            worst = max(worst, float(np.abs(shown - values[row]).max()))
            np.testing.assert_allclose(shown, values[row], rtol=0, atol=1e-4, err_msg=name)
    return worst
