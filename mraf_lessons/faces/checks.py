"""Checks of notebook 09, when faces lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from mraf_lessons.kit.answers import judge
from mraf_lessons.kit.checker import Verdict

Array = NDArray[Any]


def bayes_factor(answer: Callable[[Array, Array], Any]) -> Verdict:
    """ln B for p(c | face) and p(c | voice), both (N, C)."""
    rng = np.random.default_rng(0)
    face, voice = (softmax(rng.normal(scale=2, size=(6, 5)), axis=1) for _ in range(2))
    voice[1], voice[2] = face[1], 0.2  # one that agrees, one that tells nothing
    given = answer(face.copy(), voice.copy())
    both = (face * voice).sum(axis=1)
    same = 1.0 * (face.argmax(axis=1) == voice.argmax(axis=1))
    best, summed = (face * voice).max(axis=1), (np.log(face) + np.log(voice)).sum(axis=1)
    said = {
        "And the voice that tells nothing gives 0: a bad voice does not discredit a face.": np.log(
            5 * both
        ),
        "That is B; its logarithm is asked for.": 5 * both,
        "What is it for a voice that tells nothing, $p = 1/C$? It should be 0.": np.log(both),
        "A sum over the speakers, not a mean.": np.log((face * voice).mean(axis=1)),
        "You took the best speaker only. Every speaker may be the one person: sum over "
        "them.": np.log(5 * best),
        "Whether the two names are the same forgets how sure either of them is.": same,
        "You summed logarithms: that asks whether the person is everybody at once.": summed,
    }
    return judge(given, said)


def posterior(answer: Callable[[Array, Array], Any]) -> Verdict:
    """Probability that a face is the voice's own, from the probability before and ln B."""
    before, evidence = np.array([0.5, 0.9, 0.9, 0.2]), np.array([2.0, -3.0, 0.0, 4.0])
    given = answer(before.copy(), evidence.copy())
    odds = np.log(before / (1 - before))
    said = {
        "In logits it is a sum, which is how the evidence enters Eq. 10.": expit(odds + evidence),
        "The probability before is left out: what if B says nothing?": expit(evidence),
        "B multiplies the odds p / (1 - p), not p itself.": before * np.exp(evidence),
        "Those are the odds; a probability is asked for.": np.exp(odds + evidence),
        "Odds are multiplied, not probabilities.": before * expit(evidence),
        "The odds before are the wrong way round.": expit(evidence - odds),
    }
    return judge(given, said)


def at_rate(answer: Callable[[float, float, Array], Any]) -> Verdict:
    """Expected accuracy when a share of the clips has a wrong face."""
    clean, hit, rates = 0.9, 0.6, np.array([0.0, 0.1, 0.3, 1.0])
    given = answer(clean, hit, rates.copy())
    said = {
        "A straight line: two measurements are enough for every rate.": (1 - rates) * clean
        + rates * hit,
        "You count every clip with a wrong face as an error.": ((1 - rates) * clean, clean - rates),
        "The rate is that of wrong faces.": rates * clean + (1 - rates) * hit,
        "Each clip is judged alone: a mean over clips, not a product.": clean * hit**rates,
    }
    return judge(given, said)


def cost_share(answer: Callable[[float, float, float, float], Any]) -> Verdict:
    """Our loss of accuracy as a share of another's."""
    ours, ours_hit, other, other_hit = 0.92, 0.89, 0.94, 0.84
    given = answer(ours, ours_hit, other, other_hit)
    said = {
        "A share flatters a system that was bad before: always show the clean accuracy too.": (
            ours - ours_hit
        )
        / (other - other_hit),
        "The ratio is upside down.": (other - other_hit) / (ours - ours_hit),
        "Those are accuracies; what is lost is asked for.": ours_hit / other_hit,
        "Each system loses from its own clean accuracy. (Say beside it what that is: a system that "
        "is bad on clean clips has little to lose.)": (other - ours_hit) / (other - other_hit),
        "A share is asked for, not a difference.": (ours - ours_hit) - (other - other_hit),
    }
    return judge(given, said)


def confidence_weighted(answer: Callable[[Array, Array], Any]) -> Verdict:
    """The mean of three heads' distributions, weighted by their confidence."""
    rng = np.random.default_rng(0)
    p = softmax(rng.normal(scale=2, size=(3, 6, 5)), axis=-1)
    sighted = np.array([True, True, True, False, False, True])
    given = answer(p.copy(), sighted.copy())

    def mean(weights: Array) -> Array:
        return np.einsum("hn,hnc->nc", weights / weights.sum(axis=0), p)

    surest = p.max(axis=-1)
    there = np.ones((3, 6)) * np.stack([sighted, np.ones(6), np.ones(6)])
    unnormalised = np.einsum("hn,hnc->nc", surest * there, p)
    said = {
        "Now think of a wrong face: how sure is its head?": mean(surest * there),
        "The weights of a clip must sum to 1, or it is no distribution.": unnormalised,
        "The head of a missing face has a say in your mean.": mean(surest),
        "All heads count the same; the surer ones should count more.": mean(there),
        "Without a face two heads are left, those of the voice and of both.": np.where(
            sighted[:, None], mean(surest), p[2]
        ),
        "You took the surest head alone; a mean is asked for.": p[
            (surest * there).argmax(axis=0), np.arange(6)
        ],
    }
    return judge(given, said)
