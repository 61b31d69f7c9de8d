"""The whole open-set comparison on one corpus: `mraf related open-set`.

A row for every system, number of shots, language, draw of speakers and metric; under draw "mean"
the mean over draws, and differences between two systems, with 95% intervals. They speak of other
speakers and other draws: speakers are drawn with replacement, the same in all draws of the protocol
and for all systems, and draws add what they differ beyond that (as seeds do in
`mraf.evaluation.differences`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from tqdm.auto import tqdm

from mraf.data.clips import Corpus
from mraf.data.describe import unit
from mraf.evaluation.baselines import means_of
from mraf.evaluation.differences import LEVEL, corrected, over_seeds
from mraf.related.open_set import door
from mraf.related.open_set.adapters import Adapters, Recipe, tune
from mraf.related.open_set.deal import DRAWS, SHOTS, Draw, deal
from mraf.related.open_set.fusion import selected
from mraf.related.open_set.metrics import LESS_IS_BETTER, Trials, curve, measures

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


class Measured(NamedTuple):
    """A metric of one system in one draw: its value, and for other speakers, shape (B,)."""

    value: float
    drawn: NDArray[np.float64]


Found = dict[tuple[str, int, str], list[dict[str, Measured]]]  # by KEY; a dict a draw


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
    weights = speakers_drawn(corpus.speakers)
    tasks = [(draw, number) for draw in dealt for number in (*shots, *([ALL] if with_door else []))]
    for draw, number in tqdm(tasks, "open set", delay=2, disable=not progress):
        if number == ALL:
            run, seeds = door.door_run(draw, device), seeds_of(draw, few)
            systems = door.door_scores(draw, run, seeds, device)
        else:
            systems = {MEANS: [class_mean_scores(draw, number)]}
            systems |= tuned_scores(draw, number, runs, few, device)
        for name, each_run in systems.items():
            for language in draw.judged:
                of_run = [measure(draw, language, run[language], weights) for run in each_run]
                found.setdefault((name, number, language), []).append(mean_of(of_run))
    return as_table(found)


def class_mean_scores(draw: Draw, shots: int) -> dict[str, NDArray[Any]]:
    """Cosines to the means of the enrolled clips; nothing is trained."""
    enrolled = draw.enrolled(shots)
    means = means_of(enrolled.voice, enrolled)
    return {name: unit(own.clips.voice) @ means.T for name, own in draw.judged.items()}


def tuned_scores(
    draw: Draw, shots: int, runs: int = RUNS, few: int = FEW, device: str = "auto"
) -> dict[str, list[door.Scores]]:
    """What each recipe's runs and both fusions make of the judged clips."""
    enrolled = draw.enrolled(shots)
    recipes = RECIPES | (VARIANTS if shots == VARIANT_SHOTS else {})
    found: dict[str, list[door.Scores]] = {}
    for name, recipe in recipes.items():
        count = runs if name == SINGLE else few
        seeds = seeds_of(draw, count)
        adapters = tune(recipe, enrolled.voice, enrolled.labels, seeds, device, progress=False)
        scores = scores_of(adapters, draw)
        found[name] = [{k: v[run] for k, v in scores.items()} for run in range(min(few, count))]
        if name == SINGLE:
            kept = selected(adapters)
            found[PLAIN] = [{k: v.mean(axis=0) for k, v in scores.items()}]
            found[FUSED] = [{k: v[kept].mean(axis=0) for k, v in scores.items()}]
    return found


def seeds_of(draw: Draw, count: int) -> list[int]:
    """Seeds of so many runs, which no two draws share."""
    return [1000 * draw.seed + run for run in range(count)]


def scores_of(adapters: Adapters, draw: Draw) -> dict[str, NDArray[np.float32]]:
    """Scores (R, N, K) of the judged clips by language."""
    return {name: adapters.scores(own.clips.voice) for name, own in draw.judged.items()}


# --- metrics with their intervals ----------------------------------------------------------------


def speakers_drawn(speakers: int, resamples: int = RESAMPLES, seed: int = 0) -> NDArray[np.float64]:
    """How often each speaker is drawn, shape (B, C)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(speakers, np.full(speakers, 1 / speakers), resamples).astype(float)


def measure(
    draw: Draw, language: str, scores: NDArray[Any], weights: NDArray[np.float64]
) -> dict[str, Measured]:
    """Every metric of scores (N, K) of a language's judged clips."""
    own = draw.judged[language]
    trials = Trials(scores, own.target, own.clips.labels)
    values, drawn = measures(curve(trials)), measures(curve(trials, weights, POINTS))
    merged = measures(curve(trials, points=POINTS))  # is a little off, and so is each of drawn
    return {
        name: Measured(float(value), drawn[name] - merged[name] + value)
        for name, value in values.items()
    }


