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


def distance(x, p):
    return ((x - p) ** 2).mean(axis=1)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda x, p, r: np.maximum(0, distance(x, p) - r + 1), None),
        (lambda x, p, r: np.maximum(0, (x * p).sum(axis=1) - r + 1), "the older public file"),
        (lambda x, p, r: np.maximum(0, 4 * distance(x, p) - r + 1), "not divided by d"),
        (lambda x, p, r: distance(x, p) - r + 1, "cut it off at 0"),
        (lambda x, p, r: np.maximum(0, distance(x, p) - r), "margin of 1"),
        (lambda x, p, r: np.maximum(0, r - distance(x, p) + 1), "*outside*"),
        (lambda x, p, r: np.maximum(0, r - 1 - distance(x, p)), "*outside*"),
    ],
)
def test_bounded(answer, message):
    judged(check.bounded(answer), message)
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


def lowest(unknown, most, above=True):
    levels = np.append(np.unique(unknown), [unknown.max() + 1] * above)
    return levels[np.argmax([np.mean(unknown >= level) <= most for level in levels])]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lowest, None),
        (lambda u, most: lowest(u, most, above=False), "lets 100.0% in where 30%"),
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
