"""MRAF itself at the door of strangers."""
