"""The run store and the ties between a run and its features."""

import subprocess
import sys
import threading
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from mraf.errors import RunError
from mraf.evaluation.run import evaluate_run, submit_run
from mraf.training.config import configure
from mraf.training.experiment import NOTICE, Experiment, train_run, trained
from mraf.training.loop import train
from mraf.training.runs import MODEL, STATE

TINY = {"width": 16, "tokens": 2, "heads": 2, "epochs": 1, "precision": "float32"}


def test_a_run_is_trained_once_and_then_loaded(tiny_corpus, tmp_path):
    first = trained("quick", tiny_corpus, TINY, store=tmp_path)
    second = trained("quick", tiny_corpus, TINY, store=tmp_path)
    assert first.origin.startswith("trained now")
    assert second.origin.startswith("loaded from")
    weights = (run.model.state_dict() for run in (first, second))
    assert all(torch.equal(a, b) for a, b in zip(*(w.values() for w in weights), strict=True))
    (first.path / MODEL).write_bytes(b"damaged")
    assert trained("quick", tiny_corpus, TINY, store=tmp_path).origin.startswith("trained now")


def test_other_features_or_settings_are_another_run(tiny_corpus, tmp_path):
    train = replace(tiny_corpus.train, voice=tiny_corpus.train.voice * np.float32(1.01))
    other = replace(tiny_corpus, train=train)
    run = trained("quick", tiny_corpus, TINY, store=tmp_path)
    assert trained("quick", other, TINY, store=tmp_path).path != run.path
    assert trained("quick", tiny_corpus, {**TINY, "seed": 1}, store=tmp_path).path != run.path
    with pytest.raises(RunError, match="other features"):
        evaluate_run(run, other)


def test_other_mathematics_is_another_run(tiny_corpus, tmp_path, monkeypatch):
    run = trained("quick", tiny_corpus, TINY, store=tmp_path)
    assert trained("quick", tiny_corpus, TINY, store=tmp_path).origin.startswith("loaded")
    monkeypatch.setattr("mraf.losses.distillation_loss", lambda t, s, _: (t - s).square().mean())
    assert trained("quick", tiny_corpus, TINY, store=tmp_path).path != run.path


def test_two_that_want_the_same_run_train_it_once(tiny_corpus, tmp_path, monkeypatch):
    begun = []

    def noted(*given, **named):
        begun.append(given)
        return train(*given, **named)

    monkeypatch.setattr("mraf.training.experiment.train", noted)
    # torch's random state belongs to the process; in use these are two processes
    monkeypatch.setattr("mraf.training.experiment.golden_numbers", lambda config: {})
    found = []

    def want():
        found.append(trained("quick", tiny_corpus, {**TINY, "epochs": 20}, store=tmp_path))

    both = [threading.Thread(target=want) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(found) == 2
    assert found[0].path == found[1].path
    for one, other in zip(*(run.model.state_dict().values() for run in found), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("switches", "held"),
    [
        ({}, None),
        ({"missing_face": "memory_bank"}, "faces and voices of training clips"),
        ({"scorer": "agreement"}, "class means of people"),
        ({"shortcut": "whitened"}, "class means of people"),
    ],
)
def test_a_run_that_holds_biometrics_says_so(tiny_corpus, tmp_path, switches, held):
    for corpus in (tiny_corpus, replace(tiny_corpus, name="twin")):
        config = configure("quick", corpus.speakers, {**TINY, **switches})
        out = tmp_path / corpus.name
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            train_run(Experiment(corpus, config, "quick", "cpu"), out)
        expected = held if corpus is tiny_corpus else None
        assert [expected in str(warning.message) for warning in told] == [True] * bool(expected)
        assert (out / NOTICE).exists() == bool(expected)


def test_what_cannot_be_gone_on_with_is_trained_anew(tiny_corpus, tmp_path):
    run = trained("quick", tiny_corpus, TINY, store=tmp_path)
    (run.path / MODEL).rename(run.path / STATE)  # no state of a training
    again = trained("quick", tiny_corpus, TINY, store=tmp_path)
    assert again.origin.startswith("trained now")
    assert trained("quick", tiny_corpus, TINY, store=tmp_path).origin.startswith("loaded")


def test_where_a_run_saw_fewer_clips_than_it_is_judged_beside_it_is_said(tiny_corpus, tmp_path):
    for holdout in (True, False):
        run = trained("quick", tiny_corpus, {**TINY, "holdout": holdout}, store=tmp_path / "runs")
        notes = " ".join(evaluate_run(run, tiny_corpus, "test").notes)
        assert ("without the validation videos" in notes) == holdout
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            submit_run(run, tiny_corpus, tmp_path / str(holdout))
        assert ["--final" in str(warning.message) for warning in told] == [True] * holdout


def test_without_a_place_to_write_it_trains_and_says_so(tiny_corpus, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    run = trained("quick", tiny_corpus, TINY, store=tmp_path / "file" / "store")
    assert run.path is None
    assert "not kept" in run.origin


def test_a_kept_run_is_looked_for_without_torchs_compiler():
    """Else each start of a notebook takes a second longer."""
    code = (
        "import sys; from mraf.training.config import configure; "
        "from mraf.training.golden import golden_numbers; golden_numbers(configure('quick', 2)); "
        "print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
