"""Count what each notebook asks of its reader; write its minutes into it and into docs.

180 words a minute, 6 seconds a line of code, a minute a prediction, nine minutes an exercise.
Read from the students' notebooks, with what their cells display as text.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from mraf.evidence.declared import read_toml
from mraf.files import write_text

ROOT = Path(__file__).resolve().parents[1]
COURSE, TEACH = ROOT / "docs" / "course.md", ROOT / "docs" / "teach.md"
OBJECTIVES = ROOT / "docs" / "objectives.toml"
LONGEST = 75  # minutes of a notebook, without its optional exercises
SHORT_PATH = 45
OPTIONAL = re.compile(r"^\*\*Exercise \d+, optional", re.MULTILINE)
TIME = re.compile(r"\*\*Time\*\* .*?(?=\n\n|\Z)", re.DOTALL)
RUNS = "All cells run in one to three minutes on two cores without a GPU."
TABLE = re.compile(r"(?<=<!-- written -->\n).*?(?=<!-- end -->)", re.DOTALL)

DOOR = door.read_text("utf-8") if (door := ROOT / "scripts" / "door.py").exists() else ""
"""Lines that install mraf where it is missing: they stand in the first cell and are not read."""

SHORT = {  # sections to read in 45 minutes, after all cells have run; exercises are left out
    "01": ["1", "7", "Take-away"],
    "01b": ["1", "6", "Take-away"],
    "02": ["2", "Take-away"],
    "03": ["Take-away"],
    "04": ["6", "Take-away"],
    "05": ["3", "Take-away"],
    "07": ["6", "Take-away"],
}


@dataclass
class Load:
    """What a part of a notebook asks of its reader."""

    words: int = 0
    lines: int = 0
    predictions: int = 0
    exercises: int = 0

    def __add__(self, other: Load) -> Load:
        return Load(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def minutes(self) -> float:
        return self.words / 180 + self.lines / 10 + self.predictions + 9 * self.exercises


def plain(text: str) -> str:
    """Markdown as it is read: a formula is one word, of a link the text is left."""
    text = re.sub(r"\$\$.*?\$\$|\$[^$\n]*\$|`[^`\n]+`", " x ", text, flags=re.DOTALL)
    return re.sub(r"\]\([^)]*\)|<[^>]*>", "] ", text)


def sentences(notebook: NotebookNode) -> list[str]:
    """All sentences of its texts; tables and references are none."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type != "markdown" or cell.source.startswith("## References"):
            continue
        kept = [line for line in plain(cell.source).split("\n") if not line.startswith(("|", "#"))]
        for block in re.split(r"\n\s*\n|\n(?=\s*(?:- |\d+\. ))", "\n".join(kept)):
            found += re.split(r"(?<=[.!?])[\"*)]*\s+(?=[A-Z*(“])", block)
    return [" ".join(re.findall(r"\S*\w\S*", sentence)) for sentence in found]


def load(cell: NotebookNode) -> Load:
    """What one cell asks, with the sentences that it displays."""
    if cell.cell_type == "markdown":
        words = len(re.findall(r"\S*\w\S*", plain(cell.source)))
        return Load(words, predictions=len(re.findall(r"^> \*\*Predict\.", cell.source, re.M)))
    shown = " ".join(out.get("data", {}).get("text/markdown", "") for out in cell.outputs)
    lines = sum(bool(line.strip()) for line in cell.source.removeprefix(DOOR).split("\n"))
    asked = len(re.findall(r"\bquiz\.ask\(", cell.source))
    return Load(len(plain(shown).split()), lines, asked, int("# your answer" in cell.source))


def sections(notebook: NotebookNode) -> dict[str, Load]:
    """The loads by heading; "" is the opening, "optional" the exercises marked so."""
    loads: dict[str, Load] = {}
    heading, optional = "", False
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            if titles := re.findall(r"^## (.*)$", cell.source, re.MULTILINE):
                heading = titles[-1]
            if "**Exercise " in cell.source or titles:
                optional = OPTIONAL.search(cell.source) is not None
        name = "optional" if optional else heading
        if name != "References":
            loads[name] = loads.get(name, Load()) + load(cell)
    return loads


