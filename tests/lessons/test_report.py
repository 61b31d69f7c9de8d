"""The report is one valid page that holds everything it shows and escapes whatever it is given."""

from __future__ import annotations

import base64
import os
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mraf.errors import RunError
from mraf_lessons.kit.report import Item, versions, write_report
from mraf_lessons.kit.results import history
from mraf_lessons.kit.style import Figure

NASTY = '<script>alert("&")</script>'
VOID = {"meta", "img", "br", "link"}


class Page(HTMLParser):
    """Collects tags, texts by tag, and links; fails on tags that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and data.strip():
            self.texts.setdefault(self.open[-1], []).append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def figure() -> Figure:
    table = pd.DataFrame({"epoch": [1, 2], "loss": [2.0, 1.0], "accuracy": [0.2, 0.4]})
    return history(table)


def written(path: Path, *items: Item, **details: object) -> Page:
    write_report(path, "A title", {"One": items}, command="mraf reproduce --seed 0", facts=details)
    return Page(path.read_text(encoding="utf-8"))


def test_the_page_says_what_made_it(tmp_path: Path) -> None:
    home = os.path.expanduser("~")
    page = written(tmp_path / "new" / "r.html", seed=7, device="cpu", data=f"{home}/features")
    assert page.texts["code"] == ["mraf reproduce --seed 0"]
    facts = dict(zip(page.texts["dt"], page.texts["dd"], strict=True))
    assert (facts["seed"], facts["device"], facts["data"]) == ("7", "cpu", "~/features")
    assert facts["with"] == versions()
    assert "torch" in facts["with"]
    assert facts["made"].endswith("UTC")


def test_the_page_needs_nothing_else(tmp_path: Path, figure: Figure) -> None:
    page = written(tmp_path / "r.html", figure, "text")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert not {"script", "link", "iframe"} & {tag for tag, _ in page.tags}
    sources = [a["src"] for a in page.all("img")] + [a["href"] for a in page.all("a")]
    assert all(str(source).startswith(("data:", "#")) for source in sources)
    assert "url(" not in text
    assert "@import" not in text


def test_figures_are_embedded_with_their_words(tmp_path: Path, figure: Figure) -> None:
    figure.alt = f'loss "falls" {NASTY}'
    (image,) = written(tmp_path / "r.html", figure).all("img")
    assert image["alt"] == figure.alt
    content = base64.b64decode(str(image["src"]).partition("base64,")[2])
    assert b"<svg" in content


def test_text_becomes_paragraphs_in_order(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1]})
    page = written(tmp_path / "r.html", "first\nline\n\n\n\nsecond", frame, "third")
    assert page.texts["p"] == ["first\nline", "second", "third"]
    order = [tag for tag, _ in page.tags if tag in ("p", "table")]
    assert order == ["p", "p", "table", "p"]


def test_whatever_is_given_is_escaped(tmp_path: Path) -> None:
    frame = pd.DataFrame({NASTY: [NASTY]}, index=pd.Index([NASTY], name=NASTY))
    path = tmp_path / "r.html"
    write_report(path, NASTY, {NASTY: [NASTY, frame]}, command=NASTY, facts={NASTY: NASTY})
    text = path.read_text(encoding="utf-8")
    assert "<script" not in text
    page = Page(text)
    assert page.texts["h1"] == page.texts["h2"] == page.texts["td"] == page.texts["p"] == [NASTY]


def test_tables_show_their_index_and_format_their_numbers(tmp_path: Path) -> None:
    index = pd.MultiIndex.from_tuples([("MRAF", "P3"), ("MRAF", "P4")], names=["system", None])
    frame = pd.DataFrame(
        {
            "clips": [12345, 2],
            "accuracy": [0.123456, np.nan],
            "seen": [True, False],
            "interval": ["97.4 [95.0, 99.1]", "–"],
            "count": pd.array([3, None], dtype="Int64"),
        },
        index=index,
    )
    page = written(tmp_path / "r.html", frame)
    head = ["system", "clips", "accuracy", "seen", "interval", "count"]
    assert page.texts["th"] == [*head, "MRAF", "P3", "MRAF", "P4"]
    cells = ["12,345", "0.1235", "yes", "97.4 [95.0, 99.1]", "3", "2", "–", "no", "–", "–"]
    assert page.texts["td"] == cells
    right = [attributes.get("class") == "number" for attributes in page.all("td")]
    assert right == [True, True, False, True, True] * 2


def test_a_plain_numbered_index_is_not_shown(tmp_path: Path) -> None:
    page = written(tmp_path / "r.html", pd.DataFrame({"a": ["x"]}))
    assert page.texts["th"] == ["a"]


def test_long_pages_have_a_table_of_contents_that_leads_somewhere(tmp_path: Path) -> None:
    write_report(tmp_path / "r.html", "t", dict.fromkeys("abc", ()), command="c")
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    targets = [str(a["href"])[1:] for a in page.all("a")]
    assert targets == [a["id"] for a in page.all("section")]
    assert len(targets) == 3


def test_a_page_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        write_report(blocked / "r.html", "t", {}, command="c")
