"""Checks of notebook 12, margins and hyperbolic heads."""

import numpy as np

from mraf_lessons.kit.checker import Answer, Verdict, ask, judge


def additive_margin(answer: Answer) -> Verdict:
    """AM logits in training, s (cos θ - m 1_y), from cosines (B, C) and labels (B,)."""
    cosine, speaker = np.random.default_rng(0).uniform(-1, 1, (4, 3)), np.array([2, 0, 0, 1])
    margin, s = 0.2, 30.0
    own = margin * np.eye(3)[speaker]
    said = {
        "In the test the margin is gone: it only teaches.": s * (cosine - own),
        "That is without the margin.": s * cosine,
        "The scale multiplies the margin, too.": s * cosine - own,
        "That makes it easier: the margin is taken away.": s * (cosine + own),
        "And the scale s?": cosine - own,
    }
    return judge(ask(answer, cosine, speaker, margin, s), said)


def angular_margin(answer: Answer) -> Verdict:
    """AAM: cos(θ + m) of the own speaker's cosines (B,), and what stands in beyond θ = π - m."""
    m = 0.3
    cosine = np.array([1.0, 0.8, 0.0, -0.9, -0.99, -1.0])
    theta = np.arccos(cosine)
    beyond = theta + m > np.pi
    rotated, fallback = np.cos(theta + m), cosine - m * np.sin(m)
    right = np.where(beyond, fallback, rotated)
    degrees = np.cos(theta + np.radians(m))
    said = {
        "At the seam it jumps a little, but nowhere does a wider angle pay.": right,
        "Beyond θ = π - m the cosine rises again: being more wrong would pay.": rotated,
        "That is AM: the cosine loses m, not the angle.": cosine - m,
        "That is for beyond π - m alone.": fallback,
        "m is in radians here; pytorch-metric-learning's ArcFace takes degrees.": degrees,
    }
    return judge(ask(answer, cosine, m), said)


def least_scale(answer: Answer) -> Verdict:
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
    }
    return judge(ask(answer, speakers, p), said)


def ball_distance(answer: Answer) -> Verdict:
    """The Poincaré distance of points x and w of the unit ball, both (d,)."""
    x, w = np.array([0.3, 0.1, -0.2]), np.array([-0.4, 0.2, 0.5])
    length_x, length_w, apart = (float(np.linalg.norm(v)) for v in (x, w, x - w))
    room = (1 - length_x**2) * (1 - length_w**2)
    argument = 1 + 2 * apart**2 / room
    unsquared = 1 + 2 * apart**2 / ((1 - length_x) * (1 - length_w))
    said = {
        f"Euclid says {apart:.2f}, the ball {np.arccosh(argument):.2f}.": np.arccosh(argument),
        "‖x - w‖ is squared.": np.arccosh(1 + 2 * apart / room),
        "A factor 2 is missing.": np.arccosh(1 + apart**2 / room),
        "In the denominator the lengths are squared, too.": np.arccosh(unsquared),
        "That is Euclid's: nothing of the ball is in it.": apart,
    }
    return judge(ask(answer, x, w), said)


def margin_as_angle(answer: Answer) -> Verdict:
    """By how much HAM's margin makes angles (B,) count as larger: θ' - θ with d(θ') = d(θ) + m."""
    margin, a = 0.2, np.sqrt(3)  # of c = 3, but for ε
    theta = np.radians([1.0, 20.0, 60.0, 120.0])
    d = 2 * np.arcsinh(a * np.sin(theta / 2))
    half = np.arcsin(np.sinh((d + margin) / 2) / a)
    excess = 2 * half - theta
    said = {
        "It grows with the angle. AM is the reverse: strictest near the centre.": excess,
        "That is θ' itself; the excess over θ is asked for.": 2 * half,
        "That is AAM. Here m is added to the distance, not the angle.": np.full(4, margin),
        "That is AM: the cosine loses m. d gains it.": np.arccos(np.cos(theta) - margin) - theta,
        "d depends on θ / 2: the arcsine gives half the angle.": half - theta,
    }
    return judge(ask(answer, theta, margin, a), said)
