"""Checks of notebook 04, training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from mraf.training.config import Config
from mraf_lessons.kit.checker import Verdict, compare, unanswered

Array = NDArray[Any]

TINY: dict[str, Any] = {
    "width": 64,
    "tokens": 2,
    "epochs": 3,
    "batch_size": 256,
    "learning_rate": 2e-3,
}
"""As in section 7 of the notebook: small enough to be trained while one waits."""


def distillation(answer: Callable[[Array, Array, float], Any]) -> Verdict:
    """T² KL(softmax(teacher / T) ‖ softmax(student / T)), averaged over the batch (Eq. 16)."""
    rng = np.random.default_rng(0)
    teacher, student, t = 3 * rng.normal(size=(4, 5)), 3 * rng.normal(size=(4, 5)), 3.0

    def loss(a: Array = teacher, b: Array = student, of_a: float = t, of_b: float = t,
             axis: int = 1, entropy: bool = True) -> float:  # fmt: skip
        """The loss with its temperatures, the axis of the softmax and the teacher's entropy."""
        p, q = softmax(a / of_a, axis=axis), softmax(b / of_b, axis=axis)
        return float(t**2 * (p * (entropy * np.log(p) - np.log(q))).sum() / len(a))

    right = loss()
    mistakes = {
        "The factor T² is missing: a hot teacher would hardly be heard.": right / t**2,
        "The factor is T², not T: the gradient loses two powers of T.": right / t,
        "Turned round: the teacher stands in front, its probabilities are the weights.": (
            loss(student, teacher)
        ),
        "You averaged over speakers, too: sum over them, and average over the clips.": right / 5,
        "You summed over the clips: average over them.": 4 * right,
        "Only the teacher is softened: divide the student's logits by T, too.": loss(of_b=1),
        "Only the student is softened: divide the teacher's logits by T, too.": loss(of_a=1),
        "Nothing is softened: T belongs inside the softmax as well.": loss(of_a=1, of_b=1),
        "The softmax runs over the clips: a row is a clip, its probabilities sum to one.": (
            loss(axis=0)
        ),
        "That is the cross-entropy; subtract the teacher's own entropy.": loss(entropy=False),
    }
    verdict = compare(answer(teacher.copy(), student.copy(), t), right, mistakes)
    if not verdict:
        return verdict
    with np.errstate(all="ignore"):
        large = answer(np.array([[2000.0, 0.0]]), np.array([[0.0, 2000.0]]), 1.0)
    if not compare(large, 2000.0):
        found = "overflow"
        if np.isfinite(large):
            found = f"give {large:.4g} where 2000 is right, cut off by an ε or a clip"
        hint = f"but large logits {found}: work with z - max(z) - log Σ exp(z - max(z))."
        return Verdict(False, f"Right for small logits, {hint}")
    return Verdict(True, "And stable for large logits.")


def center_gradient(answer: Callable[[Array, Array, Array], Any]) -> Verdict:
    """The gradient of ½ Σ ‖e - μ_y‖² with respect to the centres, shape (C, d)."""
    rng = np.random.default_rng(0)
    embedding, centers = rng.normal(size=(5, 3)), rng.normal(size=(4, 3))
    speaker = np.array([1, 1, 0, 1, 3])  # speaker 2 has no clip in the batch
    pull = centers[speaker] - embedding
    right, last = np.zeros_like(centers), np.zeros_like(centers)
    np.add.at(right, speaker, pull)
    last[speaker] += pull
    clips = np.maximum(np.bincount(speaker, minlength=4), 1)[:, None]
    mistakes = {
        "The sign: a step against the gradient would push the centres away.": -right,
        "A speaker with several clips counts once: `g[speaker] += …` keeps the last clip only; "
        "np.add.at adds them all.": last,
        "The sign is turned round, and only the last clip of a speaker counts.": -last,
        "That is the mean over a speaker's clips; the loss is a sum.": right / clips,
        "The half in front of the square cancels the two of its derivative.": 2 * right,
        "That is the gradient on the embeddings, a row for each clip.": -pull,
        "A row for each clip: add up the rows of each speaker.": pull,
    }
    given = answer(embedding.copy(), centers.copy(), speaker.copy())
    praise = "A speaker without a clip in the batch stays where it is."
    return compare(given, right, mistakes, praise)


def equal_weight(answer: Any, config: Config) -> Verdict:
    """The weight that makes the centre loss as a sum the same objective as the mean."""
    weight, batch = config.training.center_weight, config.training.batch_size
    width = config.model.width
    mistakes = {
        "The mean is over all entries of e_c: d of them for each clip.": weight / batch,
        "That is right for a batch of one clip: the sum runs over B clips.": weight / width,
        "Upside down: the sum is larger, so it needs less weight.": weight * batch * width,
        "Keep the weight that the mean has: λ_center times that.": 1 / (batch * width),
        "With the same weight the sum is B · d times as strong.": weight,
    }
    praise = "It holds for this batch size only; the mean needs no such care."
    return compare(answer, weight / (batch * width), mistakes, praise)


def fair_pair(
    answer: Callable[[int], Any],
    key: str,
    values: tuple[float, float],
    sizes: Mapping[str, Any] = TINY,
) -> Verdict:
    """Two configurations of the given sizes that differ in one setting, a pair for each seed."""
    pairs = [answer(seed) for seed in (0, 1)]
    if unanswered(pairs[0]):
        return Verdict(None)
    found = []
    for seed, pair in enumerate(pairs):
        hint = _unfair(pair, seed, key, sizes)
        if hint:
            return Verdict(False, hint)
        found.append(tuple(_settings(config)[key] for config in pair))
    if found[0][0] == found[0][1]:
        return Verdict(False, f"Both have {key}={found[0][0]:g}: nothing is compared.")
    if found[0] == values[::-1]:
        return Verdict(False, f"The other way round: {key}={values[0]:g} comes first.")
    return compare(found[0], values, praise="One change, the same luck on both sides.")


def _unfair(pair: Any, seed: int, key: str, sizes: Mapping[str, Any]) -> str:
    """What two configurations have apart besides `key`, or "" where nothing is."""
    two = isinstance(pair, tuple | list) and len(pair) == 2
    if not two or not all(isinstance(config, Config) for config in pair):
        return "Return two configurations, as `configure` makes them."
    first, second = (_settings(config) for config in pair)
    if first["seed"] != second["seed"]:
        return (
            "The two have different seeds: other weights, another order, other missing faces. The "
            "difference would be that of the seeds, too."
        )
    others = [name for name in first if first[name] != second[name] and name != key]
    if others:
        return f"They also differ in {', '.join(others)}: what would the cause be?"
    for name, size in sizes.items():
        if name != key and first[name] != size:
            return (
                f"Both have {name}={first[name]:g}, TINY has {size:g}: spread it into both, "
                "`{**TINY, …}`, or you wait for two full networks."
            )
    return (
        ""
        if first["seed"] == seed
        else ("Every pair has the same seed: that is one experiment, repeated.")
    )


def _settings(config: Config) -> dict[str, Any]:
    parts = config.to_dict()
    return {**parts["model"], **parts["training"]}
