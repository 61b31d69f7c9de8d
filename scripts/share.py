"""Notebooks as PDF, or as slides of reveal.js, with their committed outputs; nothing is fetched.

python scripts/share.py pdf|slides FILE… writes to build/pages, where `make` puts what pages need.
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter, SlidesExporter

PAGES = Path("build/pages")
PARTS = "node_modules"  # below the folder of the pages, and named relative to it
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
NO_CHROMIUM = (
    "no Chromium was found. Install it (Debian: apt install chromium; elsewhere: "
    ".venv/bin/playwright install chromium) or set MRAF_CHROMIUM to its path."
)
LIBRARIES = {
    "mathjax_url": f"{PARTS}/mathjax/MathJax.js?config=TeX-AMS_CHTML-full,Safe",
    "require_js_url": f"{PARTS}/requirejs/require.js",
    "jquery_url": "data:text/javascript,",  # only widgets would ask for it
    "mermaid_js_url": "data:text/javascript,export default {initialize() {}}",  # no such diagrams
}
TYPESET = "() => window.MathJax?.Hub && MathJax.Hub.queue.pending === 0"


def chromium(bundled: str) -> str | None:
    """The browser's path: MRAF_CHROMIUM, one on the path, or what playwright installed."""
    known = (os.environ.get("MRAF_CHROMIUM"), *map(shutil.which, CHROMIUM))
    found = next((path for path in known if path), bundled)
    return found if Path(found).exists() else None


def slide_type(cell: nbformat.NotebookNode) -> str:
    """A section's heading starts a slide, a smaller one or a picture a slide below it."""
    if cell.cell_type == "markdown":
        mark = cell.source.lstrip().split(" ")[0]
        return {"#": "slide", "##": "slide", "###": "subslide"}.get(mark, "-")
    shown = (output.get("data", {}).get("text/html", "") for output in cell.get("outputs", []))
    return "subslide" if any("<img" in html for html in shown) else "-"


def write_slides(path: Path) -> Path:
    """One page of slides. Long ones scroll."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.metadata["slideshow"] = {"slide_type": slide_type(cell)}
    exporter = SlidesExporter(
        reveal_url_prefix=f"{PARTS}/reveal.js",
        reveal_theme="white",  # others fetch their fonts
        reveal_width="1200",
        reveal_scroll=True,
        font_awesome_url="",
        **LIBRARIES,
    )
    page = PAGES / f"{path.stem}.slides.html"
    page.write_text(exporter.from_notebook_node(notebook)[0], encoding="utf-8")
    return page


def write_pdfs(paths: list[Path]) -> list[Path]:
    """Print each notebook in a browser, which then has its formulas set."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = chromium(playwright.chromium.executable_path)
        if found is None:
            raise SystemExit(NO_CHROMIUM)
        browser = playwright.chromium.launch(executable_path=found, args=["--disable-gpu"])
        tab, written = browser.new_page(offline=True), []
        for path in paths:
            html = PAGES / f"{path.stem}.html"
            html.write_text(HTMLExporter(**LIBRARIES).from_filename(path)[0], encoding="utf-8")
            tab.emulate_media(media="print")
            tab.goto(html.absolute().as_uri())
            tab.wait_for_function(TYPESET, timeout=120_000)
            written.append(html.with_suffix(".pdf"))
            tab.pdf(path=written[-1], format="A4", print_background=True, scale=0.8)
            html.unlink()
        browser.close()
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["pdf", "slides"])
    parser.add_argument("notebook", type=Path, nargs="+")
    chosen = parser.parse_args()
    if not (PAGES / PARTS).is_dir():
        raise SystemExit(f"{PAGES / PARTS} is missing: `make {chosen.kind}` fetches it with npm.")
    if missing := [str(path) for path in chosen.notebook if not path.is_file()]:
        raise SystemExit(f"there is no {', '.join(missing)}")
    write = {"pdf": write_pdfs, "slides": lambda paths: [write_slides(path) for path in paths]}
    for page in write[chosen.kind](chosen.notebook):
        print(page)


if __name__ == "__main__":
    main()
