"""Every setting of a network and its training; each choice an ablation needs is a field."""

import functools
from typing import Annotated, Any, Literal, TypeVar

from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass
from typing_extensions import dataclass_transform

from mraf.errors import RunError
from mraf.losses import LossWeights
from mraf.model import Sizes

FusionKind = Literal[
    "cross_attention", "lstm", "gated", "linear", "mean_context", "linear_context", "no_context"
]
MissingFaceKind = Literal["token", "zero", "voice_completion", "memory_bank"]
MissingReliability = Literal["zero", "learned"]
HeadKind = Literal["linear", "am", "aam", "ham", "h", "h_exp"]
Precision = Literal["auto", "float32", "bfloat16"]
Sampling = Literal["clip", "speaker", "video"]
Schedule = Literal["constant", "one-cycle"]
Probability = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, le=1e6)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]  # of larger ones torch drops bits on a CPU

Class = TypeVar("Class", bound=type)


@dataclass_transform(frozen_default=True)
def settings(cls: Class) -> Class:
    """A frozen dataclass whose values are checked and read from text, with our errors."""
    made: Any = dataclass(frozen=True, config=ConfigDict(allow_inf_nan=False, extra="forbid"))(cls)
    init = made.__init__

    @functools.wraps(init)
    def checked(self: Any, *args: Any, **values: Any) -> None:
        try:
            init(self, *args, **values)
        except ValidationError as error:
            raise RunError(_reason(error.errors()[0])) from None

    made.__init__ = checked
    return made


def _reason(error: Any) -> str:
    name, kind, limits = ".".join(map(str, error["loc"])), error["type"], error.get("ctx", {})
    if kind in {"missing", "unexpected_keyword_argument"}:
        return f"{kind.split('_')[0]} setting '{name}'."
    value = f"{name}={error['input']}"
    if kind == "literal_error":
        choices = limits["expected"].replace("'", "").replace(" or ", ", ")
        return f"{value}: choose one of {choices}."
    if kind.startswith("bool"):
        return f"{value}: choose true or false."
    if kind == "finite_number":
        return f"{value}: must be a finite number."
    for word, limit in limits.items():
        if word in {"ge", "gt", "le", "lt"}:
            says = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}[word]
            return f"{value}: out of range, must be {says} {limit:.10g}."
    return f"{value}: not a valid {kind.split('_')[0]}."


@settings
class ModelConfig(Sizes):
    """Sizes and switches of the network; without switches it is the paper's.

    Args:
        speakers: C, the number of classes.
        tokens, width, layers, heads: K, d, L, H of Eq. 2–7.
        dropout: on the output of every attention and feed-forward block.
        epsilon: ε of Eq. 11.
        fusion: Table 3. Only cross-attention is the paper's own. The three contexts are ours: they
            stand in the place of attention in Eq. 13 and leave Eq. 14 as it is.
        missing_face: Table 4. What stands in for x_f = 0 (Eq. 9).
        missing_reliability: r_f of a missing face. "zero" is the paper (below Eq. 11); "learned"
            lets the scorer judge whatever stands in for the face.
        standardise: length-normalise each input and scale it by √dim, so that entries are near 1.
            FaceNet rows have length 1 and ECAPA rows about 250; the paper is silent on this.
        reliability: "uniform" takes the module out: w_f = w_a = ½, also where the face is missing.
        scorer: what the scorer of the face sees. "own" is the paper: the face's own embedding
            (Eq. 10); "agreement" (ours) adds whether the voice names the same speaker, see
            ``mraf.variants.agreement``.
        activation, projection, normalise_tokens, weighted_heads, face_scale: what the team's public
            challenge code does and the paper does not say, see ``mraf.variants.team``.
        head: from embedding to logits. Only linear is the paper's own; am, aam: cosines with a
            margin; h, ham: hyperbolic distances without and with one; see
            ``mraf.variants.margins``.
        margin, scale: m and s of those heads; h and h_exp have no margin.
        curvature: c of h and ham; of h_exp, where it is learned, the first value. 0 takes the
            published one, 5 for h and 3 for ham (1 for h_exp).
        start: where the centres of h and ham start. "inside" the ball is published (numbers of
            standard deviation 1e-3); on the "rim" they have length about 1 and are clipped.
        shortcut: class means beside the network (ours, see ``mraf.variants.class_means``), of the
            features as they come, or of centred faces and whitened voices; none is the paper.
        network_share: γ, how much the network's own answer counts beside them.
    """

    epsilon: Annotated[float, Field(gt=0, le=1)] = 1e-6
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    fusion: FusionKind = "cross_attention"
    missing_face: MissingFaceKind = "token"
    missing_reliability: MissingReliability = "zero"
    standardise: bool = True
    reliability: Literal["learned", "uniform"] = "learned"
    scorer: Literal["own", "agreement"] = "own"
    activation: Literal["relu", "gelu"] = "relu"
    projection: Literal["linear", "normalised"] = "linear"
    normalise_tokens: bool = False
    weighted_heads: bool = False
    face_scale: Annotated[float, Field(gt=0, le=1e3)] = 1.0
    head: HeadKind = "linear"
    margin: Annotated[float, Field(ge=0, lt=1.5707963)] = 0.2
    scale: Annotated[float, Field(gt=0, le=1e4)] = 30.0
    curvature: Annotated[float, Field(ge=0, le=1e3)] = 0.0
    start: Literal["inside", "rim"] = "inside"
    shortcut: Literal["none", "raw", "whitened"] = "none"
    network_share: Annotated[float, Field(ge=0, le=1e3)] = 0.5

    def __post_init__(self) -> None:
        for name in ("speakers", "tokens", "width", "layers", "heads", "face_dim", "voice_dim"):
            if not 1 <= getattr(self, name) <= 2**31:
                raise RunError(f"{name}={getattr(self, name)}: must be at least 1.")


