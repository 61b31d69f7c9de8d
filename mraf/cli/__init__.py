"""The commands of `mraf`."""

from mraf.cli.main import main

__all__ = ["main"]
