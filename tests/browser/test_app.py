"""The app, whose network runs in the page: two users, a hub's prefix, kernels that are gone."""

from __future__ import annotations

import pytest
from servers import PREFIX, ROOT, kill_kernels, meters, moves_of_live, serving, violations

pytestmark = pytest.mark.browser

APP = ROOT / "notebooks" / "app" / "reliability.ipynb"
PATIENCE = 300  # seconds for a kernel to start and, where no run is kept, to train


def test_the_app(browser, page, tmp_path, screenshots, axe):
    """Two users under a hub's prefix; at last their kernels are gone, and all still moves."""
    options = (str(APP), "--Voila.ip=127.0.0.1", f"--Voila.base_url={PREFIX}")
    with serving("voila", tmp_path, *options) as address:
        other = browser.new_page()
        for user in (page, other):
            user.goto(address + PREFIX, timeout=1000 * PATIENCE)
            user.locator("[role=meter]").first.wait_for(timeout=1000 * PATIENCE)
        print(f"\nlive in Voilà: median of 30 moves {moves_of_live(page):.0f} ms of CPU")
        assert not violations(page, axe, ".mraf-network")
        kill_kernels()
        for user in (page, other):
            before = meters(user)
            user.get_by_label("The face is there").press("Space")
            assert meters(user)["weight of the face"] == 0 != before["weight of the face"]
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.locator(".mraf-network").evaluate("e => e.scrollWidth") <= 390
        page.screenshot(path=screenshots / "app.png")
        other.close()
