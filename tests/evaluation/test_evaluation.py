"""P3–P6: what counts as right, intervals over videos, and the comparison of two systems."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mraf.data.clips import FACE_DIM, VOICE_DIM, FeatureSet
from mraf.data.splits import P4, SETTINGS, Split, validation_split
from mraf.errors import DataError, RunError
from mraf.evaluation.differences import paired_difference
from mraf.evaluation.intervals import _chance
from mraf.evaluation.judge import ClipByClip, answers, evaluate, top1
from mraf.evaluation.predict import BATCH
from mraf.evaluation.results import Evaluation, Judged

NAMES = [setting.name for setting in SETTINGS]


@pytest.fixture(scope="module")
def split(tiny_corpus) -> Split:
    return validation_split(tiny_corpus)


def one_hot(labels, speakers):
    return np.eye(speakers, dtype=np.float32)[labels]


def oracle(clips):
    return {"oracle": one_hot(clips.labels, 6)}


def blind(clips):
    """Right with a face, always one speaker too high without."""
    return {"blind": one_hot((clips.labels + clips.face_missing) % 6, 6)}


def judged(videos, clips=4, language="English", speakers=6):
    video = np.repeat(np.arange(videos), clips)
    keys = np.array([f"{language}{row}" for row in range(len(video))])
    return Judged(language, keys, video % speakers, np.char.add("v", video.astype(str)))


def evaluation(videos=40, rates=(0.9, 0.6), seed=0, systems=("a", "b"), **options):
    """Random outcomes of whole videos: a video is right or wrong as one."""
    rng = np.random.default_rng(seed)
    parts = {"english": judged(videos), "cross": judged(videos, language="Urdu")}
    correct = {
        system: {name: np.repeat(rng.random(videos) < rate, 4) for name in NAMES}
        for system, rate in zip(systems, rates, strict=True)
    }
    return Evaluation(parts, correct, "test", **options)


# --- what counts as right


def test_a_tie_for_the_top_is_an_error():
    scores = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [2.0, 2.0]])
    np.testing.assert_array_equal(top1(scores, np.array([0, 0, 0, 1])), [False, True, False, False])


@given(st.integers(0, 2**31))
def test_without_ties_top1_is_argmax(seed):
    rng = np.random.default_rng(seed)
    scores, labels = rng.permuted(np.tile(np.arange(5), (9, 1)), axis=1), rng.integers(0, 5, 9)
    np.testing.assert_array_equal(top1(scores, labels), scores.argmax(axis=1) == labels)


def test_settings_give_and_withhold_the_face(split):
    result = evaluate([oracle, blind], split, resamples=100)
    assert result.accuracies("oracle") == dict.fromkeys([*NAMES, "mean"], 1.0)
    assert result.accuracies("blind") == {"P3": 1, "P4": 0, "P5": 1, "P6": 0, "mean": 0.5}
    row = result.scores.loc[("blind", "P5")]
    assert (row.clips, row.videos, row.correct) == (72, 18, 72)


def test_counts_match_a_loop_over_clips(split):
    rng = np.random.default_rng(3)
    tables = {s.name: rng.normal(size=(len(split.clips(s)), 6)) for s in SETTINGS}
    queue = iter(tables.values())
    result = evaluate(lambda clips: {"random": next(queue)}, split, resamples=10)
    for setting in SETTINGS:
        labels = split.clips(setting).labels
        right = sum(
            max(range(6), key=row.__getitem__) == label
            for row, label in zip(tables[setting.name].tolist(), labels.tolist(), strict=True)
        )
        assert result.scores.loc[("random", setting.name), "correct"] == right


def test_same_scores_for_every_clip_are_no_judgement(split):
    def face_only(clips):
        shown = one_hot(clips.labels, 6) * ~clips.face_missing[:, None]
        return {"zeros": shown, "constant": shown + np.arange(6) * clips.face_missing[:, None]}

    result = evaluate(face_only, split, resamples=100)
    for system in ("zeros", "constant"):
        assert result.table.loc[system].tolist()[1::2] == ["–", "–"]
        assert result.table.loc[system, "mean"] == "–"
        assert result.accuracies(system) == {"P3": 1.0, "P5": 1.0}
        assert np.isnan(result.scores.loc[(system, "P4"), "accuracy"])
    assert "–: the same scores" in result.markdown


def test_a_system_left_out_of_a_setting_is_undefined_there(split):
    def partial(clips):
        return {} if clips.face_missing.all() else {"face head": one_hot(clips.labels, 6)}

    result = evaluate(partial, split, resamples=10)
    assert result.table.loc["face head", "P4"] == "–"


# --- memory


def many_clips(clips, speakers):
    """A split that takes no memory: the same face and voice for every clip."""
    part = FeatureSet(
        face=np.broadcast_to(np.ones(FACE_DIM, np.float32), (clips, FACE_DIM)),
        voice=np.broadcast_to(np.ones(VOICE_DIM, np.float32), (clips, VOICE_DIM)),
        speaker=np.arange(clips) % speakers,
        video=(np.arange(clips) % speakers).astype(str),
        language="English",
        key=np.arange(clips).astype(str),
    )
    return Split(part[:1], part, part, speakers, "made up")


def test_scores_of_all_clips_are_never_held_at_once(monkeypatch):
    """6,000 clips of 3,000 speakers: a table of 72 MB, of which a block is judged at a time."""
    monkeypatch.setattr("mraf.evaluation.judge.SCORES", 2**21)
    split, asked = many_clips(6_000, 3_000), []

    def named(clips):
        scores = np.zeros((len(clips), 3_000), dtype=np.float32)
        scores[np.arange(len(clips)), clips.labels] = 1
        asked.append(scores.size)
        return {"named": scores}

    tracemalloc.start()
    try:
        result = evaluate(ClipByClip(named), split, resamples=2, progress=False)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert result.accuracies("named")["mean"] == 1
    assert sum(asked) == 4 * 6_000 * 3_000
    assert max(asked) <= 2**21
    assert peak < 72e6 / 3


def test_a_block_of_very_many_speakers_is_one_batch():
    split = many_clips(600, 100_000)
    sizes = [rows.stop - rows.start for rows, _ in answers(ClipByClip(lambda _: {}), split, P4)]
    assert sizes == [BATCH, 600 - BATCH]


def test_blocks_give_what_all_clips_at_once_give(split, monkeypatch):
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(VOICE_DIM, 6))

    def voice(clips):
        return {"voice": clips.voice @ weights + clips.face[:, :6]}

    whole = evaluate(voice, split, resamples=10)
    monkeypatch.setattr("mraf.evaluation.judge.BATCH", 7)
    monkeypatch.setattr("mraf.evaluation.judge.BATCHES", 1)
    assert evaluate(ClipByClip(voice), split, resamples=10).scores.equals(whole.scores)

    def fails_late(clips):
        return {
            "late": np.where(clips.key == split.english.key[10], np.nan, 1)[:, None] * np.ones(6)
        }

    with pytest.raises(RunError, match="late, P3: scores of clip 10 are not finite"):
        evaluate(ClipByClip(fails_late), split)


# --- what is refused


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (lambda n: np.zeros((n, 5)), r"bad, P3: scores have shape \(\d+, 5\), expected \(\d+, 6\)"),
        (lambda n: np.zeros(n), "one row per clip"),
        (lambda n: np.where(np.arange(n * 6) == 13, np.nan, 0).reshape(n, 6), "clip 2 are not fin"),
        (lambda n: np.full((n, 6), np.inf), "clip 0 are not finite"),
    ],
)
def test_bad_scores_are_named(split, scores, message):
    with pytest.raises(RunError, match=message):
        evaluate(lambda clips: {"bad": scores(len(clips))}, split)


def test_two_systems_of_one_name_are_refused(split):
    with pytest.raises(RunError, match="two predictors name a system 'oracle'"):
        evaluate([oracle, oracle], split)


def test_hidden_and_excessive_labels_are_data_errors(split):
    hidden = replace(split, english=replace(split.english, speaker=None))
    with pytest.raises(DataError, match="tiny English: the speaker labels are hidden"):
        evaluate(oracle, hidden)
    with pytest.raises(DataError, match="tiny English: a speaker label is not below 3"):
        evaluate(oracle, replace(split, speakers=3))


# --- intervals


def test_resampling_whole_videos_equals_repeating_their_clips():
    result = evaluation(videos=7, rates=(0.5, 0.5), resamples=30)
    weights = _chance((("english", 7), ("cross", 7)), 1, 30, result.seed)[0]
    for found in result.estimates(result.runs("a").correct)[:4]:
        language = "english" if found.metric in {"P3", "P4"} else "cross"
        part, outcome = result.judged[language], result.correct["a"][found.metric]
        for resample, counts in enumerate(weights[language].astype(int)):
            repeated = np.repeat(outcome, counts[part.video_index])
            assert counts.sum() == 7
            assert found.drawn[resample, 0] == pytest.approx(repeated.mean())


def test_clips_of_unequal_videos_are_counted_not_videos():
    part = Judged("English", np.array(list("abcd")), np.zeros(4, int), np.array(list("xxxy")))
    outcome = {name: np.array([True, True, True, False]) for name in NAMES}
    result = Evaluation({"english": part, "cross": part}, {"a": outcome}, "test")
    assert result.accuracies("a")["P3"] == 0.75


def test_p3_and_p4_share_their_resampled_videos():
    """Right in P4 exactly where wrong in P3: their mean cannot vary, so neither can the score."""
    result = evaluation(systems=("a",), rates=(0.7,))
    outcome = dict(result.correct["a"])
    outcome |= {"P4": ~outcome["P3"], "P6": ~outcome["P5"]}
    result = replace(result, correct={"a": outcome})
    *_, mean = result.estimates(result.runs("a").correct)
    assert (mean.metric, mean.value, mean.low, mean.high) == pytest.approx(("mean", 0.5, 0.5, 0.5))
    assert result.scores.loc[("a", "P3"), "high"] - result.scores.loc[("a", "P3"), "low"] > 0.1


def test_intervals_are_seeded():
    first, again, other = (evaluation(seed=1, **o).scores for o in ({}, {}, {"resamples": 1999}))
    assert first.equals(again)
    assert not first.equals(other)


def test_the_interval_covers_where_one_over_clips_does_not():
    """200 sets of 60 videos whose accuracies differ: Beta(9, 1), so the truth is 0.9."""
    rng = np.random.default_rng(0)
    over_videos, over_clips = [], []
    for _ in range(200):
        size = rng.integers(3, 40, 60)
        video = np.repeat(np.arange(60), size)
        right = rng.random(len(video)) < rng.beta(9, 1, 60)[video]
        part = Judged("English", video.astype(str), video, video.astype(str))
        result = Evaluation({"english": part}, {"a": {"P3": right}}, "simulated", resamples=300)
        (found,) = result.estimates(result.runs("a").correct, accuracy=True)
        low, high = found.low, found.high
        over_videos.append(low <= 0.9 <= high)
        # To resample N clips of which a share p is right is to draw from Binomial(N, p).
        resampled = rng.binomial(len(video), right.mean(), 300) / len(video)
        low, high = np.quantile(resampled, [0.025, 0.975])
        over_clips.append(low <= 0.9 <= high)
    assert 0.9 <= np.mean(over_videos) <= 0.99
    assert np.mean(over_clips) < 0.75


def test_speakers_stand_in_for_unknown_videos(split):
    anonymous = replace(split.english, video=np.full(len(split.english), ""))
    result = evaluate(oracle, replace(split, english=anonymous), resamples=10)
    assert result.scores.loc[("oracle", "P3"), "videos"] == 6
    assert result.scores.loc[("oracle", "P5"), "videos"] == 18


def test_a_single_video_has_no_interval():
    result = evaluation(videos=1, systems=("a",), rates=(1.0,))
    assert result.table.loc["a"].tolist() == ["100.0"] * 5
    assert result.scores[["low", "high"]].isna().all(axis=None)


# --- tables and files


def test_the_table_reads_as_percent_with_interval():
    result = evaluation()
    row = result.scores.loc[("a", "P3")]
    expected = f"{100 * row.accuracy:.1f} [{100 * row.low:.1f}, {100 * row.high:.1f}]"
    assert result.table.loc["a", "P3"] == expected
    assert list(result.table.columns) == [*NAMES, "mean"]
    assert list(result.table.index) == ["a", "b"]
    lines = result.markdown.splitlines()
    assert len({len(line) for line in lines[:4]}) == 1
    assert "160 English clips of 40 videos" in result.markdown


def test_no_error_seen_is_not_no_error_possible():
    row = evaluation(rates=(0.9, 1)).scores.loc[("b", "P3")]
    assert (row.accuracy, row.high) == pytest.approx((1, 1), abs=1e-12)
    assert 0.85 < row.low < 0.99  # of 40 videos of 4 clips each


def test_systems_keep_their_order():
    assert list(evaluation(systems=("z", "a")).table.index) == ["z", "a"]


def test_per_speaker_adds_up():
    result = evaluation()
    frame = result.per_speaker
    totals = frame[frame.setting == "P6"].groupby("system")[["clips", "correct"]].sum()
    assert (totals.clips == 160).all()
    for system in "ab":
        assert totals.correct[system] == result.scores.loc[(system, "P6"), "correct"]
    one = frame[(frame.system == "a") & (frame.setting == "P3") & (frame.speaker == 2)].iloc[0]
    mask = result.judged["english"].speaker == 2
    assert one.accuracy == result.correct["a"]["P3"][mask].mean()


def test_the_json_holds_scores_and_every_outcome(split):
    def some(clips):
        return {"face": one_hot(clips.labels, 6) * ~clips.face_missing[:, None]}

    result = evaluate([oracle, some], split, resamples=50, seed=4)
    content = json.loads(result.to_json(), parse_constant=pytest.fail)  # no NaN in JSON
    undefined = content["scores"][6]
    assert (undefined["setting"], undefined["accuracy"]) == ("P4", None)
    assert content["correct"]["oracle"]["P5"] == "1" * 72
    assert content["judged"]["cross"]["key"] == split.cross.key.tolist()
    assert content["judged"]["english"]["speaker"] == split.english.labels.tolist()


# --- comparison


def test_a_clear_difference_has_a_verdict():
    result = evaluation()
    forward, backward = paired_difference(result, "a", "b"), paired_difference(result, "b", "a")
    assert forward.loc["mean", "verdict"] == "better"
    assert backward.loc["mean", "verdict"] == "worse"
    np.testing.assert_allclose(forward.difference, -backward.difference)
    np.testing.assert_allclose(forward.low, -backward.high)
    point = result.accuracies("a")["P4"] - result.accuracies("b")["P4"]
    assert forward.loc["P4", "difference"] == pytest.approx(point)
    assert list(forward.index) == [*NAMES, "mean"]


def test_the_second_system_may_be_of_another_run():
    first, second = evaluation(seed=1), evaluation(seed=2)
    within = replace(first, correct={"a": first.correct["a"], "b": second.correct["a"]})
    across = paired_difference(first, "a", "a", second)
    assert across.equals(paired_difference(within, "a", "b"))
    assert (across.difference != 0).any()


def test_equal_systems_cannot_be_told_apart():
    frame = paired_difference(evaluation(), "a", "a")
    assert (frame.verdict == "cannot be told apart").all()
    assert (frame.p == 1).all()


def test_few_videos_are_no_evidence_however_one_sided():
    """Four videos of 60, all in one direction: 2 · 0.5⁴ = 0.125 by the swaps of the systems."""
    result = evaluation(videos=60, rates=(1, 1))
    worse = {name: np.arange(240) >= 16 for name in NAMES}
    result = replace(result, correct={"a": result.correct["a"], "b": worse})
    row = paired_difference(result, "a", "b").loc["P3"]
    assert row.low > 0  # the interval alone would call it better
    assert row.p == pytest.approx(0.125, abs=0.025)
    assert row.verdict == "cannot be told apart"


def test_false_alarms_are_rare():
    """200 pairs of equally good systems, errors in few videos: 5% is nominal."""
    alarms = [
        paired_difference(evaluation(60, (0.95, 0.95), seed, resamples=200), "a", "b").verdict["P4"]
        != "cannot be told apart"
        for seed in range(200)
    ]
    assert np.mean(alarms) <= 0.06


def test_an_undefined_setting_is_not_compared():
    result = evaluation()
    face = {name: result.correct["b"][name] for name in ("P3", "P5")}
    frame = paired_difference(
        replace(result, correct={"a": result.correct["a"], "b": face}), "a", "b"
    )
    assert list(frame.index) == ["P3", "P5"]


def test_other_clips_and_unknown_systems_are_refused():
    with pytest.raises(RunError, match="different English clips"):
        paired_difference(evaluation(40), "a", "b", evaluation(41))
    with pytest.raises(RunError, match=r"no system 'c' was evaluated; there are: \['a', 'b'\]"):
        paired_difference(evaluation(), "a", "c")
