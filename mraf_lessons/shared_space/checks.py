"""Checks of notebook 10, a space shared by faces and voices."""

import numpy as np

from mraf_lessons.kit.checker import Answer, Verdict, ask, judge, numbers, refused, unless
from mraf_related.metrics import eer
from mraf_related.trials import Pairs, rates, trial_weights


def augmentation(answer: Answer) -> Verdict:
    """Rows with a random orthogonal vector of length |N(0, deviation)| added, shape (N, D)."""
    rows = np.random.default_rng(10).normal(size=(2000, 6)) * 3
    moved = []
    for seed in (1, 2):
        given = ask(answer, rows, 0.1, np.random.default_rng(seed))
        found = numbers(given)
        if found is None or found.shape != rows.shape:
            what = type(given).__name__ if found is None else found.shape
            return refused(given, f"Shape {rows.shape} is expected, this is {what}.")
        moved.append(found - rows)
    added, other = moved
    length, turned, before = (np.linalg.norm(x, axis=1) for x in (added, other, rows))
    if not (np.isfinite(length).all() and length.all()):
        return Verdict(False, "Some rows have nothing added, or NaN: every row is moved.")
    along = np.abs((added * rows).sum(axis=1)) / before
    direction, turn = added / length[:, None], np.abs((added * other).sum(axis=1)) / length / turned
    one_way = np.linalg.eigvalsh(direction.T @ direction / len(rows))[-1]  # 1/6 if all differ
    same_lengths = np.allclose(length, turned, rtol=1e-3, atol=1e-5)
    mean = length.mean() / (0.1 * np.sqrt(2 / np.pi))  # over that of |N(0, 0.1)|
    hints = {
        "What was added is not orthogonal. Rows have any length: is it divided by ‖x‖²?": (
            along.max() > 1e-5  # above what float32 loses
        ),
        "All lengths are the same; a length is drawn for each row.": length.std() < 0.005,
        "Its length should be |N(0, 0.1)|: bring the direction to length 1 first.": (
            abs(mean - 1) > 0.15
        ),
        "The mean length is right, its spread is not. Draw it with rng.normal.": (
            abs(np.quantile(length, 0.95) / 0.196 - 1) > 0.1  # one in twenty is above 1.96 σ
        ),
        "Draw a direction and a length for each row, all with `rng`.": (
            one_way > 0.4 or turn.mean() > 0.7 or same_lengths
        ),
    }
    praise = "Direction and length are drawn apart, so that D has no say in the length."
    return unless(hints, praise)


def equal_error(answer: Answer) -> Verdict:
    """The equal error rate of scores (N,) with `same` (N,), within a step of the rates."""
    rng = np.random.default_rng(0)
    same = rng.random(4000) < 0.2
    score = rng.normal(size=4000) * np.where(same, 2, 1) + 1.3 * same  # widths differ
    number = np.arange(len(same))
    right = float(eer(rates(score, Pairs(number, number, number, np.where(same, number, -1)))))
    accuracy = max(((score >= t) == same).mean() for t in np.quantile(score, np.arange(0, 1, 0.01)))
    far, frr = (np.searchsorted(np.sort(score[of]), score) / of.sum() for of in (~same, same))
    half = (1 - far + frr).min() / 2  # both are shares below a threshold
    at_half = ((score[same] < 0.5).mean(), (score[~same] >= 0.5).mean())
    said = {
        "Neither the number of trials of each kind nor the scale of the scores has a say.": right,
        "That is the share accepted; where is the share of errors?": 1 - right,
        "That is the smallest share of wrong answers, whatever their kind.": 1 - accuracy,
        "That is the smallest mean of both errors; look where they are equal.": half,
        "The threshold is not given: look for the one where both are equal.": at_half,
    }
    return judge(ask(answer, score, same), said, rtol=0.02)


def pair_weights(answer: Answer) -> Verdict:
    """How often each trial counts when identities are drawn with replacement, shape (N,)."""
    drawn = np.array([2, 0, 1, 3])
    speaker, shown = (x.ravel() for x in np.meshgrid(range(4), range(4), indexing="ij"))
    right = trial_weights(Pairs(speaker, shown, speaker, shown), drawn)
    a, b = drawn[speaker], drawn[shown]
    copies = np.where(speaker == shown, a, np.minimum(a, b))
    said = {
        "Resampling trials instead would take near-copies for new people.": right,
        "A trial of one person counts as often as they were drawn, not squared.": a * b,
        "A trial of two people needs both: what if the other was not drawn?": a,
        "Drawn twice and three times there are six pairs of copies.": copies,
        "These are the trials as they are; resampled people count as drawn.": np.ones(16),
    }
    return judge(ask(answer, drawn, speaker, shown), said)
