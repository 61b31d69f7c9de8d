"""What a shared space has to beat: FOP's branches, and canonical correlation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from mraf.data.clips import FeatureSet, unit
from mraf.errors import RunError
from mraf.evaluation.baselines import FittedFOP, fit_fop
from mraf_related.metrics import eer
from mraf_related.shared_space.space import Embedding
from mraf_related.trials import compact, draw_trials, rates


@dataclass(frozen=True, eq=False)
class FOPBranches:
    """The two branches of a trained FOP as a space: its classifier is linear in their sum."""

    fitted: FittedFOP

    @torch.inference_mode()
    def __call__(self, clips: FeatureSet) -> Embedding:
        network = self.fitted.network
        device = network.classifier.weight.device
        pairs = (
            (network.face, network.face_weight, clips.face),
            (network.voice, network.voice_weight, clips.voice),
        )
        rows = (
            # as it enters the sum; the length is lost in the cosine, the sign is not
            F.normalize(branch(torch.tensor(np.asarray(x)).to(device))) * weight.sign()
            for branch, weight, x in pairs
        )
        return Embedding(*(x.cpu().numpy() for x in rows))


def fit_fop_branches(train: FeatureSet, seed: int = 0) -> FOPBranches:
    """FOP by the challenge's recipe on the speakers that occur. Raises as `fit_fop`."""
    known = replace(train, speaker=compact(train))
    speakers = int(known.labels.max()) + 1
    return FOPBranches(fit_fop(known, speakers, seed, device="cpu", progress=False))


@dataclass(frozen=True, eq=False)
class CanonicalCorrelation:
    """A linear map for each modality, under which the two of a clip are as correlated as can be."""

    face: tuple[NDArray[Any], NDArray[Any]]  # mean (D_m,) and map (D_m, components)
    voice: tuple[NDArray[Any], NDArray[Any]]
    correlation: NDArray[Any]  # of each component on the training clips, shape (components,)

    def __call__(self, clips: FeatureSet) -> Embedding:
        pairs = ((self.face, clips.face), (self.voice, clips.voice))
        return Embedding(*(unit((unit(x) - mean) @ turn) for (mean, turn), x in pairs))


def fit_canonical_correlation(
    train: FeatureSet, components: int = 20, shrinkage: float = 0.1
) -> CanonicalCorrelation:
    """Canonical correlation analysis of the clips' unit-length faces and voices.

    Components are weighted by their correlation, so that weak ones say little.

    Args:
        components: kept, the most correlated first.
        shrinkage: share of each covariance that is replaced by a multiple of the identity.
    Raises:
        RunError: a setting outside its range.
    """
    if not 1 <= components <= train.voice.shape[1] or not 0 < shrinkage <= 1:
        raise RunError(f"components={components}, shrinkage={shrinkage}: outside their range.")
    means = [unit(rows).mean(axis=0, dtype=np.float64) for rows in (train.face, train.voice)]
    face, voice = unit(train.face) - means[0], unit(train.voice) - means[1]
    whitening = []
    for x in (face, voice):
        energy, axes = np.linalg.eigh(x.T @ x / len(x))
        energy = (1 - shrinkage) * energy.clip(0) + shrinkage * energy.mean()
        whitening.append(axes / np.sqrt(energy) @ axes.T)
    common = whitening[0] @ (face.T @ voice / len(train)) @ whitening[1]
    left, weight, right = np.linalg.svd(common, full_matrices=False)
    turns = [
        whiten @ side[:, :components] * np.sqrt(weight[:components])
        for whiten, side in zip(whitening, (left, right.T), strict=True)
    ]
    first, second = face @ turns[0], voice @ turns[1]
    lengths = np.linalg.norm(first, axis=0) * np.linalg.norm(second, axis=0)
    correlation = (first * second).sum(axis=0) / lengths
    return CanonicalCorrelation((means[0], turns[0]), (means[1], turns[1]), correlation)


def fit_chosen_correlation(
    train: FeatureSet, seed: int = 0, choices: Sequence[int] = (2, 5, 10, 20)
) -> CanonicalCorrelation:
    """`fit_canonical_correlation` with the number of components that serves strangers best.

    Chosen by the EER on a fifth of the training identities after fitting on the others.

    Raises:
        DataError: too few identities to hold some out.
    """
    rng = np.random.default_rng(seed)
    people = np.unique(train.labels)
    held = rng.permutation(people)[: max(2, len(people) // 5)]
    rest = train[~np.isin(train.labels, held)]
    trials = draw_trials(train, held, rng)

    def error(components: int) -> float:
        space = fit_canonical_correlation(rest, components)(train)
        return float(eer(rates(space.cosine(trials.other, trials.voice), trials)))

    return fit_canonical_correlation(train, min(choices, key=error))
