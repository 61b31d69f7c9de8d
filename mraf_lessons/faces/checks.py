"""Checks of notebook 09, when faces lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from mraf_lessons.kit.checker import Mistake, Verdict, compare, unanswered

Array = NDArray[Any]


def bayes_factor(answer: Callable[[Array, Array], Any]) -> Verdict:
    """ln B for p(c | face) and p(c | voice), both (N, C)."""
    rng = np.random.default_rng(0)
    face, voice = (softmax(rng.normal(scale=2, size=(6, 5)), axis=1) for _ in range(2))
    voice[1], voice[2] = face[1], 0.2  # one that agrees, one that tells nothing
    given = answer(face.copy(), voice.copy())
    if unanswered(given):
        return Verdict(None)
    both = (face * voice).sum(axis=1)
    same = face.argmax(axis=1) == voice.argmax(axis=1)
    mistakes = [
        Mistake(5 * both, "That is B; its logarithm is asked for."),
        Mistake(
            np.log(both), "What is it for a voice that tells nothing, $p = 1/C$? It should be 0."
        ),
        Mistake(np.log((face * voice).mean(axis=1)), "A sum over the speakers, not a mean."),
        Mistake(
            np.log(5 * (face * voice).max(axis=1)),
            "You took the best speaker only. Every speaker may be the one person: sum over them.",
        ),
        Mistake(
            same.astype(float),
            "Whether the two names are the same forgets how sure either of them is.",
        ),
        Mistake(
            (np.log(face) + np.log(voice)).sum(axis=1),
            "You summed logarithms: that asks whether the person is everybody at once.",
        ),
    ]
    praise = "And the voice that tells nothing gives 0: a bad voice does not discredit a face."
    return compare(given, np.log(5 * both), mistakes, praise)


def posterior(answer: Callable[[Array, Array], Any]) -> Verdict:
    """Probability that a face is the voice's own, from the probability before and ln B."""
    before, evidence = np.array([0.5, 0.9, 0.9, 0.2]), np.array([2.0, -3.0, 0.0, 4.0])
    given = answer(before.copy(), evidence.copy())
    if unanswered(given):
        return Verdict(None)
    odds = np.log(before / (1 - before))
    mistakes = [
        Mistake(expit(evidence), "The probability before is left out: what if B says nothing?"),
        Mistake(before * np.exp(evidence), "B multiplies the odds p / (1 - p), not p itself."),
        Mistake(np.exp(odds + evidence), "Those are the odds; a probability is asked for."),
        Mistake(before * expit(evidence), "Odds are multiplied, not probabilities."),
        Mistake(expit(evidence - odds), "The odds before are the wrong way round."),
    ]
    praise = "In logits it is a sum, which is how the evidence enters Eq. 10."
    return compare(given, expit(odds + evidence), mistakes, praise)


def at_rate(answer: Callable[[float, float, Array], Any]) -> Verdict:
    """Expected accuracy when a share of the clips has a wrong face."""
    clean, hit, rates = 0.9, 0.6, np.array([0.0, 0.1, 0.3, 1.0])
    given = answer(clean, hit, rates.copy())
    if unanswered(given):
        return Verdict(None)
    mistakes = [
        Mistake((1 - rates) * clean, "You count every clip with a wrong face as an error."),
        Mistake(clean - rates, "You count every clip with a wrong face as an error."),
        Mistake(rates * clean + (1 - rates) * hit, "The rate is that of wrong faces."),
        Mistake(clean * hit**rates, "Each clip is judged alone: a mean over clips, not a product."),
    ]
    praise = "A straight line: two measurements are enough for every rate."
    return compare(given, (1 - rates) * clean + rates * hit, mistakes, praise)


def cost_share(answer: Callable[[float, float, float, float], Any]) -> Verdict:
    """Our loss of accuracy as a share of another's."""
    ours, ours_hit, other, other_hit = 0.92, 0.89, 0.94, 0.84
    given = answer(ours, ours_hit, other, other_hit)
    if unanswered(given):
        return Verdict(None)
    mistakes = [
        Mistake((other - other_hit) / (ours - ours_hit), "The ratio is upside down."),
        Mistake(ours_hit / other_hit, "Those are accuracies; what is lost is asked for."),
        Mistake(
            (other - ours_hit) / (other - other_hit),
            "Each system loses from its own clean accuracy. (Say beside it what that is: a system "
            "that is bad on clean clips has little to lose.)",
        ),
        Mistake((ours - ours_hit) - (other - other_hit), "A share is asked for, not a difference."),
    ]
    praise = "A share flatters a system that was bad before: always show the clean accuracy too."
    return compare(given, (ours - ours_hit) / (other - other_hit), mistakes, praise)


def confidence_weighted(answer: Callable[[Array, Array], Any]) -> Verdict:
    """The mean of three heads' distributions, weighted by their confidence."""
    rng = np.random.default_rng(0)
    p = softmax(rng.normal(scale=2, size=(3, 6, 5)), axis=-1)
    sighted = np.array([True, True, True, False, False, True])
    given = answer(p.copy(), sighted.copy())
    if unanswered(given):
        return Verdict(None)

    def mean(weights: Array) -> Array:
        return np.einsum("hn,hnc->nc", weights / weights.sum(axis=0), p)

    surest = p.max(axis=-1)
    there = np.ones((3, 6)) * np.stack([sighted, np.ones(6), np.ones(6)])
    unnormalised = np.einsum("hn,hnc->nc", surest * there, p)
    mistakes = [
        Mistake(unnormalised, "The weights of a clip must sum to 1, or it is no distribution."),
        Mistake(mean(surest), "The head of a missing face has a say in your mean."),
        Mistake(mean(there), "All heads count the same; the surer ones should count more."),
        Mistake(
            np.where(sighted[:, None], mean(surest), p[2]),
            "Without a face two heads are left, those of the voice and of both.",
        ),
        Mistake(
            p[(surest * there).argmax(axis=0), np.arange(6)],
            "You took the surest head alone; a mean is asked for.",
        ),
    ]
    praise = "Now think of a wrong face: how sure is its head?"
    return compare(given, mean(surest * there), mistakes, praise)
