"""Checks of notebook 10, a space shared by faces and voices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mraf.related.metrics import eer
from mraf.related.shared_space.trials import Pairs, rates, trial_weights
from mraf_lessons.kit.checker import Mistake, Verdict, compare, unanswered

Array = NDArray[Any]


def target(answer: Callable[[Array, float], Any]) -> Verdict:
    """What stands for cos θ_y, for angles and a margin in radians, shape (N,)."""
    theta, m = np.linspace(0, np.pi, 25), 0.2
    fallback = np.cos(theta) - m * np.sin(m)
    inside = theta + m <= np.pi
    right = np.where(inside, np.cos(theta + m), fallback)
    mistakes = [
        Mistake(np.cos(theta + m), "Beyond θ + m = π the cosine rises again: what then?"),
        Mistake(
            np.cos(theta) - m,
            "That margin is taken from the cosine (CosFace), not added to the angle.",
        ),
        Mistake(
            np.where(inside, np.cos(theta - m), fallback),
            "A margin makes it harder: larger angle, smaller cosine.",
        ),
        Mistake(fallback, "That is the stand-in for θ + m > π; below that it is cos(θ + m)."),
        Mistake(
            np.where(
                theta + np.radians(m) <= np.pi,
                np.cos(theta + np.radians(m)),
                np.cos(theta) - np.radians(m) * np.sin(np.radians(m)),
            ),
            "Radians are asked for; only the library takes degrees.",
        ),
    ]
    praise = "It keeps falling up to θ = π, so that a wrong embedding is always pulled."
    return compare(answer(theta, m), right, mistakes, praise)


def augmentation(answer: Callable[[Array, float, np.random.Generator], Any]) -> Verdict:
    """Rows with a random orthogonal vector of length |N(0, deviation)| added, shape (N, D)."""
    rows = np.random.default_rng(10).normal(size=(2000, 6)) * 3
    given, again = (answer(rows.copy(), 0.1, np.random.default_rng(seed)) for seed in (1, 2))
    if unanswered(given):
        return Verdict(None)
    given, again = np.asarray(given, dtype=float), np.asarray(again, dtype=float)
    if given.shape != rows.shape:
        return Verdict(False, f"Shape {rows.shape} is expected, this is {given.shape}.")
    added = given - rows
    length = np.linalg.norm(added, axis=1)
    if length.max() < 1e-9:
        return Verdict(False, "Nothing was added.")
    if not (np.isfinite(length).all() and length.all()):
        return Verdict(False, "Some rows have nothing added, or NaN: every row is moved.")
    along = (added * rows).sum(axis=1) / length / np.linalg.norm(rows, axis=1)
    if np.abs(along).max() > 1e-4:
        if np.abs(np.linalg.norm(given, axis=1) - np.linalg.norm(rows, axis=1)).max() < 1e-6:
            return Verdict(False, "The lengths were kept; add the vector, do not turn the row.")
        hint = "What was added is not orthogonal. Rows have any length: is it divided by ‖x‖²?"
        return Verdict(False, hint)
    half_normal = 0.1 * np.sqrt(2 / np.pi)
    if abs(length.mean() - half_normal) > 0.15 * half_normal:
        if length.std() / length.mean() < 0.05:
            return Verdict(False, "All lengths are the same; a length is drawn for each row.")
        return Verdict(
            False, "Its length should be |N(0, 0.1)|: bring the direction to length 1 first."
        )
    if length.std() / length.mean() < 0.3:
        return Verdict(False, "All lengths are nearly the same; draw one for each row.")
    if abs(np.quantile(length, 0.95) / 0.196 - 1) > 0.1:  # 1.96 standard deviations
        return Verdict(
            False,
            "The mean length is right, its spread is not: one in twenty of |N(0, 0.1)| is above "
            "0.196. Draw it with rng.normal.",
        )
    direction, other = added / length[:, None], again - rows
    if np.linalg.eigvalsh(direction.T @ direction / len(rows))[-1] > 0.4:  # 1/6 in all directions
        return Verdict(
            False, "All rows are moved much the same way: draw a direction for each row."
        )
    turn = np.abs((direction * other).sum(axis=1)) / np.linalg.norm(other, axis=1)
    if turn.mean() > 0.7:  # 0.4 for independent ones
        return Verdict(False, "Another generator gives the same directions: draw them with `rng`.")
    if np.allclose(length, np.linalg.norm(other, axis=1)):
        return Verdict(False, "Another generator gives the same lengths: draw them with `rng`.")
    return Verdict(
        True, "Direction and length are drawn apart, so that D has no say in the length."
    )


def equal_error(answer: Callable[[Array, Array], Any]) -> Verdict:
    """The equal error rate of scores (N,) with `same` (N,), within a step of the rates."""
    rng = np.random.default_rng(0)
    same = rng.random(4000) < 0.2
    score = rng.normal(size=4000) + 1.3 * same
    given = answer(score.copy(), same.copy())
    if unanswered(given):
        return Verdict(None)
    number = np.arange(len(same))
    right = float(eer(rates(score, Pairs(number, number, number, np.where(same, number, -1)))))
    accuracy = max(((score >= t) == same).mean() for t in np.quantile(score, np.arange(0, 1, 0.01)))
    at_half = float((score[same] < 0.5).mean()), float((score[~same] >= 0.5).mean())
    mistakes = [
        Mistake(1 - right, "That is the share accepted; where is the share of errors?"),
        Mistake(
            1 - accuracy,
            "That is the smallest share of wrong answers, which depends on how "
            "many trials of each kind there are.",
        ),
        Mistake(at_half[0], "The threshold is not given: look for the one where both are equal."),
        Mistake(at_half[1], "The threshold is not given: look for the one where both are equal."),
    ]
    praise = "Neither the number of trials of each kind nor the scale of the scores has a say."
    return compare(given, right, mistakes, praise, rtol=0.02)


def pair_weights(answer: Callable[[Array, Array, Array], Any]) -> Verdict:
    """How often each trial counts when identities are drawn with replacement, shape (N,)."""
    drawn = np.array([2, 0, 1, 3])
    speaker, shown = (x.ravel() for x in np.meshgrid(range(4), range(4), indexing="ij"))
    trials = Pairs(speaker, shown, speaker, shown)
    right = trial_weights(trials, drawn)
    a, b = drawn[speaker], drawn[shown]
    mistakes = [
        Mistake(a * b, "A trial of one person counts as often as they were drawn, not squared."),
        Mistake(a, "A trial of two people needs both: what if the other was not drawn?"),
        Mistake(a + b, "If one of two was not drawn, can the trial count?"),
        Mistake(
            np.where(trials.same, a, np.minimum(a, b)),
            "Drawn twice and three times there are six pairs of copies.",
        ),
        Mistake(np.ones(16), "These are the trials as they are; resampled people count as drawn."),
    ]
    praise = "Resampling trials instead would take near-copies for new people."
    return compare(answer(drawn, speaker, shown), right, mistakes, praise)
