"""The golden record: a few numbers that say whether two networks compute the same.

A kept run is valid as long as its configuration means the same mathematics. So it carries these
numbers, computed anew by whoever reads it: width at most 64, no dropout, float32, made-up clips.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain, islice

import numpy as np
import torch
from torch import Tensor

from mraf.training.batches import TrainingClips
from mraf.training.config import Config
from mraf.training.fit import seeded
from mraf.training.loop import Learner, make_optimizer
from mraf.variants.build import Network, beside_class_means

CLIPS, SPEAKERS, VIDEOS, WIDTH = 48, 6, 16, 64
TOLERANCE = 1e-5  # relative, and absolute for numbers below 1

Numbers = dict[str, float]


def golden_numbers(config: Config, steps: int = 1) -> Numbers:
    """By name, sums that another initial weight, logit, loss or gradient would change.

    Precision, dropout and the number of epochs have no part; nor, with one step, has the optimiser
    (its rates, schedule, weight decay). Losses and gradient are those of the last of ``steps``.
    """
    width = min(config.model.width, WIDTH)
    small = Config(
        replace(config.model, speakers=SPEAKERS, width=width, dropout=0.0),
        replace(config.training, batch_size=min(config.training.batch_size, 32)),
    )
    clips, seed = _clips(small.model.face_dim, small.model.voice_dim), small.training.seed
    with seeded(seed, torch.device("cpu")):
        learner = Learner(small, clips.clips_of(SPEAKERS))
        model = beside_class_means(learner.model)
        clips.fit(model, torch.Generator().manual_seed(seed))
        numbers = _sums("initial", learner.parameters())
        numbers |= _logits(model.eval(), clips)
        epochs = (clips.batches(small.training, epoch) for epoch in range(steps))
        first, *others = islice(chain.from_iterable(epochs), steps)
        losses = learner.train()(first)
        losses.loss.backward()
        if others:  # an optimiser makes torch load its compiler, which takes a second
            optimizer = make_optimizer(learner, small.training)
        for batch in others:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            losses = learner(batch)
            losses.loss.backward()
    numbers |= {name: value.item() for name, value in losses._asdict().items()}
    return numbers | _sums("gradient", (p.grad for p in learner.parameters() if p.grad is not None))


def same(first: Mapping[str, float], second: Mapping[str, float]) -> bool:
    """Whether two records say the same, within the rounding of another machine."""
    return first.keys() == second.keys() and all(
        abs(a - second[name]) <= TOLERANCE * max(1.0, abs(a)) for name, a in first.items()
    )


def _clips(*widths: int) -> TrainingClips:
    """48 made-up clips: six speakers, uneven, in sixteen videos, each near its speaker's centre."""
    rng = np.random.default_rng(7)
    speaker = np.minimum(np.arange(CLIPS) // 5, SPEAKERS - 1)
    video = np.arange(CLIPS) // (CLIPS // VIDEOS)
    face, voice = (
        rng.normal(size=(SPEAKERS, dim))[speaker] + 2 * rng.normal(size=(CLIPS, dim))
        for dim in widths
    )
    face /= np.linalg.norm(face, axis=1, keepdims=True)
    arrays = (face.astype(np.float32), 20 * voice.astype(np.float32), speaker, video)
    return TrainingClips(*(torch.from_numpy(x) for x in arrays))


@torch.no_grad()
def _logits(model: Network, clips: TrainingClips) -> Numbers:
    number = torch.arange(CLIPS)
    wrong = (number % 5 == 0)[:, None]  # the face of another clip, for what judges faces
    face = torch.where(wrong, clips.face.roll(CLIPS // 2, 0), clips.face)
    out = model(face * (number % 3 > 0)[:, None], clips.voice)  # a third has none
    ramp = torch.cos(torch.arange(CLIPS * SPEAKERS, dtype=torch.float64)).view(CLIPS, SPEAKERS)
    named = out.logits._asdict().items()
    return {f"logits {name}": float((z.double() * ramp).sum()) for name, z in named}


def _sums(name: str, tensors: Iterable[Tensor]) -> Numbers:
    """Number, sum and sum of squares, in whatever order the tensors come."""
    flat = torch.cat([x.detach().double().flatten() for x in tensors])
    sums = {"sum": flat.sum().item(), "squares": flat.square().sum().item()}
    return {f"{name} {kind}": value for kind, value in {"count": float(len(flat)), **sums}.items()}
