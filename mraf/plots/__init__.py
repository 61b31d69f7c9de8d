"""Every figure of the project. Functions take tidy tables and return a figure with its alt text."""

from mraf.plots.clips import feature_rows, split_comparison
from mraf.plots.data import cosine_distributions, counts_and_imbalance, norms
from mraf.plots.pipeline import pipeline, save_pipeline
from mraf.plots.results import accuracy_table, history, per_speaker_accuracy, reliability_weights
from mraf.plots.style import MODALITY, PALETTE, Figure, describe, png, save, styled

__all__ = [
    "MODALITY",
    "PALETTE",
    "Figure",
    "accuracy_table",
    "cosine_distributions",
    "counts_and_imbalance",
    "describe",
    "feature_rows",
    "history",
    "norms",
    "per_speaker_accuracy",
    "pipeline",
    "png",
    "reliability_weights",
    "save",
    "save_pipeline",
    "split_comparison",
    "styled",
]
