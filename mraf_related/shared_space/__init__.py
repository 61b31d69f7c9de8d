"""One space for faces and voices (arXiv 2512.04814)."""
