"""Run notebooks, two at a time, and write them with their outputs; fail if a cell fails."""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbclient.output_widget import OutputWidget
from tqdm.auto import tqdm

# Without this, nbclient now and then waits forever on an Output widget (jupyter/nbclient#312).
OutputWidget.sync_state = lambda self: None

CELL_SECONDS = 300


WIDGET = "application/vnd.jupyter.widget-view+json"


def without_widget_state(notebook: nbformat.NotebookNode) -> None:
    """Keep of a widget the picture it shows; its state and finished bars mean nothing later."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output.data.pop(WIDGET, None)
        if "outputs" in cell:
            cell.outputs = [out for out in cell.outputs if WIDGET not in out.get("data", {})]


def run(path: Path, out: Path) -> float:
    """Run one notebook beside its own files and write it to `out`; return the seconds it took."""
    started = time.perf_counter()
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
    client.execute()
    notebook.metadata["language_info"] = {"name": "python"}  # not the version at hand
    without_widget_state(notebook)
    partial = out / f".{path.name}"
    nbformat.write(notebook, partial)
    partial.replace(out / path.name)
    return time.perf_counter() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the run notebooks")
    parser.add_argument("--jobs", type=int, default=2, help="notebooks at a time")
    parser.add_argument("notebooks", type=Path, nargs="*")
    arguments = parser.parse_args()
    if not arguments.notebooks:
        return 0
    arguments.out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by the kernels
    failed = 0
    with ThreadPoolExecutor(arguments.jobs) as pool:
        runs = {pool.submit(run, path, arguments.out): path for path in arguments.notebooks}
        for done in tqdm(as_completed(runs), total=len(runs), desc="notebooks", unit="notebook"):
            path = runs[done]
            try:
                tqdm.write(f"{path} → {arguments.out / path.name} ({done.result():.0f} s)")
            except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
                failed += 1
                tqdm.write(f"{path} FAILED\n{error}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
