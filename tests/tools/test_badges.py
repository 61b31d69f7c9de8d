"""`make badges`: links to Binder from any remote, and none that leads nowhere."""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def badges() -> ModuleType:
    spec = importlib.util.spec_from_file_location("badges", ROOT / "scripts/badges.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("remote", "repository"),
    [
        ("git@github.com:some-one/mraf.git", "gh/some-one/mraf"),
        ("https://github.com/some-one/mraf", "gh/some-one/mraf"),
        ("https://user:secret@github.com/some-one/mraf.git", "gh/some-one/mraf"),
        ("ssh://git@gitlab.com/lab/voices/mraf.git", "gl/lab%2Fvoices%2Fmraf"),
        ("https://codeberg.org/a/mraf.git", "git/https%3A%2F%2Fcodeberg.org%2Fa%2Fmraf"),
        ("ssh://git@git.uni.edu:2222/x/mraf.git", "git/https%3A%2F%2Fgit.uni.edu%2Fx%2Fmraf"),
    ],
)  # fmt: skip
def test_the_links_name_the_repository(badges, remote, repository) -> None:
    assert badges.binder(remote) == f"https://mybinder.org/v2/{repository}/HEAD"
    assert "secret" not in badges.text(remote)


@pytest.mark.parametrize("remote", ["", "/srv/mraf", "../mraf", "file:///srv/git.d/mraf", "mraf"])
def test_without_a_remote_there_is_no_link(badges, remote) -> None:
    assert "](" not in badges.text(remote)
    assert "`make badges`" in badges.text(remote)


def linked(text: str) -> list[str]:
    return [unquote(path) for path in re.findall(r"\?urlpath=([^)]+)\)", text)]


def test_the_links_open_notebooks_that_are_there(badges) -> None:
    paths = linked(badges.text("https://github.com/some-one/mraf"))
    assert len(paths) == 3
    for path in paths:
        assert (ROOT / re.sub(r"^(lab/tree|voila/render)/", "", path)).exists()


def test_the_readme_is_rewritten_in_one_place_and_back(badges, tmp_path, monkeypatch) -> None:
    shipped = (ROOT / "README.md").read_text(encoding="utf-8")
    (tmp_path / "README.md").write_text(shipped, encoding="utf-8")
    (tmp_path / "scripts").mkdir()
    door = tmp_path / "scripts" / "door.py"
    door.write_bytes((ROOT / "scripts/door.py").read_bytes())
    monkeypatch.setattr(badges, "ROOT", tmp_path)

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    assert badges.main() == 0
    without = (tmp_path / "README.md").read_text(encoding="utf-8")
    git("remote", "add", "origin", "git@github.com:some-one/mraf.git")
    assert badges.main() == 0
    written = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert len(linked(written)) == 3
    assert 'SOURCE = "git+https://github.com/some-one/mraf"' in door.read_text(encoding="utf-8")
    rest = [badges.BLOCK.sub("", text) for text in (shipped, without, written)]
    assert rest[0] == rest[1] == rest[2]
    git("remote", "remove", "origin")
    assert badges.main() == 0
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == without
    assert f'SOURCE = "{badges.WHEEL}"' in door.read_text(encoding="utf-8")
