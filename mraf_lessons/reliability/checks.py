"""Checks of notebook 03, reliability weights."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mraf.data.clips import FeatureSet, unit
from mraf.model import MRAF, Output, weight_tokens
from mraf_lessons.kit.checker import Answer, Array, Verdict, ask, judge
from mraf_related.degradation import degrade_faces


def shrink(answer: Answer, clips: FeatureSet) -> Verdict:
    """Faces shrunk towards the mean face, their length kept, missing ones left missing."""
    clips, amount = clips[:40], 0.4
    face = clips.face.copy()
    face[::5] = 0  # some are missing
    damaged = replace(clips, face=face)
    there = ~damaged.face_missing[:, None]
    length = np.linalg.norm(face, axis=1, keepdims=True)
    centre, diluted = (unit(rows).mean(axis=0) for rows in (face[there[:, 0]], face))
    centre = unit(centre[None])

    def mixed(amount: float = amount, mean: Array = centre) -> Array:
        return unit((1 - amount) * unit(face) + amount * mean)

    shrunk = degrade_faces(damaged, "mean face", amount, np.random.default_rng(0)).face
    appeared, too_short = np.where(there, length, 1) * mixed(), length * mixed(mean=diluted)
    said = {
        "It is what `degrade_faces` does.": shrunk,
        "The lengths are gone: bring each face back to its own.": mixed() * there,
        "The missing faces have become the mean face.": appeared,
        "You averaged the zeros of the missing faces into the mean.": too_short,
        "The amount is the wrong way round.": length * mixed(1 - amount),
    }
    return judge(ask(answer, face, amount), said, rtol=1e-3)


def auroc(answer: Answer) -> Verdict:
    """The chance that a clean clip has a higher reliability than a degraded one; ties half."""
    clean, worse = np.array([0.3, 0.9, 0.2, 0.2, 0.9]), np.array([0.6, 0.9, 0.5, 0.3])
    signs = np.sign(clean[:, None] - worse), np.sign(clean[: len(worse)] - worse)
    pairs, clip_by_clip = [((x + 1).mean() / 2, (x > 0).mean(), (x >= 0).mean()) for x in signs]
    half, *ties = pairs
    turned, apart = tuple(1 - share for share in pairs), clean.mean() - worse.mean()
    said = {
        "That is the area under the ROC curve.": half,
        "Ties count as right, or as wrong; each is worth one half.": tuple(ties),
        "The other way round: clean above degraded is what counts.": turned,
        "You compared clip by clip. Take every pair of a clean and a degraded one.": clip_by_clip,
        "That is a difference of means; it has the unit of the scores. Count pairs.": apart,
    }
    return judge(ask(answer, clean, worse), said)


def constant_weights(answer: Answer, model: MRAF, complete: Output, missing: Output) -> Verdict:
    """Fused logits when every face that is there gets one and the same weight."""
    weight = 0.3

    @torch.inference_mode()
    def logits(output: Output, face: float, voice: Tensor | None = None) -> Tensor:
        w_f = torch.full_like(output.weight.face, face)
        weights = (w_f, 1 - w_f if voice is None else voice)
        tokens = (output.face.encoded, output.voice.encoded)
        return model.fused_head(model.fusion(*map(weight_tokens, weights, tokens))[0])

    @torch.inference_mode()
    def given(output: Output, absent: bool) -> Any:
        mask = torch.full_like(output.weight.face, absent, dtype=torch.bool)
        return ask(answer, output, weight, mask, fresh=False)

    one_sided = logits(complete, weight, complete.weight.voice)
    said = {
        "": logits(complete, weight),
        "These are the logits with the scorer's own weights.": complete.logits.fused,
        "Only the face has a new weight: w_a = 1 - w_f.": one_sided,
        "Face and voice have swapped their weights.": logits(complete, 1 - weight),
    }
    alone = {
        "Below: what the scorer gains over one weight for all.": logits(missing, 0.0),
        "A missing face got the constant weight, too. With the mask, w_f is 0 and w_a is "
        "1.": logits(missing, weight),
    }
    return judge(given(complete, False), said, 1e-3) and judge(given(missing, True), alone, 1e-3)
