"""A head on voices alone: how it is trained, and how its learning rate and epochs are chosen."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from mraf.data.clips import FeatureSet, unit
from mraf.evaluation.baselines import held_out
from mraf.evaluation.judge import top1
from mraf.model import standardise
from mraf.training.fit import fit, seeded
from mraf.variants.config import ModelConfig
from mraf.variants.margins import HEADS
from mraf_related.metrics import eer
from mraf_related.trials import Pairs, compact, draw_voice_trials, rates

BATCH = 256
CHOSEN_BY = {"naming": 3, "strangers": 2}  # runs for each setting, of which each leaves others out
LEARNING_RATES = {
    "naming": (3e-3, 1e-2, 3e-2, 1e-1, 3e-1),
    "strangers": (1e-4, 3e-4, 1e-3, 3e-3),
}
EPOCHS = (0, 1, 2, 4, 8, 16, 32, 64)  # none is the least there is


class Setting(NamedTuple):
    """What is chosen for each head."""

    learning_rate: float
    epochs: int


def fit_head(
    clips: FeatureSet,
    config: ModelConfig,
    seed: int,
    setting: Setting,
    projected: bool = False,
    after: Callable[[int, nn.Sequential], None] = lambda epoch, model: None,
) -> nn.Sequential:
    """Train a head on standardised voices with Adam; the global random state is left as it was.

    Args:
        config: head, margin, scale, curvature, start and speakers; the width is the voice's.
        projected: put a linear map before the head, which is trained, too. It starts as a rotation,
            so that no training leaves all cosines as they are.
        after: called with 0 before training, and after each epoch with its number; and the model.
    Returns:
        The projection, or an identity, and the head.
    """
    voice, speaker = _voices(clips), torch.from_numpy(np.array(clips.labels))

    def loss(rows: Tensor) -> Tensor:
        logits = head.with_margin(model(voice[rows]), speaker[rows])
        return F.cross_entropy(logits, speaker[rows])

    def batches(_: int) -> Iterator[tuple[Tensor]]:
        return ((rows,) for rows in torch.randperm(len(speaker)).split(BATCH))

    def stop(epoch: int) -> bool:
        after(epoch, model)
        return False

    rate, epochs = setting
    with seeded(seed, voice.device):
        first: nn.Module = nn.Identity()
        if projected:
            first = nn.Linear(config.width, config.width, bias=False)
            nn.init.orthogonal_(first.weight)
        head = HEADS[config.head](config)
        model = nn.Sequential(first, head)
        optimizer = torch.optim.Adam(model.parameters(), lr=rate, fused=True)
        name = f"head {config.head}"
        after(0, model)
        fit(name, optimizer, batches, loss, epochs, stop=stop, progress=False)
    return model.eval()


def _voices(clips: FeatureSet) -> Tensor:
    return standardise(torch.from_numpy(np.array(clips.voice)))


@torch.inference_mode()
def head_scores(model: nn.Sequential, clips: FeatureSet) -> NDArray[np.float32]:
    """Logits of the voices (N, C), without margin."""
    logits: NDArray[np.float32] = model(_voices(clips)).numpy()
    return logits


@torch.inference_mode()
def projected_voices(model: nn.Sequential | None, clips: FeatureSet) -> NDArray[np.float32]:
    """Unit rows (N, d) of the voices as a projection has them, or as they come."""
    voice = _voices(clips)
    return unit((voice if model is None else model[0](voice)).numpy())


def cosines(rows: NDArray[Any], trials: Pairs) -> NDArray[Any]:
    """Of both voices of each trial, by their unit rows (N, d)."""
    return np.einsum("nd,nd->n", rows[trials.voice], rows[trials.other])


Merit = Callable[[nn.Sequential], float]


def chosen(train: FeatureSet, config: ModelConfig, strangers: bool, seed: int = 0) -> Setting:
    """The learning rate and the epochs that serve clips best that were left out of training.

    Among equals the fewest epochs.

    Args:
        strangers: leave a fifth of the people out and minimise their EER, with a projection; else
            leave videos out and name their clips.
    """
    merit: dict[Setting, float] = defaultdict(float)
    task = "strangers" if strangers else "naming"
    for rate, run in product(LEARNING_RATES[task], range(CHOSEN_BY[task])):
        rng = np.random.default_rng([seed, run])
        own, value = _strangers(train, rng) if strangers else _videos(train, rng)
        known = replace(config, speakers=int(own.labels.max()) + 1) if strangers else config

        def after(
            epoch: int, model: nn.Sequential, rate: float = rate, value: Merit = value
        ) -> None:
            if epoch in EPOCHS:
                merit[Setting(rate, epoch)] += value(model)

        fit_head(own, known, run, Setting(rate, max(EPOCHS)), strangers, after)
    return max(merit, key=lambda setting: (merit[setting], -setting.epochs))


def _videos(train: FeatureSet, rng: np.random.Generator) -> tuple[FeatureSet, Merit]:
    """Clips to train on, and how many of the others a model names rightly."""
    left = held_out(train, rng)
    asked = train[left]
    return train[~left], lambda m: float(top1(head_scores(m, asked), asked.labels).mean())


def _strangers(train: FeatureSet, rng: np.random.Generator) -> tuple[FeatureSet, Merit]:
    people = np.unique(train.labels)
    left = np.isin(train.labels, rng.permutation(people)[: max(2, len(people) // 5)])
    own, asked = train[~left], train[left]
    trials = draw_voice_trials(asked, asked.labels, rng)
    known = replace(own, speaker=compact(own))

    def merit(model: nn.Sequential) -> float:
        return -float(eer(rates(cosines(projected_voices(model, asked), trials), trials)))

    return known, merit
