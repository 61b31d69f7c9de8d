"""Decision fusion: what to answer when MRAF's heads disagree (after arXiv 2512.14961).

That paper gives no formulas, so these are ours, with p_h = softmax(z_h / T_h) of the heads h:

    weighted    p = Σ_h w_h p_h,   w_h = max p_h / Σ max p    over the H heads that see anything
    corrected   p = p_m, where a unimodal head m names another speaker than the fused head c,
                max p_m ≥ θ and margin(p_m) - margin(p_c) ≥ δ; else p_c

A margin is the distance of the two highest probabilities. T (Guo et al., 2017), θ and δ are fitted
on videos on which nothing is judged (`judge`).
"""

from dataclasses import dataclass
from itertools import product, starmap
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from mraf.data.clips import FeatureSet
from mraf.errors import RunError
from mraf.evaluation.judge import top1
from mraf.evaluation.predict import SYSTEM_OF_HEAD, predict
from mraf.variants.build import Network
from mraf_related.calibration import fit_temperature
from mraf_related.degradation import degrade_faces

ORDER = ("face", "voice", "fused")
FACE, VOICE, FUSED = range(3)  # rows of all that is kept for each head
CONDITIONS = {"clean": "P3", "missing": "P4", "swapped": "P3"}
"""States of the face, and the setting whose clips they have."""
SWAPS_SEEN = ", swaps seen"  # how a layer's name ends that is fitted on swapped faces, too
ARMS = ("fused", "weighted", "weighted" + SWAPS_SEEN, "corrected" + SWAPS_SEEN)

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class HeadLogits(NamedTuple):
    """What the heads say of N clips."""

    logits: Floats  # of the heads in `ORDER`, shape (3, N, C)
    sighted: Flags  # where the face is there, shape (N,)

    @classmethod
    def of(cls, model: Network, clips: FeatureSet) -> "HeadLogits":
        scores = predict(model, clips)
        logits = np.stack([scores[SYSTEM_OF_HEAD[head]] for head in ORDER]).astype(np.float64)
        return cls(logits, ~clips.face_missing)


class Rule(NamedTuple):
    """When a unimodal head overrules the fused one."""

    confidence: float  # θ, how sure it must be; above 1 it never is
    margin: float  # δ, how much further ahead of its runner-up it must be than the fused head


NEVER = Rule(np.inf, np.inf)
RULES = [
    NEVER,
    *starmap(Rule, product((0.99, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5), (0.8, 0.6, 0.4, 0.2, 0.1, 0.0))),
]
"""What is tried, the most cautious first."""


@dataclass(frozen=True)
class DecisionLayer:
    """Two ways to decide among the heads."""

    temperatures: Floats  # T of each head in `ORDER`, without and with the face, shape (2, 3)
    rule: Rule = NEVER  # of the correction

    @classmethod
    def fit(cls, heads: HeadLogits, labels: NDArray[np.int64]) -> "DecisionLayer":
        """The likeliest temperatures (1 where not asked), then the first of the best rules."""
        temperatures = np.ones((2, len(ORDER)))
        for sighted, head in product((0, 1), range(len(ORDER))):
            rows = heads.sighted == sighted
            if rows.any() and (sighted or head != FACE):
                logits = heads.logits[head, rows]
                temperatures[sighted, head] = fit_temperature(logits, labels[rows])
        p = cls(temperatures).distributions(heads)
        right = [top1(correct(p, heads.sighted, rule), labels).sum() for rule in RULES]
        return cls(temperatures, RULES[int(np.argmax(right))])

    def distributions(self, heads: HeadLogits) -> Floats:
        """p_h of each head, shape (3, N, C)."""
        temperature = self.temperatures[heads.sighted.astype(int)].T  # (3, N)
        p: Floats = softmax(heads.logits / temperature[:, :, None], axis=-1)
        return p

    def decide(self, heads: HeadLogits) -> dict[str, Floats]:
        """Scores (N, C) of both layers, by name."""
        p, sighted = self.distributions(heads), heads.sighted
        return {"weighted": weigh(p, sighted), "corrected": correct(p, sighted, self.rule)}


