"""A made-up world in which the truth is known, to see whether intervals keep their promise."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from mraf.evaluation.differences import ArmRuns, difference

RIGHT_IF_EASY, RIGHT_IF_HARD = 0.97, 0.2  # probability that a clip is named rightly
CLIPS_OF_A_VIDEO = 10  # on average
# How much of what makes a video hard for a run comes from where; the shares sum to 1.
SHARES = {"video": 0.56, "seed": 0.01, "arm × video": 0.19, "arm × seed": 0.01, "run": 0.23}


def simulated_pair(
    rng: np.random.Generator,
    videos: int,
    seeds: int = 5,
    hard: tuple[float, float] = (0.2, 0.25),
) -> tuple[NDArray[np.bool_], NDArray[np.int64], float]:
    """Two arms, trained with the same seeds and judged on the same clips.

    A video is hard for a run if a standard normal number falls into its lower tail, the share
    `hard` of each arm. Returns outcomes (2, S, N), videos (N,), and the true difference.
    """
    shapes = ((1, 1, videos), (1, seeds, 1), (2, 1, videos), (2, seeds, 1), (2, seeds, videos))
    parts = (
        np.sqrt(share) * rng.normal(size=shape)
        for share, shape in zip(SHARES.values(), shapes, strict=True)
    )
    is_hard = sum(parts) < stats.norm.ppf(hard)[:, None, None]
    video = np.repeat(np.arange(videos), rng.geometric(1 / CLIPS_OF_A_VIDEO, size=videos))
    chance = np.where(is_hard, RIGHT_IF_HARD, RIGHT_IF_EASY)[:, :, video]
    truth = (hard[1] - hard[0]) * (RIGHT_IF_EASY - RIGHT_IF_HARD)
    return rng.random(chance.shape) < chance, video, truth


def as_runs(outcomes: NDArray[np.bool_], video: NDArray[np.int64]) -> tuple[ArmRuns, ArmRuns]:
    """The two arms as if recorded in P3, for outcomes (2, S, N) and videos (N,)."""
    clips = {"english": np.bincount(video).astype(float)}
    correct = np.apply_along_axis(lambda run: np.bincount(video, run), 2, outcomes)  # (2, S, V)
    seeds = tuple(range(outcomes.shape[1]))
    first, second = (
        ArmRuns(name, seeds, {"P3": arm}, clips)
        for name, arm in zip(("first", "second"), correct, strict=True)
    )
    return first, second


def coverage(
    videos: Sequence[int], trials: int = 200, seeds: int = 5, resamples: int = 500, seed: int = 0
) -> pd.DataFrame:
    """How often 95% bootstrap intervals of a paired difference hold the truth, by what is drawn."""
    rng, rows = np.random.default_rng(seed), []
    for count in videos:
        held: Counter[str] = Counter()
        for trial in range(trials):
            outcomes, video, truth = simulated_pair(rng, count, seeds)
            found = difference(*as_runs(outcomes, video), ["P3"], resamples, trial)
            delta = (outcomes[0].astype(float) - outcomes[1]).mean(axis=0)  # (N,) over seeds
            intervals = {
                "videos and seeds": found[["low", "high"]].to_numpy()[0],
                "videos": _drawn(rng, delta, video, resamples),
                "clips": _drawn(rng, delta, np.arange(len(delta)), resamples),
            }
            for drawn, (low, high) in intervals.items():
                held[drawn] += low <= truth <= high
        rows += [(count, drawn, number / trials) for drawn, number in held.items()]
    return pd.DataFrame(rows, columns=["videos", "drawn", "covers"])


def _drawn(
    rng: np.random.Generator, delta: NDArray[np.float64], unit: NDArray[np.int64], resamples: int
) -> NDArray[np.float64]:
    """The plain bootstrap interval of a mean over clips (N,) that draws units."""
    total, clips = np.bincount(unit, weights=delta), np.bincount(unit)
    k = rng.multinomial(len(clips), np.full(len(clips), 1 / len(clips)), size=resamples)
    return np.quantile((k @ total) / (k @ clips), [0.025, 0.975])
