"""Checks of notebook 09b, how sure a network may be, and which of its heads should answer."""

import numpy as np
from scipy.special import softmax

from mraf_lessons.kit.checker import Answer, Array, Verdict, ask, judge
from mraf_related.decision.layer import FACE, FUSED, Rule, deciding_head


def cancelling_rate(answer: Answer) -> Verdict:
    """The rate of wrong faces at which mean confidence and accuracy are equal."""
    clean, hit = (0.84, 0.92), (0.71, 0.56)  # confidence and accuracy of either kind of clips
    modest, sure = clean[1] - clean[0], hit[0] - hit[1]
    right = modest / (modest + sure)
    said = {
        "There the gaps cancel, and the network is as wrong about itself as ever.": right,
        "That is the share of clips with their own faces.": 1 - right,
        "Both gaps are shares of the clips: (1 - q) of one and q of the other.": modest / sure,
        "The gaps have opposite signs: do not subtract their sizes.": modest / (modest - sure),
        "That is a gap, accuracy minus confidence; at which rate is it zero?": modest - sure,
    }
    return judge(ask(answer, clean, hit), said)


def confidence_weighted(answer: Answer) -> Verdict:
    """The mean of three heads' distributions, weighted by their confidence."""
    p = softmax(np.random.default_rng(0).normal(scale=2, size=(3, 6, 5)), axis=-1)
    sighted = np.array([True, True, True, False, False, True])
    there = np.stack([sighted, *np.ones((2, 6))])
    surest = p.max(axis=-1)
    weight = surest * there

    def mean(weight: Array) -> Array:
        return np.einsum("hn,hnc->nc", weight / weight.sum(axis=0), p)

    said = {
        "Now think of a wrong face: how sure is its head?": mean(weight),
        "The weights of a clip must sum to 1, or it is no distribution.": (
            weight[..., None] * p
        ).sum(axis=0),
        "The head of a missing face has a say in your mean.": mean(surest),
        "All heads count the same; the surer ones should count more.": mean(there),
        "You took the surest head alone; a mean is asked for.": p[weight.argmax(0), np.arange(6)],
    }
    return judge(ask(answer, p, sighted), said)


LEFT = "Mistakes are left. Four are named above: mend one after the other."


def who_decides(answer: Answer) -> Verdict:
    """The row of the head that answers (N,), for p (3, N, C), sighted (N,), τ and δ."""
    rng = np.random.default_rng(0)
    p, sighted = softmax(rng.normal(scale=2, size=(3, 200, 5)), axis=-1), rng.random(200) < 0.7
    rule = Rule(0.6, 0.1)
    right, every = deciding_head(p, sighted, rule), np.ones(200, dtype=bool)
    shy, near = rule._replace(confidence=0), rule._replace(margin=-1)
    said = {
        "Both unimodal heads may be wrong at once: a rule only picks among answers.": right,
        "Where nobody may, the fused head answers.": np.where(right == FUSED, FACE, right),
        "The head of a missing face overrules others.": deciding_head(p, every, rule),
        "Heads that are not sure enough overrule: where is τ?": deciding_head(p, sighted, shy),
        "A head must be ahead by δ more than the fused one.": deciding_head(p, sighted, near),
    }
    return judge(ask(answer, p, sighted, *rule), said, otherwise=LEFT)
