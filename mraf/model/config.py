"""What an MRAF network is made of; every choice an ablation needs is a field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mraf.data.features import FACE_DIM, VOICE_DIM

FusionKind = Literal["cross_attention", "lstm", "gated", "linear"]
MissingFaceKind = Literal["token", "zero", "voice_completion", "memory_bank"]
MissingReliability = Literal["zero", "learned"]
Reliability = Literal["learned", "uniform"]
Scorer = Literal["own", "agreement"]
Activation = Literal["relu", "gelu"]
Projection = Literal["linear", "normalised"]
Shortcut = Literal["none", "raw", "whitened"]
HeadKind = Literal["linear", "am", "aam", "ham", "h", "h_exp"]


@dataclass(frozen=True)
class ModelConfig:
    """Sizes and switches of the network. The paper gives d = 512 and dropout; K, L and H are ours.

    Args:
        speakers: C, the number of classes.
        tokens, width, layers, heads: K, d, L, H of Eq. 2–7.
        dropout: on the output of every attention and feed-forward block.
        fusion: Table 3. Only cross-attention is the paper's own.
        missing_face: Table 4. What stands in for x_f = 0 (Eq. 9).
        missing_reliability: r_f of a missing face. "zero" is the paper (below Eq. 11); "learned"
            lets the scorer judge whatever stands in for the face.
        standardise: length-normalise each input and scale it by √dim, so that entries are near 1.
            FaceNet rows have length 1 and ECAPA rows about 250; the paper is silent on this.
        epsilon: ε of Eq. 11.
        reliability: "uniform" takes the module out: w_f = w_a = ½, also where the face is missing.
        scorer: what the scorer of the face sees. "own" is the paper: the face's own embedding
            (Eq. 10); "agreement" (ours) adds whether the voice names the same speaker, see
            ``mraf.model.agreement``.
        activation, projection, normalise_tokens, weighted_heads, face_scale: what the team's public
            challenge code does and the paper does not say: GELU in the feed-forward network;
            LayerNorm, GELU and dropout after the projection of Eq. 2; tokens of length 1; branch
            heads that read w_f e_f and w_a e_a; faces scaled by 0.95.
        head: from embedding to logits. Only linear is the paper's own; am, aam: cosines with a
            margin; h, ham: hyperbolic distances without and with one; see mraf/model/heads.py.
        margin, scale: m and s of those heads; h and h_exp have no margin.
        curvature: c of h and ham; of h_exp, where it is learned, the first value. 0 takes the
            published one, 5 for h and 3 for ham (1 for h_exp).
        shortcut: past the network (ours, see ``mraf.model.shortcut``): class means of the features
            as they come, or of centred faces and whitened voices; none is the paper.
        network_share: γ, how much the network's own answer counts beside them.
    """

    speakers: int
    tokens: int = 6
    width: int = 512
    layers: int = 1
    heads: int = 4
    dropout: float = 0.1
    fusion: FusionKind = "cross_attention"
    missing_face: MissingFaceKind = "token"
    missing_reliability: MissingReliability = "zero"
    standardise: bool = True
    epsilon: float = 1e-6
    reliability: Reliability = "learned"
    scorer: Scorer = "own"
    activation: Activation = "relu"
    projection: Projection = "linear"
    normalise_tokens: bool = False
    weighted_heads: bool = False
    face_scale: float = 1.0
    head: HeadKind = "linear"
    margin: float = 0.2
    scale: float = 30.0
    curvature: float = 0.0
    shortcut: Shortcut = "none"
    network_share: float = 0.5
    face_dim: int = FACE_DIM
    voice_dim: int = VOICE_DIM
