"""Checkers of notebooks 07 and 01c tell typical mistakes apart; readings follow verdicts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from verdicts import judged

from mraf.evaluation import differences
from mraf_lessons.ablations import checks as check
from mraf_lessons.ablations.arms import in_words
from mraf_lessons.units import checks as units


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda n, m, rho: n / (1 + (m - 1) * rho), None),
        (lambda n, m, rho: n, "all of them"),
        (lambda n, m, rho: n / m, "number of videos"),
        (lambda n, m, rho: n / (1 + m * rho), "m - 1 neighbours"),
        (lambda n, m, rho: 1 + (m - 1) * rho, "design effect"),
    ],
)
def test_effective_clips(answer, message):
    judged(check.effective_clips(answer), message)
    assert check.effective_clips(lambda *_: ...).right is None


def bootstrap(draw, tail=2.5):
    def answer(first, second, clips, rng):
        values = [draw(first, second, clips, rng) for _ in range(3000)]
        return np.percentile(values, [tail, 100 - tail])

    return answer


def paired(first, second, clips, rng):
    some = rng.integers(len(clips), size=len(clips))
    return (first - second)[some].sum() / clips[some].sum()


def apart(first, second, clips, rng):
    some, other = rng.integers(len(clips), size=(2, len(clips)))
    return first[some].sum() / clips[some].sum() - second[other].sum() / clips[other].sum()


def of_clips(first, second, clips, rng):
    n = clips.sum()
    return (rng.binomial(n, first.sum() / n) - rng.binomial(n, second.sum() / n)) / n


def of_means(first, second, clips, rng):
    some = rng.integers(len(clips), size=len(clips))
    return ((first - second) / clips)[some].mean()


def shuffled(first, second, clips, rng):
    some = rng.permutation(len(clips))
    return (first - second)[some].sum() / clips[some].sum()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (bootstrap(paired), None),
        (bootstrap(apart), "other videos for each arm"),
        (bootstrap(of_clips), "You drew clips"),
        (bootstrap(of_means), "videos' differences"),
        (bootstrap(paired, tail=5), "90%"),
        (bootstrap(lambda a, b, n, rng: -paired(a, b, n, rng)), "second minus first"),
        (bootstrap(shuffled), "with replacement"),
        (lambda *_: (0.5, 0.6), "quantiles"),
        (lambda *_: 0.5, "a pair"),
        (lambda *_: (1.2, 3.4), "no interval of fractions"),
        (lambda *_: (0.5, 0.4), "above high"),
    ],
)
def test_paired_interval(answer, message):
    judged(check.paired_interval(answer), message)
    assert check.paired_interval(lambda *_: ...).right is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda a, b: (a > b).mean() + (a == b).mean() / 2, None),
        (lambda a, b: (a > b).mean(), "neither a win nor a loss"),
        (lambda a, b: (a >= b).mean(), "neither a win nor a loss"),
        (lambda a, b: np.mean(np.sign(np.subtract.outer(a, b)) + 1) / 2, "every seed with every"),
        (lambda a, b: (b > a).mean() + (a == b).mean() / 2, "second is ahead"),
        (lambda a, b: (b > a).mean(), "second is ahead"),
        (lambda a, b: np.mean(a[:, None] > b), "every seed with every"),
    ],
)
def test_superiority(answer, message):
    judged(check.superiority(answer), message)
    assert check.superiority(lambda *_: None).right is None


def placed(p, values):
    back = np.empty(len(p))
    back[np.argsort(p)] = values
    return back


def steps(p):
    return np.sort(p) * np.arange(len(p), 0, -1)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (differences.holm, None),
        (lambda p: p, "Nothing was corrected"),
        (lambda p: np.minimum(len(p) * p, 1), "Bonferroni"),
        (lambda p: np.sort(differences.holm(p)), "sorted"),
        (lambda p: placed(p, np.maximum.accumulate(steps(p))), "above 1"),
        (lambda p: placed(p, steps(p)), "above 1"),
        (lambda p: placed(p, np.minimum(steps(p), 1)), "running maximum"),
    ],
)
def test_holm(answer, message):
    judged(check.holm(answer), message)
    assert check.holm(lambda _: ...).right is None


def no_evidence(low, high, p):
    if p < 0.05 and (low > 0 or high < 0):
        return differences.BETTER if low > 0 else differences.WORSE
    return differences.EQUAL


def interval_alone(low, high, p):
    return differences.verdict(low, high, 0.0)


def sign(low, high, p):
    return (
        differences.OPEN
        if p >= 0.05
        else differences.BETTER
        if low + high > 0
        else differences.WORSE
    )


def narrow_is_equal(low, high, p):
    return differences.EQUAL if high - low < 0.01 else sign(low, high, p)


def p_alone(low, high, p):
    found = differences.verdict(low, high, p)
    return found if found == differences.EQUAL else sign(low, high, p)


def nothing_is_equal(low, high, p):
    found = no_evidence(low, high, p)
    return differences.OPEN if found == differences.EQUAL else found


def worse_without_p(low, high, p):
    return differences.verdict(low, high, 0.0 if high < 0 else p)


def worse_is_never_small(low, high, p):
    return differences.WORSE if high < 0 and p < 0.05 else differences.verdict(low, high, p)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (differences.verdict, None),
        (worse_without_p, "takes it back"),
        (worse_is_never_small, "too small to matter"),
        (lambda *_: ["better"], "none of"),
        (lambda *_: np.array(["better", "worse"]), "none of"),
        (no_evidence, "absence of evidence"),
        (interval_alone, "takes it back"),
        (nothing_is_equal, "too small to matter"),
        (narrow_is_equal, "[+1.2, +1.8] points, p = 0.001: you call them equal; they are only"),
        (p_alone, "[-2.0, +3.0] points, p = 0.01: p alone is below 5%"),
        (lambda *_: "significant", "none of"),
        (lambda *_: "better", "'worse' is expected"),
    ],
)
def test_say(answer, message):
    judged(check.say(answer), message)
    assert check.say(lambda *_: ...).right is None


def test_a_table_in_words_follows_its_verdicts():
    table = pd.DataFrame({"arm": ["LSTM", "gated"], "metric": "P5", "difference": [-0.022, 0.001]})
    said = in_words(table.assign(verdict=[differences.WORSE, differences.OPEN]))
    assert said == "*worse*: LSTM in P5 (-2.2); *cannot be told apart*: 1 of 2 cells"
    equal = table.assign(verdict=differences.EQUAL)
    listed = "*equal within 0.5 points*: LSTM in P5 (-2.2), gated in P5 (+0.1)"
    assert in_words(equal) == listed
    assert in_words(equal, [differences.WORSE]) == "*equal within 0.5 points*: 2 of 2 cells"


# --- notebook 01c ----------------------------------------------------------------------------


def chances(first, second, rng):
    d = first - second
    return rng.choice([-1, 1], (10_000, len(d))) @ d, d.sum()


def two_sided(chance, found):
    return np.mean(np.abs(chance) >= abs(found))


def clips_swapped(first, second, rng):
    d = first - second
    return two_sided(rng.choice([-1, 1], (10_000, np.abs(d).sum())).sum(axis=1), d.sum())


def pairs_lost(first, second, rng):
    both = np.concatenate([first, second])
    mixed = np.array([rng.permutation(both) for _ in range(4000)])
    return two_sided(mixed @ np.repeat([1, -1], len(first)), (first - second).sum())


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda *given: two_sided(*chances(*given)), None),
        (lambda *given: np.mean(np.greater_equal(*chances(*given))), "one direction only"),
        (clips_swapped, "swap whole videos"),
        (pairs_lost, "Keep the pairs"),
        (lambda *given: 1 - two_sided(*chances(*given)), "1 − p"),
    ],
)
def test_swap_test(answer, message):
    judged(units.swap_test(answer), message)
    assert units.swap_test(lambda *_: ...).right is None
