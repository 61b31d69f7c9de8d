"""Interventions on the cross-attention of a trained network: which part of Eq. 13 it needs.

Nothing is trained. An intervention computes C of Eq. 13 in another way from the same weights:
queries (B, K, d) and memory (B, K, d) of the other modality become C (B, K, d) and its maps.
"""

import math
from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor, nn

from mraf.errors import RunError
from mraf.model import MRAF, CrossAttention, MultiHeadAttention, Output

Attended = tuple[Tensor, Tensor]
Intervention = Callable[[MultiHeadAttention, Tensor, Tensor], Attended]


def uniform(attention: MultiHeadAttention, query: Tensor, memory: Tensor) -> Attended:
    """Every token looks at all tokens alike: queries of zeros make every score 0."""
    keys, values = attention.key(memory), attention.value(memory)
    return attention.attend(torch.zeros_like(query), keys, values)


def shifted(attention: MultiHeadAttention, query: Tensor, memory: Tensor) -> Attended:
    """Every token is given what its neighbour has looked up."""
    attended, maps = attention(query, memory)
    return attended.roll(1, dims=1), maps


def swapped(attention: MultiHeadAttention, query: Tensor, memory: Tensor) -> Attended:
    """Every clip looks at the tokens of a clip half a batch away, mostly another speaker's."""
    attended: Attended = attention(query, memory.roll(max(1, len(memory) // 2), dims=0))
    return attended


def removed(attention: MultiHeadAttention, query: Tensor, memory: Tensor) -> Attended:
    """C = 0: no token learns anything of the other modality."""
    attended, maps = attention(query, memory)
    return torch.zeros_like(attended), maps


INTERVENTIONS: dict[str, Intervention] = {
    found.__name__: found for found in (uniform, shifted, swapped, removed)
}


class Intervened(nn.Module):
    """Attention under an intervention."""

    def __init__(self, attention: MultiHeadAttention, intervention: Intervention) -> None:
        super().__init__()
        self.attention, self.intervention = attention, intervention

    def forward(self, query: Tensor, memory: Tensor) -> Attended:
        return self.intervention(self.attention, query, memory)


@torch.inference_mode()
def logits_under(model: MRAF, output: Output, intervention: Intervention) -> Tensor:
    """z_c (B, C) of a trained network under an intervention, both ways; the network stays as it is.

    Args:
        output: of the network for B clips; its Ĥ are fused anew.
    Raises RunError: the network does not fuse by cross-attention.
    """
    if type(model.fusion) is not CrossAttention:
        name = type(model.fusion).__name__
        raise RunError(f"{name} has no attention; give a network that fuses by cross-attention.")
    fusion = deepcopy(model.fusion).eval()
    for name in ("face_to_voice", "voice_to_face"):
        setattr(fusion, name, Intervened(getattr(fusion, name), intervention))
    logits: Tensor = model.fused_head(fusion(*output.weighted)[0])
    return logits


def normalised_entropy(maps: Tensor) -> Tensor:
    """Entropy of attention maps (…, K) over log K, (…): 1 is uniform, 0 looks at one token.

    Of a single token, which leaves no choice, it is 1.
    """
    entropy, most = torch.special.entr(maps).sum(dim=-1), math.log(maps.shape[-1])
    return entropy / most if most else torch.ones_like(entropy)
