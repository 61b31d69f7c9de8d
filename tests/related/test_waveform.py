"""The waveform twin: its sound is what was asked for, measured with other means."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import signal

from mraf.errors import DataError
from mraf_related.waveform import (
    LANGUAGES,
    RATE,
    Phone,
    Session,
    recordings,
    session,
    speak,
    speaker,
    utterance,
)

PLAIN = Session(channel=(0.0, 0.0), snr=60, pitch=1.0, effort=0.0)


def _sung(number: int, phone: Phone, seconds: float = 1.0, **changes: float) -> np.ndarray:
    """One phone at an even pitch."""
    who = replace(speaker(number), melody=0.0, **changes)
    return speak([(phone, seconds)], who, PLAIN, seconds, np.random.default_rng(0))


def test_the_seed_decides_every_sample() -> None:
    first, again = (recordings([3, 4], 2, 2, "Urdu", 0.5, seed=1) for _ in range(2))
    assert np.array_equal(first.wave, again.wave)
    assert first.speaker.tolist() == [3, 3, 3, 3, 4, 4, 4, 4]
    assert first.session.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert len(np.unique(first.wave[:, 100])) == 8  # no two clips are alike
    assert not np.allclose(first.wave, recordings([3, 4], 2, 2, "Urdu", 0.5, seed=2).wave)


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_the_pitch_is_the_asked_one(number: int) -> None:
    wave = _sung(number, Phone((500, 1500, 2500)), jitter=0.0)
    alike = signal.correlate(wave, wave, "full")[len(wave) - 1 :]
    shortest, longest = RATE // 400, RATE // 70
    period = shortest + alike[shortest:longest].argmax()
    assert RATE / period == pytest.approx(speaker(number).pitch, rel=0.03)


@pytest.mark.parametrize("number", [0, 1, 5])
@pytest.mark.parametrize("vowel", [0, 4])
def test_the_formants_are_the_asked_ones(number: int, vowel: int) -> None:
    """Whispered, so that no harmonics stand between the peaks of the spectrum."""
    phone, who = LANGUAGES["English"].vowels[vowel], speaker(number)
    wave = _sung(number, phone, 8.0, breath=50.0, tilt=0.0, bandwidth=0.5)
    frequency, power = signal.welch(wave, RATE, nperseg=1024)
    for asked, factor in zip(phone.formants[:2], who.formants, strict=False):
        near = abs(frequency / (asked * who.tract * factor) - 1) < 0.2
        found = frequency[near][power[near].argmax()]
        assert found == pytest.approx(asked * who.tract * factor, rel=0.06)


def test_the_rhythm_is_the_language_s() -> None:
    rng = np.random.default_rng(0)
    for language, (_, _, (mean, _)) in LANGUAGES.items():
        lengths = [length for _, length in utterance(language, 60, 1.0, rng)]
        assert 2 * np.mean(lengths) == pytest.approx(mean, rel=0.15)  # a syllable is two phones


def test_clips_of_one_speaker_are_nearer_than_those_of_two() -> None:
    found = recordings(range(8), 2, 2, "English", 2.0)
    _, power = signal.welch(found.wave, RATE, nperseg=512)
    spectrum = np.log(power)
    apart = np.linalg.norm(spectrum[:, None] - spectrum[None], axis=2)
    other_session = found.session[:, None] != found.session[None]
    same = found.speaker[:, None] == found.speaker[None]
    assert apart[same & other_session].mean() < 0.9 * apart[~same].mean()


def test_what_it_cannot_do_is_said() -> None:
    with pytest.raises(DataError, match="speaks English, Urdu, not 'German'"):
        recordings([0], 1, 1, "German", 1.0)
    with pytest.raises(DataError, match=r"at least 0\.05 s"):
        speak(
            [(Phone((500, 1500, 2500)), 1)], speaker(0), session(np.random.default_rng()), 0, None
        )
