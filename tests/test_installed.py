"""What is installed from a wheel works in any folder, as a checkout does."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import venv
from importlib.metadata import distribution
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
SOURCES = ("setup.py", "pyproject.toml", "README.md", "LICENSE")
SOURCES += ("mraf", "mraf_related", "mraf_lessons", "data", "docs", "notebooks")

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("pip", "setuptools")),
    reason="building a wheel needs pip and setuptools in this environment",
)


def python(*arguments: object, cwd: Path, of: Path | str = sys.executable, **variables: str) -> str:
    """What a command prints, errors after it; the checkout is not on its path."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MRAF_DATA")}
    command = [str(of), *map(str, arguments)]
    done = subprocess.run(
        command, cwd=cwd, env={**environment, **variables}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def copy(path: Path, folder: Path) -> None:
    if path.is_dir():
        leave = shutil.ignore_patterns("__pycache__")
        shutil.copytree(path, folder / path.name, ignore=leave)
    else:
        shutil.copy(path, folder)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel installs, and nothing else."""
    place = tmp_path_factory.mktemp("installed")
    source = place / "source"  # the build leaves its folders there
    source.mkdir()
    for name in SOURCES:
        copy(ROOT / name, source)
    pip = ("-m", "pip", "--disable-pip-version-check", "--no-input", "--no-cache-dir")
    offline = ("--no-deps", "--no-index", "--quiet")
    python(
        *(*pip, "wheel", "--no-build-isolation", *offline, "--wheel-dir", place, source), cwd=place
    )
    (wheel,) = place.glob("mraf-*.whl")
    python(*(*pip, "install", *offline, "--target", place / "site", wheel), cwd=place)
    shutil.rmtree(source)
    return place / "site"


def test_the_wheel_holds_the_data_and_nothing_of_a_person(installed: Path) -> None:
    data = installed / "mraf_data"
    found = {path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file()}
    expected = [ROOT / "data" / name for name in ("README.md", "claims.toml", "golden.json")]
    expected += [*(ROOT / "data/sweeps").glob("*.toml"), *(ROOT / "data/recorded").glob("*.csv")]
    assert found == {path.relative_to(ROOT / "data").as_posix() for path in expected}
    parts = {path.name for path in (ROOT / "mraf/export").iterdir() if path.is_file()}
    assert parts <= {path.name for path in (installed / "mraf/export").iterdir()}
    packages = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    ours = {"mraf", "mraf_related", "mraf_lessons", "mraf_data", "mraf_docs", "mraf_notebooks"}
    assert packages - {"bin"} == ours


def test_the_first_notebook_runs_from_a_copy_that_the_wheel_made(
    installed: Path, tmp_path: Path
) -> None:
    def lessons() -> str:
        return python("-m", "mraf", "lessons", "course", cwd=tmp_path, PYTHONPATH=str(installed))

    notebooks, course = [*(ROOT / "notebooks").glob("*.ipynb")], tmp_path / "course"
    assert f"{len(notebooks) + 3} files are new" in lessons()
    assert "\n0 files are new" in "\n" + lessons()
    for page in course.glob("*.ipynb"):
        cells = nbformat.read(page, as_version=4).cells
        told = " ".join(cell.source for cell in cells if cell.cell_type == "markdown")
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", told):
            assert (course / link).is_file(), f"{page.name}: {link}"
    first = course / "01_data_inspection.ipynb"
    run = ("nbconvert", "--to", "notebook", "--execute", "--stdout", "course/" + first.name)
    here = {"PYTHONPATH": str(installed), "OMP_NUM_THREADS": "1"}
    assert "corpus: twin" in python("-m", *run, cwd=tmp_path, **here)
    first.write_text("my answers")
    with pytest.raises(AssertionError, match=r"01_data_inspection.ipynb: is there and has been"):
        lessons()
    assert first.read_text() == "my answers"


# without the last three, which Colab has as well, pip would take most of a minute
THERE = ("torch", "numpy", "pandas", "matplotlib", "scikit-learn", "umap-learn", "ipywidgets")


def bare(place: Path, *names: str) -> Path:
    """The Python of an environment that has some packages, with what they need, and pip."""
    venv.create(place, with_pip=True)
    site = next(place.glob("lib*/python*/site-packages"))
    for old in site.glob("*setuptools*"):  # that of an old Python is too old
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    wanted, done = list(names), {"pip"}
    while wanted:
        found = distribution(wanted.pop())
        done.add(canonicalize_name(found.name))
        for file in {
            str(file).split("/")[0] for file in found.files or [] if file.parts[0] != ".."
        }:
            if file != "__pycache__" and not (site / file).exists():
                (site / file).symlink_to(Path(str(found.locate_file(file))).resolve())
        for needed in map(Requirement, found.requires or []):
            if not needed.marker or needed.marker.evaluate({"extra": ""}):
                wanted += {canonicalize_name(needed.name)} - done
    return place / "bin" / "python"


@pytest.mark.skipif(os.name == "nt", reason="links files")
def test_the_first_cell_installs_mraf_where_it_is_missing_and_leaves_torch(
    installed: Path, tmp_path: Path
) -> None:
    colab = bare(tmp_path / "colab", *THERE)
    (wheel,) = installed.parent.glob("*.whl")
    shutil.copy(wheel, tmp_path)
    with pytest.raises(AssertionError, match="No module named 'mraf'"):
        python("-c", "import mraf", cwd=tmp_path, of=colab)
    cells = nbformat.read(ROOT / "notebooks/01_data_inspection.ipynb", as_version=4).cells
    cell = next(cell.source for cell in cells if cell.cell_type == "code")
    cell = re.sub(r'SOURCE = ".*"', f'SOURCE = "{wheel.name}"', cell)
    cell += "\nimport anywidget, mraf; print(mraf.__file__)"
    try:
        said = python("-c", cell, cwd=tmp_path, of=colab, PIP_RETRIES="0", PIP_TIMEOUT="5")
    except AssertionError as error:
        if "NewConnectionError" in str(error):
            pytest.skip("needs a package index")
        raise
    assert "corpus: twin" in said
    site = next((tmp_path / "colab").glob("lib*/python*/site-packages"))
    assert str(site / "mraf") in said
    assert (site / "torch").is_symlink()  # as it was: pip would have put a folder there


@pytest.mark.skipif(
    not os.environ.get("MRAF_BINDER"),
    reason="trains, and runs notebooks: set MRAF_BINDER='*' for all of them, '02*' for one",
)
def test_binder_is_built_from_its_own_packages_and_runs_the_notebooks_in_2_gb(
    tmp_path: Path,
) -> None:
    packages = yaml.safe_load((ROOT / "binder/environment.yml").read_text())["dependencies"]
    names = [re.split("[<>=]", line)[0] for line in packages if not line.startswith("python=")]
    names = ["torch" if name == "pytorch-cpu" else name for name in names]
    of = bare(tmp_path / "env", "setuptools", *names)
    source = tmp_path / "source"
    source.mkdir()
    for name in (*SOURCES, "binder", "scripts"):
        copy(ROOT / name, source)
    here = {"PATH": f"{of.parent}:{os.environ['PATH']}", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    here |= {"PIP_NO_BUILD_ISOLATION": "0", "OMP_NUM_THREADS": "1"}  # "0" means none, in pip
    shell = ["-c", "import subprocess; subprocess.run(['binder/postBuild'], check=True)"]
    python(*shell, cwd=source, of=of, **here)
    ask = "from mraf.training.experiment import trained; print(trained(device='cpu').origin)"
    assert "loaded from" in python("-c", ask, cwd=source / "notebooks", of=of, **here)
    notebooks = sorted((source / "notebooks").glob(os.environ["MRAF_BINDER"] + ".ipynb"))
    run = ["scripts/run_notebooks.py", "--jobs", "1", "--at-most", "2", "--out", tmp_path / "out"]
    print(python(*run, *notebooks, cwd=source, of=of, **here))


def test_the_ledger_sweeps_and_recorded_results_are_found_anywhere(
    installed: Path, tmp_path: Path
) -> None:
    def mraf(*arguments: object) -> str:
        return python("-m", "mraf", *arguments, cwd=tmp_path, PYTHONPATH=str(installed))

    out = tmp_path / "ledger.csv"
    mraf("ledger", "--out", out)
    assert out.read_bytes() == (ROOT / "data/recorded/ledger.csv").read_bytes()
    for table in ("data/sweeps/table4.toml", "table4"):
        with pytest.raises(AssertionError, match=r"no table has an arm 'none'; there are: .*token"):
            mraf("sweep", table, "--data", "twin", "--arms", "none")
    code = (
        "import mraf; from mraf.evidence.recorded import *; from pathlib import Path;"
        "print(mraf.__file__, len(recorded('ledger')), len(paper_table(3)),"
        "within_project(find(Path('data/sweeps/table4.toml'))).as_posix())"
    )
    file, claims, systems, table = python(
        "-c", code, cwd=tmp_path, PYTHONPATH=str(installed)
    ).split()
    assert Path(file).is_relative_to(installed)
    assert int(claims) > 10
    assert int(systems) > 1
    assert table == "data/sweeps/table4.toml"  # as recorded rows name it
