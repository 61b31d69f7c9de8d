"""Checks of notebook 13, where the 192 numbers come from."""

import numpy as np

from mraf_lessons.kit.checker import Answer, Said, Verdict, judge_cases


def mel(answer: Answer) -> Verdict:
    """Hertz (N,) to mel (N,)."""
    return judge_cases(answer, [_mel(np.array([60.0, 1000, 7600]))])


def _mel(hertz: np.ndarray) -> tuple[tuple[np.ndarray], Said]:
    ratio = 1 + hertz / 700
    said = {
        "1,000 Hz are 1,000 mel. Below the scale is nearly linear, above it is logarithmic.": (
            2595 * np.log10(ratio)
        ),
        "The logarithm is the one to base 10.": 2595 * np.log(ratio),
        "The 1 is missing: at 0 Hz this logarithm has no value.": 2595 * np.log10(ratio - 1),
        "This is the way back, from mel to hertz.": 700 * (10 ** (hertz / 2595) - 1),
    }
    return (hertz,), said


def mean_removed(answer: Answer) -> Verdict:
    """Log energies (B, bands, T) to the same without the mean of each band over the crop."""
    bands = np.random.default_rng(0).normal(3, 2, (3, 5, 7))
    said = {
        "A channel multiplies energies. In the logarithm it is a sum, and its mean is gone.": (
            bands - bands.mean(axis=2, keepdims=True)
        ),
        "This is the mean over the bands. The channel differs from band to band.": (
            bands - bands.mean(axis=1, keepdims=True)
        ),
        "This mean mixes the clips of the batch; each crop has a mean of its own.": (
            bands - bands.mean(axis=(0, 2), keepdims=True),
            bands - bands.mean(axis=0, keepdims=True),
            bands - bands.mean(),
        ),
        "Only the mean is to go, the spread stays.": (
            (bands - bands.mean(axis=2, keepdims=True)) / bands.std(axis=2, keepdims=True)
        ),
    }
    return judge_cases(answer, [((bands,), said)])


def pooled(answer: Answer) -> Verdict:
    """Frames h (C, T) and their scores (C, T) to mean and spread, one after the other (2 C,)."""
    return judge_cases(answer, map(_pooled, range(2)))


def _pooled(seed: int) -> tuple[tuple[np.ndarray, np.ndarray], Said]:
    rng = np.random.default_rng(seed)
    h, score = rng.normal(1, 1, (4, 9)), rng.normal(0, 2, (4, 9))

    def statistics(axis: int = 1, root: bool = True, even: bool = False) -> np.ndarray:
        share = np.exp(score) / np.exp(score).sum(axis=axis, keepdims=True)
        share = np.full_like(share, 1 / share.shape[1]) if even else share
        mean = (share * h).sum(axis=1)
        spread = (share * (h - mean[:, None]) ** 2).sum(axis=1)
        return np.concatenate([mean, np.sqrt(spread) if root else spread])

    said = {
        "Whatever the length of the clip, 2 C numbers are left.": statistics(),
        "The shares of a channel are to sum to 1 over time, not over the channels.": (
            statistics(axis=0)
        ),
        "The spread is the square root of the weighted variance.": statistics(root=False),
        "All frames count the same here. The scores decide how much each one counts.": (
            statistics(even=True)
        ),
        "The mean is right, and the spread is missing.": statistics()[:4],
    }
    return (h, score), said
