"""What a user relies on: reproducible runs, honest resuming, clear refusals."""

import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from mraf.data.clips import FeatureSet
from mraf.errors import DataError, RunError
from mraf.evaluation.predict import predict
from mraf.training import runs
from mraf.training.batches import TrainingClips
from mraf.training.config import configure, parse_overrides
from mraf.training.experiment import Experiment, train_run
from mraf.training.loop import Learner, make_optimizer, train
from mraf.training.runs import Run
from mraf.variants.config import TrainingConfig

TINY = {"width": 16, "tokens": 2, "heads": 2, "batch_size": 8, "epochs": 3, "precision": "float32"}


def tiny(speakers, **changes):
    return configure("paper", speakers, {**TINY, **changes})


def weights(run):
    return {name: value.clone() for name, value in run.model.state_dict().items()}


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


@pytest.fixture
def clips(tiny_corpus):
    return tiny_corpus.train


@pytest.fixture
def config(tiny_corpus):
    return tiny(tiny_corpus.speakers)


class Killed(BaseException):
    """Stands for a kill: no handler of the package may catch it."""


def train_until(epoch, *args, **kwargs):
    def stop(model, history):
        if len(history) == epoch:
            raise Killed

    with pytest.raises(Killed):
        train(*args, progress=False, on_epoch=stop, **kwargs)


def test_same_seed_same_weights_and_the_global_random_state_is_left_alone(clips, config):
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
    first = train(config, clips, progress=False)
    assert torch.equal(torch_state, torch.get_rng_state())
    assert np.array_equal(numpy_state[1], np.random.get_state()[1])  # noqa: NPY002
    torch.manual_seed(99)
    assert same(weights(first), weights(train(config, clips, progress=False)))
    other = replace(config, training=replace(config.training, seed=1))
    assert not same(weights(first), weights(train(other, clips, progress=False)))


def test_the_loss_falls(tiny_corpus, clips):
    config = tiny(tiny_corpus.speakers, epochs=15, learning_rate=3e-3)
    history = train(config, clips, progress=False).history
    assert history["ce_fused"].iloc[-1] < 0.8 * history["ce_fused"].iloc[0]
    assert list(history["epoch"]) == list(range(1, 16))


def test_the_optimiser_moves_everything_and_the_centres_too(clips, config):
    learner = Learner(config)
    optimizer = make_optimizer(learner, config.training)
    before = {name: value.clone() for name, value in learner.named_parameters()}
    drawn = replace(config.training, audio_only_probability=0.5)
    batch = next(TrainingClips.place(clips, torch.device("cpu")).batches(drawn, 0))
    assert set(batch.audio_only.flatten().tolist()) == {True, False}
    learner(batch).loss.backward()
    optimizer.step()
    still = {name for name, value in learner.named_parameters() if torch.equal(value, before[name])}
    assert {name for name in still if not name.endswith("key.bias")} == set()  # softmax ignores it


def test_a_run_round_trips_through_its_folder(clips, config, tmp_path):
    run = train(config, clips, tmp_path / "run", progress=False, data={"name": "tiny"})
    loaded = Run.load(tmp_path / "run")
    assert loaded.config == config
    assert loaded.data == {"name": "tiny"}
    assert same(weights(run), weights(loaded))
    np.testing.assert_allclose(loaded.history, run.history)
    for name, scores in predict(run.model, clips).items():
        in_pieces = predict(loaded.model, clips, batch=7)[name]
        np.testing.assert_allclose(scores, in_pieces, rtol=1e-4, atol=1e-5)
    assert not (tmp_path / "run" / runs.STATE).exists()


@pytest.mark.parametrize("epoch", [1, 2])
def test_resuming_gives_the_weights_of_an_uninterrupted_run(clips, config, tmp_path, epoch):
    straight = train(config, clips, progress=False)
    train_until(epoch, config, clips, tmp_path / "run")
    with pytest.raises(RunError, match="unfinished"):
        Run.load(tmp_path / "run")
    resumed = train(config, clips, tmp_path / "run", resume=True, progress=False)
    assert same(weights(straight), weights(resumed))
    columns = [name for name in straight.history if name != "seconds"]
    np.testing.assert_array_equal(straight.history[columns], resumed.history[columns])
    again = train(config, clips, tmp_path / "run", resume=True, progress=False)
    assert same(weights(straight), weights(again))


