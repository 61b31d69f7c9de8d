"""Checks of notebook 04, training."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mraf.training.config import Config
from mraf_lessons.kit.checker import Answer, Verdict, ask, judge, refused, unless

TINY = {"width": 64, "tokens": 2, "epochs": 3, "batch_size": 256, "learning_rate": 2e-3}
"""As in section 7 of the notebook: small enough to be trained while one waits."""


def center_gradient(answer: Answer) -> Verdict:
    """The gradient of ½ Σ ‖e - μ_y‖² with respect to the centres, shape (C, d)."""
    rng = np.random.default_rng(0)
    embedding, centers = rng.normal(size=(5, 3)), rng.normal(size=(4, 3))
    speaker = np.array([1, 1, 0, 1, 3])  # speaker 2 has no clip in the batch
    pull = centers[speaker] - embedding
    member = np.eye(4)[speaker].T
    right, last = member @ pull, np.zeros_like(centers)
    last[speaker] += pull
    clips = np.maximum(member.sum(axis=1, keepdims=True), 1)
    said = {
        "A speaker without a clip in the batch stays where it is.": right,
        "The sign: a step against the gradient would push the centres away.": -right,
        "`g[speaker] += …` keeps the last clip only; np.add.at or index_add adds them all.": last,
        "That is the mean over a speaker's clips; the loss is a sum.": right / clips,
        "That is the gradient on the embeddings, a row for each clip.": -pull,
        "A row for each clip: add up the rows of each speaker.": pull,
    }
    return judge(ask(answer, embedding, centers, speaker), said)


def equal_weight(answer: object, config: Config) -> Verdict:
    """The weight that makes the centre loss as a sum the same objective as the mean."""
    batch, width = config.training.batch_size, config.model.width
    weight = config.training.center_weight
    said = {
        "It holds for this batch size only; the mean needs no such care.": weight / batch / width,
        "The mean is over all entries of e_c: d of them for each clip.": weight / batch,
        "That is right for a batch of one clip: the sum runs over B clips.": weight / width,
        "Upside down: the sum is larger, so it needs less weight.": weight * batch * width,
        "Keep the weight that the mean has: λ_center times that.": 1 / (batch * width),
        "With the same weight the sum is B · d times as strong.": weight,
    }
    return judge(answer, said)


def fair_pair(
    answer: Answer, key: str, values: tuple[float, float], sizes: Mapping[str, Any] = TINY
) -> Verdict:
    """Two configurations of the given sizes that differ in one setting, a pair for each seed."""
    for seed in (0, 1):
        pair = ask(answer, seed)
        two = isinstance(pair, tuple | list) and len(pair) == 2
        if not two or not all(isinstance(config, Config) for config in pair):
            return refused(pair, "Return two configurations, as `configure` makes them.")
        parts = [config.to_dict() for config in pair]
        first, second = ({**part["model"], **part["training"]} for part in parts)
        differ = [name for name in first if first[name] != second[name] and name != key]
        other = [name for name in sizes if name != key and first[name] != sizes[name]]
        large = [f"{name}={first[name]:g}, TINY has {sizes[name]:g}" for name in other]
        found = first[key], second[key]
        hints = {
            f"They also differ in {', '.join(differ)}: what would the cause be?": differ,
            f"Both have {''.join(large[:1])}: spread it into both.": large,
            "Every pair has the same seed: that is one experiment.": first["seed"] != seed,
            f"Both have {key}={found[0]:g}: nothing is compared.": found[0] == found[1],
            f"The other way round: {key}={values[0]:g} comes first.": found == values[::-1],
        }
        said = {"One change, the same luck on both sides.": list(values)}
        verdict = unless(hints) and judge(found, said)
        if not verdict:
            break
    return verdict
