"""The checkers of notebook 02 tell the typical mistakes apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from verdicts import judged

from mraf_lessons.missing_token import checks as check


def in_place(face, token):
    face[~face.any(dim=1)] = token
    return face


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda f, m: torch.where(f.any(1, keepdim=True), f, m), None),
        (lambda f, m: torch.where((f != 0).any(1)[:, None], f, m).detach(), None),
        (lambda f, m: torch.where(f == 0, m, f), "single zeros"),
        (lambda f, m: torch.where(f.sum(1, keepdim=True) == 0, m, f), "add up to zero"),
        (lambda f, m: torch.where(f.all(1, keepdim=True), f, m), "not `all`"),
        (lambda f, m: f, "Nothing was replaced"),
        (in_place, "changed the faces"),
    ],
)
def test_replace_missing(answer, message):
    judged(check.replace_missing(answer), message)
    assert check.replace_missing(lambda *_: ...).right is None


def divided(face, voice):
    return face / (face + voice + 1e-6), voice / (face + voice + 1e-6)


def rounded_otherwise(face, voice, missing):
    face = face.masked_fill(missing, 0)
    total = 1e-6 + face + voice
    return face / total, voice / total


def in_float64(face, voice, missing):
    return divided(face.double().masked_fill(missing, 0), voice.double())


def in_numpy(face, voice, missing):
    face, voice = (np.asarray(r, dtype=float) for r in (face, voice))
    return divided(np.where(missing, 0, face), voice)


def without_epsilon(face, voice, missing):
    face = face.masked_fill(missing, 0)
    return face / (face + voice), voice / (face + voice)


def soft(face, voice):
    return torch.softmax(torch.cat([face, voice], dim=1), dim=1).split(1, dim=1)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda f, a, m: divided(f.masked_fill(m, 0), a), None),
        (rounded_otherwise, None),
        (in_float64, None),
        (in_numpy, None),
        (without_epsilon, "ε of Eq. 11 is missing"),
        (lambda f, a, m: (divided(f, a)[0] * ~m, divided(f, a)[1]), "masked after dividing"),
        (lambda f, a, m: divided(f, a), "still weighed"),
        (lambda f, a, m: divided(f.masked_fill(~m, 0), a), "faces that are there"),
        (lambda f, a, m: divided(f.masked_fill(m, 0), a)[::-1], "return w_f first"),
        (lambda f, a, m: soft(f, a), "softmax"),
        (lambda f, a, m: soft(f.masked_fill(m, 0), a), "e⁰"),
        (lambda f, a, m: f, "Return the pair"),
        (lambda f, a, m: [x[:, 0] for x in divided(f.masked_fill(m, 0), a)], "Return the pair"),
    ],
)
def test_weights(answer, message):
    judged(check.weights(answer), message)
    assert check.weights(lambda *_: ...).right is None


FIRST, SECOND = np.array([0.80, 0.85, 0.79]), np.array([0.78, 0.80, 0.79])
DELTA = FIRST - SECOND
ERROR = DELTA.std(ddof=1) / np.sqrt(3)
T = stats.t.ppf(0.975, 2)


@pytest.mark.parametrize(
    ("half", "message"),
    [
        (T * ERROR, None),
        (1.96 * ERROR, "many seeds"),
        (T * DELTA.std() / np.sqrt(3), "ddof"),
        (T * DELTA.std(ddof=1), "next seed"),
        (T * np.sqrt((FIRST.var(ddof=1) + SECOND.var(ddof=1)) / 3), "pairing"),
    ],
)
def test_seed_interval(half, message):
    interval = (DELTA.mean() - half, DELTA.mean() + half)
    judged(check.seed_interval(interval, FIRST, SECOND), message)


def test_no_interval_is_no_answer():
    assert check.seed_interval(..., FIRST, SECOND).right is None


def by_moving(head="fused", restore=True):
    def answer(model, face, voice):
        token = model.missing_face.token
        with torch.no_grad():
            before, kept = getattr(model(face, voice).logits, head), token.clone()
            token += 1
            after = getattr(model(face, voice).logits, head)
            if restore:
                token.copy_(kept)
        return not torch.equal(before, after)

    return answer


def by_gradient(model, face, voice):
    loss = model(face, voice).logits.fused.square().sum()
    return torch.autograd.grad(loss, model.missing_face.token)[0].any()


def by_setting(model, face, voice):
    return model.config.missing_reliability == "learned"


def by_weight(model, face, voice):
    return model(face, voice).weight.face.any()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (by_moving(), None),
        (by_gradient, None),
        (by_setting, "did you look at r_f or at the configuration"),
        (lambda *a: a[0](*a[1:]).reliability.face.any(), "did you look at r_f"),
        (by_weight, None),
        (by_moving("face"), "face head's logits"),
        (by_moving(restore=False), "left changed"),
        (lambda *_: False, "also where r_f is learned"),
        (lambda *a: not by_gradient(*a), "other way round"),
        (lambda *_: torch.zeros(4), "not one for each clip"),
    ],
)
def test_depends_on_token(answer, message):
    judged(check.depends_on_token(answer), message)
    assert check.depends_on_token(lambda *_: ...).right is None
