"""Fit the twin to official features."""
