"""The scripts that record: any release has its place, a wrong option is one line."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
from official import random_corpus, write_official

from mraf.evidence.tables import OFFICIAL, Place


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


@pytest.mark.parametrize("script", ["record_robustness"], indirect=True)
def test_an_unknown_arm_is_told(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["record_robustness.py", "--data", "twin", "--arms", "typo"])
    with pytest.raises(
        SystemExit, match=r"record_robustness\.py: error: .* no arm 'typo'; .*paper"
    ):
        script.recording.run(script.main)
