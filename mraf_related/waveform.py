"""The waveform twin: speech-like sound of speakers who do not exist, computed from a seed.

A source–filter synthesiser (Fant, 1960). The source is a train of glottal pulses, or noise. The
filter is a chain of five resonances, the formants, which the phones move. A speaker is eleven
numbers, a recording session is a channel and a noise. There is no word and no person behind it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from mraf.errors import DataError

RATE = 16_000  # samples a second
FRAMES = {"fs": RATE, "window": "hann", "nperseg": 512, "noverlap": 384}  # one every 8 ms
UPPER_FORMANTS = (3500.0, 4500.0)  # Hz, the same in all phones

Wave = NDArray[np.float32]
Floats = NDArray[np.float64]
Random = np.random.Generator


class Phone(NamedTuple):
    """A speech sound: the first three formants in Hz, and how much of it is pulses, not noise."""

    formants: tuple[float, float, float]
    voiced: float = 1.0
    hiss: tuple[float, float] = (3000.0, 2000.0)  # centre and width of the noise in Hz


Phones = list[tuple[Phone, float]]  # each with its length in seconds


class Language(NamedTuple):
    """Phones and rhythm. A syllable is a consonant and a vowel."""

    vowels: tuple[Phone, ...]
    consonants: tuple[Phone, ...]
    syllable: tuple[float, float]  # mean length and its spread, in seconds


@dataclass(frozen=True)
class Speaker:
    """What makes a voice."""

    pitch: float  # Hz
    tract: float  # all formants are multiplied by it; a shorter vocal tract has a larger one
    formants: tuple[float, ...]  # a factor for each of the five
    bandwidth: float  # factor
    tilt: float  # of the source, dB an octave
    jitter: float  # relative spread of the time between pulses
    shimmer: float  # relative spread of the height of pulses
    breath: float  # noise beside the pulses
    open_quotient: float  # share of a period for which the glottis is open
    melody: float  # how far the pitch moves, in log Hz
    rate: float  # factor of the speed of speech


@dataclass(frozen=True)
class Session:
    """What the recordings of one video have in common."""

    channel: tuple[float, ...]  # gain in dB at six frequencies from 0 to 8 kHz
    snr: float  # dB above white noise
    pitch: float  # factor of the mood
    effort: float  # dB an octave; a louder voice is brighter


class Recordings(NamedTuple):
    """Clips of one language: sound (N, samples), speaker and session (N,), counted through."""

    wave: Wave
    speaker: NDArray[np.int64]
    session: NDArray[np.int64]


def _language(vowels: str, hisses: str, syllable: tuple[float, float]) -> Language:
    """Each consonant comes with voice and without; its formants are those of a neutral tract."""

    def rows(text: str) -> list[Any]:
        return [tuple(map(float, row.split())) for row in text.split(",")]

    consonants = [
        Phone((500, 1500, 2500), said, hiss) for hiss in rows(hisses) for said in (0, 0.5)
    ]
    return Language(tuple(map(Phone, rows(vowels))), tuple(consonants), syllable)


LANGUAGES = {
    "English": _language(
        "280 2250 2900, 400 2000 2550, 550 1800 2500, 690 1660 2400, 710 1100 2450, 590 880 2540, "
        "450 1030 2380, 310 870 2250, 640 1200 2400, 490 1350 1700",
        "3500 1500, 5500 1800, 1800 900, 2600 1000",
        (0.17, 0.05),
    ),
    "Urdu": _language(
        "270 2400 3000, 450 2100 2650, 730 1300 2500, 560 1000 2500, 320 800 2300, 430 900 2400, "
        "600 1500 2450",
        "2200 900, 3200 1200, 4500 1500, 1500 700, 6000 1500",
        (0.14, 0.02),
    ),
}
"""Inventories and rhythms that differ as those of the two languages may. Nothing is a real word."""


def speaker(number: int, seed: int = 0) -> Speaker:
    """The speaker of a number; even numbers have longer vocal tracts and lower pitches."""
    rng, high = np.random.default_rng([seed, number]), number % 2

    def spread(middle: float, by: float) -> float:
        return float(middle * np.exp(by * rng.standard_normal()))

    return Speaker(
        pitch=spread((118, 205)[high], 0.13),
        tract=spread((1.0, 1.12)[high], 0.05),
        formants=tuple(np.exp(0.035 * rng.standard_normal(5)).tolist()),
        bandwidth=spread(1, 0.2),
        tilt=float(rng.normal((-6, -7.5)[high], 3)),
        jitter=spread(0.004, 0.7),
        shimmer=spread(0.04, 0.5),
        breath=spread(0.03, 0.8),
        open_quotient=float(np.clip(rng.normal(0.6, 0.12), 0.35, 0.85)),
        melody=spread(0.12, 0.4),
        rate=spread(1, 0.12),
    )


def session(rng: Random) -> Session:
    """A channel, a noise and a mood."""
    gains = tuple((4 * rng.standard_normal(6)).tolist())
    mood = float(np.exp(0.05 * rng.standard_normal()))
    return Session(gains, float(rng.uniform(12, 30)), mood, float(2 * rng.standard_normal()))


def recordings(
    speakers: Sequence[int], sessions: int, clips: int, language: str, seconds: float, seed: int = 0
) -> Recordings:
    """Clips of speakers by their numbers, so many in each of so many sessions.

    Raises DataError: an unknown language, or a clip shorter than 0.05 s.
    """
    waves, labels = [], []
    for number in speakers:
        for place in range(sessions):
            rng = np.random.default_rng([seed, number, place, *language.encode()])
            where = session(rng)
            for _ in range(clips):
                phones = utterance(language, seconds, speaker(number).rate, rng)
                waves.append(speak(phones, speaker(number), where, seconds, rng))
                labels.append(number)
    count = np.arange(len(waves)) // clips
    return Recordings(np.stack(waves), np.array(labels), count)


def utterance(language: str, seconds: float, rate: float, rng: Random) -> Phones:
    """Phones of random syllables, each with its length in seconds, for at least a time.

    Raises DataError: an unknown language.
    """
    if language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        raise DataError(f"the waveform twin speaks {known}, not {language!r}; choose one of them.")
    vowels, consonants, (mean, spread) = LANGUAGES[language]
    phones: Phones = []
    while sum(length for _, length in phones) < seconds:
        for inventory, share in ((consonants, 0.35), (vowels, 0.65)):
            length = max(0.05, (mean * share + spread * rng.standard_normal()) / rate)
            phones.append((inventory[rng.integers(len(inventory))], length))
    return phones


def speak(phones: Phones, who: Speaker, where: Session, seconds: float, rng: Random) -> Wave:
    """The sound of phones, shape (samples,), with a standard deviation near 1.

    The last phone goes on to the end. Raises DataError where the clip is shorter than 0.05 s.
    """
    if seconds < 0.05:
        raise DataError(f"a clip of {seconds} s: give at least 0.05 s.")
    samples = round(seconds * RATE)
    frequency, time, noise = signal.stft(rng.standard_normal(samples), **FRAMES)  # (F,), (T,)
    ends = np.cumsum([length for _, length in phones])
    phone = np.minimum(np.searchsorted(ends, time), len(phones) - 1)

    def track(values: Any, width: int) -> Floats:
        """What each phone has, over time and smoothed: the mouth moves at a finite speed."""
        kernel = np.hanning(width + 2)[1:-1] / np.hanning(width + 2).sum()
        padded = np.pad(np.array(values, float)[phone], width // 2, "edge")
        return np.convolve(padded, kernel, "valid")

    formants = [track([one.formants[k] for one, _ in phones], 9) for k in range(3)]
    formants += [np.full(len(time), middle) for middle in UPPER_FORMANTS]
    voiced = track([one.voiced for one, _ in phones], 5)[:, None]
    centre, width = np.array([one.hiss for one, _ in phones])[phone].T[..., None]

    octaves = np.log2(np.maximum(frequency, 200) / 200)
    response = 10 ** ((who.tilt + where.effort) * octaves / 20) * np.ones((len(time), 1))
    for k, factor in enumerate(who.formants):
        middle = formants[k][:, None] * who.tract * factor  # Hz, shape (T, 1)
        damping = (60 + 40 * k) * who.bandwidth * frequency
        response *= (middle**2 / np.hypot(frequency**2 - middle**2, damping + 1)) ** 0.9
    hiss = np.exp(-0.5 * ((frequency - centre * who.tract) / width) ** 2)
    bands = np.linspace(0, RATE / 2, len(where.channel))
    channel = 10 ** (np.interp(frequency, bands, where.channel) / 20)

    spectrum = signal.stft(_pulses(time, samples, who, where, rng), **FRAMES)[2].T
    spectrum *= response * voiced * 6
    spectrum += noise.T * (response * voiced * who.breath + hiss * (1 - voiced) * 0.25)
    wave = signal.istft((spectrum * channel).T, **FRAMES)[1][:samples]
    wave /= wave.std() + 1e-9
    wave += rng.standard_normal(samples) * 10 ** (-where.snr / 20)
    return wave.astype(np.float32)


def _pulses(time: Floats, samples: int, who: Speaker, where: Session, rng: Random) -> Floats:
    """The glottis closes with a pulse once a period, and opens with a smaller one before it."""
    slow, fast = rng.random(2)
    melody = np.sin(2 * np.pi * (0.6 * time + slow)) + 0.5 * np.sin(2 * np.pi * (1.7 * time + fast))
    pitch = who.pitch * where.pitch * np.exp(who.melody * melody)
    period = RATE / np.interp(np.arange(samples), time * RATE, pitch)
    closing, at = [], 0.0
    while at < samples - 1:
        closing.append(at)
        at += period[int(at)] * (1 + who.jitter * rng.standard_normal())
    moment = np.array(closing)
    height = 1 + who.shimmer * rng.standard_normal(len(moment))
    opening = moment - who.open_quotient * period[moment.astype(int)]
    train = np.zeros(samples + 1)
    for when, how in ((moment, height), (opening[opening > 0], -0.35 * height[opening > 0])):
        left = when.astype(int)  # a pulse between two samples is shared out
        np.add.at(train, left, how * (1 - when + left))
        np.add.at(train, left + 1, how * (when - left))
    return train[:samples]
