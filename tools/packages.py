"""The packages, which imports which, and the picture of it in CONTRIBUTING.md.

python -m tools.packages docs/packages.svg
"""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from pathlib import Path
from textwrap import wrap

ROOT = Path(__file__).parents[1]
PACKAGES = ("mraf", "mraf_related", "mraf_lessons")

FLOORS = (
    {"mraf.errors", "mraf.files"},
    {"mraf.data"},
    {"mraf.model"},
    {"mraf.losses"},
    {"mraf.variants"},
    {"mraf.training"},
    {"mraf.evaluation"},
    {"mraf.evidence", "mraf.export", "mraf_related"},
    {"mraf_lessons"},
    {"mraf.cli", "mraf.__main__"},
)
"""Lowest first; what stands on one imports from its own floor or from lower ones."""


def floor(module: str) -> int:
    """Index in FLOORS of the package that a module is in; -1 for mraf itself."""
    parts = module.split(".")
    package = ".".join(parts[: 2 if parts[0] == "mraf" else 1])
    return next((index for index, names in enumerate(FLOORS) if package in names), -1)


@cache
def modules() -> dict[str, Path]:
    """Every module of the project, by its dotted name."""
    files = [file for name in PACKAGES for file in (ROOT / name).rglob("*.py")]
    named = {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in sorted(files)}
    return {name.removesuffix(".__init__"): file for name, file in named.items()}


def imported(source: str, module: str, *, is_package: bool = False) -> set[str]:
    """Every module of this project that a source file names in an import, wherever it stands."""
    known, found = modules(), set()
    for node in ast.walk(ast.parse(source, module)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = module.split(".")[: None if is_package and node.level == 1 else -node.level]
                base = ".".join([*above, *([base] if base else [])])
            # `from mraf import training` names a module, `from mraf.errors import DataError` none
            for name in node.names:
                inner = f"{base}.{name.name}"
                found.add(inner if inner in known else base)
    return {name for name in found if name.split(".")[0] in PACKAGES} - {"mraf"}


def graph() -> dict[str, set[str]]:
    """What each module imports."""
    return {
        name: imported(file.read_text(encoding="utf-8"), name, is_package=file.stem == "__init__")
        for name, file in modules().items()
    }


def draw(out: Path) -> None:
    """The floors as a picture, the highest on top, with the first words of each docstring."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.6, 0.62 * len(FLOORS) + 0.3))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, 100)
    axes.set_ylim(-0.3, len(FLOORS))
    axes.axis("off")
    files = modules()
    for height, names in enumerate(FLOORS):
        shown = sorted(name for name in names if not name.endswith("__"))
        for place, name in enumerate(shown):
            width = 90 / len(shown)
            left = 8 + place * width
            says = ast.get_docstring(ast.parse(files[name].read_text(encoding="utf-8"))) or ""
            first = re.split(r"[;:,.(]", says)[0].replace("`", "")
            first = "\n".join(wrap(" ".join(first.split()), 120 // len(shown) - 8))
            axes.add_patch(_box(left, height, width - 1.5, "#dbe9f6" if height % 2 else "#eef4fb"))
            axes.text(left + 1.2, height + 0.53, name, fontsize=10, weight="bold", va="center")
            axes.text(left + 1.2, height + 0.24, first, fontsize=7, va="center", color="#333")
    axes.annotate(
        "", (4, 0.1), (4, len(FLOORS) - 0.2), arrowprops={"arrowstyle": "-|>", "color": "#555"}
    )
    axes.text(2.2, len(FLOORS) / 2, "imports", rotation=90, va="center", fontsize=9, color="#555")
    figure.savefig(out, metadata={"Date": None} if out.suffix == ".svg" else None)


def _box(left: float, bottom: float, width: float, color: str):  # type: ignore[no-untyped-def]
    from matplotlib.patches import FancyBboxPatch

    return FancyBboxPatch(
        (left, bottom + 0.06), width, 0.66, boxstyle="round,pad=0.1", fc=color, ec="#7a9cbf", lw=0.8
    )


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
