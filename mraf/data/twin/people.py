"""Who speaks in which video and clip of the twin: counts, imbalance and the flaws of the lists."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
PARTS = ("train", "cross", "test_english", "test_cross")
FLAWS = ("shared", "repeated", "ambiguous")


@dataclass(frozen=True, eq=False)
class People:
    """Clips in the order of `PARTS`, speakers, videos, which are counted through all four parts."""

    video: Ints  # index of each clip's video, shape (N,)
    frame: Ints  # index of the clip whose face the clip shows (clips share frames), shape (N,)
    copy_of: Ints  # index of the clip that the clip repeats, or the clip itself, shape (N,)
    speaker: Ints  # of each video, shape (V,)
    part: Ints  # of each video, shape (V,)
    factor: Ints  # index of the video of which this one is a copy, or the video itself, shape (V,)
    name: NDArray[np.str_]  # of each video, shape (V,)
    group: Ints  # +1 or -1 of each speaker, of which face and voice both tell, shape (C,)

    @property
    def language(self) -> Ints:
        """0 for English and 1 for the second language, of each video, shape (V,)."""
        return self.part % 2

    def rows(self, modality: str) -> Ints:
        """Which clip's drawn row each clip shows, shape (N,)."""
        return self.frame[self.copy_of] if modality == "face" else self.copy_of


def stream(seed: int, purpose: str) -> np.random.Generator:
    """A random stream for each purpose: changing one leaves the others as they were."""
    return np.random.default_rng([seed, *purpose.encode()])


def draw_people(seed: int, scalars: dict[str, Any], speakers: int) -> People:
    """Draw videos and clips with the measured imbalance and the flaws of the real lists.

    Numbers of videos, clips and flaws grow with that of the speakers.
    """
    rng, counts = stream(seed, "layout"), scalars["counts"]
    growth = speakers / counts["speakers"]
    latent = iter(_latent(rng, speakers, np.asarray(counts["rank_correlations"])).T)
    owner, sizes, part = [], [], []
    for index, name in enumerate(PARTS):
        some = counts[name]
        videos = _by_rank(next(latent), _videos(some["videos_per_speaker"], speakers))
        total = max(round(growth * some["clips"]), int(videos.sum()))
        clips = _by_rank(next(latent), _clips(some["clips_per_speaker"], speakers, total))
        for short in np.flatnonzero(clips < videos):  # lent by whoever has most
            lent = videos[short] - clips[short]
            clips[[short, (clips - videos).argmax()]] += [lent, -lent]
        for n, v in zip(clips.tolist(), videos.tolist(), strict=True):
            sizes.append(_divide(rng, n, v, some["video_spread"]))
        owner.append(np.repeat(np.arange(speakers), videos))
        part.append(np.full(videos.sum(), index))
    size = np.concatenate(sizes)
    group = np.where(np.arange(speakers) < round(scalars["group_share"] * speakers), 1, -1)
    people = People(
        video=np.repeat(np.arange(len(size)), size),
        frame=_frames(rng, size, np.asarray(counts["frames"])),
        copy_of=np.arange(size.sum()),
        speaker=np.concatenate(owner),
        part=np.concatenate(part),
        factor=np.arange(len(size)),
        name=np.array([f"twin-{v:06d}" for v in range(len(size))]),
        group=stream(seed, "group").permutation(group),
    )
    _add_flaws(rng, people, size, counts, growth)
    return people


def _latent(rng: np.random.Generator, speakers: int, correlations: NDArray[Any]) -> NDArray[Any]:
    """Normal scores of each speaker's videos and clips, part by part, shape (C, 8).

    Those of train and cross have exactly the given correlations (4, 4), so that twins are alike.
    """
    scores = rng.standard_normal((speakers, 2 * len(PARTS)))
    listed = len(correlations)
    if speakers > 2 * listed:
        scores -= scores.mean(axis=0)
        scores @= np.linalg.inv(np.linalg.cholesky(scores.T @ scores)).T
    scores[:, :listed] @= np.linalg.cholesky(correlations).T
    return scores


