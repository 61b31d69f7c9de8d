"""The whole open-set comparison on one corpus: `mraf related open-set`.

A row for every system, number of shots, language, draw of speakers and metric; under draw "mean"
the mean over draws, and differences between two systems, with 95% intervals over other speakers and
other draws (`mraf.related.study`).

With ALL as shots it is MRAF that stands at the door. One network for each draw is trained on the
known speakers alone. Enrolled are all clips that it was trained on, each with its face and without.
Judged are clips with their own face, without a face, and with the face of an enrolled speaker other
than the one who speaks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from tqdm.auto import tqdm

from mraf.data.clips import Corpus, FeatureSet, unit
from mraf.evaluation.baselines import ClassMeans, means_of
from mraf.evaluation.differences import LEVEL, corrected
from mraf.related.metrics import Trials, curve
from mraf.related.open_set.adapters import Recipe, of_others, selected, tune
from mraf.related.open_set.protocol import Draw, OpenSetClips, deal, measures
from mraf.related.study import (
    Found,
    Measured,
    apart,
    as_grid,
    fused_output,
    people_drawn,
    tabulated,
)
from mraf.training.experiment import trained
from mraf.variants.build import Network

Scores = Mapping[str, NDArray[Any]]  # by language, of each run, (R, N, K)

MEANS, SINGLE = "nearest class mean", "SpeakerRPL v2"
PLAIN, FUSED = "v2, mean of all runs", "v2, mean of selected runs"
PUBLIC, FEWER, MORE = "v2, public LogitNorm", "v2, no anchors", "v2, 50 anchors"
BETWEEN = "v2, synthetic unknowns"
RECIPES = {
    "softmax": Recipe("softmax"),
    "LogitNorm": Recipe("logitnorm"),
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
DRAWS = 5
SHOTS = (1, 3, 5, 10)
VARIANT_SHOTS = 5
RUNS = 30  # of the fusion
FEW = 3  # of everything else; their metrics are averaged

ALL = 0  # "shots" of the door: every clip that the network was trained on
OWN, NONE, ANOTHERS = FACES = ("own face", "no face", "another's face")
RAW, SOFTMAX = "class means, face and voice", "MRAF, softmax"
DOOR_MEANS, TUNED = "MRAF, class means", "MRAF, SpeakerRPL v2"
DOOR_RECIPE = Recipe(steps=450)  # thousands of clips are enrolled here, not fifty

PAIRS = (
    (SINGLE, MEANS),
    (PLAIN, SINGLE),
    (FUSED, PLAIN),
    (FUSED, MEANS),
    *((SINGLE, name) for name in ("softmax", "LogitNorm", "SpeakerRPL v1")),
    ("SpeakerRPL v1", "v1, public signs"),
    (SINGLE, PUBLIC),
    (SINGLE, FEWER),
    (MORE, SINGLE),
    (BETWEEN, SINGLE),
    *((f"{TUNED} · {faces}", f"{DOOR_MEANS} · {faces}") for faces in FACES),
    *((f"{DOOR_MEANS} · {faces}", f"{RAW} · {faces}") for faces in FACES),
    (f"{DOOR_MEANS} · {ANOTHERS}", f"{DOOR_MEANS} · {NONE}"),
)
LESS_IS_BETTER = ("EER", "minDCF 0.1", "minDCF 0.01")
RESAMPLES = 2000
POINTS = 256  # of a curve that is drawn again and again
KEY = ["system", "shots", "language", "metric"]
COLUMNS = ["system", "shots", "language", "draw", "metric", "value", "low", "high"]
MINUS = " − "


def table(corpus: Corpus) -> pd.DataFrame:
    """Every system on every draw; the columns of COLUMNS, metrics as fractions.

    Raises:
        DataError: a corpus whose speakers cannot be dealt into known and unknown.
    """
    found: Found = {}
    dealt = [deal(corpus, seed) for seed in range(DRAWS)]
    weights = people_drawn(corpus.speakers, RESAMPLES)
    for draw, shots in tqdm(list(product(dealt, (*SHOTS, ALL))), "open set", delay=2):
        if shots == ALL:
            seeds = {"seed": draw.seed, "split_seed": draw.seed}
            systems = door_scores(draw, trained("quick", draw.known, seeds).model)
        else:
            systems = tuned_scores(draw, shots)
        for (name, scores), (language, judged) in product(systems.items(), draw.judged.items()):
            runs = [measure(judged.trials(run), weights) for run in scores[language]]
            for metric in runs[0]:
                each = [run[metric] for run in runs]
                value = float(np.mean([one.value for one in each]))
                mean = Measured(value, np.mean([one.drawn for one in each], axis=0))
                found.setdefault((name, shots, language, metric), []).append(mean)
    return as_table(found)


def class_mean_scores(draw: Draw, shots: int) -> dict[str, NDArray[Any]]:
    """Cosines (N, K) to the means of the enrolled clips by language; nothing is trained."""
    enrolled = draw.enrolled(shots)
    means = means_of(enrolled.voice, enrolled)
    return {name: unit(own.clips.voice) @ means.T for name, own in draw.judged.items()}


def tuned_scores(draw: Draw, shots: int) -> dict[str, Scores]:
    """What class means, each recipe's runs and both fusions make of the judged clips."""
    enrolled = draw.enrolled(shots)
    alone = class_mean_scores(draw, shots)
    found: dict[str, Scores] = {MEANS: {name: scores[None] for name, scores in alone.items()}}
    for name, recipe in (RECIPES | (VARIANTS if shots == VARIANT_SHOTS else {})).items():
        seeds = seeds_of(draw, RUNS if name == SINGLE else FEW)
        adapters = tune(recipe, enrolled.voice, enrolled.labels, seeds, progress=False)
        scores = {k: adapters.scores(own.clips.voice) for k, own in draw.judged.items()}
        found[name] = {k: each_run[:FEW] for k, each_run in scores.items()}
        if name == SINGLE:
            kept = selected(adapters)
            found[PLAIN] = {k: v.mean(axis=0, keepdims=True) for k, v in scores.items()}
            found[FUSED] = {k: v[kept].mean(axis=0, keepdims=True) for k, v in scores.items()}
    return found


