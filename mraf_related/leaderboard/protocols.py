"""What may be seen when a clip is judged without its face: four protocols, and where they end.

The judge hides what a protocol does not show: a method is handed the batch as the protocol allows
and nothing else, so what is hidden cannot leak. (One thing has to be guessed, which clips are of
one video where the source does not say; see `groups`.)
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from mraf.data.clips import FeatureSet, unit
from mraf.data.splits import Setting, Split
from mraf.errors import RunError
from mraf_related.leaderboard.methods import (
    CHOSEN,
    METHODS,
    SETTINGS_OF,
    Scores,
    UnlabelledBatch,
    Voices,
)

FOLDS = 10


class Sight(Enum):
    """What may be seen beside the voice of the clip that is judged."""

    VOICES = "the voices of the batch"
    OTHER_FACES = "faces of other videos"
    SAME_VIDEO = "faces of other clips of its video"
    OWN_FACE = "its own face"


@dataclass(frozen=True)
class Protocol:
    """A set of things that may be seen in P4 and P6; P3 and P5 are judged clip by clip in each."""

    name: str
    shows: frozenset[Sight]
    meaning: str

    def groups(self, clips: FeatureSet, named: Scores) -> Iterator[NDArray[np.bool_]]:
        """Masks (N,) of clips that are judged together, whose faces are hidden meanwhile.

        A tenth of the videos (or of the clips, where faces of the same video may be seen) at a
        time: a little more is hidden than has to be.

        Args:
            named: scores (N, C). Clips named alike stand in for a video where the source hides it;
                in the official test one video is one speaker. A clip's own face then has a say
                in whose faces are hidden with it, and in nothing else.
        """
        if not self.shows & {Sight.OTHER_FACES, Sight.SAME_VIDEO} or Sight.OWN_FACE in self.shows:
            yield np.ones(len(clips), dtype=bool)
            return
        together: NDArray[Any] = np.arange(len(clips))
        if Sight.SAME_VIDEO not in self.shows:
            alike = np.char.add("speaker ", named.argmax(axis=1).astype(str))
            video = np.where(clips.video == "", alike, clips.video)
            together = np.unique(video, return_inverse=True)[1]
        order = np.random.default_rng(0).permutation(together.max() + 1)
        fold = order[together] % FOLDS
        for number in np.unique(fold):
            yield fold == number


CLIP = Protocol("clip", frozenset(), "each clip alone, as a deployed system must")
BATCH = Protocol(
    "batch", frozenset({Sight.VOICES}), "all voices of the test batch together, no face anywhere"
)
BATCH_FACES = Protocol(
    "batch+faces",
    BATCH.shows | {Sight.OTHER_FACES},
    "also the faces of other videos, to adapt to; none of the video that is judged",
)
LEADERBOARD = Protocol(
    "leaderboard",
    BATCH_FACES.shows | {Sight.SAME_VIDEO},
    "also the faces that P3 and P5 give of the same clips, save that of the clip judged",
)
COPY = Protocol(
    "copy", frozenset(Sight), "P4 := P3 and P6 := P5; the challenge's server is said to void it"
)
PROTOCOLS = {p.name: p for p in (CLIP, BATCH, BATCH_FACES, LEADERBOARD)}


@dataclass(frozen=True, eq=False)
class System:
    """Judges clips one by one, and has a space in which their voices can be compared."""

    name: str
    judge: Callable[[FeatureSet], Scores]  # clips to scores (N, C); a missing face is zeros
    embed: Callable[[FeatureSet], NDArray[Any]]  # clips without faces to rows (N, D)
    means: NDArray[np.float32]  # class means of the embedded training clips, unit rows (C, D)
    _kept: WeakKeyDictionary[FeatureSet, dict[object, Any]] = field(
        default_factory=WeakKeyDictionary, repr=False
    )

    def scores(self, clips: FeatureSet, face: bool) -> Scores:
        """Scores (N, C) of each clip alone, with its face or without."""
        kept = self._kept.setdefault(clips, {})
        if face not in kept:
            kept[face] = self.judge(clips if face else clips.without_faces())
        scores: Scores = kept[face]
        return scores

    def voices(self, clips: FeatureSet) -> Voices:
        """The voices of the clips in the system's space; faces are not looked at."""
        kept = self._kept.setdefault(clips, {})
        if "voices" not in kept:
            kept["voices"] = Voices(unit(self.embed(clips.without_faces())), self.means)
        voices: Voices = kept["voices"]
        return voices


class Transduction:
    """A system and a method under a protocol; `mraf.evaluation.judge.evaluate` judges it.

    Args:
        method, settings: a name of METHODS and its arguments; default: as chosen for the protocol.
    Raises:
        RunError: no such method, or one that looks beside the clip where the protocol does not
            allow that.
    """

    def __init__(
        self,
        system: System,
        protocol: Protocol = CLIP,
        method: str | None = None,
        settings: Mapping[str, float] | None = None,
    ) -> None:
        method = CHOSEN[protocol.name] if method is None else method
        if method not in METHODS:
            raise RunError(f"no method '{method}'; choose one of {', '.join(METHODS)}.")
        if method != "alone" and Sight.VOICES not in protocol.shows:
            raise RunError(
                f"'{method}' looks at {Sight.VOICES.value}; protocol {protocol.name} shows each "
                "clip alone. Choose --protocol batch or method 'alone'."
            )
        if settings is None:
            settings = SETTINGS_OF.get(protocol.name, {}).get(method, {})
        self.system, self.protocol, self.method, self.settings = system, protocol, method, settings
        self.name = f"{system.name}, {protocol.name}"
        if method != "alone":
            self.name += f": {method}"

    def answers(self, split: Split, setting: Setting) -> dict[str, Scores]:
        """Scores (N, C) of the clips of a setting, as `Judge` asks."""
        return {self.name: self.judge(getattr(split, setting.language), setting.face)}

    def judge(self, clips: FeatureSet, face: bool) -> Scores:
        """Scores (N, C) of clips with their faces, where `face`: then each clip is judged alone."""
        if face:
            return self.system.scores(clips, face=True)
        blind = sighted = self.system.scores(clips, face=False)
        if not self.protocol.shows <= {Sight.VOICES}:
            sighted = self.system.scores(clips, face=True)
        judged = np.empty_like(blind, dtype=np.result_type(blind, np.float32))
        for rows in self.protocol.groups(clips, sighted):
            seen = ~clips.face_missing
            if Sight.OWN_FACE not in self.protocol.shows:
                seen &= ~rows
            scores = np.where(seen[:, None], sighted, blind)
            batch = UnlabelledBatch(self.system.voices(clips), scores, seen)
            judged[rows] = METHODS[self.method](batch, **self.settings)[rows]
        return judged
