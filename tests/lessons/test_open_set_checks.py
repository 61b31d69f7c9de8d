"""The checkers of notebook 11 tell the typical mistakes apart."""

from __future__ import annotations

import numpy as np
import pytest
from verdicts import hint, judged

from mraf_lessons.open_set import checks as check


def pairs(tie=0.5, forgiving=False, among="all"):
    def answer(known, named, unknown):
        wins = known[:, None] > unknown
        wins = wins + tie * (known[:, None] == unknown)
        counted = np.ones(len(known)) if forgiving else named
        total = (counted[:, None] * wins).mean()
        return total if among == "all" else total * len(known) / named.sum()

    return answer


def test_oscr():
    assert check.oscr(pairs())
    assert "a clip loses" in hint(check.oscr(pairs(tie=0)))
    assert "a clip wins" in hint(check.oscr(pairs(tie=1)))
    assert "AUROC" in hint(check.oscr(pairs(forgiving=True)))
    assert "lost for good" in hint(check.oscr(pairs(among="named")))
    assert check.oscr(lambda *_: ...).right is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda dot, r: np.maximum(0, -dot - r + 1), None),
        (lambda dot, r: np.maximum(0, dot - r + 1), "public code's sign"),
        (lambda dot, r: -dot - r + 1, "cut it off at 0"),
        (lambda dot, r: np.maximum(0, -dot - r), "margin of 1"),
        (lambda dot, r: np.maximum(0, r + dot + 1), "*outside*"),
    ],
)
def test_bounded(answer, message):
    verdict = check.bounded(lambda x, p, radius: answer((x * p).sum(axis=1), radius))
    judged(verdict, message)
    assert check.bounded(lambda *_: None).right is None


def test_the_floor_is_where_descent_ends():
    """Of logits of length 1, none found by a search from many starts does better."""
    rng = np.random.default_rng(0)
    f = rng.normal(size=50)
    for _ in range(400):
        f = f / np.linalg.norm(f)
        p = np.exp(f) / np.exp(f).sum()
        f = f - 5 * (p - np.eye(50)[0])
    f = f / np.linalg.norm(f)
    least = -np.log(np.exp(f[0]) / np.exp(f).sum())
    assert check.floor(least)
    assert "Nearly" in hint(check.floor(np.log1p(49 * np.exp(-1))))
    assert "without a bound" in hint(check.floor(0.0)).lower()
    assert "training starts" in hint(check.floor(np.log(50)))
    assert check.floor(...).right is None


def lowest(unknown, most):
    levels = np.append(np.unique(unknown), unknown.max() + 1)
    return levels[np.argmax([np.mean(unknown >= level) <= most for level in levels])]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lowest, None),
        (lambda u, most: np.nextafter(np.quantile(np.sort(u), 1 - most), 2), None),
        (lambda u, most: np.quantile(u, 1 - most), "come all at once"),
        (lambda u, most: np.quantile(u, most), "Turned round"),
        (lambda u, most: u.max() + 1, "stricter than need be"),
        (lambda u, most: np.inf, "stricter than need be"),
        (lambda u, most: "high", "this is a str"),
        (lambda u, most: "0.97", "this is a str"),
        (lambda u, most: -np.inf, "Turned round"),
        (lambda u, most: lowest(u, most)[None], "this is a ndarray"),
    ],
)
def test_strictest(answer, message):
    verdict = check.strictest(answer)
    judged(verdict, message)
    assert check.strictest(lambda *_: ...).right is None
