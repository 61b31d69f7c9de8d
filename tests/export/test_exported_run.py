"""An exported run answers in JavaScript as in PyTorch, and holds nothing of a person."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mraf.cli.main import main
from mraf.data.clips import Corpus
from mraf.errors import RunError
from mraf.export.export import FILES, IGNORE, MODULE, NOTICE, ONNX, PAGE, WEIGHTS, export_run, flat
from tests.export.parity import (
    assert_same,
    clips_with_and_without_faces,
    rounded,
    run_of,
)

SIZES: dict[str, dict[str, Any]] = {  # widths that no four divide, two layers, the quick preset
    "small": {"width": 18, "tokens": 3, "heads": 3, "layers": 2},
    "one token": {"width": 6, "tokens": 1, "heads": 1, "epsilon": 0.1},
    "quick": {},
}


NODE = pytest.mark.skipif(not shutil.which("node"), reason="needs Node (nodejs)")


def in_node(folder: Path, face: np.ndarray, voice: np.ndarray, **options: Any) -> dict[str, Any]:
    """What the module exported to folder/out answers, with the options of its `forward`."""
    clips, script = folder / "clips.json", Path(__file__).with_name("parity.mjs")
    clips.write_text(json.dumps(list(zip(face.tolist(), voice.tolist(), strict=True))))
    command = ["node", script, folder / "out", clips, json.dumps(options)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@NODE
@pytest.mark.parametrize("size", SIZES)
def test_the_module_answers_as_pytorch_does(
    size: str, twin: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_of(twin, **SIZES[size])
    export_run(run, tmp_path / "out")
    face, voice = clips_with_and_without_faces(twin)
    answer = in_node(tmp_path, face, voice)
    expected = rounded(run, face, voice)
    assert len(expected) == 22
    worst = assert_same(answer["outputs"], expected)  # both kinds of clip in one batch
    for only in (slice(0, None, 2), slice(1, None, 2)):  # all with a face, all without
        assert_same(answer["outputs"][only], rounded(run, face[only], voice[only]))
    with capsys.disabled():
        print(f"\n{size}: {worst:.1e} from PyTorch, {answer['median']:.1f} ms a clip", end=" ")


@NODE
@pytest.mark.parametrize(
    ("switches", "options"),
    [
        ({"missing_reliability": "learned"}, {"scored": True}),
        ({"missing_face": "zero"}, {"token": [0] * 512}),
        ({"missing_face": "zero", "missing_reliability": "learned"},
         {"token": [0] * 512, "scored": True}),
    ],
)  # fmt: skip
def test_other_ways_to_read_a_missing_face_answer_as_pytorch_does(
    switches: dict[str, Any], options: dict[str, Any], twin: Corpus, tmp_path: Path
) -> None:
    run = run_of(twin, **SIZES["small"])
    export_run(run, tmp_path / "out")
    face, voice = clips_with_and_without_faces(twin)
    run.config = replace(run.config, model=replace(run.config.model, **switches))
    assert_same(in_node(tmp_path, face, voice, **options)["outputs"], rounded(run, face, voice))


def test_the_quick_preset_is_small_and_a_folder_of_ours_is_replaced(
    twin: Corpus, tmp_path: Path
) -> None:
    for name in (WEIGHTS, NOTICE, IGNORE):  # of an earlier export of a run on people
        (tmp_path / name).touch()
    written = export_run(run_of(twin), tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {WEIGHTS, MODULE, PAGE}
    assert set(written) == set(tmp_path.iterdir())
    sizes = {file.name: file.stat().st_size for file in written}
    assert sizes[WEIGHTS] + sizes[MODULE] <= 4_000_000
    assert sizes[PAGE] <= 60_000


def test_a_run_on_people_has_a_notice_and_no_clips(twin: Corpus, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Do not publish"):
        export_run(run_of(twin, "MAV-Celeb v1", width=16), tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {WEIGHTS, MODULE, NOTICE, IGNORE}
    assert (tmp_path / IGNORE).read_text() == "*\n"  # git never sees them
    assert "MAV-Celeb v1" in (tmp_path / NOTICE).read_text()
    assert '"clips": []' in (tmp_path / WEIGHTS).read_text()


@pytest.mark.parametrize(
    "switch",
    [
        {"missing_face": "zero"},
        {"fusion": "lstm"},
        {"head": "ham"},
        {"face_scale": 0.95},
        {"standardise": False},
    ],
)
def test_other_parts_than_the_papers_are_refused_by_name(
    switch: dict[str, Any], twin: Corpus, tmp_path: Path
) -> None:
    ((name, value),) = switch.items()
    with pytest.raises(RunError, match=f"{name}={value}".lower()):
        export_run(run_of(twin, **switch), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("switch", [{"shortcut": "raw"}, {"missing_face": "memory_bank"}])
def test_what_a_run_keeps_of_people_is_never_exported(
    switch: dict[str, Any], twin: Corpus, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match="never exported"):
        export_run(run_of(twin, **switch), tmp_path / "out")


def test_a_folder_with_other_things_stays_as_it_is(twin: Corpus, tmp_path: Path) -> None:
    for name in (PAGE, "config.json"):
        (tmp_path / name).write_text("mine")
        with pytest.raises(RunError, match="not an export"):
            export_run(run_of(twin, width=16), tmp_path)
        assert (tmp_path / name).read_text() == "mine"
        (tmp_path / name).unlink()


def test_another_twin_and_weights_beyond_float16_are_refused(twin: Corpus, tmp_path: Path) -> None:
    run = run_of(twin, width=16)
    run.data["features"] = "0" * 16
    with pytest.raises(RunError, match="other features"):
        export_run(run, tmp_path)
    run = run_of(twin, width=16)
    with torch.no_grad():
        run.model.fused_head.bias[0] = 1e5
    with pytest.raises(RunError, match="float16"):
        export_run(run, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_onnx_answers_as_pytorch_does(twin: Corpus, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="needs pip install 'mraf[export]'")
    pytest.importorskip("onnxscript", reason="needs pip install 'mraf[export]'")
    run = run_of(twin, width=16)
    export_run(run, tmp_path, onnx=True)
    session = runtime.InferenceSession(tmp_path / ONNX)
    face, voice = clips_with_and_without_faces(twin)
    for size in (1, 6):
        clips = face[:size], voice[:size]
        found = session.run(None, dict(zip(("face", "voice"), clips, strict=True)))
        with torch.no_grad():
            expected = flat(run.model(*map(torch.from_numpy, clips)))
        assert [output.name for output in session.get_outputs()] == list(expected)
        for theirs, ours in zip(found, expected.values(), strict=True):
            np.testing.assert_allclose(theirs, ours.numpy(), rtol=1e-4, atol=1e-4)


def test_without_the_packages_of_onnx_one_line_names_them(
    twin: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mraf.export.export.find_spec", lambda name: None)
    with pytest.raises(RunError, match=r"mraf\[export\]"):
        export_run(run_of(twin, width=16), tmp_path, onnx=True)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny = ["--set", "width=16", "tokens=2", "heads=2", "--device", "cpu", "--epochs", "1"]
    out = tmp_path / "out"
    assert main(["train", "--data", "twin", *tiny, "--out", str(tmp_path / "run")]) == 0
    capsys.readouterr()
    assert main(["export", str(tmp_path / "run"), "--out", str(out)]) == 0
    assert capsys.readouterr().out.split() == [str(out / name) for name in FILES[:3]]
    assert main(["export", str(tmp_path / "none"), "--out", str(out)]) == 2
    assert "no run here" in capsys.readouterr().err
