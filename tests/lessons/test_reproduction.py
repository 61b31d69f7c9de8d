"""`mraf reproduce`: where it works, and what it refuses before any work."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from mraf.data.clips import Corpus
from mraf.errors import RunError
from mraf.training.config import configure
from mraf.training.experiment import Experiment
from mraf.training.runs import CONFIG, HISTORY, MODEL
from mraf_lessons.kit import reproduce as reproduction


class Training(Exception):
    """Raised in place of training."""


@pytest.fixture(autouse=True)
def _no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def train_run(experiment: Experiment, out: Path, *, resume: bool) -> None:
        raise Training(str(out))

    monkeypatch.setattr(reproduction, "train_run", train_run)


def test_each_corpus_has_a_folder_of_its_own(tiny_corpus: Corpus, tmp_path: Path) -> None:
    config = configure("quick", tiny_corpus.speakers)
    folders = []
    for name in ("twin", "MAV-Celeb v1"):
        experiment = Experiment(replace(tiny_corpus, name=name), config, "quick")
        with pytest.raises(Training) as begun:
            reproduction.reproduce(experiment, tmp_path, "mraf reproduce")
        folders.append(Path(str(begun.value)).relative_to(tmp_path).as_posix())
    assert folders == ["twin-quick/training", "mavceleb_v1-quick/training"]


def test_without_unseen_videos_nothing_is_trained(tiny_corpus: Corpus, tmp_path: Path) -> None:
    config = configure("quick", tiny_corpus.speakers, {"holdout": False})
    with pytest.raises(RunError, match="holdout=false leaves no unseen video"):
        reproduction.reproduce(Experiment(tiny_corpus, config, "quick"), tmp_path, "mraf reproduce")


def test_the_old_run_stays_until_the_new_one_is_there(tmp_path: Path) -> None:
    old, new = tmp_path / "run", tmp_path / "training"
    for folder, content in ((old, "old"), (new, "new")):
        folder.mkdir()
        for name in (CONFIG, HISTORY, MODEL):
            (folder / name).write_text(content)
    (old / "notes.txt").write_text("mine")
    run = SimpleNamespace(path=new)
    reproduction._replace(old, run)
    assert run.path == old
    assert not new.exists()
    assert {file.name: file.read_text() for file in old.iterdir()} == {
        **dict.fromkeys((CONFIG, HISTORY, MODEL), "new"),
        "notes.txt": "mine",
    }
