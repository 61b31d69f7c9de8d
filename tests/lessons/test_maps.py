"""Neighbours, maps and what maps keep; UMAP itself runs in notebook 06."""

from __future__ import annotations

import os
import sys
import types
import warnings
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mraf.cli import doctor
from mraf.data.clips import Corpus
from mraf.errors import DataError, RunError
from mraf.evaluation.predict import forward
from mraf.training.config import configure
from mraf.variants.build import build
from mraf_lessons.embeddings import maps as embeddings


def fan(*degrees: float, length: float = 1.0) -> np.ndarray:
    angle = np.radians(degrees)
    return length * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def test_nearest_by_cosine_ignores_length_and_the_row_itself() -> None:
    rows = np.concatenate([fan(0, 10), fan(25, length=9)])
    found = embeddings.nearest(rows, 2)
    assert found.index.tolist() == [[1, 2], [0, 2], [1, 0]]
    assert found.distance[0] == pytest.approx(1 - np.cos(np.radians([10, 25])), abs=1e-6)
    assert embeddings.nearest(rows, 1, "euclidean").index.ravel().tolist() == [1, 0, 1]


def test_nearest_leaves_the_own_group_out() -> None:
    found = embeddings.nearest(fan(0, 1, 50, 51), 2, apart=np.array([7, 7, 8, 8]))
    assert found.index.tolist() == [[2, 3], [2, 3], [1, 0], [1, 0]]


@pytest.mark.parametrize("number", [0, 3, 4])
def test_nearest_refuses_more_neighbours_than_there_are(number: int) -> None:
    with pytest.raises(DataError, match=f"{number} neighbours are asked for; choose 1 to 2"):
        embeddings.nearest(fan(0, 1, 50, 51), number, apart=np.array([7, 7, 8, 8]))


def test_too_many_rows_are_refused() -> None:
    with pytest.raises(DataError, match="draw at most 5,000"):
        embeddings.nearest(np.zeros((5001, 1)), 1)


def test_shares_of_neighbours() -> None:
    rows = fan(0, 1, 50, 51, 52.5)
    one = embeddings.nearest(rows, 1)
    assert embeddings.same_share(one, np.array([0, 0, 1, 1, 1])) == 1
    assert embeddings.same_share(one, np.array([0, 0, 1, 1, 0])) == pytest.approx(0.8)
    assert embeddings.kept_share(one, one) == 1
    two = embeddings.nearest(rows, 2)
    assert embeddings.kept_share(two, one) == pytest.approx(0.5)


def test_a_speaker_with_few_clips_elsewhere_cannot_fill_all_places() -> None:
    speaker, video = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 2, 3])
    assert embeddings.possible_share(speaker, 2) == pytest.approx((3 * 2 + 2 * 1) / 10)
    assert embeddings.possible_share(speaker, 2, apart=video) == pytest.approx(6 / 10)
    rows = fan(0, 1, 2, 50, 51)  # speakers lie far apart: the ceiling is reached
    found = embeddings.nearest(rows, 2, apart=video)
    assert embeddings.same_share(found, speaker) == embeddings.possible_share(speaker, 2, video)


def test_a_faithful_map_keeps_everything_and_a_shuffled_one_next_to_nothing() -> None:
    rng = np.random.default_rng(0)
    speaker = np.repeat(np.arange(10), 12)
    rows = fan(*(36 * speaker + rng.uniform(0, 5, 120)))
    faithful = embeddings.preservation(rows, rows, {"same speaker": speaker}, number=8)
    assert faithful.to_list() == pytest.approx([1, 1, 1, 1], abs=0.02)
    shuffled = embeddings.preservation(rows, rng.permutation(rows), {"same speaker": speaker}, 8)
    assert shuffled["kept"] == pytest.approx(8 / 119, abs=0.04)
    assert shuffled["trustworthiness"] < 0.65
    assert shuffled["same speaker, in the space"] == 1
    assert shuffled["same speaker, in the map"] == pytest.approx(11 / 119, abs=0.04)


