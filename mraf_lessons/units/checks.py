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
    d, draws = first - second, 20_000
    swapped = rng.choice([-1, 1], (draws, 40)) @ d
    of_clips = np.sqrt(np.abs(d).sum()) * rng.normal(size=draws)
    both = np.concatenate([first, second])
    mixed = np.array([rng.permutation(both) for _ in range(4000)])
    apart = mixed[:, :40].sum(axis=1) - mixed[:, 40:].sum(axis=1)
    right, clips_swapped, pairs_lost = (
        (np.abs(chance) >= abs(d.sum()) - 1e-9).mean() for chance in (swapped, of_clips, apart)
    )
    said = {
        "Both systems could have been the other one in any video.": right,
        "You count one direction only. Compare absolute values.": (swapped >= d.sum()).mean(),
        "You swapped single clips. They are near copies: swap whole videos.": clips_swapped,
        "You mixed videos of both systems. Keep the pairs: swap within a video.": pairs_lost,
        "That is how often chance stays below what was measured: 1 − p.": 1 - right,
    }
    return judge(ask(answer, first, second, np.random.default_rng(1)), said, rtol=0.2)
