"""Grids of runs: declared in TOML, trained side by side, recorded as tidy CSV (``mraf sweep``)."""

from mraf.evidence.sweeps.pools import ClusterPool, LocalPool, Pool
from mraf.evidence.sweeps.records import read_sweep, record, with_counts
from mraf.evidence.sweeps.sweep import Sweep, parse_seeds
from mraf.evidence.sweeps.tables import Arm, Table, read_table

__all__ = [
    "Arm",
    "ClusterPool",
    "LocalPool",
    "Pool",
    "Sweep",
    "Table",
    "parse_seeds",
    "read_sweep",
    "read_table",
    "record",
    "with_counts",
]