def rounded(minutes: float) -> int:
    """Up to the next five minutes."""
    return 5 * math.ceil(minutes / 5)


def minutes(notebook: NotebookNode) -> tuple[int, int]:
    """Of the notebook with its exercises, and of the optional ones on top."""
    loads = sections(notebook)
    optional = loads.pop("optional", Load())
    return rounded(sum(loads.values(), Load()).minutes), rounded(optional.minutes)


def stated(notebook: NotebookNode) -> str:
    """The paragraph on the time that belongs into the notebook's first cell."""
    needed, more = minutes(notebook)
    also = f", and {more} more for the optional ones" if more else ""
    return f"**Time** {needed} minutes with the exercises{also}.\n{RUNS}"


def row(path: Path) -> str:
    """What the table of docs/course.md says of a notebook."""
    notebook = nbformat.read(path, as_version=4)
    whole = sum(sections(notebook).values(), Load())
    needed, more = minutes(notebook)
    cells = [load(cell).lines for cell in notebook.cells if cell.cell_type == "code"]
    length = [len(sentence.split()) for sentence in sentences(notebook)]
    counts = [*astuple(whole), needed, more or "–", max(cells), max(length)]
    counts.append(sum(n > 30 for n in length))
    return "| " + " | ".join(map(str, [f"[{path.stem}](../notebooks/{path.name})", *counts])) + " |"


def short_path() -> tuple[list[str], float]:
    """The rows of the short path's table, and its minutes."""
    rows, total = [], 0.0
    for number, chosen in SHORT.items():
        (path,) = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
        loads = sections(nbformat.read(path, as_version=4))
        read = {h: x for h, x in loads.items() if h.split(".")[0] in chosen}
        needed = sum(read.values(), Load()).minutes
        total += needed
        what = "; ".join(f"*{heading}*" for heading in read)
        rows.append(f"| [{path.stem}](../notebooks/{path.name}) | {what} | {needed:.0f} |")
    return [*rows, f"| | **together** | **{total:.0f}** |"], total


def objectives(path: Path) -> list[str]:
    """The heading of a notebook, and what its reader can do after each section, as Markdown."""
    notebook = nbformat.read(path, as_version=4)
    title = notebook.cells[0].source
    head = [title.split("\n")[0].replace("# ", "### ", 1), ""]
    told = read_toml(OBJECTIVES).get(path.stem.split("_")[0])
    if told is None:
        return [*head, title.split("**You will learn**\n")[1].split("\n\n")[0], ""]
    head += ["| section | afterwards, a student can | minutes |", "|---|---|---|"]
    rows = [
        f"| {heading} | {told.get(heading.split('.')[0], '–')} | {max(1, round(x.minutes))} |"
        for heading, x in sections(notebook).items()
        if heading[:1].isdigit()
    ]
    return [*head, *rows, ""]


def pages() -> dict[Path, str]:
    """The pages whose tables and lists come from the notebooks, written anew."""
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    lists = {
        COURSE: [short_path()[0], [row(path) for path in paths]],
        TEACH: [[line for path in paths for line in objectives(path)]],
    }
    found = {}
    for page, written in lists.items():
        blocks = iter(written)

        def block(match: re.Match[str], blocks: Iterator[list[str]] = blocks) -> str:
            head = [line for line in match[0].split("\n")[:2] if line.startswith("|")]
            return "\n".join([*head, *next(blocks)]) + "\n"

        found[page] = TABLE.sub(block, page.read_text(encoding="utf-8"))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("solutions", type=Path, nargs="*", help="notebooks/solutions/*.ipynb")
    for path in parser.parse_args().solutions:
        if path.parent.name != "solutions" or not path.is_file():
            raise SystemExit(f"{path}: is no solution; give notebooks/solutions/*.ipynb.")
        student = path.parents[1] / path.name
        line = stated(nbformat.read(student, as_version=4))
        for file in (path, student):
            notebook = nbformat.read(file, as_version=4)
            notebook.cells[0].source = TIME.sub(line, notebook.cells[0].source)
            text = nbformat.writes(notebook).rstrip("\n") + "\n"
            if text != file.read_text(encoding="utf-8"):
                write_text(file, text)
                print(f"{file}: {line.splitlines()[0]}")
    for page, text in pages().items():
        write_text(page, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
