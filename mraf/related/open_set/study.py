"""The whole open-set comparison on one corpus: `mraf related open-set`.

A row for every system, number of shots, language, draw of speakers and metric; under draw "mean"
the mean over draws, and differences between two systems, with 95% intervals over other speakers and
other draws (`mraf.related.study`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from tqdm.auto import tqdm

from mraf.data.clips import Corpus
from mraf.data.describe import unit
from mraf.evaluation.baselines import means_of
from mraf.evaluation.differences import LEVEL, corrected
from mraf.related.metrics import Trials, curve
from mraf.related.open_set import door
from mraf.related.open_set.adapters import Recipe, selected, tune
from mraf.related.open_set.protocol import DRAWS, LESS_IS_BETTER, SHOTS, Draw, deal, measures
from mraf.related.study import Measured, as_grid, estimate, mean_of, people_drawn

MEANS, SINGLE = "nearest class mean", "SpeakerRPL v2"
PLAIN, FUSED = "v2, mean of all runs", "v2, mean of selected runs"
PUBLIC, FEWER, MORE = "v2, public LogitNorm", "v2, no anchors", "v2, 50 anchors"
BETWEEN = "v2, synthetic unknowns"
RECIPES = {
    "softmax": Recipe("softmax"),
    "LogitNorm": Recipe("logitnorm"),
    "ARPL": Recipe("arpl"),
    "SpeakerRPL v1": Recipe("v1", steps=225),  # its bound is on a larger scale: 100 are too few
    SINGLE: Recipe(),
}
VARIANTS = {
    "v1, public signs": Recipe("v1", public_signs=True, steps=225),
    PUBLIC: Recipe(logit_norm="public"),
    FEWER: Recipe(anchors=0),
    MORE: Recipe(anchors=50),
    BETWEEN: Recipe(unknowns=True),
}
VARIANT_SHOTS = 5
RUNS = 30  # of the fusion
FEW = 3  # of everything else; their metrics are averaged

PAIRS = (
    (SINGLE, MEANS),
    (PLAIN, SINGLE),
    (FUSED, PLAIN),
    (FUSED, MEANS),
    (SINGLE, "softmax"),
    (SINGLE, "LogitNorm"),
    (SINGLE, "ARPL"),
    (SINGLE, "SpeakerRPL v1"),
    ("SpeakerRPL v1", "v1, public signs"),
    (SINGLE, PUBLIC),
    (SINGLE, FEWER),
    (MORE, SINGLE),
    (BETWEEN, SINGLE),
    *((f"{door.TUNED} · {faces}", f"{door.MEANS} · {faces}") for faces in door.FACES),
    *((f"{door.MEANS} · {faces}", f"{door.RAW} · {faces}") for faces in door.FACES),
    (f"{door.MEANS} · {door.ANOTHERS}", f"{door.MEANS} · {door.NONE}"),
)
ALL = 0  # "shots" of the door: every clip that the network was trained on
RESAMPLES = 2000
POINTS = 256  # of a curve that is drawn again and again
KEY = ["system", "shots", "language"]
COLUMNS = [*KEY, "draw", "metric", "value", "low", "high"]
MINUS = " − "

Found = dict[tuple[str, int, str, str], list[Measured]]  # by KEY and metric; a number a draw


def table(
    corpus: Corpus,
    *,
    draws: int = DRAWS,
    shots: Sequence[int] = SHOTS,
    runs: int = RUNS,
    few: int = FEW,
    with_door: bool = True,
    device: str = "auto",
    progress: bool = True,
) -> pd.DataFrame:
    """Every system on every draw; the columns of COLUMNS, metrics as fractions.

    Args:
        shots: clips of each known speaker that are enrolled.
        runs, few: adapter runs of the fusion and of every other recipe.
        with_door: also train MRAF on the known speakers; its rows have ALL as shots.
    Raises:
        DataError: a corpus whose speakers cannot be dealt into known and unknown.
    """
    found: Found = {}
    dealt = [deal(corpus, seed) for seed in range(draws)]
    weights = people_drawn(corpus.speakers, RESAMPLES)
    tasks = [(draw, number) for draw in dealt for number in (*shots, *([ALL] if with_door else []))]
    for draw, number in tqdm(tasks, "open set", delay=2, disable=not progress):
        if number == ALL:
            run, seeds = door.door_run(draw, device), seeds_of(draw, few)
            systems = door.door_scores(draw, run, seeds, device)
        else:
            alone = {name: scores[None] for name, scores in class_mean_scores(draw, number).items()}
            systems = {MEANS: alone} | tuned_scores(draw, number, runs, few, device)
        for name, scores in systems.items():
            for language, own in draw.judged.items():
                each_run = [measure(own.trials(run), weights) for run in scores[language]]
                for metric in each_run[0]:
                    one = mean_of([of_run[metric] for of_run in each_run])
                    found.setdefault((name, number, language, metric), []).append(one)
    return as_table(found)


def class_mean_scores(draw: Draw, shots: int) -> dict[str, NDArray[Any]]:
    """Cosines (N, K) to the means of the enrolled clips by language; nothing is trained."""
    enrolled = draw.enrolled(shots)
    means = means_of(enrolled.voice, enrolled)
    return {name: unit(own.clips.voice) @ means.T for name, own in draw.judged.items()}


def tuned_scores(
    draw: Draw, shots: int, runs: int = RUNS, few: int = FEW, device: str = "auto"
) -> dict[str, door.Scores]:
    """What each recipe's runs and both fusions make of the judged clips."""
    enrolled = draw.enrolled(shots)
    found: dict[str, door.Scores] = {}
    for name, recipe in (RECIPES | (VARIANTS if shots == VARIANT_SHOTS else {})).items():
        seeds = seeds_of(draw, runs if name == SINGLE else few)
        adapters = tune(recipe, enrolled.voice, enrolled.labels, seeds, device, progress=False)
        scores = {k: adapters.scores(own.clips.voice) for k, own in draw.judged.items()}
        found[name] = {k: each_run[:few] for k, each_run in scores.items()}
        if name == SINGLE:
            kept = selected(adapters)
            found[PLAIN] = {k: v.mean(axis=0, keepdims=True) for k, v in scores.items()}
            found[FUSED] = {k: v[kept].mean(axis=0, keepdims=True) for k, v in scores.items()}
    return found


