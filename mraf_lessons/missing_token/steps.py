"""One clip through Eq. 2–14, step by step: the equation, the module and the values."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from scipy.special import softmax

from mraf.data.clips import FeatureSet
from mraf.errors import RunError
from mraf.evaluation.predict import forward
from mraf.model import MRAF
from mraf_lessons.kit.arrays import first_clip


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the forward pass."""

    title: str  # what happens
    equation: str  # in matplotlib's mathtext, with the number it has in the paper
    module: str  # where the code does it
    values: dict[str, NDArray[Any] | tuple[float, float]]  # by name, at most a matrix
    speaker: int | None = None  # the true label where the values are scores of speakers


def forward_steps(model: MRAF, clip: FeatureSet) -> tuple[Step, ...]:
    """The steps of one clip, with its face or without. Raises RunError for more than one clip."""
    if len(clip) != 1:
        raise RunError(f"{len(clip)} clips given; one is followed: clips[i : i + 1].")
    entrance = "Two features enter, as this network scales them"
    if clip.face_missing[0]:
        stand_in = "learned token" if model.config.missing_face == "token" else "stand-in"
        entrance = f"The face is missing: a {stand_in} takes its place"
    elif model.config.standardise and model.config.face_scale == 1:
        entrance = "Two features enter, scaled alike"
    out = first_clip(forward(model, clip))
    encoders = model.face_encoder, model.voice_encoder
    p_f, p_a = (encoder.position.detach().float().cpu().numpy() for encoder in encoders)
    steps = [
        Step(entrance, r"$x_f \leftarrow m_f$ where the face is missing (Eq. 9)",
             "MRAF.inputs · mraf.model.MissingToken",
             {"$x_f$": out.face.input, "$x_a$": out.voice.input}),
        Step("Each feature becomes K tokens",
             r"$T_m = \mathrm{reshape}(W_m x_m + b_m)$ (Eq. 2)", "Encoder.projection",
             {"$T_f$": out.face.tokens, "$T_a$": out.voice.tokens}),
        Step("Tokens learn their place", "$T_m + P_m$ (Eq. 3)", "Encoder.position",
             {"$T_f + P_f$": out.face.tokens + p_f, "$T_a + P_a$": out.voice.tokens + p_a}),
        Step("Tokens of one modality attend to each other",
             r"$H_m = \mathrm{Transformer}(T_m + P_m)$ (Eq. 4–7)", "Encoder.layers",
             {"$H_f$": out.face.encoded, "$H_a$": out.voice.encoded}),
        Step("Their mean is the embedding of the modality",
             r"$e_m = \mathrm{LN}(\mathrm{mean}_k H_m)$, brought to length 1 (Eq. 8)",
             "Encoder.norm", {"$e_f$": out.face.embedding, "$e_a$": out.voice.embedding}),
        Step("A scorer says how far to trust it",
             r"$r_m = \sigma(W e_m + b)$; $r_f = 0$ without a face (Eq. 10)",
             "Reliability.score", {"$r_f, r_a$": tuple(out.reliability)}),
        Step("Two scores become two weights",
             r"$w_m = r_m \,/\, (r_f + r_a + \epsilon)$ (Eq. 11)",
             "reliability_weights", {"$w_f, w_a$": tuple(out.weight)}),
        Step("Every token is scaled by its modality's weight",
             r"$\hat{H}_m = w_m H_m$ (Eq. 12)", "weight_tokens",
             {r"$\hat{H}_f$": out.weighted.face, r"$\hat{H}_a$": out.weighted.voice}),
        Step("The mean of both is the fused embedding",
             r"$e_c = \mathrm{LN}\left((\mathrm{mean}\,\tilde{C}_f + "
             r"\mathrm{mean}\,\tilde{C}_a)/2\right)$ (Eq. 14)",
             f"{type(model.fusion).__name__}.norm", {"$e_c$": out.fused_embedding}),
        Step("Three heads name the speaker",
             r"$p = \mathrm{softmax}(g(e))$ for $e_f$, $e_a$ and $e_c$",
             "MRAF.face_head · voice_head · fused_head",
             {name: softmax(logits) for name, logits in out.logits._asdict().items()},
             None if clip.speaker is None else int(clip.speaker[0])),
    ]  # fmt: skip
    if out.attention is not None and out.context is not None:
        face, voice = (heads.mean(axis=0) for heads in out.attention)
        steps[8:8] = [
            Step("Face tokens look at voice tokens, and the other way round",
                 r"$\mathrm{softmax}(Q K^\top / \sqrt{d_h})$, mean over the heads (Eq. 13)",
                 "CrossAttention.face_to_voice · voice_to_face",
                 {r"face $\to$ voice": face, r"voice $\to$ face": voice}),
            Step("What they saw is added to what they were",
                 r"$\tilde{C}_m = \mathrm{LN}(\hat{H}_m + C_m)$ (Eq. 13)",
                 "CrossAttention.face_norm · voice_norm",
                 {r"$\tilde{C}_f$": out.context.face, r"$\tilde{C}_a$": out.context.voice}),
        ]  # fmt: skip
    return tuple(steps)
