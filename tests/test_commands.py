"""Every command that is printed for a reader can be run as printed, from the project's root."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PRINTED = ("*.md", "docs/*.md", "data/**/*.md", "data/recorded/*.csv")
PRINTED += ("scripts/*.py", "benchmarks/*.py", "tools/*.py")
UNINSTALLED = (
    r"^\s*(?:from|import) (?:benchmarks|scripts|tools)\b"  # `python FILE` cannot find them
)


def code(page: str, command: str) -> list[str]:
    """The uses of a command in a page's code, in blocks and within lines, without comments."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    lines = [line.split("  #")[0].split(" # ")[0] for block in blocks for line in block.split("\n")]
    found = [re.sub(r"^[A-Z_]+=\S+ ", "", line.strip()) for line in lines + inline]
    return [line for line in found if line.startswith(f"{command} ")]


def test_every_command_of_the_readme_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    from mraf.cli.main import build_parser

    uses = [line for line in code("README.md", "mraf") if not re.search("COMMAND|NAME", line)]
    assert len(uses) >= 5
    for line in uses:
        try:
            build_parser().parse_args(line.split()[1:])
        except SystemExit:
            pytest.fail(f"README.md: `{line}`: {capsys.readouterr().err}")


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_target_of_make_that_a_page_names_is_one(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    named = {line.split()[1] for line in code(page, "make")}
    assert len(named) >= 2
    assert named <= targets


def test_every_script_that_is_printed_starts() -> None:
    texts = [file.read_text(encoding="utf-8") for part in PRINTED for file in ROOT.glob(part)]
    folders = "(?:benchmarks|scripts|tools)"
    found = {
        match
        for text in texts
        for match in re.findall(
            rf"\bpython (?:(-m) ({folders}\.[\w.]+\b)|({folders}/\w+\.py))", text
        )
    }
    assert len(found) >= 15
    for as_module, module, path in sorted(found):
        if as_module:
            place = ROOT / module.replace(".", "/")
            assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file(), module
        else:
            source = (ROOT / path).read_text(encoding="utf-8")
            assert not re.search(UNINSTALLED, source, re.MULTILINE), f"{path}: print `python -m`"
