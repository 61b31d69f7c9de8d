"""Unpacking archives without trust: nothing outside the folder, no links, nothing half-done.

The rules hold for zip and tar. `tarfile.data_filter` would mend paths and let links stand.
"""

import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

from tqdm.auto import tqdm

from mraf.data.official.lists import inner_path
from mraf.data.official.release import LIST_NAME
from mraf.errors import DataError
from mraf.files import checked_path, locked

MAX_BYTES = 64 * 2**30  # unpacked; v1 with all its kinds of features is far below
MAX_FILES = 2_000_000
LANDMARKS = {  # names by which the top of the official layout is known inside an archive
    *("csv_files", "comp", "feats", "features", "feat", "test"),
    *("ecappafeats", "ecappa_feats", "facenetfeats", "facenet_feats"),
}
LINK = "is a link or device"


class DamagedArchive(DataError):
    """The file is no archive, or incomplete: fetching it again may help."""


class _Member(NamedTuple):
    """One file of an archive; ``problem`` says why it may not be unpacked."""

    name: str
    size: int
    open: Callable[[], Any]
    problem: str = ""


def extract(archive: str | Path, folder: str | Path) -> int:
    """The number of files unpacked from a zip or tar (also compressed) to the official layout.

    The layout begins at ``folder``. All is unpacked to a temporary folder first: an archive that is
    damaged or holds anything but files and folders inside itself changes nothing. A hard link
    becomes a copy of its file. Hidden files are left out; those that are there are replaced.

    Raises DataError: not such an archive, damaged, or unsafe; a full disk. Else as `locked`.
    """
    folder = checked_path(folder, DataError)
    with locked(folder):  # another process that unpacks there is waited for
        return _unpack(checked_path(archive, DataError), folder)


def _unpack(archive: Path, folder: Path) -> int:
    if not archive.is_file():
        raise DataError(f"{archive}: there is no such file.")
    members = _members_of(archive)
    fresh = not folder.exists()
    make_private(folder)
    # A fixed name: what a killed process left is cleared away by the next attempt.
    temporary = folder / f".unpacking-{archive.name}"
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir()
        count = size = 0
        bar: Any = {"total": archive.stat().st_size, "desc": f"unpacking {archive.name}"}
        with archive.open("rb") as opened, tqdm.wrapattr(opened, "read", delay=1, **bar) as file:
            for member in members(file, temporary):
                if (place := _place(archive, member, temporary)) is None:
                    continue
                size, count = size + member.size, count + 1
                if size > MAX_BYTES or count > MAX_FILES:
                    bounds = f"{MAX_BYTES / 2**30:g} GiB or {MAX_FILES:,} files"
                    reason = f"refused, unpacks to more than {bounds}; nothing was unpacked"
                    raise DataError(f"{archive}: {reason}.")
                place.parent.mkdir(parents=True, exist_ok=True)
                with member.open() as source, place.open("wb") as out:
                    shutil.copyfileobj(source, out)
        if not count:
            raise DamagedArchive(f"{archive}: the archive holds no files; fetch it again.")
        moves = list(_moves(_top(temporary), folder))  # all are possible, or none is made
        for child, place in tqdm(moves, "moving into place", delay=1):
            shutil.move(child, place)
        return count
    except DataError:
        raise
    except Exception as error:  # a damaged archive raises nearly anything
        if isinstance(error, OSError) and error.errno is not None:  # not from a decompressor
            reason = f"cannot be unpacked into {folder} ({error.strerror})"
            raise DataError(f"{archive}: {reason}; free or permit the place and repeat.") from error
        reason = f"damaged or truncated ({error})"
        raise DamagedArchive(f"{archive}: {reason}; nothing changed, fetch it again.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if fresh and [child.name for child in folder.iterdir()] == [".gitignore"]:
            shutil.rmtree(folder, ignore_errors=True)  # nothing came of it


def make_private(folder: Path) -> None:
    """Make the folder, unless it is there; a new one keeps git away from what it will hold."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if all(p.name == ".gitignore" and not p.stat().st_size for p in folder.iterdir()):
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{folder}: {error.strerror}; choose another folder.") from error


def _members_of(path: Path) -> Callable[[IO[bytes], Path], Iterator[_Member]]:
    """The function that lists the files of an archive that is being unpacked into a folder."""
    try:
        if tarfile.is_tarfile(path):
            return _tar_members
    except (EOFError, zlib.error):  # compressed, but damaged: unpacking it will say so
        return _tar_members
    if zipfile.is_zipfile(path):
        return _zip_members
    raise DamagedArchive(f"{path}: neither zip nor tar, or damaged; fetch it again.")


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
    with suppress(ValueError):
        if (place := into / inner_path(link)).is_file():
            return place
    return None


def _place(archive: Path, member: _Member, into: Path) -> Path | None:
    """Where a file goes; None for hidden files and what a Mac adds, which are no features."""
    try:
        path = inner_path(member.name)
    except ValueError as error:
        raise DataError(f"{archive}: refused, {error}; nothing was unpacked.") from None
    if member.problem:
        raise DataError(f"{archive}: refused, '{path}' {member.problem}.")
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.split("/"))
    return None if hidden else into / path


def _top(folder: Path) -> Path:
    """Where the official layout begins: under folders that hold nothing but one other folder."""
    place = folder
    while not any(p.name in LANDMARKS or LIST_NAME.fullmatch(p.name) for p in place.iterdir()):
        inner = [child for child in place.iterdir() if child.is_dir()]
        if len(inner) != 1:
            return folder
        place = inner[0]
    return place


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
