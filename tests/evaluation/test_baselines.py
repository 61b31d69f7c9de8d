"""The class means against a loop over clips, and FOP against its recipe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mraf.data.clips import FACE_DIM, VOICE_DIM, FeatureSet
from mraf.data.splits import validation_split
from mraf.errors import DataError, RunError
from mraf.evaluation import baselines
from mraf.evaluation.baselines import (
    FOP,
    ClassMeans,
    class_mean_systems,
    class_means,
    fit_fop,
    held_out,
)
from mraf.evaluation.judge import evaluate


def clips_of(speaker, video, seed=0, missing=()) -> FeatureSet:
    rng = np.random.default_rng(seed)
    face = rng.normal(size=(len(speaker), FACE_DIM)).astype(np.float32)
    face[list(missing)] = 0
    return FeatureSet(
        face=face,
        voice=rng.normal(size=(len(speaker), VOICE_DIM)).astype(np.float32) * 20,
        speaker=np.array(speaker),
        video=np.array(video, dtype=np.str_),
        language="English",
        key=np.arange(len(speaker)).astype(str),
        source="made up",
    )


# --- class means


def mean_by_loops(train: FeatureSet, modality: str, weighting: str) -> np.ndarray:
    """As in the text: unit rows, their mean (of each video, then of the videos), its direction."""
    means = []
    for speaker in range(train.labels.max() + 1):
        videos: dict[str, list[np.ndarray]] = {}
        for row in range(len(train)):
            x = getattr(train, modality)[row].astype(float)
            if train.labels[row] == speaker and x.any():
                videos.setdefault(str(train.video[row]), []).append(x / np.linalg.norm(x))
        if weighting == "video":
            mean = np.mean([np.mean(rows, axis=0) for rows in videos.values()], axis=0)
        else:
            mean = np.mean([row for rows in videos.values() for row in rows], axis=0)
        means.append(mean / np.linalg.norm(mean))
    return np.array(means)


@pytest.mark.parametrize("weighting", ["clip", "video"])
@pytest.mark.parametrize("modality", ["voice", "face"])
def test_means_match_a_loop_over_clips(modality, weighting):
    """Unequal videos, a video of two speakers ("b") and two missing faces."""
    train = clips_of([0, 0, 0, 0, 0, 1, 1, 1, 2], list("aaabbbbcd"), missing=[0, 6])
    np.testing.assert_allclose(
        class_means(train, modality, weighting),
        mean_by_loops(train, modality, weighting),
        atol=1e-6,
    )


def test_weightings_differ_only_where_videos_do():
    unequal = clips_of([0, 0, 0, 1], list("aabc"))
    equal = clips_of([0, 0, 0, 1], list("abcd"))
    assert not np.allclose(class_means(unequal, "voice"), class_means(unequal, "voice", "video"))
    np.testing.assert_allclose(
        class_means(equal, "voice"), class_means(equal, "voice", "video"), atol=1e-6
    )


def test_scores_are_cosines_of_one_clip_at_a_time():
    train, test = clips_of([0, 1, 1], list("abc")), clips_of([0, 1], list("de"), seed=1)
    scores = ClassMeans(train, "face")(test)["class means, face (clip-weighted)"]
    means = mean_by_loops(train, "face", "clip")
    for row, face in enumerate(test.face):
        np.testing.assert_allclose(scores[row], means @ face / np.linalg.norm(face), atol=1e-6)


@given(st.integers(0, 100), st.floats(0.01, 1000))
def test_scores_do_not_depend_on_the_length_of_a_voice(seed, factor):
    train, test = clips_of([0, 1, 1], list("abc")), clips_of([0], ["d"], seed=seed)
    louder = replace(test, voice=(test.voice * factor).astype(np.float32))
    (a,), (b,) = (ClassMeans(train, "sum")(clips).values() for clips in (test, louder))
    np.testing.assert_allclose(a, b, atol=1e-6)
    assert (np.abs(a) <= 2 + 1e-6).all()


def test_a_missing_face_leaves_the_voice_to_decide():
    train = clips_of([0, 1, 1], list("abc"))
    test = clips_of([0, 1, 0], list("def"), seed=1, missing=[1])
    voice, face, both = (
        next(iter(ClassMeans(train, modality)(test).values()))
        for modality in ("voice", "face", "sum")
    )
    np.testing.assert_allclose(both, voice + face, atol=1e-6)
    np.testing.assert_array_equal(both[1], voice[1])
    np.testing.assert_array_equal(face[1], 0)


def test_face_only_is_undefined_without_faces(tiny_corpus):
    split = validation_split(tiny_corpus)
    result = evaluate(class_mean_systems(split.train), split, resamples=50)
    assert len(result.systems) == 6
    for system in result.systems:
        defined = set(result.accuracies(system))
        assert ("P4" not in defined) == ("face" in system), system
    assert result.accuracies("class means, sum (clip-weighted)")["mean"] > 0.99


@pytest.mark.parametrize("arguments", [("voices", "clip"), ("voice", "clips")])
def test_unknown_choices_are_run_errors(arguments):
    with pytest.raises(RunError, match="is none of"):
        ClassMeans(clips_of([0, 1], list("ab")), *arguments)


def test_a_speaker_without_clips_is_a_data_error():
    with pytest.raises(DataError, match="made up: speaker 1 has no training clip"):
        ClassMeans(clips_of([0, 2], list("ab")))


# --- FOP


def test_fop_forward_by_hand():
    """Linear → BatchNorm → ReLU → L2 for each branch, a weighted sum, one linear classifier."""
    torch.manual_seed(0)
    network = FOP(speakers=3).eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm1d):
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)
        network.face_weight.fill_(0.3)
        network.voice_weight.fill_(-1.7)
    clips = clips_of([0, 1, 2], list("abc"), missing=[1])
    p = {name: value.numpy().astype(float) for name, value in network.state_dict().items()}

    def branch(name, x):
        x = x @ p[f"{name}.0.weight"].T + p[f"{name}.0.bias"]
        x = (x - p[f"{name}.1.running_mean"]) / np.sqrt(p[f"{name}.1.running_var"] + 1e-5)
        x = np.maximum(x * p[f"{name}.1.weight"] + p[f"{name}.1.bias"], 0)
        return x / np.linalg.norm(x, axis=1, keepdims=True)

    fused = 0.3 * branch("face", clips.face) - 1.7 * branch("voice", clips.voice)
    logits = fused @ p["classifier.weight"].T + p["classifier.bias"]
    with torch.inference_mode():
        found = network(torch.tensor(clips.face), torch.tensor(clips.voice))
    np.testing.assert_allclose(found, logits, atol=1e-5)


@pytest.fixture(scope="module")
def split(tiny_corpus):
    return validation_split(tiny_corpus)


def weights(fitted):
    return torch.cat([value.flatten().double() for value in fitted.network.state_dict().values()])


def test_fop_learns_and_repeats_itself(split):
    options = {"epochs": 12, "device": "cpu", "progress": False}
    fitted = fit_fop(split.train, 6, seed=0, **options)
    accuracies = evaluate(fitted, split, resamples=10).accuracies("FOP")
    assert min(accuracies["P3"], accuracies["P5"]) > 0.9
    torch.manual_seed(99)  # the global state has no say
    assert torch.equal(weights(fitted), weights(fit_fop(split.train, 6, seed=0, **options)))
    assert not torch.equal(weights(fitted), weights(fit_fop(split.train, 6, seed=1, **options)))


def test_the_global_random_state_is_left_alone(split):
    torch.manual_seed(5)
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    fit_fop(split.train, 6, epochs=1, device="cpu", progress=False)
    assert torch.equal(torch.get_rng_state(), before)
    assert (np.random.get_state()[1] == numpy_before).all()  # noqa: NPY002


def test_training_stops_ten_epochs_after_the_last_gain_of_three_tenths(split, monkeypatch):
    """Held-out accuracies in thousandths; 602 is not a gain over 600, 604 would be."""
    script = iter([500, 502, 600, *[602] * 10, 604])
    monkeypatch.setattr(baselines, "top1", lambda *_: np.arange(1000) < next(script))
    fitted = fit_fop(split.train, 6, device="cpu", progress=False)
    assert (fitted.epoch, fitted.held_out_accuracy) == (3, 0.6)
    assert list(script) == [604]


def test_training_stops_early_and_keeps_the_best_epoch(split):
    """The tiny clips are told apart within a few epochs; without a gain 10 more are run."""
    fitted = fit_fop(split.train, 6, epochs=300, device="cpu", progress=False)
    assert fitted.epoch < 50
    stop = split.train[held_out(split.train, np.random.default_rng(0))]
    again = fit_fop(split.train, 6, epochs=fitted.epoch, device="cpu", progress=False)
    assert torch.equal(weights(fitted), weights(again))
    right = fitted(stop)["FOP"].argmax(axis=1) == stop.labels
    assert fitted.held_out_accuracy == right.mean()


def test_a_prediction_does_not_depend_on_the_other_clips(split):
    fitted = fit_fop(split.train, 6, epochs=1, device="cpu", progress=False)
    together = fitted(split.english)["FOP"]
    alone = np.concatenate([fitted(split.english[[row]])["FOP"] for row in range(5)])
    np.testing.assert_allclose(together[:5], alone, atol=1e-5)


def test_read_only_features_are_taken_without_a_warning(split, recwarn):
    """A packed corpus is mapped read-only; torch warns about such an array."""
    voice = split.english.voice.copy()
    voice.flags.writeable = False
    fitted = fit_fop(split.train, 6, epochs=1, device="cpu", progress=False)
    torch.set_warn_always(True)
    try:
        fitted(replace(split.english, voice=voice))
    finally:
        torch.set_warn_always(False)
    assert not recwarn.list


def test_a_last_batch_of_one_clip_is_no_trouble():
    train = clips_of([0] * 18 + [1] * 17, list("a" * 18 + "b" * 17))  # single clips are held out
    assert (~held_out(train, np.random.default_rng(0))).sum() == 32 + 1
    fit_fop(train, 2, epochs=1, device="cpu", progress=False)


def test_a_loss_that_is_not_finite_is_said(split, monkeypatch):
    lost = torch.tensor(torch.nan, requires_grad=True)
    monkeypatch.setattr("mraf.evaluation.baselines.F.cross_entropy", lambda *_, **__: lost)
    with pytest.raises(RunError, match="FOP: the loss is"):
        fit_fop(split.train, 6, epochs=1, device="cpu", progress=False)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"speakers": 3}, DataError, "a speaker label is not below 3"),
        ({"epochs": 0}, RunError, "epochs=0: at least 1 is needed"),
        ({"device": "abacus"}, RunError, "unknown device 'abacus'"),
    ],
)
def test_what_cannot_be_trained_is_said(split, options, error, message):
    with pytest.raises(error, match=message):
        fit_fop(split.train, **{"speakers": 6, "device": "cpu", "progress": False} | options)


# --- what is held out to stop on


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=2, max_size=60),
    st.integers(0, 9),
)
def test_held_out_clips_are_whole_videos_of_speakers_who_keep_one(pairs, seed):
    speaker = np.array([s for s, _ in pairs])
    videos = [f"{s}-{v}" for s, v in pairs]
    train = clips_of(speaker.tolist(), videos)
    held = held_out(train, np.random.default_rng(seed))
    assert set(speaker[~held]) == set(speaker)
    several = any(len({v for t, v in pairs if t == s}) > 1 for s in set(speaker))
    if several:
        assert held.any()
        for video in set(videos):
            assert len(set(held[np.array(videos) == video])) == 1
    assert held.any() == any((speaker == s).sum() > 1 for s in set(speaker))


def test_about_a_tenth_is_held_out_of_many_videos():
    speaker = np.repeat(np.arange(40), 20)
    train = clips_of(speaker.tolist(), [f"v{row // 5}" for row in range(len(speaker))])
    held = held_out(train, np.random.default_rng(0))
    assert held.sum() == 80
    assert not (held == held_out(train, np.random.default_rng(1))).all()
