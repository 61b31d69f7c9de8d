"""A head in the plane, where all of it can be seen: what notebook 12 shows, as pure functions."""

from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from mraf.model import Head, standardise
from mraf.training.fit import fit, seeded
from mraf.variants.config import ModelConfig
from mraf.variants.margins import HEADS, clipping_radius, poincare_distance

Array = NDArray[Any]
NOBODY, OUTSIDE = -1, -2
TURN = np.linspace(0, 2 * np.pi, 721)  # once around the circle
ANGLES = np.linspace(0, np.pi, 181)
GRID = np.linspace(-1, 1, 161)
X, Y = np.meshgrid(GRID, GRID)
INSIDE = X**2 + Y**2 < 0.999


class Plane(NamedTuple):
    """Clips as a network with two dimensions before its head puts them."""

    points: Array  # embeddings, (N, 2)
    speaker: Array  # whose they are, (N,)
    centres: Array  # rows of the head's weight, (C, 2)
    side: Array  # both axes of the grid that was asked, (G,)
    winner: Array  # speaker with the largest logit on the grid, (G, G), rows along y

    @property
    def accuracy(self) -> float:
        """How many of the clips lie where their speaker wins, by the grid."""
        column, row = (np.abs(self.side[:, None] - at).argmin(axis=0) for at in self.points.T)
        return float((self.winner[row, column] == self.speaker).mean())

    @property
    def spread(self) -> float:
        """Mean angle between a clip and the mean direction of its speaker, in degrees."""
        turned = (self.points / np.linalg.norm(self.points, axis=1, keepdims=True)) @ [1, 1j]
        groups = (turned[self.speaker == k] for k in range(len(self.centres)))
        return float(np.degrees(np.mean([np.abs(np.angle(g / g.mean())).mean() for g in groups])))


def embed_in_plane(
    voice: Array, speaker: Array, steps: int = 300, seed: int = 0, **switches: Any
) -> Plane:
    """Train a linear map of voices (N, 192) into the plane and a head on it, together.

    Speakers (N,) are 0 … C - 1; switches are those of a `ModelConfig`: head, margin, scale, …
    """
    x, y = standardise(torch.from_numpy(np.array(voice))), torch.from_numpy(np.array(speaker))

    def loss(x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(head.with_margin(head(projection(x)), y), y)

    with seeded(seed, x.device):
        projection = nn.Linear(x.shape[1], 2, bias=False)
        config = ModelConfig(int(y.max()) + 1, width=2, **switches)
        head = HEADS[config.head](config)
        optimizer = torch.optim.Adam([*projection.parameters(), *head.parameters()], lr=0.01)
        fit("plane", optimizer, lambda _: [(x, y)], loss, steps, progress=False)
    with torch.inference_mode():
        points = projection(x)
        reach = 1.1 * float(points.abs().quantile(0.999))
        side = torch.linspace(-reach, reach, 241)
        winner = head(torch.cartesian_prod(side, side).flip(1)).argmax(dim=1).reshape(241, 241)
    return Plane(*(part.detach().numpy() for part in (points, y, head.weight, side, winner)))


class Margins(NamedTuple):
    """What a head with a margin asks of three speakers whose centres lie evenly on a circle."""

    kind: str  # am, aam or ham, as are the next three
    margin: float
    scale: float
    curvature: float
    radius: float  # to which the ball clips
    share: float  # of the circle that somebody wins in training; of the test it is all
    winner: Array  # who wins at each angle of `TURN` in training, NOBODY in between, (T,)
    disk: Array  # the same in the disk, of HAM without any clipping, (G, G), OUTSIDE beyond it
    without: Array  # probability of the first speaker from 0° to 180° in the test, (A,)
    with_margin: Array  # the same in training, (A,)
    at_centre: float  # cross-entropy in training of a clip that lies at its own centre


def margins(
    kind: str = "am", margin: float = 0.2, scale: float = 30.0, curvature: float = 3.0
) -> Margins:
    """Ask the head itself, all around the circle, and its distance all over the ball."""
    own = 2 * np.pi * np.arange(3) / 3
    centres = np.stack([np.cos(own), np.sin(own)], axis=1)
    config = ModelConfig(3, width=2, margin=margin, scale=scale, curvature=curvature)
    with torch.random.fork_rng(devices=[]):
        head = HEADS[kind](config).double()
    with torch.inference_mode():
        head.weight.copy_(torch.from_numpy(centres))
        seen = _logits(head, TURN)[1]
        plain, hardened = _logits(head, ANGLES)
        at_centre = F.cross_entropy(hardened[0, :1], torch.tensor([0])).item()
    wins = np.stack([(seen[k].argmax(dim=1) == k).numpy() for k in range(3)])
    winner = np.where(wins.any(axis=0), wins.argmax(axis=0), NOBODY)  # against his own margin
    radius = clipping_radius(curvature)
    disk = _disk(radius * centres, margin) if kind == "ham" else _slices(winner)
    return Margins(
        kind, margin, scale, curvature, radius, float((winner != NOBODY).mean()), winner, disk,
        plain.softmax(dim=1)[:, 0].numpy(), hardened[0].softmax(dim=1)[:, 0].numpy(), at_centre,
    )  # fmt: skip


def _logits(head: Head, angle: Array) -> tuple[Tensor, Tensor]:
    """Logits (A, 3) at angles, and as the cross-entropy of each speaker sees them (3, A, 3)."""
    x = torch.from_numpy(np.stack([np.cos(angle), np.sin(angle)], axis=1))
    plain = head(x)
    seen = [head.with_margin(plain, torch.full((len(x),), k)) for k in range(plain.shape[1])]
    return plain, torch.stack(seen)


def _slices(winner: Array) -> Array:
    """Who wins by the angle alone, on `GRID` x `GRID`."""
    turned = np.rint(np.arctan2(Y, X) % (2 * np.pi) * 360 / np.pi).astype(int)
    return np.where(INSIDE, winner[turned], OUTSIDE)


def _disk(centres: Array, margin: float) -> Array:
    """Who is nearer by the margin than all others, on `GRID` x `GRID`."""
    within = torch.from_numpy(np.where(INSIDE, [X, Y], 0).reshape(2, -1).T)
    distance = poincare_distance(within, torch.from_numpy(centres)).numpy()
    ranked = np.sort(distance, axis=1)
    clear = ranked[:, 1] - ranked[:, 0] > margin
    found = np.where(clear, distance.argmin(axis=1), NOBODY)
    return np.where(INSIDE, found.reshape(X.shape), OUTSIDE)
