"""Figures of single clips and of splits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mraf.data import Corpus
from mraf.data.clips import unit
from mraf.errors import DataError
from mraf_lessons.data.figures import feature_rows, split_comparison


def leaks() -> pd.DataFrame:
    rows = [
        (modality, system, split, 0.5 + 0.1 * (system == "a") + 0.01 * seed)
        for modality in ("face", "voice")
        for system in ("a", "b")
        for split in ("by video", "by clip")
        for seed in range(3)
    ]
    return pd.DataFrame(rows, columns=["modality", "system", "split", "accuracy"])


def test_feature_rows_shows_unit_length_features(tiny_corpus: Corpus) -> None:
    groups = {"speaker 0": tiny_corpus.train[:4], "speaker 5": tiny_corpus.train[-2:]}
    figure = feature_rows(groups, numbers=10)
    face, voice = figure.axes[:2]
    shown = np.asarray(voice.images[0].get_array())
    expected = unit(np.concatenate([clips.voice for clips in groups.values()]))
    assert shown == pytest.approx(expected[:, :10])
    assert [label.get_text() for label in face.get_yticklabels()] == list(groups)
    assert list(face.get_yticks()) == [1.5, 4.5]
    assert "voice, speaker 5 and speaker 0: cosine of the means" in figure.alt


def test_feature_rows_of_hidden_faces_are_blank(tiny_corpus: Corpus) -> None:
    figure = feature_rows({"hidden": tiny_corpus.train[:3].without_faces()})
    assert not np.asarray(figure.axes[0].images[0].get_array()).any()


def test_feature_rows_needs_clips() -> None:
    with pytest.raises(DataError, match="no clips"):
        feature_rows({})


def test_split_comparison_draws_every_seed_and_the_mean() -> None:
    figure = split_comparison(leaks())
    face, _ = figure.axes
    lines = [list(line.get_xdata()) for line in face.get_lines() if len(line.get_xdata())]
    assert lines.count(pytest.approx([0.6, 0.61, 0.62])) == 2  # system a, both splits
    assert lines.count(pytest.approx([0.61])) == 2  # its mean
    assert [label.get_text() for label in face.get_yticklabels()] == ["by video", "by clip"]
    assert "voice, by clip, b: 51.0%" in figure.alt


@pytest.mark.parametrize("spoil", [lambda t: t.iloc[:0], lambda t: t.drop(columns="split")])
def test_split_comparison_refuses_other_tables(spoil) -> None:
    with pytest.raises(DataError, match="the table to be drawn"):
        split_comparison(spoil(leaks()))
