"""The training loop, its settings and runs on disk."""
