"""One temperature that makes a network as sure as it is right."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax


def negative_log_likelihood(
    logits: NDArray[Any], labels: NDArray[np.int64], temperature: float = 1.0
) -> float:
    """-mean log softmax(z / T)_y for logits (N, C) and labels (N,), in nats."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    return float(-log_softmax(scaled, axis=1)[np.arange(len(labels)), labels].mean())


def fit_temperature(logits: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """The T > 0 under which softmax(z / T) makes the labels likeliest (Guo et al., section 4.2).

    Fit it on clips that the network was not trained on, and judge it on other videos than those.
    """
    found = minimize_scalar(
        lambda log_t: negative_log_likelihood(logits, labels, float(np.exp(log_t))),
        bounds=(-5.0, 5.0),
        method="bounded",
    )
    return float(np.exp(found.x))
