"""The page of the ledger holds every claim, says what it rests on, and needs nothing else."""

from __future__ import annotations

import html
import re
import shlex
from pathlib import Path

import pandas as pd
import pytest

from mraf.cli.main import build_parser
from mraf.errors import RunError
from mraf.evidence.claims import Claim, read_claims
from mraf.evidence.declared import checked
from mraf.evidence.ledger import COLUMNS, ours
from tests.lessons.test_report import NASTY, Page
from tools.exhibit import BEGIN, END, LEDGER, exhibit, markdown, read_ledger, update_readme

ROOT = Path(__file__).parents[2]
TABLE = read_ledger(LEDGER)
CLAIMS = read_claims(ROOT / "data/claims.toml")
TEXT = exhibit(TABLE, CLAIMS)
ARTICLES = {
    re.search(r'id="(\w+)"', part).group(1): part  # type: ignore[union-attr]
    for part in TEXT.split("<article")[1:]
}


def made_up(**fields: object) -> tuple[pd.DataFrame, Claim]:
    """A ledger of one row on the twin, and its claim."""
    given = {"section": "4", "says": "It is.", "metric": "mean", "of": "good", "over": ("bad",)}
    claim = checked(Claim, {"name": "it", "sweep": "table9", **given}, "claim 'it'")
    row = {"claim": "it", "whose": "MRAF", "section": "4", "says": "It is.", "metric": "mean"}
    row |= {"comparison": "good − bad", "ours": 2.0, "low": 1.0, "high": 4.0, "p": 0.01, "seeds": 3}
    row |= {"corpus": "twin", "preset": "quick", "verdict": "holds", "command": "mraf sweep"}
    row |= {"untestable": "", "golden": "same"}
    return pd.DataFrame([row | fields]).reindex(columns=COLUMNS), claim


def test_the_committed_page_is_what_the_ledger_says() -> None:
    """Where this fails: `make claims`."""
    assert (ROOT / "docs/claims.html").read_text(encoding="utf-8") == TEXT


def test_the_page_needs_nothing_else_and_its_links_lead_somewhere() -> None:
    page = Page(TEXT)
    assert not {"script", "link", "iframe", "img"} & {tag for tag, _ in page.tags}
    assert "url(" not in TEXT
    assert "@import" not in TEXT
    targets = {attributes.get("id") for _, attributes in page.tags}
    for link in page.all("a"):
        kind, _, target = str(link["href"]).partition("#")
        assert kind.startswith("https://arxiv.org/abs/") or (kind == "" and target in targets)


def test_every_claim_stands_once_among_those_of_its_kind() -> None:
    assert sorted(ARTICLES) == sorted(claim.name for claim in CLAIMS)
    for section in re.findall(r'<section id="(\w+)">(.*?)</section>', TEXT, re.DOTALL)[1:]:
        names = re.findall(r'<article id="(\w+)"', section[1])
        assert {c.whose.lower() for c in CLAIMS if c.name in names} == {section[0]}


def test_neighbours_say_their_measure_ours_and_what_cannot_be_judged() -> None:
    told = {claim.name: claim.limits for claim in CLAIMS if claim.limits}
    assert all(text in html.unescape(ARTICLES[name]) for name, text in told.items())
    neighbours = [claim for claim in CLAIMS if claim.whose == "neighbours"]
    assert len(neighbours) >= 25
    assert all(claim.limits or claim.untestable for claim in neighbours)


def test_each_row_shows_interval_verdict_and_a_command_that_there_is() -> None:
    for row in TABLE.itertuples():
        shown = Page("<article" + ARTICLES[row.claim].partition("</section>")[0])
        text = " ".join(word for words in shown.texts.values() for word in words)
        assert row.verdict in text
        if row.untestable:
            assert row.untestable in text
            continue
        assert row.command in " ".join(shown.texts["span"])
        if row.seeds:
            assert f"{ours(row).replace('-', '−')} points" in text
            assert row.corpus in str(shown.all("svg")[0]["aria-label"])
    for command in filter(None, TABLE.command.unique()):
        for part in re.sub(r"^for S in [\d ]+; do|( \|\| exit 1)?; done$", "", command).split("&&"):
            program, *words = shlex.split(part.replace("$S", "0"))
            if program == "mraf":
                assert build_parser().parse_args(words)
            else:
                assert (program, (ROOT / words[0]).is_file()) == ("python", True)


def test_who_claims_something_is_quoted_or_their_table_is() -> None:
    for claim in CLAIMS:
        assert claim.quote or claim.paper or claim.whose == "ours"
    linear = ARTICLES["fusion_linear"]
    assert "outperforming linear" in linear
    assert "Cross-attention 99.57; Linear 86.93; difference +12.64 points" in linear


def test_a_picture_is_to_scale() -> None:
    table, claim = made_up()
    text = exhibit(table, [claim])
    ticks = {
        float(name): float(x)
        for x, name in re.findall(r'class="tick" x="([\d.]+)" y="\d+">([+-]?[\d.]+)<', text)
    }
    (first, left), *_, (last, right) = sorted(ticks.items())
    at = [left + (value - first) / (last - first) * (right - left) for value in (1, 4, 2)]
    (line,) = re.findall(r'class="line" x1="([\d.]+)" x2="([\d.]+)"', text)
    (dot,) = re.findall(r'class="twin" cx="([\d.]+)"', text)
    assert [*map(float, line), float(dot)] == pytest.approx(at, abs=0.2)
    (box, width), half = (
        re.findall(r'class="band" x="([\d.]+)" y="0" width="([\d.]+)"', text)[0],
        0.5,
    )
    scale = (right - left) / (last - first)
    assert float(width) == pytest.approx(2 * half * scale, abs=0.2)
    assert float(box) == pytest.approx(left - (first + half) * scale, abs=0.2)
    assert 3 <= len(ticks) <= 7
    assert all(104 <= x <= 400 for x in (*ticks.values(), *map(float, line), float(box)))


def test_stale_rows_are_said_to_be_stale_and_all_text_is_escaped() -> None:
    table, claim = made_up(golden="stale", command=NASTY)
    for name, stale in (("stale", 2), ("same", 1)):
        text = exhibit(table.assign(golden=name), [claim])
        assert Page(text).texts["strong"].count("stale") == stale  # one is in the explanation
        assert "<script" not in text


def test_readme_shows_the_telling_rows() -> None:
    """Where this fails: `make claims`."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = page.partition(BEGIN)[2].partition(END)[0].strip()
    assert shown == markdown(TABLE, CLAIMS)
    told, _, _ = shown.partition("**The same claims on")
    assert told.count("\n| ") == len([claim for claim in CLAIMS if claim.telling]) + 3


def test_a_page_is_written_between_its_markers_or_refused(tmp_path: Path) -> None:
    (table, claim), page = made_up(corpus="MAV-Celeb v1"), tmp_path / "page.md"
    for text in ("nothing", f"{END}\n{BEGIN}"):
        page.write_text(text)
        with pytest.raises(RunError, match="lacks the lines"):
            update_readme(page, table, [claim])
    page.write_text(f"a\n{BEGIN}\nwhat was\n{END}\nb")
    update_readme(page, table, [claim.model_copy(update={"telling": True})])
    text = page.read_text()
    assert (text[:2], text[-2:], "what was" in text) == ("a\n", "\nb", False)
    assert "| It is. | 4 | – | +2.0 [+1.0, +4.0] | *holds* |" in text
