"""The comparison finds what differs, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mraf.data.clips import Corpus
from mraf.data.splits import P4, validation_split
from mraf.evaluation.baselines import ClassMeans
from mraf.evaluation.judge import evaluate
from tools.fit_twin import __main__ as command
from tools.fit_twin.compare import class_mean_accuracies, compare


def test_a_corpus_is_like_itself(tiny_corpus: Corpus) -> None:
    comparison = compare(tiny_corpus, tiny_corpus, splits=1)
    assert comparison.table["within"].all()
    assert (comparison.table["difference"] == 0).all()
    groups = set(comparison.table.index.get_level_values(0))
    assert groups == {"counts", "voice norm", "face cosine", "voice cosine", "accuracy"}
    assert "NO" not in str(comparison)


def test_what_differs_is_found(tiny_corpus: Corpus) -> None:
    cross = tiny_corpus.cross
    other = replace(tiny_corpus, cross=replace(cross, voice=1.5 * cross.voice)[:-1], name="altered")
    comparison = compare(tiny_corpus, other, splits=1)
    outside = comparison.table[~comparison.table["within"]]
    assert {"cross: clips", "cross: 50%"} <= set(outside.index.get_level_values("quantity"))
    assert set(outside.index.get_level_values(0)) == {"counts", "voice norm"}
    assert "NO" in str(comparison)
    assert list(comparison.table.columns[:2]) == [tiny_corpus.name, "altered"]


def test_parts_that_one_lacks_are_left_out(tiny_corpus: Corpus) -> None:
    short = replace(tiny_corpus, test_english=None, test_cross=None, name="no test")
    quantities = compare(tiny_corpus, short, splits=1).table.index.get_level_values("quantity")
    assert "train: clips" in quantities
    assert not any(name.startswith("test_") for name in quantities)


def test_accuracies_are_those_of_the_evaluation(tiny_corpus: Corpus) -> None:
    split = validation_split(tiny_corpus, 0)
    system = ClassMeans(split.train, "voice", "video")
    judged = evaluate(system, split, resamples=10, progress=False)
    expected = 100 * float(judged.correct[system.name][P4.name].mean())
    found = class_mean_accuracies(tiny_corpus, splits=1)
    assert len(found) == 12
    assert found["P4 voice, video-weighted means"] == pytest.approx(expected)


def test_the_command_compares(monkeypatch, tiny_corpus: Corpus, capsys) -> None:
    corpora = {"twin": replace(tiny_corpus, name="twin"), "DIR": tiny_corpus}
    monkeypatch.setattr(command, "load", corpora.__getitem__)
    assert command.main(["--compare", "twin", "DIR"]) == 0
    assert "quantities within tolerance" in capsys.readouterr().out


def test_the_command_writes_the_scalars(monkeypatch, tiny_corpus, tmp_path, capsys) -> None:
    monkeypatch.setattr(command, "load", lambda source: tiny_corpus)
    monkeypatch.setattr(command, "fit_twin", lambda corpus: {"norm": 1})
    out = tmp_path / "new.json"
    assert command.main(["DIR", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert json.loads(out.read_text()) == {"norm": 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{tmp}/nowhere"], "is neither 'twin' nor a folder"),
        (["DIR", "--out", "{tmp}"], "it is a folder"),
        (["twin", "--out", "{tmp}/x.json"], "cannot be fitted to itself"),
    ],
)
def test_errors_of_the_command_are_one_line(
    monkeypatch, tiny_corpus, tmp_path, capsys, arguments, message
) -> None:
    monkeypatch.setattr(
        "mraf.data.twin.generate.generate", lambda: replace(tiny_corpus, name="twin")
    )
    arguments = [text.replace("{tmp}", str(tmp_path)) for text in arguments]
    assert command.main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert list(tmp_path.iterdir()) == []