def mean_of(runs: Sequence[Mapping[str, Measured]]) -> dict[str, Measured]:
    """The mean of each metric over runs: what one run may be expected to do."""
    return {
        name: Measured(
            float(np.mean([run[name].value for run in runs])),
            np.mean([run[name].drawn for run in runs], axis=0),
        )
        for name in runs[0]
    }


def as_table(found: Found, pairs: Sequence[tuple[str, str]] = PAIRS) -> pd.DataFrame:
    """Rows of each draw, of the mean over draws, and of the differences."""
    rows: list[tuple[Any, ...]] = []
    for (name, shots, language), draws in found.items():
        for metric in draws[0]:
            each = [draw[metric] for draw in draws]
            for number, one in enumerate(each):
                key = (name, shots, language, str(number), metric)
                rows.append((*key, one.value, np.nan, np.nan))
            rows.append((name, shots, language, "mean", metric, *estimate(each)))
    for first, second in pairs:
        for (name, shots, language), draws in found.items():
            rivals = found.get((second, shots, language))
            if name == first and rivals is not None:
                for metric in draws[0]:
                    each = [
                        Measured(
                            a[metric].value - b[metric].value, a[metric].drawn - b[metric].drawn
                        )
                        for a, b in zip(draws, rivals, strict=True)
                    ]
                    key = (f"{first} − {second}", shots, language, "mean", metric)
                    rows.append((*key, *estimate(each)))
    return pd.DataFrame(rows, columns=COLUMNS)


def estimate(draws: Sequence[Measured], seed: int = 0) -> tuple[float, float, float]:
    """Mean over draws and its 95% interval."""
    value = np.array([draw.value for draw in draws])
    drawn = np.stack([draw.drawn for draw in draws], axis=1)  # (B, D)
    drawn = drawn[np.isfinite(drawn).all(axis=1)]  # a resample may lack unknown speakers
    low, high = np.quantile(over_seeds(value, drawn, seed), [LEVEL / 2, 1 - LEVEL / 2])
    return float(value.mean()), float(low), float(high)


# --- to read -------------------------------------------------------------------------------------


def differences(
    table: pd.DataFrame, shots: int = VARIANT_SHOTS, metrics: Sequence[str] = ("EER", "OSCR")
) -> pd.DataFrame:
    """The paired differences of one number of shots, oriented so that more is better.

    p-values follow from the intervals, as of a normal distribution, and are corrected over all
    rows.

    Returns:
        Columns first, second, language, metric, difference, low, high, p, p_holm, verdict.
    """
    pairs = table[table.system.str.contains(" − ") & table.metric.isin(metrics)]
    pairs = pairs[pairs.shots == shots]
    named = pairs.system.str.extract("(.*) − (.*)")
    less = pairs.metric.isin(LESS_IS_BETTER)
    found = pd.DataFrame(
        {
            "first": named[0],
            "second": named[1],
            "language": pairs.language,
            "metric": pairs.metric,
            "difference": pairs.value.where(~less, -pairs.value),
            "low": pairs.low.where(~less, -pairs.high),
            "high": pairs.high.where(~less, -pairs.low),
        }
    ).reset_index(drop=True)
    error = (found.high - found.low) / (2 * stats.norm.ppf(1 - LEVEL / 2))
    return corrected(found.assign(p=2 * stats.norm.sf(found.difference.abs() / error)))


def summary(table: pd.DataFrame) -> str:
    """The means over draws in percent, and the verdicts."""
    return "\n\n".join(_parts(table))


def _parts(table: pd.DataFrame) -> Iterator[str]:
    of_mean = table[(table.draw == "mean") & ~table.system.str.contains(" − ")]
    for metric in ("EER", "OSCR", "ACC"):
        rows = of_mean[of_mean.metric == metric]
        cells = rows.assign(
            cell=[
                f"{100 * r.value:.1f} [{100 * r.low:.1f}, {100 * r.high:.1f}]"
                for r in rows.itertuples()
            ]
        )
        wide = cells.pivot(index="system", columns=["language", "shots"], values="cell")
        wide = wide.reindex(
            index=rows.system.unique(),
            columns=list(dict.fromkeys(zip(rows.language, rows.shots, strict=True))),
        ).fillna("–")
        yield f"{metric} in percent, mean over draws with its 95% interval\n{wide.to_string()}"
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
