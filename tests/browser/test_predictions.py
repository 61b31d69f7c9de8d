"""A choice, a slider and a number are answered by keyboard in JupyterLab, and counted."""

from __future__ import annotations

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from servers import lab

pytestmark = pytest.mark.browser

CELLS = (
    "from mraf_lessons.kit.quiz import Quiz\n\n"
    'quiz, more = Quiz("missing_token"), Quiz("training")',
    'quiz.ask("zeros")',
    'quiz.ask("stand-in")',
    'more.ask("nothing-known")',
    'if quiz.asked["zeros"].given:\n    quiz.answer("zeros")\n'
    '    quiz.answer("stand-in", 0.4, 0.5)\n'
    '    more.answer("nothing-known", 4.25)\n'
    "quiz.score()",
)
LAST = """async () => {
  jupyterapp.shell.currentWidget.content.activeCellIndex = 4;
  await jupyterapp.commands.execute("notebook:run-cell");
}"""


def test_predictions_are_answered_by_keyboard(browser, tmp_path):
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    cells = [new_code_cell(source) for source in CELLS]
    nbformat.write(new_notebook(cells=cells, metadata=kernel), tmp_path / "quiz.ipynb")
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    with lab(page, tmp_path, tmp_path / "quiz.ipynb"):
        page.get_by_text("2 were asked. Run this notebook").wait_for(timeout=300_000)
        page.locator("input[type=radio]").first.focus()
        page.keyboard.press("Space")
        page.get_by_text("Kept: All zero").wait_for()
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.get_by_text("Kept: The bias, cut into tokens").wait_for()
        page.locator("[role=slider]").first.focus()
        for _ in range(8):
            page.keyboard.press("ArrowRight")
        page.get_by_text("Kept: 0.4 r_f").wait_for()
        page.locator("input[type=number]").focus()
        page.keyboard.type("4.3")
        page.keyboard.press("Enter")
        page.get_by_text("Kept: 4.3 nats").wait_for()
        page.evaluate(LAST)
        page.get_by_text("You predicted: 4.3 nats (✓ right)").wait_for()
        page.get_by_text("You predicted: The bias, cut into tokens (✓ right)").wait_for()
        page.get_by_text("2 of 2 were right; 2 were asked.").wait_for()
        assert page.locator("input[type=radio]").first.is_disabled()
    page.close()
