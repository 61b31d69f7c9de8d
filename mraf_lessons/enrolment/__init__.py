"""Notebook 14: a class enrols itself, judges itself and forgets itself."""
