"""Every head on voices alone, by the paper's measure and by ours: `mraf related heads`.

- *Verification*, the paper's measure: a linear projection and a head are trained on five of seven
  people. Two voices of the others are compared by the cosine of their projections; five folds.
- *Naming*, ours: one head without a projection, five seeds, P4 and P6.

Learning rate and epochs are chosen together for each head: for verification on people, for naming
on videos, both held out of the training clips. Intervals are over people.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from mraf.data.clips import Corpus, FeatureSet
from mraf.data.splits import P4, P6, cross_split, validation_split
from mraf.evaluation.baselines import ClassMeans
from mraf.evaluation.judge import top1
from mraf.variants.config import ModelConfig
from mraf_related import study
from mraf_related.heads.fit import (
    Setting,
    chosen,
    cosines,
    fit_head,
    head_scores,
    projected_voices,
)
from mraf_related.study import Found, Measured, people_drawn, table_of
from mraf_related.trials import compact, draw_voice_trials, identity_folds, measured_eer

SEEDS = tuple(range(5))
RESAMPLES = 1000
REFERENCE, UNTRAINED, RIM = "linear", "untrained", "ham from the rim"
HEARD, UNHEARD = VERIFICATION = ("EER heard", "EER unheard")
NAMING, BOTH = ("P4", "P6"), "without face"
ARMS: Mapping[str, Mapping[str, Any]] = {
    "linear": {"head": "linear"},
    "cosine": {"head": "am", "margin": 0.0},
    **{name: {"head": name} for name in ("am", "aam", "h", "ham")},
    RIM: {"head": "ham", "start": "rim"},
    "h_exp": {"head": "h_exp"},
}
NAMED_ONLY = ("cosine", "h_exp")  # not in the paper
PAIRS = (
    *((name, REFERENCE) for name in (*list(ARMS)[1:], UNTRAINED)),
    ("ham", "am"),
    ("ham", "aam"),
    ("ham", RIM),
    ("ham", UNTRAINED),
)


def table(corpus: Corpus) -> pd.DataFrame:
    """Verification and naming by every head; what is chosen for it; differences of `PAIRS`.

    Returns:
        As `table_of` by system and metric, and the chosen learning_rate and epochs of each run.
    Raises DataError: too few people to be cut into those to train and those to test on.
    """
    found: Found = {}
    settings: dict[tuple[str, str, str], Setting | None] = {}  # by system, metric and draw
    drawn = people_drawn(corpus.speakers, RESAMPLES)
    for name, switches in tqdm([*ARMS.items(), (UNTRAINED, None)], "heads"):
        config = None
        if switches is not None:
            config = ModelConfig(corpus.speakers, width=corpus.sizes["voice_dim"], **switches)
        parts = [_named(corpus, config, drawn)]
        if name not in NAMED_ONLY:
            parts.append(_verified(corpus, config, drawn))
        for metric, setting, one in chain(*parts):
            runs = found.setdefault((name, metric), [])
            settings[name, metric, str(len(runs))] = setting
            runs.append(one)
    rows = table_of(found, PAIRS, ["system", "metric"], corpus.speakers)
    own = [settings.get((r.system, r.metric, r.draw)) for r in rows.itertuples()]
    rate, epochs = zip(*(setting or (np.nan, np.nan) for setting in own), strict=True)
    return rows.assign(learning_rate=rate, epochs=epochs)


Run = tuple[str, Setting | None, Measured]  # the metric, what was chosen, and the number


def _verified(corpus: Corpus, config: ModelConfig | None, drawn: Any) -> Iterator[Run]:
    """EER of strangers' voices in each fold, after training on the others."""
    spoken = dict(zip(VERIFICATION, (corpus.train, cross_split(corpus)[0]), strict=True))
    for number, fold in enumerate(identity_folds(corpus.speakers)):
        model = setting = None
        if config is not None:
            train = corpus.train[np.isin(corpus.train.labels, fold.train)]
            setting = chosen(train, config, strangers=True, seed=number)
            own = replace(train, speaker=compact(train))
            known = replace(config, speakers=len(fold.train))
            model = fit_head(own, known, number, setting, projected=True)
        for metric, clips in spoken.items():
            trials = draw_voice_trials(clips, fold.test, np.random.default_rng(number))
            score = cosines(projected_voices(model, clips), trials)
            yield metric, setting, measured_eer(score, trials, drawn)


def _named(corpus: Corpus, config: ModelConfig | None, drawn: Any) -> Iterator[Run]:
    """Accuracy on held-out videos in P4 and P6, and the mean of both; a run a seed."""
    split = validation_split(corpus)
    means = ClassMeans(split.train, "voice")
    setting = None if config is None else chosen(split.train, config, strangers=False)
    for seed in SEEDS:
        model = None
        if config is not None and setting is not None:
            model = fit_head(split.train, config, seed, setting)
        both = []
        for metric, each in zip(NAMING, (P4, P6), strict=True):
            clips = split.clips(each)
            scores = means(clips)[means.name] if model is None else head_scores(model, clips)
            both.append(_accuracy(top1(scores, clips.labels), clips, drawn))
            yield metric, setting, both[-1]
        (first, by_draw, clips_of_first), (second, too, others) = both
        mean = Measured((first + second) / 2, (by_draw + too) / 2, clips_of_first + others)
        yield BOTH, setting, mean


def _accuracy(right: Any, clips: FeatureSet, drawn: Any) -> Measured:
    """Share of the clips that are named rightly, for the people as they are and as drawn."""
    hits, asked = (
        np.bincount(clips.labels, weights=of, minlength=drawn.shape[1])
        for of in (right, np.ones(len(clips)))
    )
    with np.errstate(invalid="ignore"):
        return Measured(float(right.mean()), (drawn @ hits) / (drawn @ asked), len(clips))


def summary(table: pd.DataFrame) -> str:
    """The means in percent with their intervals, and the verdicts of the pairs."""
    return study.summary(table, ["system"], ["metric"], study.differences(table, ["metric"]))
