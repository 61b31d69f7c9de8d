"""MRAF: missing-token prompted, reliability-aware fusion of face and voice (arXiv 2606.12495)."""

import os

__version__ = "0.1.0"

# Threads that wait should soon sleep: beside a busy process, spinning ones cost a training step a
# factor of ten; without any spinning, steps on an idle machine take twice as long (docs/speed.md).
# Read when torch is loaded; whoever has set either knows better.
if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys():
    os.environ["OMP_WAIT_POLICY"], os.environ["GOMP_SPINCOUNT"] = "PASSIVE", "5000"
