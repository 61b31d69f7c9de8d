"""The whole network: two features in, three heads out, every intermediate kept."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mraf.errors import RunError
from mraf.model.agreement import Agreement
from mraf.model.config import ModelConfig
from mraf.model.encoder import Encoded, ModalityEncoder
from mraf.model.fusion import FUSIONS
from mraf.model.heads import HEADS
from mraf.model.missing import STAND_INS
from mraf.model.reliability import Pair, ReliabilityScorer, reliability_weights, weight_tokens
from mraf.model.shortcut import joined


class Logits(NamedTuple):
    """z_f, z_a and z_c, shapes (B, C)."""

    face: Tensor
    voice: Tensor
    fused: Tensor


@dataclass(frozen=True)
class Output:
    """Everything a forward pass computes. B clips, K tokens, width d, H heads, C speakers."""

    face: Encoded  # tokens T_f, encoded H_f, embedding e_f
    voice: Encoded  # tokens T_a, encoded H_a, embedding e_a
    reliability: Pair  # r_f, r_a (B, 1)
    weight: Pair  # w_f, w_a (B, 1)
    weighted: Pair  # Ĥ_f, Ĥ_a (B, K, d)
    context: Pair | None  # C̃_f, C̃_a (B, K, d); cross-attention only
    attention: Pair | None  # maps face→voice, voice→face (B, H, K, K); cross-attention only
    fused_embedding: Tensor  # e_c (B, d)
    logits: Logits


def standardise(x: Tensor) -> Tensor:
    """Scale each row (B, dim) to length √dim, so that its entries are of order 1."""
    return F.normalize(x, dim=-1) * math.sqrt(x.shape[-1])


class MRAF(nn.Module):
    """Missing-token prompted, reliability-aware fusion (Eq. 2–14).

    ``forward`` is the whole story for a batch. Training calls ``with_and_without_face``, which
    encodes everything once and fuses it twice; a shortcut has no part in it.

    Raises:
        RunError: a size or a switch that cannot be built.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        for name in ("speakers", "tokens", "width", "layers", "heads", "face_dim", "voice_dim"):
            if getattr(config, name) < 1:
                raise RunError(f"{name}={getattr(config, name)}: must be at least 1.")
        if config.width % config.heads or config.width % 2:
            raise RunError(
                f"width={config.width}: must be even and divisible by heads={config.heads}."
            )
        if not 0 <= config.dropout < 1:
            raise RunError(f"dropout={config.dropout}: must lie in [0, 1).")
        self.config = config
        sizes = (config.tokens, config.width, config.layers, config.heads, config.dropout)
        switches: dict[str, Any] = {
            name: getattr(config, name) for name in ("activation", "projection", "normalise_tokens")
        }
        self.face_encoder = ModalityEncoder(config.face_dim, *sizes, **switches)
        self.voice_encoder = ModalityEncoder(config.voice_dim, *sizes, **switches)
        self.face_scorer = ReliabilityScorer(config.width)
        self.voice_scorer = ReliabilityScorer(config.width)
        self.fusion = FUSIONS[config.fusion](config.width, config.heads, config.dropout)
        self.face_head = HEADS[config.head](config)  # g_f
        self.voice_head = HEADS[config.head](config)  # g_a
        self.fused_head = HEADS[config.head](config)  # g_c
        # drawn last: networks of one seed that differ in it alone start from the same weights
        self.missing_face = STAND_INS[config.missing_face](config)
        by_features = config.scorer == "agreement" or config.shortcut != "none"
        self.agreement = Agreement(config) if by_features else None

    def network_input(self, features: Tensor) -> Tensor:
        """A feature as the encoders read it: standardised or, with the switch off, as it is."""
        return standardise(features) if self.config.standardise else features

    def _face_input(self, face: Tensor) -> Tensor:
        return self.network_input(face) * self.config.face_scale

    def encode_voice(self, voice: Tensor) -> Encoded:
        """Encode voices (B, 192) (Eq. 2–8)."""
        return self.voice_encoder(self.network_input(voice))

    def encode_missing(self, voice: Tensor) -> Encoded:
        """Encode what stands in for the faces of these voices (Eq. 9).

        The token and the zero fill are the same for every clip: batch size 1, encoded once.
        """
        return self.face_encoder(self.missing_face(self.network_input(voice)))

    def fuse(
        self,
        face: Encoded,
        voice: Encoded,
        missing: Tensor | bool,
        evidence: Tensor | None = None,
    ) -> Output:
        """Weigh, fuse and classify encoded modalities (Eq. 10–14).

        Args:
            face: batch size B, or 1 where all clips share the missing token.
            voice: batch size B.
            missing: where the face is missing, shape (B, 1), or one value for the whole batch.
            evidence: what speaks against each face, shape (B, 1), with ``scorer="agreement"``.
        """
        face_reliability = self.face_scorer(face.embedding, evidence)
        if self.config.missing_reliability == "zero":  # "its reliability score is set to zero"
            absent = torch.as_tensor(missing, device=face_reliability.device)
            face_reliability = face_reliability.masked_fill(absent, 0.0)
        reliability = Pair(face_reliability, self.voice_scorer(voice.embedding))
        weight = reliability_weights(*reliability, self.config.epsilon)
        if self.config.reliability == "uniform":
            weight = Pair(*(torch.full_like(w, 0.5) for w in weight))
        weighted = Pair(
            weight_tokens(weight.face, face.encoded), weight_tokens(weight.voice, voice.encoded)
        )
        fused = self.fusion(*weighted)
        e_f, e_a = face.embedding, voice.embedding
        if self.config.weighted_heads:
            e_f, e_a = weight.face * e_f, weight.voice * e_a
        logits = Logits(
            self.face_head(e_f),
            self.voice_head(e_a),
            self.fused_head(fused.embedding),
        )
        return Output(
            face=face,
            voice=voice,
            reliability=reliability,
            weight=weight,
            weighted=weighted,
            context=fused.context,
            attention=fused.attention,
            fused_embedding=fused.embedding,
            logits=logits,
        )

    def with_and_without_face(self, face: Tensor, voice: Tensor) -> Output:
        """Run the same B clips under both conditions of training, in one pass.

        Args:
            face: (B, 512), none missing.
            voice: (B, 192).
        Returns:
            2B rows: the clips with their faces (z_c^AV), then the clips without them (z_c^A).
        """
        clips = len(voice)
        stand_in = self.missing_face(self.network_input(voice))  # (1, 512) or (B, 512)
        faces = self.face_encoder(torch.cat([self._face_input(face), stand_in]))
        voices = self.encode_voice(voice)
        missing = torch.arange(2 * clips, device=voice.device)[:, None] >= clips
        evidence = None
        if self.agreement is not None and self.config.scorer == "agreement":
            against = self.agreement.against(face, voice)
            evidence = F.pad(against, (0, 0, 0, clips))  # nothing speaks against a stand-in
        return self.fuse(
            Encoded(*(torch.cat([x[:clips], _rows(x[clips:], clips)]) for x in faces)),
            Encoded(*(torch.cat([x, x]) for x in voices)),
            missing,
            evidence,
        )

    def forward(self, face: Tensor, voice: Tensor) -> Output:
        """Run faces (B, 512) and voices (B, 192); a face of zeros is missing (Eq. 9)."""
        missing = ~face.any(dim=-1, keepdim=True)  # (B, 1)
        if missing.all():  # the token need not be encoded once for every clip
            encoded = self.encode_missing(voice)
            faces = Encoded(*(_rows(x, len(voice)) for x in encoded))
        else:
            stand_in = self.missing_face(self.network_input(voice))
            x_f = torch.where(missing, stand_in, self._face_input(face))
            faces = self.face_encoder(x_f)
        if self.agreement is None:
            return self.fuse(faces, self.encode_voice(voice), missing)
        evidence = None
        if self.config.scorer == "agreement":
            evidence = self.agreement.against(face, voice)
        out = self.fuse(faces, self.encode_voice(voice), missing, evidence)
        if self.config.shortcut == "none":
            return out
        by_features = self.agreement.speakers(face, voice)
        share = self.config.network_share
        return replace(out, logits=joined(out.logits, out.weight, *by_features, share))


def _rows(x: Tensor, count: int) -> Tensor:
    """One row for each clip, also where all clips share one."""
    return x.expand(count, *x.shape[1:])
