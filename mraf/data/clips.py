"""The one container of the project: aligned face and voice features of a set of clips."""

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mraf.errors import DataError

FACE_DIM = 512  # FaceNet, as in POLY-SIM; an imported corpus has widths of its own
VOICE_DIM = 192  # ECAPA-TDNN
IMPORTED = "own"  # in the place of a release
ARRAYS = {  # of a FeatureSet: number of axes, dtype
    "face": (2, "float32"),
    "voice": (2, "float32"),
    "speaker": (1, "int64"),
    "video": (1, "strings"),
    "key": (1, "strings"),
}


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """Clips of one language with aligned rows; a missing face is a row of zeros, as in POLY-SIM.

    Raises DataError: a wrong shape, a non-finite value, an all-zero voice, a negative label or a
    key that occurs twice. The message names source and row (counted from 0).
    """

    face: NDArray[np.float32]  # embeddings x_f, shape (N, 512) in POLY-SIM
    voice: NDArray[np.float32]  # embeddings x_a, shape (N, 192) in POLY-SIM; never all zeros
    speaker: NDArray[np.int64] | None  # labels 0 … C-1, shape (N,); None where they are hidden
    video: NDArray[np.str_]  # name of the source video, shape (N,); empty where it is hidden
    language: str  # "English", "Urdu", …
    key: NDArray[np.str_]  # unique name of the clip, shape (N,)
    source: str = "<memory>"  # where the rows come from, for error messages

    def __post_init__(self) -> None:
        clips = len(self.key)
        if clips == 0:
            raise DataError(f"{self.source}: no clips; at least one row is needed.")
        for name, (axes, dtype) in ARRAYS.items():
            values = getattr(self, name)
            if name == "speaker" and values is None:
                continue
            found = np.shape(values)
            if len(found) != axes or found[0] != clips or 0 in found:
                expected = f"({clips}, D)" if axes == 2 else f"({clips},)"
                raise DataError(f"{self.source}: '{name}' has shape {found}, expected {expected}.")
            kind = np.asarray(values).dtype
            if dtype != ("strings" if kind.kind == "U" else kind.name):
                raise DataError(f"{self.source}: '{name}' is {kind}, expected {dtype}.")
        for name in ("face", "voice"):
            self.refuse(
                ~of_finite_length(getattr(self, name)),
                f"'{name}' holds NaN or Inf, or is too long; extract this clip's feature again",
            )
        silent = ~np.any(self.voice, axis=1)
        self.refuse(silent, "the voice is all zeros; only a face may be missing, drop the clip")
        if self.speaker is not None:
            self.refuse(self.speaker < 0, "the speaker label is negative; labels are 0 … C-1")
        repeated = np.ones(clips, dtype=bool)
        repeated[np.unique(self.key, return_index=True)[1]] = False
        self.refuse(repeated, "the key occurs twice; keys name clips and must be unique")

    def refuse(self, bad: NDArray[np.bool_], reason: str) -> None:
        """Raise the DataError that names the first bad row, where there is one."""
        if bad.any():
            row = int(bad.argmax())
            more = f" ({int(bad.sum())} such rows)" if bad.sum() > 1 else ""
            raise DataError(f"{self.source}, row {row} ({self.key[row]}): {reason}{more}.")

    def __len__(self) -> int:
        return len(self.key)

    def __getitem__(self, rows: ArrayLike | slice) -> "FeatureSet":
        """The clips selected by a boolean mask, an index array or a slice, as a new FeatureSet."""
        if not isinstance(rows, slice):
            rows = np.atleast_1d(np.asarray(rows))
        arrays = {name: getattr(self, name) for name in ARRAYS}
        return replace(self, **{k: v[rows] for k, v in arrays.items() if v is not None})

    @property
    def face_missing(self) -> NDArray[np.bool_]:
        """True where the face is missing (a row of zeros), shape (N,)."""
        return ~np.any(self.face, axis=1)

    @property
    def labels(self) -> NDArray[np.int64]:
        """The speaker labels, shape (N,). Raises DataError where the source hides them."""
        if self.speaker is None:
            reason = "the speaker labels are hidden; nothing can be scored here"
            raise DataError(f"{self.source}: {reason}.")
        return self.speaker

    @property
    def fingerprint(self) -> str:
        """Names features, labels and videos; another clip, order or number gives another name."""
        digest = hashlib.sha256("\n".join(self.video).encode())  # videos decide the split
        for values in (self.face, self.voice, self.speaker):
            if values is not None:
                digest.update(np.ascontiguousarray(values).data)
        return digest.hexdigest()[:16]

    def without_faces(self) -> "FeatureSet":
        """The same clips with every face missing (P4 and P6)."""
        return replace(self, face=np.zeros_like(self.face))


