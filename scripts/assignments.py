"""Write assignments for nbgrader from notebooks/solutions/: one notebook is one assignment.

Each exercise that is not optional becomes two cells: one to answer in, with the solution between
nbgrader's markers, and a locked one that asks the checker again and is worth a point. Code cells
outside the exercises are set back to what they were before a submission is graded.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import exercises
import nbformat
from minutes import OPTIONAL
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from mraf.files import write_text

OUT = Path("build/assignments")
VERDICT = re.compile(r"^verdict_\d+ = .+$", re.MULTILINE)
CONFIG = '''"""Settings of nbgrader; it reads this file in the folder in which it is called."""

from nbclient.output_widget import OutputWidget

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "mraf"
c.ClearSolutions.code_stub = {"python": ""}  # stubs stand before the markers
c.LockCells.lock_readonly_cells = False  # students may try things out; grading sets cells back
c.OverwriteCells.add_missing_cells = True  # so that nobody can delete a grading cell
c.ExecutePreprocessor.timeout = 300
# Without this, nbclient now and then waits forever on an Output widget (jupyter/nbclient#312).
OutputWidget.sync_state = lambda self: None
'''


def role(cell: NotebookNode, *, solution: bool = False, points: int = 0) -> NotebookNode:
    """The cell with what nbgrader has to know: to be answered, to be graded, or to be kept."""
    cell.metadata["nbgrader"] = {
        "schema_version": 3,
        "grade_id": cell.id,
        "cell_type": cell.cell_type,
        "solution": solution,
        "grade": bool(points),
        "locked": not solution,
        "task": False,
    } | ({"points": points} if points else {})
    return cell


def between_markers(source: str) -> str:
    """A solution between nbgrader's markers, its stub before them: there it changes nothing."""

    def marked(found: re.Match[str]) -> str:
        indent, stub = found["indent"], found["stub"].removeprefix("return ")
        answer = "\n".join(found[0].split("\n")[1:-1])
        begin, end = (f"{indent}### {word} SOLUTION" for word in ("BEGIN", "END"))
        return f"{indent}{stub}  # your answer\n{begin}\n{answer}\n{end}"

    return exercises.BLOCK.sub(marked, source)


def grading(cell: NotebookNode, points: int) -> NotebookNode:
    """The cell that gives the points of an exercise: it asks the checker what the exercise asks.

    Raises:
        ValueError: the exercise has no line `verdict_1 = …`.
    """
    line = VERDICT.search(cell.source)
    if line is None:
        raise ValueError(f"no line 'verdict_1 = …' in:\n{cell.source}")
    name = line[0].split(" ")[0]
    worth = f"# {points} point{'s' * (points > 1)}. Leave this cell as it is."
    return new_code_cell(f"{worth}\n{line[0]}\nassert {name}, {name}", id=f"{cell.id}-points")


def assignment(solution: NotebookNode, points: int = 1) -> NotebookNode:
    """A notebook of the folder source/, from which nbgrader makes what students get."""
    notebook = exercises.student(solution)
    sources = {cell.id: cell.source for cell in solution.cells}
    cells, optional = [], False
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type == "markdown":
            if "**Exercise " in cell.source:
                optional = OPTIONAL.search(cell.source) is not None
            continue
        cell.outputs, cell.execution_count = [], None
        marked = between_markers(sources[cell.id])
        if marked == sources[cell.id]:
            role(cell)
            continue
        cell.source = marked
        role(cell, solution=True)
        if not optional:
            cells.append(role(grading(cell, points), points=points))
    notebook.cells = cells
    return notebook


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("solutions", type=Path, nargs="+", help="notebooks/solutions/*.ipynb")
    parser.add_argument("--out", type=Path, default=OUT, help="the course's folder")
    parser.add_argument("--points", type=int, default=1, help="what an exercise is worth")
    parser.add_argument("--force", action="store_true", help="write over what you have changed")
    options = parser.parse_args()
    if options.points < 1 or options.out.is_file():
        parser.error("--points must be at least 1, and --out a folder.")
    config = options.out / "nbgrader_config.py"
    texts = {config: CONFIG}
    for path in options.solutions:
        solution = exercises.read_solution(path)
        try:
            notebook = assignment(solution, options.points)
        except ValueError as error:
            print(f"{path}: {error}", file=sys.stderr)
            return 1
        target = options.out / "source" / path.stem / path.name
        texts[target] = nbformat.writes(notebook).rstrip("\n") + "\n"
    changed = [p for p, text in texts.items() if p.exists() and p.read_text("utf-8") != text]
    if changed and not options.force:
        names = ", ".join(map(str, changed))
        print(f"{names}: not what this version writes. --force writes over it.", file=sys.stderr)
        return 1
    for target, text in texts.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        write_text(target, text)
    print(
        f"{len(texts) - 1} assignments in {options.out / 'source'}; docs/teach.md says how to go on"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
