"""Notebook 13: from sound to an embedding."""
