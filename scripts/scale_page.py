"""Write what was measured into docs/scale.md, and its figure beside it.

    python -m scripts.scale_page

Reads data/recorded/scale.csv, as ``python -m benchmarks.scale --record data/recorded/scale.csv``
writes it.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from benchmarks.figure import against_speakers, duration
from mraf.evidence.recorded import recorded
from mraf.files import write_text
from mraf_lessons.kit.style import save

PAGE = Path(__file__).resolve().parents[1] / "docs" / "scale.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def table(rows: pd.DataFrame) -> str:
    """Time and memory of all that was measured, a row a method, a column a number of speakers."""
    columns = [f"{speakers:,} speakers" for speakers in rows.speakers.unique()]
    lines = [["", *columns], ["---", *["---:"] * len(columns)]]
    measured = rows[rows.what != "drawing the twin"]
    for (what, method, clips), own in measured.groupby(["what", "method", "clips"], sort=False):
        cells = [f"{duration(row.seconds)}, {row.memory_mb:.3g} MB" for row in own.itertuples()]
        lines.append([f"{what}, {method}, {clips:,} clip{'s' if clips > 1 else ''}", *cells])
    for method, own in measured[measured.what == "search"].groupby("method", sort=False):
        alone = own[own.clips == 1]
        cells = [f"{row.recall:.1%}, {duration(row.build_s)}" for row in alone.itertuples()]
        lines.append([f"search, {method}: recall@1, building", *cells])
    exact = measured[(measured.method == "NumPy, exact") & (measured.clips == 1)]
    lines.append(["search, exact: named rightly", *(f"{x:.1%}" for x in exact.accuracy)])
    loads = rows.drop_duplicates("speakers").load
    lines.append(["load of the machine (1 is the benchmark alone)", *map(str, loads)])
    made = rows.iloc[0]
    said = (
        f"Device: {made.device}, {made.threads} thread(s) of {made.cores} cores; "
        f"`{made.command} --record data/recorded/scale.csv`."
    )
    return "\n".join([*(f"| {' | '.join(line)} |" for line in lines), "", said])


def main() -> None:
    rows = recorded("scale")
    if rows is None:
        raise SystemExit("data/recorded/scale.csv is missing; record it first.")
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    write_text(PAGE, f"{before}{BEGIN}\n\n{table(rows)}\n\n{END}{after}")
    save(against_speakers(rows), PAGE.with_suffix(".svg"))


if __name__ == "__main__":
    main()
