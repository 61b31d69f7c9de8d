"""The reliability explorer: one clip, made worse, and what the network makes of it (Eq. 10–14)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from mraf.data.clips import Corpus, FeatureSet
from mraf.data.degradation import FaceDegradation, VoiceDegradation
from mraf.data.splits import SETTINGS, validation_split
from mraf.variants.build import Network
from mraf_lessons.kit.explorer import ViewExplorer, amount, choice, number, yes_or_no
from mraf_lessons.kit.recording import Recording
from mraf_lessons.kit.style import CONDITIONS, Figure
from mraf_lessons.missing_token.explorer import RELIABILITIES
from mraf_lessons.reliability.picture import ReliabilityPicture, reliability_picture
from mraf_lessons.reliability.view import DegradedClip, Gallery, ReliabilityState, degraded_clip

BY_NAME = {setting.name: setting for setting in SETTINGS}
FACE_KINDS, VOICE_KINDS = get_args(FaceDegradation), get_args(VoiceDegradation)


class ReliabilityExplorer(ViewExplorer):
    """Choose a clip, make its face or voice worse or take the face away, and watch the weights.

    Attributes ``setting``, ``speaker``, ``clip``, ``face``, ``face_kind``, ``face_amount``,
    ``voice_kind``, ``voice_amount`` and ``missing_reliability`` are the controls; their ``value``
    may also be set from code. ``found`` is what is shown, as numbers.

    Args:
        model: a trained network.
        corpus: what it was trained on; clips are shown from its validation split.
        split_seed: of that split, as in training.
    """

    def __init__(self, model: Network, corpus: Corpus, split_seed: int = 0) -> None:
        self.model = model
        self._kept: ReliabilityPicture | None = None
        self.split = validation_split(corpus, split_seed)
        self.gallery = Gallery.of(model, self.split.train)
        settings = [(f"{s.name}: {CONDITIONS[s.name]}", s.name) for s in SETTINGS]
        speakers = self._speakers(SETTINGS[0].name)
        clips = len(self._clips_of(SETTINGS[0].name, speakers[0][1]))
        controls = {
            "setting": choice(
                "Setting", settings, "Does another language alone change the weights?"
            ),
            "speaker": choice(
                "Speaker", speakers, "Do speakers with few training clips get other weights?"
            ),
            "clip": number("Clip", clips, "Are the weights of one speaker's clips alike?"),
            "face_kind": choice(
                "Face, towards", FACE_KINDS, "Which of the three should be easiest to notice?"
            ),
            "face_amount": amount(
                "Face, how far",
                "At which amount does the face head go wrong? Does r_f fall before?",
            ),
            "voice_kind": choice(
                "Voice, towards", VOICE_KINDS, "Which one does r_a react to more?"
            ),
            "voice_amount": amount(
                "Voice, how far", "When the voice is useless, where should w_a be?"
            ),
            "face": yes_or_no(
                "The face is there", "How far does the fused embedding move without the face?"
            ),
            "missing_reliability": choice(
                "Missing face",
                RELIABILITIES,
                "What would the scorer give a face that is not there? (Without the face only.)",
            ),
        }
        for name, follow in (
            ("setting", self._setting_chosen),
            ("face", self._face_chosen),
            ("speaker", self._speaker_chosen),
        ):
            controls[name].widget.observe(follow, names="value")
        super().__init__(controls, self._degraded, reliability_picture, {}, moved=self._move)
        self._enable()

    def recorded(self, amounts: Sequence[float] = (0, 0.3, 0.6, 1)) -> Recording:
        """The present clip under every kind and some amounts, to answer without a kernel."""
        kinds: dict[str, dict[str, Any]] = {}
        for kind in FACE_KINDS:
            kinds[f"face towards {kind}"] = {"face_kind": kind, "voice_amount": 0.0}
        for kind in VOICE_KINDS:
            kinds[f"voice towards {kind}"] = {"voice_kind": kind, "face_amount": 0.0}
        kinds = {what: {"face": True} | changes for what, changes in kinds.items()}
        kinds["no face"] = {"face": False, "face_amount": 0.0, "voice_amount": 0.0}
        shares = {f"{100 * x:g}%": {"face_amount": x, "voice_amount": x} for x in amounts}
        return self.recorded_for(
            {"What is made worse": kinds, "How far": shares},
            "Which of these does the scorer notice, and which does the fused head survive?",
        )

    def _degraded(self, setting: str, speaker: int, clip: int, **state: Any) -> DegradedClip:
        chosen = self._clips_of(setting, speaker)[clip - 1 : clip]
        return degraded_clip(self.model, self.gallery, chosen, ReliabilityState(**state))

    def _move(self, found: DegradedClip) -> Figure:
        """The figure that is kept between moves."""
        self._kept = self._kept or ReliabilityPicture(found)
        return self._kept.show(found)

    def _language(self, setting: str) -> FeatureSet:
        clips: FeatureSet = getattr(self.split, BY_NAME[setting].language)
        return clips

    def _clips_of(self, setting: str, speaker: int) -> FeatureSet:
        clips = self._language(setting)
        return clips[np.flatnonzero(clips.labels == speaker)]

    def _speakers(self, setting: str) -> list[tuple[str, int]]:
        trained: NDArray[np.int64] = np.bincount(
            self.split.train.labels, minlength=self.split.speakers
        )
        judged = np.unique(self._language(setting).labels)
        return [(f"{s} ({trained[s]} training clips)", int(s)) for s in judged]

    def _setting_chosen(self, change: Any) -> None:
        with self.one_update():
            kept = self.speaker.value
            options = self._speakers(self.setting.value)
            if options != list(self.speaker.options):
                self.speaker.options = options
                if kept in [value for _, value in options]:
                    self.speaker.value = kept
            self.face.value = BY_NAME[self.setting.value].face
            self._fit_clips()

    def _face_chosen(self, change: Any) -> None:
        with self.one_update():
            here = BY_NAME[self.setting.value].language
            self.setting.value = next(
                s.name for s in SETTINGS if s.language == here and s.face == self.face.value
            )
            self._enable()

    def _speaker_chosen(self, change: Any) -> None:
        with self.one_update():
            self._fit_clips()

    def _fit_clips(self) -> None:
        self.clip.max = max(1, len(self._clips_of(self.setting.value, self.speaker.value)))

    def _enable(self) -> None:
        """Controls of a face that is not there would do nothing, and so on."""
        self.face_kind.disabled = self.face_amount.disabled = not self.face.value
        self.missing_reliability.disabled = self.face.value
