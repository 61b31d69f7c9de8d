"""Decide among the three heads (after arXiv 2512.14961)."""
