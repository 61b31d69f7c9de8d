"""Write from the git remote the README's links to Binder, and where notebooks install mraf from.

Where there is no remote that Binder could read, the README says how to get the links instead, and
notebooks take the wheel that lies beside them.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from mraf import __version__

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"(<!-- online: .*? -->\n).*?(<!-- /online -->)", re.DOTALL)
REMOTE = re.compile(
    r"(?:https?://|ssh://|git://)?(?:[^@/]+@)?(?P<host>[\w-]+(?:\.[\w-]+)+)(?::\d+)?[:/]"
    r"(?P<path>[\w.~/-]+?)(?:\.git)?/?"
)
SOURCE = re.compile(r'(?<=SOURCE = ").*?(?=")')  # in door.py, with which notebooks begin
WHEEL = f"mraf-{__version__}-py3-none-any.whl"
PROVIDERS = {"github.com": "gh", "gitlab.com": "gl"}
LINKS = {
    "[![Binder](https://mybinder.org/badge_logo.svg)]": "lab/tree/notebooks",
    "[the first notebook]": "lab/tree/notebooks/01_data_inspection.ipynb",
    "[the explorer as an app]": "voila/render/notebooks/app/reliability.ipynb",
}
HOW = (
    "Without installing anything: when this repository is on a public git server, `make badges` "
    "writes links here that open the\nnotebooks and the explorer on Binder."
)


def binder(remote: str) -> str | None:
    """Binder's address of the default branch of a remote; None for one that it cannot reach."""
    found = REMOTE.fullmatch(remote)
    if remote.startswith(("/", ".", "file:")) or not found:
        return None
    host, path = found["host"], found["path"]
    if host not in PROVIDERS:
        repository = "git/" + quote(f"https://{host}/{path}", safe="")
    else:
        repository = f"{PROVIDERS[host]}/{path if host == 'github.com' else quote(path, safe='')}"
    return f"https://mybinder.org/v2/{repository}/HEAD"


def source(remote: str) -> str:
    """What pip installs mraf from: the repository, or else a wheel in the working folder."""
    found = REMOTE.fullmatch(remote) if binder(remote) else None
    return f"git+https://{found['host']}/{found['path']}" if found else WHEEL


def text(remote: str) -> str:
    """What the README says about running online."""
    address = binder(remote)
    if address is None:
        return HOW
    links = [f"{name}({address}?urlpath={quote(path, safe='')})" for name, path in LINKS.items()]
    return f"Without installing anything, on Binder: {' · '.join(links)}"


def main() -> int:
    readme = ROOT / "README.md"
    remotes = subprocess.run(
        ["git", "remote", "get-url", "origin"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    before = readme.read_text(encoding="utf-8")
    if not BLOCK.search(before):
        print(f"{readme.name}: lacks '<!-- online: … -->' and '<!-- /online -->'", file=sys.stderr)
        return 1
    after = BLOCK.sub(lambda found: f"{found[1]}{text(remotes)}\n{found[2]}", before)
    readme.write_text(after, encoding="utf-8")
    door = ROOT / "scripts" / "door.py"
    cell = SOURCE.sub(source(remotes), door.read_text(encoding="utf-8"))
    door.write_text(cell, encoding="utf-8")
    told = binder(remotes) or "no remote that Binder can reach; it says how to get the links"
    print(f"README.md: {told}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
