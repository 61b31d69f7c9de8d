"""The answer of the features beside the network's. Ours; the recipe "best", not the paper.

The nearest class mean of the raw features names held-out videos better than the network does. So
the network is trained alone, and its answer is joined to theirs:

    z_m ← γ z_m + ln p(c | x_m),    z_c ← γ z_c + w_f ln p(c | x_f) + w_a ln p(c | x_a),

with the weights of Eq. 11: a missing face has w_f = 0 here, too. ln p(c | x_m) comes from
``mraf.variants.agreement``, γ is ``network_share``.
"""

from typing import Any

from torch import Tensor, nn

from mraf.model import MRAF, Logits, Output
from mraf.variants.agreement import Agreement


class BesideClassMeans(nn.Module):
    """A network and, beside it, class means of its training clips; ``share`` is γ."""

    def __init__(self, network: MRAF, means: Agreement, share: float) -> None:
        super().__init__()
        self.config: Any = network.config
        self.network, self.means, self.share = network, means, share

    def forward(self, face: Tensor, voice: Tensor) -> Output:
        """Run faces (B, 512) and voices (B, 192); a face of zeros is missing."""
        out: Output = self.network(face, voice)
        by_face, by_voice = self.means.speakers(face, voice)
        z, w, share = out.logits, out.weight, self.share
        logits = Logits(
            share * z.face + by_face,
            share * z.voice + by_voice,
            share * z.fused + w.face * by_face + w.voice * by_voice,
        )
        return out._replace(logits=logits)
