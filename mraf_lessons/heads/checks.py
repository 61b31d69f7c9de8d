"""Checks of notebook 12, margins and hyperbolic heads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mraf_lessons.kit.answers import judge
from mraf_lessons.kit.checker import Verdict

Array = NDArray[Any]


def additive_margin(answer: Callable[[Array, Array, float, float], Any]) -> Verdict:
    """AM logits in training, s (cos θ - m 1_y), from cosines (B, C) and labels (B,)."""
    rng = np.random.default_rng(0)
    cosine, speaker = rng.uniform(-1, 1, (4, 3)), np.array([2, 0, 0, 1])
    margin, scale = 0.2, 30.0
    own = np.eye(3)[speaker]
    right = scale * (cosine - margin * own)
    said = {
        "In the test the margin is gone: it only teaches.": right,
        "That is without the margin.": scale * cosine,
        "The scale multiplies the margin, too.": scale * cosine - margin * own,
        "That makes it easier: the margin is taken away.": scale * (cosine + margin * own),
        "All lose alike, so that softmax sees no difference.": scale * (cosine - margin),
        "You took it from the others: that is a gift to the own speaker.": scale
        * (cosine - margin * (1 - own)),
        "And the scale s?": cosine - margin * own,
    }
    given = answer(cosine.copy(), speaker.copy(), margin, scale)
    return judge(given, said)


def angular_margin(answer: Callable[[Array, float], Any]) -> Verdict:
    """AAM: cos(θ + m) of the own speaker's cosines (B,), and what stands in beyond θ = π - m."""
    margin = 0.3
    cosine = np.array([1.0, 0.8, 0.0, -0.9, -0.99, -1.0])
    theta = np.arccos(cosine)
    beyond = theta + margin > np.pi
    rotated, fallback = np.cos(theta + margin), cosine - margin * np.sin(margin)
    in_degrees = np.cos(np.radians(np.degrees(theta) + margin))
    said = {
        "At the seam it jumps a little, but nowhere does a wider angle pay.": np.where(
            beyond, fallback, rotated
        ),
        "Beyond θ = π - m the cosine rises again: being more wrong would pay.": rotated,
        "That is AM: the cosine loses m, not the angle.": cosine - margin,
        "That is for beyond π - m alone.": fallback,
        "Beyond π - m the fallback is cos θ - m sin m.": np.where(beyond, cosine, rotated),
        "m is in radians here; pytorch-metric-learning's ArcFace takes degrees.": np.where(
            theta + np.radians(margin) > np.pi, fallback, in_degrees
        ),
        "m is in radians here, and beyond π - m there is a fallback.": in_degrees,
        "The margin widens the angle.": np.where(beyond, fallback, np.cos(theta - margin)),
    }
    return judge(answer(cosine.copy(), margin), said)


def least_scale(answer: Callable[[int, float], Any]) -> Verdict:
    """The scale s at which a cosine softmax can give probability p to one of C speakers."""
    speakers, p = 70, 0.99
    odds = np.log((speakers - 1) * p / (1 - p))
    share = (speakers - 1) / speakers
    said = {
        "With s = 1 even a perfect clip is hardly believed; hence the scale.": share * odds,
        "The others cannot all be at 90° or nearer -1: with C centres spread evenly their cosines "
        "are -1 / (C - 1) at best. Between 1 and that there is C / (C - 1).": odds,
        "One other can be at -1, but not all C - 1 at once.": odds / 2,
        "There are C - 1 others to outweigh.": np.log(p / (1 - p)) * share,
        "C / (C - 1) times s is what there is: divide by it.": odds / share,
        "The others are C - 1, not C.": share * np.log(speakers * p / (1 - p)),
    }
    return judge(answer(speakers, p), said)


def ball_distance(answer: Callable[[Array, Array], Any]) -> Verdict:
    """The Poincaré distance of points x and w of the unit ball, both (d,)."""
    x, w = np.array([0.3, 0.1, -0.2]), np.array([-0.4, 0.2, 0.5])
    apart, xx, ww = ((x - w) ** 2).sum(), (x**2).sum(), (w**2).sum()

    def of(argument: float) -> float:
        return float(np.arccosh(argument))

    right = of(1 + 2 * apart / ((1 - xx) * (1 - ww)))
    said = {
        f"Euclid says {np.sqrt(apart):.2f}, the ball {right:.2f}.": right,
        "‖x - w‖ is squared.": of(1 + 2 * np.sqrt(apart) / ((1 - xx) * (1 - ww))),
        "A factor 2 is missing.": of(1 + apart / ((1 - xx) * (1 - ww))),
        "In the denominator the lengths are squared, too.": of(
            1 + 2 * apart / ((1 - np.sqrt(xx)) * (1 - np.sqrt(ww)))
        ),
        "That is Euclid's: nothing of the ball is in it.": np.sqrt(apart),
        "arcosh of it, still.": 1 + 2 * apart / ((1 - xx) * (1 - ww)),
    }
    return judge(answer(x.copy(), w.copy()), said)


def margin_as_angle(answer: Callable[[Array, float, float], Any]) -> Verdict:
    """By how much HAM's margin makes an angle count as larger: θ' - θ with d(θ') = d(θ) + m.

    Asked for angles (B,), the margin m and a = 2 r / (1 - r²).
    """
    margin, a = 0.2, np.sqrt(3)  # of c = 3, but for ε
    theta = np.radians([1.0, 20.0, 60.0, 120.0])
    d = 2 * np.arcsinh(a * np.sin(theta / 2))
    hardened = 2 * np.arcsin(np.sinh((d + margin) / 2) / a)
    given = answer(theta.copy(), margin, a)
    said = {
        "It grows with the angle. AM is the reverse: strictest near the centre.": hardened - theta,
        "That is θ' itself; the excess over θ is asked for.": hardened,
        "That is AAM. Here m is added to the distance, not the angle.": np.full(4, margin),
        "That is AM: the cosine loses m. d gains it.": np.arccos(np.cos(theta) - margin) - theta,
        "d depends on θ / 2: the arcsine gives half the angle.": np.arcsin(
            np.sinh((d + margin) / 2) / a
        )
        - theta,
        "That is in degrees.": np.degrees(hardened - theta),
    }
    return judge(given, said)
