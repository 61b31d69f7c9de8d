"""What the explorer of the centre loss shows (Eq. 17), as pure functions."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

Array = NDArray[Any]


class Pulled(NamedTuple):
    """Points and centres on their way; S steps, N points, C classes, in the plane."""

    group: Array  # class of each point, (N,)
    path: Array  # of the points, (S + 1, N, 2)
    centers: Array  # on their way, (S + 1, C, 2)
    step: int  # the one that is shown
    center_weight: float  # zero leaves the centres out of the picture
    within: Array  # root mean square distance of the points to their class means, (S + 1,)
    between: Array  # and of those to their own mean


def pull(
    points: Array, group: Array, ce_weight: float = 0.3, center_weight: float = 0.3,
    trained: bool = True, step: int = 150, steps: int = 150,
) -> Pulled:  # fmt: skip
    """Move points (N, 2) of classes (N,) down the gradient of a cross-entropy and a centre loss.

    Plain gradient steps of rate 0.05 on the points, a linear classifier that starts at the class
    means, and the centres, which start at zero and stay there unless they are trained.
    """
    truth = np.eye(group.max() + 1)[group]
    classifier = truth.T @ points / truth.sum(axis=0)[:, None]
    centers = np.zeros_like(classifier)
    path, on_the_way = [points], [centers]
    for _ in range(steps):
        error = softmax(points @ classifier.T, axis=1) - truth
        apart = points - centers[group]
        points, classifier, centers = (
            points - 0.05 * (ce_weight * error @ classifier + center_weight * apart),
            classifier - 0.05 * ce_weight * error.T @ points,
            centers + (0.05 * center_weight * truth.T @ apart if trained else 0),
        )
        path.append(points)
        on_the_way.append(centers)
    whole = np.stack(path)
    return Pulled(group, whole, np.stack(on_the_way), step, center_weight, *spread(whole, group))


def spread(points: Array, group: Array) -> tuple[Array, Array]:
    """Root mean square distance of points (…, N, 2) to their class mean, and of these to theirs."""
    number = np.unique(group, return_inverse=True)[1]
    truth = np.eye(number.max() + 1)[number]
    means = truth.T @ points / truth.sum(axis=0)[:, None]
    apart = points - means[..., number, :], means - means.mean(axis=-2, keepdims=True)
    within, between = (np.sqrt(np.square(x).sum(axis=-1).mean(axis=-1)) for x in apart)
    return within, between


def spread_in_words(path: Array, group: Array) -> str:
    """How the spread within and between classes (N,) changes on the way (S, N, 2)."""
    (within, between), (narrow, apart) = (spread(path[step], group) for step in (0, -1))
    return (
        f"within classes the spread goes from {within:.2f} to {narrow:.2f}, between them from "
        f"{between:.2f} to {apart:.2f}"
    )
