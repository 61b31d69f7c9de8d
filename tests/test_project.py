"""Rules of the project itself: imports run one way, and every list of packages says the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tools.packages import FLOORS, floor, graph, imported, modules

ROOT = Path(__file__).parents[1]

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it


# --- imports -------------------------------------------------------------------------------


def violations(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """The imports of a source file that point upwards."""
    return [
        f"{module} imports {name}"
        for name in sorted(imported(source, module, is_package=is_package))
        if floor(name) > floor(module)
    ]


def test_every_package_has_a_floor() -> None:
    assert [name for name in modules() if floor(name) < 0] == ["mraf"]
    assert len(FLOORS) <= 10


def test_imports_run_one_way() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, names in graph().items()
        for name in names
        if floor(name) > floor(module)
    ]
    assert wrong == []


def test_there_is_no_import_circle() -> None:
    TopologicalSorter(graph()).prepare()  # raises CycleError, which names it


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from mraf.model import MRAF", "mraf.data.splits"),
        ("def f():\n    import mraf.model", "mraf.data.twin"),
        ("from mraf import training", "mraf.losses"),
        ("from ..model import Encoder", "mraf.data.clips"),
        ("from mraf.cli.main import main", "mraf.evaluation.judge"),
        ("from mraf_lessons.kit.style import PALETTE", "mraf.training.loop"),
    ],
)
def test_an_import_that_points_upwards_is_noticed(source: str, module: str) -> None:
    assert violations(source, module)


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from mraf.data.clips import FeatureSet", "mraf.variants.config"),
        ("from .clips import FeatureSet", "mraf.data.splits"),
        ("from mraf import __version__\nimport numpy", "mraf.data.twin"),
    ],
)
def test_an_import_that_points_downwards_is_allowed(source: str, module: str) -> None:
    assert violations(source, module) == []


# --- packages ------------------------------------------------------------------------------

CONDA_NAMES = {"torch": "pytorch-cpu"}  # all others have the same name on both sides


PIP_ONLY = ("browser", "export", "grading", "embed")  # conda users and Binder do without them
EXTRAS = ("test", "lessons", "lab", "dev", "cluster", "related", *PIP_ONLY)


def declared(python: str, without: Sequence[str] = ()) -> dict[str, Requirement]:
    """What pyproject.toml asks for on a version of Python, all extras but some, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    groups = [project["dependencies"], *(extras[name] for name in extras if name not in without)]
    wanted = [Requirement(line) for group in groups for line in group]
    return {canonicalize_name(r.name): r for r in wanted if applies(r, python)}


def applies(requirement: Requirement, python: str) -> bool:
    """Whether a requirement is one on a version of Python."""
    environment = {"python_version": python.rpartition(".")[0], "python_full_version": python}
    return requirement.marker is None or requirement.marker.evaluate(environment)


def conda(path: str) -> dict[str, SpecifierSet]:
    """The packages of a conda environment file; conda's `=1.2` means the same as pip's `==1.2`."""
    environment = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
    assert environment["channels"] == ["conda-forge"]
    specs = {}
    for line in environment["dependencies"]:
        name, version = re.fullmatch(r"([\w.-]+?)((?:[<>=!~]=?.+)?)", line).groups()  # type: ignore[union-attr]
        specs[name] = SpecifierSet(re.sub(r"^=(?!=)", "==", version))
    return specs


def pins() -> dict[str, list[Requirement]]:
    """The lines of constraints.txt by canonical name; several where Python versions differ."""
    found: dict[str, list[Requirement]] = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def pinned(name: str, python: str) -> str:
    """The one version that constraints.txt names for a package on a version of Python."""
    fitting = [r for r in pins().get(name, []) if applies(r, python)]
    assert len(fitting) == 1, f"constraints.txt, {name}, Python {python}: {len(fitting)} pins"
    (specifier,) = fitting[0].specifier
    assert specifier.operator == "=="
    return specifier.version


def test_environment_yml_agrees_with_pyproject() -> None:
    environment = conda("environment.yml")
    assert environment.pop("python") == SpecifierSet("==3.11")
    environment.pop("pip")
    torch = environment.pop(CONDA_NAMES["torch"])
    assert torch.contains(pinned("torch", "3.11.9"))
    found = declared("3.11.9", without=PIP_ONLY).items()
    expected = {name: r.specifier for name, r in found if name not in CONDA_NAMES}
    assert environment == expected


def test_binder_installs_what_the_notebooks_need_and_no_more() -> None:
    others = declared("3.11.9", without=("lessons", "lab", "related"))
    core = declared("3.11.9", without=EXTRAS)
    left_out = {name for name in others if name not in core}
    wanted = {name: of for name, of in conda("environment.yml").items() if name not in left_out}
    assert conda("binder/environment.yml") == wanted
    assert not {"ruff", "hypothesis", "distributed", "pytest"} & wanted.keys()


@pytest.mark.parametrize("python", ["3.10.13", "3.11.7", "3.12.1", "3.13.0"])
def test_constraints_pin_one_fitting_version_of_all_that_is_declared(python: str) -> None:
    for name, requirement in declared(python).items():
        assert requirement.specifier.contains(pinned(name, python)), name


