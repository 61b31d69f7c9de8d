"""The scripts that record: any release has its place, a wrong option is one line."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
from official import random_corpus, write_official

from mraf.evaluation.records import read_results
from mraf.evidence.tables import OFFICIAL, Place
from mraf_related.interventions import INTERVENTIONS


@pytest.fixture
def script(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "scripts")
    return importlib.import_module(request.param)


def test_every_corpus_has_a_place() -> None:
    assert (Place("twin").preset, Place("twin").data) == ("quick", " --data twin")
    assert (OFFICIAL.slug, Place("MAV-Celeb v2").slug) == ("mavceleb_v1", "mavceleb_v2")


@pytest.mark.parametrize("script", ["record_enrolment"], indirect=True)
def test_another_release_is_recorded_under_its_own_name(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_official(tmp_path / "v2", random_corpus("Hindi", "v2", clips=2))
    options = ["--data", str(folder), "--seeds", "1", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["record_enrolment.py", *options])
    script.recording.run(script.main)
    rows = pd.read_csv(tmp_path / "enrolment_mavceleb_v2.csv")
    assert set(rows.corpus) == {"MAV-Celeb v2"}


@pytest.mark.parametrize("script", ["record_robustness", "record_attention"], indirect=True)
def test_an_unknown_arm_is_told(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{script.__name__}.py"
    monkeypatch.setattr(sys, "argv", [name, "--data", "twin", "--arms", "typo"])
    with pytest.raises(SystemExit, match=rf"{name}: error: .* no arm 'typo'; there are: \w"):
        script.recording.run(script.main)


@pytest.mark.parametrize("script", ["record_attention"], indirect=True)
def test_interventions_are_recorded_beside_the_arm_that_they_change(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_official(tmp_path / "v2", random_corpus("Hindi", "v2", clips=2))
    options = ["--data", str(folder), "--seeds", "1", "--out", str(tmp_path)]
    options += ["--arms", "cross_attention", "none"]
    monkeypatch.setattr(sys, "argv", ["record_attention.py", *options])
    script.recording.run(script.main)
    rows = read_results(tmp_path / "attention_mavceleb_v2.csv").set_index(["system", "setting"])
    under = {f"cross_attention+{name}" for name in INTERVENTIONS}
    assert set(rows.index.get_level_values("system")) == {"cross_attention", "none", *under}
    assert (rows.renamed["cross_attention"] == 0).all()
    assert rows.entropy.notna().sum() == 4  # of the arm that has maps, in each setting
    assert 0.5 < rows.entropy["cross_attention"].min() <= rows.entropy["cross_attention"].max() <= 1
