"""The course as a static site, opened from its folder: links, barriers, and the network in it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from servers import ROOT, live, moves_of_live, violations

pytestmark = pytest.mark.browser
LIVE = "03_reliability_weights.html"
PLACES = {
    "reliability": LIVE,
    "follow": "02_missing_token_vs_zero_fill.html",
    "token": "02_missing_token_vs_zero_fill.html",
    "temperature": "04_training.html",
}
BOTH = ("index.html", "results.html", LIVE)  # in dark, too; the others have the same style sheet


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if not (ROOT / "build/node_modules/mathjax").is_dir():
        pytest.skip("MathJax is not there: `make site-test` fetches it where npm is installed.")
    folder = tmp_path_factory.mktemp("site")
    script = [sys.executable, ROOT / "scripts/book.py", "--out", folder]
    print("\n" + subprocess.run(script, check=True, capture_output=True, text=True).stdout)
    return folder


@pytest.fixture
def seen(page):
    """A page that fails the test where it complains or asks another host."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda r: said.append(r.url))
    yield page
    assert [text for text in said if not text.startswith(("file:", "blob:", "data:"))] == []


def test_no_link_is_broken(site):
    names = {file: file.read_text(encoding="utf-8") for file in site.rglob("*.html")}
    broken, links = [], 0
    for page, text in names.items():
        text = re.sub(r"<script\b.*?</script>", "", text, flags=re.DOTALL)
        for link in re.findall(r'\b(?<!data-)(?:href|src)="([^"]+)"', text):
            parts = urlsplit(link)
            if parts.scheme:
                continue
            links += 1
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            there = target.is_file()
            if there and parts.fragment and target.suffix == ".html":
                there = f'id="{unquote(parts.fragment)}"' in names[target]
            if not there:
                broken.append(f"{page.name}: {link}")
    assert broken == []
    print(f"\n{len(names)} pages, {links} internal links", end="")


def test_every_page_opens_alone_and_axe_finds_no_barrier(site, seen, axe):
    found = {}
    for file in sorted(site.rglob("*.html")):
        for scheme in ("light", "dark") if file.name in BOTH else ("light",):
            seen.emulate_media(color_scheme=scheme)
            seen.goto(file.as_uri())
            seen.wait_for_timeout(800)
            if wrong := violations(seen, axe, "body"):
                found[f"{file.name}, {scheme}"] = wrong
    assert found == {}


@pytest.mark.parametrize("view", PLACES)
def test_a_live_explorer_answers_without_a_kernel(site, seen, axe, view, screenshots):
    seen.goto((site / PLACES[view]).as_uri())
    shown = live(seen, view)
    shown.get_by_role("status").wait_for()
    loaded = seen.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    median = moves_of_live(seen, view)
    print(f"\n{view}: loaded in {loaded:.0f} ms; median of 30 moves {median:.0f} ms of CPU", end="")
    seen.set_viewport_size({"width": 390, "height": 844})
    assert not violations(seen, axe, ".mraf-network")
    assert not seen.locator(".mraf-live").get_by_role("link").count()
    assert seen.evaluate("document.documentElement.scrollWidth") <= 390
    shown.screenshot(path=screenshots / f"site-{view}-390.png")


def test_formulas_are_set_and_words_are_found(site, seen):
    seen.goto((site / "01b_mraf_on_one_page.html").as_uri())
    seen.locator("mjx-container").first.wait_for()
    seen.get_by_role("searchbox").fill("hyperbolic clipping")
    seen.locator("#found a", has_text="yperbolic").first.click()
    assert Path(urlsplit(seen.url).path).name.startswith("12_")
