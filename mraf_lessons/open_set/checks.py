"""Checks of notebook 11, open-set identification."""

import numpy as np

from mraf_lessons.kit.checker import Answer, Verdict, ask, judge, numbers, refused, unless

SPEAKERS = 50


def oscr(answer: Answer) -> Verdict:
    """The area under CCR over FAR from known confidences, whether named rightly, and unknown ones.

    P(named rightly and above a stranger) + ½ P(named rightly and equal to a stranger).
    """
    known = np.array([0.9, 0.8, 0.7, 0.7, 0.4, 0.3])
    named = np.array([True, True, True, False, True, False])
    unknown = np.array([0.8, 0.7, 0.5, 0.2])
    above, equal = known[:, None] > unknown, known[:, None] == unknown
    half, rightly = above + 0.5 * equal, named[:, None]
    said = {
        "Sorting makes the same of it in O(n log n): see `mraf_related.metrics.oscr`.": (
            (rightly * half).mean()
        ),
        "A tie counts half: here a clip loses where both are equal.": (rightly * above).mean(),
        "A tie counts half: here a clip wins where both are.": (rightly * (above | equal)).mean(),
        "That is the AUROC: it asks who is enrolled, and forgives a wrong name.": half.mean(),
        "Divide by all clips: those named wrongly are lost for good.": half[named].mean(),
    }
    return judge(ask(answer, known, named, unknown), said)


def bounded(answer: Answer) -> Verdict:
    """max(0, ‖x − p‖²/d − R + 1) for each clip and its own reciprocal point."""
    x, p = np.random.default_rng(0).normal(size=(2, 6, 4))
    radius, dot, far = 2.0, (x * p).sum(axis=1), ((x - p) ** 2).mean(axis=1)
    right, older, whole = (np.maximum(0, value - radius + 1) for value in (far, dot, 4 * far))
    outside = tuple(np.maximum(0, radius - far + one) for one in (-1, 1))
    said = {
        "Away, but not beyond R − 1.": right,
        "That is the sign of the older public file: nothing holds the clip.": older,
        "The distance is ‖x − p‖²/d: here it is not divided by d.": whole,
        "Inside the radius nothing should pull: cut it off at 0.": far - radius + 1,
        "The margin of 1 is missing.": np.maximum(0, far - radius),
        "Turned round: that one keeps clips *outside* the radius.": outside,
    }
    return judge(ask(answer, x, p, radius), said)


def floor(answer: object) -> Verdict:
    """The least cross-entropy that 50 logits of length 1 can have."""
    gaps = np.sqrt(SPEAKERS / (SPEAKERS - 1)), 1.0, 0.0
    least, nearly, equal = (np.log1p((SPEAKERS - 1) * np.exp(-gap)) for gap in gaps)
    said = {
        "So every clip pulls for ever: in the public form the loss cannot fall much below "
        "log K.": least,
        "Nearly. Lower the others a little, too: the gap grows to √(K / (K − 1)).": nearly,
        "Without a bound on the length it would be; here the logits have length 1.": 0.0,
        "That is the loss of equal logits, where training starts.": equal,
    }
    return judge(answer, said)


def strictest(answer: Answer) -> Verdict:
    """The lowest threshold at which at most a share of the unknown clips is accepted (score ≥ t).

    Any value counts that accepts as many clips as the best one does.
    """
    rng = np.random.default_rng(1)
    cases = [(rng.permutation(np.linspace(0, 1, 201)), 0.05), (np.repeat([0.1, 0.5, 0.9], 40), 0.5)]
    cases.append((np.repeat([0.1, 0.9], 10), 0.3))  # nobody may enter
    verdict = Verdict(None)
    for unknown, share in cases:
        given = ask(answer, unknown, share)
        t = numbers(given)
        if t is None or t.ndim:
            return refused(given, f"A number is expected, this is a {type(given).__name__}.")
        accepted = (unknown >= t).mean()
        rates = (unknown >= unknown[:, None]).mean(axis=1)
        best = rates[rates <= share].max(initial=0)
        low_end = accepted > 1 - share - 1e-9 and share < 0.1
        hints = {
            "Turned round: high scores are accepted, take the upper end.": low_end,
            f"It lets {accepted:.1%} in where {share:.0%} are allowed. Equal scores come all at "
            "once.": accepted > share,
            f"It lets {accepted:.1%} in, stricter than need be: {best:.1%} would fit.": accepted
            < best,
        }
        praise = "Set on other strangers than those that come, it will let others in."
        verdict = unless(hints, praise)
        if not verdict:
            break
    return verdict
