"""Checks of notebook 03, reliability weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mraf.data.clips import FeatureSet
from mraf.data.degradation import degrade_faces
from mraf.data.describe import unit
from mraf.model import MRAF, Output, weight_tokens
from mraf_lessons.kit.checker import Verdict, compare
from mraf_lessons.missing_token.checks import compare_weights

Array = NDArray[Any]


def masked_weights(answer: Callable[[Array, Array, Array], Any]) -> Verdict:
    """w_f and w_a of Eq. 11 where some faces are missing, shape (N, 2)."""
    face, voice = np.array([0.8, 0.3, 0.6, 0.5]), np.array([0.4, 0.9, 0.2, 0.5])
    missing = np.array([False, True, False, True])
    given = answer(face.copy(), voice.copy(), missing.copy())
    if isinstance(given, tuple):
        given = np.stack([np.asarray(part) for part in given], axis=-1)
    praise = "And with a missing face the voice has all the weight, whatever r_a is."
    return compare_weights(given, face, voice, missing, praise)


def shrink(answer: Callable[[Array, float], Any], clips: FeatureSet) -> Verdict:
    """Faces shrunk towards the mean face, their length kept, missing ones left missing."""
    clips, amount = clips[:40], 0.4
    face = clips.face.copy()
    face[::5] = 0  # some are missing
    face[1] *= 3  # and one is longer than the others
    given = answer(face.copy(), amount)
    there = np.asarray(face.any(axis=1, keepdims=True))
    length = np.linalg.norm(face, axis=1, keepdims=True)
    centre, diluted = (unit(rows).mean(axis=0) for rows in (face[there[:, 0]], face))
    mean = unit(centre[None])

    def mixture(mean: Array, amount: float = amount) -> Array:
        mixed: Array = (1 - amount) * unit(face) + amount * mean
        return mixed

    mixed = mixture(mean)
    right = length * unit(mixed)
    mistakes = {
        "The lengths are gone: bring each face back to its own.": unit(mixed) * there,
        "A mixture of two unit vectors is shorter than 1: normalise it before you give it its "
        "length.": length * mixed,
        "The missing faces have become the mean face: now nobody knows that they were missing.": (
            np.where(there, length, 1) * unit(mixed)
        ),
        "You averaged the zeros of the missing faces into the mean, which makes it too short.": (
            length * unit(mixture(diluted))
        ),
        "The mean of unit vectors is shorter than 1: normalise it, or an amount of 0.4 moves less "
        "than that.": length * unit(mixture(centre)),
        "The amount is the wrong way round: 0 should leave the face as it is.": (
            length * unit(mixture(mean, 1 - amount))
        ),
        "A long face pulled the mean towards itself: normalise the faces first.": (
            length * unit(mixture(unit(face[there[:, 0]].mean(axis=0)[None])))
        ),
    }
    verdict = compare(given, right, mistakes, rtol=1e-3)
    if not verdict:
        return verdict
    damaged = replace(clips, face=face)
    package = degrade_faces(damaged, "mean face", amount, np.random.default_rng(0))
    return compare(given, package.face, praise="It is what `degrade_faces` does.", rtol=1e-3)


def auroc(answer: Callable[[Array, Array], Any]) -> Verdict:
    """The chance that a clean clip has a higher reliability than a degraded one; ties half."""
    clean = np.array([0.9, 0.5, 0.5, 0.7, 0.2])
    worse = np.array([0.6, 0.5, 0.1, 0.3])

    def share(clean: Array, worse: Array = worse, tie: float = 0.5) -> Any:
        return (clean > worse).mean() + tie * (clean == worse).mean()

    pairs = clean[:, None]
    mistakes = {
        "Ties are counted as if the scorer were wrong; each is worth one half.": (
            share(pairs, tie=0)
        ),
        "Ties are counted as if the scorer were right; each is worth half.": share(pairs, tie=1),
        "The other way round: clean above degraded is what counts.": 1 - share(pairs),
        "You compared clip by clip. Take every pair of a clean and a degraded clip: in practice "
        "nobody has the clean version of the same clip.": share(clean[:4]),
        "That is a difference of means; it has the unit of the scores. Count pairs.": (
            clean.mean() - worse.mean()
        ),
    }
    given = answer(clean.copy(), worse.copy())
    return compare(given, share(pairs), mistakes, "That is the area under the ROC curve.")


def constant_weights(
    answer: Callable[[Output, float, Any], Any], model: MRAF, complete: Output, missing: Output
) -> Verdict:
    """Fused logits when every face that is there gets one and the same weight."""
    weight = 0.3

    def logits(output: Output, face: float, voice: Tensor | None = None) -> Tensor:
        w_f = torch.full_like(output.weight.face, face)
        w_a = 1 - w_f if voice is None else voice
        with torch.inference_mode():
            tokens = (output.face.encoded, output.voice.encoded)
            return model.fused_head(model.fusion(*map(weight_tokens, (w_f, w_a), tokens))[0])

    def ask(output: Output, absent: bool) -> Any:
        mask = torch.full_like(output.weight.face, absent, dtype=torch.bool)
        with torch.inference_mode():
            return answer(output, weight, mask)

    mistakes = {
        "These are the logits with the scorer's own weights.": complete.logits.fused,
        "Only the face has a new weight: w_a = 1 - w_f.": (
            logits(complete, weight, complete.weight.voice)
        ),
        "Face and voice have swapped their weights.": logits(complete, 1 - weight),
    }
    verdict = compare(ask(complete, False), logits(complete, weight), mistakes, rtol=1e-3)
    if not verdict:
        return verdict
    mistakes = {
        "Right where the face is there. But a missing face got the constant weight, too, and its "
        "stand-in enters: with the mask, w_f is 0 and w_a is 1.": logits(missing, weight)
    }
    praise = "Below: what the scorer gains over one weight for all."
    return compare(ask(missing, True), logits(missing, 0.0), mistakes, praise, rtol=1e-3)
