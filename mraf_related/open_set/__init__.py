"""Name the enrolled and reject all others (arXiv 2604.13605)."""
