"""Assignments for nbgrader: made from the solutions, handed out, handed in twice, and graded."""

from __future__ import annotations

import csv
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]
SOLUTIONS = sorted((ROOT / "notebooks/solutions").glob("*.ipynb"))
NAME = "13_where_the_192_numbers_come_from"
SCRIPT = [sys.executable, ROOT / "scripts/assignments.py"]
REGION = re.compile(r"^[ ]*### BEGIN SOLUTION\n(.*?)^[ ]*### END SOLUTION\n", re.DOTALL | re.M)


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def write(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*SCRIPT, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a course with an assignment for each notebook."""
    folder = tmp_path_factory.mktemp("course")
    done = write("--out", folder, *SOLUTIONS)
    assert done.returncode == 0, done.stderr
    return folder


def graded(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]


@pytest.mark.parametrize("path", SOLUTIONS, ids=lambda path: path.stem)
def test_students_get_the_stubs_of_their_notebook(path: Path, course: Path) -> None:
    """The solution runs in the source, and nothing of it is left once nbgrader has cut it out."""
    source, solution = read(course / "source" / path.stem / path.name), read(path)
    answers = {cell.id: cell.source for cell in solution.cells if "# SOLUTION:" in cell.source}
    stubs = {cell.id: cell.source for cell in read(ROOT / "notebooks" / path.name).cells}
    open_cells = {c.id: c for c in source.cells if c.metadata.get("nbgrader", {}).get("solution")}
    assert set(open_cells) == set(answers)
    for name, cell in open_cells.items():
        assert all(found in answers[name] for found in REGION.findall(cell.source))
        assert REGION.sub("", cell.source) == stubs[name].replace("return ...", "...")
    assert not [cell for cell in source.cells if "solution" in cell.metadata.get("tags", [])]
    for cell in graded(source):
        exercise = source.cells[source.cells.index(cell) - 1]
        assert exercise.id in answers
        assert cell.source.split("\n")[1] in exercise.source  # it asks what the exercise asks
    optional = sum("**Exercise" in c.source and ", optional" in c.source for c in source.cells)
    assert len(graded(source)) == len(answers) - optional


def test_what_a_teacher_has_changed_is_not_written_over(tmp_path: Path) -> None:
    path = ROOT / "notebooks/solutions" / f"{NAME}.ipynb"
    written = tmp_path / "source" / NAME / path.name
    assert write("--out", tmp_path, path).returncode == 0
    assert write("--out", tmp_path, path).returncode == 0  # nothing was changed
    written.write_text(written.read_text("utf-8").replace("1 point.", "2 points."), "utf-8")
    refused = write("--out", tmp_path, path)
    assert refused.returncode == 1
    assert re.fullmatch(rf".*{path.name}: not what .* --force .*\n", refused.stderr)
    assert "2 points." in written.read_text("utf-8")
    assert write("--out", tmp_path, "--force", path).returncode == 0
    assert "2 points." not in written.read_text("utf-8")


@pytest.mark.skipif(
    importlib.util.find_spec("nbgrader") is None,
    reason="nbgrader is not installed here: `make test-grading` installs and uses it",
)
def test_an_assignment_is_released_handed_in_and_graded(course: Path) -> None:
    """Right answers get all points. Stubs and a wrong answer get none, whoever edits the grader."""
    path = Path(sys.executable).parent  # nbgrader calls alembic

    def nbgrader(*arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *arguments],
            cwd=course,
            env={**os.environ, "PATH": f"{path}{os.pathsep}{os.environ['PATH']}"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr

    nbgrader("generate_assignment", NAME)
    solution = {c.id: c.source for c in read(ROOT / f"notebooks/solutions/{NAME}.ipynb").cells}
    for student in ("right", "wrong"):
        notebook = read(course / "release" / NAME / f"{NAME}.ipynb")
        first = next(cell for cell in notebook.cells if cell.cell_type == "code")
        notebook.cells = [first, *(c for c in notebook.cells if "exercise" in c.id)]  # to be quick
        for cell in notebook.cells:
            role = cell.metadata.get("nbgrader", {})
            if role.get("solution") and student == "right":
                cell.source = f"import numpy as np\n\n{solution[cell.id]}"
            elif cell.id == "exercise-1":
                cell.source = cell.source.replace("...", "return 700 * hertz")
            elif role.get("grade") and student == "wrong":
                cell.source = "assert True"
        handed_in = course / "submitted" / student / NAME
        handed_in.mkdir(parents=True)
        nbformat.write(notebook, handed_in / f"{NAME}.ipynb")
    nbgrader("autograde", NAME)
    nbgrader("export")
    with (course / "grades.csv").open(newline="") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert {name: float(row["score"]) for name, row in rows.items()} == {"right": 3, "wrong": 0}
    assert {float(row["max_score"]) for row in rows.values()} == {3}
    marked = graded(read(course / "autograded/wrong" / NAME / f"{NAME}.ipynb"))
    assert "✗ Not yet." in str(marked[0].outputs)  # the hint stands in what students get back
    assert "… Not answered yet." in str(marked[1].outputs)
