"""The reliability explorer: one clip, made worse, and what the network makes of it (Eq. 10–14)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any, get_args

import ipywidgets as widgets
import numpy as np
from numpy.typing import NDArray

from mraf.data.clips import Corpus, FeatureSet
from mraf.data.degradation import FaceDegradation, VoiceDegradation
from mraf.data.splits import SETTINGS, validation_split
from mraf.variants.build import Network
from mraf_lessons.kit.explorer import Control, Explorer, amount, inputs
from mraf_lessons.kit.recording import Recording, record
from mraf_lessons.kit.style import CONDITIONS, Figure
from mraf_lessons.reliability.picture import ReliabilityPicture, reliability_explorer
from mraf_lessons.reliability.view import Exploration, Gallery, ReliabilityState, explore

BY_NAME = {setting.name: setting for setting in SETTINGS}


class ReliabilityExplorer(Explorer):
    """Choose a clip, make its face or voice worse or take the face away, and watch the weights.

    Attributes ``setting``, ``speaker``, ``clip``, ``face``, ``face_kind``, ``face_amount``,
    ``voice_kind``, ``voice_amount`` and ``missing_reliability`` are the controls; their ``value``
    may also be set from code. ``found`` is what is shown, as numbers.

    Args:
        model: a trained network.
        corpus: what it was trained on; clips are shown from its validation split.
        split_seed: of that split, as in training.
    """

    found: Exploration

    def __init__(self, model: Network, corpus: Corpus, split_seed: int = 0) -> None:
        self.model = model
        self._picture: ReliabilityPicture | None = None
        self.split = validation_split(corpus, split_seed)
        self.gallery = Gallery.of(model, self.split.train)
        settings = [(f"{s.name}: {CONDITIONS[s.name]}", s.name) for s in SETTINGS]
        self.setting = inputs(widgets.Dropdown, "Setting", options=settings)
        self.face = inputs(widgets.Checkbox, "The face is there", value=True, indent=True)
        self.speaker = inputs(widgets.Dropdown, "Speaker", options=self._speakers())
        self.clip = inputs(widgets.IntSlider, "Clip", min=1, max=len(self._own), value=1)
        self.face_kind = inputs(
            widgets.Dropdown, "Face, towards", options=get_args(FaceDegradation)
        )
        self.face_amount = amount("Face, how far")
        self.voice_kind = inputs(
            widgets.Dropdown, "Voice, towards", options=get_args(VoiceDegradation)
        )
        self.voice_amount = amount("Voice, how far")
        self.missing_reliability = inputs(
            widgets.Dropdown,
            "Missing face",
            options=[("r_f = 0, as in the paper", "zero"), ("ask the scorer", "learned")],
        )
        controls = [
            Control(self.setting, "Does another language alone change the weights?"),
            Control(self.speaker, "Do speakers with few training clips get other weights?"),
            Control(self.clip, "Are the weights of one speaker's clips alike?"),
            Control(self.face_kind, "Which of the three should be easiest to notice?"),
            Control(
                self.face_amount,
                "At which amount does the face head go wrong? Does r_f fall before?",
            ),
            Control(self.voice_kind, "Which one does r_a react to more?"),
            Control(self.voice_amount, "When the voice is useless, where should w_a be?"),
            Control(self.face, "How far does the fused embedding move without the face?"),
            Control(
                self.missing_reliability,
                "What would the scorer give a face that is not there? (Without the face only.)",
            ),
        ]
        self.setting.observe(self._setting_chosen, names="value")
        self.face.observe(self._face_chosen, names="value")
        self.speaker.observe(self._speaker_chosen, names="value")
        self._enable()
        super().__init__(controls, self._drawn)

    @property
    def state(self) -> ReliabilityState:
        """The controls as the pure function `explore` takes them."""
        return ReliabilityState(
            face=self.face.value,
            face_kind=self.face_kind.value,
            face_amount=self.face_amount.value,
            voice_kind=self.voice_kind.value,
            voice_amount=self.voice_amount.value,
            missing_reliability=self.missing_reliability.value,
        )

    @property
    def chosen(self) -> FeatureSet:
        """The clip shown, as it is, with its face; one row."""
        row = self._own[self.clip.value - 1]
        return self._clips[row : row + 1]

    def recorded(self, amounts: Sequence[float] = (0, 0.3, 0.6, 1)) -> Recording:
        """The present clip under every kind and some amounts, to answer without a kernel."""
        base = replace(self.state, face=True, face_amount=0.0, voice_amount=0.0)
        kinds: dict[str, Any] = {}
        for kind in get_args(FaceDegradation):
            kinds[f"face towards {kind}"] = ("face_kind", kind, "face_amount")
        for kind in get_args(VoiceDegradation):
            kinds[f"voice towards {kind}"] = ("voice_kind", kind, "voice_amount")

        @cache
        def drawn(state: ReliabilityState) -> Figure:
            return reliability_explorer(explore(self.model, self.gallery, self.chosen, state))

        def draw(what: str, far: str) -> Figure:
            if what == "no face":
                return drawn(replace(base, face=False))
            field, kind, how_far = kinds[what]
            share = float(far.removesuffix("%")) / 100
            return drawn(replace(base, **({field: kind, how_far: share} if share else {})))

        return record(
            draw,
            {
                "What is made worse": [*kinds, "no face"],
                "How far": [f"{100 * share:g}%" for share in amounts],
            },
            "Which of these does the scorer notice, and which does the fused head survive?",
        )

    @property
    def _clips(self) -> FeatureSet:
        clips: FeatureSet = getattr(self.split, BY_NAME[self.setting.value].language)
        return clips

    @property
    def _own(self) -> NDArray[np.int64]:
        return np.flatnonzero(self._clips.labels == self.speaker.value)

    def _speakers(self) -> list[tuple[str, int]]:
        trained = np.bincount(self.split.train.labels, minlength=self.split.speakers)
        return [
            (f"{s} ({trained[s]} training clips)", int(s)) for s in np.unique(self._clips.labels)
        ]

    def _drawn(self) -> Figure:
        self.found = explore(self.model, self.gallery, self.chosen, self.state)
        if self._picture is None:
            self._picture = ReliabilityPicture(self.found)
        return self._picture.show(self.found)

    def _setting_chosen(self, change: Any) -> None:
        with self.one_update():
            kept = self.speaker.value
            options = self._speakers()
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
        self.clip.max = max(1, len(self._own))

    def _enable(self) -> None:
        """Controls of a face that is not there would do nothing, and so on."""
        self.face_kind.disabled = self.face_amount.disabled = not self.face.value
        self.missing_reliability.disabled = self.face.value
