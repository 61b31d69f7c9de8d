"""Differences between arms over seeds and videos: right where the truth is known, and paired."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mraf.errors import RunError
from mraf.evaluation.differences import (
    METRICS,
    ArmRuns,
    compare_arms,
    compare_systems,
    difference,
    equality,
    holm,
    paired_difference,
    paired_runs,
    runs_of,
    scores,
    verdict,
)
from mraf.evaluation.intervals import estimate
from mraf.evaluation.results import Evaluation, Judged
from mraf_lessons.ablations.coverage import coverage, simulated_pair

CLIPS = {"english": np.array([4.0, 6.0, 10.0, 2.0]), "cross": np.array([5.0, 5.0, 8.0])}
LANGUAGE = {"P3": "english", "P4": "english", "P5": "cross", "P6": "cross"}


def arm(rng: np.random.Generator, name: str = "a", seeds: tuple[int, ...] = (0, 1, 2)) -> ArmRuns:
    correct = {
        setting: rng.integers(
            0, CLIPS[language].astype(int) + 1, (len(seeds), len(CLIPS[language]))
        )
        for setting, language in LANGUAGE.items()
    }
    return ArmRuns(name, seeds, correct, CLIPS)


@pytest.fixture
def pair() -> tuple[ArmRuns, ArmRuns]:
    rng = np.random.default_rng(0)
    return arm(rng), arm(rng, "b")


# --- where the truth is known --------------------------------------------------------------


def test_intervals_over_videos_and_seeds_cover_the_truth_and_those_over_clips_do_not() -> None:
    covers = coverage([40], trials=200, resamples=300).set_index("drawn").covers
    assert 0.92 <= covers["videos and seeds"] <= 0.98
    assert covers["clips"] < 0.6
    assert covers["clips"] < covers["videos"] < covers["videos and seeds"]


def test_the_simulated_truth_is_true() -> None:
    outcomes, _, truth = simulated_pair(np.random.default_rng(0), 20_000, 4, hard=(0.1, 0.4))
    found = outcomes.mean(axis=(1, 2))
    assert found[0] - found[1] == pytest.approx(truth, abs=0.03)


def test_arms_that_share_their_noise_are_told_apart_only_in_pairs() -> None:
    rng = np.random.default_rng(0)
    n = rng.integers(5, 20, 60)
    hard = rng.random(60) < 0.4
    right = np.round(n * np.where(hard, 0.2, 0.95)).astype(int)
    worse = right - (rng.random(60) < 0.3)
    clips, seeds = {"english": n.astype(float)}, (0, 1, 2)
    first, second = (
        ArmRuns(name, seeds, {"P3": np.stack([counts] * 3).clip(0)}, clips)
        for name, counts in (("first", right), ("second", worse))
    )
    paired = difference(first, second, ["P3"]).loc["P3"]
    alone = scores(first, ["P3"]).loc["P3"]
    assert paired.low > 0
    assert paired.p < 0.01
    assert paired.high - paired.low < 0.2 * (alone.high - alone.low)


def test_a_video_is_drawn_in_its_own_language_alone() -> None:
    rng = np.random.default_rng(0)
    n = np.full(40, 10.0)
    clips = {"english": n, "cross": n}
    right = np.stack([rng.integers(0, 11, 40)] * 2)  # who is bad in English is as bad in Urdu
    found = scores(ArmRuns("a", (0, 1), {"P4": right, "P6": right}, clips), ["P4", "without face"])
    width = found.high - found.low
    assert width["without face"] == pytest.approx(width["P4"] / np.sqrt(2), rel=0.1)


def test_a_seed_that_hits_both_arms_alike_does_not_blur_their_difference() -> None:
    clips = {"english": np.full(50, 10.0)}
    level = np.array([4, 6, 8])[:, None] * np.ones(50, dtype=int)
    first = ArmRuns("first", (0, 1, 2), {"P3": level + 1}, clips)
    second = ArmRuns("second", (0, 1, 2), {"P3": level}, clips)
    found = difference(first, second, ["P3"]).loc["P3"]
    assert found[["difference", "low", "high"]].tolist() == pytest.approx([0.1, 0.1, 0.1])
    assert found.superiority == 1
    other = replace(second, correct={"P3": level[::-1]})
    blurred = difference(first, other, ["P3"]).loc["P3"]
    assert blurred.difference == pytest.approx(0.1)
    assert blurred.low < -0.3 < 0.5 < blurred.high


# --- what is computed ----------------------------------------------------------------------


def test_differences_are_those_of_the_accuracies(pair: tuple[ArmRuns, ArmRuns]) -> None:
    first, second = pair
    found = difference(first, second, list(METRICS))
    by_hand = {
        setting: (first.correct[setting].sum(1) - second.correct[setting].sum(1)).mean()
        / CLIPS[language].sum()
        for setting, language in LANGUAGE.items()
    }
    for setting, value in by_hand.items():
        assert found.loc[setting, "difference"] == pytest.approx(value)
    assert found.loc["mean", "difference"] == pytest.approx(np.mean(list(by_hand.values())))
    with_face, without = ((by_hand[a] + by_hand[b]) / 2 for a, b in (("P3", "P5"), ("P4", "P6")))
    assert found.loc["gap", "difference"] == pytest.approx(without - with_face)
    own = scores(first).accuracy - scores(second).accuracy
    assert found.loc[own.index, "difference"].tolist() == pytest.approx(own.tolist())


def test_swapping_the_arms_turns_everything_round(pair: tuple[ArmRuns, ArmRuns]) -> None:
    there, back = difference(*pair), difference(*pair[::-1])
    assert there.difference.tolist() == pytest.approx((-back.difference).tolist())
    assert there.superiority.tolist() == pytest.approx((1 - back.superiority).tolist())
    assert there.p.tolist() == pytest.approx(back.p.tolist(), abs=0.03)


def test_an_arm_equals_itself(pair: tuple[ArmRuns, ArmRuns]) -> None:
    found = compare_arms({"a": pair[0], "same": pair[0]}, "a")
    assert (found[["difference", "low", "high"]] == 0).all(axis=None)
    assert (found.superiority == 0.5).all()
    assert (found.p == 1).all()
    assert (found.verdict == "cannot be told apart").all()  # no video tells by how much one may


def test_a_third_of_a_difference_is_told_apart_as_the_whole_is() -> None:
    """Counts that are no whole numbers still meet zero and their own size where they should."""
    whole = {"P3": np.array([[1.0, -1, 2, -2, 1, -1, 1]])}
    clips = {"english": np.full(7, 10)}
    (first,), (third,) = (
        estimate({"P3": share * whole["P3"]}, clips, ["P3"]) for share in (1, 1 / 3)
    )
    assert (first.p, first.superiority) == (third.p, third.superiority)


def test_the_same_table_gives_the_same_numbers(pair: tuple[ArmRuns, ArmRuns]) -> None:
    pd.testing.assert_frame_equal(difference(*pair), difference(*pair))


def recorded(runs: ArmRuns) -> pd.DataFrame:
    """As `mraf.evaluation.records.read_results` gives it."""
    rows = [
        (runs.name, seed, setting, runs.correct[setting][row], CLIPS[language])
        for row, seed in enumerate(runs.seeds)
        for setting, language in LANGUAGE.items()
    ]
    columns = ["system", "seed", "setting", "correct_per_video", "clips_per_video"]
    return pd.DataFrame(rows, columns=columns)


def test_recorded_rows_become_runs(pair: tuple[ArmRuns, ArmRuns]) -> None:
    rows = pd.concat([recorded(runs) for runs in pair]).sample(frac=1, random_state=0)
    found = runs_of(rows)
    pd.testing.assert_frame_equal(difference(found["a"], found["b"]), difference(*pair))
    with pytest.raises(RunError, match=r"arm 'a', seed 1: no row for P4"):
        runs_of(rows[~((rows.system == "a") & (rows.seed == 1) & (rows.setting == "P4"))])
    with pytest.raises(RunError, match="arm 'a': a seed occurs twice"):
        runs_of(pd.concat([rows, rows[rows.system == "a"]]))


# --- what cannot be compared ---------------------------------------------------------------


def test_what_is_not_paired_is_refused(pair: tuple[ArmRuns, ArmRuns]) -> None:
    first, second = pair
    with pytest.raises(RunError, match=r"not paired: seeds \[0, 1, 2\] and \[0, 1\]"):
        difference(first, second.only([0, 1]))
    other = replace(second, clips={**CLIPS, "cross": np.array([8.0, 8.0, 8.0])})
    with pytest.raises(RunError, match="different cross videos"):
        difference(first, other)
    with pytest.raises(RunError, match="one seed says nothing"):
        difference(first.only([0]), second.only([0]))
    without = replace(second, correct={"P3": second.correct["P3"]})
    with pytest.raises(RunError, match="mean needs P4"):
        difference(first, without, ["mean"])


def test_impossible_counts_are_refused(pair: tuple[ArmRuns, ArmRuns]) -> None:
    first = pair[0]
    with pytest.raises(RunError, match="more right clips than clips"):
        replace(first, correct={"P3": first.correct["P3"] + 20})
    with pytest.raises(RunError, match="expected 3 seeds × 4 videos"):
        replace(first, correct={"P3": first.correct["P3"][:, :2]})
    with pytest.raises(RunError, match="a seed occurs twice"):
        replace(first, seeds=(0, 0, 1))


def test_arms_are_compared_on_the_seeds_that_they_share() -> None:
    rng = np.random.default_rng(0)
    first, second = arm(rng, "a", (0, 1, 2)), arm(rng, "b", (3, 2, 1))
    one, other = paired_runs(first, second)
    assert one.seeds == other.seeds == (1, 2)
    assert (one.correct["P5"] == first.correct["P5"][1:]).all()
    assert (other.correct["P5"] == second.correct["P5"][[2, 1]]).all()
    with pytest.raises(RunError, match=r"share 1 seed\(s\)"):
        paired_runs(first, second.only([3, 2]))
    with pytest.raises(RunError, match="no arm 'c'; there are: a, b"):
        compare_arms({"a": first, "b": second}, "c")


# --- verdicts ------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [[0.01], [0.04, 0.01, 0.03], [0.5, 0.5, 0.9], [0.02] * 4])
def test_holm(p: list[float]) -> None:
    """p_i corrected is the largest (M - j + 1) p_(j) over the p_(j) that are not above p_i."""
    ranked = sorted(p)
    expected = [
        min(1, max((len(p) - j) * q for j, q in enumerate(ranked) if q <= own)) for own in p
    ]
    assert holm(p).tolist() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("low", "high", "p", "said"),
    [
        (0.01, 0.03, 0.001, "better"),
        (-0.03, -0.01, 0.001, "worse"),
        (0.01, 0.03, 0.06, "cannot be told apart"),  # the correction takes it back
        (0.0, 0.03, 0.001, "cannot be told apart"),
        (-0.01, 0.03, 0.001, "cannot be told apart"),
        (0.001, 0.005, 0.001, "equal within 0.5 points"),  # sure, and too small to matter
        (-0.005, 0.005, 1.0, "equal within 0.5 points"),
        (-0.0051, 0.005, 1.0, "cannot be told apart"),
    ],
)
def test_verdicts(low: float, high: float, p: float, said: str) -> None:
    assert verdict(low, high, p) == said


@pytest.mark.parametrize(
    ("p_equal", "said"), [(0.02, "equal within 0.5 points"), (0.03, "cannot be told apart")]
)
def test_arms_are_equal_where_more_than_half_a_point_is_ruled_out(
    p_equal: float, said: str
) -> None:
    assert verdict(-0.004, 0.004, 1.0, p_equal) == said
    assert verdict(-0.004, 0.006, 1.0, p_equal) == "cannot be told apart"


def test_equality_counts_what_other_videos_and_seeds_give_beyond_half_a_point() -> None:
    elsewhere = np.array([-0.006, -0.005, 0.0, 0.001, 0.0049, 0.007, 0.0, 0.0, 0.002])
    assert equality(elsewhere, 5) == pytest.approx(3 / 10)  # the larger side, and the one measured
    assert equality(elsewhere, 4) == 1  # in too few videos to know


def test_a_table_is_corrected_as_a_whole() -> None:
    rng = np.random.default_rng(0)
    arms = {name: arm(rng, name) for name in "abc"}
    found = compare_arms(arms, "a")
    assert found.index.get_level_values("arm").unique().tolist() == ["b", "c"]
    assert len(found) == 2 * 5
    alone = difference(arms["b"], arms["a"])
    assert found.p_holm.tolist() == pytest.approx(holm(found.p).tolist())
    assert found.p_equal.max() == 1
    assert (found.loc["b"].p_equal >= alone.p_equal).all()


def test_systems_are_compared_and_corrected_together() -> None:
    rng = np.random.default_rng(0)
    video = np.repeat(np.arange(30), 6).astype(str)
    judged = {"english": Judged("English", np.arange(180).astype(str), video.astype(int), video)}
    shares = {"good": 0.95, "fair": 0.75, "as fair": 0.75}
    correct = {
        name: {"P3": rng.random(180) < share, "P4": rng.random(180) < share}
        for name, share in shares.items()
    }
    evaluation = Evaluation(judged, correct, "validation")
    pairs = [("good", "fair"), ("fair", "as fair")]
    found = compare_systems(evaluation, pairs)
    assert found.index.names == ["first", "second", "setting"]
    assert np.allclose(found.p_holm, holm(found.p))
    alone = paired_difference(evaluation, "good", "fair")
    assert np.allclose(found.loc["good"].loc["fair"].p, alone.p)
    assert (found.loc["good"].verdict == "better").all()
    assert (found.loc["fair"].verdict == "cannot be told apart").all()
    some = compare_systems(evaluation, pairs, ["P4"])
    assert list(some.unstack("setting")["difference"].columns) == ["P4"]
    assert (some.p_holm <= found.xs("P4", level="setting", drop_level=False).p_holm).all()
