"""The twin: a synthetic MAV-Celeb, drawn from scalars measured on the real features.

Each feature vector is a sum of independent factors, rotated by a random basis and brought to its
length (a random-effects model; the covariance of each factor is diagonal in one common basis):

    x  ∝  mean + shift(language) + speaker + speaker × language + video + clip

``twin.json`` holds only aggregates over all people: how much energy each factor has in bands of the
common basis, how heavy its tails are, how videos and clips are counted. No direction of the real
feature space is kept, so no template of a person can be recovered from it. ``mraf data fit-twin``
measures it (`mraf.data.fit`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from mraf.data.features import FACE_DIM, VOICE_DIM, Corpus, FeatureSet
from mraf.errors import DataError

LANGUAGES = ("English", "Urdu")
FACTORS = ("speaker", "language", "video", "clip")
BAND_EDGES = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 512)

Calibration = dict[str, Any]
Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


@cache
def calibration() -> Calibration:
    """The scalars that ship with the package (``mraf/data/twin.json``)."""
    text = files("mraf.data").joinpath("twin.json").read_text(encoding="utf-8")
    loaded: Calibration = json.loads(text)
    return loaded


@dataclass(frozen=True, eq=False)
class Layout:
    """Who speaks in which video in which clip; videos are counted through all four parts.

    Args:
        video: index of the clip's video, shape (N,).
        frame: index of the clip whose face this clip shows (clips share frames), shape (N,).
        copy_of: index of the clip this row repeats, or the row itself, shape (N,).
        speaker, language, part: one entry per video; part counts train, cross and the two tests.
        factor: index of the video whose factor this video uses (shared videos), per video.
        name: of each video.
    """

    video: Ints
    frame: Ints
    copy_of: Ints
    speaker: Ints
    language: Ints
    part: Ints
    factor: Ints
    name: NDArray[np.str_]


def generate(
    seed: int = 0, speakers: int | None = None, scalars: Calibration | None = None
) -> Corpus:
    """Draw a twin of MAV-Celeb v1: same shape, same counts, same statistics, no real person.

    Test labels and test videos are visible, unlike those of the real corpus.

    Args:
        seed: same seed, same corpus.
        speakers: number of speakers; videos and clips grow with it. None: as many as the real one.
        scalars: another calibration than the one shipped, as `mraf.data.fit.fit_twin` returns it.
    """
    scalars = calibration() if scalars is None else scalars
    speakers = scalars["counts"]["speakers"] if speakers is None else speakers
    if speakers < 2:
        raise DataError(f"twin: {speakers} speaker(s) asked for; identification needs at least 2.")
    # One stream per purpose: changing one modality's calibration leaves the rest as it was.
    streams = np.random.default_rng(seed).spawn(4)
    layout = draw_layout(streams[0], scalars["counts"], speakers)
    group = draw_groups(streams[0], scalars["group_share"], speakers)
    face = draw_directions(streams[1], scalars["face"], layout, group, FACE_DIM)[layout.frame]
    voice = draw_directions(streams[2], scalars["voice"], layout, group, VOICE_DIM)
    voice *= draw_norms(streams[3], scalars["norm"], layout)[:, None]
    face, voice = face[layout.copy_of], voice[layout.copy_of]
    train, cross, test_english, test_cross = (_part(layout, face, voice, part) for part in range(4))
    return Corpus(train, cross, test_english, test_cross, speakers=speakers, name="twin")


def draw_groups(rng: np.random.Generator, share: float, speakers: int) -> Ints:
    """Two groups of speakers of which face and voice both tell; +1 or -1, shape (speakers,)."""
    group = np.where(np.arange(speakers) < round(share * speakers), 1, -1)
    return rng.permutation(group)


def draw_directions(
    rng: np.random.Generator, scalars: Calibration, layout: Layout, group: Ints, dim: int
) -> Floats:
    """Unit vectors of all clips of one modality, shape (N, dim), float32.

    Args:
        scalars: the modality's part of the calibration.
        group: +1 or -1 for each speaker; it replaces the speaker factor's sign in one coordinate.
    """

    def factor(name: str, count: int) -> Floats:
        # Energies by band; the log-normal scale (mean square 1) makes the tails heavy.
        energy = np.sqrt(band_energies(scalars[name]["energy"], dim))
        spread = scalars[name]["spread"]
        scale = np.exp(spread * rng.standard_normal((count, 1)) - spread**2)
        drawn = rng.standard_normal((count, dim), dtype=np.float32)
        return (drawn * scale * energy).astype(np.float32)

    speakers, videos = len(group), len(layout.speaker)
    mean = rng.standard_normal(dim) * np.sqrt(band_energies(scalars["mean"], dim))
    shift = np.sign(mean) * np.sqrt(band_energies(scalars["shift"], dim))
    speaker = factor("speaker", speakers)
    axis, strength = scalars["group"]["axis"], scalars["group"]["strength"]
    size = np.sqrt(band_energies(scalars["speaker"]["energy"], dim)[axis])
    speaker[:, axis] = (
        strength * size * (group - group.mean()) + np.sqrt(1 - strength**2) * speaker[:, axis]
    )
    language = factor("language", 2 * speakers).reshape(2, speakers, dim)
    # The video's factor, and how much its own clips differ, both follow the video.
    video = factor("video", videos)[layout.factor]
    spread = scalars["clip"]["video_spread"]
    restless = np.exp(spread * rng.standard_normal((videos, 1)) - spread**2)[layout.factor]

    offset = mean + np.stack([-shift / 2, shift / 2])[layout.language]
    offset = offset + speaker[layout.speaker] + language[layout.language, layout.speaker] + video
    clips = factor("clip", len(layout.video)) * restless.astype(np.float32)[layout.video]
    clips += offset.astype(np.float32)[layout.video]
    clips /= np.linalg.norm(clips, axis=1, keepdims=True)
    basis, triangle = np.linalg.qr(rng.standard_normal((dim, dim)))
    basis *= np.sign(np.diag(triangle))  # uniform over rotations
    rotated: Floats = clips @ basis.astype(np.float32)
    return rotated / np.linalg.norm(rotated, axis=1, keepdims=True)


def band_energies(bands: list[float], dim: int) -> NDArray[np.float64]:
    """Energy of each coordinate, shape (dim,), from the mean energy of each band."""
    edges = np.minimum(BAND_EDGES, dim)
    return np.repeat(np.asarray(bands), np.diff(edges)[: len(bands)])


def draw_norms(rng: np.random.Generator, scalars: Calibration, layout: Layout) -> Floats:
    """Lengths of the voices, shape (N,): their quantiles, and how far they follow the video."""
    share = scalars["video_share"]
    latent = np.sqrt(share) * rng.standard_normal(len(layout.speaker))[layout.video]
    latent = latent + np.sqrt(1 - share) * rng.standard_normal(len(layout.video))
    levels = np.linspace(0, 1, len(scalars["quantiles"]))
    norms: Floats = np.interp(ndtr(latent), levels, scalars["quantiles"]).astype(np.float32)
    return norms


# --- counts ---------------------------------------------------------------------------------------


def draw_layout(rng: np.random.Generator, counts: Calibration, speakers: int) -> Layout:
    """Videos and clips of all four parts, with the flaws of the real lists."""
    factor = speakers / counts["speakers"]
    owners, sizes, part = [], [], []
    for index, list_of in enumerate(("train", "cross", "test_english", "test_cross")):
        some = counts[list_of]
        videos = _resample(some["videos_per_speaker"], speakers)
        total = max(round(factor * some["clips"]), int(videos.sum()))
        clips = _match(rng, videos, some, total)
        owners.append(np.repeat(np.arange(speakers), videos))
        sizes += [
            _divide(rng, n, v, some["video_spread"]) for n, v in zip(clips, videos, strict=True)
        ]
        part.append(np.full(videos.sum(), index))
    speaker, video_part = np.concatenate(owners), np.concatenate(part)
    size = np.concatenate(sizes)
    language = video_part % 2
    video = np.repeat(np.arange(len(size)), size)
    name = np.array([f"twin-{'EU'[language[v]]}{v:05d}" for v in range(len(size))])

    origin = np.arange(len(size))
    copy_of = np.arange(len(video))
    first = np.cumsum(size) - size
    # Some videos stand in both lists, with partly the same clips.
    wanted = max(1, round(factor * counts["shared_videos"]))
    train, cross = np.flatnonzero(video_part == 0), np.flatnonzero(video_part == 1)
    pairs = [
        (source, rng.choice(own))
        for source in rng.permutation(train)
        if len(own := cross[(speaker[cross] == speaker[source]) & (size[cross] < 30)])
        and size[source] < 30
    ]
    used: set[int] = set()
    for source, target in pairs:
        if len(used) == 2 * wanted or used & {source, target}:
            continue
        used |= {source, target}
        name[target], origin[target] = name[source], source
        if rng.random() < counts["shared_clips"]:
            common = min(size[source], size[target])
            copy_of[first[target] : first[target] + common] = first[source] + np.arange(common)
    # And some carry two speakers: two videos of different speakers under one name.
    free = [v for v in rng.permutation(cross) if v not in used]
    for _ in range(max(1, round(factor * counts["ambiguous_videos"]))):
        a = free.pop()
        b = next(v for v in free if speaker[v] != speaker[a])
        free.remove(b)
        name[b] = name[a]

    frame = np.arange(len(video))
    shares = np.interp(
        rng.random(len(size)), np.linspace(0, 1, len(counts["frames"])), counts["frames"]
    )
    for v, n in enumerate(size):
        distinct = max(1, round(shares[v] * n))
        picked = np.concatenate([np.arange(distinct), rng.integers(0, distinct, n - distinct)])
        frame[first[v] : first[v] + n] = first[v] + rng.permutation(picked)
    return Layout(video, frame, copy_of, speaker, language, video_part, origin, name)


def _resample(histogram: list[int], speakers: int) -> Ints:
    """Sorted counts 1, 2, … of `speakers` speakers that follow a histogram."""
    counts = np.repeat(np.arange(1, len(histogram) + 1), histogram)
    at = ((np.arange(speakers) + 0.5) / speakers * len(counts)).astype(int)
    taken: Ints = counts[at]
    return taken


def _match(rng: np.random.Generator, videos: Ints, counts: Calibration, total: int) -> Ints:
    """Clips of each speaker: their quantiles, rank-correlated with the videos, summing to total."""
    speakers = len(videos)
    clips = np.interp(
        np.linspace(0, 1, speakers),
        np.linspace(0, 1, len(counts["clips_per_speaker"])),
        counts["clips_per_speaker"],
    )
    inner = clips[1:-1] * (total - clips[0] - clips[-1]) / clips[1:-1].sum()
    if speakers > 2 and inner.sum() > 0:
        clips[1:-1] = inner
    clips = np.sort(_round_to(clips, total))
    rank = counts["rank_correlation"]
    noise = np.sqrt(1 - rank**2) * rng.standard_normal(speakers)
    by_videos = np.argsort(np.argsort(videos + 1e-3 * rng.random(speakers)))
    latent = rank * np.sqrt(12) * ((by_videos + 0.5) / speakers - 0.5) + noise
    matched = clips[np.argsort(np.argsort(latent))]
    while (short := np.flatnonzero(matched < videos)).size:  # every video needs a clip
        i = short[0]
        fits = (matched >= videos[i]) & (matched[i] >= videos)
        j = int(np.flatnonzero(fits)[matched[fits].argmin()]) if fits.any() else matched.argmax()
        if not fits.any():
            need = videos[i] - matched[i]
            matched[i] += need
            matched[j] -= need
        else:
            matched[[i, j]] = matched[[j, i]]
    return matched


def _divide(rng: np.random.Generator, clips: int, videos: int, spread: float) -> Ints:
    """Divide a speaker's clips over the videos, at least one each, log-normally uneven."""
    share = np.exp(spread * rng.standard_normal(videos))
    return 1 + _round_to(share / share.sum() * (clips - videos), int(clips - videos))


def _round_to(values: NDArray[np.float64], total: int) -> Ints:
    """Round values that sum to `total` so that they still do: the largest remainders go up."""
    floor: Ints = np.floor(values).astype(np.int64)
    missing = total - int(floor.sum())
    order = np.argsort(floor - values, kind="stable")
    floor[order[:missing]] += 1
    return floor


def _part(layout: Layout, face: Floats, voice: Floats, part: int) -> FeatureSet:
    rows = np.flatnonzero(layout.part[layout.video] == part)
    video = layout.video[rows]
    speaker, name = layout.speaker[video], layout.name[video]
    language = LANGUAGES[part % 2]
    if part < 2:
        inside = rows - np.searchsorted(layout.video, video)
        key = [
            f"id{s + 1:04d}/{language}/{n}/{i:05d}"
            for s, n, i in zip(speaker, name, inside, strict=True)
        ]
    else:
        key = [f"test{i:06d}" for i in range(len(rows))]  # as in POLY-SIM, equal keys mean nothing
    return FeatureSet(
        face[rows], voice[rows], speaker, name, language, np.array(key), f"twin {language}"
    )
