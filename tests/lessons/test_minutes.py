"""Every notebook says how long it takes, by counting; the short path keeps its promise."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).parents[2]
COUNTED = sorted(ROOT.glob("notebooks/*.ipynb"))


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("minutes_script", ROOT / "scripts/minutes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look it up
    spec.loader.exec_module(module)
    return module


minutes = load_script()


@pytest.mark.parametrize("path", COUNTED, ids=lambda path: path.stem)
def test_the_stated_minutes_are_computed(path: Path) -> None:
    """Where this fails: `make exercises`."""
    notebook = nbformat.read(path, as_version=4)
    assert minutes.stated(notebook) in notebook.cells[0].source
    assert minutes.minutes(notebook)[0] <= minutes.LONGEST


@pytest.mark.parametrize("name", ["01", "01b", "03"])
def test_no_cell_is_longer_than_fifteen_lines_and_the_first_has_eight(name: str) -> None:
    (path,) = ROOT.glob(f"notebooks/{name}_*.ipynb")
    code = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    lines = {cell.id: minutes.load(cell).lines for cell in code}
    assert max(lines.values()) <= 15, lines
    assert lines["set-up"] <= 8


def test_the_short_path_keeps_its_promise() -> None:
    assert 30 < minutes.short_path()[1] <= minutes.SHORT_PATH


def test_the_pages_of_the_course_are_up_to_date() -> None:
    """Where this fails: `make exercises`."""
    for page, text in minutes.pages().items():
        assert page.read_text(encoding="utf-8") == text, page
    rows = minutes.COURSE.read_text(encoding="utf-8")
    assert all(f"notebooks/{path.name}" in rows for path in COUNTED)


def test_every_section_of_a_listed_notebook_has_an_objective() -> None:
    for number, told in minutes.read_toml(minutes.OBJECTIVES).items():
        (path,) = ROOT.glob(f"notebooks/{number}_*.ipynb")
        headings = minutes.sections(nbformat.read(path, as_version=4))
        assert {h.split(".")[0] for h in headings if h[:1].isdigit()} == set(told), number


def notebook() -> NotebookNode:
    words = " ".join(["word"] * 178)
    reading = new_output("execute_result", {"text/markdown": "one two $x$"})
    return new_notebook(
        cells=[
            new_markdown_cell("# 01 · Title\n\nA line.\n\n**Time** none."),
            new_markdown_cell(f"## 1. Idea\n\n{words}"),
            new_code_cell('quiz.ask("a")\n\nx = 1', outputs=[reading]),
            new_markdown_cell("> **Predict.** What?"),
            new_markdown_cell("## Exercises\n\n**Exercise 1.**"),
            new_code_cell("y = ...  # your answer"),
            new_markdown_cell("**Exercise 2, optional (more).**"),
            new_code_cell("z = ...  # your answer"),
            new_markdown_cell("## References\n\nMany words that nobody reads."),
        ]
    )


def test_words_lines_predictions_and_exercises_are_counted() -> None:
    loads = minutes.sections(notebook())
    idea = loads["1. Idea"]
    assert (idea.words, idea.lines, idea.predictions, idea.exercises) == (180 + 3 + 2, 2, 2, 0)
    assert loads["Exercises"].exercises == loads["optional"].exercises == 1
    assert "References" not in loads
    assert minutes.minutes(notebook()) == (15, 10)
    assert minutes.stated(notebook()).startswith(
        "**Time** 15 minutes with the exercises, and 10 more for the optional ones."
    )


def test_sentences_end_where_readers_pause() -> None:
    text = "One two. Three $x = 1. Y$ four!\n\n| a | b |\n\n- five six\n- seven"
    found = minutes.sentences(new_notebook(cells=[new_markdown_cell(text)]))
    assert [len(sentence.split()) for sentence in found] == [2, 3, 2, 1]
