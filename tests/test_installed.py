"""What is installed from a wheel works in any folder, as a checkout does."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "mraf", "mraf_lessons", "data")

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("pip", "setuptools")),
    reason="building a wheel needs pip and setuptools in this environment",
)


def python(*arguments: object, cwd: Path, **variables: str) -> str:
    """What a command prints, errors after it; the checkout is not on its path."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MRAF_DATA")}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=cwd, env={**environment, **variables}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel installs, and nothing else."""
    place = tmp_path_factory.mktemp("installed")
    source = place / "source"  # the build leaves its folders there
    source.mkdir()
    for name in SOURCES:
        path, leave = ROOT / name, shutil.ignore_patterns("__pycache__")
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=leave)
        else:
            shutil.copy(path, source)
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
    expected = [ROOT / "data/claims.toml", ROOT / "data/golden.json"]
    expected += [*(ROOT / "data/sweeps").glob("*.toml"), *(ROOT / "data/recorded").glob("*.csv")]
    assert found == {path.relative_to(ROOT / "data").as_posix() for path in expected}
    for name in ("module.js", "page.html"):
        assert (installed / "mraf/export" / name).is_file()
    packages = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert packages - {"bin"} == {"mraf", "mraf_lessons", "mraf_data"}


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
