"""From sound to 192 numbers: a filterbank, a multi-resolution encoder and a small ECAPA-TDNN.

After arXiv 2509.19721. The paper feeds adapters inside a full ECAPA-TDNN and adds a frozen speech
model. Here all features are joined at the input of a small one. Kernels are ours to choose, since
the paper does not state them.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mraf.errors import RunError
from mraf_related.waveform import RATE

HOP, WINDOW = 160, 400  # of the filterbank, in samples: 10 and 25 ms
BANDS, SHIFTS = 40, (25, 50, 100, 200)  # shifts in samples: 1.56, 3.13, 6.25 and 12.5 ms


@dataclass(frozen=True)
class FrontEnd:
    """Which features the encoder hears.

    Raises RunError: none at all.
    """

    filterbank: bool = True
    remove_mean: bool = False  # of each band over the crop, as most recipes do
    shifts: tuple[int, ...] = SHIFTS  # of the multi-resolution encoder; none leaves it out

    def __post_init__(self) -> None:
        if not (self.filterbank or self.shifts):
            raise RunError("an encoder without filterbank and shifts hears nothing; give one.")


def mel_weights(bands: int = BANDS, points: int = 512) -> Tensor:
    """Triangles evenly spaced in mel from 60 to 7,600 Hz, shape (points / 2 + 1, bands)."""
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (60, 7600))
    edges = 700 * (10 ** (np.linspace(low, high, bands + 2) / 2595) - 1)
    at = np.fft.rfftfreq(points, 1 / RATE)[:, None]
    rise = (at - edges[:-2]) / np.diff(edges)[:-1]
    fall = (edges[2:] - at) / np.diff(edges)[1:]
    return torch.tensor(np.clip(np.minimum(rise, fall), 0, None), dtype=torch.float32)


def log_mel(wave: Tensor, weights: Tensor, remove_mean: bool = False) -> Tensor:
    """Log energies of the bands every 10 ms: (B, n) to (B, bands, n // HOP + 1)."""
    window = torch.hamming_window(WINDOW, device=wave.device)
    spectrum = torch.stft(wave, 2 * len(weights) - 2, HOP, WINDOW, window, return_complex=True)
    power = spectrum.real.square() + spectrum.imag.square()  # abs() takes a root first
    bands = torch.log(power.mT @ weights + 1e-3).mT
    return bands - bands.mean(dim=2, keepdim=True) if remove_mean else (bands + 1) / 3


class MultiResolution(nn.Module):
    """Learned features with windows of 2 k samples every k samples, for several k.

    Each resolution is rectified, compressed and smoothed, then averaged to the filterbank's frames.
    """

    def __init__(self, shifts: tuple[int, ...], channels: int = 16) -> None:
        super().__init__()
        self.windows = nn.ModuleList(
            nn.Conv1d(1, channels, 2 * k, stride=k, padding=k // 2, bias=False) for k in shifts
        )
        self.smooth = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm1d(channels), nn.Conv1d(channels, channels, 5, padding=2), nn.ReLU()
            )
            for _ in shifts
        )

    def forward(self, wave: Tensor) -> Tensor:
        frames = wave.shape[1] // HOP + 1
        found = []
        for window, smooth in zip(self.windows, self.smooth, strict=True):
            energy = torch.log1p(10 * window(wave[:, None]).abs())  # (B, channels, n / k)
            found.append(F.adaptive_avg_pool1d(smooth(energy), frames))
        return torch.cat(found, dim=1)  # (B, channels · shifts, frames)


class Block(nn.Module):
    """SE-Res2 block: convolutions over a growing reach, then a gate for each channel."""

    def __init__(self, channels: int, dilation: int, parts: int = 4) -> None:
        super().__init__()
        width = channels // parts
        self.first, self.last = (nn.Conv1d(channels, channels, 1) for _ in range(2))
        self.steps = nn.ModuleList(
            nn.Conv1d(width, width, 3, dilation=dilation, padding=dilation)
            for _ in range(parts - 1)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(channels) for _ in range(2))
        gate = nn.Linear(channels, width), nn.ReLU(), nn.Linear(width, channels), nn.Sigmoid()
        self.gate = nn.Sequential(*gate)

    def forward(self, x: Tensor) -> Tensor:
        untouched, *others = self.norms[0](self.first(x).relu()).chunk(len(self.steps) + 1, dim=1)
        found = [untouched]
        for step, part in zip(self.steps, others, strict=True):
            found.append(step(part if len(found) == 1 else part + found[-1]).relu())
        h = self.norms[1](self.last(torch.cat(found, dim=1)).relu())
        return x + h * self.gate(h.mean(dim=2))[:, :, None]


class Ecapa(nn.Module):
    """Frames (B, features, T) of any number to an embedding (B, 192).

    ECAPA-TDNN (Desplanques et al., 2020) with two blocks of 32 channels in place of three of 512.
    """

    def __init__(self, features: int, channels: int = 32, joined: int = 128) -> None:
        super().__init__()
        first = nn.Conv1d(features, channels, 5, padding=2), nn.ReLU(), nn.BatchNorm1d(channels)
        self.first = nn.Sequential(*first)
        self.blocks = nn.ModuleList(Block(channels, dilation) for dilation in (2, 3))
        self.joined = nn.Conv1d(2 * channels, joined, 1)
        scorer = nn.Conv1d(joined, channels, 1), nn.Tanh(), nn.Conv1d(channels, joined, 1)
        self.scorer = nn.Sequential(*scorer)
        self.norm = nn.BatchNorm1d(2 * joined)
        self.embedding = nn.Linear(2 * joined, 192)

    def frames(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """What each frame holds and how much it counts, both (B, joined, T)."""
        h, found = self.first(features), []
        for block in self.blocks:
            h = block(h)
            found.append(h)
        h = self.joined(torch.cat(found, dim=1)).relu()
        return h, self.scorer(h)

    def forward(self, features: Tensor) -> Tensor:
        h, score = self.frames(features)
        share = score.softmax(dim=2)  # of each frame, for each channel
        mean = (share * h).sum(dim=2)
        spread = (share * (h - mean[:, :, None]).square()).sum(dim=2).clamp(min=1e-5).sqrt()
        embedding: Tensor = self.embedding(self.norm(torch.cat([mean, spread], dim=1)))
        return embedding


class VoiceEncoder(nn.Module):
    """Sound at 16 kHz (B, n) to embeddings (B, 192), by the features of a front end."""

    mel: Tensor

    def __init__(self, front: FrontEnd | None = None) -> None:
        super().__init__()
        self.front = front = front or FrontEnd()
        self.register_buffer("mel", mel_weights(), persistent=False)
        self.resolutions = MultiResolution(front.shifts) if front.shifts else None
        self.ecapa = Ecapa(BANDS * front.filterbank + 16 * len(front.shifts))

    def features(self, wave: Tensor) -> Tensor:
        """What the front end tells of sound (B, n), shape (B, features, n // HOP + 1)."""
        parts = []
        if self.front.filterbank:
            parts.append(log_mel(wave, self.mel, self.front.remove_mean))
        if self.resolutions is not None:
            parts.append(self.resolutions(wave))
        return torch.cat(parts, dim=1)

    def forward(self, wave: Tensor) -> Tensor:
        embedding: Tensor = self.ecapa(self.features(wave))
        return embedding
