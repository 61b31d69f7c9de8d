"""MRAF: missing-token prompted, reliability-aware fusion of face and voice (arXiv 2606.12495)."""

import os

__version__ = "0.1.0"

# Threads that wait should sleep: beside another busy process, spinning ones cost a training step a
# factor of ten. Read when torch is loaded; whoever has set it knows better.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
