"""What is wrong with this environment, and how to mend it: behind `mraf doctor`."""

import importlib.metadata
import os
import platform
import re
import shutil
import sys
import tempfile
import textwrap
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

Status = Literal["ok", "warn", "fail"]
MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}
GIGABYTE = 1024**3

MEMORY_NEED = 2.0  # GB; training the paper preset and one notebook with UMAP fit into it
DISK_NEED = 0.5  # GB; some runs and a report
PACK_NEED = 0.2  # GB; the packed features of all clips


class Check(NamedTuple):
    """The outcome of one check: its name, a verdict, what was found and, if needed, what to do."""

    name: str
    status: Status
    found: str
    remedy: str = ""

    def but(self, wrong: bool, status: Status, remedy: str) -> "Check":
        """The same, or another verdict with its remedy where something is wrong."""
        return self._replace(status=status, remedy=remedy) if wrong else self


def checks(runs: Path = Path("runs"), data: str | Path | None = None) -> list[Check]:
    """Examine the environment; never raises, and leaves nothing behind.

    Args:
        runs: the folder that runs are to be written to; need not exist yet.
        data: "twin" or a folder of features; None is $MRAF_DATA, or else the twin.
    """
    examine: dict[str, Callable[[], Check | list[Check]]] = {
        "Python": python,
        "packages": packages,
        "device": device,
        "processor": processor,
        "memory": memory,
        "maps": maps,
        "runs": lambda: place("runs", runs, DISK_NEED),
        "data": lambda: features(data),
    }
    results: list[Check] = []
    for name, function in examine.items():
        try:
            found = function()
            results += found if isinstance(found, list) else [found]
        except (Exception, SystemExit) as error:  # a doctor must outlive every broken package
            message = f"could not be examined ({type(error).__name__}: {_one_line(error)})"
            remedy = "install the packages again: make clean setup, or pip install -e ."
            results.append(Check(name, "fail", message, remedy))
    return results


def table(results: list[Check]) -> str:
    """Checks as an aligned table, remedies below what they mend, and a last line that sums up."""
    width = max(len(check.name) for check in results)
    below, lines = " " * (width + 4), []
    wrap = textwrap.TextWrapper(100, below, f"{below}  ", break_on_hyphens=False)
    for check in results:
        lines.append(f"{MARKS[check.status]} {check.name:<{width}}  {check.found}")
        lines += wrap.wrap(f"→ {check.remedy}") if check.remedy else []
    counts, of = Counter(check.status for check in results), f"of {len(results)} checks"
    last = f"{counts['fail']} {of} failed."
    if not counts["fail"]:
        warned = f"Ready to run; {counts['warn']} {of} ask for a look."
        last = warned if counts["warn"] else "All is well."
    return "\n".join([*lines, last])


def python() -> Check:
    """The version that runs this, against what the package asks for."""
    from packaging.specifiers import SpecifierSet

    version = platform.python_version()
    found = f"{platform.python_implementation()} {version}, {sys.executable}"
    needed = importlib.metadata.metadata("mraf")["Requires-Python"]
    fits = SpecifierSet(needed).contains(version, prereleases=True)
    remedy = f"use Python {needed}: make PYTHON=python3.12 setup"
    return Check("Python", "ok", found).but(not fits, "fail", remedy)


def packages() -> list[Check]:
    """What is installed, against every requirement that the package declares."""
    from packaging.requirements import Requirement

    faults: dict[str, list[str]] = defaultdict(list)  # by extra; "" is the package itself
    wanted, absent = Counter[str](), Counter[str]()
    for requirement in map(Requirement, importlib.metadata.requires("mraf") or []):
        extra = re.search(r"extra == .(\w+)", str(requirement.marker))
        name = extra[1] if extra else ""
        if requirement.marker and not requirement.marker.evaluate({"extra": name}):
            continue  # for another system or Python
        wanted[name] += 1
        version = _version(requirement.name)
        if not version:
            absent[name] += 1
            faults[name].append(f"{requirement.name} is not installed")
        elif not requirement.specifier.contains(version, prereleases=True):
            faults[name].append(f"{requirement.name} {version} is not {requirement.specifier}")
    fitting = wanted.total() - sum(map(len, faults.values()))
    found = [Check("packages", "ok", f"{fitting} of {wanted.total()} as declared")]
    if core := faults.pop("", []):
        remedy = "make setup, or pip install -c constraints.txt -e ."
        found = [Check("packages", "fail", "; ".join(core), remedy)]
    if left_out := [name for name in sorted(faults) if absent[name] == wanted[name]]:
        text = f"not installed: {', '.join(left_out)}; `pip install -e '.[NAME]'` adds one"
        found.append(Check("extras", "ok", text))
    for name in sorted(faults.keys() - left_out):
        remedy = f"pip install -c constraints.txt -e '.[{name}]'"
        found.append(Check(f"extra {name}", "warn", "; ".join(faults[name]), remedy))
    return found


