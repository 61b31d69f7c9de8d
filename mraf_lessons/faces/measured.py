"""What networks make of worse faces and voices: who is named, and how much the face weighs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm.auto import tqdm

from mraf.data.clips import FeatureSet
from mraf.evaluation.judge import top1
from mraf.evaluation.predict import forward
from mraf.evaluation.robustness import Damage, scores_under
from mraf.variants.build import Network


def correct_and_weights(model: Network, clips: FeatureSet, batch: int = 512) -> NDArray[np.float32]:
    """For each clip whether the fused head is right, r_f and w_f, shape (N, 3)."""
    parts = []
    for start in range(0, len(clips), batch):
        out = forward(model, clips[start : start + batch])
        right = top1(out.logits.fused.float().cpu().numpy(), clips[start : start + batch].labels)
        found = [x.face[:, 0].float().cpu().numpy() for x in (out.reliability, out.weight)]
        parts.append(np.stack([right, *found], axis=1).astype(np.float32))
    return np.concatenate(parts)


def damage_table(
    models: Mapping[str, Network],
    clips: Mapping[str, FeatureSet],
    amounts: Mapping[Damage, Sequence[float]],
    seed: int = 0,
    progress: bool = True,
) -> pd.DataFrame:
    """How networks do under each amount of each damage.

    Args:
        models: by the name of their scorer.
        clips: with faces, by the name of their setting.
        amounts: of each damage.
    Returns:
        One row per scorer, setting, damage and amount: accuracy, and low, middle and high
        (quartiles of w_f).
    """
    rows = []
    tasks = [(m, s) for m in models for s in clips]
    for scorer, setting in tqdm(tasks, "damage", delay=2, leave=False, disable=not progress):
        look = partial(correct_and_weights, models[scorer])
        clean = look(clips[setting])
        for damage, steps in amounts.items():
            found = scores_under(look, clips[setting], damage, steps, seed, clean)
            for amount, seen in zip(steps, found, strict=True):
                of = {"scorer": scorer, "setting": setting, "damage": damage, "amount": amount}
                quartiles = np.quantile(seen[:, 2], [0.25, 0.5, 0.75])
                named = dict(zip(("low", "middle", "high"), quartiles.tolist(), strict=True))
                rows.append({**of, "accuracy": float(seen[:, 0].mean()), **named})
    return pd.DataFrame(rows)
