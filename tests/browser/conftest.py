"""A real browser; the tests in it run only where they are asked for: `-m browser`.

Screenshots go to the folder in MRAF_SCREENSHOTS, else to pytest's temporary one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.share import NO_CHROMIUM, chromium

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
        found = chromium(playwright.chromium.executable_path)
        if found is None:
            pytest.exit(NO_CHROMIUM, returncode=1)
        opened = playwright.chromium.launch(
            executable_path=found,
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


@pytest.fixture(scope="session")
def axe() -> Path:
    """The script of axe-core, which `make test-browser` fetches with npm."""
    path = Path(__file__).parents[2] / "build" / "node_modules" / "axe-core" / "axe.min.js"
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{path} is missing: install npm; `make test-browser` fetches it.")
        pytest.skip("axe-core is not there: `make test-browser` fetches it where npm is installed.")
    return path
