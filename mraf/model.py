"""MRAF as the paper states it, Eq. 1–14 in its order, and nothing else (arXiv 2606.12495).

B clips, K tokens, width d, H attention heads, C speakers. Stand-ins for parts: ``mraf.variants``.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mraf.data.clips import FACE_DIM, VOICE_DIM


@dataclass(frozen=True)
class Sizes:
    """Sizes of the network. The paper states d = 512; K, L, H and the dropout are ours."""

    speakers: int  # C
    tokens: int = 6  # K
    width: int = 512  # d
    layers: int = 1  # L
    heads: int = 4  # H
    dropout: float = 0.1  # on the output of every attention and feed-forward block
    epsilon: float = 1e-6  # ε of Eq. 11
    face_dim: int = FACE_DIM  # of the embeddings that come in
    voice_dim: int = VOICE_DIM


class Pair(NamedTuple):
    """One tensor for each modality."""

    face: Tensor
    voice: Tensor


class MultiHeadAttention(nn.Module):
    """Multi-head attention (Eq. 4–5), from query tokens (B, K, d) to memory tokens (B, K', d)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.output = nn.Linear(width, width)  # W_O

    def forward(self, query: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Attended tokens (B, K, d), and attention maps (B, H, K, K') whose rows sum to 1."""
        return self.attend(self.query(query), self.key(memory), self.value(memory))

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """The same of queries (B, K, d), keys and values (B, K', d)."""
        split = (x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in (query, key, value))
        q, k, v = split  # (B, H, K, d_h)
        attention = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(dim=-1)
        attended = (attention @ v).transpose(1, 2).flatten(-2)  # (B, K, d)
        return self.output(attended), attention


class EncoderLayer(nn.Module):
    """Post-norm Transformer layer with a feed-forward network of width 4d (Eq. 6–7)."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width = sizes.width
        self.attention = MultiHeadAttention(width, sizes.heads)
        self.attention_norm = nn.LayerNorm(width)
        wider, narrower = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.feed_forward = nn.Sequential(wider, nn.ReLU(), narrower)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(sizes.dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens (B, K, d) to tokens (B, K, d)."""
        attended, _ = self.attention(tokens, tokens)
        u = self.attention_norm(tokens + self.dropout(attended))  # Eq. 6
        output: Tensor = self.feed_forward_norm(u + self.dropout(self.feed_forward(u)))  # Eq. 7
        return output


class Encoded(NamedTuple):
    """What the encoder of one modality makes of its input."""

    input: Tensor  # x_m (B, d_m), as the encoder reads it
    tokens: Tensor  # T_m (B, K, d), Eq. 2
    encoded: Tensor  # H_m (B, K, d), Eq. 7
    embedding: Tensor  # e_m (B, d), unit length, Eq. 8


class Encoder(nn.Module):
    """A feature (B, d_m) becomes K tokens, then an embedding (Eq. 2–8)."""

    layer = EncoderLayer

    def __init__(self, input_dim: int, sizes: Sizes) -> None:
        super().__init__()
        self.projection = nn.Linear(input_dim, sizes.tokens * sizes.width)  # W_m, b_m
        self.position = nn.Parameter(torch.empty(sizes.tokens, sizes.width))  # P_m
        nn.init.normal_(self.position, std=0.02)
        self.layers = nn.ModuleList(self.layer(sizes) for _ in range(sizes.layers))
        self.norm = nn.LayerNorm(sizes.width)

    def project(self, x: Tensor) -> Tensor:
        """T_m, shape (B, K, d) (Eq. 2)."""
        return self.projection(x).unflatten(-1, self.position.shape)

    def forward(self, x: Tensor) -> Encoded:
        tokens = self.project(x)
        encoded = tokens + self.position  # Eq. 3
        for layer in self.layers:
            encoded = layer(encoded)
        embedding = F.normalize(self.norm(encoded.mean(dim=1)), dim=-1)  # Eq. 8
        return Encoded(x, tokens, encoded, embedding)


class MissingToken(nn.Module):
    """m_f, the learnable stand-in for every missing face (Eq. 9)."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.empty(sizes.face_dim))
        nn.init.normal_(self.token, std=0.02)

    def forward(self, voice: Tensor) -> Tensor:
        """Shape (1, 512): the same for all voices (B, 192)."""
        return self.token[None]


class Clips(NamedTuple):
    """Clips as they come, for a reliability that looks at more than embeddings."""

    face: Tensor  # x_f (B, 512)
    voice: Tensor  # x_a (B, 192)
    missing: Tensor  # (B, 1) bool


class Reliability(nn.Module):
    """How much each modality is trusted (Eq. 10–11)."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.face, self.voice = nn.Linear(sizes.width, 1), nn.Linear(sizes.width, 1)
        self.epsilon = sizes.epsilon

    def score(self, face: Tensor, voice: Tensor, clips: Clips) -> Pair:
        """W e_m + b for embeddings (B, d), shapes (B, 1), in float32 also under autocast."""
        return Pair(self.face(face).float(), self.voice(voice).float())

    def forward(self, face: Tensor, voice: Tensor, clips: Clips) -> tuple[Pair, Pair]:
        """r_f, r_a and w_f, w_a, all (B, 1), for embeddings e_f, e_a (B, d)."""
        r_f, r_a = (torch.sigmoid(score) for score in self.score(face, voice, clips))  # Eq. 10
        r_f = r_f.masked_fill(clips.missing, 0.0)  # "its reliability score is set to zero"
        return Pair(r_f, r_a), reliability_weights(r_f, r_a, self.epsilon)


def reliability_weights(face: Tensor, voice: Tensor, epsilon: float = 1e-6) -> Pair:
    """w_f and w_a (B, 1) of scores r_f and r_a in [0, 1] (B, 1) (Eq. 11).

    They sum to 1 - ε / (r_f + r_a + ε); w_f is exactly 0 where r_f is.
    """
    total = face + voice + epsilon
    return Pair(face / total, voice / total)


def weight_tokens(weight: Tensor, tokens: Tensor) -> Tensor:
    """Ĥ = w H, (B, K, d), of weights (B, 1) and tokens (B, K, d) (Eq. 12)."""
    return weight[..., None] * tokens


class CrossAttention(nn.Module):
    """Bidirectional cross-attention with residual connection and LayerNorm (Eq. 13–14)."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.face_to_voice = MultiHeadAttention(sizes.width, sizes.heads)
        self.voice_to_face = MultiHeadAttention(sizes.width, sizes.heads)
        self.face_norm, self.voice_norm, self.norm = (nn.LayerNorm(sizes.width) for _ in range(3))
        self.dropout = nn.Dropout(sizes.dropout)

    def forward(self, face: Tensor, voice: Tensor) -> tuple[Tensor, Pair, Pair]:
        """e_c (B, d), C̃_f and C̃_a, and both attention maps, of Ĥ_f and Ĥ_a (B, K, d)."""
        c_f, face_map = self.face_to_voice(face, voice)  # Eq. 13
        c_a, voice_map = self.voice_to_face(voice, face)
        e_c, context = self.pool(face, voice, c_f, c_a)
        return e_c, context, Pair(face_map, voice_map)

    def pool(self, face: Tensor, voice: Tensor, c_f: Tensor, c_a: Tensor) -> tuple[Tensor, Pair]:
        """e_c (B, d), C̃_f and C̃_a, of Ĥ_f, Ĥ_a, C_f and C_a (B, K, d)."""
        c_f = self.face_norm(face + self.dropout(c_f))  # C̃_f
        c_a = self.voice_norm(voice + self.dropout(c_a))
        e_c = self.norm((c_f.mean(dim=1) + c_a.mean(dim=1)) / 2)  # Eq. 14
        return e_c, Pair(c_f, c_a)


class Head(nn.Linear):
    """z = W e + b, the classifiers g_f, g_a and g_c of Section 3.5."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__(sizes.width, sizes.speakers)

    def with_margin(self, logits: Tensor, speaker: Tensor) -> Tensor:
        """The logits (B, C) that the cross-entropy sees for speakers (B,); here as they are."""
        return logits


class Logits(NamedTuple):
    """z_f, z_a and z_c, shapes (B, C)."""

    face: Tensor
    voice: Tensor
    fused: Tensor


class Output(NamedTuple):
    """Everything a forward pass computes."""

    face: Encoded  # tokens T_f, encoded H_f, embedding e_f
    voice: Encoded  # tokens T_a, encoded H_a, embedding e_a
    reliability: Pair  # r_f, r_a (B, 1)
    weight: Pair  # w_f, w_a (B, 1)
    weighted: Pair  # Ĥ_f, Ĥ_a (B, K, d)
    context: Pair | None  # C̃_f, C̃_a (B, K, d); cross-attention only
    attention: Pair | None  # maps face→voice, voice→face (B, H, K, K); cross-attention only
    fused_embedding: Tensor  # e_c (B, d)
    logits: Logits


class Parts(NamedTuple):
    """The classes that MRAF is made of; the paper's by default."""

    encoder: type[Any] = Encoder
    reliability: type[Any] = Reliability
    fusion: type[Any] = CrossAttention
    head: type[Any] = Head
    missing_face: type[Any] = MissingToken


def standardise(x: Tensor) -> Tensor:
    """Rows (B, dim) of length √dim. The paper is silent on FaceNet's 1 and ECAPA's 250."""
    return F.normalize(x, dim=-1) * math.sqrt(x.shape[-1])


class MRAF(nn.Module):
    """Missing-token prompted, reliability-aware fusion; ŷ is the argmax of z_c (Eq. 1)."""

    def __init__(self, sizes: Sizes, parts: Parts = Parts()) -> None:  # noqa: B008  immutable
        super().__init__()
        self.config: Any = sizes  # with more than sizes, where parts ask for it
        self.face_encoder = parts.encoder(sizes.face_dim, sizes)
        self.voice_encoder = parts.encoder(sizes.voice_dim, sizes)
        self.reliability = parts.reliability(sizes)
        self.fusion = parts.fusion(sizes)
        self.face_head, self.voice_head, self.fused_head = (parts.head(sizes) for _ in range(3))
        # drawn last: networks of one seed that differ in it alone start from the same weights
        self.missing_face = parts.missing_face(sizes)

    def inputs(self, face: Tensor, voice: Tensor) -> tuple[Tensor, Tensor]:
        """Faces and voices as the encoders read them."""
        return standardise(face), standardise(voice)

    def classify(self, e_f: Tensor, e_a: Tensor, e_c: Tensor, weight: Pair) -> Logits:
        """z_f, z_a and z_c of embeddings (B, d)."""
        return Logits(self.face_head(e_f), self.voice_head(e_a), self.fused_head(e_c))

    def fuse(self, face: Encoded, voice: Encoded, clips: Clips) -> Output:
        """Weigh, fuse and classify encoded modalities (Eq. 10–14)."""
        reliability, weight = self.reliability(face.embedding, voice.embedding, clips)
        weighted = Pair(*map(weight_tokens, weight, (face.encoded, voice.encoded)))  # Eq. 12
        e_c, context, attention = self.fusion(*weighted)
        z = self.classify(face.embedding, voice.embedding, e_c, weight)
        return Output(face, voice, reliability, weight, weighted, context, attention, e_c, z)

    def forward(self, face: Tensor, voice: Tensor) -> Output:
        """Run faces (B, 512) and voices (B, 192); a face of zeros is missing."""
        missing = face.abs().amax(dim=-1, keepdim=True) == 0  # (B, 1)
        x_f, x_a = self.inputs(face, voice)
        x_f = torch.where(missing, self.missing_face(x_a), x_f)  # Eq. 9
        clips = Clips(face, voice, missing)
        return self.fuse(self.face_encoder(x_f), self.voice_encoder(x_a), clips)
