"""What the first cell of a notebook does where mraf is there without what notebooks need."""

import importlib.metadata
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mraf.errors import RunError

NOTEBOOKS = ("", "lessons", "related")  # extras


def install() -> None:
    """Install what the notebooks lack, with the torch that is there held fast. Raises RunError."""
    there: dict[str, str] = {
        canonicalize_name(found.name): found.version for found in importlib.metadata.distributions()
    }
    lacking = [
        f"{r.name}{r.specifier}"
        for r in map(Requirement, importlib.metadata.requires("mraf") or [])
        if not r.marker or any(r.marker.evaluate({"extra": name}) for name in NOTEBOOKS)
        if canonicalize_name(r.name) not in there
    ]
    with tempfile.TemporaryDirectory() as folder:
        held = Path(folder, "held.txt")
        held.write_text(f"torch=={there['torch']}" if "torch" in there else "")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--constraint", str(held)]
        if lacking and subprocess.run([*pip, *lacking]).returncode:
            raise RunError(f"pip could not install {', '.join(lacking)}; its message is above.")
