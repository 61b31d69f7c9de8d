"""Presets, overrides, devices: what is accepted and how the rest is refused."""

import pytest
import torch

from mraf.errors import RunError
from mraf.training.config import PRESETS, Config, configure, parse_overrides
from mraf.training.device import resolve_device, resolve_precision


def test_the_paper_preset_is_the_paper():
    config = configure("paper", 70)
    training = config.training
    assert (training.learning_rate, training.batch_size, config.model.width) == (1e-4, 64, 512)
    assert (config.model.dropout, training.audio_only_probability) == (0.1, 0.2)
    assert (training.face_weight, training.voice_weight, training.fused_weight) == (1, 1, 1)
    assert (training.kd_temperature, training.kd_weight, training.center_weight) == (2, 0.2, 0.1)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_configuration_round_trips(preset):
    config = configure(preset, 70, {"fusion": "lstm", "standardise": "false", "epochs": "3"})
    assert config.model.fusion == "lstm"
    assert config.model.standardise is False
    assert config.training.epochs == 3
    assert Config.from_dict(config.to_dict()) == config


def test_a_run_from_before_a_switch_was_added_has_its_default():
    config = configure("quick", 70, {"epochs": "3"})
    older = config.to_dict()
    del older["training"]["sampling"], older["model"]["scorer"]
    assert Config.from_dict(older) == config
    newer = config.to_dict()
    newer["training"]["moonlight"] = 1
    with pytest.raises(RunError, match="moonlight"):
        Config.from_dict(newer)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["epochs"], "key=value"),
        (["=3"], "key=value"),
        (["epoch=3"], "did you mean 'epochs'"),
        (["speakers=3"], "unknown setting 'speakers'; see"),
        (["face_dim=100"], "unknown setting 'face_dim'"),
        (["seed=99999999999999999999999"], "out of range"),
        (["seed=4294967301"], "out of range, must be below 4294967296"),  # 5 on a CPU
        (["epochs=many"], "not a valid int"),
        (["epochs=2.5"], "not a valid int"),
        (["epochs=0"], "out of range"),
        (["audio_only_probability=1.5"], "out of range"),
        (["learning_rate=nan"], "finite"),
        (["learning_rate=-1"], "out of range"),
        (["kd_temperature=0"], "out of range"),
        (["fusion=cross"], "choose one of cross_attention, lstm, gated, linear"),
        (["standardise=perhaps"], "true or false"),
    ],
)
def test_a_wrong_override_is_refused(pairs, message):
    with pytest.raises(RunError, match=message):
        configure("paper", 70, parse_overrides(pairs))


def test_an_unknown_preset_is_refused():
    with pytest.raises(RunError, match="unknown preset 'papr'; choose one of paper, quick"):
        configure("papr", 70)


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "meta", ""])
def test_an_unknown_or_absent_device_is_refused(name):
    with pytest.raises(RunError, match="device"):
        resolve_device(name)


def test_devices_and_precision():
    assert resolve_device("cpu") == torch.device("cpu")
    assert resolve_device("auto").type in {"cuda", "mps", "cpu"}
    assert resolve_precision("float32", torch.device("cpu")) == torch.float32
    assert resolve_precision("bfloat16", torch.device("cpu")) == torch.bfloat16
    assert resolve_precision("auto", torch.device("mps")) == torch.float32


@pytest.mark.parametrize(
    ("amx", "avx512", "name", "fast"),
    [
        (True, True, "Intel(R) Xeon(R) Processor", True),
        (False, True, "Intel(R) Xeon(R) Processor", False),  # half the speed of float32 there
        (False, True, "AMD EPYC", True),
        (False, False, "AMD EPYC", False),
    ],
)
def test_auto_takes_bfloat16_where_it_pays(amx, avx512, name, fast, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512, raising=False)
    monkeypatch.setattr("mraf.training.device.processor", lambda: name)
    found = resolve_precision("auto", torch.device("cpu"))
    assert (found == torch.bfloat16) == fast
