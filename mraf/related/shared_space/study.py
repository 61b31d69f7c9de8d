"""Shared space, its variants and the baselines on people never trained on, fold by fold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm.auto import tqdm

from mraf.data.clips import Corpus, FeatureSet
from mraf.data.splits import cross_split
from mraf.errors import DataError
from mraf.evaluation.differences import over_seeds
from mraf.related.shared_space.rivals import fit_chosen_correlation, fit_fop_branches
from mraf.related.shared_space.space import (
    Embedder,
    SharedSpaceConfig,
    SimulatedTraits,
    features,
    fit_shared_space,
)
from mraf.related.shared_space.trials import (
    Lineups,
    Trials,
    at_false_accept,
    draw_lineups,
    draw_trials,
    eer,
    interval,
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
FOLDS, TESTED = 5, 2 / 7  # of 70 identities, 20 are tested in each fold
ALL = "all"  # the fold of a row that holds the mean over folds
COLUMNS = [
    "corpus",
    "system",
    "language",
    "condition",
    "metric",
    "at",
    "fold",
    "seed",
    "n",
    "value",
    "low",
    "high",
]

Fit = Callable[[FeatureSet, int], Embedder]


class Fold(NamedTuple):
    """Identities to train on and identities to test on, which have nobody in common."""

    train: NDArray[np.int64]
    test: NDArray[np.int64]


class Asked(NamedTuple):
    """What is asked in one language of a fold."""

    clips: FeatureSet
    condition: str
    trials: Trials
    lineups: Lineups


def identity_folds(speakers: int, folds: int = FOLDS, seed: int = 0) -> list[Fold]:
    """Folds over identities; everybody is tested, some in two folds where sizes ask for it.

    Args:
        speakers: 70 are cut into 50 and 20.
    Raises:
        DataError: fewer than two identities on a side.
    """
    tested = round(TESTED * speakers)
    if tested < 2 or speakers - tested < 2:
        raise DataError(f"{speakers} speakers cannot be cut into people to train and to test on.")
    order = np.random.default_rng(seed).permutation(speakers)
    starts = [number * speakers // folds for number in range(folds)]
    tests = [np.sort(np.roll(order, -start)[:tested]) for start in starts]
    return [Fold(np.setdiff1d(order, test), test) for test in tests]


def systems(corpus: Corpus) -> dict[str, Fit]:
    """Everything that is compared: how to fit it on training clips, with a seed.

    Those whose names start with `VARIANT` change one thing about the first. The finer parts of the
    recipe are left out on the twin: so near to chance they cannot be told apart.
    """

    def space(**changes: Any) -> Fit:
        streams = changes.pop("streams", (features,))
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
        traits = (features, SimulatedTraits(corpus))
        found[VARIANT + "with simulated age and gender"] = space(streams=traits)
    else:
        found[VARIANT + "batches of 16"] = space(batch_size=16)
        found[VARIANT + "without augmentation"] = space(augmentation=0.0)
        found[VARIANT + "without margin"] = space(margin=0.0)
    found[RIVAL] = lambda train, seed: fit_fop_branches(train, seed, progress=False)
    found["CCA"] = fit_chosen_correlation
    return found


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


def table(
    corpus: Corpus,
    chosen: Mapping[str, Fit] | None = None,
    folds: Sequence[Fold] | None = None,
    resamples: int = 1000,
) -> pd.DataFrame:
    """EER, matching accuracy and DET of every system on every fold, and their means.

    Each fold is one draw of people and, by a seed of its own, of training. Intervals resample the
    identities; those of means resample the same identities in all folds.

    Args:
        chosen: of `systems`; all by default.
        folds: default `identity_folds`.
    Returns:
        The columns of COLUMNS. `at` is the number of candidates of the metric "matching", the
        false-accept rate of "FRR", and else empty. Differences are paired: same trials, same draws.
    """
    fits = systems(corpus) if chosen is None else chosen
    folds = identity_folds(corpus.speakers) if folds is None else folds
    rng = np.random.default_rng(0)
    people = np.full(corpus.speakers, 1 / corpus.speakers)
    drawn = rng.multinomial(corpus.speakers, people, size=resamples).astype(np.float32)
    measured: list[Measured] = []
    tasks = [(number, name) for number in range(len(folds)) for name in fits]
    for number, name in tqdm(tasks, "folds x systems", delay=2, leave=False):
        embed = fits[name](training_clips(corpus, folds[number]), number)
        for question in asked(corpus, folds[number], number):
            measured += _measured(embed, question, name, number, drawn)
    rows = [row for group in _with_means(measured) for row in group.rows()]
    return pd.DataFrame(rows, columns=COLUMNS[1:]).assign(corpus=corpus.name)[COLUMNS]


class Measured(NamedTuple):
    """A number with its bootstrap values."""

    system: str
    language: str
    condition: str
    metric: str
    at: float
    fold: int | str
    n: int
    value: float
    drawn: NDArray[Any]

    def rows(self) -> Iterator[tuple[Any, ...]]:
        low, high = interval(self.drawn) if len(self.drawn) else (np.nan, np.nan)
        seed = "" if self.fold == ALL else self.fold
        yield (*self[:5], self.fold, seed, self.n, self.value, low, high)


def _measured(
    embed: Embedder, question: Asked, system: str, fold: int, drawn: NDArray[Any]
) -> Iterator[Measured]:
    clips, condition, trials, lineups = question
    space = embed(clips)
    score = space.cosine(trials.face, trials.voice)
    known = (system, clips.language, condition)
    found = rates(score, trials)
    by_draw = np.concatenate(
        [eer(rates(score, trials, part)) for part in np.array_split(drawn, -(-len(drawn) // 100))]
    )
    yield Measured(*known, "EER", np.nan, fold, len(score), float(eer(found)), by_draw)
    for among in CANDIDATES:
        if among > lineups.faces.shape[1]:
            continue
        right = right_matches(lineups, space.face, space.voice, among)
        hits, asked = (
            np.bincount(lineups.speaker, weights=x, minlength=drawn.shape[1])
            for x in (right.astype(float), np.ones(len(right)))
        )
        with np.errstate(invalid="ignore"):
            shares = (drawn @ hits) / (drawn @ asked)
        yield Measured(*known, "matching", among, fold, len(right), float(right.mean()), shares)
    for level, missed in zip(LEVELS, at_false_accept(found, LEVELS), strict=True):
        yield Measured(*known, "FRR", level, fold, len(score), float(missed), np.empty(0))


def _with_means(measured: Sequence[Measured]) -> list[Measured]:
    """Everything with the differences, and all means over folds."""
    everything = [*measured, *_differences(measured)]
    groups: dict[tuple[Any, ...], list[Measured]] = {}
    for one in everything:
        at = None if np.isnan(one.at) else one.at  # NaN is not itself
        groups.setdefault((*one[:4], at), []).append(one)
    means = [
        folds[0]._replace(
            fold=ALL,
            n=sum(one.n for one in folds),
            value=float(np.mean([one.value for one in folds])),
            drawn=over_seeds(
                np.array([one.value for one in folds]),
                np.stack([one.drawn for one in folds], axis=1),
            ),
        )
        for folds in groups.values()
    ]
    singles = [one for one in everything if one.metric != "FRR"]  # curves are kept as means
    return [*means, *singles]


def _differences(measured: Sequence[Measured]) -> Iterator[Measured]:
    """Each EER minus FOP's, and that of each variant minus the space's, on the same trials."""
    of = {(one.system, one.condition, one.fold): one for one in measured if one.metric == "EER"}
    for one in of.values():
        rivals = [RIVAL, WINNER] if one.system.startswith(VARIANT) else [RIVAL]
        for name, metric in zip(rivals, DIFFERENCES, strict=False):
            rival = of.get((name, one.condition, one.fold))
            if rival is not None and one.system != name:
                value, by_draw = one.value - rival.value, one.drawn - rival.drawn
                yield one._replace(metric=metric, value=value, drawn=by_draw)


def summary(table: pd.DataFrame) -> str:
    """The means over folds, in percent, with their intervals."""
    of = table[table.fold == ALL]
    texts = [
        f"{100 * row.value:.1f} [{100 * row.low:.1f}, {100 * row.high:.1f}]"
        for row in of.itertuples()
    ]
    of = of.assign(
        text=texts,
        what=[
            m if np.isnan(a) else f"{m} among {a:.0f}"
            for m, a in zip(of.metric, of["at"], strict=True)
        ],
    )[of.metric != "FRR"]
    shown = of.pivot(index=["system", "condition"], columns="what", values="text")
    rows, columns = (
        pd.MultiIndex.from_frame(of[["system", "condition"]].drop_duplicates()),
        list(dict.fromkeys(of.what)),
    )
    return shown.loc[rows, columns].fillna("–").rename_axis(columns=None).to_string()
