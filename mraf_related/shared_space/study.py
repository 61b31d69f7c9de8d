"""Shared space, its variants and the baselines on people never trained on, fold by fold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm.auto import tqdm

from mraf.data.clips import Corpus, FeatureSet
from mraf.data.splits import cross_split
from mraf_related.metrics import eer
from mraf_related.shared_space.rivals import fit_chosen_correlation, fit_fop_branches
from mraf_related.shared_space.space import (
    Embedder,
    SharedSpaceConfig,
    features,
    fit_shared_space,
    simulated_traits,
)
from mraf_related.study import MINUS, Found, Measured, as_grid, minus, people_drawn, tabulated
from mraf_related.trials import (
    Fold,
    Lineups,
    Pairs,
    draw_lineups,
    draw_trials,
    identity_folds,
    rates,
    right_matches,
)

PAPER_EER = 0.2399
"""The winner's mean EER on the challenge's own test (other people, trials and face features)."""
WINNER, RIVAL = "shared space, dropout 0.9", "FOP"
"""Of the winner's two values of dropout, the one whose variants are measured."""
RECIPE = SharedSpaceConfig(batch_size=64)
"""Four times as fast as the winner's batches of 16, which are measured beside it."""
VARIANT = "· "
"""How the names of systems start that change one thing about `WINNER`."""
DIFFERENCES = ("EER minus FOP's", "EER minus the space's")
CANDIDATES = (2, 5, 10)
LEVELS = np.round(np.arange(0.02, 1, 0.02), 2)
"""False-accept rates at which the DET curve is recorded."""
RESAMPLES = 1000
ALL = "all"  # the fold of a row that holds the mean over folds
KEY = ["system", "language", "condition", "metric", "at"]
COLUMNS = ["corpus", *KEY, "fold", "seed", "n", "value", "low", "high"]

Fit = Callable[[FeatureSet, int], Embedder]


class Asked(NamedTuple):
    """What is asked in one language of a fold."""

    clips: FeatureSet
    condition: str
    trials: Pairs
    lineups: Lineups


def systems(corpus: Corpus) -> dict[str, Fit]:
    """Everything that is compared: how to fit it on training clips, with a seed.

    Those whose names start with `VARIANT` change one thing about the first. The finer parts of the
    recipe are left out on the twin: so near to chance they cannot be told apart.
    """

    def space(streams: Any = (features,), **changes: Any) -> Fit:
        config = replace(RECIPE, **{"dropout": 0.9, **changes})
        return lambda train, seed: fit_shared_space(
            train, replace(config, seed=seed), streams, progress=False
        )

    found: dict[str, Fit] = {
        WINNER: space(),
        "shared space, dropout 0.1": space(dropout=0.1),
        VARIANT + "a classifier each": space(classifier="separate"),
    }
    if corpus.name == "twin":
        traits = (features, simulated_traits(corpus))
        found[VARIANT + "with simulated age and gender"] = space(traits)
    else:
        found[VARIANT + "batches of 16"] = space(batch_size=16)
        found[VARIANT + "without augmentation"] = space(augmentation=0.0)
        found[VARIANT + "without margin"] = space(margin=0.0)
    return found | {RIVAL: fit_fop_branches, "CCA": fit_chosen_correlation}


def training_clips(corpus: Corpus, fold: Fold) -> FeatureSet:
    """The English clips of the identities that a fold trains on."""
    return corpus.train[np.isin(corpus.train.labels, fold.train)]


def asked(corpus: Corpus, fold: Fold, seed: int) -> list[Asked]:
    """Trials and lineups of the tested identities, in the language heard in training and unheard.

    The second language comes without the videos that English training uses too, and without those
    of two speakers; an identity that is left without clips is not asked about in it.
    """
    found = []
    parts = (("heard", corpus.train), ("unheard", cross_split(corpus)[0]))
    for number, (condition, clips) in enumerate(parts):
        rng = np.random.default_rng([seed, number])
        trials = draw_trials(clips, fold.test, rng)
        people = len(np.unique(trials.speaker))
        most = max(n for n in CANDIDATES if n <= people)
        found.append(Asked(clips, condition, trials, draw_lineups(clips, fold.test, rng, most)))
    return found


