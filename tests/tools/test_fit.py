"""Measuring the twin's scalars: known values are found again, the probe measures what it says."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from official import random_corpus
from scipy.stats import spearmanr

from mraf.data.clips import Corpus
from mraf.data.describe import cosine_quantiles, unit
from mraf.data.twin.factors import BAND_EDGES
from mraf.data.twin.generate import calibration, generate
from mraf.errors import DataError
from tools.fit_twin.calibrate import KNOBS, calibrate, turned
from tools.fit_twin.compare import class_mean_accuracies
from tools.fit_twin.landmarks import held_out_accuracy
from tools.fit_twin.moments import fit_counts, fit_energies, fit_norms, fit_twin, rank_correlations
from tools.fit_twin.probe import Probe

WIDTH = np.diff(BAND_EDGES)


def _rows(corpus: Corpus, modality: str) -> np.ndarray:
    return unit(np.concatenate([getattr(part, modality) for part in (corpus.train, corpus.cross)]))


def test_fit_finds_the_counts_again(twin: Corpus) -> None:
    found, given = fit_counts(twin), calibration()["counts"]
    for name in ("speakers", "shared_videos", "ambiguous_videos", "repeated_videos"):
        assert found[name] == given[name]
    for name in ("train", "cross"):
        assert found[name]["clips"] == given[name]["clips"]
        assert found[name]["videos_per_speaker"] == given[name]["videos_per_speaker"]
        assert found[name]["clips_per_speaker"][0] == given[name]["clips_per_speaker"][0]
        assert found[name]["clips_per_speaker"][-1] == given[name]["clips_per_speaker"][-1]
        assert found[name]["video_spread"] == pytest.approx(given[name]["video_spread"], abs=0.25)
    expected = np.array(given["rank_correlations"])
    assert np.array(found["rank_correlations"]) == pytest.approx(expected, abs=0.15)
    assert found["frames"] == pytest.approx(given["frames"], abs=0.12)


def test_rank_correlations_are_spearmans_and_zero_with_what_does_not_vary() -> None:
    values = np.random.default_rng(0).integers(0, 5, (3, 20))
    assert rank_correlations(values) == pytest.approx(spearmanr(values.T)[0])
    values[1] = 7
    found = rank_correlations(values)
    assert found[1] == pytest.approx([0, 1, 0])


@pytest.mark.parametrize(("sizes", "words"), [({"clips": 3}, "4 clips"), ({"videos": 1}, "two")])
def test_a_corpus_too_small_to_fit_is_told(sizes: dict[str, int], words: str) -> None:
    with pytest.raises(DataError, match=words):
        fit_twin(random_corpus(speakers=8, **sizes))


def test_fit_finds_the_norms_again(twin: Corpus) -> None:
    found, given = fit_norms(twin), calibration()["norm"]
    assert found["quantiles"][2:-2] == pytest.approx(given["quantiles"][2:-2], rel=0.03)
    assert found["video_share"] == pytest.approx(given["video_share"], abs=0.1)


def test_fit_finds_known_energies() -> None:
    """The analysis of variance is unbiased: plain factors in, the same energies out."""
    scalars = copy.deepcopy(calibration())
    wanted = {"speaker": 0.4, "language": 0.08, "video": 0.17, "clip": 0.25}
    for factor, energy in wanted.items():
        scalars["voice"][factor] |= {"energy": [energy / 192] * len(WIDTH), "spread": 0.0}
    scalars["voice"]["clip"]["video_spread"] = 0.0
    scalars["voice"] |= {
        "mean": [0.1 / 192] * len(WIDTH),
        "shift": [0.0] * len(WIDTH),
        "first_language_noise": 0.0,
        "group": {"axis": 0, "strength": 0.0},
        "stray": {"share": 1e-9, "concentration": 1.0},
    }
    scalars["counts"] |= {"shared_videos": 0, "repeated_videos": 0, "ambiguous_videos": 0}
    _, found = fit_energies(generate(1, scalars=scalars), "voice")
    total = {factor: float(np.dot(found[factor]["energy"], WIDTH)) for factor in wanted}
    assert total == pytest.approx(wanted, rel=0.12)


def test_coordinates_keep_the_cosines(twin: Corpus) -> None:
    for modality, dims in (("face", 49), ("voice", 192)):
        rows = _rows(twin, modality)[:200]
        coordinates, scalars = fit_energies(twin, modality)
        assert coordinates.shape == (len(twin.train) + len(twin.cross), dims)
        assert coordinates[:200] @ coordinates[:200].T == pytest.approx(rows @ rows.T, abs=1e-4)
        assert len(scalars["clip"]["energy"]) == len(scalars["mean"]) == BAND_EDGES.index(dims)


def test_probe_measures_what_inspection_and_baselines_measure(twin: Corpus) -> None:
    found = Probe.of(twin, splits=2, pairs=20_000).measure(_rows(twin, "voice"))
    accuracy = class_mean_accuracies(twin, splits=2)
    for weighting in ("clip", "video"):
        for name, setting in (("english", "P4"), ("cross", "P6")):
            expected = accuracy[f"{setting} voice, {weighting}-weighted means"]
            assert found[f"accuracy {name} {weighting}"][0] == pytest.approx(expected, abs=0.02)
    for (modality, kind), row in cosine_quantiles(twin).iterrows():
        if modality == "voice":
            assert [found[f"{kind} {level}%"][0] for level in (5, 50, 95)] == pytest.approx(
                row.to_numpy(), abs=1e-5
            )


def test_probe_sees_in_how_many_dimensions_speakers_differ(tiny_corpus: Corpus) -> None:
    probe = Probe.of(tiny_corpus, splits=1, pairs=100)
    rows = np.zeros((len(probe.speaker), 8), dtype=np.float32)
    rows[np.arange(len(rows)), probe.speaker] = 1  # six corners: five equal dimensions
    rows[:, 6:] = 1e-4 * np.random.default_rng(0).standard_normal((len(rows), 2))
    found = probe.measure(rows)
    assert found["speaker dimensions"][0] == pytest.approx(5, rel=1e-3)
    assert found["accuracy cross clip"][0] == 100
    assert found["margin english 50%"][0] == pytest.approx(1, abs=1e-3)
    assert found["video accuracy english"][0] == 100


def test_knobs_turn_what_they_name() -> None:
    scalars = calibration()["voice"]
    neutral = [{"set": None, "scale": 0.0, "power": 1.0}[knob.mode] for knob in KNOBS]
    values = [
        knob.start if value is None else value for knob, value in zip(KNOBS, neutral, strict=True)
    ]
    same = turned(scalars, np.array(values))
    for name in ("speaker", "language", "video", "clip"):
        assert same[name]["energy"] == pytest.approx(scalars[name]["energy"], abs=1e-6)
    index = [knob.mode for knob in KNOBS].index("power")
    values[index] = 0.5
    flat = np.array(turned(scalars, np.array(values))["speaker"]["energy"])
    steep = np.array(scalars["speaker"]["energy"])
    assert WIDTH @ flat == pytest.approx(WIDTH @ steep, rel=1e-3)
    assert np.ptp(flat) < np.ptp(steep)


def test_calibration_comes_nearer() -> None:
    """From neutral tails, one step over all knobs comes nearer to a small corpus."""
    corpus = generate(5, speakers=8)
    coordinates, face = fit_energies(corpus, "face")
    start = calibration() | {"counts": fit_counts(corpus), "face": face}
    done = calibrate(corpus, {"face": coordinates}, start, False, twins=1, rounds=2)
    assert done["voice"] == start["voice"]
    target = Probe.of(corpus, splits=8, pairs=20_000).measure(coordinates)
    first = turned(face, np.array([knob.start for knob in KNOBS]))

    def misfit(scalars: dict) -> float:
        # The seed it was calibrated by.
        other = generate(1000, scalars=start | {"face": scalars})
        found = Probe.of(other, splits=2, pairs=4000).measure(_rows(other, "face"))
        return sum(((found[name][0] - v) / unit) ** 2 for name, (v, unit) in target.items())

    assert misfit(done["face"]) < misfit(first)


def test_expected_accuracy_is_that_of_many_splits(twin: Corpus) -> None:
    probe = Probe.of(twin, splits=1, pairs=10)
    rows = {name: probe.splits[0][name] for name in ("train", "english", "cross")}
    train = np.sort(np.concatenate([rows["train"], rows["english"]]))
    found = held_out_accuracy(
        _rows(twin, "voice"), probe.speaker, probe.video, train, rows["cross"]
    )
    splits = class_mean_accuracies(twin, splits=6)
    assert found["cross"] == pytest.approx(splits["P6 voice, clip-weighted means"], abs=1)
    assert found["english"] == pytest.approx(splits["P4 voice, clip-weighted means"], abs=2.5)
