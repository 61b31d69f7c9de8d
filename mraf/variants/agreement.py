"""Do face and voice name the same person? What a scorer that sees one modality cannot know.

Where the speaker is known, the face tells nothing more of the voice. So for C speakers who are
equally probable beforehand, a face and a voice of one person are

    B = C Σ_c p(c | x_f) p(c | x_a)

times as probable as those of two persons drawn apart: the Bayes factor. It is C where both name the
same speaker for certain, near 0 where they name different ones, and 1 where either tells nothing,
so that a bad voice does not discredit a good face. By Bayes' rule the odds that the face is the
voice's own are the odds before times B; in logits, as Eq. 10 has them, ln B is added. It may only
speak against a face, since the right face is no better a picture than Eq. 10 takes it for:

    r_f = σ(W e_f + b + min(ln B, 0)).

p(c | x_m) is a softmax of cosines to class means of the training clips, to which one answer more is
added: nobody that is known, of cosine θ, which is shared out among all speakers evenly. Without it
noise, which is like nobody, would still name somebody. Temperature and θ are those that make the
speakers of training clips likeliest when each is judged without its own video, as a new clip will
be. Nothing of this is trained, and no wrong face is needed for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mraf.errors import DataError, RunError
from mraf.model import Sizes
from mraf.variants.whitening import Whitening

SHARPNESS = (1.0, 1000.0)  # 1 / T is looked for between these


class Agreement(nn.Module):
    """ln B for faces and voices as they come; fit on training clips before training.

    It holds class means of features, so a checkpoint with it holds biometrics of people.
    """

    face_means: Tensor
    voice_means: Tensor
    sharpness: Tensor
    nobody: Tensor
    fitted: Tensor

    def __init__(self, sizes: Sizes, whitened: bool = False) -> None:
        super().__init__()
        self.register_buffer("face_means", torch.zeros(sizes.speakers, sizes.face_dim))
        self.register_buffer("voice_means", torch.zeros(sizes.speakers, sizes.voice_dim))
        self.register_buffer("sharpness", torch.ones(2))  # 1 / T of faces and of voices
        self.register_buffer("nobody", torch.zeros(2))  # θ of faces and of voices
        self.register_buffer("fitted", torch.tensor(False))
        self.of_faces = Whitening(sizes.face_dim, covariance=False) if whitened else None
        self.of_voices = Whitening(sizes.voice_dim, covariance=True) if whitened else None

    @torch.no_grad()
    def fit(self, face: Tensor, voice: Tensor, speaker: Tensor, video: Tensor) -> None:
        """Class means and temperatures of complete training clips.

        Args:
            face, voice: (N, 512) and (N, 192).
            speaker: labels (N,).
            video: numbers of the videos (N,).
        Raises:
            DataError: no speaker has two videos, so nothing is known about a new one.
        """
        for number, (means, space, x) in enumerate(
            (
                (self.face_means, self.of_faces, face),
                (self.voice_means, self.of_voices, voice),
            )
        ):
            if space is not None:
                space.fit(x.float(), speaker, video)
            rows = self._rows(x, space)
            total = torch.zeros_like(means).index_add_(0, speaker, rows)
            means.copy_(F.normalize(total, dim=-1))
            cosine, label = _left_out(rows, total, speaker, video)
            self.sharpness[number] = sharpness = _sharpness(cosine, label)
            self.nobody[number] = _nobody(sharpness * cosine, label, sharpness)
        self.fitted.fill_(True)

    def speakers(self, face: Tensor, voice: Tensor) -> tuple[Tensor, Tensor]:
        """ln p(c | x_f) and ln p(c | x_a), shapes (B, C), for features as they come.

        Without the answer "nobody": the speakers that are known are all there are.
        """
        by_face, by_voice = self._scores(face, voice)
        return by_face.log_softmax(dim=-1), by_voice.log_softmax(dim=-1)

    def _scores(self, face: Tensor, voice: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines over T, shapes (B, C)."""
        if not torch.compiler.is_compiling() and not self.fitted:
            raise RunError("Agreement has seen no clips: call fit(face, voice, speaker, video).")
        named = []
        with torch.autocast(face.device.type, enabled=False):
            for x, space, means, sharpness in (
                (face, self.of_faces, self.face_means, self.sharpness[0]),
                (voice, self.of_voices, self.voice_means, self.sharpness[1]),
            ):
                named.append(sharpness * (self._rows(x, space) @ means.T))
        return named[0], named[1]

    def voice_rows(self, voice: Tensor) -> Tensor:
        """Voices (B, 192) as unit rows in the space of ``voice_means``."""
        return self._rows(voice, self.of_voices)

    @staticmethod
    def _rows(x: Tensor, space: Whitening | None) -> Tensor:
        return F.normalize(x.float(), dim=-1) if space is None else space(x.float())

    def against(self, face: Tensor, voice: Tensor) -> Tensor:
        """min(ln B, 0), shape (B, 1): what speaks against the face."""
        evidence: Tensor = self(face, voice).clamp(max=0)
        return evidence

    def forward(self, face: Tensor, voice: Tensor) -> Tensor:
        """ln B, shape (B, 1); about 0 for a face of zeros, which tells nothing."""
        by_face, by_voice = (
            with_nobody(scores, sharpness * nobody)
            for scores, sharpness, nobody in zip(
                self._scores(face, voice), self.sharpness, self.nobody, strict=True
            )
        )
        together = (by_face + by_voice).logsumexp(dim=-1, keepdim=True)
        return together + math.log(by_face.shape[-1])


