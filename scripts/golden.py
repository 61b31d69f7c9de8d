"""Write data/golden.json anew: what every arm of data/sweeps and both presets compute, in numbers.

    python scripts/golden.py               # after a change of the mathematics that is meant
    python scripts/golden.py --recorded    # adds arms to data/recorded/golden_of_arms.csv

tests/model/test_golden.py compares with data/golden.json. What `mraf sweep --record` writes has its
golden numbers beside it already; --recorded gives those of today to arms that were recorded before
there were any, and leaves all others as they are.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from mraf.evaluation.records import read_results
from mraf.evidence.golden import Golden, remember
from mraf.evidence.sweeps.tables import read_table
from mraf.training.config import Config, configure
from mraf.training.golden import Numbers, golden_numbers

ROOT = Path(__file__).parents[1]
FILE = ROOT / "data/golden.json"
RECORDED = ROOT / "data/recorded"
PRESETS = "paper", "quick"  # with recorded results; fast has the network of quick
TABLES = {"robustness": "scorer"}  # of arms that no sweep has recorded; else as the file is called
SHORT_TRAINING = 8  # steps


def arms() -> dict[str, Config]:
    """Every arm of every table under both presets, by "table preset arm"."""
    return {
        f"{file.stem} {preset} {arm.name}": configure(preset, 2, arm.settings)
        for file in sorted((ROOT / "data/sweeps").glob("*.toml"))
        for preset in PRESETS
        for arm in read_table(file, preset).arms
    }


def give_to_recorded() -> None:
    """Give today's numbers to the recorded arms that have none."""
    now: dict[str, Numbers] = json.loads(FILE.read_text(encoding="utf-8"))
    known = set(Golden(RECORDED).then.index)
    for file in sorted([*RECORDED.glob("sweep_*.csv"), *RECORDED.glob("robustness_*.csv")]):
        name = file.stem.removeprefix("sweep_").partition("_")[0]
        table = TABLES.get(name, name)
        for preset, rows in read_results(file).groupby("preset"):
            new = [arm for arm in rows.system.unique() if (file.stem, preset, arm) not in known]
            numbers = {arm: now[f"{table} {preset} {arm}"] for arm in new if "+" not in arm}
            remember(file, rows, table, numbers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--recorded", action="store_true", help="only golden_of_arms.csv")
    if parser.parse_args().recorded:
        give_to_recorded()
        return
    record: dict[str, Numbers] = {name: golden_numbers(arm) for name, arm in arms().items()}
    for preset in PRESETS:
        record[f"trained {preset}"] = golden_numbers(configure(preset, 2), SHORT_TRAINING)
    lines = (
        f"{json.dumps(name)}: "
        + json.dumps({key: float(f"{value:.8g}") for key, value in numbers.items()})
        for name, numbers in record.items()
    )
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
