"""Every head on the voice alone: one layer on ECAPA embeddings, five seeds, P4 and P6.

No network stands between the voice and the head, so that whatever differs is the head. The learning
rate is chosen for each head on whole videos held out of the training clips. Intervals are of other
speakers: whoever is drawn is drawn with all clips in both languages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from tqdm.auto import tqdm

from mraf.data.clips import Corpus, FeatureSet
from mraf.data.splits import P4, P6, Split, validation_split
from mraf.evaluation.baselines import ClassMeans, held_out
from mraf.evaluation.differences import ArmRuns, compare_arms, scores
from mraf.evaluation.judge import top1
from mraf.model import Head, standardise
from mraf.related.study import as_markdown, beside
from mraf.training.fit import fit, seeded
from mraf.variants.config import ModelConfig
from mraf.variants.margins import HEADS

SEEDS = tuple(range(5))
EPOCHS, BATCH = 30, 256
LEARNING_RATES = (1e-3, 3e-3, 1e-2, 3e-2)
METRICS = ("P4", "P6", "without face")
REFERENCE, CLASS_MEANS = "linear", "class means"
ARMS: Mapping[str, Mapping[str, Any]] = {
    "linear": {"head": "linear"},
    "cosine": {"head": "am", "margin": 0.0},
    **{name: {"head": name} for name in ("am", "aam", "h", "ham", "h_exp")},
}


def fit_head(
    clips: FeatureSet,
    config: ModelConfig,
    seed: int = 0,
    learning_rate: float = 1e-2,
    epochs: int = EPOCHS,
) -> Head:
    """Train one head on standardised voices with Adam; the global random state is left as it was.

    Args:
        config: head, margin, scale, curvature and the number of speakers; the width is the voice's.
    """
    voice, speaker = _voices(clips), torch.from_numpy(np.array(clips.labels))

    def loss(rows: Tensor) -> Tensor:
        return F.cross_entropy(head.with_margin(head(voice[rows]), speaker[rows]), speaker[rows])

    def batches(_: int) -> Iterator[tuple[Tensor]]:
        return ((rows,) for rows in torch.randperm(len(speaker)).split(BATCH))

    with seeded(seed, voice.device):
        head = HEADS[config.head](config)
        optimizer = torch.optim.Adam(head.parameters(), lr=learning_rate, fused=True)
        fit(f"head {config.head}", optimizer, batches, loss, epochs, progress=False)
    return head.eval()


def head_scores(head: Head, clips: FeatureSet) -> NDArray[np.float32]:
    """Logits of the voices (N, C), without margin."""
    with torch.inference_mode():
        logits: NDArray[np.float32] = head(_voices(clips)).numpy()
    return logits


def _voices(clips: FeatureSet) -> Tensor:
    return standardise(torch.from_numpy(np.array(clips.voice)))


def chosen_learning_rate(train: FeatureSet, config: ModelConfig) -> float:
    """The rate that names most clips of held-out training videos; of equals the smallest."""
    held = held_out(train, np.random.default_rng(0))

    def right(rate: float) -> float:
        head = fit_head(train[~held], config, 0, rate)
        return float(top1(head_scores(head, train[held]), train[held].labels).mean())

    return max(LEARNING_RATES, key=right)


def table(corpus: Corpus) -> pd.DataFrame:
    """Accuracy of each head, and how much more it is than that of the linear one.

    Returns:
        A row per head and metric: head, metric, accuracy, low, high, difference, difference_low,
        difference_high, p_holm, verdict (NaN for the linear head), learning_rate, seeds, corpus.
    """
    split = validation_split(corpus)
    rates: dict[str, float] = {}
    arms: dict[str, ArmRuns] = {}
    for name, switches in tqdm(ARMS.items(), "heads"):
        config = ModelConfig(corpus.speakers, width=corpus.sizes["voice_dim"], **switches)
        rates[name] = chosen_learning_rate(split.train, config)
        heads = [fit_head(split.train, config, seed, rates[name]) for seed in SEEDS]
        arms[name] = _judge(name, split, [partial(head_scores, head) for head in heads])
    means = ClassMeans(split.train, "voice")
    untrained = [lambda clips: means(clips)[means.name]] * len(SEEDS)
    arms[CLASS_MEANS] = _judge(CLASS_MEANS, split, untrained)
    found = pd.concat({name: scores(runs, METRICS) for name, runs in arms.items()}, names=["head"])
    compared = compare_arms(arms, REFERENCE, METRICS).rename_axis(["head", "metric"])
    rows = beside(found, compared.drop(columns=["superiority", "p"]))
    rate = rows["head"].map(rates)
    return rows.assign(learning_rate=rate, seeds=len(SEEDS), corpus=corpus.name)


def _judge(
    name: str, split: Split, systems: Sequence[Callable[[FeatureSet], NDArray[Any]]]
) -> ArmRuns:
    """Clips of each speaker named rightly by the runs of one head, a run a seed."""
    correct: dict[str, NDArray[Any]] = {}
    spoken: dict[str, NDArray[Any]] = {}
    for setting in (P4, P6):
        clips = split.clips(setting)
        of_speaker = partial(np.bincount, clips.labels, minlength=split.speakers)
        right = [of_speaker(weights=top1(system(clips), clips.labels)) for system in systems]
        correct[setting.name] = np.stack(right)
        spoken[setting.language] = of_speaker()
    return ArmRuns(name, SEEDS, correct, spoken, unit="speaker")


def summary(table: pd.DataFrame) -> str:
    """Accuracy of each head and its difference to the linear one, as Markdown."""
    return as_markdown(table, ["head", "metric"], REFERENCE)
