"""The whole open-set comparison on one corpus: `mraf related open-set`."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm.auto import tqdm

from mraf.data.clips import Corpus, unit
from mraf.evaluation.baselines import means_of
from mraf_related import study
from mraf_related.metrics import curve, eer
from mraf_related.open_set.adapters import Recipe, selected, tune
from mraf_related.open_set.protocol import Draw, OpenSetClips, deal, measures
from mraf_related.study import Found, Measured, people_drawn, table_of

Scores = Mapping[str, NDArray[Any]]  # by language, of each run, (R, N, K)

MEANS, SINGLE = "nearest class mean", "SpeakerRPL v2"
PLAIN, FUSED = "v2, mean of all runs", "v2, mean of selected runs"
RAW_PLAIN, RAW_FUSED = "v2, raw mean of all runs", "v2, raw mean of the public selection"
PUBLIC, FEWER, MORE = "v2, public LogitNorm", "v2, no anchors", "v2, 50 anchors"
LONGER = "v2, 1200 steps"
ALONE = "v2, without unknown speakers"
RECIPES = {"softmax": Recipe("softmax"), SINGLE: Recipe(), ALONE: Recipe()}
VARIANTS = {  # of the whole list with five shots, as the fusions are
    "LogitNorm": Recipe("logitnorm"),
    "SpeakerRPL v1": Recipe("v1"),
    PUBLIC: Recipe(logit_norm="public"),
    FEWER: Recipe(anchors=0),
    MORE: Recipe(anchors=50),
    LONGER: Recipe(steps=1200),  # about the public code's 75 epochs of 40 + 10 speakers' clips
}
DRAWS = 5
SHOTS = (1, 5, 10)  # of the whole list
LISTS = (1 / 8, 1 / 4, 1 / 2)  # of the targets, at least SHORTEST: 5, 10, 20 of 40
SHORTEST = 5  # of fewer, some draws of people hold none; see `people_drawn`
LIST_SHOTS = 5
RUNS = 30  # of the fusion
FEW = 3  # of everything else; their metrics are averaged

PAIRS = (
    (SINGLE, MEANS),
    (PLAIN, SINGLE),
    (FUSED, PLAIN),
    (FUSED, MEANS),
    (RAW_FUSED, RAW_PLAIN),
    (RAW_FUSED, FUSED),
    (RAW_FUSED, MEANS),
    *((SINGLE, name) for name in ("softmax", "LogitNorm", "SpeakerRPL v1", ALONE)),
    (SINGLE, PUBLIC),
    (SINGLE, FEWER),
    (MORE, SINGLE),
    (LONGER, SINGLE),
)
RESAMPLES = 1000
POINTS = 256  # of a curve that is drawn again and again
ALL = 0  # "shots" where every clip is enrolled, see `mraf_related.door.study`
KEY = ["system", "targets", "shots", "language", "metric"]
COLUMNS = [*KEY, "draw", "value", "low", "high", "p", "p_equal"]


def table(corpus: Corpus) -> pd.DataFrame:
    """Every system on every draw, metrics as fractions. Raises as `deal`."""
    found: Found = {}
    dealt = [deal(corpus, seed) for seed in range(DRAWS)]
    whole = dealt[0].known.speakers
    lists = {max(SHORTEST, round(share * whole)) for share in LISTS}
    asked = [(count, LIST_SHOTS) for count in sorted(lists) if count < whole]
    asked += [(whole, shots) for shots in SHOTS]
    for draw, place in tqdm(list(product(dealt, asked)), "open set", delay=2):
        add(found, draw, place, tuned_scores(draw, *reversed(place)))
    return table_of(found, PAIRS, KEY, corpus.speakers)[COLUMNS]


def add(found: Found, draw: Draw, place: tuple[int, int], systems: Mapping[str, Scores]) -> None:
    """Measure what systems make of a draw's judged clips, at a place (targets, shots)."""
    for (name, scores), (language, judged) in product(systems.items(), draw.judged.items()):
        own = judged.listed(place[0])
        weights = people_drawn(draw.people, RESAMPLES)
        runs = [measure(own, run, weights) for run in scores[language]]
        for metric in runs[0]:
            each = [run[metric] for run in runs]
            value = float(np.mean([one.value for one in each]))
            mean = Measured(value, np.mean([one.drawn for one in each], axis=0))
            found.setdefault((name, *place, language, metric), []).append(mean)


