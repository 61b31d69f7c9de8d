"""Checks of notebook 13, where the 192 numbers come from."""

import numpy as np

from mraf_lessons.kit.checker import Answer, Array, Verdict, ask, judge


def mel(answer: Answer) -> Verdict:
    """Hertz (N,) to mel (N,)."""
    hertz = np.array([60.0, 1000, 7600])
    ratio = 1 + hertz / 700
    right = 2595 * np.log10(ratio)
    said = {
        "1,000 Hz are 1,000 mel. Below the scale is nearly linear, above it is logarithmic.": right,
        "The logarithm is the one to base 10.": 2595 * np.log(ratio),
        "The 1 is missing: at 0 Hz this logarithm has no value.": 2595 * np.log10(ratio - 1),
        "This is the way back, from mel to hertz.": 700 * (10 ** (hertz / 2595) - 1),
    }
    return judge(ask(answer, hertz), said)


def mean_removed(answer: Answer) -> Verdict:
    """Log energies (B, bands, T) to the same without the mean of each band over the crop."""
    bands = np.random.default_rng(0).normal(3, 2, (3, 5, 7))

    def without(*axes: int) -> Array:
        return bands - bands.mean(axis=axes, keepdims=True)

    mixed = without(0, 2), without(0), without(0, 1, 2)
    said = {
        "A channel multiplies energies. In the logarithm it is a sum, and its mean is "
        "gone.": without(2),
        "This is the mean over the bands. The channel differs from band to band.": without(1),
        "This mean mixes the clips of the batch; each crop has a mean of its own.": mixed,
        "Only the mean is to go, the spread stays.": without(2) / bands.std(axis=2, keepdims=True),
    }
    return judge(ask(answer, bands), said)


def pooled(answer: Answer) -> Verdict:
    """Frames h (C, T) and their scores (C, T) to mean and spread, one after the other (2 C,)."""
    rng = np.random.default_rng(0)
    h, score = rng.normal(1, 1, (4, 9)), rng.normal(0, 2, (4, 9))

    def statistics(weight: Array, axis: int = 1, root: bool = True) -> Array:
        share = weight / weight.sum(axis=axis, keepdims=True)
        mean = (share * h).sum(axis=1)
        variance = (share * (h - mean[:, None]) ** 2).sum(axis=1)
        return np.concatenate([mean, np.sqrt(variance) if root else variance])

    weight = np.exp(score)
    right = statistics(weight)
    said = {
        "Whatever the length of the clip, 2 C numbers are left.": right,
        "Shares sum to 1 over time, not over the channels.": statistics(weight, axis=0),
        "The spread is the square root of the variance.": statistics(weight, root=False),
        "All frames count the same here. The scores decide how much each one counts.": (
            statistics(np.ones_like(weight))
        ),
        "The mean is right, and the spread is missing.": right[:4],
    }
    return judge(ask(answer, h, score), said)
