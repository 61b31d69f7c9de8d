"""Maps work where numba can keep nothing that it has compiled; the doctor says so."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from mraf.cli import doctor
from mraf.errors import RunError
from mraf_lessons.embeddings import numba_cache

caching = pytest.importorskip("numba.core.caching")


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No home and packages that cannot be written to, as numba sees it; umap is a stand-in."""
    import numba

    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv(numba_cache.VARIABLE, "")
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))

    def refuse(locator: Any) -> None:
        if not Path(locator.get_cache_path()).is_relative_to(tmp_path):
            raise OSError("read-only")

    monkeypatch.setattr(caching._CacheLocator, "ensure_cache_path", refuse)
    specs = {name: types.SimpleNamespace(origin=__file__) for name in ("umap", "pynndescent")}
    monkeypatch.setattr("importlib.util.find_spec", specs.get)
    umap = types.ModuleType("umap")
    monkeypatch.setattr(umap, "UMAP", "the class", raising=False)
    monkeypatch.setitem(sys.modules, "umap", umap)


@pytest.mark.usefixtures("nowhere")
def test_without_a_place_to_keep_it_a_temporary_folder_is_used_and_said(tmp_path: Path) -> None:
    (check,) = doctor.maps()
    assert check.status == "warn"
    assert "NUMBA_CACHE_DIR" in check.remedy
    with pytest.warns(UserWarning, match=r"compiles anew\. To keep it, set NUMBA_CACHE_DIR"):
        assert numba_cache.umap_class() == "the class"
    assert Path(os.environ["NUMBA_CACHE_DIR"]).parent == tmp_path / "temporary"
    (check,) = doctor.maps()
    assert check.status == "ok"
    assert numba_cache.umap_class() == "the class"  # without a second warning


@pytest.mark.usefixtures("nowhere")
def test_without_any_folder_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/no/such/folder")
    with pytest.raises(RunError, match=r"set NUMBA_CACHE_DIR to a folder .* write to\.$"):
        numba_cache.umap_class()


def test_without_umap_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RunError, match=r"pip install 'mraf\[lessons\]'"):
        numba_cache.umap_class()
    assert doctor.maps() == []