def weigh(p: Floats, sighted: Flags) -> Floats:
    """Σ_h w_h p_h with w_h ∝ max p_h, (N, C), of p (3, N, C); a missing face has no weight."""
    weights = p.max(axis=-1)
    weights[FACE] *= sighted
    return np.einsum("hn,hnc->nc", weights / weights.sum(axis=0), p)


def deciding_head(p: Floats, sighted: Flags, rule: Rule) -> NDArray[np.int64]:
    """Which head answers for each clip, its row in `ORDER`, (N,), of p (3, N, C).

    A confident unimodal head overrules the fused one; of two, that of the larger margin. The head
    of a missing face, not `sighted` (N,), says nothing.
    """
    named, highest = p.argmax(axis=-1), np.partition(p, -2, axis=-1)
    ahead = highest[..., -1] - highest[..., -2]
    may = p.max(axis=-1) >= rule.confidence
    may &= ahead - ahead[FUSED] >= rule.margin
    may &= named != named[FUSED]
    may[FACE] &= sighted
    may[FUSED] = False
    return np.where(may.any(axis=0), np.where(may, ahead, -1.0).argmax(axis=0), FUSED)


def correct(p: Floats, sighted: Flags, rule: Rule) -> Floats:
    """The distributions that decide (N, C), as `deciding_head` has it."""
    decided: Floats = p[deciding_head(p, sighted, rule), np.arange(p.shape[1])]
    return decided


def video_folds(video: NDArray[np.str_], folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The fold of each clip, shape (N,), the same for all clips of a video.

    Raises RunError for fewer than two folds, or fewer videos than folds.
    """
    names, index = np.unique(video, return_inverse=True)
    if not 2 <= folds <= len(names):
        raise RunError(
            f"{len(names)} videos cannot be cut into {folds} folds; give data with more videos."
        )
    return np.asarray(rng.permutation(np.arange(len(names)) % folds)[index], dtype=np.int64)


def states(clips: FeatureSet, rng: np.random.Generator) -> dict[str, FeatureSet]:
    """The clips under each of `CONDITIONS`; swapped: with another speaker's face."""
    return {
        "clean": clips,
        "missing": clips.without_faces(),
        "swapped": degrade_faces(clips, "swap", 1.0, rng),
    }


def judge(
    model: Network, clips: FeatureSet, seed: int = 0, folds: int = 5
) -> dict[str, dict[str, Flags]]:
    """Whether each clip was named rightly (N,), by condition and one of `ARMS`.

    Layers are fitted on all folds but one and decide on that one: no video is in both.

    Args:
        clips: complete, labelled, none trained on.
        seed: of the folds and the swapped faces.
    Raises:
        RunError: as `video_folds`.
        DataError: hidden labels, or a fold in which there is nobody to swap faces with.
    """

    def opinions(rows: Flags, stream: list[int]) -> dict[str, HeadLogits]:
        parts = states(clips[rows], np.random.default_rng(stream))
        return {condition: HeadLogits.of(model, part) for condition, part in parts.items()}

    fold = video_folds(clips.video, folds, np.random.default_rng([seed, 0]))
    right = {c: {arm: np.zeros(len(clips), dtype=bool) for arm in ARMS} for c in CONDITIONS}
    for number in range(folds):
        own = fold == number
        seen, asked = opinions(~own, [seed, 1, number]), opinions(own, [seed, 2, number])
        layers = {}
        for ending, parts in (("", 2), (SWAPS_SEEN, 3)):  # clean, missing and, last, swapped faces
            logits, sighted = zip(*list(seen.values())[:parts], strict=True)
            pooled = HeadLogits(np.concatenate(logits, axis=1), np.concatenate(sighted))
            layers[ending] = DecisionLayer.fit(pooled, np.tile(clips.labels[~own], parts))
        for condition, heads in asked.items():
            scores = {"fused": heads.logits[FUSED]}
            for ending, layer in layers.items():
                scores |= {name + ending: found for name, found in layer.decide(heads).items()}
            for arm in ARMS:
                right[condition][arm][own] = top1(scores[arm], clips.labels[own])
    return right
