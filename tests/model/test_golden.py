"""Every arm of every sweep computes what it did when the golden record was written."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from mraf.training.config import configure
from mraf.training.golden import TOLERANCE, golden_numbers, same

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import golden  # noqa: E402

RECORD = json.loads(golden.FILE.read_text(encoding="utf-8"))
ARMS = golden.arms()


def test_the_record_holds_every_arm_of_every_table() -> None:
    trained = {f"trained {preset}" for preset in golden.PRESETS}
    assert set(RECORD) == set(ARMS) | trained


@pytest.mark.parametrize("name", ARMS)
def test_an_arm_computes_what_is_recorded(name: str) -> None:
    assert golden_numbers(ARMS[name]) == pytest.approx(RECORD[name], rel=TOLERANCE, abs=TOLERANCE)


@pytest.mark.parametrize("preset", golden.PRESETS)
def test_a_short_training_ends_where_it_did(preset: str) -> None:
    found = golden_numbers(configure(preset, 2), golden.SHORT_TRAINING)
    assert found == pytest.approx(RECORD[f"trained {preset}"], rel=1e-4, abs=1e-4)


SWITCHES = {
    "fusion": "linear",
    "missing_face": "zero",
    "missing_reliability": "learned",
    "reliability": "uniform",
    "scorer": "agreement",
    "standardise": False,
    "activation": "gelu",
    "projection": "normalised",
    "normalise_tokens": True,
    "weighted_heads": True,
    "face_scale": 0.95,
    "head": "am",
    "shortcut": "raw",
    "layers": 2,
    "epsilon": 0.1,
    "seed": 1,
    "audio_only_probability": 0.5,
    "audio_only_per": "batch",
    "kd_weight": 0.0,
    "kd_temperature": 1.0,
    "center_weight": 0.0,
    "center_reduction": "sum",
    "label_smoothing": 0.1,
    "class_weights": True,
    "reliability_floor_weight": 0.1,
    "sampling": "speaker",
    "swapped_faces": 0.5,
}


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_flipped_switch_is_noticed(switch: str) -> None:
    flipped = golden_numbers(configure("quick", 2, {switch: SWITCHES[switch]}))
    assert not same(RECORD["table4 quick token"], flipped)
