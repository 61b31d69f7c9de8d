"""Checks of notebook 12, margins and hyperbolic heads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mraf_lessons.kit.checker import Mistake, Verdict, compare, unanswered

Array = NDArray[Any]


def additive_margin(answer: Callable[[Array, Array, float, float], Any]) -> Verdict:
    """AM logits in training, s (cos θ - m 1_y), from cosines (B, C) and labels (B,)."""
    rng = np.random.default_rng(0)
    cosine, speaker = rng.uniform(-1, 1, (4, 3)), np.array([2, 0, 0, 1])
    margin, scale = 0.2, 30.0
    own = np.eye(3)[speaker]
    right = scale * (cosine - margin * own)
    mistakes = [
        Mistake(scale * cosine, "That is without the margin."),
        Mistake(scale * cosine - margin * own, "The scale multiplies the margin, too."),
        Mistake(scale * (cosine + margin * own), "That makes it easier: the margin is taken away."),
        Mistake(scale * (cosine - margin), "All lose alike, so that softmax sees no difference."),
        Mistake(
            scale * (cosine - margin * (1 - own)),
            "You took it from the others: that is a gift to the own speaker.",
        ),
        Mistake(cosine - margin * own, "And the scale s?"),
    ]
    given = answer(cosine.copy(), speaker.copy(), margin, scale)
    return compare(given, right, mistakes, "In the test the margin is gone: it only teaches.")


def angular_margin(answer: Callable[[Array, float], Any]) -> Verdict:
    """AAM: cos(θ + m) of the own speaker's cosines (B,), and what stands in beyond θ = π - m."""
    margin = 0.3
    cosine = np.array([1.0, 0.8, 0.0, -0.9, -0.99, -1.0])
    theta = np.arccos(cosine)
    beyond = theta + margin > np.pi
    rotated, fallback = np.cos(theta + margin), cosine - margin * np.sin(margin)
    in_degrees = np.cos(np.radians(np.degrees(theta) + margin))
    mistakes = [
        Mistake(rotated, "Beyond θ = π - m the cosine rises again: being more wrong would pay."),
        Mistake(cosine - margin, "That is AM: the cosine loses m, not the angle."),
        Mistake(fallback, "That is for beyond π - m alone."),
        Mistake(np.where(beyond, cosine, rotated), "Beyond π - m the fallback is cos θ - m sin m."),
        Mistake(
            np.where(theta + np.radians(margin) > np.pi, fallback, in_degrees),
            "m is in radians here; pytorch-metric-learning's ArcFace takes degrees.",
        ),
        Mistake(in_degrees, "m is in radians here, and beyond π - m there is a fallback."),
        Mistake(np.where(beyond, fallback, np.cos(theta - margin)), "The margin widens the angle."),
    ]
    praise = "At the seam it jumps a little, but nowhere does a wider angle pay."
    return compare(
        answer(cosine.copy(), margin), np.where(beyond, fallback, rotated), mistakes, praise
    )


def least_scale(answer: Callable[[int, float], Any]) -> Verdict:
    """The scale s at which a cosine softmax can give probability p to one of C speakers."""
    speakers, p = 70, 0.99
    odds = np.log((speakers - 1) * p / (1 - p))
    share = (speakers - 1) / speakers
    mistakes = [
        Mistake(
            odds,
            "The others cannot all be at 90° or nearer -1: with C centres spread evenly their "
            "cosines are -1 / (C - 1) at best. Between 1 and that there is C / (C - 1).",
        ),
        Mistake(odds / 2, "One other can be at -1, but not all C - 1 at once."),
        Mistake(np.log(p / (1 - p)) * share, "There are C - 1 others to outweigh."),
        Mistake(odds / share, "C / (C - 1) times s is what there is: divide by it."),
        Mistake(share * np.log(speakers * p / (1 - p)), "The others are C - 1, not C."),
    ]
    praise = "With s = 1 even a perfect clip is hardly believed; hence the scale."
    return compare(answer(speakers, p), share * odds, mistakes, praise)


def ball_distance(answer: Callable[[Array, Array], Any]) -> Verdict:
    """The Poincaré distance of points x and w of the unit ball, both (d,)."""
    x, w = np.array([0.3, 0.1, -0.2]), np.array([-0.4, 0.2, 0.5])
    apart, xx, ww = ((x - w) ** 2).sum(), (x**2).sum(), (w**2).sum()

    def of(argument: float) -> float:
        return float(np.arccosh(argument))

    right = of(1 + 2 * apart / ((1 - xx) * (1 - ww)))
    mistakes = [
        Mistake(of(1 + 2 * np.sqrt(apart) / ((1 - xx) * (1 - ww))), "‖x - w‖ is squared."),
        Mistake(of(1 + apart / ((1 - xx) * (1 - ww))), "A factor 2 is missing."),
        Mistake(
            of(1 + 2 * apart / ((1 - np.sqrt(xx)) * (1 - np.sqrt(ww)))),
            "In the denominator the lengths are squared, too.",
        ),
        Mistake(np.sqrt(apart), "That is Euclid's: nothing of the ball is in it."),
        Mistake(1 + 2 * apart / ((1 - xx) * (1 - ww)), "arcosh of it, still."),
    ]
    praise = f"Euclid says {np.sqrt(apart):.2f}, the ball {right:.2f}."
    return compare(answer(x.copy(), w.copy()), right, mistakes, praise)


def margin_as_angle(answer: Callable[[Array, float, float], Any]) -> Verdict:
    """By how much HAM's margin makes an angle count as larger: θ' - θ with d(θ') = d(θ) + m.

    Asked for angles (B,), the margin m and a = 2 r / (1 - r²).
    """
    margin, a = 0.2, np.sqrt(3)  # of c = 3, but for ε
    theta = np.radians([1.0, 20.0, 60.0, 120.0])
    d = 2 * np.arcsinh(a * np.sin(theta / 2))
    hardened = 2 * np.arcsin(np.sinh((d + margin) / 2) / a)
    given = answer(theta.copy(), margin, a)
    if unanswered(given):
        return Verdict(None)
    mistakes = [
        Mistake(hardened, "That is θ' itself; the excess over θ is asked for."),
        Mistake(np.full(4, margin), "That is AAM. Here m is added to the distance, not the angle."),
        Mistake(
            np.arccos(np.cos(theta) - margin) - theta, "That is AM: the cosine loses m. d gains it."
        ),
        Mistake(
            np.arcsin(np.sinh((d + margin) / 2) / a) - theta,
            "d depends on θ / 2: the arcsine gives half the angle.",
        ),
        Mistake(np.degrees(hardened - theta), "That is in degrees."),
    ]
    praise = "It grows with the angle. AM is the reverse: strictest near the centre."
    return compare(given, hardened - theta, mistakes, praise)
