"""The explorers in a real browser: JupyterLab, Voilà, an exported page, and without a kernel.

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
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook
from servers import (
    IDLE,
    MOVED,
    ROOT,
    controls_off_the_screen,
    lab,
    live,
    meters,
    moves_of_live,
    status,
    violations,
)

pytestmark = pytest.mark.browser

APP = ROOT / "notebooks" / "app" / "reliability.ipynb"
PATIENCE = 300  # seconds for a kernel to start and, where no run is kept, to train
PICTURE = ".mraf-explorer img"
NEW_PICTURE = """
([number, before]) => {
  const image = document.querySelectorAll(".mraf-explorer img")[number];
  return image && image.complete && image.naturalWidth > 0 && image.src !== before;
}
"""
MOVES = 30
LATENCY = ROOT / "build" / "slider_latency.csv"
WANTED = 400  # milliseconds
SIZES = [(1366, 768), (1280, 800), (900, 700), (390, 844), (683, 384)]  # the last: 1366 at 200%
STILL = "This picture is still"

SETUP = """
import numpy as np
import pandas as pd

from mraf import data
from mraf.training.config import configure
from mraf_related.metrics import Trials
from mraf.training.runs import Run
from mraf.variants.build import build
from mraf_lessons.heads.explorer import MarginExplorer
from mraf_lessons.kit.threshold import ThresholdExplorer
from mraf_lessons.one_page.live import LiveExplorer
from mraf_lessons.training.explorer import CentreExplorer

corpus = data.load("twin")
quick = configure("quick", corpus.speakers)
run = Run(quick, build(quick.model).eval(), pd.DataFrame(), {"corpus": "twin", "preset": "quick"})
split = data.validation_split(corpus)
group = np.repeat([0, 1, 2], 5)
points = np.random.default_rng(0).normal(size=(15, 2)) + np.eye(3, 2)[group]

