"""Shared space, its variants and FOP on people never trained on, fold by fold."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from mraf.data.clips import Corpus, FeatureSet
from mraf.data.splits import cross_split
from mraf_related import study
from mraf_related.shared_space.rivals import fit_fop_branches
from mraf_related.shared_space.space import (
    Embedder,
    Inputs,
    SharedSpaceConfig,
    features,
    fit_shared_space,
    simulated_traits,
)
from mraf_related.study import Found, people_drawn, table_of
from mraf_related.trials import Fold, Pairs, draw_trials, identity_folds, measured_eer

WINNER, RIVAL = "shared space, dropout 0.9", "FOP"
"""Of the winner's two values of dropout, the one whose variants are measured."""
RECIPE = SharedSpaceConfig(batch_size=64, dropout=0.9)
"""Four times as fast as the winner's batches of 16, which are measured beside it."""
VARIANT = "· "
"""How the names of systems start that change one thing about `WINNER`."""
RESAMPLES = 1000
KEY = ["system", "language", "condition", "metric"]

Fit = Callable[[FeatureSet, int], Embedder]


class Asked(NamedTuple):
    """What is asked in one language of a fold."""

    clips: FeatureSet
    condition: str
    trials: Pairs


def systems(corpus: Corpus) -> dict[str, Fit]:
    """Everything that is compared: how to fit it on training clips, with a seed."""

    def space(inputs: Inputs = features, **changes: Any) -> Fit:
        config = RECIPE._replace(**changes)
        return lambda train, seed: fit_shared_space(
            train, config._replace(seed=seed), inputs, progress=False
        )

    found: dict[str, Fit] = {
        WINNER: space(),
        "shared space, dropout 0.1": space(dropout=0.1),
        VARIANT + "a classifier each": space(classifier="separate"),
        VARIANT + "batches of 16": space(batch_size=16),
        VARIANT + "without augmentation": space(augmentation=0.0),
        VARIANT + "without margin": space(margin=0.0),
    }
    if corpus.name == "twin":
        found[VARIANT + "with simulated age and gender"] = space(simulated_traits(corpus))
    return found | {RIVAL: fit_fop_branches}


def training_clips(corpus: Corpus, fold: Fold) -> FeatureSet:
    """The English clips of the identities that a fold trains on."""
    return corpus.train[np.isin(corpus.train.labels, fold.train)]


def asked(corpus: Corpus, fold: Fold, seed: int) -> list[Asked]:
    """Trials of the tested identities, in the language heard in training and unheard.

    The second language comes without the videos that English training uses too, and without those
    of two speakers; an identity that is left without clips is not asked about in it.
    """
    parts = (("heard", corpus.train), ("unheard", cross_split(corpus)[0]))
    return [
        Asked(clips, condition, draw_trials(clips, fold.test, np.random.default_rng([seed, part])))
        for part, (condition, clips) in enumerate(parts)
    ]


def table(corpus: Corpus) -> pd.DataFrame:
    """EER of every system on every fold (draw), their means, and differences to FOP and `WINNER`.

    Each fold is one draw of people and, by a seed of its own, of training. Intervals resample the
    identities; those of means resample the same identities in all folds.
    """
    folds, drawn = identity_folds(corpus.speakers), people_drawn(corpus.speakers, RESAMPLES)
    found: Found = {}
    fits = systems(corpus)
    for number, fold in enumerate(folds):
        train, questions = training_clips(corpus, fold), asked(corpus, fold, number)
        for name, fit in tqdm(fits.items(), f"fold {number + 1}", delay=2, leave=False):
            embed = fit(train, number)
            for clips, condition, trials in questions:
                score = embed(clips).cosine(trials.other, trials.voice)
                place = (name, clips.language, condition, "EER")
                found.setdefault(place, []).append(measured_eer(score, trials, drawn))
    return table_of(found, pairs_of(fits), KEY, corpus.speakers)


def pairs_of(names: Any) -> list[tuple[str, str]]:
    """Each system beside FOP, and each but FOP beside `WINNER`."""
    beside = [(name, RIVAL) for name in names if name != RIVAL]
    return beside + [(name, WINNER) for name, _ in beside if name != WINNER]


def summary(table: pd.DataFrame) -> str:
    """The means over folds in percent with their intervals, and the verdicts."""
    told = study.differences(table, ["condition", "metric"])
    return study.summary(table, ["system"], ["condition"], told)