def seeds_of(draw: Draw, count: int) -> list[int]:
    """Seeds of so many runs, which no two draws share."""
    return [1000 * draw.seed + run for run in range(count)]


# --- the door ------------------------------------------------------------------------------------


def shown(judged: OpenSetClips, faces: str, draw: Draw) -> FeatureSet:
    """The judged clips as they come to the door, with one of FACES."""
    if faces == OWN:
        return judged.clips
    if faces == NONE:
        return judged.clips.without_faces()
    rng = np.random.default_rng(draw.seed)
    other = of_others(judged.target, draw.enrolment.labels, rng)
    return replace(judged.clips, face=draw.enrolment.face[other])


def door_scores(draw: Draw, model: Network) -> dict[str, Scores]:
    """What each system makes of the judged clips with each face, by "SYSTEM · FACES".

    - RAW: cosines to the class means of raw faces and voices, added up; no network.
    - SOFTMAX: the probability that the network's fused head gives.
    - DOOR_MEANS: cosines of e_c to the enrolled means of the same kind, with or without a face.
    - TUNED: a SpeakerRPL v2 adapter on e_c, tuned on both kinds; FEW runs.
    """
    enrolled = draw.enrolment
    raw = ClassMeans(enrolled, "sum")
    kinds = [fused_output(model, clips)[0] for clips in (enrolled, enrolled.without_faces())]
    with_face, without = (means_of(rows, enrolled) for rows in kinds)
    labels, seeds = np.tile(enrolled.labels, 2), seeds_of(draw, FEW)
    adapters = tune(DOOR_RECIPE, np.concatenate(kinds), labels, seeds, progress=False)
    found: dict[str, dict[str, NDArray[Any]]] = {}
    for faces, (language, judged) in product(FACES, draw.judged.items()):
        clips = shown(judged, faces, draw)
        embedding, probability = fused_output(model, clips)
        scores = {
            RAW: raw(clips)[raw.name][None],
            SOFTMAX: probability[None],
            DOOR_MEANS: (unit(embedding) @ (without if faces == NONE else with_face).T)[None],
            TUNED: adapters.scores(embedding),
        }
        for name, each_run in scores.items():
            found.setdefault(f"{name} · {faces}", {})[language] = each_run
    return dict(found)


# --- metrics with their intervals ----------------------------------------------------------------


def measure(trials: Trials, weights: NDArray[np.float64]) -> dict[str, Measured]:
    """Every metric of one run, for the speakers as they are and as they are drawn."""
    values, drawn = measures(curve(trials)), measures(curve(trials, weights, POINTS))
    merged = measures(curve(trials, points=POINTS))  # is a little off, and so is each of drawn
    return {
        name: Measured(float(value), drawn[name] - merged[name] + value)
        for name, value in values.items()
    }


def as_table(found: Found) -> pd.DataFrame:
    """Rows of each draw, of the mean over draws, and of the differences of PAIRS."""
    minus = {
        (f"{first}{MINUS}{second}", *place): each
        for first, second in PAIRS
        for place, each in apart(found, first, second).items()
    }
    rows = tabulated(found | minus, KEY, "draw", "mean")
    is_mean = rows.draw == "mean"
    rows[["low", "high"]] = rows[["low", "high"]].where(is_mean)
    rows = rows[is_mean | ~rows.system.str.contains(MINUS)]
    return rows.astype({"draw": str}).reset_index(drop=True)[COLUMNS]


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
    kept = pairs[["language", "metric", "value", "low", "high"]]
    found = found.join(kept.rename(columns={"value": "difference"}))
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
