"""Predictions are kept before a result, answered after it, counted; each option has its reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from IPython.display import HTML

from mraf.errors import RunError
from mraf_lessons.kit import quiz as kit
from mraf_lessons.kit.quiz import Question, Quiz

ROOT = Path(__file__).parents[2]
LESSONS = sorted(path.parent.name for path in ROOT.glob("mraf_lessons/*/questions.toml"))
NOTEBOOKS = {
    found[0]: path
    for path in ROOT.glob("notebooks/solutions/*.ipynb")
    if (found := re.findall(r'Quiz\(\\"(\w+)\\"\)', path.read_text(encoding="utf-8")))
}


@pytest.fixture
def quiz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Quiz:
    text = """
[zeros]
ask = "What do *zeros* become, with `b` < 1?"
right = "The bias"
[zeros.options]
"Zeros" = "The bias is added."
"The bias" = "Nothing else is left, it is {0:.1f}."
[share]
ask = "What share?"
unit = "%"
slider = [0, 100, 5]
within = 10
because = "It is {0:.0f}%."
[count]
ask = "How many?"
unit = "clips"
within = 1
because = "{0}."
"""
    (tmp_path / "lesson").mkdir()
    (tmp_path / "lesson" / "questions.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(kit, "__file__", str(tmp_path / "kit" / "quiz.py"))
    return Quiz("lesson")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    pages: list[str] = []
    monkeypatch.setattr(kit, "display", lambda page: pages.append(page.data))
    return pages


def test_predictions_are_kept_answered_and_counted(quiz: Quiz, shown: list[str]) -> None:
    quiz.ask("zeros").input.value = "Zeros"
    assert "Kept: Zeros" in quiz.asked["zeros"].said.value
    quiz.ask("share").input.value = 45
    quiz.ask("count")
    quiz.answer("zeros", 0.25)
    quiz.answer("share", 50)
    quiz.answer("count", 3)
    assert "You predicted: Zeros (✗" in shown[0]
    assert "it is 0.2" in shown[0]
    assert "You predicted: 45 % (✓ right)" in shown[1]
    assert shown[2].startswith("<details><summary>Answer (count)")  # folded: nothing was kept
    assert "1 of 2 were right; 3 were asked. Look again at: zeros." in quiz.score().data


def test_a_guess_after_the_answer_does_not_count(quiz: Quiz, shown: list[str]) -> None:
    question = quiz.ask("zeros")
    quiz.answer("zeros", 0.25)
    question.input.value = "The bias"
    assert question.input.disabled
    assert question.given is None
    quiz.answer("zeros", 0.25)
    assert "1 were asked. Run this notebook" in quiz.score().data


def test_a_number_far_off_is_wrong(quiz: Quiz, shown: list[str]) -> None:
    quiz.ask("count").input.value = 5
    quiz.answer("count", 3)
    assert "(✗" in shown[0]


def test_without_a_kernel_question_and_options_are_seen_and_no_answer(quiz: Quiz) -> None:
    page = quiz.ask("zeros")._repr_mimebundle_()["text/html"]
    assert "<em>zeros</em>" in page
    assert "<code>b</code> &lt; 1" in page
    assert "<li>Zeros</li><li>The bias</li>" in page
    assert "Nothing else" not in page
    assert isinstance(HTML(page), HTML)


def test_an_unknown_question_is_one_clear_line(quiz: Quiz) -> None:
    with pytest.raises(RunError, match=r"questions.toml: no question 'x'; there are"):
        quiz.ask("x")


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_questions_of_a_notebook_are_whole(lesson: str) -> None:
    items = Quiz(lesson).items
    source = NOTEBOOKS[lesson].read_text(encoding="utf-8")
    assert set(re.findall(r'quiz\.ask\(\\"([^\\"]+)\\"', source)) == set(items)
    choices = {name: item for name, item in items.items() if "options" in item}
    assert len(choices) >= 4
    for name, item in choices.items():
        assert item["right"] in item["options"], name
        assert len(item["options"]) >= 3, name
        assert all(len(reason.split()) >= 4 for reason in item["options"].values()), name
    places = {[*item["options"]].index(item["right"]) for item in choices.values()}
    assert len(places) > 1  # the right one does not stand in one place alone
    for item in items.values():
        assert Question(item).page().count("<li>") == len(item.get("options", ()))
