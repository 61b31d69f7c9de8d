"""The folder of a run: one owner, no lost epoch, and damage that is told."""

from __future__ import annotations

import shutil
import threading

import pytest

from mraf.errors import RunError
from mraf.training.config import configure
from mraf.training.loop import train
from mraf.training.runs import CONFIG, HISTORY, LOCK, MODEL, STATE, Run

TINY = {"width": 16, "tokens": 2, "heads": 2, "batch_size": 8, "epochs": 2, "precision": "float32"}


class Stop(Exception):
    """Stands in for whatever ends a training."""


@pytest.fixture
def config(tiny_corpus):
    return configure("paper", tiny_corpus.speakers, TINY)


def interrupted(config, clips, out, epochs=1):
    """Train and stop after some epochs."""

    def stop(_, history):
        if len(history) == epochs:
            raise Stop

    with pytest.raises(Stop):
        train(config, clips, out, progress=False, on_epoch=stop)


def test_a_second_training_into_the_same_folder_is_refused(config, tiny_corpus, tmp_path):
    out, told = tmp_path / "run", []

    def second(*_):
        def also():
            with pytest.raises(RunError, match="another process is training") as error:
                train(config, tiny_corpus.train, out, progress=False, resume=True)
            told.append(str(error.value))

        other = threading.Thread(target=also)
        other.start()
        other.join()

    run = train(config, tiny_corpus.train, out, progress=False, on_epoch=second)
    assert len(told) == 2
    assert str(out) in told[0]
    assert sorted(file.name for file in out.iterdir()) == sorted([CONFIG, HISTORY, MODEL])
    assert len(Run.load(out).history) == len(run.history) == 2


def test_a_run_without_a_finished_epoch_is_begun_anew(config, tiny_corpus, tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    (out / f".{CONFIG}.abc").write_text(
        "{"
    )  # as a process leaves it that is killed while it writes
    train(config, tiny_corpus.train, out, progress=False)
    assert not list(out.glob(".*"))
    for name in (HISTORY, MODEL):
        (out / name).unlink()
    train(config, tiny_corpus.train, out, progress=False)
    assert (out / MODEL).is_file()


def test_a_foreign_folder_is_left_alone(config, tiny_corpus, tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(RunError, match="exists and is not a run"):
        train(config, tiny_corpus.train, tmp_path, progress=False)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_a_flipped_bit_is_noticed(config, tiny_corpus, tmp_path):
    out = tmp_path / "run"
    train(config, tiny_corpus.train, out, progress=False)
    content = bytearray((out / MODEL).read_bytes())
    content[-7] ^= 1
    (out / MODEL).write_bytes(content)
    with pytest.raises(RunError, match="checksum"):
        Run.load(out)


def test_files_of_different_runs_are_told(config, tiny_corpus, tmp_path):
    train(config, tiny_corpus.train, tmp_path / "run", progress=False)
    longer = configure("paper", tiny_corpus.speakers, {**TINY, "epochs": 3})
    train(longer, tiny_corpus.train, tmp_path / "longer", progress=False)
    shutil.copy(tmp_path / "longer" / HISTORY, tmp_path / "run" / HISTORY)
    with pytest.raises(RunError, match=r"3 epochs, but config\.json says 2"):
        Run.load(tmp_path / "run")


def test_a_history_that_lacks_the_epochs_of_the_state_is_told(config, tiny_corpus, tmp_path):
    out = tmp_path / "run"
    interrupted(config, tiny_corpus.train, out)
    assert (out / STATE).is_file()
    (out / HISTORY).write_text("epoch,loss\n")
    with pytest.raises(RunError, match=r"epochs of history\.csv are missing"):
        train(config, tiny_corpus.train, out, progress=False, resume=True)
    assert not (out / LOCK).exists()


def test_weights_that_are_not_finite_are_not_kept(config, tiny_corpus, tmp_path):
    def spoil(model, history):
        if len(history) == 2:
            model.fused_head.bias.data.fill_(float("nan"))

    with pytest.raises(RunError, match=r"fused_head\.bias' is no longer finite"):
        train(config, tiny_corpus.train, tmp_path / "run", progress=False, on_epoch=spoil)
    assert not (tmp_path / "run" / MODEL).exists()
