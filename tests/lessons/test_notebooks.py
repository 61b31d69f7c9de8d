"""The committed notebooks keep the rules, and each rule notices a notebook that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import notebook_rules as rules
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
ALT = "a plot of nothing"


def test_there_are_notebooks() -> None:
    assert FOLDER / "01_data_inspection.ipynb" in NOTEBOOKS


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_committed_notebook_keeps_the_rule(path: Path, rule: rules.Rule) -> None:
    assert rule(nbformat.read(path, as_version=4)) == []


TAUGHT = {  # no verdict of theirs is shown that is not corrected
    "ablations/coverage.py": "asks how often intervals hold a known truth",
    "attention/readings.py": "differences of several corpora, corrected as one table at the end",
    "faces/costs.py": "intervals of costs; notebook 09 corrects their differences",
    "missing_token/checks.py": "the checker of a t interval by hand",
}
CODE = [*FOLDER.parent.glob("mraf_lessons/*/*.py"), *FOLDER.parent.glob("mraf_related/**/*.py")]


def test_every_comparison_of_a_lesson_or_a_study_is_corrected() -> None:
    found = {path: rules.uncorrected(path.read_text(encoding="utf-8")) for path in CODE}
    assert {"/".join(path.parts[-2:]) for path, said in found.items() if said} == set(TAUGHT)


# --- each rule can fail --------------------------------------------------------------------


def figure(alt: str = ALT) -> NotebookNode:
    bundle = {"text/html": f'<img src="data:image/png;base64,AA" alt="{alt}">'}
    return new_output("display_data", bundle)


def reading(text: str) -> NotebookNode:
    return new_output("display_data", {"text/markdown": f"**What you see.** {text}"})


READING = reading("It goes up by 3.1.")


def said(text: str, name: str = "stdout") -> NotebookNode:
    return new_output("stream", name=name, text=text)


def good() -> NotebookNode:
    opening = "\n\n".join(["# 01 · Nothing", "A sentence.", *rules.OPENING])
    stub = ("answer = ...  # your answer", said("… Not answered yet.\n"))
    cells: list[NotebookNode | str | tuple[str, NotebookNode]] = [
        opening,
        "## Set-up\n\nRun this cell first, also after a restart of the kernel.",
        ("import numpy as np", said("corpus: twin\n")),
        "## 1. Things",
        "> **Predict.** What will be seen?",
        ("assert True", figure()),
        ("seen(value)", READING),
        "**Why.** Its 95% interval, as in [1.5](https://a.org/2.5), `3.5` and $4.5$.",
        "## Exercises",
        *[stub] * 3,
        "## Take-away",
        "## References\n\narXiv:2606.12495, section 3.8",
    ]
    notebook = new_notebook()
    for cell in cells:
        if isinstance(cell, str):
            notebook.cells.append(new_markdown_cell(cell))
        else:
            count = 1 + len(rules.of_type(notebook, "code"))
            source, output = cell
            notebook.cells.append(new_code_cell(source, execution_count=count, outputs=[output]))
    return notebook


def cell(notebook: NotebookNode, start: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if cell.source.startswith(start))


def edit(start: str, source: str) -> Callable[[NotebookNode], object]:
    return lambda notebook: cell(notebook, start).update(source=source)


def show(*outputs: NotebookNode, of: str = "assert") -> Callable[[NotebookNode], object]:
    return lambda notebook: cell(notebook, of).update(outputs=list(outputs))


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_a_good_notebook_keeps_the_rule(rule: rules.Rule) -> None:
    assert rule(good()) == []


UNTITLED_IMAGE = new_output("display_data", {"image/png": "AAAA"})
ERROR = new_output("error", ename="ValueError", evalue="", traceback=["ValueError"])


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        (rules.cells_have_content, edit("## 1", " ")),
        (rules.cells_have_content, edit("assert", "pass")),
        (rules.cells_have_content, lambda n: n.update(cells=n.cells[:6])),
        (rules.ran_from_top_to_bottom, lambda n: cell(n, "assert").update(execution_count=9)),
        (rules.ran_from_top_to_bottom, lambda n: cell(n, "assert").update(execution_count=None)),
        (rules.follows_the_template, edit("# 01", "# 01 · Nothing\n\n**You need**")),
        (rules.follows_the_template, edit("# 01", "Nothing\n\n" + "\n".join(rules.OPENING))),
        (rules.follows_the_template, edit("## Take-away", "## In short")),
        (rules.follows_the_template, edit("## Set-up", "## Set-up")),
        (rules.follows_the_template, edit("## 1", "## Things")),
        (rules.follows_the_template, edit("## 1", "## 2. Things\n\n## 1. Others")),
        (rules.figures_are_predicted_and_discussed, edit("> **Predict", "Look:")),
        (rules.figures_are_predicted_and_discussed, show(said("Nice."), of="seen")),
        (rules.readings_have_numbers_of_the_run, edit("**Why", "**What you see.** It goes up.")),
        (rules.readings_have_numbers_of_the_run, show(reading("It goes up."), of="seen")),
        (rules.images_have_alt_text, show(figure(alt=" "))),
        (rules.images_have_alt_text, show(UNTITLED_IMAGE)),
        (rules.images_have_alt_text, edit("## 1", "## 1. Things\n\n![](picture.png)")),
        (rules.images_have_alt_text, edit("## 1", '## 1. Things\n\n<img src="picture.png">')),
        (rules.names_no_absolute_path, show(said("read /home/me/features"))),
        (rules.names_no_absolute_path, show(said(r"read C:\Users\me"))),
        (rules.names_no_absolute_path, edit("import", "open('/tmp/x')")),
        (rules.shows_no_error_or_warning, show(ERROR)),
        (rules.shows_no_error_or_warning, show(said("Traceback (most recent call last):"))),
        (rules.shows_no_error_or_warning, show(said("50%|###", name="stderr"))),
        (rules.shows_no_error_or_warning, show(said("a.py:1: RuntimeWarning: divide by zero"))),
        (rules.text_holds_no_results, edit("**Why", "It reaches 97.4.")),
        (rules.text_holds_no_results, edit("**Why", "It reaches 97%.")),
        (rules.text_holds_no_results, edit("**Why", "It reaches 98 percent.")),
        (rules.text_holds_no_results, edit("**Why", "**What you see.** A cosine of 0.8!")),
        (rules.comes_from_the_twin, show(said("corpus: v1 (polysim)\n"), of="import")),
        (rules.comes_from_the_twin, show(of="import")),
        (rules.ends_no_cell_with_a_semicolon, edit("assert", "assert True;\n")),
        (rules.code_needs_no_magic, edit("import", "%matplotlib inline")),
        (rules.exercises_wait_for_answers, show(said("✓ Right."), of="answer")),
        (rules.exercises_wait_for_answers, edit("answer", "answer = 1")),
        (rules.predictions_are_answered, edit("assert", 'quiz.ask("a")\nquiz.score()')),
        (rules.predictions_are_answered, edit("assert", 'quiz.answer("a")')),
        (rules.predictions_are_answered, edit("assert", 'quiz.ask("a")\nquiz.answer("a", 1)')),
        (rules.comparisons_are_corrected, edit("assert", "assert paired_difference(e, 'a', 'b')")),
        (rules.comparisons_are_corrected, edit("assert", "assert d.difference(a, b).p.iloc[0]")),
        (rules.comparisons_are_corrected, edit("assert", "assert 'better' if low > 0 else 'open'")),
        (rules.comparisons_are_corrected, edit("assert", "assert stats.norm.sf(z) < 0.05")),
    ],
)
def test_a_bad_notebook_is_noticed(
    rule: rules.Rule, spoil: Callable[[NotebookNode], object]
) -> None:
    notebook = good()
    spoil(notebook)
    assert rule(notebook)
