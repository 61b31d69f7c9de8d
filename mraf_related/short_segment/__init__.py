"""Verification of short segments with a multi-resolution encoder (after arXiv 2509.19721)."""