def with_nobody(scores: Tensor, nobody: Tensor) -> Tensor:
    """ln p(c | x), shape (B, C), where a further score stands for nobody that is known.

    Args:
        scores: of the speakers (B, C).
        nobody: a number; its share is divided evenly among the speakers.
    """
    everything = torch.logaddexp(scores.logsumexp(dim=-1, keepdim=True), nobody)
    return torch.logaddexp(scores, nobody - math.log(scores.shape[-1])) - everything


def _left_out(rows: Tensor, total: Tensor, speaker: Tensor, video: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines of clips to class means without their own videos (M, C), and their speakers (M,).

    Clips of a speaker with a single video are not among them.

    Args:
        rows: unit features (N, D).
        total: their sum by speaker (C, D).
    """
    pair = torch.stack([speaker, video], dim=1).unique(dim=0, return_inverse=True)[1]
    of_pair = torch.zeros(int(pair.max()) + 1, rows.shape[1], device=rows.device)
    of_pair.index_add_(0, pair, rows)
    clips, pairs = speaker.bincount(minlength=len(total)), pair.bincount()
    others = clips[speaker] > pairs[pair]  # clips whose speaker has another video
    if not others.any():
        raise DataError(
            "no speaker has two training videos, so class means cannot be calibrated; "
            "set scorer=own and shortcut=none."
        )
    cosine = rows @ F.normalize(total, dim=-1).T  # (N, C)
    left = F.normalize(total[speaker] - of_pair[pair], dim=-1)
    cosine[torch.arange(len(rows)), speaker] = (rows * left).sum(dim=-1)
    return cosine[others].cpu().double(), speaker[others].cpu()  # not every device has float64


def _sharpness(cosine: Tensor, label: Tensor) -> float:
    """1 / T under which the labels are likeliest."""
    log = _minimum(
        lambda log: F.cross_entropy(math.exp(log) * cosine, label),
        *(math.log(bound) for bound in SHARPNESS),
    )
    return math.exp(log)


def _nobody(scores: Tensor, label: Tensor, sharpness: float) -> float:
    """θ, a cosine, under which the labels are likeliest."""

    def loss(cosine: float) -> Tensor:
        return F.nll_loss(with_nobody(scores, torch.tensor(sharpness * cosine)), label)

    return _minimum(loss, -1.0, 1.0)


def _minimum(loss: Callable[[float], Tensor], low: float, high: float) -> float:
    from scipy.optimize import minimize_scalar  # half a second, which only fitting should cost

    found = minimize_scalar(lambda x: loss(x).item(), bounds=(low, high), method="bounded")
    return float(found.x)
