"""Short segments: the features are those named, training is seeded, trials are fair."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import signal

from mraf.data.clips import Corpus
from mraf.errors import DataError, RunError
from mraf_related.short_segment import study
from mraf_related.short_segment.encoder import (
    FrontEnd,
    MultiResolution,
    VoiceEncoder,
    log_mel,
    mel_weights,
)
from mraf_related.study import people_drawn
from mraf_related.waveform import RATE, Recordings, recordings


@pytest.fixture(scope="module")
def clips() -> Recordings:
    return recordings(range(4), 2, 2, "English", 2.0)


def test_the_filterbank_is_that_of_an_independent_computation(clips: Recordings) -> None:
    wave = clips.wave[0]
    window = np.zeros(512)
    window[56:456] = signal.get_window("hamming", 400)
    padded = np.pad(wave, 256, "reflect")
    frames = np.stack([padded[at : at + 512] for at in range(0, len(wave) + 1, 160)])
    power = abs(np.fft.rfft(frames * window)) ** 2
    expected = (np.log(power @ mel_weights().numpy() + 1e-3).T + 1) / 3
    found = log_mel(torch.from_numpy(wave)[None], mel_weights())[0]
    assert found.numpy() == pytest.approx(expected, abs=2e-3)


def test_a_tone_is_loudest_in_its_band() -> None:
    tone = torch.sin(2 * torch.pi * 1000 * torch.arange(RATE) / RATE)
    loudest = log_mel(tone[None], mel_weights())[0].mean(1).argmax()
    frequency = torch.linspace(0, RATE / 2, 257)
    centre = frequency[mel_weights()[:, loudest].argmax()]
    assert centre == pytest.approx(1000, abs=60)


def test_without_its_mean_a_crop_forgets_the_channel(clips: Recordings) -> None:
    wave = torch.from_numpy(clips.wave[:2])
    removed, kept = (
        [log_mel(gain * wave, mel_weights(), remove) for gain in (1, 4)] for remove in (True, False)
    )
    assert (removed[0] - removed[1]).abs().mean() < 0.05
    assert (kept[0] - kept[1]).abs().mean() > 0.5


def test_the_shifts_are_the_paper_s_milliseconds() -> None:
    encoder = MultiResolution((25, 50, 100, 200))
    windows = [1000 * window.stride[0] / RATE for window in encoder.windows]
    assert windows == pytest.approx([1.56, 3.13, 6.25, 12.5], abs=0.01)


@pytest.mark.parametrize("name", study.ARMS)
def test_a_clip_of_any_length_becomes_192_numbers(name: str, clips: Recordings) -> None:
    encoder = VoiceEncoder(study.ARMS[name]).eval()
    for samples in (1000, 4321, RATE):
        assert encoder(torch.from_numpy(clips.wave[:3, :samples])).shape == (3, 192)


def test_training_is_seeded_and_learns(clips: Recordings) -> None:
    front = FrontEnd(shifts=(100,))
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first, again, other = (
        study.fit_encoder(clips, front, seed, 40, progress=False) for seed in (0, 0, 1)
    )
    assert torch.equal(state, torch.get_rng_state())
    wave = torch.from_numpy(clips.wave[:2])
    assert torch.equal(first(wave), again(wave))
    assert not torch.equal(first(wave), other(wave))
    found = study.errors(first, clips, people_drawn(4, 20), [1.0])[1.0]
    assert found.value < 0.2  # chance is 0.5
    assert found.drawn.shape == (20,)


def test_a_clip_is_not_compared_with_its_own_session(
    clips: Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An encoder that knows the session and nothing else is right about nobody."""
    of_session = torch.eye(8)[torch.from_numpy(clips.session)]
    monkeypatch.setattr(study, "embed", lambda *_: of_session)
    found = study.errors(VoiceEncoder(), clips, people_drawn(4, 5), [1.0])[1.0]
    assert found.value == pytest.approx(0.5)
    assert found.trials == 16 * 14  # all but the two of the own session


def test_the_table_compares_paired_and_is_read_aloud(
    twin: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {"SEEDS": 2, "STEPS": 20, "TRAINED": range(4), "TESTED": range(4, 8), "WHOLE": 1.0}
    small |= {"LENGTHS": (0.25, 1.0), "RESAMPLES": 50, "BATCH": 4}
    pair = ("filterbank", "filterbank, mean removed")
    small |= {"ARMS": {name: study.ARMS[name] for name in pair}, "PAIRS": (pair,)}
    for name, value in small.items():
        monkeypatch.setattr(study, name, value)
    table = study.table(twin)
    at = {"condition": "unheard", "length": 1.0, "draw": "mean"}
    rows = table[(table[list(at)] == pd.Series(at)).all(axis=1)].set_index("system").value
    assert rows[" − ".join(pair)] == pytest.approx(rows[pair[0]] - rows[pair[1]])
    assert f"{pair[0]} against {pair[1]}, unheard, 1.0, EER: " in study.summary(table)


def test_what_cannot_be_measured_is_said(tiny_corpus: Corpus, clips: Recordings) -> None:
    with pytest.raises(DataError, match="has no sound, only features"):
        study.table(tiny_corpus)
    with pytest.raises(DataError, match=r"clips of 2\.0 s have no 5\.0 s to be cut"):
        study.embed(VoiceEncoder().eval(), clips.wave, 5.0)
    with pytest.raises(RunError, match="hears nothing"):
        FrontEnd(filterbank=False, shifts=())
    with pytest.raises(DataError, match=r"training needs 1\.0 s or more"):
        study.fit_encoder(clips._replace(wave=clips.wave[:, : RATE // 2]), FrontEnd())
