"""UMAP, imported so that it also works where numba can keep nothing that it has compiled."""

from __future__ import annotations

import atexit
import importlib.util
import os
import shutil
import tempfile
import warnings
from typing import Any

from mraf.errors import RunError

VARIABLE = "NUMBA_CACHE_DIR"
NO_CACHE = "numba finds no folder to keep what it compiles for UMAP"
REMEDY = f"set {VARIABLE} to a folder that you may write to"


def umap_class() -> Any:
    """The class `umap.UMAP`.

    Where numba has no folder for its cache, as without a home and with packages that cannot be
    written to, it gets a temporary one until this process ends, and a warning says so.

    Raises:
        RunError: umap-learn is not installed, or not even a temporary folder can be made.
    """
    if not installed():
        raise RunError("maps need umap-learn: pip install 'mraf[lessons]'.")
    if not cache_is_there():
        try:
            folder = tempfile.mkdtemp(prefix="mraf-numba-")
        except OSError:
            raise RunError(f"{NO_CACHE}; {REMEDY}.") from None
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        from numba.core import config

        os.environ[VARIABLE] = folder
        config.reload_config()
        said = f"{NO_CACHE}; this process compiles anew. To keep it, {REMEDY}."
        warnings.warn(said, stacklevel=3)
    from umap import UMAP  # here, since the import takes seconds

    return UMAP


def installed() -> bool:
    """Whether umap-learn is there; nothing is imported."""
    return importlib.util.find_spec("umap") is not None


def cache_is_there() -> bool:
    """Whether numba has a folder where it may keep what it compiles for UMAP; it is asked itself.

    Raises:
        ImportError: numba or umap-learn is not installed.
    """
    from numba import njit

    for package in ("umap", "pynndescent"):
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise ImportError(f"{package} is not installed")
        names: dict[str, Any] = {}
        exec(compile("def function(): pass", spec.origin, "exec"), names)  # as if it stood there
        try:
            njit(cache=True)(names["function"])
        except RuntimeError:
            return False
    return True
