"""Whether a system is right as often as it says: reliability bins and calibration errors."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import log_softmax

from mraf.errors import DataError


def confidences(logits: NDArray[Any], temperature: float = 1.0) -> NDArray[np.float64]:
    """The probability of the named speaker, max softmax(z / T), shape (N,), for logits (N, C)."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    highest: NDArray[np.float64] = np.exp(log_softmax(scaled, axis=1).max(axis=1))
    return highest


def reliability_bins(
    confidence: NDArray[Any], correct: NDArray[Any], bins: int = 15
) -> pd.DataFrame:
    """Clips by their confidence (N,) in [0, 1], in bins of equal width; empty bins have no row.

    Bin i holds confidences in (i / bins, (i + 1) / bins], as in Guo et al., On Calibration of
    Modern Neural Networks, ICML 2017. Returns low and high (edges), clips, and the means confidence
    and accuracy. Raises DataError for no clips, other shapes, or a confidence outside [0, 1].
    """
    confidence, correct = np.asarray(confidence, dtype=float), np.asarray(correct, dtype=float)
    if confidence.ndim != 1 or confidence.shape != correct.shape or not len(confidence):
        raise DataError(
            f"confidence has shape {confidence.shape} and correct {correct.shape}; both need one "
            "number for each clip."
        )
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise DataError("a confidence is outside [0, 1]; give probabilities, not logits.")
    edges = np.arange(bins + 1) / bins
    number = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    clips = pd.DataFrame({"confidence": confidence, "accuracy": correct}).groupby(number)
    table, bin_of = clips.mean(), clips.size().index
    table = table.assign(low=edges[bin_of], high=edges[bin_of + 1], clips=clips.size())
    return table[["low", "high", "clips", "confidence", "accuracy"]].reset_index(drop=True)


def expected_calibration_error(
    confidence: NDArray[Any], correct: NDArray[Any], bins: int = 15
) -> float:
    """ECE, the mean of |accuracy - confidence| over bins, weighted by their clips (a fraction)."""
    table = reliability_bins(confidence, correct, bins)
    return float(np.average((table.accuracy - table.confidence).abs(), weights=table.clips))
