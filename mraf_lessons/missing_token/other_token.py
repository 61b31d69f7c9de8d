"""What another missing token would change, from the tokens to the three heads."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch.func import functional_call

from mraf.data.clips import FeatureSet
from mraf.errors import RunError
from mraf.model import Logits, MissingToken
from mraf.variants.build import Network
from mraf.variants.config import MissingReliability
from mraf_lessons.kit.rebuilt import rebuilt

TokenKind = Literal["zero", "random"]
QUANTITIES = {  # of an `Output`, in the order of the forward pass
    "tokens $T_f$": "face.tokens",
    "encoded tokens $H_f$": "face.encoded",
    "face embedding $e_f$": "face.embedding",
    "face head $z_f$": "logits.face",
    "reliability $r_f$": "reliability.face",
    "weight $w_f$": "weight.face",
    "weighted tokens $\\hat{H}_f$": "weighted.face",
    "weighted tokens $\\hat{H}_a$": "weighted.voice",
    "fused embedding $e_c$": "fused_embedding",
    "fused head $z_c$": "logits.fused",
}


@dataclass(frozen=True, eq=False)
class TokenEffect:
    """What another token changes, relative to the learned one: |x' - x| / |x|."""

    kind: TokenKind
    share: float  # how far the token was moved there
    missing_reliability: MissingReliability
    changes: dict[str, float]  # by name in `QUANTITIES`; |x'| where x is 0
    named: dict[str, tuple[int, int]]  # by head, whom it names with the learned token and the other


def replace_token(
    model: Network, clip: FeatureSet, kind: TokenKind = "zero", share: float = 1.0,
    missing_reliability: MissingReliability = "zero", seed: int = 0,
) -> TokenEffect:  # fmt: skip
    """One clip without its face, with the learned token and with another.

    Args:
        kind: "zero", or "random": Gaussian, of the learned token's length.
        share: how far the token is moved there, 0 to 1; 0 is the learned token.
    Raises:
        RunError: the network has no token, an unknown kind, or a share outside [0, 1].
    """
    if not isinstance(model.missing_face, MissingToken):
        raise RunError(
            f"missing_face={model.config.missing_face}: this network has no missing token; "
            "train one with missing_face=token."
        )
    if kind not in get_args(TokenKind):
        raise RunError(f"unknown token '{kind}'; choose one of {', '.join(get_args(TokenKind))}.")
    if not 0 <= share <= 1:
        raise RunError(f"share={share}: must lie between 0 (the learned token) and 1.")
    learned = model.missing_face.token.detach()
    target = torch.zeros_like(learned)
    if kind == "random":
        drawn = np.random.default_rng(seed).standard_normal(len(learned), dtype=np.float32)
        target = torch.from_numpy(drawn).to(learned)
        target *= learned.norm() / target.norm()
    token = learned if share == 0 else (1 - share) * learned + share * target
    asked: Any = rebuilt(model, missing_reliability=missing_reliability).eval()
    hidden = clip.without_faces()
    clips = tuple(torch.tensor(x, device=learned.device) for x in (hidden.face, hidden.voice))
    with torch.inference_mode():
        before, after = (
            functional_call(asked, {"missing_face.token": t}, clips) for t in (learned, token)
        )
    changes = {}
    for name, path in QUANTITIES.items():
        one, other = (attrgetter(path)(output)[0].float() for output in (before, after))
        changes[name] = (other - one).norm().item() / (one.norm().item() or 1.0)
    heads = zip(Logits._fields, before.logits, after.logits, strict=True)
    named = {name: (int(one.argmax()), int(other.argmax())) for name, one, other in heads}
    return TokenEffect(kind, share, missing_reliability, changes, named)