def _by_rank(score: NDArray[Any], counts: Ints) -> Ints:
    """The counts, dealt out to the speakers in the order of their scores."""
    return np.sort(counts)[np.argsort(np.argsort(score))]


def _videos(histogram: list[int], speakers: int) -> Ints:
    """Counts 1, 2, … of `speakers` speakers that follow a histogram."""
    counts = np.repeat(np.arange(1, len(histogram) + 1), histogram)
    return counts[((np.arange(speakers) + 0.5) / speakers * len(counts)).astype(np.int64)]


def _clips(quantiles: list[float], speakers: int, total: int) -> Ints:
    """Counts of `speakers` speakers that follow the quantiles and sum to the total."""
    levels = np.linspace(0, 1, len(quantiles))
    clips = np.interp(np.linspace(0, 1, speakers), levels, quantiles)
    if speakers > 2:  # the ends stay, so that the extremes are the real ones
        clips[1:-1] *= (total - clips[0] - clips[-1]) / clips[1:-1].sum()
    return _round_to(clips * (total / clips.sum()), total)


def _divide(rng: np.random.Generator, clips: int, videos: int, spread: float) -> Ints:
    """Divide a speaker's clips over the videos, at least one each, log-normally uneven."""
    share = np.exp(spread * rng.standard_normal(videos))
    return 1 + _round_to(share / share.sum() * (clips - videos), clips - videos)


def _round_to(values: NDArray[np.float64], total: int) -> Ints:
    """Round values that sum to `total` so that they still do: the largest remainders go up."""
    whole = np.floor(values + 1e-9).astype(np.int64)
    whole[np.argsort(whole - values, kind="stable")[: total - whole.sum()]] += 1
    return whole


def _frames(rng: np.random.Generator, size: Ints, shares: NDArray[np.float64]) -> Ints:
    """Which clip's face each clip shows; shares: quantiles of the share of distinct faces."""
    share = np.interp(rng.random(len(size)), np.linspace(0, 1, len(shares)), shares)
    distinct = np.maximum(1, np.round(share * size).astype(np.int64))
    frames = []
    for first, n, d in zip(np.cumsum(size) - size, size, distinct, strict=True):
        repeated = rng.integers(0, d, n - d)
        frames.append(first + rng.permutation(np.concatenate([np.arange(d), repeated])))
    return np.concatenate(frames)


def _add_flaws(
    rng: np.random.Generator, people: People, size: Ints, counts: dict[str, Any], growth: float
) -> None:
    """Shared videos (in both lists), repeated ones (under two names), ambiguous ones; in place."""
    first = np.cumsum(size) - size
    used = np.zeros(len(size), dtype=bool)
    english, cross = (np.flatnonzero(people.part == part) for part in (0, 1))
    for flaw, sources in zip(FLAWS, (english, cross, cross), strict=True):
        wanted = round(growth * counts[f"{flaw}_videos"])
        for source in rng.permutation(sources):
            if wanted == 0:
                break
            same = people.speaker[cross] == people.speaker[source]
            alike = np.abs(np.log(size[cross] / size[source])) < 0.5
            suits = (~same if flaw == "ambiguous" else same) & alike & ~used[cross]
            candidates = cross[suits & (cross != source)]
            if used[source] or not len(candidates):
                continue
            target = rng.choice(candidates)
            used[[source, target]] = True
            wanted -= 1
            if flaw != "ambiguous":
                people.factor[target] = source
            if flaw != "repeated":
                people.name[target] = people.name[source]
            if flaw == "repeated" or (flaw == "shared" and rng.random() < counts["shared_clips"]):
                common = np.arange(min(size[source], size[target]))
                people.copy_of[first[target] + common] = first[source] + common
