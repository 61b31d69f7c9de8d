"""Margins and hyperbolic distances on the voice alone (arXiv 2601.19709)."""