def device() -> Check:
    """The device that `--device auto` takes, and whether it multiplies bfloat16 in hardware."""
    import torch

    from mraf.training.device import fast_bfloat16, resolve_device

    chosen = resolve_device("auto")
    name = chosen.type
    if name == "cuda":
        free, total = torch.cuda.mem_get_info(chosen)
        name = f"cuda ({torch.cuda.get_device_name(chosen)}, {_free(free, total)})"
    half = "bfloat16 in hardware" if fast_bfloat16(chosen) else "float32 (no fast bfloat16)"
    torch.ones(2, device=chosen).sum().item()  # a driver may be listed and yet not work
    return Check("device", "ok", f"{name}, {half}, torch {torch.__version__}")


def processor() -> Check:
    """Cores that this process may use, against the threads that torch starts."""
    import torch
    from joblib import cpu_count

    cores, threads = cpu_count(), torch.get_num_threads()
    found = f"{cores} core{'s' * (cores > 1)}, {threads} thread{'s' * (threads > 1)}"
    remedy = f"threads wait for each other: export OMP_NUM_THREADS={cores}"
    return Check("processor", "ok", found).but(threads > cores, "warn", remedy)


def memory() -> Check:
    """Free memory, against what training and the notebooks need."""
    import psutil

    state = psutil.virtual_memory()
    total, free = state.total, state.available
    if (limit := container_limit()) is not None and limit < total:
        total, free = limit, min(free, limit - psutil.Process().memory_info().rss)
    need = f"about {MEMORY_NEED:g} GB are needed"
    remedy = f"{need}: close other programs, one notebook at a time"
    low = free < MEMORY_NEED * GIGABYTE
    return Check("memory", "ok", _free(free, total)).but(low, "warn", remedy)


def maps() -> list[Check]:
    """Whether numba may keep what it compiles for the maps of UMAP; nothing where there is none."""
    if not _version("umap-learn"):
        return []
    from mraf_lessons.embeddings.maps import NO_CACHE, REMEDY, numba_folder

    if folder := numba_folder():
        return [Check("maps", "ok", f"UMAP is compiled once and kept in {folder}")]
    return [Check("maps", "warn", NO_CACHE, REMEDY)]


def container_limit() -> int | None:
    """Bytes of memory that the container around us may use (Binder gives 2 GB); None: no limit."""
    for file in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            return int(Path("/sys/fs/cgroup", file).read_text())
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return None


def place(name: str, folder: Path, need: float) -> Check:
    """Whether a folder, or the nearest one above it that exists, has ``need`` GB to write to."""
    folder = folder.expanduser().absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free / GIGABYTE
    found = f"{folder}, {free:.1f} GB free"
    if not there.is_dir():
        return Check(name, "fail", f"{there} is a file", "remove it or choose another folder")
    try:
        with tempfile.NamedTemporaryFile(dir=there):
            pass
    except OSError as error:
        reason = error.strerror or _one_line(error)
        remedy = "choose another folder, or give yourself the right to write here"
        return Check(name, "fail", f"{there} cannot be written to ({reason})", remedy)
    remedy = f"about {need:g} GB are needed: make room"
    return Check(name, "ok", found).but(free < need, "warn", remedy)


def features(data: str | Path | None) -> list[Check]:
    """Whether features are there, their lists complete and their pack ready or possible."""
    from mraf.data import named_source
    from mraf.data.imported import ABOUT
    from mraf.data.official import pack as cache
    from mraf.data.official.release import find_release
    from mraf.errors import DataError

    source = str(data or named_source())
    if source == "twin":
        from mraf.data.twin.generate import calibration

        calibration()
        return [Check("data", "ok", "the synthetic twin; MRAF_DATA names no folder of features")]
    if (Path(source) / ABOUT).is_file():
        return [Check("data", "ok", f"an imported corpus, {source}")]
    try:
        release = find_release(Path(source))
    except (DataError, OSError) as error:
        remedy = "set MRAF_DATA to the folder that holds csv_files/ (`mraf data download --help` "
        remedy += "says how to fetch it), or unset it for the twin"
        return [Check("data", "fail", _one_line(error), remedy)]
    found = f"{release.version}, English and {release.language}, {release.folder}"
    if locked := [path for path in release.lists.values() if not os.access(path, os.R_OK)]:
        remedy = "give yourself the right to read it"
        return [Check("data", "fail", f"{locked[0]} cannot be read", remedy)]
    packs = cache.places(release)
    if any(pack.is_file() for pack in packs):
        return [Check("data", "ok", f"{found}; packed")]
    remedy = "the first start reads every single file; do it now with `mraf data pack DIR`"
    rooms = [place("cache", pack, PACK_NEED) for pack in packs]
    room = next((room for room in rooms if room.status == "ok"), rooms[-1])
    return [Check("data", "ok", f"{found}; not packed yet", remedy), room]


def _version(package: str) -> str:
    """The version of a package that is installed; "" where it is not."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _free(free: float, total: float) -> str:
    return f"{free / GIGABYTE:.1f} of {total / GIGABYTE:.1f} GB free"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