def class_mean_scores(draw: Draw, shots: int, targets: int | None = None) -> dict[str, Any]:
    """Cosines (N, K) to the means of the enrolled clips by language; nothing is trained."""
    count = targets or draw.known.speakers
    enrolled = draw.enrolled(shots, count)
    means = means_of(enrolled.voice, enrolled)
    judged = {name: own.listed(count) for name, own in draw.judged.items()}
    return {name: unit(own.clips.voice) @ means.T for name, own in judged.items()}


def tuned_scores(draw: Draw, shots: int, targets: int | None = None) -> dict[str, Scores]:
    """What class means, each recipe's runs and, in the main place, the fusions make of the clips.

    All but one recipe also train on as many clips of unknown speakers, as classes of their own.
    """
    count = targets or draw.known.speakers
    own, others = draw.enrolled(shots, count), draw.others(shots)
    rows = np.concatenate([own.voice, others.voice])
    labels = np.concatenate([own.labels, others.labels + count])
    alone = class_mean_scores(draw, shots, count)
    judged = {name: each.listed(count).clips.voice for name, each in draw.judged.items()}
    found: dict[str, Scores] = {MEANS: {name: scores[None] for name, scores in alone.items()}}
    main = (shots, count) == (LIST_SHOTS, draw.known.speakers)
    for name, recipe in (RECIPES | (VARIANTS if main else {})).items():
        seeds = draw.seeds(RUNS if main and name == SINGLE else FEW)
        n = len(own) if name == ALONE else len(rows)  # unknown speakers come last
        adapters = tune(recipe, rows[:n], labels[:n], seeds, progress=False, targets=count)
        scores = {k: adapters.scores(voice) for k, voice in judged.items()}
        found[name] = {k: each_run[:FEW] for k, each_run in scores.items()}
        if main and name == SINGLE:
            raw = {k: adapters.scores(voice, raw=True) for k, voice in judged.items()}
            every = np.arange(RUNS)
            for fusion, of, kept in (
                (PLAIN, scores, every),
                (FUSED, scores, selected(adapters)),
                (RAW_PLAIN, raw, every),
                (RAW_FUSED, raw, selected(adapters, public=True)),
            ):
                found[fusion] = {k: v[kept].mean(axis=0, keepdims=True) for k, v in of.items()}
    return found


# --- metrics with their intervals ----------------------------------------------------------------


def measure(
    judged: OpenSetClips, scores: NDArray[Any], weights: NDArray[np.float64]
) -> dict[str, Measured]:
    """Every metric of one run, for the speakers as they are and as they are drawn."""
    found: dict[str, Measured] = {}
    both = np.concatenate([np.ones((1, weights.shape[1])), weights])
    for trials, of in (
        (judged.trials(scores), measures),
        (judged.pooled(scores), lambda found: {"pooled EER": eer(found)}),
    ):
        values, drawn = of(curve(trials)), of(curve(trials, both, POINTS))
        for name, value in values.items():
            # the first of both is of everybody: how far off fewer points are, and so is each draw
            found[name] = Measured(float(value), drawn[name][1:] - drawn[name][0] + value)
    return found


def summary(table: pd.DataFrame) -> str:
    """The means over draws in percent, and the verdicts, of five shots and the whole list."""
    rows = main_place(table).sort_values("metric", kind="stable")
    return study.summary(rows, ["metric", "system"], ["language"], compared(table))


def main_place(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of five shots, or of all clips, and the whole list."""
    whole = table.targets == table.targets.max()
    return table[whole & table.shots.isin([LIST_SHOTS, ALL])]


def compared(table: pd.DataFrame) -> pd.DataFrame:
    """The paired differences of five shots and the whole list, see `differences`."""
    rows = main_place(table)
    return study.differences(rows[rows.metric != "ACC"], ["language", "metric"])
