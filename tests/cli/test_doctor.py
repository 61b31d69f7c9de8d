"""The doctor finds each fault that it looks for, says how to mend it and outlives all of them."""

from __future__ import annotations

import builtins
import importlib.metadata
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from mraf.cli import doctor
from mraf.cli.doctor import Check
from mraf.cli.main import main


def by_name(results: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in results}


@pytest.fixture
def declares(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets a test say which packages mraf asks for."""

    def declare(*requirements: str) -> None:
        monkeypatch.setattr(importlib.metadata, "requires", lambda name: list(requirements))

    return declare


def test_a_sound_environment_passes(tmp_path: Path, declares: Any) -> None:
    declares("torch>=2.6", 'pytest>=8; extra == "test"')
    before = list(tmp_path.iterdir())
    results = doctor.checks(tmp_path / "runs" / "new", "twin")
    assert [check.name for check in results] == [
        *("Python", "packages", "device", "processor", "memory", "maps", "runs", "data")
    ]
    assert {check.status for check in results} <= {"ok", "warn"}
    assert list(tmp_path.iterdir()) == before


def test_packages_are_compared_with_what_is_declared(declares: Any) -> None:
    declares(
        "torch>=999",
        "numpy>=1",
        "no-such-package>=1",
        'nor-this-one; extra == "lab"',
        'pytest>=999; extra == "test"',
        'not-here; python_version < "3"',
    )
    found = by_name(doctor.packages())
    assert found["packages"].status == "fail"
    assert "torch" in found["packages"].found
    assert "no-such-package is not installed" in found["packages"].found
    assert "numpy" not in found["packages"].found
    assert found["extras"].status == "ok"  # nobody asked for that extra
    assert "not installed: lab" in found["extras"].found
    assert found["extra test"].status == "warn"
    assert "'.[test]'" in found["extra test"].remedy
    assert "not-here" not in found["packages"].found + found["extras"].found


def test_an_old_python_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "metadata", lambda name: {"Requires-Python": ">=3.10"})
    assert doctor.python().status == "ok"
    monkeypatch.setattr(doctor.platform, "python_version", lambda: "3.9.18")
    assert doctor.python().status == "fail"


def test_mraf_not_installed_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def absent(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", absent)
    check = by_name(doctor.checks(tmp_path, "twin"))["packages"]
    assert (check.status, "pip install -e ." in check.remedy) == ("fail", True)


@pytest.mark.parametrize("broken", ["torch", "psutil", "packaging.requirements"])
def test_a_package_that_cannot_be_imported_is_a_finding(
    broken: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real = builtins.__import__

    def imports(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == broken:
            raise ImportError(f"{broken}: libc.so.99\nis missing")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", imports)
    results = doctor.checks(tmp_path, "twin")
    failed = [check for check in results if check.status == "fail"]
    assert any(f"{broken}: libc.so.99 is missing" in check.found for check in failed)
    assert all(check.remedy for check in failed)


def test_more_threads_than_cores_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4096)
    check = doctor.processor()
    assert check.status == "warn"
    assert "OMP_NUM_THREADS" in check.remedy


def test_little_memory_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "container_limit", lambda: None)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(8 * 2**30, 4 * 2**30))
    assert doctor.memory() == Check("memory", "ok", "4.0 of 8.0 GB free")
    monkeypatch.setattr(doctor, "container_limit", lambda: 2 * 2**30)
    assert doctor.memory().status == "warn"


class Memory:
    def __init__(self, total: int, available: int) -> None:
        self.total, self.available = total, available


def test_a_folder_that_cannot_be_written_to_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert doctor.place("runs", file / "runs", 0.1).status == "fail"
    assert doctor.place("runs", tmp_path, 10.0**9).status == "warn"

    def refuse(**_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "NamedTemporaryFile", refuse)
    check = doctor.place("runs", tmp_path, 0.1)
    assert check.status == "fail"
    assert "Permission denied" in check.found


def test_data_that_is_not_there_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MRAF_DATA", str(tmp_path / "nowhere"))
    check = by_name(doctor.checks(tmp_path))["data"]
    assert check.status == "fail"
    assert "nowhere: cannot be read (No such file" in check.found
    assert "unset" in check.remedy
    (check,) = doctor.features(str(tmp_path))  # a folder without lists
    assert check.status == "fail"
    assert "\n" not in check.found


def test_data_that_is_there_is_described(tmp_path: Path) -> None:
    lists = tmp_path / "csv_files" / "comp"
    lists.mkdir(parents=True)
    for language in ("English", "German"):
        (lists / f"v3_train_{language}.csv").write_text("label\n")
    found = by_name(doctor.features(str(tmp_path)))
    assert found["data"].status == "ok"
    assert "v3, English and German" in found["data"].found
    assert "mraf data pack" in found["data"].remedy
    assert found["cache"].status == "ok"


def test_the_table_says_what_to_do() -> None:
    results = [Check("one", "ok", "fine"), Check("three", "fail", "broken", "mend it " * 30)]
    text = doctor.table(results)
    assert text.splitlines()[:2] == ["✓ one    fine", "✗ three  broken"]
    assert "→ mend it" in text
    assert text.endswith("1 of 2 checks failed.")
    assert max(map(len, text.splitlines())) <= 100
    assert doctor.table([Check("one", "warn", "odd")]).endswith("1 of 1 checks ask for a look.")
    assert doctor.table([Check("one", "ok", "fine")]).endswith("All is well.")


@pytest.mark.parametrize(("status", "code"), [("warn", 0), ("fail", 1)])
def test_the_exit_code_is_1_where_a_check_fails(
    status: doctor.Status, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "checks", lambda: [Check("one", status, "odd")])
    assert main(["doctor"]) == code


def test_a_report_is_printed_where_the_output_knows_no_tick(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doctor, "checks", lambda: [Check("one", "ok", "fine")])
    printed = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", printed)
    assert main(["doctor"]) == 0
    printed.seek(0)
    assert printed.read().splitlines()[0] == "? one  fine"


def test_lists_that_cannot_be_read_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for language in ("English", "Urdu"):
        (tmp_path / f"v1_train_{language}.csv").write_text("label\n")
    monkeypatch.setattr(os, "access", lambda path, mode: "Urdu" not in str(path))
    (check,) = doctor.features(str(tmp_path))
    assert check.status == "fail"
    assert "v1_train_Urdu.csv cannot be read" in check.found


def test_the_doctor_answers_where_torch_is_broken() -> None:
    script = (
        "import sys; sys.modules['torch'] = None; from mraf.cli.main import main; main(['doctor'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert "install the packages again" in " ".join(done.stdout.split())
