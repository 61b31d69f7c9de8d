"""The checkers of notebook 05 tell the typical mistakes apart."""

from __future__ import annotations

import numpy as np
import pytest
from verdicts import hint, judged

from mraf_lessons.evaluation import checks as check
from mraf_lessons.evaluation.calibration import expected_calibration_error, reliability_bins
from mraf_related.calibration import fit_temperature


def accuracies(correct):
    return [x.mean() for x in correct.values()]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda c: np.mean(accuracies(c)), None),
        (lambda c: np.concatenate(list(c.values())).mean(), "pooled"),
        (lambda c: np.sum(accuracies(c)), "sum of the four"),
        (lambda c: np.mean(list(c.values())), "It raises ValueError"),
        (lambda c: (c["P3"].mean() + c["P4"].mean()) / 2, "one language only"),
        (lambda c: (c["P5"].mean() + c["P6"].mean()) / 2, "one language only"),
        (lambda c: (c["P3"].mean() + c["P5"].mean()) / 2, "with or without faces only"),
        (lambda c: (c["P4"].mean() + c["P6"].mean()) / 2, "with or without faces only"),
    ],
)
def test_challenge_score(answer, message):
    judged(check.challenge_score(answer), message)
    assert check.challenge_score(lambda _: ...).right is None


def bootstrap(draw, tail=2.5):
    def answer(correct, video, rng):
        number = np.unique(video, return_inverse=True)[1]
        r, n = np.bincount(number, weights=correct), np.bincount(number)
        return np.percentile([draw(correct, r, n, rng) for _ in range(2000)], [tail, 100 - tail])

    return answer


def by_video(correct, r, n, rng):
    some = rng.integers(len(n), size=len(n))
    return r[some].sum() / n[some].sum()


def by_clip(correct, r, n, rng):
    return correct[rng.integers(len(correct), size=len(correct))].mean()


def video_means(correct, r, n, rng):
    return (r / n)[rng.integers(len(n), size=len(n))].mean()


def each_once(correct, r, n, rng):
    some = np.unique(rng.integers(len(n), size=len(n)))
    return r[some].sum() / n[some].sum()


def shuffled(correct, r, n, rng):
    some = rng.permutation(len(n))
    return r[some].sum() / n[some].sum()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (bootstrap(by_video), None),
        (bootstrap(by_clip), "You drew clips"),
        (bootstrap(video_means), "videos' accuracies"),
        (bootstrap(by_video, tail=5), "90%"),
        (bootstrap(shuffled), "with replacement"),
        (bootstrap(each_once), "counts twice"),
        (lambda *_: ([0.7], [0.9]), "a pair"),
        (lambda *_: (0.2, 0.99), "quantiles"),
        (lambda *_: 0.5, "a pair"),
        (lambda *_: (90, 95), "no interval of fractions"),
    ],
)
def test_video_interval(answer, message):
    judged(check.video_interval(answer), message)
    assert check.video_interval(lambda *_: ...).right is None


def gaps(of):
    def answer(confidence, correct):
        table = reliability_bins(confidence, correct)
        return of(table, table.accuracy - table.confidence)

    return answer


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (expected_calibration_error, None),
        (gaps(lambda t, gap: gap.abs().mean()), "Every bin counts the same"),
        (gaps(lambda t, gap: gap.abs().sum() / 15), "Every bin counts the same"),
        (gaps(lambda t, gap: abs(np.average(gap, weights=t.clips))), "Signs cancelled"),
        (gaps(lambda t, gap: -np.average(gap, weights=t.clips)), "Signs cancelled"),
        (gaps(lambda t, gap: (gap.abs() * t.clips).sum()), "Divide by the number"),
        (
            gaps(
                lambda t, gap: np.average(
                    (t.accuracy - (t.low + t.high) / 2).abs(), weights=t.clips
                )
            ),
            "middle of each bin",
        ),
        (lambda c, r: 100 * expected_calibration_error(c, r), "in percent"),
    ],
)
def test_calibration_error(answer, message):
    judged(check.calibration_error(answer), message)
    assert check.calibration_error(lambda *_: ...).right is None


@pytest.fixture(scope="module")
def overconfident():
    """Overconfident logits of 20 videos of 15 clips."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(300, 4))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (p.cumsum(axis=1) < rng.random((300, 1))).sum(axis=1)
    return 4 * logits, labels, np.repeat([f"v{number:02}" for number in range(20)], 15)


def test_temperature(overconfident):
    logits, labels, video = overconfident
    half = video < "v10"
    t = fit_temperature(logits[half], labels[half])
    verdict = check.temperature(t, half, logits, labels, video)
    assert verdict
    assert "overconfident" in verdict.message
    assert check.temperature(..., half, logits, labels, video).right is None
    assert check.temperature(t, ..., logits, labels, video).right is None
    named = logits.argmax(axis=1)
    for wrong, message in (
        (1 / t, "1 / T"),
        (fit_temperature(logits, labels), "all clips"),
        (fit_temperature(logits[~half], labels[~half]), "other half"),
        (fit_temperature(logits[half], named[half]), "named speakers"),
    ):
        assert message in hint(check.temperature(wrong, half, logits, labels, video))
    for mask, message in (
        (np.arange(300) % 2 == 0, "clip-level split"),
        (np.flatnonzero(half), "A mask"),
        (np.ones(300, dtype=bool), "aim at half"),
    ):
        assert message in hint(check.temperature(t, mask, logits, labels, video))
