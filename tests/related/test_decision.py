"""Decision fusion: against plain NumPy, by hand, and no video on both sides of a fold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from official import random_corpus

from mraf.cli.main import main
from mraf.data.clips import Corpus
from mraf.errors import DataError, RunError
from mraf.model import MRAF
from mraf.training.experiment import trained
from mraf.variants.build import build
from mraf.variants.config import ModelConfig
from mraf_related.decision import layer as decision
from mraf_related.decision import study as decision_study
from mraf_related.decision.layer import (
    FACE,
    FUSED,
    NEVER,
    RULES,
    VOICE,
    DecisionLayer,
    HeadLogits,
    Rule,
    correct,
    video_folds,
    weigh,
)


def opinions(seed: int, clips: int = 40, speakers: int = 5, scale: float = 3.0) -> HeadLogits:
    rng = np.random.default_rng(seed)
    logits = scale * rng.standard_normal((3, clips, speakers))
    return HeadLogits(logits, rng.random(clips) < 0.6)


def small_model(corpus: Corpus) -> MRAF:
    torch.manual_seed(0)
    return build(ModelConfig(corpus.speakers, width=16, tokens=2, heads=2)).eval()


def loop(z: HeadLogits, temperatures: np.ndarray, rule: Rule) -> dict[str, np.ndarray]:
    """Both layers clip by clip, without the package."""
    heads, clips, _ = z.logits.shape
    found: dict[str, list[np.ndarray]] = {"weighted": [], "corrected": []}
    for n in range(clips):
        p = []
        for h in range(heads):
            e = np.exp(z.logits[h, n] / temperatures[int(z.sighted[n]), h])
            p.append(e / e.sum())
        seeing = [0, 1, 2] if z.sighted[n] else [1, 2]
        total = sum(p[h].max() for h in seeing)
        found["weighted"].append(sum(p[h].max() / total * p[h] for h in seeing))
        answer, best = p[2], -1.0

        def ahead(q: np.ndarray) -> float:
            return float(np.sort(q)[-1] - np.sort(q)[-2])

        for h in seeing[:-1]:
            disagrees = p[h].argmax() != p[2].argmax()
            sure = p[h].max() >= rule.confidence
            further = ahead(p[h]) - ahead(p[2]) >= rule.margin
            if disagrees and sure and further and ahead(p[h]) > best:
                answer, best = p[h], ahead(p[h])
        found["corrected"].append(answer)
    return {name: np.array(rows) for name, rows in found.items()}


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.floats(0.2, 1.0), st.floats(-0.5, 0.9))
def test_the_layers_equal_the_loop_over_clips(seed, confidence, margin):
    z = opinions(seed)
    temperatures = np.random.default_rng(seed).uniform(0.5, 3, (2, 3))
    rule = Rule(confidence, margin)
    decided = DecisionLayer(temperatures, rule).decide(z)
    for name, expected in loop(z, temperatures, rule).items():
        np.testing.assert_allclose(decided[name], expected, atol=1e-12, err_msg=name)


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_a_combination_is_a_distribution_in_which_a_missing_face_has_no_say(seed):
    z = opinions(seed)
    p = DecisionLayer(np.ones((2, 3))).distributions(z)
    combined = weigh(p, z.sighted)
    np.testing.assert_allclose(combined.sum(axis=1), 1)
    other = p.copy()
    other[0] = np.roll(p[0], 1, axis=-1)
    same = np.isclose(combined, weigh(other, z.sighted)).all(axis=1)
    np.testing.assert_array_equal(same, ~z.sighted)


def test_the_surer_head_weighs_more_and_a_voice_alone_is_worked_by_hand():
    p = np.array([[[1.0, 0]], [[0.9, 0.1]], [[0.4, 0.6]]])  # the face is missing: 0.9 against 0.6
    np.testing.assert_allclose(
        weigh(p, np.array([False])),
        [[0.6 * 0.9 + 0.4 * 0.4, 0.6 * 0.1 + 0.4 * 0.6]],
    )


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_the_rule_never_fires_when_its_thresholds_forbid_it(seed):
    z = opinions(seed, scale=30.0)  # heads as sure as can be
    p = DecisionLayer(np.ones((2, 3))).distributions(z)
    for rule in (NEVER, Rule(1.01, -2), Rule(0, 1.01)):
        np.testing.assert_array_equal(correct(p, z.sighted, rule), p[FUSED])


def test_the_rule_needs_confidence_margin_and_another_name():
    voice, fused = [0.8, 0.15, 0.05], [0.2, 0.5, 0.3]
    p = np.array([[[0.0, 0, 1]], [voice], [fused]])
    blind = np.array([False])
    sees = np.array([True])  # then the face is the surest

    def decides(p: np.ndarray, sighted: np.ndarray, rule: Rule) -> list[int]:
        scores = correct(p, sighted, rule)
        return [head for head in range(3) if np.array_equal(scores, p[head])]

    assert decides(p, blind, Rule(0.8, 0.4)) == [VOICE]  # 0.65 - 0.2 = 0.45
    assert decides(p, blind, Rule(0.81, 0.4)) == [FUSED]
    assert decides(p, blind, Rule(0.8, 0.46)) == [FUSED]
    assert decides(p, sees, Rule(0.5, 0)) == [FACE]
    agreeing = p[:, :, [1, 0, 2]]
    agreeing[FUSED] = p[FUSED]
    assert decides(agreeing, blind, Rule(0.5, 0)) == [FUSED]


def test_fitting_finds_the_temperature_and_a_rule_that_pays():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 3000)
    voice = 4.0 * np.eye(4)[labels] + rng.standard_normal((3000, 4))
    fused = 0.5 * np.eye(4)[labels] + rng.standard_normal((3000, 4))
    z = HeadLogits(np.stack([np.zeros_like(voice), 3 * voice, fused]), np.zeros(3000, dtype=bool))
    layer = DecisionLayer.fit(z, labels)
    p = layer.distributions(z)
    assert p[VOICE].max(axis=1).mean() == pytest.approx(
        (p[VOICE].argmax(axis=1) == labels).mean(), abs=0.02
    )  # as sure as it is right
    assert layer.rule in RULES[1:]
    right = {name: (q.argmax(axis=1) == labels).mean() for name, q in layer.decide(z).items()}
    assert right["corrected"] > (fused.argmax(axis=1) == labels).mean() + 0.2
    assert (layer.temperatures[1] == 1).all()  # nothing with a face was seen


def test_where_the_fused_head_is_always_right_the_most_cautious_rule_is_fitted():
    z = opinions(1)
    assert DecisionLayer.fit(z, z.logits[FUSED].argmax(axis=1)).rule == NEVER


@settings(max_examples=25)
@given(st.integers(0, 1000), st.integers(2, 6))
def test_no_video_is_in_two_folds_and_no_fold_is_empty(seed, folds):
    rng = np.random.default_rng(seed)
    video = np.concatenate([np.arange(6), rng.integers(0, 12, 50)]).astype(str)
    fold = video_folds(video, folds, rng)
    assert all(len(np.unique(fold[video == name])) == 1 for name in np.unique(video))
    assert set(fold) == set(range(folds))


def test_what_is_judged_was_never_fitted_on(tiny_corpus, monkeypatch):
    fits: list[int] = []
    fit = DecisionLayer.fit.__func__  # type: ignore[attr-defined]
    names = {row.tobytes(): video for row, video in zip(
        tiny_corpus.train.voice, tiny_corpus.train.video, strict=True
    )}  # fmt: skip
    parts: list[set[str]] = []
    states = decision.states

    def watched_states(clips, rng):
        parts.append({names[row.tobytes()] for row in clips.voice})
        return states(clips, rng)

    def watched_fit(cls, z, labels):
        fits.append(len(labels))
        return fit(cls, z, labels)

    monkeypatch.setattr(decision, "states", watched_states)
    monkeypatch.setattr(DecisionLayer, "fit", classmethod(watched_fit))
    decision.judge(small_model(tiny_corpus), tiny_corpus.train, folds=3)
    assert len(parts) == 6
    for fitted, judged in zip(parts[::2], parts[1::2], strict=True):
        assert fitted
        assert judged
        assert not fitted & judged
    assert set.union(*parts[1::2]) == set(tiny_corpus.train.video)
    assert len(fits) == 6  # each fold without swapped faces, and with them


def test_a_layer_forbidden_to_fire_is_the_fused_head(tiny_corpus, monkeypatch):
    monkeypatch.setattr(decision, "RULES", [NEVER])
    verdicts = decision.judge(small_model(tiny_corpus), tiny_corpus.train, folds=2)
    for right in verdicts.values():
        np.testing.assert_array_equal(right["fused"], right["corrected" + decision.SWAPS_SEEN])


def test_the_same_seed_decides_the_same(tiny_corpus):
    model = small_model(tiny_corpus)
    tables = [
        decision_study.tabulated(
            decision.judge(model, tiny_corpus.train, seed), tiny_corpus.train, 0
        )
        for seed in (0, 0, 1)
    ]
    pd.testing.assert_frame_equal(tables[0], tables[1])
    assert not tables[0].equals(tables[2])  # other swapped faces


def test_bad_input_is_told(tiny_corpus):
    model, clips = small_model(tiny_corpus), tiny_corpus.train
    with pytest.raises(RunError, match="into 1 folds"):
        decision.judge(model, clips, folds=1)
    one_video = clips[clips.video == clips.video[0]]
    with pytest.raises(RunError, match="1 videos cannot be cut into 5 folds"):
        decision.judge(model, one_video)
    with pytest.raises(DataError, match="nobody but speaker 0"):
        decision.judge(model, clips[clips.labels == 0], folds=2)


# --- the study -----------------------------------------------------------------------------------


def rows(seeds: int = 3, gain: int = 4) -> pd.DataFrame:
    """20 videos of 10 clips: the fused head has 5 right in each, the weighted mean `gain` more."""
    found = []
    for seed in range(seeds):
        for condition, setting in decision.CONDITIONS.items():
            for arm, right in (("fused", 5), ("weighted", 5 + gain)):
                found.append((condition, arm, seed, setting, 200, 20 * right, right / 10,
                              " ".join([str(right)] * 20), " ".join(["10"] * 20)))  # fmt: skip
    columns = ["condition", "system", "seed", "setting", "clips", "correct", "accuracy",
               "correct_per_video", "clips_per_video"]  # fmt: skip
    return pd.DataFrame(found, columns=columns)


def test_the_comparison_is_paired_and_corrected_over_the_whole_table():
    points, differences = decision_study.compared(rows())
    assert points.accuracy.loc["swapped", "weighted"] == pytest.approx(0.9)
    assert list(differences.index) == [(c, "weighted") for c in decision.CONDITIONS]
    assert differences.difference.to_numpy(dtype=float) == pytest.approx(0.4)
    assert (differences.verdict == "better").all()
    smallest = differences.p.astype(float).min()
    assert differences.p_holm.astype(float).min() == pytest.approx(3 * smallest)
    same = decision_study.compared(rows(gain=0))[1]
    assert set(same.verdict) == {"cannot be told apart"}
    told = "weighted against fused, face clean: +40.0 [+40.0, +40.0] better"
    assert told in decision_study.summary(rows())


def test_a_damaged_table_is_told():
    good = rows()
    with pytest.raises(RunError, match="do not add up"):
        decision_study.compared(good.assign(correct=3))
    with pytest.raises(RunError, match="holds no counts"):
        decision_study.compared(good.assign(clips_per_video="many"))
    with pytest.raises(RunError, match="at least two"):
        decision_study.compared(rows(seeds=1))


def test_the_command_measures_and_records_what_it_prints(tmp_path, monkeypatch, capsys):
    small = {"epochs": 1, "width": 16, "tokens": 2, "heads": 2, "precision": "float32"}
    monkeypatch.setattr(
        decision_study,
        "trained",
        lambda preset, corpus, overrides: trained(
            preset, corpus, small | overrides, store=tmp_path
        ),
    )
    monkeypatch.setattr(decision_study, "SEEDS", range(2))
    corpus = replace(random_corpus(speakers=12, videos=3, clips=3), name="twin")
    monkeypatch.setattr("mraf.data.load", lambda source: corpus)
    assert main(["related", "decision", "--data", "twin", "--record", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    found = pd.read_csv(tmp_path / "decision_twin.csv")
    assert (found.command == f"mraf related decision --data twin --record {tmp_path}").all()
    assert decision_study.summary(found) in printed
    assert len(found) == 2 * 3 * 4