def seeds_of(draw: Draw, count: int) -> list[int]:
    """Seeds of so many runs, which no two draws share."""
    return [1000 * draw.seed + run for run in range(count)]


# --- metrics with their intervals ----------------------------------------------------------------


def measure(trials: Trials, weights: NDArray[np.float64]) -> dict[str, Measured]:
    """Every metric of one run, for the speakers as they are and as they are drawn."""
    values, drawn = measures(curve(trials)), measures(curve(trials, weights, POINTS))
    merged = measures(curve(trials, points=POINTS))  # is a little off, and so is each of drawn
    return {
        name: Measured(float(value), drawn[name] - merged[name] + value)
        for name, value in values.items()
    }


def as_table(found: Found, pairs: Sequence[tuple[str, str]] = PAIRS) -> pd.DataFrame:
    """Rows of each draw, of the mean over draws, and of the differences."""
    rows: list[tuple[Any, ...]] = []
    for (name, shots, language, metric), each in found.items():
        key = (name, shots, language)
        rows += [(*key, str(n), metric, one.value, None, None) for n, one in enumerate(each)]
        rows.append((*key, "mean", metric, *estimate(each)))
    for first, second in pairs:
        for (name, shots, language, metric), each in found.items():
            theirs = found.get((second, shots, language, metric))
            if name == first and theirs is not None:
                apart = [own.minus(other) for own, other in zip(each, theirs, strict=True)]
                key = (f"{first}{MINUS}{second}", shots, language)
                rows.append((*key, "mean", metric, *estimate(apart)))
    return pd.DataFrame(rows, columns=COLUMNS)


def differences(
    table: pd.DataFrame, shots: int = VARIANT_SHOTS, metrics: Sequence[str] = ("EER", "OSCR")
) -> pd.DataFrame:
    """The paired differences of one number of shots, oriented so that more is better.

    p-values follow from the intervals, as of a normal distribution, and are corrected over all
    rows.

    Returns:
        Columns first, second, language, metric, difference, low, high, p, p_holm, verdict.
    """
    pairs = table[table.system.str.contains(MINUS) & table.metric.isin(metrics)]
    pairs = pairs[pairs.shots == shots].reset_index(drop=True)
    found = pairs.system.str.extract(f"(?P<first>.*){MINUS}(?P<second>.*)")
    found[["language", "metric", "difference", "low", "high"]] = pairs[
        ["language", "metric", "value", "low", "high"]
    ]
    less = found.metric.isin(LESS_IS_BETTER)
    turned = -found.loc[less, ["difference", "high", "low"]].to_numpy()
    found.loc[less, ["difference", "low", "high"]] = turned
    error = (found.high - found.low) / (2 * stats.norm.ppf(1 - LEVEL / 2))
    return corrected(found.assign(p=2 * stats.norm.sf(found.difference.abs() / error)))


def summary(table: pd.DataFrame) -> str:
    """The means over draws in percent, and the verdicts."""
    return "\n\n".join(_parts(table))


def _parts(table: pd.DataFrame) -> Iterator[str]:
    of_mean = table[(table.draw == "mean") & ~table.system.str.contains(MINUS)]
    for metric in ("EER", "OSCR", "ACC"):
        rows = of_mean[of_mean.metric == metric]
        yield f"{metric} in percent, mean over draws with its 95% interval\n" + as_grid(
            rows, ["system"], ["language", "shots"]
        )
    for shots in (VARIANT_SHOTS, ALL):
        lines = [
            f"{row.first} against {row.second}, {row.language}, {row.metric}: {points(row)}"
            for row in differences(table, shots).itertuples()
        ]
        if lines:
            title = f"{shots} shots" if shots else "all clips enrolled"
            yield "\n".join([f"Paired differences, {title} (points; more is better)", *lines])


def points(row: Any) -> str:
    """A difference as text: `+1.2 [+0.3, +2.1] better`."""
    interval = f"[{100 * row.low:+.1f}, {100 * row.high:+.1f}]"
    return f"{100 * row.difference:+.1f} {interval} {row.verdict}"