def test_a_killed_process_resumes_to_the_same_weights(tmp_path):
    """SIGKILL in the middle of training, in a process of its own."""
    settings = ["width=16", "tokens=2", "heads=2", "epochs=3"]
    command = [sys.executable, "-m", "mraf", "train", "--data", "twin", "--preset", "quick"]
    command += ["--device", "cpu", "--out", str(tmp_path / "killed"), "--set", *settings]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    state = tmp_path / "killed" / runs.STATE
    while not state.exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    experiment = Experiment.of("twin", "quick", parse_overrides(settings), "cpu")
    resumed = train_run(experiment, tmp_path / "killed", resume=True)
    assert same(weights(resumed), weights(train_run(experiment, None)))


def test_resuming_with_other_settings_is_refused(clips, config, tmp_path):
    train_until(1, config, clips, tmp_path / "run")
    other = replace(config, training=replace(config.training, learning_rate=0.5))
    with pytest.raises(RunError, match=r"learning_rate=0\.0001, not 0\.5"):
        train(other, clips, tmp_path / "run", resume=True, progress=False)
    with pytest.raises(RunError, match="--resume or another --out"):
        train(config, clips, tmp_path / "run", progress=False)


def test_a_folder_with_other_files_is_left_alone(clips, config, tmp_path):
    (tmp_path / "thesis.txt").write_text("do not touch")
    with pytest.raises(RunError, match="not a run"):
        train(config, clips, tmp_path, progress=False)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_full_disk_leaves_the_previous_state(clips, config, tmp_path, monkeypatch):
    train_until(1, config, clips, tmp_path / "run")
    before = (tmp_path / "run" / runs.STATE).read_bytes()

    def full(tensors, path, metadata):
        path.write_bytes(b"half")
        raise runs.SafetensorError("No space left on device")

    monkeypatch.setattr(runs, "save_file", full)
    with pytest.raises(RunError, match="No space left on device"):
        train(config, clips, tmp_path / "run", resume=True, progress=False)
    assert (tmp_path / "run" / runs.STATE).read_bytes() == before
    assert {f.name for f in (tmp_path / "run").iterdir()} == {runs.CONFIG, runs.HISTORY, runs.STATE}
    monkeypatch.undo()
    resumed = train(config, clips, tmp_path / "run", resume=True, progress=False)
    assert same(weights(resumed), weights(train(config, clips, progress=False)))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: (path / runs.MODEL).write_bytes(b"\0" * 20), "truncated"),
        (lambda path: truncate(path / runs.MODEL), "truncated"),
        (lambda path: (path / runs.MODEL).unlink(), "unfinished"),
        (lambda path: (path / runs.CONFIG).unlink(), "no run here"),
        (lambda path: (path / runs.CONFIG).write_text("{"), "not valid JSON"),
        (lambda path: (path / runs.CONFIG).write_text("[]"), "config.json"),
        (lambda path: (path / runs.CONFIG).write_text("[" * 10**5), "nested too deeply"),
        (lambda path: edit(path / runs.CONFIG, '"data": {', '"data": [1], "x": {'), "'data' must"),
        (lambda path: edit(path / runs.CONFIG, '"width": 16', '"width": 32'), "shape"),
        (lambda path: edit(path / runs.CONFIG, '"speakers": ', '"speakers": 1'), "shape"),
        (lambda path: edit(path / runs.CONFIG, '"layers": 1', '"layers": 2'), "missing"),
        (lambda path: edit(path / runs.CONFIG, '"token"', '"zero"'), "does not belong"),
        (lambda path: edit(path / runs.CONFIG, '"token"', '"tokin"'), "tokin"),
        (lambda path: edit(path / runs.CONFIG, '"epochs"', '"epoch"'), "config.json"),
        (lambda path: (path / runs.HISTORY).unlink(), "history.csv"),
    ],
)
def test_a_damaged_run_is_named(clips, config, tmp_path, damage, message):
    train(config, clips, tmp_path / "run", progress=False)
    damage(tmp_path / "run")
    with pytest.raises(RunError, match=message):
        Run.load(tmp_path / "run")


def test_the_same_tensors_give_the_same_file_and_its_epoch_is_checked(tmp_path):
    tensors = {"weight": torch.ones(2)}
    files = [tmp_path / str(number) for number in range(8)]
    for file in files:
        runs.write_tensors(file, tensors, {"epoch": "1", runs.CONFIG: "0"})
    (content,) = {file.read_bytes() for file in files}
    assert runs.read_tensors(files[0])[1] == {"epoch": "1", runs.CONFIG: "0"}
    files[0].write_bytes(content.replace(b'epoch\\": \\"1', b'epoch\\": \\"2'))
    assert files[0].read_bytes() != content
    with pytest.raises(RunError, match="damaged"):
        runs.read_tensors(files[0])
    save_file(tensors, files[1], {"crc32": "9c403284", "epoch": "1"})  # as runs once were written
    assert runs.read_tensors(files[1])[1]["epoch"] == "1"


