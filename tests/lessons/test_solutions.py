"""The notebooks of students are what their solutions say, and nothing of a solution is left."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).parents[2]
SOLUTIONS = sorted((ROOT / "notebooks/solutions").glob("*.ipynb"))


def load_script() -> ModuleType:
    path = ROOT / "scripts/exercises.py"
    spec = importlib.util.spec_from_file_location("exercises_script", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


exercises = load_script()


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def inputs(notebook: NotebookNode) -> list[tuple[str, str, str]]:
    return [(cell.id, cell.cell_type, cell.source) for cell in notebook.cells]


def test_every_solution_has_its_notebook_and_the_other_way_round() -> None:
    names = {path.name for path in SOLUTIONS}
    assert names == {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert names


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_notebook_and_solution_agree(path: Path) -> None:
    """Where this fails: `make notebooks`. Edit solutions, never the notebooks made from them."""
    notebook = read(path.parents[1] / path.name)
    assert inputs(notebook) == inputs(exercises.student(read(path)))


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_solutions_carry_no_outputs(path: Path) -> None:
    assert read(path) == exercises.stripped(read(path))


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_solutions_are_checked_when_they_run(path: Path) -> None:
    """Verdicts alone raise nothing, so a solution ends its exercises with an assertion."""
    solution = read(path)
    tagged = [cell for cell in solution.cells if exercises.TAG in cell.metadata.get("tags", [])]
    verdicts = sum("# SOLUTION" in cell.source for cell in solution.cells)
    checked = [cell.source for cell in tagged if cell.source.startswith("assert all((verdict_1,")]
    assert len(checked) == 1
    assert checked[0].count("verdict_") == verdicts


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_cells_are_named(path: Path) -> None:
    names = [cell.id for cell in read(path).cells]
    assert len(set(names)) == len(names)


SOLUTION = '''def double(x):
    """Twice x."""
    # SOLUTION: ...
    y = x

    return 2 * y
    # END SOLUTION

# SOLUTION: half = ...
half = 1 / 2
# END SOLUTION
print(half)'''

STUB = '''def double(x):
    """Twice x."""
    ...  # your answer

half = ...  # your answer
print(half)'''


def test_solutions_become_stubs() -> None:
    assert exercises.without_solution(SOLUTION) == STUB


@pytest.mark.parametrize(
    "source",
    [
        "# SOLUTION: x = ...\nx = 1",
        "x = 1\n# END SOLUTION",
        "# SOLUTION\nx = 1\n# END SOLUTION",
        "# SOLUTION: x = ...\nx = 1\n    # END SOLUTION",
    ],
)
def test_a_lonely_marker_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match="pair up"):
        exercises.without_solution(source)


def solution() -> NotebookNode:
    return new_notebook(
        cells=[
            new_code_cell("1 + 1", id="sum", execution_count=7, metadata={"collapsed": True}),
            new_code_cell(SOLUTION, id="stub"),
            new_markdown_cell("*Why?*", id="why", metadata={"tags": ["solution"]}),
        ]
    )


def test_students_get_neither_tagged_cells_nor_what_a_run_left() -> None:
    notebook = exercises.student(solution())
    assert [cell.id for cell in notebook.cells] == ["sum", "stub"]
    assert notebook.cells[0].execution_count is None
    assert notebook.cells[0].metadata == {}


def test_what_is_tested_holds_every_stub_before_its_solution() -> None:
    first, stub, answer, why = exercises.tested(solution()).cells
    assert (first.source, stub.source, answer.source) == ("1 + 1", STUB, SOLUTION)
    assert why.source == "*Why?*"
    assert len({cell.id for cell in (first, stub, answer, why)}) == 4


def test_outputs_stay_where_the_source_has_stayed() -> None:
    previous = exercises.student(solution())
    for cell in previous.cells:
        cell.outputs, cell.execution_count = [new_output("stream", text="2")], 1
    previous.cells[1].source += "  # edited"
    first, second = exercises.student(solution(), previous).cells
    assert first.outputs == previous.cells[0].outputs
    assert first.execution_count == 1
    assert second.outputs == []


def test_answers_of_a_student_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "solutions" / "a.ipynb"
    source.parent.mkdir()
    exercises.write(solution(), source)
    monkeypatch.setattr("sys.argv", ["exercises.py", str(source)])
    assert exercises.main() == 0
    assert not (tmp_path / "kept").exists()
    for number in (1, 2):
        mine = read(tmp_path / "a.ipynb")
        mine.cells[1].source = f"half = 0.5  # answer {number}"
        exercises.write(mine, tmp_path / "a.ipynb")
        assert exercises.main() == 0
        assert read(tmp_path / "a.ipynb").cells[1].source == STUB
        kept = read(tmp_path / "kept" / f"a-{number}.ipynb")
        assert kept.cells[1].source == f"half = 0.5  # answer {number}"


@pytest.mark.parametrize(
    ("name", "says"), [("a.ipynb", "no folder"), ("solutions/b.ipynb", "b.ip")]
)
def test_what_is_no_solution_is_told_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str
) -> None:
    """Of a student's notebook, another would be written two folders up."""
    source = tmp_path / "notebooks" / name
    source.parent.mkdir(parents=True)
    source.write_text("{}")
    monkeypatch.setattr("sys.argv", ["exercises.py", str(source)])
    with pytest.raises(SystemExit, match=says):
        exercises.main()
    assert [file.name for file in tmp_path.rglob("*.ipynb")] == [source.name]


def test_writing_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    assert exercises.write(solution(), path)
    assert not exercises.write(read(path), path)
