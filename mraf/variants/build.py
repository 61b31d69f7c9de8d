"""From switches to parts; nothing else in the project reads them."""

from typing import Any

from torch import Tensor

from mraf.errors import RunError
from mraf.losses import CenterLoss, Objective
from mraf.model import MRAF, Encoder, Parts, Reliability
from mraf.variants import reliability, team
from mraf.variants.agreement import Agreement
from mraf.variants.class_means import BesideClassMeans
from mraf.variants.config import ModelConfig, TrainingConfig
from mraf.variants.fusions import FUSIONS
from mraf.variants.margins import HEADS
from mraf.variants.objectives import FrozenCenterLoss, SummedCenterLoss, SwappedFaces, TeamObjective
from mraf.variants.stand_ins import STAND_INS

Network = MRAF | BesideClassMeans


class RawInputs(MRAF):
    """Features as they come."""

    def inputs(self, face: Tensor, voice: Tensor) -> tuple[Tensor, Tensor]:
        return face, voice


def build(config: ModelConfig) -> Network:
    """The network that the switches describe; the paper's own with those of ``ModelConfig``."""
    return beside_class_means(network(config))


def network(config: ModelConfig) -> MRAF:
    """What is trained. Raises RunError for sizes that cannot be built."""
    check_sizes(config)
    c = config
    encoder = _composed(
        Encoder,
        (team.UnitTokens, c.normalise_tokens),
        (team.NormalisedProjection, c.projection == "normalised"),
        (team.GELUEncoder, c.activation == "gelu"),
    )
    trust = _composed(
        Reliability,
        (reliability.UniformReliability, c.reliability == "uniform"),
        (reliability.JudgedReliability, c.missing_reliability == "learned"),
        (reliability.AgreementReliability, c.scorer == "agreement"),
    )
    whole = _composed(
        MRAF,
        (team.WeightedHeads, c.weighted_heads),
        (team.ScaledFaces, c.face_scale != 1),
        (RawInputs, not c.standardise),
    )
    parts = Parts(encoder, trust, FUSIONS[c.fusion], HEADS[c.head], STAND_INS[c.missing_face])
    made: MRAF = whole(c, parts)
    return made


def check_sizes(config: ModelConfig) -> None:
    """Raise RunError for sizes that cannot be built."""
    if config.width % config.heads or config.width % 2:
        raise RunError(f"width={config.width}: must be even and divisible by heads={config.heads}.")


def beside_class_means(model: MRAF) -> Network:
    """The network with class means beside it, where its ``shortcut`` asks for them."""
    c = model.config
    if c.shortcut == "none":
        return model
    return BesideClassMeans(model, Agreement(c, c.shortcut == "whitened"), c.network_share)


def objective(config: ModelConfig, training: TrainingConfig, clips_of: Tensor | None) -> Objective:
    """What is minimised; the paper's own with the defaults of ``TrainingConfig``.

    Raises RunError where ``class_weights`` needs the training clips of each speaker (C,).
    """
    t = training
    if t.class_weights and clips_of is None:
        raise RunError("class_weights=true: the learner needs the clips of each speaker.")
    center = _composed(
        CenterLoss,
        (FrozenCenterLoss, t.centers == "frozen"),
        (SummedCenterLoss, t.center_reduction == "sum"),
    )
    of_team = bool(t.label_smoothing or t.class_weights or t.reliability_floor_weight)
    kind = _composed(Objective, (SwappedFaces, t.swapped_faces > 0), (TeamObjective, of_team))
    more = [clips_of if t.class_weights else None] if of_team else []
    made: Objective = type("Objective", (kind,), {"center_loss": center})(config, t, *more)
    return made


def _composed(base: type, *choices: tuple[type, bool]) -> Any:
    """One class of those that are chosen; the first has the first word."""
    chosen = tuple(part for part, on in choices if on)
    return type(base.__name__, chosen, {}) if chosen else base
