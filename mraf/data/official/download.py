"""The official archives, fetched from their public Google Drive ids."""

import errno
from pathlib import Path
from textwrap import shorten

from mraf.data.official.unpacking import DamagedArchive, extract, make_private
from mraf.errors import DataError
from mraf.files import checked_path

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
LOCAL = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS)  # the place is at fault
ARCHIVES = {
    "train-lists": "1V_Wctz02J1wA47rTAZ3uIXiCkw9rYDQd",
    "train-features": "11gjdlJgRxWcoNU9h-xlD8W0171Q6nvAA",
    "test-lists": "12bewwdD29Irr8X8max0d9Ddc5HRpQGv9",
    "test-features": "1CIndslpYn7pbhYPZnDAXy7tELJghK_1F",
}
"""What v1 needs: name and public Google Drive id; `data/README.md` links the others."""


def download(folder: str | Path) -> None:
    """Fetch the official archives of v1 through gdown and unpack them.

    The archives stay in ``folder/.mraf-downloads``: what is complete is not fetched again, what
    is not is resumed. gdown's own bar shows the size of each.

    Raises DataError: Google Drive cannot be reached or refuses, with the steps to fetch by hand; a
    full disk; a bad archive.
    """
    import gdown  # takes a while to import

    folder = checked_path(folder, DataError)
    make_private(folder)
    for name, drive_id in ARCHIVES.items():
        target = folder / DOWNLOADS / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            fetched = gdown.download(id=drive_id, output=str(target), resume=True)
        except Exception as error:  # gdown lets through what its dependencies raise, also offline
            if getattr(error, "errno", None) in LOCAL:
                remedy = "free or permit the place and repeat, the download resumes"
                raise DataError(f"{target}: {error}; {remedy}.") from error
            raise DataError(_manual_steps(folder, f"{type(error).__name__}: {error}")) from error
        if fetched is None or not target.exists():
            raise DataError(_manual_steps(folder, f"Google Drive did not hand out {name}"))
        try:
            extract(target, folder)
        except DamagedArchive:
            target.unlink()  # gdown would take it for complete
            raise


def _manual_steps(folder: Path, reason: str) -> str:
    """What to do where Google Drive cannot be reached from this program."""
    page = "  https://drive.google.com/file/d/{}/view  {}"
    links = "\n".join(page.format(drive_id, name) for name, drive_id in ARCHIVES.items())
    reason = shorten(reason, 200, placeholder="…")  # libraries' messages run over many lines
    return (
        f"The official archives cannot be fetched from here: offline, or refused ({reason}).\n"
        "Repeat later (the download resumes), or open these links in a browser:\n"
        f"{links}\nand unpack each file that you saved with\n"
        f"  mraf data download {folder} --from-archive FILE"
    )