def test_makefile_and_constraints_name_the_same_torch() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"TORCH_SPEC ?= torch=={pinned('torch', '3.11.7')}\n" in makefile


@pytest.mark.parametrize(
    "name", ["binder/postBuild", "binder/start", "scripts/setup.sh", "scripts/floors.sh", ".ci/run"]
)
def test_scripts_can_be_executed(name: str) -> None:
    path = ROOT / name
    assert path.stat().st_mode & 0o111
    assert path.read_text(encoding="utf-8").startswith("#!/")


def test_binder_start_hands_over_to_the_server() -> None:
    lines = (ROOT / "binder/start").read_text(encoding="utf-8").split("\n")
    assert lines[-2] == 'exec "$@"'
    assert "export OMP_NUM_THREADS=1" in lines


def test_make_reproduce_fails_where_a_step_before_the_pipe_does(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    python = 'case "$*" in -c*) echo True;; "-m mraf"*) exit 1;; esac'  # all works but mraf
    (tmp_path / "py").write_text(f"#!/bin/sh\n{python}\n")
    (tmp_path / "py").chmod(0o755)
    (tmp_path / "scripts").mkdir()
    for name in ("pyproject.toml", "constraints.txt", "scripts/setup.sh", "stamp"):
        (tmp_path / name).touch()
    command = ["make", "PY=./py", "STAMP=stamp", ".SHELLFLAGS=-c", "reproduce"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert (tmp_path / "build/reproduce.txt").exists()


# --- what the README promises ----------------------------------------------------------------


def test_every_extra_that_a_message_names_exists() -> None:
    folders = ("mraf", "mraf_lessons", "mraf_related", "tools", "scripts", "notebooks", "docs")
    files = [file for name in folders for file in (ROOT / name).rglob("*.*")]
    texts = [f.read_text("utf-8") for f in files if f.suffix in {".py", ".ipynb", ".md", ".sh"}]
    texts += [(ROOT / page).read_text("utf-8") for page in ("README.md", "CONTRIBUTING.md")]
    named = {extra for text in texts for extra in re.findall(r"mraf\[([\w,]+)\]", text)}
    assert "export" in named
    assert {extra for names in named for extra in names.split(",")} <= set(EXTRAS)


LINKING = ("README.md", "CONTRIBUTING.md", "data/README.md", "data/recorded/README.md")
LINKING += ("docs/results.md", "docs/course.md", "docs/teach.md", "docs/glossary.md")


@pytest.mark.parametrize("page", LINKING)
def test_every_file_that_a_page_links_to_is_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    here = (ROOT / page).parent
    missing = [link for link in links if not (here / link.partition("#")[0]).exists()]
    assert missing == []


# --- scripts ---------------------------------------------------------------------------------


def test_notebooks_are_run_and_a_failing_cell_is_a_failure(tmp_path: Path) -> None:
    pytest.importorskip("ipykernel")
    import nbformat
    from nbformat.v4 import new_code_cell, new_notebook

    child = "import time; held = bytearray(3 * 10**8); time.sleep(1)"
    large = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"
    sources = {"good": "print(6 * 7)", "bad": "assert False, 'no'", "large": large}
    for name, source in sources.items():
        nbformat.write(new_notebook(cells=[new_code_cell(source)]), tmp_path / f"{name}.ipynb")
    out = tmp_path / "out"
    script = [sys.executable, ROOT / "scripts/run_notebooks.py", "--out", out, "--at-most", "0.25"]
    done = subprocess.run([*script, *tmp_path.glob("*.ipynb")], capture_output=True, text=True)
    assert done.returncode == 1
    assert "bad.ipynb FAILED" in done.stderr
    assert "large.ipynb FAILED\nholds 0." in done.stderr
    assert "good.ipynb" not in done.stderr
    assert "WARNING" not in done.stderr
    assert {path.name for path in out.iterdir()} == {"good.ipynb", "large.ipynb"}
    (cell,) = nbformat.read(out / "good.ipynb", as_version=4).cells
    assert cell.outputs[0].text == "42\n"


def test_notebooks_elsewhere_take_a_relative_mraf_data_as_the_command_does(tmp_path: Path) -> None:
    pytest.importorskip("ipykernel")
    import nbformat
    from nbformat.v4 import new_code_cell, new_notebook

    for folder in ("polysim", "notebooks", "work"):
        (tmp_path / folder).mkdir()
    source = new_code_cell("import os; print(os.environ['MRAF_DATA'])")
    nbformat.write(new_notebook(cells=[source]), tmp_path / "notebooks/a.ipynb")
    subprocess.run(
        [sys.executable, ROOT / "scripts/run_notebooks.py", "--out", "out", "../notebooks/a.ipynb"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "MRAF_DATA": "../polysim"},
        cwd=tmp_path / "work",
        check=True,
    )
    (cell,) = nbformat.read(tmp_path / "work/out/a.ipynb", as_version=4).cells
    assert Path(cell.outputs[0].text.strip()).resolve() == tmp_path / "polysim"