def test_spaces_are_the_network_s_embeddings_in_order(tiny_corpus: Corpus) -> None:
    sizes = {"width": 8, "tokens": 2, "heads": 2}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build(configure("quick", tiny_corpus.speakers, sizes).model)
    first, second = tiny_corpus.train[:7], tiny_corpus.cross[:5]
    found = embeddings.spaces(model, first, second, batch=3)
    output, alone = forward(model, second), forward(model, second.without_faces())
    expected = {
        embeddings.FACE: second.face,
        embeddings.VOICE: second.voice,
        embeddings.E_F: output.face.embedding.numpy(),
        embeddings.E_A: output.voice.embedding.numpy(),
        embeddings.E_C: output.fused_embedding.numpy(),
        embeddings.E_C_ALONE: alone.fused_embedding.numpy(),
    }
    assert list(found) == list(expected)
    for name, rows in expected.items():
        assert len(found[name]) == 12
        assert found[name][7:] == pytest.approx(rows, abs=1e-5), name


class FakeUmap:
    """Stands in for umap.UMAP: keeps what it is given."""

    made: dict[str, Any]

    def __init__(self, **options: Any) -> None:
        FakeUmap.made = options

    def fit_transform(self, rows: np.ndarray) -> np.ndarray:
        FakeUmap.made["rows"] = rows
        warnings.warn("precomputed_knn[2] (knn_search_index) is not …", UserWarning, stacklevel=2)
        return rows[:, :2]


@pytest.fixture
def umap(monkeypatch: pytest.MonkeyPatch) -> type[FakeUmap]:
    monkeypatch.setattr(FakeUmap, "made", {}, raising=False)
    monkeypatch.setattr(embeddings, "umap_class", lambda: FakeUmap)
    return FakeUmap


def test_umap_gets_each_point_first_and_no_surplus_neighbours(umap: type[FakeUmap]) -> None:
    rows = 3 * fan(0, 1, 3, 50, 51, 53)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shared = embeddings.nearest(rows, 5)
        plane = embeddings.project(rows, 3, 0.2, seed=4, neighbours=shared)
    index, distance, search = umap.made["precomputed_knn"]
    assert index.tolist() == [[0, 1, 2], [1, 0, 2], [2, 1, 0], [3, 4, 5], [4, 3, 5], [5, 4, 3]]
    assert distance[:, 0].tolist() == [0] * 6
    assert (np.diff(distance, axis=1) > 0).all()
    assert search is None
    expected = {"n_neighbors": 3, "min_dist": 0.2, "random_state": 4, "n_jobs": 1, "init": "pca"}
    assert {key: umap.made[key] for key in expected} == expected
    assert np.linalg.norm(umap.made["rows"], axis=1) == pytest.approx(np.ones(6))
    assert plane.shape == (6, 2)


def test_a_grid_has_a_map_for_each_pair(umap: type[FakeUmap]) -> None:
    grid = embeddings.project_grid(fan(*range(0, 90, 9)), (3, 5), (0.0, 0.5))
    assert list(grid) == [(3, 0.0), (3, 0.5), (5, 0.0), (5, 0.5)]
    assert umap.made["precomputed_knn"][0].shape == (10, 5)


def test_more_neighbours_than_computed_are_refused(umap: type[FakeUmap]) -> None:
    rows = fan(0, 1, 3, 50)
    with pytest.raises(DataError, match="n_neighbors=4, but 2 neighbours"):
        embeddings.project(rows, 4, neighbours=embeddings.nearest(rows, 2))


def test_umap_is_compiled_where_it_may_be_kept_or_in_a_temporary_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("numba")
    umap = types.ModuleType("umap")
    umap.__dict__.update(UMAP=FakeUmap, __spec__=ModuleSpec("umap", None))
    monkeypatch.setitem(sys.modules, "umap", umap)
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert embeddings.umap_class() is FakeUmap
    assert os.environ["NUMBA_CACHE_DIR"] == str(tmp_path / "mraf" / "numba")
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/dev/null/nowhere")
    (check,) = doctor.maps()
    assert (check.status, check.remedy) == ("warn", embeddings.REMEDY)
    with pytest.warns(UserWarning, match="set NUMBA_CACHE_DIR to a folder"):
        assert embeddings.umap_class() is FakeUmap
    assert embeddings.numba_folder() == os.environ["NUMBA_CACHE_DIR"]
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/dev/null/nowhere")
    monkeypatch.setattr("tempfile.tempdir", "/no/such/folder")
    with pytest.raises(RunError, match=r"set NUMBA_CACHE_DIR to a folder .* write to\.$"):
        embeddings.umap_class()


def test_without_umap_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(RunError, match="pip install"):
        embeddings.project(fan(0, 1, 2), 2)