@dataclass(frozen=True, eq=False)
class Corpus:
    """A whole corpus: a language to train on, a second one to cross to, and the test clips.

    Raises DataError: fewer than two speakers, labels that are not 0 … C-1, each in training, or
    parts of different widths.
    """

    train: FeatureSet  # labelled, in the language that is trained on, English in POLY-SIM
    cross: FeatureSet  # labelled, in the second language, never trained on
    test_english: FeatureSet | None  # None where the source has none
    test_cross: FeatureSet | None
    speakers: int  # C
    name: str  # "twin", "MAV-Celeb v1", or that of an imported table
    version: str = "v1"  # of the challenge, or "own" of a table; names the submission files

    def __post_init__(self) -> None:
        if self.speakers < 2:
            reason = f"{self.speakers} speaker(s); identification needs at least 2"
            raise DataError(f"{self.name}: {reason}.")
        for part in self.parts.values():
            if part.speaker is not None:
                high = part.speaker >= self.speakers
                part.refuse(high, f"the speaker label is not below {self.speakers}")
            for name in ("face", "voice"):
                width, wanted = (getattr(x, name).shape[1] for x in (part, self.train))
                if width != wanted:
                    reason = f"a {name} has {width} numbers, in {self.train.source} {wanted}"
                    raise DataError(f"{part.source}: {reason}; take one encoder for all parts.")
        absent = np.flatnonzero(np.bincount(self.train.labels, minlength=self.speakers) == 0)
        if len(absent):
            named = ", ".join(map(str, absent[:10])) + (", …" if len(absent) > 10 else "")
            raise DataError(
                f"{self.train.source}: no training clip of speaker(s) {named}; "
                f"every label 0 … C-1 needs at least one {self.train.language} clip."
            )

    @property
    def sizes(self) -> dict[str, int]:
        """What a network takes from its corpus: its numbers of speakers and its widths."""
        face, voice = self.train.face.shape[1], self.train.voice.shape[1]
        return {"speakers": self.speakers, "face_dim": face, "voice_dim": voice}

    @property
    def parts(self) -> dict[str, FeatureSet]:
        """The sets that exist by name, in the order train, cross, test_english, test_cross."""
        names = ("train", "cross", "test_english", "test_cross")
        return {name: part for name in names if (part := getattr(self, name)) is not None}


def of_finite_length(rows: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each row can be brought to length 1 in float32, shape (N,)."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.isfinite(np.einsum("nd,nd->n", rows, rows))


def unit(rows: NDArray[Any]) -> NDArray[np.float32]:
    """Rows brought to length 1, shape (N, D); a missing face stays zero."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(length > 0, length, 1)).astype(np.float32)


def video_index(*sets: FeatureSet) -> NDArray[np.int64]:
    """A number for each clip's (language, speaker, video), over all sets in order, shape (N,).

    A video that carries two speakers counts as two; one that is listed in two languages, too.
    """
    names = [
        np.char.add(np.char.add(part.labels.astype(str), f"/{part.language}/"), part.video)
        for part in sets
    ]
    return np.unique(np.concatenate(names), return_inverse=True)[1].ravel()
