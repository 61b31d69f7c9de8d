"""The checkers of notebook 03 tell the typical mistakes apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from verdicts import hint, judged

from mraf.data.clips import unit
from mraf.evaluation.predict import forward
from mraf.model import MRAF
from mraf.variants.build import build
from mraf.variants.config import ModelConfig
from mraf_lessons.reliability import checks as check


def shrunk(face, amount, *, mean=None, keep=True, missing=True, normalise=True, swap=False):
    there = face.any(axis=1, keepdims=True)
    mean = unit(unit(face[there[:, 0]]).mean(axis=0)[None]) if mean is None else mean(face)
    own, other = (amount, 1 - amount) if swap else (1 - amount, amount)
    mixed = own * unit(face) + other * mean
    mixed = unit(mixed) if normalise else mixed
    length = np.linalg.norm(face, axis=1, keepdims=True)
    mixed = mixed * (length if keep else there)
    return mixed if missing else np.where(there, mixed, mean)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, None),
        ({"keep": False}, "lengths are gone"),
        ({"missing": False}, "become the mean face"),
        ({"mean": lambda face: unit(face).mean(axis=0)}, "averaged the zeros"),
        ({"swap": True}, "wrong way round"),
    ],
)
def test_shrink(options, message, tiny_corpus):
    judged(check.shrink(lambda f, a: shrunk(f, a, **options), tiny_corpus.train), message)
    assert check.shrink(lambda *_: ..., tiny_corpus.train).right is None


def pairs(clean, worse, tie):
    return np.mean(clean[:, None] > worse) + tie * np.mean(clean[:, None] == worse)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda c, w: pairs(c, w, 0.5), None),
        (lambda c, w: pairs(c, w, 0), "each is worth one half"),
        (lambda c, w: pairs(c, w, 1), "each is worth one half"),
        (lambda c, w: pairs(w, c, 0.5), "other way round"),
        (lambda c, w: np.mean((c[:4] > w) + 0.5 * (c[:4] == w)), "clip by clip"),
        (lambda c, w: np.mean(c[:4] > w), "clip by clip"),
        (lambda c, w: np.mean(c[:4] >= w), "clip by clip"),
        (lambda c, w: np.mean(c[:, None] < w), "other way round"),
        (lambda c, w: c.mean() - w.mean(), "difference of means"),
    ],
)
def test_auroc(answer, message):
    judged(check.auroc(answer), message)
    assert check.auroc(lambda *_: ...).right is None


@pytest.fixture(scope="module")
def model() -> MRAF:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build(ModelConfig(6, tokens=2, width=8, heads=2)).eval()


def logits(model, output, face, voice):
    weighted = (w[..., None] * getattr(output, m).encoded for m, w in zip(
        ("face", "voice"), (face, voice), strict=True))  # fmt: skip
    return model.fused_head(model.fusion(*weighted)[0])


def test_constant_weights(model, tiny_corpus):
    complete = forward(model, tiny_corpus.train[:5])
    missing = forward(model, tiny_corpus.train[:5].without_faces())

    def ask(answer):
        return check.constant_weights(answer, model, complete, missing)

    def right(output, weight, absent):
        face = torch.where(absent, 0.0, weight)
        return logits(model, output, face, 1 - face)

    def blind(output, weight, absent):
        face = torch.full_like(output.weight.face, weight)
        return logits(model, output, face, 1 - face)

    def half(output, weight, absent):
        return logits(model, output, torch.where(absent, 0.0, weight), output.weight.voice)

    assert ask(right)
    assert ask(lambda *_: ...).right is None
    assert "missing face got the constant weight" in hint(ask(blind))
    assert "Only the face" in hint(ask(half))
    assert "scorer's own weights" in hint(ask(lambda output, *_: output.logits.fused))
    swapped = hint(ask(lambda output, weight, absent: blind(output, 1 - weight, absent)))
    assert "swapped" in swapped
