"""The commands as a user types them: what they print, what they write, how they refuse."""

import errno
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from mraf.cli.main import build_parser, main
from mraf.errors import RunError
from mraf.training import runs
from mraf.training.runs import MODEL

TINY = ["--set", "width=16", "tokens=2", "heads=2", "precision=float32", "--device", "cpu"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A tiny finished run on the twin."""
    path = tmp_path_factory.mktemp("runs") / "tiny"
    assert main(["train", "--data", "twin", "--epochs", "1", *TINY, "--out", str(path)]) == 0
    return path


def test_evaluate_prints_the_table_and_writes_it(run, tmp_path, capsys):
    json_file, csv_file = tmp_path / "e.json", tmp_path / "e.csv"
    command = ["evaluate", str(run), "--data", "twin", "--json", str(json_file)]
    for _ in range(2):
        assert main([*command, "--record", str(csv_file)]) == 0
    printed = capsys.readouterr().out
    for word in ("P3", "P6", "mean", "MRAF voice head", "class means, sum", "left out"):
        assert word in printed
    scores = json.loads(json_file.read_text())["scores"]
    rows = pd.read_csv(csv_file)
    assert len(rows) == len(scores)  # the second run replaces the first
    assert set(rows["corpus"]) == {"twin"}
    assert rows["command"].str.startswith("mraf evaluate").all()


def test_an_evaluation_that_cannot_be_written_is_printed(run, tmp_path, monkeypatch, capsys):
    def full(*_: object) -> None:
        raise RunError("the disk is full")

    made = SimpleNamespace(markdown="the table")
    monkeypatch.setattr("mraf_related.leaderboard.run.evaluate_run", lambda *_, **__: made)
    monkeypatch.setattr("mraf.evaluation.run.record", full)
    assert main(["evaluate", str(run), "--record", str(tmp_path / "e.csv")]) == 2
    printed = capsys.readouterr()
    assert printed.out == "the table\n"
    assert "the disk is full" in printed.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_the_output_is_one_line_and_files_are_there(run, tmp_path):
    file = tmp_path / "e.json"
    command = ["evaluate", run, "--data", "twin", "--json", file]
    for code, where in ((2, "/dev/full"), (0, os.devnull)):  # of the second knows ASCII alone
        environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
        with open(where, "w") as output:
            done = subprocess.run(
                [sys.executable, "-m", "mraf", *command], stdout=output, env=environment,
                stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
        assert done.returncode == code
        assert ("mraf: error: the output: " in done.stderr) == (code == 2)
        assert "Traceback" not in done.stderr
        assert json.loads(file.read_text())["scores"]
        file.unlink()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "ledger: Cannot allocate memory."),
        (OSError("no such store"), "ledger: no such store."),
        (OSError(errno.ENOSPC, "No space left", "a.csv"), "a.csv: No space left."),
        (OSError(errno.ENOSPC, "No space left"), "the output: No space left."),
    ],
)
def test_what_the_system_refuses_is_told_of_what_it_was(error, said, monkeypatch, capsys):
    def refused(_: object) -> None:
        raise error

    monkeypatch.setattr("mraf.cli.commands.ledger", refused)
    output = sys.stdout
    monkeypatch.setattr(sys, "stdout", output)  # put back afterwards
    assert main(["ledger"]) == 2
    assert capsys.readouterr().err == f"mraf: error: {said}\n"
    assert (sys.stdout is output) != said.startswith("the output")


def test_submit_and_score_agree_with_evaluate_on_the_test_split(run, tmp_path, capsys):
    from mraf.data import load

    assert main(["submit", str(run), "--data", "twin", "--out", str(tmp_path)]) == 0
    corpus = load("twin")
    parts = (corpus.test_english, corpus.test_cross)
    labels = pd.concat(
        pd.DataFrame({"key": p.key, "language": p.language, "speaker": p.labels, "video": p.video})
        for p in parts
    )
    labels.to_csv(tmp_path / "labels.csv", index=False)
    capsys.readouterr()
    assert main(["score", str(tmp_path), "--labels", str(tmp_path / "labels.csv")]) == 0
    scored = capsys.readouterr().out.splitlines()[2].split("|")[2:6]
    assert main(["evaluate", str(run), "--data", "twin", "--split", "test"]) == 0
    evaluated = capsys.readouterr().out.splitlines()[2].split("|")[2:6]
    assert [cell.strip() for cell in scored] == [cell.strip() for cell in evaluated]


def told(printed: str) -> list[str]:
    """The words after "Next: mraf"."""
    return shlex.split(printed.split("Next: mraf ")[1])


def test_a_finished_run_is_not_overwritten(run, capsys):
    before = (run / MODEL).read_bytes()
    command = ["train", "--data", "twin", "--epochs", "1", *TINY, "--out", str(run)]
    assert main(command) == 2
    assert "--resume" in capsys.readouterr().err
    assert main([*command, "--resume"]) == 0
    assert (run / MODEL).read_bytes() == before
    assert main(told(capsys.readouterr().out)) == 0


def test_a_run_without_holdout_is_not_judged_on_validation_videos(tmp_path, capsys):
    out = str(tmp_path / "all")
    command = ["train", "--data", "twin", "--epochs", "1", *TINY, "--final"]
    assert main([*command, "--out", out]) == 0
    submit = build_parser().parse_args(told(capsys.readouterr().out))
    assert (submit.path, submit.data) == (Path(out), "twin")
    assert main(["evaluate", out, "--data", "twin"]) == 2
    assert "--final" in capsys.readouterr().err
    assert main(["evaluate", out, "--data", "twin", "--split", "test"]) == 0


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["train", "--preset", "papr", "--out", "{tmp}/r"], ["papr", "paper, quick"]),
        (["train", "--set", "epoch=3", "--out", "{tmp}/r"], ["epoch", "epochs"]),
        (["train", "--set", "epochs", "--out", "{tmp}/r"], ["key=value"]),
        (["train", "--epochs", "0", "--out", "{tmp}/r"], ["epochs=0"]),
        (["train", "--seed", "x", "--out", "{tmp}/r"], ["seed=x"]),
        (["train", "--device", "gpu", "--data", "twin", "--out", "{tmp}/r"], ["gpu"]),
        (["train", "--data", "{tmp}/nowhere", "--out", "{tmp}/r"], ["nowhere"]),
        (["train", "--data", "twin", "--set", "width=15", "--out", "{tmp}/r"], ["width=15"]),
        (["evaluate", "{tmp}/nothing"], ["nothing", "mraf train"]),
        (["evaluate", "{tmp}/nothing", "--device", "tpu"], ["tpu"]),
        (["evaluate", "{tmp}/nothing", "--json", "{tmp}"], ["it is a folder"]),
        (["evaluate", "{tmp}/nothing", "--record", __file__ + "/e.csv"], ["is a file"]),
        (["submit", "{tmp}/nothing", "--out", "{tmp}/s"], ["nothing"]),
        (["score", "{tmp}", "--labels", "{tmp}/no.csv"], ["no.csv"]),
        (["data", "describe", "{tmp}"], ["csv"]),
        (["data", "pack", "{tmp}/nowhere"], ["nowhere"]),
        (["figure", "pipeline", "--out", "{tmp}/picture.docx"], ["docx"]),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(command, words, tmp_path, capsys):
    before = sorted(tmp_path.rglob("*"))
    assert main([word.format(tmp=tmp_path) for word in command]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("mraf: error: ")
    assert printed.err.count("\n") == 1
    for word in words:
        assert word in printed.err
    assert sorted(tmp_path.rglob("*")) == before  # nothing half-written


def test_another_corpus_is_refused(run, tmp_path, capsys, monkeypatch):
    unchanged = runs._config_sum(run)
    monkeypatch.setattr(runs, "_config_sum", lambda path: unchanged)
    config = json.loads((run / "config.json").read_text())
    config["data"]["corpus"] = "MAV-Celeb v1"
    other = tmp_path / "run"
    other.mkdir()
    for file in run.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    (other / "config.json").write_text(json.dumps(config))
    assert main(["evaluate", str(other), "--data", "twin"]) == 2
    assert "trained on MAV-Celeb v1" in capsys.readouterr().err


def test_download_needs_consent(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("builtins.input", lambda _: "n")
    assert main(["data", "download", str(tmp_path / "new")]) == 2
    printed = capsys.readouterr()
    assert "biometric" in printed.out
    assert "Nothing was fetched" in printed.err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "command",
    [[], ["train"], ["data"], ["data", "describe"], ["evaluate"], ["reproduce"], ["sweep"]],
)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    assert len(capsys.readouterr().out) > 200
