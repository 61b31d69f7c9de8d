"""Write data/golden.json anew: what every arm of data/sweeps and both presets compute, in numbers.

    python scripts/golden.py

Only after a change of the mathematics that is meant: tests/model/test_golden.py compares with it.
"""

from __future__ import annotations

import json
from pathlib import Path

from mraf.evidence.sweeps.tables import read_table
from mraf.training.config import PRESETS, Config, configure
from mraf.training.golden import Numbers, golden_numbers

ROOT = Path(__file__).parents[1]
FILE = ROOT / "data/golden.json"
SHORT_TRAINING = 8  # steps


def arms() -> dict[str, Config]:
    """Every arm of every table under both presets, by "table preset arm"."""
    return {
        f"{file.stem} {preset} {arm.name}": configure(preset, 2, arm.settings)
        for file in sorted((ROOT / "data/sweeps").glob("*.toml"))
        for preset in PRESETS
        for arm in read_table(file, preset).arms
    }


def main() -> None:
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
