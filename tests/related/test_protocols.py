"""What a protocol hides cannot be used, bit for bit; what it shows is used."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from mraf.data.splits import validation_split
from mraf.errors import RunError
from mraf.evaluation.judge import evaluate
from mraf.evaluation.submission import score_submission
from mraf.evidence.recorded import recorded
from mraf.training.experiment import trained
from mraf_lessons.leaderboard.view import sights
from mraf_related.leaderboard.methods import CHOSEN, METHODS, SETTINGS_OF
from mraf_related.leaderboard.protocols import (
    BATCH,
    BATCH_FACES,
    CLIP,
    COPY,
    LEADERBOARD,
    PROTOCOLS,
    Sight,
    Transduction,
)
from mraf_related.leaderboard.run import class_mean_system, evaluate_run, submit_run

LOOKING = [name for name in METHODS if name != "alone"]


@pytest.fixture(scope="module")
def split(tiny_corpus):
    return validation_split(tiny_corpus)


@pytest.fixture(scope="module")
def system(split):
    return class_mean_system(split.train)


@pytest.fixture(scope="module")
def run(tiny_corpus, tmp_path_factory):
    tiny = {"width": 16, "tokens": 2, "heads": 2, "epochs": 1, "precision": "float32"}
    return trained("quick", tiny_corpus, tiny, store=tmp_path_factory.mktemp("runs"))


def noisy(clips, rows=slice(None)):
    face = np.array(clips.face)
    face[rows] = np.random.default_rng(1).normal(size=face[rows].shape)
    return replace(clips, face=face)


def blind_scores(system, split):
    """Scores of P4 and P6 by protocol and method."""
    judged = [Transduction(system, CLIP)]
    judged += [Transduction(system, p, m) for p in PROTOCOLS.values() if p != CLIP for m in LOOKING]
    return {
        (j.protocol.name, j.method): [j.judge(c, face=False) for c in (split.english, split.cross)]
        for j in judged
    }


def test_noise_for_faces_changes_nothing_where_no_face_may_be_seen(system, split):
    before = blind_scores(system, split)
    other = replace(split, english=noisy(split.english), cross=noisy(split.cross))
    after = blind_scores(system, other)
    same = {key: all(map(np.array_equal, before[key], after[key])) for key in before}
    for (protocol, method), unchanged in same.items():
        assert unchanged == (protocol in ("clip", "batch")), (protocol, method)


def test_of_the_judged_video_no_face_is_seen_before_the_leaderboard(system, split):
    clips = split.cross
    own = clips.video == clips.video[0]
    for protocol, unchanged in ((BATCH_FACES, True), (LEADERBOARD, False)):
        judge = Transduction(system, protocol, "spreading").judge
        same = np.array_equal(
            judge(clips, face=False)[own], judge(noisy(clips, own), face=False)[own]
        )
        assert same == unchanged, protocol.name


@pytest.mark.parametrize("method", LOOKING)
@pytest.mark.parametrize("protocol", [BATCH, BATCH_FACES, LEADERBOARD], ids=lambda p: p.name)
def test_the_detector_finds_nothing_that_is_not_shown(system, split, protocol, method):
    judged = Transduction(system, protocol, method)
    found = sights(lambda clips: judged.judge(clips, face=False), split.cross, row=3)
    assert found <= protocol.shows
    if method == "prototypes":  # every clip counts for every other
        assert found == protocol.shows


def test_the_detector_finds_a_copy_and_clears_a_clip_judged_alone(system, split):
    for protocol, sees in ((CLIP, set()), (COPY, {Sight.OWN_FACE})):
        judged = Transduction(system, protocol)
        assert sights(lambda c, j=judged: j.judge(c, face=False), split.cross, row=0) == sees


def test_every_protocol_judges_p3_and_p5_clip_by_clip_and_copy_ends_there(system, split):
    judged = [Transduction(system, p) for p in (CLIP, BATCH, LEADERBOARD, COPY)]
    correct = evaluate(judged, split).correct
    for j in judged:
        for setting in ("P3", "P5"):
            assert np.array_equal(correct[j.name][setting], correct[judged[0].name][setting])
    copied = correct[judged[-1].name]
    assert np.array_equal(copied["P4"], copied["P3"])
    assert np.array_equal(copied["P6"], copied["P5"])


def test_a_clip_alone_scores_what_its_system_says(system, split):
    clips = split.english
    scores = Transduction(system, CLIP).judge(clips, face=False)
    one = Transduction(system, CLIP).judge(clips[5], face=False)
    np.testing.assert_allclose(scores[5:6], one, rtol=1e-5)


def test_where_videos_are_hidden_clips_named_alike_stand_in(system, split):
    clips = split.cross
    hidden = replace(clips, video=np.full(len(clips), ""))
    named = system.scores(clips, face=True)
    for rows in BATCH_FACES.groups(hidden, named):
        inside, outside = named[rows].argmax(axis=1), named[~rows].argmax(axis=1)
        assert not np.intersect1d(inside, outside).size


@pytest.mark.parametrize("method", LOOKING)
def test_a_method_that_looks_at_the_batch_is_refused_clip_by_clip(system, method):
    with pytest.raises(RunError, match=f"'{method}' looks at the voices of the batch; protocol cl"):
        Transduction(system, CLIP, method)


def test_an_unknown_method_or_protocol_is_told(system, run, tiny_corpus):
    with pytest.raises(RunError, match="no method 'magic'; choose one of alone, prototypes"):
        Transduction(system, BATCH, "magic")
    with pytest.raises(RunError, match="no protocol 'oracle'; choose one of clip, batch"):
        evaluate_run(run, tiny_corpus, protocol="oracle")


def test_defaults_are_those_recorded():
    table = recorded("transduction_choice")
    ours = table[table.method.isin(METHODS) & (table.protocol != "clip")]
    best = ours.loc[ours.groupby(["protocol", "method"])["mean"].idxmax()]
    assert best.chosen.all()
    for row in best.itertuples():
        assert SETTINGS_OF[row.protocol][row.method] == json.loads(row.settings)
    for protocol, rows in best.groupby("protocol"):
        assert CHOSEN[protocol] == rows.loc[rows["mean"].idxmax(), "method"]


@pytest.mark.parametrize("protocol", ["batch", "leaderboard"])
def test_a_run_is_judged_and_submitted_under_a_protocol(run, tiny_corpus, tmp_path, protocol):
    evaluation = evaluate_run(run, tiny_corpus, protocol=protocol)
    names = [f"{name}, {protocol}: {m}" for name in ("MRAF", "class means") for m in LOOKING]
    assert set(names) <= set(evaluation.systems)
    assert ("MRAF, copy" in evaluation.systems) == (protocol == "leaderboard")

    test = tiny_corpus.test_english, tiny_corpus.test_cross
    lines = [
        f"{key},{clips.language},{speaker}"
        for clips in test
        for key, speaker in zip(clips.key, clips.labels, strict=True)
    ]
    labels = tmp_path / "labels.csv"
    labels.write_text("\n".join(["key,language,speaker", *lines]) + "\n")
    with pytest.warns(UserWarning, match="without the validation videos"):
        submit_run(run, tiny_corpus, tmp_path / "out", protocol)
    judged = score_submission(tmp_path / "out", labels)
    assert set(judged.accuracies("submission")) == {"P3", "P4", "P5", "P6", "mean"}
