"""The search for the draws of the shipped twin, which `mraf.data.twin.generate.KEPT` names.

Seventy people are a small sample: on free draws the accuracy of class means varies by some points,
as it would on another seventy real people. So factors are drawn again in turn, and a new draw is
kept when it brings the rows nearer to the measured landmarks.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np

from mraf.data.twin.factors import Factors, Scalars
from mraf.data.twin.people import People, stream
from tools.fit_twin.landmarks import Measure, distance, landmarks

NEAR = 0.6
"""Distance from the measured landmarks at which the search ends."""


def search(
    people: People, modality: str, scalars: Scalars, seed: int = 0, draws: int = 24
) -> tuple[int, ...]:
    """Which further draws are kept, of so many draws of the factors at most.

    Args:
        scalars: of the modality.
    """
    factors = Factors(stream(seed, modality), scalars, people)
    measure, listed = landmarks_of(people)
    shown = people.rows(modality)[:listed]

    def away(drawn: dict[str, Any]) -> float:
        return distance(measure(factors.rows(drawn)[shown]), scalars["landmarks"])

    drawn = factors.all()
    nearest, kept = away(drawn), []
    for number, another in islice(factors.again(), draws - 1):
        if nearest < NEAR:
            break
        if (found := away(drawn | another)) < nearest:
            nearest, drawn = found, drawn | another
            kept.append(number)
    return tuple(kept)


def landmarks_of(people: People) -> tuple[Measure, int]:
    """What measures the rows of train and cross, and their number; flawed videos not judged."""
    video = people.video[people.part[people.video] < 2]
    names, times = np.unique(people.name[people.part < 2], return_counts=True)
    sound = ~np.isin(people.name, names[times > 1])
    train = np.flatnonzero(people.part[video] == 0)
    cross = np.flatnonzero((people.part[video] == 1) & sound[video])
    return landmarks(people.speaker[video], people.language[video], video, train, cross), len(video)
