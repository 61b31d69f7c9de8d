"""Grids of runs: declared in TOML, trained side by side, recorded as tidy CSV (``mraf sweep``)."""
