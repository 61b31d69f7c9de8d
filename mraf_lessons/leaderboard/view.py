"""What notebook 08 reads off judged systems: their protocol, and what a judge has looked at."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mraf.data.clips import FeatureSet, unit
from mraf_related.leaderboard.methods import Scores
from mraf_related.leaderboard.protocols import COPY, PROTOCOLS, Sight


def by_protocol(scores: pd.DataFrame) -> pd.DataFrame:
    """Scores of names as "MRAF, batch: prototypes", split into system, protocol and method."""
    form = r"^(?P<system>.*), (?P<protocol>[^:,]+)(?:: (?P<method>.*))?$"
    parts = scores.system.str.extract(form).fillna({"method": "alone"})
    known = parts.protocol.isin([*PROTOCOLS, COPY.name])
    return parts.join(scores.drop(columns="system"))[known].reset_index(drop=True)


def sights(
    judge: Callable[[FeatureSet], Scores], clips: FeatureSet, row: int, draws: int = 3
) -> set[Sight]:
    """What the scores of the clip `row` depend on: noise in its place changes them, bit for bit.

    The judge maps clips with faces to scores (N, C).
    """
    rng = np.random.default_rng(0)
    own = np.arange(len(clips)) == row
    same_video = (clips.video == clips.video[row]) & ~own
    before = judge(clips)[row]

    def changed(rows: NDArray[np.bool_], what: str) -> bool:
        values = np.array(getattr(clips, what))
        length = np.linalg.norm(values[rows], axis=1, keepdims=True)
        values[rows] = unit(rng.standard_normal(values[rows].shape)) * length
        other = replace(clips, face=values) if what == "face" else replace(clips, voice=values)
        return not np.array_equal(before, judge(other)[row])

    asked = {
        Sight.VOICES: (~own, "voice"),
        Sight.OTHER_FACES: (~own & ~same_video, "face"),
        Sight.SAME_VIDEO: (same_video, "face"),
        Sight.OWN_FACE: (own, "face"),
    }
    return {
        sight
        for sight, (rows, what) in asked.items()
        if rows.any() and any(changed(rows, what) for _ in range(draws))
    }
