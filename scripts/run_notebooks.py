"""Run notebooks, two at a time, and write them with their outputs; fail if a cell fails.

What each took, seconds and peak memory, is written to build/notebook_budget.csv beside its budget.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbclient.output_widget import OutputWidget
from tqdm.auto import tqdm

from mraf.data import named_source

# Without this, nbclient now and then waits forever on an Output widget (jupyter/nbclient#312).
OutputWidget.sync_state = lambda self: None

CELL_SECONDS = 300
BUDGET_SECONDS, BUDGET_GB = 60, 1.5  # on two cores without a GPU, on the twin
BUDGET_FILE = Path("build/notebook_budget.csv")

METADATA = {  # not the Python at hand, which would change the file wherever it is opened
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
WIDGET = "application/vnd.jupyter.widget-view+json"


def without_widget_state(notebook: nbformat.NotebookNode) -> None:
    """Keep of a widget the picture or page it shows; its state and finished bars mean nothing."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "text/html" in output.get("data", {}):
                output.data.pop(WIDGET, None)
        if "outputs" in cell:
            cell.outputs = [out for out in cell.outputs if WIDGET not in out.get("data", {})]


def keep_metadata(model: dict[str, Any], **_: object) -> None:
    """For `make lab`: what JupyterLab changes by opening a notebook is not saved."""
    if model["type"] == "notebook":
        model["content"]["metadata"] |= METADATA


class Cost(NamedTuple):
    """What it took to run a notebook."""

    notebook: str
    seconds: float
    gigabytes: float

    def row(self) -> list[object]:
        within = self.seconds <= BUDGET_SECONDS and self.gigabytes <= BUDGET_GB
        numbers = (f"{self.seconds:.0f}", BUDGET_SECONDS, f"{self.gigabytes:.2f}", BUDGET_GB)
        return [self.notebook, *numbers, "yes" if within else "no"]


def peak_gigabytes(pid: int) -> float:
    """The most memory a running process has held; where the system does not tell, what it holds."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e9
    except (OSError, IndexError):
        memory = psutil.Process(pid).memory_info()
        return getattr(memory, "peak_wset", memory.rss) / 1e9


class Watch(threading.Thread):
    """Looks ten times a second at the memory of a process and its children together."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.process, self.peak, self.done = psutil.Process(pid), 0.0, threading.Event()
        self.start()

    def run(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            while not self.done.wait(0.1):
                held = self.process.memory_info().rss
                for child in self.process.children(recursive=True):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        held += child.memory_info().rss
                self.peak = max(self.peak, held / 1e9)


def run(path: Path, out: Path) -> Cost:
    """Run one notebook beside its own files and write it to `out`."""
    started = time.perf_counter()
    peak = 0.0
    watches: list[Watch] = []
    notebook = nbformat.read(path, as_version=4)
    # record_timing would change the file at every run
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],  # kernels warn of TCP; they listen to this machine
        coalesce_streams=True,  # or a line of output is split wherever the kernel flushed it
        resources={"metadata": {"path": str(path.parent)}},
    )

    def after_each_cell(**_: object) -> None:
        nonlocal peak
        peak = max(peak, peak_gigabytes(client.km.provisioner.pid))

    def at_the_start(**_: object) -> None:
        watches.append(Watch(client.km.provisioner.pid))

    client.on_notebook_start = at_the_start
    client.on_cell_executed = after_each_cell
    try:
        client.execute()
    finally:
        for watch in watches:
            watch.done.set()
    peak = max(peak, *(watch.peak for watch in watches))
    notebook.metadata |= METADATA
    without_widget_state(notebook)
    partial = out / f".{path.name}"
    nbformat.write(notebook, partial)
    partial.replace(out / path.name)
    return Cost(str(path), time.perf_counter() - started, peak)


FAILURES = (CellExecutionError, CellTimeoutError, DeadKernelError)
FAILURES += (OSError, ValueError, nbformat.ValidationError)  # of reading and writing a notebook


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the run notebooks")
    parser.add_argument("--jobs", type=int, default=2, help="notebooks at a time")
    parser.add_argument("--at-most", type=float, metavar="GB", help="fail where one holds more")
    parser.add_argument("notebooks", type=Path, nargs="*")
    arguments = parser.parse_args()
    if not arguments.notebooks:
        return 0
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--out {arguments.out}: {error.strerror}")
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by the kernels
    if (source := named_source()) != "twin":  # kernels run in the folders of their notebooks
        os.environ["MRAF_DATA"] = str(Path(source).expanduser().absolute())
    costs: list[Cost] = []
    with ThreadPoolExecutor(arguments.jobs) as pool:
        runs = {pool.submit(run, path, arguments.out): path for path in arguments.notebooks}
        for done in tqdm(as_completed(runs), total=len(runs), desc="notebooks", unit="notebook"):
            path = runs[done]
            try:
                cost = done.result()
                costs.append(cost)
                took = f"{cost.seconds:.0f} s, {cost.gigabytes:.2f} GB"
                tqdm.write(f"{path} → {arguments.out / path.name} ({took})")
            except FAILURES as error:
                tqdm.write(f"{path} FAILED\n{error}", file=sys.stderr)
    BUDGET_FILE.parent.mkdir(exist_ok=True)
    with BUDGET_FILE.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["notebook", "seconds", "of", "gigabytes", "of", "within"])
        writer.writerows(cost.row() for cost in sorted(costs))
    large = [c for c in costs if arguments.at_most and c.gigabytes > arguments.at_most]
    for cost in large:
        tqdm.write(f"{cost.notebook} FAILED\nholds {cost.gigabytes:.2f} GB", file=sys.stderr)
    return 0 if len(costs) == len(arguments.notebooks) and not large else 1


if __name__ == "__main__":
    sys.exit(main())
