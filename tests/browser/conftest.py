"""A real browser; the tests in it run only where they are asked for: `-m browser`.

Screenshots go to the folder in MRAF_SCREENSHOTS, else to pytest's temporary one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
SWITCHES = (
    "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync",
    "disable-background-networking", "disable-component-update",
)  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "browser: needs Chromium and playwright; run with -m browser"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "browser" in config.option.markexpr:
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason="a browser test: run it with -m browser"))


def chromium(bundled: str) -> str:
    """The browser's path: MRAF_CHROMIUM, one on the path, or what playwright installed."""
    if named := os.environ.get("MRAF_CHROMIUM"):
        return named
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if not found and not Path(bundled).exists():
        pytest.exit(
            "the browser tests need Chromium, and none was found. Install it "
            "(Debian: apt install chromium; elsewhere: .venv/bin/playwright install chromium) "
            "or set MRAF_CHROMIUM to its path.",
            returncode=1,
        )
    return found or bundled


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.exit(
            "the browser tests need playwright: pip install -e '.[browser]', "
            "or `make test-browser`, which does it.",
            returncode=1,
        )
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=chromium(playwright.chromium.executable_path),
            args=[f"--{name}" for name in SWITCHES],
        )
        yield opened
        opened.close()


@pytest.fixture
def page(browser) -> Iterator[object]:
    opened = browser.new_page(viewport={"width": 1366, "height": 768})
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get("MRAF_SCREENSHOTS") or tmp_path_factory.mktemp("seen"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
