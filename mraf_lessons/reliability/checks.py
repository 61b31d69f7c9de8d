"""Checks of notebook 03, reliability weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mraf.data.clips import FeatureSet
from mraf.data.degradation import degrade_faces
from mraf.data.describe import unit
from mraf.model import MRAF, Output, weight_tokens
from mraf_lessons.kit.checker import Mistake, Verdict, compare, unanswered

Array = NDArray[Any]


def masked_weights(answer: Callable[[Array, Array, Array], Any]) -> Verdict:
    """w_f and w_a of Eq. 11 where some faces are missing, shape (N, 2)."""
    face, voice = np.array([0.8, 0.3, 0.6, 0.5]), np.array([0.4, 0.9, 0.2, 0.5])
    missing = np.array([False, True, False, True])
    epsilon = 1e-6

    def weights(face: Array, voice: Array, epsilon: float = epsilon) -> Array:
        return np.stack([face, voice], axis=1) / (face + voice + epsilon)[:, None]

    given = answer(face.copy(), voice.copy(), missing.copy())
    if unanswered(given):
        return Verdict(None)
    if isinstance(given, tuple):
        given = np.stack([np.asarray(part) for part in given], axis=-1)
    there = np.where(missing, 0, face)
    after = weights(face, voice)
    after[missing, 0] = 0
    scores = np.stack([there, voice], axis=1)
    softmax = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    mistakes = [
        Mistake(
            after,
            "You masked after dividing: where the face is missing, the weights no longer sum to "
            "1, and the voice keeps the weight it had beside a face. Mask r_f first.",
        ),
        Mistake(weights(face, voice), "The missing faces still have their reliability."),
        Mistake(softmax, "That is a softmax: a reliability of 0 would still get a weight."),
        Mistake(weights(np.where(missing, face, 0), voice), "The mask is the wrong way round."),
        Mistake(weights(there, voice)[:, ::-1], "Face first, then voice: the columns are swapped."),
    ]
    praise = "And with a missing face the voice has all the weight, whatever r_a is."
    return compare(given, weights(there, voice), mistakes, praise)


def shrink(answer: Callable[[Array, float], Any], clips: FeatureSet) -> Verdict:
    """Faces shrunk towards the mean face, their length kept, missing ones left missing."""
    clips = clips[:40]
    face = clips.face.copy()
    face[::5] = 0  # some are missing
    face[1] *= 3  # and one is longer than the others
    amount = 0.4
    given = answer(face.copy(), amount)
    if unanswered(given):
        return Verdict(None)
    there = np.asarray(face.any(axis=1, keepdims=True))
    length = np.linalg.norm(face, axis=1, keepdims=True)
    centre, diluted = (unit(rows).mean(axis=0) for rows in (face[there[:, 0]], face))

    def mixture(mean: Array, amount: float = amount) -> Array:
        mixed: Array = (1 - amount) * unit(face) + amount * mean
        return mixed

    mixed = mixture(unit(centre[None]))
    hints = {
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
            length * unit(mixture(unit(centre[None]), 1 - amount))
        ),
        "A long face pulled the mean towards itself: normalise the faces first.": (
            length * unit(mixture(unit(face[there[:, 0]].mean(axis=0)[None])))
        ),
    }
    mistakes = [Mistake(wrong, hint) for hint, wrong in hints.items()]
    verdict = compare(given, length * unit(mixed), mistakes, rtol=1e-3)
    if not verdict:
        return verdict
    package = degrade_faces(
        replace(clips, face=face), "mean face", amount, np.random.default_rng(0)
    )
    return compare(given, package.face, praise="It is what `degrade_faces` does.", rtol=1e-3)


def auroc(answer: Callable[[Array, Array], Any]) -> Verdict:
    """The chance that a clean clip has a higher reliability than a degraded one; ties half."""
    clean = np.array([0.9, 0.5, 0.5, 0.7, 0.2])
    worse = np.array([0.6, 0.5, 0.1, 0.3])
    given = answer(clean.copy(), worse.copy())
    if unanswered(given):
        return Verdict(None)
    above = (clean[:, None] > worse).mean()
    tied = (clean[:, None] == worse).mean()
    mistakes = [
        Mistake(above, "Ties are counted as if the scorer were wrong; each is worth one half."),
        Mistake(above + tied, "Ties are counted as if the scorer were right; each is worth half."),
        Mistake(1 - above - tied / 2, "The other way round: clean above degraded is what counts."),
        Mistake((clean[:4] > worse).mean() + (clean[:4] == worse).mean() / 2,
                "You compared clip by clip. Take every pair of a clean and a degraded clip: in "
                "practice nobody has the clean version of the same clip."),
        Mistake(clean.mean() - worse.mean(), "That is a difference of means; it has the unit of "
                "the scores. Count pairs."),
    ]  # fmt: skip
    return compare(given, above + tied / 2, mistakes, "That is the area under the ROC curve.")


def constant_weights(
    answer: Callable[[Output, float, Any], Any], model: MRAF, complete: Output, missing: Output
) -> Verdict:
    """Fused logits when every face that is there gets one and the same weight."""
    weight = 0.3

    def logits(output: Output, face: Any, voice: Any = None) -> Array:
        w_f = torch.as_tensor(face, dtype=torch.float32).expand(len(output.weight.face), 1)
        w_a = 1 - w_f if voice is None else voice
        with torch.inference_mode():
            weighted = (
                weight_tokens(w_f, output.face.encoded), weight_tokens(w_a, output.voice.encoded)
            )  # fmt: skip
            found = model.fused_head(model.fusion(*weighted)[0]).float()
        result: Array = found.cpu().numpy()
        return result

    def ask(output: Output, absent: bool) -> Any:
        mask = torch.full_like(output.weight.face, absent, dtype=torch.bool)
        with torch.inference_mode():
            found = answer(output, weight, mask)
        return found.float().cpu().numpy() if isinstance(found, torch.Tensor) else found

    given = ask(complete, False)
    if unanswered(given):
        return Verdict(None)
    mistakes = [
        Mistake(complete.logits.fused.float().cpu().numpy(),
                "These are the logits with the scorer's own weights."),
        Mistake(logits(complete, weight, complete.weight.voice),
                "Only the face has a new weight: w_a = 1 - w_f."),
        Mistake(logits(complete, 1 - weight), "Face and voice have swapped their weights."),
    ]  # fmt: skip
    verdict = compare(given, logits(complete, weight), mistakes, rtol=1e-3)
    if not verdict:
        return verdict
    hint = (
        "Right where the face is there. But a missing face got the constant weight, too, and its "
        "stand-in enters: with the mask, w_f is 0 and w_a is 1."
    )
    mistakes = [Mistake(logits(missing, weight), hint)]
    praise = "Below: what the scorer gains over one weight for all."
    return compare(ask(missing, True), logits(missing, 0.0), mistakes, praise, rtol=1e-3)