def table(corpus: Corpus) -> pd.DataFrame:
    """EER, matching accuracy and DET of every system on every fold, and their means.

    Each fold is one draw of people and, by a seed of its own, of training. Intervals resample the
    identities; those of means resample the same identities in all folds.

    Returns:
        The columns of COLUMNS. `at` is the number of candidates of the metric "matching", the
        false-accept rate of "FRR", and else empty. Differences are paired: same trials, same draws.
    """
    folds, drawn = identity_folds(corpus.speakers), people_drawn(corpus.speakers, RESAMPLES)
    found: Found = {}
    tasks = [
        (number, *system) for number in range(len(folds)) for system in systems(corpus).items()
    ]
    for number, name, fit in tqdm(tasks, "folds x systems", delay=2, leave=False):
        embed = fit(training_clips(corpus, folds[number]), number)
        for question in asked(corpus, folds[number], number):
            key = (name, question.clips.language, question.condition)
            for metric, at, one in _measured(embed, question, drawn):
                found.setdefault((*key, metric, at), []).append(one)
    rows = tabulated(found | _differences(found), KEY, "fold", ALL)
    rows = rows[(rows.fold == ALL) | (rows.metric != "FRR")]  # curves are kept as means
    place = rows.fold.replace(ALL, -1)
    rows = rows.iloc[np.argsort(place, kind="stable")].reset_index(drop=True)
    return rows.assign(corpus=corpus.name, seed=rows.fold.replace(ALL, ""))[COLUMNS]


def _measured(
    embed: Embedder, question: Asked, drawn: NDArray[np.float64]
) -> Iterator[tuple[str, float | None, Measured]]:
    """Each metric, what it is at, and its number in one fold."""
    clips, _, trials, lineups = question
    space = embed(clips)
    score = space.cosine(trials.other, trials.voice)
    found = rates(score, trials)
    by_draw = eer(rates(score, trials, drawn))
    yield "EER", None, Measured(float(eer(found)), by_draw, len(score))
    asked = np.bincount(lineups.speaker, minlength=drawn.shape[1])
    for among in CANDIDATES:
        if among <= lineups.faces.shape[1]:
            right = right_matches(lineups, space.face, space.voice, among)
            hits = np.bincount(lineups.speaker, weights=right, minlength=drawn.shape[1])
            with np.errstate(invalid="ignore"):
                shares = (drawn @ hits) / (drawn @ asked)
            yield "matching", among, Measured(float(right.mean()), shares, len(right))
    # of points of one FAR, np.interp takes the last, which has the lowest FRR
    missing = np.interp(LEVELS, found.false_accept, found.false_reject)
    for level, missed in zip(LEVELS, missing, strict=True):
        yield "FRR", level, Measured(float(missed), np.empty(0), len(score))


def _differences(found: Found) -> Found:
    """Each EER minus FOP's, and that of each variant minus the space's, on the same trials."""
    errors = {key: each for key, each in found.items() if key[3] == "EER"}
    names = dict.fromkeys(key[0] for key in errors)
    own = [name for name in names if name.startswith(VARIANT)]
    return {
        (place[0].partition(MINUS)[0], *place[1:3], difference, place[4]): each
        for rival, some, difference in zip((RIVAL, WINNER), (names, own), DIFFERENCES, strict=True)
        for place, each in minus(errors, [(n, rival) for n in some if n != rival]).items()
    }


def summary(table: pd.DataFrame) -> str:
    """The means over folds, in percent, with their intervals."""
    of = table[(table.fold == ALL) & (table.metric != "FRR")]
    among = of["at"].map(" among {:.0f}".format).where(of["at"].notna(), "")
    return as_grid(of.assign(metric=of.metric + among), ["system", "condition"], ["metric"])
