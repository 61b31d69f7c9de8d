"""Damage hits whom it says, and what it costs is computed as it says."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pandas as pd
import pytest
import torch

from mraf.data.draws import other_speakers
from mraf.errors import DataError, RunError
from mraf.evaluation.differences import ArmRuns, difference
from mraf.evaluation.predict import forward, predict
from mraf.evaluation.records import counts_text, write_results
from mraf.evidence.claims import Claim
from mraf.evidence.ledger import ledger
from mraf.evidence.tables import TWIN, Condition, Damage, recorded_robustness
from mraf.training.config import configure
from mraf.variants.build import build
from mraf_lessons.faces.costs import Cost, cost_difference, cost_of, costs
from mraf_lessons.faces.damage import (
    RATES,
    damaged,
    hit,
    scores_under,
    with_agreement,
)
from mraf_related.open_set.protocol import enrolled

DAMAGES = get_args(Damage)


@pytest.fixture
def model(tiny_corpus):
    sizes = {"width": 16, "tokens": 2, "heads": 2}
    return build(configure("paper", tiny_corpus.speakers, sizes).model).eval()


@pytest.mark.parametrize("damage", DAMAGES)
def test_no_damage_changes_nothing_and_one_modality_stays(tiny_corpus, damage):
    clips = tiny_corpus.cross
    same, worse = (damaged(clips, damage, amount) for amount in (0, 1))
    assert np.array_equal(same.face, clips.face)
    assert np.array_equal(same.voice, clips.voice)
    touched = "voice" if "voice" in damage else "face"
    untouched = "face" if touched == "voice" else "voice"
    assert np.array_equal(getattr(worse, untouched), getattr(clips, untouched))
    assert (getattr(worse, touched) != getattr(clips, touched)).any(axis=1).all()


@pytest.mark.parametrize("damage", RATES)
def test_a_rate_hits_a_share_and_a_higher_one_hits_the_same_and_more(tiny_corpus, damage):
    clips = tiny_corpus.cross
    low, high = (damaged(clips, damage, rate, seed=3).face for rate in (0.3, 0.6))
    changed = [(face != clips.face).any(axis=1) for face in (low, high)]
    assert np.array_equal(changed[0], hit(len(clips), 0.3, 3))
    assert changed[0].sum() < changed[1].sum() < len(clips)
    assert (changed[1] | ~changed[0]).all()
    assert np.array_equal(low[changed[0]], high[changed[0]])


@pytest.mark.parametrize("damage", DAMAGES)
def test_scores_under_damage_are_those_of_the_damaged_clips(tiny_corpus, model, damage):
    def fused(clips):
        return predict(model, clips)["MRAF"]

    clips, amounts = tiny_corpus.cross, (0, 0.4, 1)
    for amount, found in zip(amounts, scores_under(fused, clips, damage, amounts, 5), strict=True):
        direct = fused(damaged(clips, damage, amount, 5))
        np.testing.assert_allclose(found, direct, rtol=1e-4, atol=1e-5)


def test_a_trained_network_can_be_given_the_scorer_that_sees_agreement(tiny_corpus, model):
    clips = tiny_corpus.cross
    before = predict(model, clips)["MRAF"]
    other = with_agreement(model, tiny_corpus.train)
    assert model.config.scorer == "own"
    assert np.array_equal(before, predict(model, clips)["MRAF"])
    own, swapped = (
        forward(other, damaged(clips, "swapped face", q)).reliability.face for q in (0, 1)
    )
    assert torch.equal(own, forward(model, clips).reliability.face)  # nothing against these faces
    assert swapped.max() < 0.3 < own.min()
    again = with_agreement(other, tiny_corpus.train)
    assert torch.equal(forward(again, clips).reliability.face, own)


def test_unknown_damage_and_rates_are_refused(tiny_corpus):
    with pytest.raises(RunError, match="unknown damage 'fog'"):
        damaged(tiny_corpus.cross, "fog", 0.5)
    for damage in DAMAGES:
        with pytest.raises(RunError, match="between 0"):
            damaged(tiny_corpus.cross, damage, 1.2)


def arm(name, lost, seeds=4, videos=30, clips=20, spread=2, rng=None):
    """An arm that names all clips but `lost` of each video, give or take."""
    rng = rng or np.random.default_rng(0)
    counts = {language: np.full(videos, float(clips)) for language in ("english", "cross")}
    correct = {
        setting: np.clip(clips - lost - rng.integers(0, spread + 1, (seeds, videos)), 0, clips)
        for setting in ("P3", "P5")
    }
    return ArmRuns(name, tuple(range(seeds)), correct, counts)


def test_costs_their_ratio_and_their_difference():
    rng = np.random.default_rng(1)
    clean, paper, ours = (arm(n, x, rng=rng) for n, x in (("clean", 0), ("paper", 12), ("ours", 2)))
    theirs, own = Cost(clean, paper), Cost(clean, ours)
    table = costs(theirs)
    lost = np.mean([clean.accuracy(s).mean() - paper.accuracy(s).mean() for s in ("P3", "P5")])
    assert table.loc["with face", "cost"] == pytest.approx(lost)
    assert table.low["with face"] < lost < table.high["with face"]
    expected = costs(own).cost["with face"] / lost
    third = cost_difference(own, theirs, 1 / 3).loc["with face"]
    assert third.low > 0
    assert third.difference == pytest.approx(lost / 3 - expected * lost)
    assert cost_difference(own, theirs, 0).loc["with face"].high < 0
    assert cost_difference(theirs, theirs).loc["with face"].difference == pytest.approx(0)


def test_a_difference_of_costs_has_the_p_value_of_the_difference_also_on_ties():
    clips = {"english": np.full(12, 10.0), "cross": np.full(12, 10.0)}
    everything = np.full((3, 12), 10)
    fewer = everything - np.where(np.arange(12) < 4, 7, 0)  # in four videos, whatever the seed
    clean, bad = (
        ArmRuns(name, (0, 1, 2), {"P3": counts, "P5": counts}, clips)
        for name, counts in (("clean", everything), ("bad", fewer))
    )
    by_cost = cost_difference(Cost(clean, clean), Cost(clean, bad)).loc["with face"]
    by_arm = difference(clean, bad, ["with face"]).loc["with face"]
    assert by_cost.p == by_arm.p > 0
    alone = cost_difference(Cost(clean, clean), Cost(clean, bad), metrics=["P3"]).loc["P3"]
    assert alone.p == pytest.approx(2 / 2**4, abs=0.03)  # four videos, all signs alike


def test_only_seeds_of_both_are_compared():
    clean = arm("clean", 0)
    own = Cost(clean.only([1, 2]), arm("ours", 2).only([1, 2]))
    assert cost_difference(own, Cost(clean, arm("paper", 9))).difference.iloc[0] > 0


@pytest.mark.parametrize("number", [1, 2, 5, 100])
def test_enrolment_takes_a_few_clips_of_each_speaker(tiny_corpus, number):
    clips = tiny_corpus.train
    few = enrolled(clips, number, np.random.default_rng(4))
    have = np.bincount(clips.labels)
    assert np.array_equal(np.bincount(few.labels), np.minimum(have, number))
    more = enrolled(clips, number + 1, np.random.default_rng(4))
    assert np.isin(few.key, more.key).all()
    other = enrolled(clips, number, np.random.default_rng(5))
    assert number == 100 or not np.array_equal(few.key, other.key)
    with pytest.raises(DataError, match="at least 1"):
        enrolled(clips, 0, np.random.default_rng(0))


def test_other_speakers_are_others_and_all_of_them():
    pool = np.array([2, 0, 1, 1, 2])
    drawn = np.stack([other_speakers(pool, pool, np.random.default_rng(s)) for s in range(200)])
    assert (pool[drawn] != pool).all()
    for row, speaker in enumerate(pool):
        assert set(drawn[:, row]) == set(np.flatnonzero(pool != speaker))


def write_record(folder, cost):
    """Three seeds of made-up arms on the twin: clips of each of 20 videos lost to wrong faces."""
    videos, rng, rows = [10] * 20, np.random.default_rng(0), []
    for name, lost in cost.items():
        for seed in range(3):
            for condition in (Condition(), Condition("swapped face", 0.3)):
                for setting in ("P3", "P5"):
                    counts = 10 - rng.integers(0, 2, 20) - (lost if condition.amount else 0)
                    row = {"system": name, "condition": str(condition), "seed": seed}
                    row |= {"setting": setting, "clips": 200, "correct": counts.sum()}
                    row |= {"accuracy": counts.mean() / 10, "command": "x"}
                    row |= {"correct_per_video": counts_text(counts)}
                    row |= {"clips_per_video": counts_text(videos)}
                    rows.append(row | {"corpus": "twin", "preset": "quick", "split": "validation"})
    write_results(folder / "robustness_twin.csv", pd.DataFrame(rows))


def test_a_claim_about_a_damage_is_judged_by_what_it_costs(tmp_path):
    write_record(tmp_path, {"paper": 4, "uniform": 4, "paper+agreement": 1})
    found = recorded_robustness(TWIN, folder=tmp_path)
    lost = costs(cost_of(found, "paper", Condition.of("swapped face 0.3"))).loc["with face"]
    assert lost.low < 0.4 < lost.high

    def judged(of, over):
        says = {"name": "c", "section": "ours", "says": "It protects.", "metric": "with face"}
        names = {"of": of, "over": (over,), "sweep": "scorer", "damage": "swapped face 0.3"}
        claim = Claim(**says, **names)
        table = ledger([claim], tmp_path).set_index("corpus")
        assert table.verdict["MAV-Celeb v1"] == "not recorded yet"
        return table.loc["twin"]

    row = judged("paper+agreement", "paper")
    assert row.verdict == "holds"
    assert row.low < row.ours < row.high
    assert row.ours == pytest.approx(30, abs=3)
    assert "--data twin --preset quick --arms paper --seeds 0-2" in row.command
    assert judged("paper", "uniform").verdict != "holds"
    assert judged("paper", "paper+agreement").verdict == "does not hold as stated"
    assert judged("paper", "nobody").verdict == "not recorded yet"
    for text in ("swapped face", "0.3"):
        with pytest.raises(RunError, match="damage and an amount"):
            Condition.of(text)


def test_what_is_recorded_can_be_compared():
    found = recorded_robustness(TWIN)
    if found is None:
        pytest.skip("no robustness is recorded for the twin")
    swapped = Condition("swapped face", 0.3)
    both = (cost_of(found, arm, swapped) for arm in ("paper+agreement", "paper"))
    less = cost_difference(*both).iloc[0]
    assert less.low <= less.difference <= less.high
    with pytest.raises(RunError, match="no arm 'nobody'"):
        cost_of(found, "nobody", swapped)
    with pytest.raises(RunError, match=r"'swapped face 0\.31' was not recorded"):
        cost_of(found, "paper", swapped._replace(amount=0.31))
