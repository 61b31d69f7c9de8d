"""Write the students' notebooks from notebooks/solutions/, which are their source.

In a code cell of a solution, the lines from `# SOLUTION: stub` to `# END SOLUTION` become the line
`stub  # your answer`; a cell tagged "solution" is left out. The first code cell begins with
door.py, which installs mraf where it is missing. All else is the same, and a cell that has not
changed keeps its output. Solutions themselves are stripped of outputs.
"""

from __future__ import annotations

import argparse
import copy
import re
import sys
from itertools import count
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from mraf.files import write_text

TAG = "solution"
DOOR = Path(__file__).with_name("door.py").read_text(encoding="utf-8")
BLOCK = re.compile(
    r"^(?P<indent>[ ]*)# SOLUTION: (?P<stub>.+)\n(?:.*\n)*?(?P=indent)# END SOLUTION$", re.MULTILINE
)
MARKER = re.compile(r"^\s*# (END )?SOLUTION\b", re.MULTILINE)
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def without_solution(source: str) -> str:
    """The source of a cell with a stub in the place of each solution.

    Raises:
        ValueError: a marker that lacks its counterpart.
    """
    stubbed = BLOCK.sub(lambda found: f"{found['indent']}{found['stub']}  # your answer", source)
    if MARKER.search(stubbed):
        raise ValueError(f"'# SOLUTION: stub' and '# END SOLUTION' do not pair up in:\n{source}")
    return stubbed


def stripped(notebook: NotebookNode) -> NotebookNode:
    """The notebook without outputs, counters and the metadata of whoever ran it."""
    clean = copy.deepcopy(notebook)
    clean.metadata = nbformat.from_dict(METADATA)
    for cell in clean.cells:
        tags = cell.metadata.get("tags", [])
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return clean


def student(solution: NotebookNode, previous: NotebookNode | None = None) -> NotebookNode:
    """The notebook that students get.

    Args:
        solution: its source.
        previous: the same notebook as it was written before; outputs of cells whose source has
            not changed are taken from it.
    """
    notebook = stripped(solution)
    notebook.cells = [cell for cell in notebook.cells if TAG not in cell.metadata.get("tags", [])]
    set_up = next(cell for cell in notebook.cells if cell.cell_type == "code")
    set_up.source = f"{DOOR}\n{set_up.source}"
    kept = {(cell.id, cell.source): cell for cell in previous.cells} if previous else {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = without_solution(cell.source)
            if (same := kept.get((cell.id, cell.source))) is not None:
                cell.outputs, cell.execution_count = same.outputs, same.execution_count
    return notebook


def tested(solution: NotebookNode) -> NotebookNode:
    """Both notebooks in one, so that one run tests both: each stub stands before its solution."""
    notebook = stripped(solution)
    cells = []
    for cell in notebook.cells:
        if cell.cell_type == "code" and MARKER.search(cell.source):
            stub = copy.deepcopy(cell)
            stub.source, stub.id = without_solution(cell.source), f"{cell.id}-stub"
            cells.append(stub)
        cells.append(cell)
    notebook.cells = cells
    return notebook


def answered(solution: NotebookNode, previous: NotebookNode) -> bool:
    """Whether somebody has written into a stub of the students' notebook."""
    stubs = {
        cell.id: without_solution(cell.source)
        for cell in solution.cells
        if cell.cell_type == "code" and MARKER.search(cell.source)
    }
    return any(cell.source != stubs.get(cell.id, cell.source) for cell in previous.cells)


def keep(path: Path) -> Path:
    """A copy of a notebook in the folder kept/ beside it, under a name that nothing has yet."""
    folder = path.parent / "kept"
    folder.mkdir(exist_ok=True)
    copies = (folder / f"{path.stem}-{number}.ipynb" for number in count(1))
    copy_of = next(copy_of for copy_of in copies if not copy_of.exists())
    copy_of.write_bytes(path.read_bytes())
    return copy_of


def write(notebook: NotebookNode, path: Path) -> bool:
    """Write a notebook, whole or not at all, if that changes the file; True if it did."""
    text = nbformat.writes(notebook).rstrip("\n") + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    write_text(path, text)
    return True


def read_solution(path: Path) -> NotebookNode:
    """A notebook of notebooks/solutions/; ends the program where it is none: others are written."""
    if path.parent.name != "solutions":
        raise SystemExit(f"{path}: lies in no folder solutions/; give notebooks/solutions/*.ipynb.")
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, nbformat.ValidationError) as error:
        reason = str(error).partition("\n")[0]
        raise SystemExit(f"{path}: cannot be read as a notebook ({reason}).") from None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("solutions", type=Path, nargs="*", help="notebooks/solutions/*.ipynb")
    parser.add_argument("--tested", type=Path, metavar="DIR", help="write what tests run there")
    options = parser.parse_args()
    for path in options.solutions:
        solution = read_solution(path)
        if options.tested:
            options.tested.mkdir(parents=True, exist_ok=True)
            write(tested(solution), options.tested / path.name)
            continue
        target = path.parent.parent / path.name
        previous = nbformat.read(target, as_version=4) if target.exists() else None
        try:
            if previous is not None and answered(solution, previous):
                print(f"{target}: holds answers of yours; a copy is kept in {keep(target)}")
            changed = write(student(solution, previous), target)
        except ValueError as error:
            print(f"{path}: {error}", file=sys.stderr)
            return 1
        write(stripped(solution), path)
        print(f"{target}: {'written from' if changed else 'agrees with'} {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
