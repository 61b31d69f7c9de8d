"""The notebooks of the course, copied from wherever the package is installed."""

from __future__ import annotations

from pathlib import Path

from mraf.errors import RunError
from mraf.evidence.recorded import SITE
from mraf.files import read_text, write_text

INSTALLED, CHECKOUT = SITE / "mraf_notebooks", SITE / "notebooks"


def copy_lessons(folder: Path) -> list[Path]:
    """Copy the notebooks into a folder; returns those that were not there already.

    Raises:
        RunError: one of them is there and differs, and then nothing is written; the package came
            without notebooks; the folder cannot be written to.
    """
    lessons = sorted((INSTALLED if INSTALLED.is_dir() else CHECKOUT).glob("*.ipynb"))
    if not lessons:
        raise RunError(f"{INSTALLED}: the notebooks are missing; install mraf again.")
    new, remedy = {}, "move it away, or choose another folder"
    for lesson in lessons:
        text, target = lesson.read_text(encoding="utf-8"), folder / lesson.name
        if not target.exists():
            new[target] = text
        elif read_text(target, remedy, RunError) != text:
            raise RunError(f"{target}: is there and has been changed; {remedy}.")
    for target, text in new.items():
        write_text(target, text)
    return list(new)
