"""The official archives, fetched from their public Google Drive ids."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mraf.data.official.unpacking import DamagedArchive, extract, make_private, members_of
from mraf.errors import DataError
from mraf.files import checked_path

__all__ = ["ARCHIVES", "CONSENT_NOTE", "Archive", "download", "extract", "manual_steps"]

CONSENT_NOTE = """\
The official features are face and voice templates of real people.
  · They come from MAV-Celeb (Nawaz et al., CVPR Workshops 2021), which was collected from public
    YouTube videos, and are handed out by the organisers of the POLY-SIM 2026 challenge. The people
    in them appeared there for other purposes; do not assume that they gave consent to this one.
  · The terms are those of the authors of the corpus and of the challenge: read them on their pages.
    This project grants no rights to the features and does not redistribute them.
  · Use them for research and teaching only. Do not try to find out who somebody is, do not link
    them to other data, do not publish features or anything a template could be recovered from
    (class means and checkpoints included), and delete them when you no longer need them.
  · In many countries such templates are biometric data under special protection (in the EU:
    GDPR, article 9). Seeing to that is up to you.
"""

DOWNLOADS = ".mraf-downloads"


@dataclass(frozen=True)
class Archive:
    """One download: its public Google Drive id, and whether that is a folder of archives."""

    drive_id: str
    holds: str
    folder: bool = False
    default: bool = True

    @property
    def link(self) -> str:
        """The page on which a browser offers the download."""
        kind = "drive/folders/{}" if self.folder else "file/d/{}/view"
        return f"https://drive.google.com/{kind.format(self.drive_id)}"


ARCHIVES = {
    "train-lists": Archive("1V_Wctz02J1wA47rTAZ3uIXiCkw9rYDQd", "train and dev CSV lists"),
    "train-features": Archive("11gjdlJgRxWcoNU9h-xlD8W0171Q6nvAA", "train features"),
    "test-lists": Archive("12bewwdD29Irr8X8max0d9Ddc5HRpQGv9", "test CSV lists"),
    "test-features": Archive("1CIndslpYn7pbhYPZnDAXy7tELJghK_1F", "test features"),
    "dev-features": Archive(
        "19smDBY2fcvR-vXML2UjGrWc0XyfDO3-l", "dev features (not read by mraf)", default=False
    ),
    "v3-features": Archive(
        "1J500HqsijTm5zrVO2gyfFQ9s0_4c0jdy", "features of v3", folder=True, default=False
    ),
}


def download(
    folder: str | Path, only: Iterable[str] | None = None, progress: bool = True
) -> list[Path]:
    """Fetch official archives through gdown and unpack them.

    The archives stay in ``folder/.mraf-downloads``: what is complete is not fetched again, what
    is not is resumed. gdown's own bar shows the size of each.

    Args:
        only: names from ``ARCHIVES``; None fetches the four that v1 needs.
    Returns:
        The archives fetched.
    Raises:
        DataError: an unknown name; Google Drive cannot be reached or refuses, with the steps to
            fetch by hand; a full disk; a bad archive.
    """
    folder = checked_path(folder, DataError)
    names = [name for name, archive in ARCHIVES.items() if archive.default]
    names = names if only is None else list(only)
    if unknown := [name for name in names if name not in ARCHIVES]:
        raise DataError(f"No archive '{unknown[0]}'; there are {', '.join(ARCHIVES)}.")
    make_private(folder)
    fetched = []
    for name in names:
        place = _fetch(name, folder, progress)
        files = [place]
        if place.is_dir():
            files = [file for file in sorted(place.rglob("*")) if members_of(file)]
            if not files:
                raise DataError(f"{place}: no zip or tar in it; see {ARCHIVES[name].link}.")
        for file in files:
            try:
                extract(file, folder, progress)
            except DamagedArchive:
                file.unlink()  # gdown would take it for complete
                raise
        fetched += files
    return fetched


def _fetch(name: str, folder: Path, progress: bool) -> Path:
    import gdown  # takes a while to import

    archive, target = ARCHIVES[name], folder / DOWNLOADS / name
    fetch = gdown.download_folder if archive.folder else gdown.download
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        result = fetch(id=archive.drive_id, output=str(target), resume=True, quiet=not progress)
    except Exception as error:  # gdown lets through what its dependencies raise, also offline
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise DataError(
                f"{target}: {error}; free or permit the place and repeat, the download resumes."
            ) from error
        raise DataError(manual_steps(folder, f"{type(error).__name__}: {error}")) from error
    if result is None or not target.exists():
        raise DataError(manual_steps(folder, f"Google Drive did not hand out {name}"))
    return target


def manual_steps(folder: Path, reason: str) -> str:
    """What to do where Google Drive cannot be reached from this program."""
    links = [
        f"  {archive.link}  {archive.holds}" for archive in ARCHIVES.values() if archive.default
    ]
    reason = " ".join(reason.split())  # libraries' messages run over many lines
    reason = reason if len(reason) <= 200 else f"{reason[:200]}…"
    return "\n".join(
        [
            f"The official archives cannot be fetched from here: offline, or refused ({reason}).",
            "Repeat later (the download resumes), or open these links in a browser:",
            *links,
            "and unpack each file that you saved with",
            f"  mraf data download {folder} --from-archive FILE",
        ]
    )
