"""Do face and voice name the same person? What a scorer that sees one modality cannot know.

For C speakers who are equally probable beforehand, a face and a voice of one person are

    B = C Σ_c p(c | x_f) p(c | x_a)

times as probable as those of two persons drawn apart: the Bayes factor. It is 1 where either tells
nothing, so that a bad voice does not discredit a good face. In the logits of Eq. 10, ln B is added
where it speaks against the face:

    r_f = σ(W e_f + b + min(ln B, 0)).

p(c | x_m) is a softmax of cosines to class means of the training clips and of one answer more:
nobody that is known, of cosine θ, shared out among all speakers evenly. Temperature and θ make the
speakers of training clips likeliest, each judged without its own video. Nothing is trained.
"""

import math
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mraf.errors import DataError, RunError
from mraf.model import Sizes
from mraf.variants.whitening import UnitRows, Whitening

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
        self.of_faces, self.of_voices = UnitRows(), UnitRows()
        if whitened:
            self.of_faces = Whitening(sizes.face_dim, covariance=False)
            self.of_voices = Whitening(sizes.voice_dim, covariance=True)

    def _parts(self, face: Tensor, voice: Tensor) -> Iterator[tuple[UnitRows, Tensor, Tensor]]:
        """For faces, then for voices: their space, their class means and the features."""
        yield self.of_faces, self.face_means, face.float()
        yield self.of_voices, self.voice_means, voice.float()

    @torch.no_grad()
    def fit(self, face: Tensor, voice: Tensor, speaker: Tensor, video: Tensor) -> None:
        """Class means and temperatures of complete training clips (N, 512) and (N, 192).

        Raises DataError: no speaker has two videos, so nothing is known about a new one.
        """
        for number, (space, means, x) in enumerate(self._parts(face, voice)):
            space.fit(x, speaker, video)
            rows = space(x)
            total = torch.zeros_like(means).index_add_(0, speaker, rows)
            means.copy_(F.normalize(total, dim=-1))
            cosine, label = _left_out(rows, total, speaker, video)
            self.sharpness[number], self.nobody[number] = _likeliest(cosine, label)
        self.fitted.fill_(True)

    def speakers(self, face: Tensor, voice: Tensor) -> tuple[Tensor, Tensor]:
        """ln p(c | x_f) and ln p(c | x_a), shapes (B, C), for features as they come.

        Without the answer "nobody": the speakers that are known are all there are.
        """
        by_face, by_voice = self._scores(face, voice)
        return by_face.log_softmax(dim=-1), by_voice.log_softmax(dim=-1)

    def forward(self, face: Tensor, voice: Tensor) -> Tensor:
        """ln B, shape (B, 1); about 0 for a face of zeros, which tells nothing."""
        nobody = self.sharpness * self.nobody
        by_face, by_voice = map(with_nobody, self._scores(face, voice), nobody)
        together = (by_face + by_voice).logsumexp(dim=-1, keepdim=True)
        return together + math.log(by_face.shape[-1])

    def _scores(self, face: Tensor, voice: Tensor) -> list[Tensor]:
        """Cosines over T, shapes (B, C)."""
        if not torch.compiler.is_compiling() and not self.fitted:
            raise RunError("Agreement has seen no clips: call fit(face, voice, speaker, video).")
        with torch.autocast(face.device.type, enabled=False):
            return [
                sharpness * (space(x) @ means.T)
                for sharpness, (space, means, x) in zip(
                    self.sharpness, self._parts(face, voice), strict=True
                )
            ]


def with_nobody(scores: Tensor, nobody: Tensor) -> Tensor:
    """ln p(c | x), shape (B, C), of scores (B, C) and a further one for nobody that is known.

    The share of ``nobody``, a number, is divided evenly among the speakers.
    """
    everything = torch.logaddexp(scores.logsumexp(dim=-1, keepdim=True), nobody)
    return torch.logaddexp(scores, nobody - math.log(scores.shape[-1])) - everything


def _left_out(rows: Tensor, total: Tensor, speaker: Tensor, video: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines to class means without a clip's own video (M, C), and the speakers (M,).

    Only of speakers with several videos; ``total`` (C, D) sums the unit ``rows`` (N, D) by speaker.
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


def _likeliest(cosine: Tensor, label: Tensor) -> tuple[float, float]:
    """1 / T, and with it θ, under which the labels (M,) of cosines (M, C) are likeliest."""
    from scipy.optimize import minimize_scalar  # half a second, which only fitting should cost

    def minimum(loss: Callable[[float], Tensor], *bounds: float) -> float:
        return float(minimize_scalar(lambda x: loss(x).item(), bounds=bounds, method="bounded").x)

    log_bounds = (math.log(bound) for bound in SHARPNESS)
    log = minimum(lambda log: F.cross_entropy(math.exp(log) * cosine, label), *log_bounds)
    sharpness = math.exp(log)

    def without(nobody: float) -> Tensor:
        log_p = with_nobody(sharpness * cosine, torch.tensor(sharpness * nobody))
        return F.nll_loss(log_p, label)

    return sharpness, minimum(without, -1.0, 1.0)
