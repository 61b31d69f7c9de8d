"""A notebook as PDF and as slides, made and shown without a network."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from servers import ROOT

from scripts import share

pytestmark = pytest.mark.browser

NOTEBOOK = ROOT / "notebooks" / "04_training.ipynb"


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """The folder of the pages, with what `make test-browser` fetches for them."""
    parts = ROOT / share.PAGES / share.PARTS
    if not parts.exists():
        pytest.skip(f"{parts} is missing: `make test-browser` fetches it where npm is installed.")
    folder = tmp_path / share.PAGES
    folder.mkdir(parents=True)
    (folder / share.PARTS).symlink_to(parts)
    return folder


def test_slides_begin_at_headings_and_fetch_nothing(pages, page, monkeypatch):
    monkeypatch.chdir(pages.parents[1])
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((Path.cwd() / share.write_slides(NOTEBOOK)).as_uri())
    shown = page.locator(".slides section.present section.present")
    shown.get_by_role("heading", name="Training").wait_for(timeout=60_000)
    page.wait_for_function(share.TYPESET, timeout=60_000)
    assert page.locator(".MathJax_CHTML, .MathJax").count() > 10
    page.keyboard.press("Space")
    shown.get_by_role("heading", name="Set-up").wait_for(timeout=60_000)
    assert not [url for url in asked if url.startswith("http")]


def test_a_notebook_becomes_a_pdf(pages):
    command = [sys.executable, ROOT / "scripts" / "share.py", "pdf", NOTEBOOK]
    done = subprocess.run(command, cwd=pages.parents[1], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    content = (pages / "04_training.pdf").read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", content)) > 5
    assert content.count(b"/Subtype /Image") > 5


def test_without_its_libraries_the_script_says_who_fetches_them(tmp_path):
    command = [sys.executable, ROOT / "scripts" / "share.py", "slides", NOTEBOOK]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "make slides" in done.stderr
