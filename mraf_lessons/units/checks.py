"""Checks of notebook 01c, units and tests."""

import numpy as np

from mraf_lessons.ablations.checks import holm as holm
from mraf_lessons.evaluation.checks import video_interval as video_interval
from mraf_lessons.kit.checker import Answer, Verdict, ask, judge


def swap_test(answer: Answer) -> Verdict:
    """The p-value of a test that swaps two systems within random videos, for counts (V,)."""
    rng = np.random.default_rng(9)
    clips = rng.integers(2, 30, 40)
    share = np.where(rng.random(40) < 0.3, 0.3, 0.95)
    first, second = rng.binomial(clips, share), rng.binomial(clips, share * 0.96)
    given = ask(answer, first, second, np.random.default_rng(1))
    d, draws = first - second, 20_000
    chance = rng.choice([-1, 1], (draws, 40)) @ d
    of_clips = np.sqrt(np.abs(d).sum()) * rng.normal(size=draws)
    both = np.concatenate([first, second])
    mixed = np.array([rng.permutation(both) for _ in range(4000)])
    apart = mixed[:, :40].sum(axis=1) - mixed[:, 40:].sum(axis=1)
    said = {
        "Both systems could have been the other one in any video.": _p(chance, d.sum()),
        "You count one direction only. Compare absolute values: a test asks whether they differ.": (
            (chance >= d.sum()).mean()
        ),
        "You swapped single clips. Clips of a video are near copies: swap whole videos.": (
            _p(of_clips, d.sum())
        ),
        "You mixed videos of both systems. Keep the pairs: swap within a video.": _p(
            apart, d.sum()
        ),
        "That is how often chance stays below what was measured: 1 − p.": 1 - _p(chance, d.sum()),
    }
    return judge(given, said, rtol=0.2)


def _p(chance: np.ndarray, measured: float) -> float:
    return float((np.abs(chance) >= abs(measured) - 1e-9).mean())
