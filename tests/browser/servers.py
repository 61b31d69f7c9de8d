"""JupyterLab and Voilà for the browser tests, each with settings and a port of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
SETTINGS = {  # of JupyterLab: cells that are off the screen are there, too; nothing is fetched
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
PREFIX = "/user/ann/"  # a hub serves each of its users under a path of his own
IDLE = "Python 3 (ipykernel) | Idle"  # status bar


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(module: str, folder: Path, *options: str) -> Iterator[str]:
    """A server that is up, and gone afterwards with its kernels; yields its address."""
    pytest.importorskip(module)
    port = free_port()
    own = {f"JUPYTER_{kind}_DIR": str(folder / kind.lower()) for kind in ("CONFIG", "RUNTIME")}
    environment = {
        **os.environ, **own, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1",
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
    }  # fmt: skip
    environment.pop("MRAF_DATA", None)  # screenshots show the twin
    command = [sys.executable, "-m", module, "--no-browser", f"--port={port}", *options]
    log = folder / "server.log"
    with log.open("w") as written:
        server = subprocess.Popen(
            command, env=environment, stdout=written, stderr=written, cwd=folder
        )
        try:
            _wait_for(port, server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


def _wait_for(port: int, server: subprocess.Popen, log: Path) -> None:
    """Until the server listens; asking it for a page would make Voilà run the notebook."""
    for _ in range(240):
        if server.poll() is not None:
            pytest.fail(f"the server stopped: {log.read_text()[-2000:]}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 2):
            return
        time.sleep(0.5)
    pytest.fail(f"the server does not answer: {log.read_text()[-2000:]}")


def kill_kernels() -> None:
    """As a machine without memory does it."""
    for process in psutil.Process().children(recursive=True):
        if "ipykernel_launcher" in process.cmdline():
            process.kill()


@contextmanager
def lab(page, folder: Path, notebook: Path) -> Iterator[None]:
    """A copy of a notebook, open in JupyterLab, with all its cells under way."""
    for name, settings in SETTINGS.items():
        path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    files = folder / "files"
    files.mkdir()
    shutil.copy(notebook, files / "notebook.ipynb")
    options = [
        "--ServerApp.ip=127.0.0.1", "--allow-root", "--IdentityProvider.token=browser-test",
        f"--ServerApp.base_url={PREFIX}", f"--ServerApp.root_dir={files}",
        "--LabApp.expose_app_in_browser=True",
        "--FileContentsManager.pre_save_hook=scripts.run_notebooks.keep_metadata",
    ]  # fmt: skip
    with serving("jupyterlab", folder, *options) as address:
        opened = f"{address}{PREFIX}lab/tree/notebook.ipynb?token=browser-test&reset"
        page.goto(opened, timeout=120_000)
        page.get_by_text(IDLE).wait_for(timeout=120_000)
        page.notebook = files / "notebook.ipynb"
        try:
            page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells'), null")
            yield
        finally:
            page.screenshot(path=folder / "last.png")  # what there was to see where a test failed


MOVE = """
([selector, value]) => new Promise((done) => {
  const control = document.querySelector(selector);
  control.value = value;
  control.dispatchEvent(new Event("input", { bubbles: true }));
  requestAnimationFrame(() => setTimeout(done));
})
"""


def live(page, view: str = "reliability"):
    """The live explorer that shows a view."""
    return page.locator(f".mraf-network[data-view={view}]")


MOVED = {"reliability": "face", "follow": "step", "token": "step", "temperature": "temperature"}


def moves_of_live(page, view: str = "reliability", moves: int = 30) -> float:
    """Move a view's slider from end to end; the median of its CPU, milliseconds to the picture."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return 1000 * next(one["value"] for one in metrics if one["name"] == "TaskDuration")

    slider = live(page, view).locator(f"[name={MOVED[view]}]")
    ends = slider.get_attribute("max"), slider.get_attribute("min")
    selector = f".mraf-network[data-view={view}] [name={MOVED[view]}]"
    taken, shown = [], picture(page, view)
    for move in range(moves):
        before = spent()
        page.evaluate(MOVE, [selector, ends[move % 2]])
        taken.append(spent() - before)
        shown, last = picture(page, view), shown
        assert shown != last
    return statistics.median(taken)


def bars(page, view: str = "reliability") -> list[list]:
    """What a screen reader hears of each bar of the live explorer: its name and its value."""
    said = "found => found.map(({ ariaLabel, ariaValueNow }) => [ariaLabel, Number(ariaValueNow)])"
    return live(page, view).locator("[role=meter]").evaluate_all(said)


def meters(page, view: str = "reliability") -> dict[str, float]:
    """The bars by their names."""
    return dict(bars(page, view))


def status(page, view: str = "reliability") -> str:
    """The sentences that say what is shown."""
    return live(page, view).get_by_role("status").inner_text()


def picture(page, view: str = "reliability") -> tuple[str, list[list]]:
    """All that a move may change."""
    return status(page, view), bars(page, view)


def controls_off_the_screen(page, number: int = 0) -> list[str]:
    """The controls of an explorer that one cannot see together with its whole picture."""
    explorer = page.locator(".mraf-explorer").nth(number)
    explorer.scroll_into_view_if_needed()
    return explorer.evaluate("""explorer => {
      explorer.scrollIntoView({block: "center"});
      const panel = explorer.closest(".jp-WindowedPanel-outer") ?? document.documentElement;
      const [outer, view] = [panel.getBoundingClientRect(), document.documentElement];
      const seen = (element) => {
        const box = element.getBoundingClientRect();
        return box.width > 0 && box.top >= Math.max(0, outer.top) - 1 && box.left >= -1
          && box.bottom <= Math.min(view.clientHeight, Math.max(outer.bottom, 0)) + 1
          && box.right <= view.clientWidth + 1;
      };
      const rows = [...explorer.querySelectorAll(".widget-inline-hbox:not(.widget-html)")];
      return rows.filter((row) => {
        row.scrollIntoView({block: "nearest"});
        return !(seen(row) && seen(explorer.querySelector("img")));
      }).map((row) => row.textContent);
    }""")


def violations(page, axe: Path, *selectors: str) -> list[str]:
    """What axe-core finds serious or critical in these parts of the page."""
    page.add_script_tag(path=axe)
    found = page.evaluate(  # without what passes, which takes longer to send than to find
        """of => axe.run(
          {include: of.map((one) => [one])}, {preload: false, resultTypes: ["violations"]}
        ).then((found) => found.violations)""",
        list(selectors),
    )
    return [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
