"""Checks of notebook 09, when faces lie."""

import numpy as np
from scipy.special import expit, logit, softmax

from mraf_lessons.kit.checker import Answer, Verdict, ask, judge


def bayes_factor(answer: Answer) -> Verdict:
    """ln B for p(c | face) and p(c | voice), both (N, C)."""
    face, voice = softmax(np.random.default_rng(0).normal(scale=2, size=(2, 6, 5)), axis=-1)
    voice[1], voice[2] = face[1], 0.2  # one that agrees, one that tells nothing
    both = face * voice
    right, best = (np.log(5 * part) for part in (both.sum(axis=1), both.max(axis=1)))
    everybody = np.log(both).sum(axis=1)
    said = {
        "And the voice that tells nothing gives 0: a bad voice does not discredit a face.": right,
        "That is B; its logarithm is asked for.": np.exp(right),
        "What is it for a voice that tells nothing, $p = 1/C$? It should be 0.": right - np.log(5),
        "A sum over the speakers, not a mean.": right - 2 * np.log(5),
        "You took the best speaker only. Every speaker may be the one person: sum over them.": best,
        "A sum of logarithms asks whether the person is everybody at once.": everybody,
    }
    return judge(ask(answer, face, voice), said)


def posterior(answer: Answer) -> Verdict:
    """Probability that a face is the voice's own, from the probability before and ln B."""
    before, evidence = np.array([0.5, 0.9, 0.9, 0.2]), np.array([2.0, -3.0, 0.0, 4.0])
    after = logit(before) + evidence
    multiplied = before * np.exp(evidence), before * expit(evidence)
    said = {
        "In logits it is a sum, which is how the evidence enters Eq. 10.": expit(after),
        "The probability before is left out: what if B says nothing?": expit(evidence),
        "B multiplies the odds p / (1 - p), not p itself.": multiplied,
        "Those are the odds; a probability is asked for.": np.exp(after),
        "The odds before are the wrong way round.": expit(evidence - logit(before)),
    }
    return judge(ask(answer, before, evidence), said)


def at_rate(answer: Answer) -> Verdict:
    """Expected accuracy when a share of the clips has a wrong face."""
    clean, hit, rates = 0.9, 0.6, np.array([0.0, 0.1, 0.3, 1.0])
    right = (1 - rates) * clean + rates * hit
    said = {
        "A straight line: two measurements are enough for every rate.": right,
        "You count every clip with a wrong face as an error.": ((1 - rates) * clean, clean - rates),
        "The rate is that of wrong faces.": clean + hit - right,
        "Each clip is judged alone: a mean over clips, not a product.": clean * hit**rates,
    }
    return judge(ask(answer, clean, hit, rates), said)
