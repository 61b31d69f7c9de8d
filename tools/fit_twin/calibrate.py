"""Choose the twin's tails and sizes so that twins behave as the measured corpus does."""

from __future__ import annotations

import copy
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from tqdm.auto import tqdm

from mraf.data.clips import Corpus
from mraf.data.twin.factors import BAND_EDGES, Scalars, draw_coordinates
from mraf.data.twin.generate import generate
from mraf.data.twin.people import draw_people, stream
from tools.fit_twin.probe import Probe

Array = NDArray[Any]


class Knob(NamedTuple):
    """One number to choose: where it stands in a modality's scalars, its range and its start.

    A knob of mode "set" is the number itself; "scale" multiplies what stands there by its
    exponential; "power" raises energies to it, keeping their sum: below 1 they are flatter.
    """

    path: tuple[str, ...]
    mode: Literal["set", "scale", "power"]
    low: float
    high: float
    start: float


KNOBS = (
    Knob(("mean",), "scale", -1.5, 1.5, 0.0),
    Knob(("shift",), "scale", -1.5, 2.0, 0.0),
    Knob(("speaker", "energy"), "power", 0.3, 1.3, 0.8),
    Knob(("language", "energy"), "scale", -1.5, 2.5, 0.0),
    Knob(("video", "energy"), "scale", -1.5, 1.5, 0.0),
    Knob(("clip", "energy"), "scale", -1.5, 1.5, 0.0),
    Knob(("speaker", "spread"), "set", 0.0, 0.6, 0.1),
    Knob(("language", "spread"), "set", 0.0, 1.2, 0.4),
    Knob(("video", "spread"), "set", 0.0, 1.0, 0.4),
    Knob(("clip", "spread"), "set", 0.0, 1.0, 0.3),
    Knob(("clip", "video_spread"), "set", 0.0, 1.0, 0.2),
    Knob(("first_language_noise",), "set", -0.5, 0.5, 0.1),
    Knob(("group", "strength"), "set", 0.0, 0.98, 0.4),
    Knob(("stray", "share"), "scale", -1.5, 2.5, 0.5),
    Knob(("stray", "concentration"), "scale", -2.5, 2.5, 1.0),
)


def calibrate(
    corpus: Corpus,
    coordinates: dict[str, Array],
    scalars: Scalars,
    progress: bool = True,
    twins: int = 8,
    rounds: int = 12,
) -> Scalars:
    """Least squares over the `KNOBS` of each modality: mean statistics of twins against the real.

    Args:
        coordinates: unit-length rows of train and cross by modality.
        scalars: from moments, with neutral tails.
        twins: how many seeds are averaged; the same ones in every trial.
        rounds: steps at most; each tries every knob once.
    """
    real = Probe.of(corpus, splits=8, pairs=20_000)
    seeds = range(1000, 1000 + twins)
    shapes = [generate(seed, scalars=scalars) for seed in seeds]
    probes = [Probe.of(shape, splits=2, pairs=4000) for shape in shapes]
    drawn = [draw_people(seed, scalars, corpus.speakers) for seed in seeds]
    low, high, first = np.array([(knob.low, knob.high, knob.start) for knob in KNOBS]).T
    calibrated = dict(scalars)
    for modality, rows in coordinates.items():
        target = real.measure(rows)
        names = list(target)
        wanted, scale = np.array(list(target.values())).T
        with tqdm(desc=f"calibrate {modality}", unit=" trials", disable=not progress) as bar:

            def misfit(
                position: Array,
                modality: str = modality,
                names: list[str] = names,
                wanted: Array = wanted,
                scale: Array = scale,
                bar: Any = bar,
            ) -> Array:
                knobs = low + (high - low) * (position - 1)
                trial = scalars | {modality: turned(scalars[modality], knobs)}
                found = []
                for seed, probe, people in zip(seeds, probes, drawn, strict=True):
                    rng, shown = stream(seed, modality), people.rows(modality)
                    rows = draw_coordinates(rng, trial[modality], people)
                    measured = probe.measure(rows[shown[: len(probe.speaker)]])
                    found.append([measured[name][0] for name in names])
                misses: Array = (np.mean(found, axis=0) - wanted) / scale
                bar.update()
                bar.set_postfix(misfit=f"{np.sum(misses**2):.0f}")
                return misses

            # Positions lie in [1, 2], so that the relative step suits every knob.
            start = 1 + (first - low) / (high - low)
            found = least_squares(
                misfit, start, bounds=(1, 2), diff_step=0.03, max_nfev=rounds, ftol=1e-3, xtol=1e-3
            )
        calibrated[modality] = turned(scalars[modality], low + (high - low) * (found.x - 1))
    return calibrated


def turned(scalars: Scalars, values: Array) -> Scalars:
    """A modality's scalars with the `KNOBS` at the given values."""
    scalars = copy.deepcopy(scalars)
    for knob, value in zip(KNOBS, values, strict=True):
        place = scalars
        for step in knob.path[:-1]:
            place = place[step]
        old = np.asarray(place[knob.path[-1]], dtype=float)
        if knob.mode == "scale":
            value = old * np.exp(value)
        elif knob.mode == "power":
            width = np.diff(BAND_EDGES[: len(old) + 1])
            value = old**value * (width @ old) / (width @ old**value)
        place[knob.path[-1]] = np.round(value, 7).tolist()
    return scalars