def truncate(file):
    file.write_bytes(file.read_bytes()[:-100])


def edit(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_training_needs_complete_labelled_clips_of_known_speakers(tiny_corpus, clips, config):
    with pytest.raises(DataError, match="hidden"):
        train(config, replace(clips, speaker=None), progress=False)
    with pytest.raises(DataError, match="no face"):
        train(config, clips.without_faces(), progress=False)
    with pytest.raises(DataError, match="classes"):
        train(tiny(tiny_corpus.speakers - 1), clips, progress=False)


def test_a_diverging_run_says_so(config, clips, tmp_path, monkeypatch):
    monkeypatch.setattr("mraf.losses.distillation_loss", lambda t, s, _: s.sum() * torch.nan)
    with pytest.raises(RunError, match="finite"):
        train(config, clips, tmp_path / "run", progress=False)


def test_conditions_are_drawn_by_clip_or_by_batch(clips):
    many = FeatureSet(
        *(np.tile(x, (200, 1)) for x in (clips.face, clips.voice)),
        np.tile(clips.labels, 200),
        np.tile(clips.video, 200),
        clips.language,
        np.arange(200 * len(clips)).astype(str),
    )
    placed = TrainingClips.place(many, torch.device("cpu"))
    drawn, order = {}, {}
    for per in ("clip", "batch"):
        config = TrainingConfig(audio_only_per=per, audio_only_probability=0.3, batch_size=16)
        batches = list(placed.batches(config, epoch=0))
        assert sum(len(batch.speaker) for batch in batches) == len(many)
        drawn[per] = [batch.audio_only.float().mean().item() for batch in batches]
        order[per] = torch.cat([batch.voice for batch in batches])
        assert np.mean(drawn[per]) == pytest.approx(0.3, abs=0.06)
    assert set(drawn["batch"]) == {0.0, 1.0}
    assert not set(drawn["clip"]) <= {0.0, 1.0}
    assert not torch.equal(
        order["clip"], torch.cat([b.voice for b in placed.batches(config, epoch=1)])
    )


@pytest.mark.parametrize("sampling", ["speaker", "video"])
def test_speakers_and_videos_are_seen_equally_often_where_asked(clips, sampling):
    video = np.unique(clips.video, return_inverse=True)[1]
    few = (clips.labels % 2 == 1) | (video % 2 == 1)  # speakers and videos are uneven
    clips = clips[~few | (np.arange(len(clips)) % 5 == 0)]
    placed = TrainingClips.place(clips, torch.device("cpu"))
    config = TrainingConfig(sampling=sampling, batch_size=32)
    epochs = [torch.cat([b.voice for b in placed.batches(config, e)]) for e in range(60)]
    assert all(len(epoch) == len(clips) for epoch in epochs)
    assert not torch.equal(epochs[0], epochs[1])
    again = torch.cat([batch.voice for batch in placed.batches(config, 0)])
    assert torch.equal(epochs[0], again)
    seen = torch.cat(epochs)
    unique, back = np.unique(clips.voice, axis=0, return_inverse=True)
    assert len(unique) == len(clips)
    which = {row.tobytes(): number for number, row in enumerate(unique)}
    drawn = np.bincount([which[row.tobytes()] for row in seen.numpy()], minlength=len(unique))
    share = drawn[back] / drawn.sum()  # of each clip
    of_speaker = np.bincount(clips.labels, weights=share)
    np.testing.assert_allclose(of_speaker, 1 / len(of_speaker), atol=0.02)
    if sampling == "video":
        video = np.unique(clips.video, return_inverse=True)[1]
        of_video = np.bincount(video, weights=share)
        speaker = np.array([clips.labels[video == v][0] for v in range(len(of_video))])
        expected = 1 / (len(of_speaker) * np.bincount(speaker)[speaker])
        np.testing.assert_allclose(of_video, expected, atol=0.02)
        p = placed.probabilities(sampling)  # few draws would not tell it from all clips alike
        np.testing.assert_allclose(np.bincount(video, weights=p), expected)
