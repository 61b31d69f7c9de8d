"""A folder of clips becomes a table: one ``.npy`` file for each embedding, and a CSV of all clips.

The folder is laid out as SPEAKER/LANGUAGE/VIDEO/clip.wav, with the face of a clip in a picture of
the same name beside the sound, clip.jpg. An embedding that is there already is kept.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from mraf.data.official.unpacking import make_private
from mraf.errors import DataError, MrafError
from mraf.files import check_target, checked_path, write_atomically, write_text
from mraf_related.embedding.encoders import Encoder, encoder

SOUNDS = {".wav", ".flac", ".ogg", ".mp3"}
PICTURES = (".jpg", ".jpeg", ".png")
COLUMNS = ["face", "voice", "speaker", "language", "video", "key"]  # of the table
BATCH = 16
PLAIN = re.compile(r"[^\w.-]+")  # what a name of a folder does without


class Embedded(NamedTuple):
    """What became of a folder."""

    table: pd.DataFrame  # as in the CSV
    failed: dict[Path, str]  # why, by file


def embed_folder(
    folder: str | Path, out: str | Path, voice: str, face: str, progress: bool = True
) -> Embedded:
    """Embed all clips of a folder and write the table; embeddings lie in a folder beside it.

    A file that fails is left out and told of. A clip whose picture fails or is missing stays, with
    a missing face. After an interruption the same call continues.

    Args:
        out: the CSV to write.
        voice, face: names of encoders, see `mraf_related.embedding.encoders.encoder`. The one for
            faces is loaded where there is a picture.
    Raises:
        DataError: no clips, or a clip that does not lie as it should.
        RunError: an encoder that cannot be loaded, a table that cannot be written.
    """
    folder, out = checked_path(folder, DataError), checked_path(out)
    clips = find_clips(folder)
    if out.suffix.lower() != ".csv":
        raise DataError(f"{out}: the table is a CSV; choose a name that ends in .csv.")
    check_target(out)
    features = out.with_suffix("")  # maybe the folder itself, as of class and class.csv
    pictures = {
        name: path
        for name, sound in clips.items()
        if (path := next(filter(Path.is_file, map(sound.with_suffix, PICTURES)), None))
    }
    failed: dict[Path, str] = {}
    columns: dict[str, dict[str, str]] = {"voice": {}, "face": {}}
    work = []
    for kind, name, files in (("voice", voice, clips), ("face", face, pictures)):
        # each encoder and each file of weights has its own place: embeddings never mix
        place = features / f"{kind} {PLAIN.sub('_', name)[-100:]}"
        todo = {clip: place / f"{clip}.npy" for clip in files}
        done = sorted(clip for clip in files if _is_newer(todo[clip], files[clip]))
        columns[kind] = {clip: str(todo[clip].relative_to(out.parent)) for clip in done}
        if len(done) < len(files):
            work.append((kind, encoder(name), files, todo, place))
    try:  # only now, as an encoder that cannot be loaded changes nothing
        for kind, model, files, todo, place in work:
            make_private(place)
            missing = [clip for clip in files if clip not in columns[kind]]
            bar = tqdm(missing, kind, disable=not progress)
            for clip, row in _embedded(model, bar, files, failed):
                todo[clip].parent.mkdir(parents=True, exist_ok=True)
                write_atomically(todo[clip], partial(_save, row))
                columns[kind][clip] = str(todo[clip].relative_to(out.parent))
    finally:  # what was done before an interruption stands in the table
        table = _table(clips, columns)
        write_text(out, table.to_csv(index=False))
    return Embedded(table, failed)


def find_clips(folder: Path) -> dict[str, Path]:
    """Sounds by SPEAKER/LANGUAGE/VIDEO/clip.

    Raises:
        DataError: no clips, a sound at another depth, a name that no table can hold, or two sounds
            of one name.
    """
    clips: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in SOUNDS or not path.is_file():
            continue
        clip = path.relative_to(folder).with_suffix("").as_posix()
        if clip.count("/") != 3:
            raise DataError(f"{path}: lies elsewhere than SPEAKER/LANGUAGE/VIDEO/; move it there.")
        if re.search(r"[\r\n\ud800-\udfff]", clip):
            raise DataError(f"{str(path)!r}: is not UTF-8 or has a line break; rename it.")
        if clip in clips:
            raise DataError(f"{path}: another sound has the same name; rename one of them.")
        clips[clip] = path
    if not clips:
        remedy = "lay them out as SPEAKER/LANGUAGE/VIDEO/clip.wav"
        raise DataError(f"{folder}: holds no sounds ({', '.join(sorted(SOUNDS))}); {remedy}.")
    return clips


def _embedded(
    model: Encoder, clips: Any, files: dict[str, Path], failed: dict[Path, str]
) -> Iterator[tuple[str, Any]]:
    """Clips with their embeddings; a batch that fails is tried file by file."""
    batch: list[str] = []

    def rows() -> Iterator[tuple[str, Any]]:
        try:
            yield from zip(batch, model.embed([files[clip] for clip in batch]), strict=True)
        except (MrafError, OSError, ValueError, RuntimeError):
            for clip in batch:
                try:
                    (row,) = model.embed([files[clip]])
                    yield clip, row
                except (MrafError, OSError, ValueError, RuntimeError) as error:
                    failed[files[clip]] = str(error).partition("\n")[0]
        batch.clear()

    for clip in clips:
        batch.append(clip)
        if len(batch) == BATCH:
            yield from rows()
    yield from rows() if batch else ()


def _save(row: Any, path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.asarray(row, np.float32))


def _is_newer(embedding: Path, source: Path) -> bool:
    return embedding.is_file() and embedding.stat().st_mtime >= source.stat().st_mtime


def _table(clips: dict[str, Path], columns: dict[str, dict[str, str]]) -> pd.DataFrame:
    """The columns of `mraf data import`; clips without a voice are left out.

    A video is known by its whole folder: equal names of two speakers or languages are two videos.
    """
    rows = []
    for clip in filter(columns["voice"].__contains__, clips):
        speaker, language, *_ = clip.split("/")
        vectors = columns["face"].get(clip, ""), columns["voice"][clip]
        rows.append((*vectors, speaker, language, clip.rpartition("/")[0], clip))
    return pd.DataFrame(rows, columns=COLUMNS)
