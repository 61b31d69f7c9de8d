"""What the scripts that train and record share: their options, and what these come to."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from mraf import data
from mraf.errors import MrafError, RunError
from mraf.evaluation.records import read_results
from mraf.evidence.sweeps.tables import Arm
from mraf.evidence.tables import Place, declared_table
from mraf.files import check_target
from mraf.training.experiment import Experiment

OUT = Path(__file__).resolve().parents[1] / "data" / "recorded"


def parser(text: str, seeds: str) -> argparse.ArgumentParser:
    """The options of both.

    Args:
        text: what the script says of itself; its first line is shown.
        seeds: that are run by default.
    """
    parser = argparse.ArgumentParser(description=text.split("\n")[0])
    parser.add_argument("--data", help="the corpus (default: $MRAF_DATA, else the twin)")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--seeds", default=seeds, help="N or FIRST-LAST (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=OUT)
    return parser


def material(options: argparse.Namespace) -> tuple[Experiment, Place, data.Split]:
    """The corpus and the preset, where its results belong, and its validation split.

    Raises RunError: nothing can be written where they belong.
    """
    check_target(options.out / "results.csv")
    base = Experiment.of(options.data, options.preset, device="cpu")
    split = data.validation_split(base.corpus, base.config.training.split_seed)
    return base, Place(base.corpus.name), split


def arms(options: argparse.Namespace, table: str) -> list[Arm]:
    """The arms of a table that were asked for, by default all. Raises RunError: no such arm."""
    declared = {arm.name: arm for arm in declared_table(table, options.preset).arms}
    if unknown := [name for name in options.arms or () if name not in declared]:
        known = ", ".join(declared)
        raise RunError(f"table '{table}' has no arm '{unknown[0]}'; there are: {known}.")
    return [declared[name] for name in options.arms or declared]


def done(file: Path, of: str = "system") -> set[tuple[str, int, str]]:
    """Which runs a file of results has: a column, by default the system, seed and preset."""
    if not file.exists():
        return set()
    rows = read_results(file)
    return set(zip(rows[of], rows["seed"], rows["preset"], strict=True))


def run(main: Callable[[], None]) -> None:
    """Run a script; what a user can mend is one line, as of `mraf`."""
    try:
        main()
    except MrafError as error:
        sys.exit(f"{Path(sys.argv[0]).name}: error: {error}")
