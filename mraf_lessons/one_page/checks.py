"""Checks of notebook 01b, MRAF on one page."""

from typing import Any

import torch
from torch import Tensor

from mraf.model import CrossAttention, Sizes
from mraf_lessons.kit.checker import Answer, Verdict, ask, judge


def attention(answer: Answer) -> Verdict:
    """Eq. 4: queries (B, H, K, d_h) and keys (B, H, K', d_h) to maps (B, H, K, K')."""
    generator = torch.Generator().manual_seed(0)
    query, key = (torch.randn(2, 3, n, 16, generator=generator) for n in (4, 5))
    scores = query @ key.mT
    said = {
        "Every question hands out one whole, whatever is asked.": (scores / 4).softmax(-1),
        "Your columns sum to 1. A question shares out along its row.": (scores / 4).softmax(-2),
        "The scores are not divided by √d_h.": scores.softmax(-1),
        "You divided by d_h, not by its square root.": (scores / 16).softmax(-1),
        "These are scores. A softmax makes shares of them.": (scores / 4, scores),
    }
    return judge(ask(answer, query, key), said)


def random_fusion() -> tuple[CrossAttention, Tensor, Tensor]:
    """A small CrossAttention with random weights, and Ĥ_f, Ĥ_a (B, K, d) to fuse."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        fusion = CrossAttention(Sizes(speakers=2, tokens=3, width=8, heads=2)).eval()
        for part in fusion.parameters():
            part.normal_()
        face, voice = torch.randn(2, 4, 3, 8)
    return fusion, face, voice


def fused(answer: Answer) -> Verdict:
    """Eq. 13–14: Ĥ_f, Ĥ_a (B, K, d) and a CrossAttention to e_c (B, d)."""
    fusion, face, voice = random_fusion()

    @torch.no_grad()
    def e_c(memory: Tensor = face, residual: Tensor = face, norm: Any = fusion.norm) -> Any:
        """With what the voice asks, what the face's answer is added to, and the last norm."""
        c_f = fusion.face_norm(residual + fusion.face_to_voice(face, voice)[0])
        c_a = fusion.voice_norm(voice + fusion.voice_to_face(voice, memory)[0])
        return norm((c_f.mean(dim=1) + c_a.mean(dim=1)) / 2)

    said = {
        "By the way: without the ½ of Eq. 14 nothing would change, because the LayerNorm after it "
        "divides by the spread.": e_c(),
        "The voice asks itself, not the face.": e_c(memory=voice),
        "C_f is added to the voice, not to the tokens that asked.": e_c(residual=voice),
        "The residual connection of the face is gone.": e_c(residual=0 * face),
        "The last LayerNorm is missing (Eq. 14).": e_c(norm=torch.nn.Identity()),
    }
    return judge(ask(answer, face, voice, fusion), said)


def parameters(answer: Answer) -> Verdict:
    """How many numbers MRAF learns, for C speakers, K tokens, width d and L layers."""
    C, K, d, L = 40, 7, 4.5, 3
    square, norm, head, scorer = d * d + d, 2 * d, C * d + C, d + 1
    layer = 4 * square + (8 * d * d + 5 * d) + 2 * norm
    encoders = sum(D * K * d + 2 * K * d + L * layer + norm for D in (512, 192))
    right = encoders + 8 * square + 3 * norm + 3 * head + 2 * scorer + 512
    norms = tuple(right - count * norm for count in (4 * L, 2, 3))
    said = {
        "H is not among the sizes: heads share the width d and cost nothing.": right,
        "The missing token m_f is learned, too.": right - 512,
        "The positions P_f and P_a (Eq. 3) are learned, too.": right - 2 * K * d,
        "There are three heads, each with a bias.": (right - 2 * head, right - 3 * C),
        "A LayerNorm is missing: 2 in a layer, 1 after it, 3 in the fusion.": norms,
    }
    small = "Set L = 0 and count one part after the other; then add a layer."
    return judge(ask(answer, C, K, d, L), said, 1e-6, small)
