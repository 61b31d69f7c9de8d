"""From the raw features to the answer, past the network. Ours; the recipe "best", not the paper.

The nearest class mean of the raw features, which trains nothing, names whole held-out videos
better than the network does. Whatever was trained from there lost again, on the few videos that
there are. So the network is trained as ever, alone, and only its answer is joined to theirs:

    z_m ← γ z_m + ln p(c | x_m),    z_c ← γ z_c + w_f ln p(c | x_f) + w_a ln p(c | x_a),

with the weights of Eq. 11: a missing face has w_f = 0 here, too. ln p(c | x_m) comes from
``mraf.model.agreement``, γ is ``network_share``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from mraf.model.reliability import Pair

if TYPE_CHECKING:
    from mraf.model.network import Logits


def joined(logits: Logits, weight: Pair, by_face: Tensor, by_voice: Tensor, share: float) -> Logits:
    """The network's logits and those of the features.

    Args:
        logits: z_f, z_a and z_c (B, C).
        weight: w_f and w_a (B, 1).
        by_face, by_voice: ln p(c | x_f) and ln p(c | x_a), (B, C).
        share: γ.
    """
    return logits._replace(
        face=share * logits.face + by_face,
        voice=share * logits.voice + by_voice,
        fused=share * logits.fused + weight.face * by_face + weight.voice * by_voice,
    )
