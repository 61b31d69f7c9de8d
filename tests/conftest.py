"""Fixtures that every test may use: a tiny random corpus, the same as a folder, the real one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from official import random_corpus, write_official

from mraf.data import load
from mraf.data.clips import Corpus

# a busy machine is no failure, and a failure must come again when it is looked into
settings.register_profile("mraf", deadline=None, derandomize=True)
settings.load_profile("mraf")


@pytest.fixture(autouse=True)
def _own_cache_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch):
    """No test reads or leaves anything in the cache folder of whoever runs it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "user-cache"))


@pytest.fixture(autouse=True)
def _seeded_weights():
    """A network built without a word about seeds has the same weights in every run and order."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def tiny_corpus() -> Corpus:
    """6 speakers, 3 videos each, 4 clips per video and set: 72 clips in each of the four sets."""
    return random_corpus()


@pytest.fixture(scope="session")
def twin() -> Corpus:
    """The twin as it is shipped: 70 speakers, 16,487 clips."""
    return load("twin")


@pytest.fixture(scope="session")
def official_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``tiny_corpus`` in the official layout, test labels hidden. Copy it to change it."""
    return write_official(tmp_path_factory.mktemp("official") / "polysim", random_corpus())


@pytest.fixture(scope="session")
def real_corpus() -> Corpus:
    """The official v1 features in the folder that MRAF_DATA names; skips where there are none."""
    folder = os.environ.get("MRAF_DATA", "")
    if not folder or folder == "twin":
        pytest.skip("needs the official v1 features: set MRAF_DATA to their folder")
    corpus = load(folder, progress=False)
    if corpus.version != "v1":
        pytest.skip(f"needs the official v1 features; {folder} holds {corpus.version}")
    return corpus
