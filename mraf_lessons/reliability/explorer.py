"""The reliability explorer: one clip, made worse, and what the network makes of it (Eq. 10–14)."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np

from mraf.data.clips import Corpus, FeatureSet
from mraf.data.splits import SETTINGS, validation_split
from mraf.variants.build import Network
from mraf_lessons.kit.explorer import Explorer, Values, choice, number, slider, yes_or_no
from mraf_lessons.kit.style import CONDITIONS
from mraf_lessons.missing_token.explorer import RELIABILITIES
from mraf_lessons.reliability.picture import reliability_picture
from mraf_lessons.reliability.view import DegradedClip, Gallery, ReliabilityState, degraded_clip
from mraf_related.degradation import FaceDegradation, VoiceDegradation

BY_NAME = {setting.name: setting for setting in SETTINGS}
FACE_KINDS, VOICE_KINDS = get_args(FaceDegradation), get_args(VoiceDegradation)


class ReliabilityExplorer(Explorer):
    """Choose a clip, make its face or voice worse or take the face away, and watch the weights.

    The controls are ``setting``, ``speaker``, ``clip``, ``face``, ``face_kind``, ``face_amount``,
    ``voice_kind``, ``voice_amount`` and ``missing_reliability``.

    Args:
        model: a trained network.
        corpus: what it was trained on; clips are shown from its validation split.
        split_seed: of that split, as in training.
    """

    def __init__(self, model: Network, corpus: Corpus, split_seed: int = 0) -> None:
        self.model = model
        self.split = validation_split(corpus, split_seed)
        self.gallery = Gallery.of(model, self.split.train)
        controls = {
            "setting": choice(
                "Setting",
                [(f"{name}: {CONDITIONS[name]}", name) for name in BY_NAME],
                "Does another language alone change the weights?",
            ),
            "speaker": choice(
                "Speaker",
                self._speakers,
                "Do speakers with few training clips get other weights?",
            ),
            "clip": number(
                "Clip",
                lambda values: len(self._clips_of(values["setting"], values["speaker"])),
                "Are the weights of one speaker's clips alike?",
            ),
            "face_kind": choice(
                "Face, towards",
                FACE_KINDS,
                "Which of the three should be easiest to notice?",
                idle=lambda values: _no_face(values) or _as_it_is(values, "face"),
            ),
            "face_amount": slider(
                "Face, how far",
                "At which amount does the face head go wrong? Does r_f fall before?",
                idle=_no_face,
            ),
            "voice_kind": choice(
                "Voice, towards",
                VOICE_KINDS,
                "Which one does r_a react to more?",
                idle=lambda values: _as_it_is(values, "voice"),
            ),
            "voice_amount": slider(
                "Voice, how far", "When the voice is useless, where should w_a be?"
            ),
            "face": yes_or_no(
                "The face is there", "How far does the fused embedding move without the face?"
            ),
            "missing_reliability": choice(
                "Missing face",
                RELIABILITIES,
                "What would the scorer give a face that is not there?",
                idle=lambda values: "The face is there." if values["face"] else "",
            ),
        }
        for name, follow in (("setting", self._setting_chosen), ("face", self._face_chosen)):
            controls[name].widget.observe(follow, names="value")
        super().__init__(controls, reliability_picture, self._degraded)

    def _degraded(self, setting: str, speaker: int, clip: int, **state: Any) -> DegradedClip:
        chosen = self._clips_of(setting, speaker)[clip - 1 : clip]
        return degraded_clip(self.model, self.gallery, chosen, ReliabilityState(**state))

    def _language(self, setting: str) -> FeatureSet:
        clips: FeatureSet = getattr(self.split, BY_NAME[setting].language)
        return clips

    def _clips_of(self, setting: str, speaker: int) -> FeatureSet:
        clips = self._language(setting)
        return clips[np.flatnonzero(clips.labels == speaker)]

    def _speakers(self, values: Values) -> list[tuple[str, int]]:
        trained = np.bincount(self.split.train.labels, minlength=self.split.speakers)
        judged = np.unique(self._language(values["setting"]).labels)
        return [(f"{s} ({trained[s]} training clips)", int(s)) for s in judged]

    def _setting_chosen(self, change: Any) -> None:
        self.face.value = BY_NAME[self.setting.value].face

    def _face_chosen(self, change: Any) -> None:
        here = BY_NAME[self.setting.value].language
        self.setting.value = next(
            s.name for s in SETTINGS if s.language == here and s.face == self.face.value
        )


def _no_face(values: Values) -> str:
    return "" if values["face"] else "There is no face to make worse."


def _as_it_is(values: Values, modality: str) -> str:
    return (
        ""
        if values[f"{modality}_amount"]
        else f"The {modality} is as it is: move the slider below."
    )
