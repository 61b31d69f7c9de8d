"""Reader of the official POLY-SIM layout, as its releases really look.

CSV lists name one clip per row; its FaceNet and ECAPA vectors lie in one .npy file each::

    csv_files/comp/v1_train_English.csv        v1_test_English.csv    (and _Urdu, _Hindi, _German)
    feats/facenetfeats/v1/faces/…/x.npy        features/test/v1/faces/English/00001.npy
    feats/ecappafeats/v1/voices/…/x.npy        features/test/v1/voices/English/00001.npy

Listed paths mix ``\\`` and ``/`` and may start with ``./``; folders are also spelled
``ecappa_feats`` and ``feat``, or lie at the top; labels are written ``0.0``.
"""

from __future__ import annotations

import os
import posixpath
import re
import warnings

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from mraf.data.clips import FACE_DIM, VOICE_DIM, Corpus, FeatureSet
from mraf.data.official.lists import FEATURE_FOLDERS, ClipList, Release
from mraf.data.official.vectors import read_matrix
from mraf.errors import DataError

Roots = dict[str, str | None]  # first two folders of listed paths → where they lie, if anywhere


def find_root(release: Release, head: str) -> str | None:
    """Where the first two folders of listed paths lie: "ecappafeats/v1" → "feats/ecappa_feats/v1".

    Returns:
        The path relative to the folder of the release; None where no spelling of it exists.
    """
    name, _, rest = head.partition("/")
    respelled = re.sub(r"_?feats$", "feats" if name.endswith("_feats") else "_feats", name)
    for spelling in (name, respelled):
        for place in FEATURE_FOLDERS:
            root = posixpath.normpath(posixpath.join(place, spelling, rest))
            if (release.folder / root).is_dir():
                return root
    return None


def _head(path: str) -> str:
    return "/".join(path.split("/")[:-1][:2])


def find_roots(release: Release, lists: dict[str, ClipList]) -> Roots:
    """Where the features of all lists lie.

    A test list whose features are not there at all is taken out of ``lists`` with a warning: one
    may train before the test features are fetched.

    Raises:
        DataError: the folder of some training features is missing.
    """
    roots: Roots = {}
    for part, clips in list(lists.items()):
        for position, path in enumerate(clips.voice + clips.face):
            head = _head(path)
            if head not in roots:
                roots[head] = find_root(release, head)
            if roots[head] is None:
                places = " or ".join(place for place in FEATURE_FOLDERS)
                reason = f"no folder '{head}' under {places} of {release.folder}"
                error = clips.refuse(position % len(clips), reason)
                if part in ("train", "cross"):
                    raise DataError(f"{error}; unpack the features there (see data/README.md).")
                warnings.warn(f"{error}; going on without these test clips.", stacklevel=2)
                del lists[part]
                break
    return roots


def feature_files(paths: list[str], roots: Roots) -> list[str]:
    """The files of listed paths, relative to the folder of the release."""
    return [f"{roots[head]}{path[len(head) :]}" for path in paths for head in [_head(path)]]


def read_corpus(
    release: Release, lists: dict[str, ClipList], roots: Roots, progress: bool = True
) -> Corpus:
    """Read every feature file of the lists.

    Raises:
        DataError: the first bad feature file, with list, line and remedy; a gap in the labels.
    """
    parts: dict[str, FeatureSet] = {}
    with tqdm(
        total=sum(2 * len(clips) for clips in lists.values()),
        desc=f"reading {release.version} features",
        unit="file",
        delay=1,
        disable=not progress,
    ) as bar:
        for part, clips in lists.items():
            voice = _read(release, clips, feature_files(clips.voice, roots), VOICE_DIM, bar)
            face = _read(release, clips, feature_files(clips.face, roots), FACE_DIM, bar)
            if not (spoken := voice.any(axis=1)).all():
                reason = "the voice is all zeros; only a face may be missing. Remove the line."
                raise clips.refuse(int(np.argmin(spoken)), reason)
            parts[part] = FeatureSet(
                face=face,
                voice=voice,
                speaker=None if clips.label is None else np.array(clips.label, dtype=np.int64),
                video=np.array(clips.video, dtype=np.str_),
                language=language_of(release, part),
                key=np.array(clips.key, dtype=np.str_),
                source=str(clips.path),
            )
    return corpus_of(release, parts)


def _read(
    release: Release, clips: ClipList, files: list[str], size: int, bar: tqdm
) -> NDArray[np.float32]:
    def refuse(row: int, problem: str) -> DataError:
        remedy = "unpack the archive again or remove the line"
        return clips.refuse(row, f"feature file {files[row]} {problem}; {remedy}.")

    return read_matrix([os.path.join(release.folder, file) for file in files], size, refuse, bar)


def language_of(release: Release, part: str) -> str:
    """The language of a part of the corpus."""
    return "English" if part in ("train", "test_english") else release.language


def corpus_of(release: Release, parts: dict[str, FeatureSet]) -> Corpus:
    """The corpus of a release from its sets by part."""
    return Corpus(
        train=parts["train"],
        cross=parts["cross"],
        test_english=parts.get("test_english"),
        test_cross=parts.get("test_cross"),
        speakers=int(parts["train"].labels.max()) + 1,
        name=f"MAV-Celeb {release.version}",
        version=release.version,
    )
