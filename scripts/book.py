"""Write the course as a static site: notebooks with outputs, the live page, claims and documents.

Nothing in it asks another host, and pages open from a folder as well as from a server.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import shutil
import sys
from pathlib import Path

import mistune
import nbformat
from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter

ROOT = Path(__file__).parents[1]
DOCUMENTS = {"index": "README.md", "data": "data/README.md", "contributing": "CONTRIBUTING.md"}
DOCUMENTS |= {path.stem: f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))}
PAGES = {"claims.html": "docs/claims.html", "sheet.html": "docs/sheet.html"}
PAGES["live/index.html"] = "docs/live/index.html"
NAMES = {"index": "Start", "claims.html": "Claims", "sheet.html": "Sheet to print"}
NAMES["live/index.html"] = "Live explorer"
COMPONENT = (
    "module.js",
    "steps.js",
    "views.js",
    "explorer.js",
)  # as in mraf/export, which would load torch
LIBRARY = "node_modules/mathjax/es5"
MATH = ("tex-svg-full.js",)  # one file, with its glyphs in it
LINK = re.compile(r'(?P<before>(?:href|src)=")(?P<to>[^"#]+)(?P<at>#[^"]*)?"')
WORDS = 30_000  # characters of a page that are searched
LIVE = '<script src="live/weights.js"></script><script src="live/embed.js"></script>'
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><link rel="stylesheet" href="site.css"><title>{title} · mraf</title>
</head><body><a class="skip" href="#content">To the content</a>
<header><nav aria-label="Pages"><details><summary>Pages</summary><ul>{menu}</ul></details></nav>
<form role="search"><label>Search <input type="search" id="search"></label></form>
<ul id="found" aria-live="polite"></ul></header>
<main id="content">{body}</main>
<script src="search.js"></script>
<script src="site.js"></script>{more}</body></html>
"""


class Site:
    """The pages of the course by their place in the site, and where each of them comes from."""

    def __init__(self) -> None:
        self.notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
        self.place = {ROOT / source: f"{name}.html" for name, source in DOCUMENTS.items()}
        self.place |= {path: f"{path.stem}.html" for path in self.notebooks}
        self.place |= {ROOT / source: place for place, source in PAGES.items()}
        self.title = {place: NAMES.get(place, "") for place in self.place.values()}
        self.text: dict[str, str] = {}
        self.files: dict[str, Path] = {}  # other files of the project that pages link to

    def write(self, out: Path) -> None:
        bodies = {path: self.body(path) for path in self.place if path.suffix != ".html"}
        for path, body in bodies.items():
            heading = re.search(r"<h1[^>]*>(.*?)</h1>", body, re.DOTALL)
            name = plain(heading[1]) if heading else path.stem
            self.title[self.place[path]] = NAMES.get(path.stem, name)
        self.title["index.html"] = "Start"
        menu = "".join(
            f'<li><a href="{at}">{html.escape(title)}</a></li>' for at, title in self.title.items()
        )
        for path, body in bodies.items():
            at, more = self.place[path], ""
            body = self.linked(body, path)
            self.text[at] = plain(body)[:WORDS]
            if "mraf-live" in body:
                more += LIVE
            if re.search(r"\$|\\\(", self.text[at]):
                more += f'<script src="math.js"></script><script src="{MATH[0]}"></script>'
            title = html.escape(self.title[at])
            page = PAGE.format(title=title, menu=menu, body=body, more=more)
            (out / at).write_text(page, encoding="utf-8")
        for source, at in ((ROOT / source, at) for at, source in PAGES.items()):
            (out / at).parent.mkdir(exist_ok=True)
            (out / at).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
            self.text[at] = plain(source.read_text(encoding="utf-8"))[:WORDS]
        shutil.copy(ROOT / "docs/live/weights.js", out / "live")
        parts = [(ROOT / "mraf/export" / name).read_text("utf-8") for name in COMPONENT]
        component = re.sub(r"^export ", "", "\n".join(parts), flags=re.MULTILINE)
        (out / "live/embed.js").write_text(f"(() => {{\n{component}\n{MOUNT}}})();\n", "utf-8")
        for at, file in self.files.items():
            (out / at).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, out / at)
        index = [
            {"at": at, "title": self.title[at], "text": text} for at, text in self.text.items()
        ]
        (out / "search.js").write_text(f"const PAGES = {json.dumps(index)};\n", "utf-8")

    def body(self, path: Path) -> str:
        """The content of a page, with links as in its source."""
        if path.suffix == ".md":
            return anchored(str(MARKDOWN(path.read_text(encoding="utf-8"))))
        exporter = HTMLExporter(template_name="basic", anchor_link_text="")
        exporter.exclude_anchor_links = True
        return exporter.from_notebook_node(nbformat.read(path, as_version=4))[0]

    def linked(self, body: str, path: Path) -> str:
        """A page's content with links that hold in the site; what it shows comes along."""

        def to(found: re.Match[str]) -> str:
            address, at = found["to"], found["at"] or ""
            if "://" in address or address.startswith(("data:", "mailto:")):
                return found[0]
            target = (path.parent / html.unescape(address)).resolve()
            if target in self.place:
                return f'{found["before"]}{self.place[target]}{at}"'
            if target.is_dir() or target.suffix in (".ipynb", ".sh", ""):
                return f'data-{found["before"]}{address}"'  # in the repository only
            name = target.relative_to(ROOT).as_posix()
            self.files[name] = target
            return f'{found["before"]}{name}"'

        return LINK.sub(to, body)


def anchored(body: str) -> str:
    """HTML whose headings can be linked to, as on GitHub."""

    def named(found: re.Match[str]) -> str:
        slug = re.sub(r"[^\w\- ]", "", plain(found[2]).lower()).replace(" ", "-")
        return f'<h{found[1]} id="{slug}">{found[2]}</h{found[1]}>'

    return re.sub(r"<h([1-6])>(.*?)</h\1>", named, body, flags=re.DOTALL)


def plain(body: str) -> str:
    """The words of a piece of HTML."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", body, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).replace("¶", "").split())


MARKDOWN = mistune.create_markdown(escape=False, plugins=["table", "math"])
MOUNT = """
for (const at of document.querySelectorAll(".mraf-live")) {
  explore(at, globalThis.mraf, [at.dataset.view]);
}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build/site")
    parser.add_argument("--library", type=Path, default=ROOT / "build", help="has node_modules")
    options = parser.parse_args()
    for name in MATH:
        if not (options.library / LIBRARY / name).is_file():
            print(
                f"{options.library / LIBRARY / name}: missing; `make site` gets it", file=sys.stderr
            )
            return 1
    shutil.rmtree(options.out, ignore_errors=True)
    options.out.mkdir(parents=True)
    for name in MATH:
        shutil.copy(options.library / LIBRARY / name, options.out)
    for asset in (ROOT / "scripts/book").iterdir():
        shutil.copy(asset, options.out)
    light, dark = (
        HtmlFormatter(style=style).get_style_defs() for style in ("xcode", "github-dark")
    )
    with (options.out / "site.css").open("a", encoding="utf-8") as css:
        css.write(f"{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n")
    Site().write(options.out)
    size = sum(file.stat().st_size for file in options.out.rglob("*") if file.is_file())
    print(f"{options.out}: {len(list(options.out.rglob('*.html')))} pages, {size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
