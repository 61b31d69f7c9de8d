"""Both conditions of a training step: ``with_and_without_face``, and the same with less work.

The numbers are the same up to rounding; dropout draws others of the same distribution.
Three things are left out on a CPU, each exactly:

1. *A missing face has w_f = 0*, so its tokens are zeros (Eq. 12). As queries they are all b_Q: one
   row stands for all K. As keys and values they are b_K and b_V: attention to them gives b_V.
2. *A weight of a clip is a scalar*, so W (w H) = w (W H): keys and values of the voice are
   multiplied by their matrices once for both conditions.
3. *Clips drawn as audio-only show their faces to the teacher alone* (Eq. 16), which is detached:
   nothing is differentiated there.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mraf.losses import Batch, Both, Objective
from mraf.model import (
    MRAF,
    Clips,
    CrossAttention,
    Encoded,
    Output,
    Pair,
    Reliability,
    weight_tokens,
)


def conditions(
    model: MRAF, objective: Objective, batch: Batch, plain: bool = False
) -> tuple[Batch, Both | Output]:
    """The clips of a batch, in the order of the rows, and their 2B rows for the objective."""
    if plain or not shares_work(model, batch.voice.device):
        return batch, with_and_without_face(model, batch.face, batch.voice)
    batch, shown = shown_first(batch, model, objective)
    return batch, both_conditions(model, batch.face, batch.voice, shown)


def with_and_without_face(model: MRAF, face: Tensor, voice: Tensor) -> Output:
    """Both conditions of B complete clips, (B, 512) and (B, 192), in one pass.

    2B rows: the clips with their faces (z_c^AV), then the same without them (z_c^A).
    """
    count = len(voice)
    x_f, x_a = model.inputs(face, voice)
    faces = model.face_encoder(torch.cat([x_f, model.missing_face(x_a)]))  # the token: one row
    voices = model.voice_encoder(x_a)
    clips = Clips(
        torch.cat([face, torch.zeros_like(face)]),
        torch.cat([voice, voice]),
        torch.arange(2 * count, device=voice.device)[:, None] >= count,
    )
    return model.fuse(
        Encoded(*(torch.cat([x[:count], x[count:].expand_as(x[:count])]) for x in faces)),
        Encoded(*(torch.cat([x, x]) for x in voices)),
        clips,
    )


def shares_work(model: MRAF, device: torch.device) -> bool:
    """Whether the shortcuts hold, with the paper's fusion and r_f = 0, and pay, on a CPU."""
    paper = Reliability.forward
    holds = type(model.fusion) is CrossAttention and type(model.reliability).forward is paper
    return holds and device.type == "cpu"  # elsewhere more, smaller kernels gain nothing


def shown_first(batch: Batch, model: MRAF, objective: Objective) -> tuple[Batch, int]:
    """The batch with clips drawn as audio-only last, and the number of the others.

    Where something pulls on the other faces too, all clips count as shown and stay as they are.
    """
    if objective.trains_unseen_faces or type(model).classify is not MRAF.classify:
        return batch, len(batch.voice)
    order = batch.audio_only[:, 0].argsort(stable=True)
    ordered = {name: x[order] for name, x in batch._asdict().items() if x is not None}
    return Batch(**ordered), len(order) - int(batch.audio_only.sum())


def both_conditions(model: MRAF, face: Tensor, voice: Tensor, shown: int) -> Both:
    """What the objective reads of clips with their faces (z_c^AV), then without them (z_c^A).

    Of B complete clips, (B, 512) and (B, 192), the first ``shown`` need gradients with their faces.
    """
    count = len(voice)
    x_f, x_a = model.inputs(face, voice)
    voices = model.voice_encoder(x_a)
    faces = model.face_encoder(torch.cat([x_f[:shown], model.missing_face(x_a)]))
    with torch.no_grad():  # after the above: autocast keeps the weights that need gradients
        unseen = model.face_encoder(x_f[shown:])
    absent = faces.embedding[shown:].expand(count, -1)  # the token's row stands for all
    e_f = torch.cat([faces.embedding[:shown], unseen.embedding, absent])
    e_a = torch.cat([voices.embedding, voices.embedding])
    missing = torch.arange(2 * count, device=voice.device)[:, None] >= count
    clips = Clips(torch.cat([face, torch.zeros_like(face)]), torch.cat([voice, voice]), missing)
    reliability, weight = model.reliability(e_f, e_a, clips)
    complete = Pair(*(w[:shown] for w in weight))
    tokens = faces.encoded[:shown], voices.encoded
    fused, alone = fuse_both(model.fusion, *tokens, complete, weight.voice[count:])
    with torch.no_grad():
        tokens = unseen.encoded, voices.encoded[shown:]
        weights = (w[shown:count] for w in weight)
        taught, _, _ = model.fusion(*map(weight_tokens, weights, tokens))
    e_c = torch.cat([fused, taught, alone])
    return Both(reliability, e_c, model.classify(e_f, e_a, e_c, weight))


def fuse_both(
    fusion: CrossAttention, face: Tensor, voice: Tensor, weight: Pair, alone: Tensor
) -> tuple[Tensor, Tensor]:
    """e_c (n, d) of n clips with their faces and (B, d) of all B without them (Eq. 12–14).

    Of encoded tokens H_f (n, K, d) and H_a (B, K, d), weights w_f and w_a (n, 1) with their faces,
    and w_a (B, 1) alone.
    """
    to_voice, to_face = fusion.face_to_voice, fusion.voice_to_face
    key, value = (F.linear(voice, part.weight) for part in (to_voice.key, to_voice.value))

    def attend(query: Tensor, weight: Tensor) -> Tensor:
        """C_f (rows, K, d) for the first clips, as many as there are weights w_a."""
        rows = slice(len(weight))
        k = torch.addcmul(to_voice.key.bias, weight[..., None], key[rows])
        v = torch.addcmul(to_voice.value.bias, weight[..., None], value[rows])
        return to_voice.attend(query, k, v)[0]

    h_f, h_a = map(weight_tokens, weight, (face, voice[: len(face)]))
    c_f, (c_a, _) = attend(to_voice.query(h_f), weight.voice), to_face(h_a, h_f)
    with_face, _ = fusion.pool(h_f, h_a, c_f, c_a)

    h_a = weight_tokens(alone, voice)
    c_f = attend(to_voice.query.bias.expand(len(voice), 1, -1), alone).expand_as(h_a)
    c_a = to_face.output(to_face.value.bias).expand_as(h_a)
    without_face, _ = fusion.pool(torch.zeros_like(c_f), h_a, c_f, c_a)
    return with_face, without_face


class Dropout(nn.Dropout):
    """Dropout that on a CPU draws 16 bits a number: p is rounded to a multiple of 2⁻¹⁶."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.p or x.device.type != "cpu":
            return super().forward(x)
        words = torch.empty(-(-x.numel() // 4), dtype=torch.int64)  # of four numbers each
        words = words.random_(-(2**63), None).view(torch.int16)[: x.numel()].view(x.shape)
        kept = round((1 - self.p) * 2**16)
        return x * (words < kept - 2**15).to(x.dtype).mul_(2**16 / kept)


def with_cheap_dropout(model: MRAF) -> MRAF:
    """The same network with ``Dropout`` in place of every ``nn.Dropout``."""
    for part in list(model.modules()):
        for name, child in part.named_children():
            if type(child) is nn.Dropout:
                setattr(part, name, Dropout(child.p))
    return model
