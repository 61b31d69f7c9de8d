"""The printed page holds every equation and symbol, and is what the package says now."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from mraf_lessons.kit.arrays import SYMBOLS

ROOT = Path(__file__).parents[2]
SHEET = ROOT / "docs" / "sheet.html"


def words(page: str) -> str:
    return re.sub(r"data:image[^\"]+|<svg.*?</svg>|style=\"[^\"]+\"", "", page, flags=re.DOTALL)


def test_the_sheet_is_up_to_date_and_whole(tmp_path: Path) -> None:
    """Where this fails: `make sheet`."""
    made = tmp_path / "sheet.html"
    subprocess.run([sys.executable, ROOT / "scripts/sheet.py", "--out", made], check=True)
    page = words(made.read_text(encoding="utf-8"))
    assert page == words(SHEET.read_text(encoding="utf-8"))
    said = [range(int(a), int(b or a) + 1) for a, b in re.findall(r"Eq\. (\d+)(?:–(\d+))?", page)]
    assert {number for some in said for number in some} == set(range(1, 18))
    assert all(f"<b>{name}</b>" in page for name in SYMBOLS)
    assert "size: A4" in page
    assert "http" not in page
