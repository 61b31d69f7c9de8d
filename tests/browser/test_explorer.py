"""The explorers in a real browser: JupyterLab, Voilà, and recorded without a kernel.

Not part of the default run: `make test-browser`. How long a moved slider takes is written to
build/slider_latency.csv and printed; nothing is asserted of it, since it depends on the machine.
"""

from __future__ import annotations

import csv
import statistics
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from servers import IDLE, ROOT, lab, serving

pytestmark = pytest.mark.browser

NOTEBOOKS = ROOT / "notebooks"
APP = NOTEBOOKS / "app" / "reliability.ipynb"
PATIENCE = 300  # seconds for a kernel to start and, where no run is kept, to train
PICTURE = ".widget-html-content img"
NEW_PICTURE = """
([selector, number, before]) => {
  const image = document.querySelectorAll(selector)[number];
  return image && image.complete && image.naturalWidth > 0 && image.src !== before;
}
"""
MOVES = 30
LATENCY = ROOT / "build" / "slider_latency.csv"
WANTED_FUNCTION, WANTED_PAGE = 100, 400  # milliseconds


@pytest.fixture(scope="module")
def latencies():
    """Collects (where, milliseconds of the moves, milliseconds wanted); written when all ran."""
    rows: list[tuple[str, list[float], int]] = []
    yield rows
    LATENCY.parent.mkdir(exist_ok=True)
    with LATENCY.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["where", "moves", "median_ms", "slowest_ms", "wanted_ms"])
        for where, taken, wanted in rows:
            median, slowest = round(statistics.median(taken)), round(max(taken))
            writer.writerow([where, len(taken), median, slowest, wanted])
            print(f"\n{where}: median of {len(taken)} moves {median} ms, wanted {wanted}", end="")
    print()


def slider(page, label: str, number: int = 0):
    """The slider of that name in one of the explorers."""
    explorer = page.locator(f".widget-hbox:has({PICTURE})").nth(number)
    return explorer.locator(f".widget-hslider:has(label:text-is('{label}'))")


def press(page, key: str, number: int = 0) -> float:
    """Press a key, wait for another picture; the milliseconds until it is on the page."""
    before = page.locator(PICTURE).nth(number).get_attribute("src")
    started = time.perf_counter()
    page.keyboard.press(key)
    page.wait_for_function(NEW_PICTURE, arg=[PICTURE, number, before], timeout=30_000)
    return 1000 * (time.perf_counter() - started)


