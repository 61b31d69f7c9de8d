"""The reliability explorer in a real browser: JupyterLab, Voilà, and recorded without a kernel.

Not part of the default run: `python -m pytest tests/browser -m browser`. Screenshots go to the
folder in MRAF_SCREENSHOTS, else to pytest's temporary one.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
APP = ROOT / "notebooks" / "app" / "reliability.ipynb"
SWITCHES = (
    "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync",
    "disable-background-networking", "disable-component-update",
)  # fmt: skip
PATIENCE = 300  # seconds for a kernel to start and, where no run is kept, to train
PICTURE = "img[alt*='fused head']"
AMOUNT = ".widget-hslider:has(label:text-is('Face, how far'))"


def chromium() -> str:
    """The browser's path; skips where it or its driver is missing."""
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("needs playwright: pip install playwright")
    found = os.environ.get("MRAF_CHROMIUM") or next(
        (path for name in ("chromium", "chromium-browser", "google-chrome")
         if (path := shutil.which(name))), None,
    )  # fmt: skip
    if not found:
        pytest.skip("needs Chromium: install it, or set MRAF_CHROMIUM to its path")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    executable = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=executable, args=[f"--{name}" for name in SWITCHES]
        )
        yield opened
        opened.close()


@pytest.fixture
def page(browser) -> Iterator[object]:
    opened = browser.new_page(viewport={"width": 1500, "height": 1150})
    yield opened
    opened.close()


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("MRAF_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(module: str, port: int, folder: Path, *options: str) -> Iterator[str]:
    """A server that is up, and gone afterwards with its kernels; yields its address."""
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"needs {module}: pip install {module}")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", module, *options]
    address = f"http://127.0.0.1:{port}"
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
        try:
            wait_for(port, server, folder / "server.log")
            yield address
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


def wait_for(port: int, server: subprocess.Popen, log: Path) -> None:
    """Until the server listens; asking it for a page would make Voilà run the notebook."""
    for _ in range(240):
        if server.poll() is not None:
            pytest.fail(f"the server stopped: {log.read_text()[-2000:]}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 2):
            return
        time.sleep(0.5)
    pytest.fail(f"the server does not answer: {log.read_text()[-2000:]}")


def moves_by_keyboard(page, screenshots: Path, name: str) -> None:
    """Focus a slider, press an arrow key and see another picture; says how long that took."""
    picture = page.locator(PICTURE).first
    picture.wait_for(timeout=1000 * PATIENCE)
    picture.scroll_into_view_if_needed()
    page.screenshot(path=screenshots / f"{name}-before.png")
    handle = page.locator(f"{AMOUNT} .noUi-handle").first
    readout = page.locator(f"{AMOUNT} .widget-readout").first
    handle.focus()
    taken = []
    for move in range(1, 6):
        before = picture.get_attribute("src")
        started = time.perf_counter()
        page.keyboard.press("ArrowRight")
        page.wait_for_function(
            "([selector, before]) => document.querySelector(selector).src !== before",
            arg=[PICTURE, before],
            timeout=30_000,
        )
        taken.append(time.perf_counter() - started)
        assert readout.inner_text() == f"{5 * move}%"
    assert "face: 25% noise" in picture.get_attribute("alt")
    page.screenshot(path=screenshots / f"{name}-after.png")
    print(f"{name}: a moved slider is on the page after {statistics.median(taken):.2f} s (median)")


def test_voila(page, tmp_path, screenshots):
    port = free_port()
    options = [str(APP), "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1"]
    with serving("voila", port, tmp_path, *options) as address:
        page.goto(address, timeout=1000 * PATIENCE)
        moves_by_keyboard(page, screenshots, "voila")
        labels = page.locator(".widget-label").all_inner_texts()
        for label in ("Setting", "Speaker", "Clip", "Face, how far", "Voice, how far"):
            assert label in labels


def test_lab(page, tmp_path, screenshots):
    port, token = free_port(), "browser-test"
    shutil.copy(APP, tmp_path / "explorer.ipynb")
    options = [
        "--no-browser", f"--port={port}", "--ServerApp.ip=127.0.0.1", "--allow-root",
        f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={tmp_path}",
    ]  # fmt: skip
    with serving("jupyterlab", port, tmp_path, *options) as address:
        page.goto(f"{address}/lab/tree/explorer.ipynb?token={token}&reset", timeout=120_000)
        indicator = ".jp-NotebookPanel-toolbar .jp-Notebook-ExecutionIndicator"
        page.locator(f"{indicator}[data-status='idle']").wait_for(timeout=120_000)
        page.locator(".jp-Notebook .jp-Cell").first.click()
        page.locator(".lm-MenuBar-itemLabel", has_text="Run").first.click()
        page.locator(".lm-Menu-item[data-command='runmenu:run-all']").click()
        page.screenshot(path=screenshots / "lab-started.png")
        moves_by_keyboard(page, screenshots, "lab")


def test_recording_answers_without_a_kernel(page, tmp_path, screenshots):
    from mraf.plots.explorers import fast_figure
    from mraf.plots.style import describe
    from mraf.widgets import record

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
