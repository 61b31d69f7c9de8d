"""Unpacking archives without trust: nothing outside the folder, no links, nothing half-done.

The rules are the same for zip and tar. They are stricter than `tarfile.data_filter`, which mends a
path that leaves the folder and lets symbolic links stand.
"""

from __future__ import annotations

import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from tqdm.auto import tqdm

from mraf.data.official.lists import LIST_NAME, inner_path
from mraf.errors import DataError
from mraf.files import checked_path

MAX_BYTES = 64 * 2**30  # unpacked; v1 with all its kinds of features is far below
MAX_FILES = 2_000_000
LANDMARKS = {  # names by which the top of the official layout is known inside an archive
    *("csv_files", "comp", "feats", "features", "feat", "test"),
    *("ecappafeats", "ecappa_feats", "facenetfeats", "facenet_feats"),
}
LINK = "is a link or device"


class DamagedArchive(DataError):
    """The file is no archive, or incomplete: fetching it again may help."""


@dataclass(frozen=True)
class _Member:
    """One file of an archive; ``problem`` says why it may not be unpacked."""

    name: str
    size: int
    open: Callable[[], Any]
    problem: str = ""


_Lister = Callable[[IO[bytes], Path], Iterator[_Member]]
"""Lists the files of an archive that is being unpacked into a folder."""


def extract(
    archive: str | Path,
    folder: str | Path,
    progress: bool = True,
    max_bytes: int = MAX_BYTES,
    max_files: int = MAX_FILES,
) -> int:
    """Unpack a zip or tar (also compressed) so that the official layout begins at ``folder``.

    All is unpacked to a temporary folder first: an archive that is damaged or holds anything but
    files and folders inside itself changes nothing. A hard link becomes a copy of its file. Hidden
    files are left out; files that are already there are replaced.

    Returns:
        The number of files unpacked.
    Raises:
        DataError: not such an archive, damaged, or unsafe; a full disk.
    """
    archive, folder = checked_path(archive, DataError), checked_path(folder, DataError)
    if not archive.is_file():
        raise DataError(f"{archive}: there is no such file.")
    if (members := members_of(archive)) is None:
        raise DamagedArchive(f"{archive}: neither zip nor tar, or damaged; fetch it again.")
    make_private(folder)
    # A fixed name: what a killed process left is cleared away by the next attempt.
    temporary = folder / f".unpacking-{archive.name}"
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir()
        count = _unpack(archive, members, temporary, progress, max_bytes, max_files)
        if not count:
            raise DamagedArchive(f"{archive}: the archive holds no files; fetch it again.")
        moves = list(_moves(_top(temporary), folder))  # all are possible, or none is made
        for child, place in tqdm(moves, "moving into place", delay=1, disable=not progress):
            shutil.move(child, place)
        return count
    except DataError:
        raise
    except Exception as error:  # a damaged archive raises nearly anything
        if isinstance(error, OSError) and error.errno is not None:  # not from a decompressor
            raise DataError(
                f"{archive}: cannot be unpacked into {folder} ({error.strerror}); free or permit "
                "the place and repeat."
            ) from error
        reason = f"damaged or truncated ({error})"
        raise DamagedArchive(f"{archive}: {reason}; nothing changed, fetch it again.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def make_private(folder: Path) -> None:
    """Make the folder; a new one keeps git away from what it will hold."""
    try:
        fresh = not folder.exists() or not any(folder.iterdir())
        folder.mkdir(parents=True, exist_ok=True)
        if fresh:
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{folder}: {error.strerror}; choose another folder.") from error


def members_of(path: Path) -> _Lister | None:
    """The function that lists the files of an archive; None for a file that is none."""
    if not path.is_file():
        return None
    try:
        if tarfile.is_tarfile(path):
            return _tar_members
    except (EOFError, zlib.error):  # compressed, but damaged: unpacking it will say so
        return _tar_members
    return _zip_members if zipfile.is_zipfile(path) else None


def _zip_members(file: IO[bytes], into: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            mode = stat.S_IFMT(info.external_attr >> 16)
            problem = "" if mode in (0, stat.S_IFREG) else LINK
            problem = "is encrypted" if info.flag_bits & 1 else problem
            if not info.is_dir() and mode != stat.S_IFDIR:
                yield _Member(info.filename, info.file_size, partial(archive.open, info), problem)


def _tar_members(file: IO[bytes], into: Path) -> Iterator[_Member]:
    with tarfile.open(fileobj=file, mode="r:*") as archive:
        for info in archive:
            if info.isfile():
                yield _Member(info.name, info.size, partial(archive.extractfile, info))
            elif info.islnk() and (linked := _unpacked(into, info.linkname)):
                yield _Member(info.name, linked.stat().st_size, partial(linked.open, "rb"))
            elif not info.isdir():
                yield _Member(info.name, 0, partial(archive.extractfile, info), LINK)
        stream: Any = archive.fileobj
        if stream is file:  # not compressed: nothing else would notice a missing end
            file.seek(archive.offset)
            if file.read(tarfile.BLOCKSIZE) != b"\0" * tarfile.BLOCKSIZE:
                raise EOFError("the end of the archive is missing")
        while stream.read(2**20):  # the checksum of a compressed stream stands at its end
            pass


def _unpacked(into: Path, link: str) -> Path | None:
    """The file of the same archive that a hard link names, which becomes a copy of it."""
    try:
        place = into / inner_path(link)
    except ValueError:
        return None
    return place if place.is_file() else None


def _unpack(
    archive: Path, members: _Lister, into: Path, progress: bool, max_bytes: int, max_files: int
) -> int:
    """Write the files of an archive that are not hidden into a folder, and return their number."""
    size = count = 0
    total, name = archive.stat().st_size, f"unpacking {archive.name}"
    bar = partial(tqdm.wrapattr, total=total, desc=name, delay=1, disable=not progress)
    with archive.open("rb") as opened, bar(opened, "read") as file:
        for member in members(file, into):
            try:
                path = inner_path(member.name)
            except ValueError as error:
                raise DataError(f"{archive}: refused, {error}; nothing was unpacked.") from None
            if member.problem:
                raise DataError(f"{archive}: refused, '{path}' {member.problem}.")
            if any(part.startswith((".", "__MACOSX")) for part in path.split("/")):
                continue  # hidden files and what a Mac adds are no features
            size, count = size + member.size, count + 1
            if size > max_bytes or count > max_files:
                raise DataError(
                    f"{archive}: refused, unpacks to more than {max_bytes / 2**30:g} GiB or "
                    f"{max_files:,} files; nothing was unpacked."
                )
            target = into / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with member.open() as source, target.open("wb") as out:
                shutil.copyfileobj(source, out)
    return count


def _top(folder: Path) -> Path:
    """Where the official layout begins: under folders that hold nothing but one other folder."""
    place = folder
    while True:
        children = list(place.iterdir())
        if any(child.name in LANDMARKS or LIST_NAME.fullmatch(child.name) for child in children):
            return place
        inner = [child for child in children if child.is_dir()]
        if len(inner) != 1:
            return folder
        place = inner[0]


def _moves(source: Path, target: Path) -> Iterator[tuple[Path, Path]]:
    """The renames that merge one folder into another: of whole folders where the name is free."""
    for child in source.iterdir():
        place = target / child.name
        if child.is_dir() and place.is_dir():
            yield from _moves(child, place)
        elif place.exists() and (child.is_dir() or place.is_dir()):
            raise DataError(f"{place} is in the way of what is unpacked; move it and repeat.")
        else:
            yield child, place