def moves_by_keyboard(page, screenshots: Path, name: str) -> list[float]:
    """Focus a slider and see another picture at every press; the milliseconds of each."""
    picture = page.locator(PICTURE).first
    picture.wait_for(timeout=1000 * PATIENCE)
    if "/lab/" in page.url:  # the cells below are still under way
        page.get_by_text(IDLE).wait_for(timeout=1000 * PATIENCE)
    picture.scroll_into_view_if_needed()
    moved = slider(page, "Face, how far")
    readout = moved.locator(".widget-readout")
    moved.locator(".noUi-handle").focus()
    if readout.inner_text() != "0%":
        press(page, "Home")
    page.screenshot(path=screenshots / f"{name}-before.png")
    alt = picture.get_attribute("alt")
    taken = []
    for key, shown in (("ArrowRight", "75%"), ("ArrowLeft", "0%")):
        taken += [press(page, key) for _ in range(MOVES // 2)]
        assert readout.inner_text() == shown
        if key == "ArrowRight":
            assert f"face: {shown}" in picture.get_attribute("alt")
            page.screenshot(path=screenshots / f"{name}-after.png")
    assert picture.get_attribute("alt") == alt
    return taken


def test_the_reliability_notebook_in_lab(page, tmp_path, screenshots, latencies):
    with lab(page, tmp_path, NOTEBOOKS / "03_reliability_weights.ipynb"):
        taken = moves_by_keyboard(page, screenshots, "lab-03")
        latencies.append(("page, JupyterLab", taken, WANTED_PAGE))


def test_voila(page, tmp_path, screenshots, latencies):
    with serving("voila", tmp_path, str(APP), "--Voila.ip=127.0.0.1") as address:
        page.goto(address, timeout=1000 * PATIENCE)
        taken = moves_by_keyboard(page, screenshots, "voila")
        latencies.append(("page, Voilà", taken, WANTED_PAGE))
        labels = page.locator(".widget-label").all_inner_texts()
        for label in ("Setting", "Speaker", "Clip", "Face, how far", "Voice, how far"):
            assert label in labels


OTHERS = """
import numpy as np
import pandas as pd
import torch

from mraf import data
from mraf.training.batches import TrainingClips
from mraf.training.config import configure
from mraf.related.open_set.protocol import UNKNOWN, open_set_trials
from mraf.related.shared_space.trials import Pairs, rates
from mraf.training.loop import Learner
from mraf_lessons.faces.explorer import DamageExplorer
from mraf_lessons.heads.explorer import MarginExplorer
from mraf_lessons.missing_token.explorer import FollowOneClip, MissingTokenExplorer
from mraf_lessons.open_set.explorer import DoorExplorer
from mraf_lessons.shared_space.explorer import ThresholdExplorer
from mraf_lessons.training.explorer import LossExplorer
from mraf_lessons.training.view import Reach

corpus = data.load("twin")
small = {"width": 32, "tokens": 2, "batch_size": 32, "precision": "float32"}
config = configure("quick", corpus.speakers, small)
learner = Learner(config).eval()
clips = TrainingClips.place(corpus.train[::40], torch.device("cpu"))
batch = next(clips.batches(config.training, 0))
group = np.repeat([0, 1, 2], 5)
points = np.random.default_rng(0).normal(size=(15, 2)) + np.eye(3, 2)[group]

number = np.arange(60)
same = number % 3 == 0
cosine = np.where(same, 0.5, 0.0) + np.linspace(-0.4, 0.4, 60)
pairs = rates(cosine, Pairs(number, number, number, np.where(same, number, -1)))
scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.3], [0.5, 0.2], [0.1, 0.4]])
door = open_set_trials(scores, np.array([0, 1, 1, UNKNOWN, UNKNOWN]), np.arange(5))
measured = pd.DataFrame(
    {"scorer": scorer, "setting": setting, "damage": "swapped face", "amount": amount,
     "accuracy": 0.9 - 0.4 * amount, "low": 0.4, "middle": 0.5, "high": 0.6}
    for scorer in ("own", "agreement") for setting in ("P3", "P5") for amount in (0, 0.3, 1)
)
"""
SHOWN = {  # the cell, the slider to be moved, and the key
    "LossExplorer.distillation(np.array([5.0, 3, 1, 0]), np.array([1.0, 2, 1, 0]))":
        ("Temperature T", "ArrowRight"),
    "LossExplorer.centre(points, group)": ("Centre loss", "ArrowLeft"),
    "LossExplorer.branches(Reach.of(learner, batch, config.training))":
        ("Face head, λ_f", "ArrowLeft"),
    "MissingTokenExplorer(learner.model, corpus.train[:5])": ("How far", "ArrowLeft"),
    "FollowOneClip(learner.model, corpus.train[:5])": ("Step", "ArrowRight"),
    "DamageExplorer(measured)": ("Amount", "ArrowLeft"),
    "ThresholdExplorer({('fold 1', 'English'): (cosine, same, pairs)})":
        ("Threshold", "ArrowRight"),
    "DoorExplorer({'one': door})": ("Threshold", "ArrowRight"),
    "MarginExplorer()": ("Margin m", "ArrowRight"),
}  # fmt: skip


def test_the_other_explorers_in_lab(page, tmp_path, screenshots):
    cells = [new_code_cell(source) for source in (OTHERS, *SHOWN)]
    metadata = nbformat.read(APP, as_version=4).metadata
    nbformat.write(new_notebook(cells=cells, metadata=metadata), tmp_path / "others.ipynb")
    with lab(page, tmp_path, tmp_path / "others.ipynb"):
        pictures = page.locator(PICTURE)
        pictures.nth(len(SHOWN) - 1).wait_for(timeout=1000 * PATIENCE)
        for number, (label, key) in enumerate(SHOWN.values()):
            pictures.nth(number).scroll_into_view_if_needed()
            slider(page, label, number).locator(".noUi-handle").focus()
            press(page, key, number)
            page.screenshot(path=screenshots / f"lab-{label.split(',')[0]}.png")


def test_the_function_alone(latencies, monkeypatch):
    """A slider's move without a browser: the network, the figure and its PNG."""
    from mraf import data
    from mraf.training.experiment import trained
    from mraf_lessons.reliability.explorer import ReliabilityExplorer

    monkeypatch.delenv("MRAF_DATA", raising=False)
    corpus = data.load("twin")
    run = trained("quick", corpus, device="cpu")
    explorer = ReliabilityExplorer(run.model, corpus, run.config.training.split_seed)
    taken = []
    for move in range(1, MOVES + 1):
        before, started = explorer.picture.value, time.perf_counter()
        explorer.face_amount.value = 0.05 * (move if move <= 15 else MOVES - move)
        taken.append(1000 * (time.perf_counter() - started))
        assert explorer.picture.value != before
    latencies.append(("function", taken, WANTED_FUNCTION))


def test_recording_answers_without_a_kernel(page, tmp_path, screenshots):
    from mraf_lessons.kit.live import fast_figure
    from mraf_lessons.kit.recording import record
    from mraf_lessons.kit.style import describe

    def draw(kind: str, far: str):
        figure = fast_figure(3, 1)
        figure.text(0.1, 0.5, f"{kind}, {far}")
        return describe(figure, f"{kind} at {far}")

    controls = {"What is made worse": ["face", "voice"], "How far": ["0%", "50%", "100%"]}
    recording = record(draw, controls, "What changes?")
    (tmp_path / "page.html").write_text(f"<!doctype html><meta charset=utf-8>{recording.to_html()}")
    page.goto((tmp_path / "page.html").as_uri())
    picture = page.locator("img")
    assert picture.get_attribute("alt") == "face at 0%"
    page.get_by_label("How far").focus()
    page.keyboard.press("ArrowRight")
    assert picture.get_attribute("alt") == "face at 50%"
    page.get_by_label("What is made worse").select_option("voice")
    assert picture.get_attribute("alt") == "voice at 50%"
    assert picture.evaluate("image => image.naturalWidth") > 0
    page.screenshot(path=screenshots / "recording.png")