number = np.arange(60)
same = number % 3 == 0
cosine = np.where(same, 0.5, 0.0) + np.linspace(-0.4, 0.4, 60)
trials = {'fold 1, English': Trials(cosine, same, same, number)}
names = 'one person', 'named wrongly', 'two people'
"""
SHOWN = {  # the cell, the slider to be moved, and the key
    "ThresholdExplorer(trials, names, 'cosine')": ("Threshold", "ArrowRight"),
    "CentreExplorer(points, group)": ("Centre loss", "ArrowLeft"),
    "MarginExplorer()": ("Margin m", "ArrowRight"),
}  # fmt: skip
LIVE = [f'LiveExplorer(run, split, "{view}")' for view in MOVED]
STILLS = len(SHOWN) + len(LIVE)


@pytest.fixture(scope="module")
def latencies():
    """Collects (where, milliseconds of the moves); written when all ran."""
    rows: list[tuple[str, list[float]]] = []
    yield rows
    LATENCY.parent.mkdir(exist_ok=True)
    with LATENCY.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["where", "moves", "median_ms", "slowest_ms", "wanted_ms"])
        for where, taken in rows:
            median, slowest = round(statistics.median(taken)), round(max(taken))
            writer.writerow([where, len(taken), median, slowest, WANTED])
            print(f"\n{where}: median of {len(taken)} moves {median} ms, wanted {WANTED}", end="")
    print()


@pytest.fixture(scope="module")
def explorers(browser, tmp_path_factory):
    """A page of JupyterLab in which every explorer is alive."""
    folder = tmp_path_factory.mktemp("lab")
    cells = [new_code_cell(source) for source in (SETUP, *SHOWN, *LIVE)]
    metadata = nbformat.read(APP, as_version=4).metadata
    nbformat.write(new_notebook(cells=cells, metadata=metadata), folder / "explorers.ipynb")
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    with lab(page, folder, folder / "explorers.ipynb"):
        page.locator(PICTURE).nth(len(SHOWN) - 1).wait_for(timeout=1000 * PATIENCE)
        live(page, "temperature").get_by_role("meter").first.wait_for(timeout=1000 * PATIENCE)
        page.get_by_text(IDLE).wait_for(timeout=1000 * PATIENCE)
        yield page
    page.close()


def command(page, name: str, **options: object) -> None:
    """Run a command of JupyterLab; it answers when it is done."""
    page.evaluate("([name, of]) => jupyterapp.commands.execute(name, of)", [name, options])


def slider(page, label: str, number: int = 0):
    """The handle of the slider of that name in one of the explorers."""
    explorer = page.locator(".mraf-explorer").nth(number)
    return explorer.locator(f".widget-slider:has(label:text-is('{label}')) [role=slider]")


def press(page, key: str, number: int = 0) -> float:
    """Press a key, wait for another picture; the milliseconds until it is on the page."""
    before = page.locator(PICTURE).nth(number).get_attribute("src")
    started = time.perf_counter()
    page.keyboard.press(key)
    page.wait_for_function(NEW_PICTURE, arg=[number, before], timeout=30_000)
    return 1000 * (time.perf_counter() - started)


def moves_by_keyboard(page) -> list[float]:
    """Another picture at every press, and the first one at the end; the milliseconds of each."""
    moved = slider(page, "Threshold")
    moved.focus()
    alt = page.locator(PICTURE).first.get_attribute("alt")
    taken = []
    for key, shown in (("ArrowRight", "80%"), ("ArrowLeft", "50%")):
        taken += [press(page, key) for _ in range(MOVES // 2)]
        assert moved.get_attribute("aria-valuetext") == shown
    assert page.locator(PICTURE).first.get_attribute("alt") == alt
    return taken


def test_every_explorer_is_moved_by_the_keyboard(explorers, latencies):
    latencies.append(("page, JupyterLab", moves_by_keyboard(explorers)))
    for number, (label, key) in enumerate(SHOWN.values()):
        slider(explorers, label, number).focus()
        press(explorers, key, number)


def test_live_explorers_answer_in_lab_from_the_page_alone(explorers):
    for view in MOVED:
        median = moves_of_live(explorers, view)
        print(f"\n{view} in JupyterLab: median of 30 moves {median:.0f} ms of CPU", end="")
    live(explorers).get_by_label("The face is there").focus()
    explorers.keyboard.press("Space")
    assert meters(explorers)["weight of the face"] == 0
    assert "the voice 1.00" in status(explorers)
    explorers.keyboard.press("Space")
    assert meters(explorers)["weight of the face"] > 0


def test_every_slider_has_a_name_and_says_its_value(explorers):
    handles = explorers.locator(".mraf-explorer [role=slider]")
    for handle in handles.all():
        assert handle.get_attribute("aria-label")
        assert handle.get_attribute("aria-valuetext")


def test_an_idle_control_says_why(explorers):
    asked = explorers.locator(".mraf-explorer .mraf-question")
    assert "Only HAM has a curvature." in asked.all_inner_texts()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_nothing_in_lab(explorers, axe, theme, screenshots):
    command(explorers, "apputils:change-theme", theme=theme)
    explorers.wait_for_timeout(1000)
    explorers.locator(".mraf-explorer").first.scroll_into_view_if_needed()
    explorers.screenshot(path=screenshots / f"{theme}.png")
    assert not violations(explorers, axe, ".mraf-explorer", ".mraf-network")
    command(explorers, "apputils:change-theme", theme="JupyterLab Light")


@pytest.mark.parametrize("size", SIZES)
def test_picture_and_control_are_on_the_screen_together(explorers, size, screenshots):
    width, height = size
    explorers.set_viewport_size({"width": width, "height": height})
    if width < 1000:
        explorers.evaluate("jupyterapp.shell.collapseLeft()")
    explorers.wait_for_timeout(500)
    for number in range(len(SHOWN)):
        assert not controls_off_the_screen(explorers, number), list(SHOWN)[number]
    explorers.locator(".mraf-explorer").first.evaluate("e => e.scrollIntoView({block: 'center'})")
    explorers.screenshot(path=screenshots / f"lab-{width}.png")


def seen_still(page, wanted: int) -> None:
    """Each explorer is seen as its picture and one sentence, and nothing of it that is dead."""
    texts = page.get_by_text(STILL)
    texts.nth(wanted - 1).wait_for(timeout=60_000)
    assert texts.filter(visible=True).count() == wanted
    assert not page.locator(".mraf-explorer").filter(visible=True).count()
    seen = " ".join(page.locator(".jp-OutputArea:has(.mraf-still)").all_inner_texts())
    assert "Error" not in seen
    assert "Explorer(" not in seen


def test_without_a_kernel_there_is_a_still_picture(explorers, axe, tmp_path, screenshots):
    """Runs last: the kernel goes under the open page; then it is opened anew, trusted and not."""
    explorers.set_viewport_size({"width": 1366, "height": 768})
    assert not explorers.get_by_text(STILL).filter(visible=True).count()
    command(explorers, "docmanager:save")
    command(explorers, "kernelmenu:shutdown")
    seen_still(explorers, len(SHOWN))
    assert all(moves_of_live(explorers, view, 2) for view in MOVED)  # they need no kernel
    folder = Path(explorers.notebook).parent
    content = nbformat.read(explorers.notebook, as_version=4)
    assert content.metadata == nbformat.read(APP, as_version=4).metadata
    page = tmp_path / "explorers.html"
    page.write_text(HTMLExporter().from_notebook_node(content)[0], encoding="utf-8")
    content.cells[0].source += "\n# not the one that was trusted"
    nbformat.write(content, folder / "other.ipynb")
    for name in ("notebook", "other"):
        address = explorers.url.split("/lab/")[0]
        explorers.goto(f"{address}/lab/tree/{name}.ipynb?reset", timeout=120_000)
        seen_still(explorers, STILLS)
        explorers.screenshot(path=screenshots / f"still-{name}.png")
    explorers.goto(page.as_uri())
    seen_still(explorers, STILLS)
    assert explorers.get_by_role("link", name="The live page").count() == len(LIVE)
    assert not violations(explorers, axe, ".mraf-still")


def test_axe_finds_nothing_in_the_report(page, tmp_path, axe):
    import pandas as pd

    from mraf_lessons.kit.report import write_report
    from mraf_lessons.kit.results import history

    table = pd.DataFrame({"epoch": [1, 2], "loss": [2.0, 1.0], "accuracy": [0.2, 0.4]})
    sections = {"Training": ["How it went.", table, history(table)]}
    write_report(tmp_path / "report.html", "A report", sections, command="mraf", facts={"seed": 0})
    page.goto((tmp_path / "report.html").as_uri())
    assert not violations(page, axe, "body")
