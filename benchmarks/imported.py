"""Time and memory of importing a table and of loading it, against its number of clips.

    python -m benchmarks.imported --clips 200000 1000000 --dim 32

Draws an .npz with ten clips a speaker in five videos, in two languages; imports it, loads the
folder and holds videos out, each in a process of its own. Seconds are those of the processor, so
that other work beside it counts little; memory is the peak above what was held before, in it the
pages of mapped files, which the system may take back. "read alone" reads the table's arrays and
nothing else: the floor, which every step is shown as a multiple of.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.scale import CPU, MB, Memory, in_child
from mraf.data import load, validation_split
from mraf.data.imported.folder import import_table


def write_table(path: Path, clips: int, dim: int) -> None:
    row = np.arange(clips)
    rng = np.random.default_rng(0)
    drawn = {k: rng.standard_normal((clips, dim), dtype=np.float32) for k in ("face", "voice")}
    spoken = np.where(row % 10 < 5, "English", "Urdu")
    np.savez(path, **drawn, speaker=row // 10, video=row // 2, language=spoken)


def measured(work: Callable[[], object]) -> dict[str, Any]:
    memory, start = Memory(CPU), time.process_time()
    kept = work()
    found = {"seconds": time.process_time() - start, "MB": memory.peak}
    del kept
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clips", type=int, nargs="+", default=[200_000, 1_000_000])
    parser.add_argument("--dim", type=int, default=32)
    parser.add_argument("--folder", type=Path, help="for the tables (default: a temporary one)")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # the notes of each import
    rows = []
    floor = 1.0
    for clips in options.clips:
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            table, out = Path(name) / "table.npz", Path(name) / "out"
            write_table(table, clips, options.dim)
            steps = {
                "read alone": lambda table=table: dict(np.load(table)),
                "import": lambda table=table, out=out: import_table(table, out, progress=False),
                "load": lambda out=out: load(out),
                "load, hold videos out": lambda out=out: validation_split(load(out)),
            }
            for step, work in steps.items():
                found = in_child(lambda work=work: measured(work), CPU)
                floor = found["seconds"] if step == "read alone" else floor
                rows.append({"clips": clips, "step": step, **found})
                rows[-1]["times the floor"] = found["seconds"] / floor
            size = sum(file.stat().st_size for file in out.iterdir()) / MB
            rows.append({"clips": clips, "step": "folder", "MB": size})
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.2f}".format, na_rep=""))


if __name__ == "__main__":
    main()
