"""Checks of notebook 07b, attention under the knife."""

from typing import Any

import torch
from torch import Tensor

from mraf_lessons.kit.checker import Answer, Verdict, ask, judge
from mraf_lessons.one_page.checks import random_fusion
from mraf_related.interventions import normalised_entropy


def entropy(answer: Answer) -> Verdict:
    """Attention maps (B, H, K, K') to the entropy of each row over its largest (B, H, K)."""
    generator = torch.Generator().manual_seed(0)
    maps = (3 * torch.randn(2, 3, 4, 5, generator=generator)).softmax(dim=-1)
    maps[0, 0, 0] = torch.eye(5)[0]  # a row that looks at one token: 0 · log 0
    right, nats = normalised_entropy(maps), torch.special.entr(maps).sum(-1)
    bits, wrong_size = nats / torch.tensor(2.0).log(), nats / torch.tensor(4.0).log()
    said = {
        "The row that looks at a single token has the entropy 0.": right,
        "The minus sign is missing.": -right,
        "That is the entropy. Divide it by the largest one, log K'.": (nats, bits),
        "The largest entropy is log K', not K'.": nats / 5,
        "A row has K' shares. The largest entropy depends on K', not on K.": wrong_size,
    }
    return judge(ask(answer, maps), said)


def without_context(answer: Answer) -> Verdict:
    """Eq. 14 with C_f = C_a = 0: Ĥ_f, Ĥ_a (B, K, d) and a CrossAttention to e_c (B, d)."""
    fusion, face, voice = random_fusion()
    with torch.no_grad():
        c_f, c_a = fusion.face_norm(face), fusion.voice_norm(voice)

    @torch.no_grad()
    def e_c(c_f: Tensor = c_f, c_a: Tensor = c_a, norm: Any = fusion.norm) -> Tensor:
        made: Tensor = norm((c_f.mean(dim=1) + c_a.mean(dim=1)) / 2)
        return made

    zeros = torch.zeros_like(face)
    said = {
        "Nothing of the voice enters the face tokens now, and nothing of the face the "
        "others.": e_c(),
        "With C̃ = 0 the clip itself is gone, and all embeddings are equal. Set C = 0.": (
            e_c(zeros, zeros)
        ),
        "The LayerNorms of C̃ stay; only C is removed.": e_c(face, voice),
        "The last LayerNorm of Eq. 14 is missing.": e_c(norm=torch.nn.Identity()),
        "One modality is gone. Eq. 14 takes the mean of both.": (e_c(c_a=zeros), e_c(c_f=zeros)),
        "That is the paper's own Eq. 14, with its contexts.": fusion(face, voice)[0].detach(),
    }
    return judge(ask(answer, face, voice, fusion), said)


def idle(answer: Answer) -> Verdict:
    """How many numbers of cross-attention cannot change e_c where K = 1, for width d."""
    d = 4.5
    one = d * d + d  # a linear map from d to d
    said = {
        "For every K the bias of the keys is idle, too: it adds one number to all scores of a "
        "query, and the softmax takes it out again.": 4 * one,
        "That is one direction. The face asks the voice, and the voice asks the face.": 2 * one,
        "The linear maps have biases, too.": (4 * d * d, 2 * d * d),
        "Values and outputs make the context also where K = 1.": (8 * one, 6 * one),
    }
    return judge(ask(answer, d), said, 1e-6)
