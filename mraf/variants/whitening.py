"""Features brought into a space where one speaker's videos lie alike. Ours; not in the paper.

Microphone, room and day move a voice more in some directions than in others. Within-class
covariance normalisation (WCCN, Hatch et al. 2006) evens that out, with what the training videos
tell about it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SHRINKAGE = 0.7  # of the covariance towards a sphere: a few hundred videos tell little of 192 axes


class UnitRows(nn.Module):
    """Features as they come, of length 1."""

    def fit(self, rows: Tensor, speaker: Tensor, video: Tensor) -> None:
        """Nothing is measured."""

    def forward(self, rows: Tensor) -> Tensor:
        return F.normalize(rows, dim=-1)


class Whitening(UnitRows):
    """Length 1, centred, and with ``covariance`` whitened by what differs within a speaker."""

    center: Tensor
    matrix: Tensor

    def __init__(self, dim: int, covariance: bool) -> None:
        super().__init__()
        self.covariance = covariance
        self.register_buffer("center", torch.zeros(dim))
        self.register_buffer("matrix", torch.eye(dim if covariance else 0))

    @torch.no_grad()
    def fit(self, rows: Tensor, speaker: Tensor, video: Tensor) -> None:
        """Measure training clips (N, D), their labels and the numbers of their videos (N,).

        Every video counts once for its speaker, and every speaker once.
        """
        pairs, own = torch.stack([speaker, video]).unique(dim=1, return_inverse=True)
        of_video = pairs[0].unique(return_inverse=True)[1]  # speaker of each video, from 0 on
        self.center.copy_(_mean(_mean(F.normalize(rows, dim=-1), own), of_video).mean(dim=0))
        if self.covariance:
            self.matrix.copy_(_whitening(self._centred(rows), own, of_video))

    def forward(self, rows: Tensor) -> Tensor:
        """Rows (B, D) of length 1; a row of zeros, a missing face, stays one."""
        centred = self._centred(rows)
        if self.covariance:
            centred = F.normalize(centred @ self.matrix, dim=-1)
        return centred * rows.any(dim=-1, keepdim=True)

    def _centred(self, rows: Tensor) -> Tensor:
        return F.normalize(F.normalize(rows, dim=-1) - self.center, dim=-1)


def _mean(rows: Tensor, group: Tensor) -> Tensor:
    """Mean of the rows (N, D) of each group 0 … G-1, shape (G, D)."""
    size = group.bincount()
    return rows.new_zeros(len(size), rows.shape[1]).index_add(0, group, rows) / size[:, None]


def _whitening(rows: Tensor, own: Tensor, of_video: Tensor) -> Tensor:
    """W^-½ (D, D) of centred unit rows (N, D), their videos (N,) and the videos' speakers (V,).

    W is the covariance within a video plus that between a speaker's videos, shrunk to a sphere.
    """
    videos = _mean(rows, own)
    within = (rows - videos[own]) / own.bincount()[own, None].sqrt()
    between = videos - _mean(videos, of_video)[of_video]  # 0 where a speaker has one video
    freedom = max(len(of_video) - int(of_video.max()) - 1, 1)
    covariance = within.T @ within / len(videos) + between.T @ between / freedom
    size = covariance.diagonal().mean()
    sphere = torch.eye(len(covariance), device=rows.device)
    shrunk = (1 - SHRINKAGE) * covariance / size + SHRINKAGE * sphere
    values, vectors = torch.linalg.eigh(shrunk.cpu())  # not every device has it
    return ((vectors * values.rsqrt()) @ vectors.T).to(rows.device)
