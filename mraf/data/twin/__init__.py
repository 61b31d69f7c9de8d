"""A synthetic corpus with the statistics of the official features."""
