"""The commands of `mraf`."""
