"""What the first cell of a notebook does where mraf is there without what notebooks need."""

import importlib.metadata
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.requirements import Requirement

from mraf.cli.doctor import version_of
from mraf.errors import RunError

NOTEBOOKS = ("", "lessons", "related")  # extras


def install() -> None:
    """Install what the notebooks lack, with the torch that is there held fast. Raises RunError."""
    lacking = [
        f"{r.name}{r.specifier}"
        for r in map(Requirement, importlib.metadata.requires("mraf") or [])
        if not r.marker or any(r.marker.evaluate({"extra": name}) for name in NOTEBOOKS)
        if not version_of(r.name)
    ]
    with tempfile.TemporaryDirectory() as folder:
        held = Path(folder, "held.txt")
        held.write_text(f"torch=={torch}" if (torch := version_of("torch")) else "")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--constraint", str(held)]
        if lacking and subprocess.run([*pip, *lacking]).returncode:
            raise RunError(f"pip could not install {', '.join(lacking)}; its message is above.")
