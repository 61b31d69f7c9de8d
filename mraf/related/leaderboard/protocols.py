"""What may be seen when a clip is judged without its face: four protocols, and where they end.

A protocol is a set of things that may be seen, and it is the judge who hides the rest: a method is
handed the batch as the protocol allows and nothing else, so what is hidden cannot leak. (One thing
has to be guessed, which clips are of one video where the source does not say; see `groups`.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mraf.data.clips import FeatureSet
from mraf.data.describe import unit
from mraf.data.splits import Setting, Split
from mraf.errors import RunError
from mraf.related.leaderboard.methods import (
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
        time: so a little more is hidden than has to be, and a batch is judged in ten rounds.

        Args:
            named: scores (N, C). Clips named alike stand in for a video where the source hides it;
                in the official test one video is one speaker. They are named with their faces, or
                clips of one video would fall apart and see each other: there a clip's own face
                has a say in whose faces are hidden with it, and in nothing else.
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


class System:
    """Judges clips one by one, and has a space in which their voices can be compared.

    Args:
        name: of the system.
        scores: clips to scores (N, C); a missing face is a row of zeros.
        embed: clips without faces to rows (N, D).
        means: class means of the embedded training clips, unit length, shape (C, D).
    """

    def __init__(
        self,
        name: str,
        scores: Callable[[FeatureSet], Scores],
        embed: Callable[[FeatureSet], NDArray[Any]],
        means: NDArray[np.float32],
    ) -> None:
        self.name, self.means = name, means
        self._scores, self._embed = scores, embed
        self._kept: WeakKeyDictionary[FeatureSet, dict[object, Any]] = WeakKeyDictionary()

    def scores(self, clips: FeatureSet, face: bool) -> Scores:
        """Scores (N, C) of each clip alone, with its face or without."""
        shown = clips if face else clips.without_faces()
        scores: Scores = self._once(clips, face, lambda: self._scores(shown))
        return scores

    def voices(self, clips: FeatureSet) -> Voices:
        """The voices of the clips in the system's space; faces are not looked at."""
        rows = clips.without_faces()
        voices: Voices = self._once(
            clips, "voices", lambda: Voices(unit(self._embed(rows)), self.means)
        )
        return voices

    def _once(self, clips: FeatureSet, what: object, make: Callable[[], Any]) -> Any:
        kept = self._kept.setdefault(clips, {})
        if what not in kept:
            kept[what] = make()
        return kept[what]


class Transduction:
    """A system and a method under a protocol; `mraf.evaluation.judge.evaluate` judges it.

    Args:
        system: judges clip by clip.
        protocol: what may be seen.
        method: a name of METHODS; by default the one chosen for the protocol.
        settings: of the method; by default those chosen for the protocol.
    Raises:
        RunError: no such method, one that looks beside the clip where the protocol does not allow
            that, or settings that are not the method's.
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
        self.system, self.protocol, self.method = system, protocol, method
        self.settings = dict(settings)
        self.name = f"{system.name}, {protocol.name}"
        if method != "alone":
            self.name += f": {method}"

    def answers(self, split: Split, setting: Setting) -> dict[str, Scores]:
        """Scores (N, C) of the clips of a setting, as `mraf.evaluation.judge.evaluate` asks."""
        return {self.name: self.judge(getattr(split, setting.language), setting.face)}

    def judge(self, clips: FeatureSet, face: bool) -> Scores:
        """Scores (N, C) of clips in a setting.

        Args:
            clips: with the faces that P3 or P5 gives.
            face: whether the setting shows them (P3, P5); then each clip is judged alone.
        """
        if face:
            return self.system.scores(clips, face=True)
        blind = self.system.scores(clips, face=False)
        if self.protocol.shows <= {Sight.VOICES}:
            sighted = blind
        else:
            sighted = self.system.scores(clips, face=True)
        judged = np.empty_like(blind, dtype=np.result_type(blind, np.float32))
        for rows in self.protocol.groups(clips, sighted):
            seen = ~clips.face_missing
            if Sight.OWN_FACE not in self.protocol.shows:
                seen &= ~rows
            judged[rows] = self._asked(clips, blind, sighted, seen)[rows]
        return judged

    def _asked(
        self, clips: FeatureSet, blind: Scores, sighted: Scores, seen: NDArray[np.bool_]
    ) -> Scores:
        """The method's scores (N, C) of a batch in which only the faces `seen` can be seen."""
        scores = np.where(seen[:, None], sighted, blind)
        return METHODS[self.method](
            UnlabelledBatch(self.system.voices(clips), scores, seen), **self.settings
        )


def by_protocol(scores: pd.DataFrame) -> pd.DataFrame:
    """Scores of transductions with the columns system, protocol and method taken from their names.

    Args:
        scores: with a column system of names such as "MRAF, batch: prototypes"; other systems are
            left out.
    """
    form = r"^(?P<system>.*), (?P<protocol>[^:,]+)(?:: (?P<method>.*))?$"
    parts = scores.system.str.extract(form).fillna({"method": "alone"})
    known = parts.protocol.isin([*PROTOCOLS, COPY.name])
    return parts.join(scores.drop(columns="system"))[known].reset_index(drop=True)


def sights(judge: Callable[[FeatureSet], Scores], clips: FeatureSet, row: int) -> set[Sight]:
    """What the scores of one clip depend on, found by exchanging it for noise: a leak detector.

    Args:
        judge: clips with faces to scores (N, C), of what claims to judge without the face.
        clips: the batch, its videos known.
        row: the clip of which the scores are compared, bit for bit.
    """
    rng = np.random.default_rng(0)
    own = np.arange(len(clips)) == row
    same_video = (clips.video == clips.video[row]) & ~own
    before = judge(clips)[row]

    def changed(rows: NDArray[np.bool_], what: str) -> bool:
        values = np.array(getattr(clips, what))
        noise = rng.standard_normal(values[rows].shape)
        length = np.linalg.norm(values[rows], axis=1, keepdims=True)
        values[rows] = unit(noise) * length
        other = replace(clips, face=values) if what == "face" else replace(clips, voice=values)
        after = judge(other)[row]
        return not np.array_equal(before, after)

    asked = {
        Sight.VOICES: (~own, "voice"),
        Sight.OTHER_FACES: (~own & ~same_video, "face"),
        Sight.SAME_VIDEO: (same_video, "face"),
        Sight.OWN_FACE: (own, "face"),
    }
    return {sight for sight, (rows, what) in asked.items() if rows.any() and changed(rows, what)}
