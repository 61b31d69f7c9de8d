"""MRAF: missing-token prompted, reliability-aware fusion of face and voice (arXiv 2606.12495)."""

__version__ = "0.1.0"
