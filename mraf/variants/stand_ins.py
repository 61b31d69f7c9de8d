"""What stands in for a missing face (Eq. 9 and Table 4).

With the paper's r_f = 0 for a missing face, w_f = 0 and Ĥ_f = w_f H_f = 0 whatever stands in: the
fused prediction cannot depend on it, and no gradient reaches it from there (Eq. 9–13). The stand-in
then matters to the face head alone. It comes alive with ``missing_reliability="learned"``.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mraf.errors import RunError
from mraf.model import MissingToken, Sizes

BANK_CLIPS = 1024
BANK_TEMPERATURE = 0.05


class ZeroFill(nn.Module):
    """A face of zeros, read by the encoder as if it were a face (Table 4, "zero filling")."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.dim = sizes.face_dim

    def forward(self, voice: Tensor) -> Tensor:
        """Zeros, shape (1, 512)."""
        return voice.new_zeros(1, self.dim)


class FittedStandIn(nn.Module):
    """A stand-in computed from the voice; fit on training clips before training."""

    fitted: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("fitted", torch.tensor(False))

    def fit(self, face: Tensor, voice: Tensor, generator: torch.Generator) -> None:
        """Learn from complete training clips: network inputs (N, 512) and (N, 192)."""
        raise NotImplementedError

    def _require_fit(self) -> None:
        if not torch.compiler.is_compiling() and not self.fitted:
            name = type(self).__name__
            raise RunError(f"{name} has seen no clips: call fit(face, voice, generator).")


class VoiceCompletion(FittedStandIn):
    """The face regressed from the voice by ridge regression (Table 4, "audio completion")."""

    weight: Tensor
    bias: Tensor

    def __init__(self, sizes: Sizes, ridge: float = 1.0) -> None:
        super().__init__()
        self.ridge = ridge
        self.register_buffer("weight", torch.zeros(sizes.voice_dim, sizes.face_dim))
        self.register_buffer("bias", torch.zeros(sizes.face_dim))

    @torch.no_grad()
    def fit(self, face: Tensor, voice: Tensor, generator: torch.Generator) -> None:
        face_mean, voice_mean = face.mean(dim=0), voice.mean(dim=0)
        x, y = voice - voice_mean, face - face_mean
        gram = x.T @ x / len(x) + self.ridge * torch.eye(x.shape[1], device=x.device)
        self.weight.copy_(torch.linalg.solve(gram, x.T @ y / len(x)))
        self.bias.copy_(face_mean - voice_mean @ self.weight)
        self.fitted.fill_(True)

    def forward(self, voice: Tensor) -> Tensor:
        """The expected face of each voice, shape (B, 512)."""
        self._require_fit()
        return voice @ self.weight + self.bias


class MemoryBank(FittedStandIn):
    """A soft choice among training faces by the likeness of their voices (Table 4, "memory bank").

    The bank holds features of training clips, so a checkpoint with it holds biometrics of people.
    """

    bank_face: Tensor
    bank_voice: Tensor

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.register_buffer("bank_face", torch.zeros(BANK_CLIPS, sizes.face_dim))
        self.register_buffer("bank_voice", torch.zeros(BANK_CLIPS, sizes.voice_dim))

    @torch.no_grad()
    def fit(self, face: Tensor, voice: Tensor, generator: torch.Generator) -> None:
        rows = torch.randperm(len(face), generator=generator)
        rows = rows.repeat(-(-BANK_CLIPS // len(rows)))[:BANK_CLIPS].to(face.device)
        self.bank_face.copy_(face[rows])
        self.bank_voice.copy_(F.normalize(voice[rows], dim=-1))
        self.fitted.fill_(True)

    def forward(self, voice: Tensor) -> Tensor:
        """The mean of the bank's faces, weighted by voice similarity, shape (B, 512)."""
        self._require_fit()
        similarity = F.normalize(voice, dim=-1) @ self.bank_voice.T
        return (similarity / BANK_TEMPERATURE).softmax(dim=-1) @ self.bank_face


STAND_INS: dict[str, type[nn.Module]] = {
    "token": MissingToken,
    "zero": ZeroFill,
    "voice_completion": VoiceCompletion,
    "memory_bank": MemoryBank,
}