@settings
class TrainingConfig(LossWeights):
    """How the network is trained (Section 4.2); what the paper leaves open says so.

    Args:
        epochs: not stated by the paper; 24 as in the team's public code.
        batch_size, learning_rate: of Adam.
        schedule: of the learning rate. "constant" is the paper; "one-cycle" (ours) rises in a
            straight line to ``learning_rate`` in the first fifth of all steps, then falls to zero.
        audio_only_probability: p_a; p_av = 1 - p_a.
        audio_only_per: whether the condition is drawn for each clip or once a batch (unstated).
        face_weight, voice_weight, fused_weight: λ_f, λ_a, λ_c of Eq. 15.
        kd_weight, kd_temperature: λ_kd and T of Eq. 16–17.
        center_weight, center_reduction: λ_center of Eq. 17 and its form, see ``CenterLoss``.
        centers: "trained", or "frozen" as in the team's public challenge code; see ``CenterLoss``.
        label_smoothing, class_weights, reliability_floor_weight, reliability_floor: more of that
            code: smoothed targets; speakers weighted by √(N / (C n)) in every cross-entropy; and
            weight · max(0, floor - r_f)² for the faces that are there.
        weight_decay: 0 is plain Adam.
        sampling: what an epoch draws its clips from. "clip": every clip once, so that who has many
            is seen often. "speaker": as many clips, but all speakers equally often. "video": also
            the videos of a speaker equally often (ours; the paper does not say).
        swapped_faces: probability that a clip is shown with another speaker's face (ours). The
            face head learns whose face it is, the fused head whose voice.
        precision: arithmetic of the forward pass; "auto" takes bfloat16 where it is fast.
        holdout: train without the validation videos; False trains on every English clip.
        split_seed: chooses the validation videos.
        seed: of the weights, the order of clips, the dropout and the drawn conditions.
    """

    epochs: Annotated[int, Field(ge=1, le=1_000_000)] = 24
    batch_size: Annotated[int, Field(ge=1, le=2**31)] = 64
    learning_rate: Annotated[float, Field(gt=0, le=100)] = 1e-4
    schedule: Schedule = "constant"
    audio_only_probability: Probability = 0.2
    audio_only_per: Literal["clip", "batch"] = "clip"
    face_weight: Weight = 1.0
    voice_weight: Weight = 1.0
    fused_weight: Weight = 1.0
    kd_weight: Weight = 0.2
    kd_temperature: Annotated[float, Field(ge=1e-3, le=1e3)] = 2.0
    center_weight: Weight = 0.1
    center_reduction: Literal["sum", "mean"] = "mean"
    centers: Literal["trained", "frozen"] = "trained"
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    class_weights: bool = False
    reliability_floor: Probability = 0.7
    reliability_floor_weight: Weight = 0.0
    weight_decay: Weight = 0.0
    sampling: Sampling = "clip"
    swapped_faces: Probability = 0.0
    precision: Precision = "auto"
    holdout: bool = True
    split_seed: Seed = 0
    seed: Seed = 0
