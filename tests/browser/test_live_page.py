"""The live page, opened as a file: every control moved, the answers those of PyTorch."""

from __future__ import annotations

import json

import pytest
from servers import meters, moves_of_live

from mraf.data import load
from mraf.export.export import MODULE, PAGE, export_run
from tests.export.parity import assert_same, clips_with_and_without_faces, rounded, run_of

pytestmark = pytest.mark.browser

WANTED = 50  # milliseconds
FORWARD = """
async ([source, rows]) => {
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const { forward, network } = await import(address), net = await network(globalThis.mraf);
  const outputs = rows.map(([face, voice]) => forward(net, face, voice));
  const plain = (_, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value);
  return JSON.stringify(outputs, plain);
}
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The quick preset's page, and the run that it is of."""
    folder, twin = tmp_path_factory.mktemp("live"), load("twin")
    run = run_of(twin)
    export_run(run, folder)
    return folder, run, twin


@pytest.fixture
def live(page, exported):
    """The page at 390 px without a network; whatever it complains of fails the test."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda r: said.append(r.url) if not r.url.startswith("file:") else None)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto((exported[0] / PAGE).as_uri())
    page.locator("[data-part=fused] [role=meter]").first.wait_for()
    yield page
    assert [text for text in said if not text.startswith(("blob:", "data:"))] == []


def test_every_control_moves_the_picture(live, screenshots):
    assert live.locator("[role=meter]").count() == 4 + 3 * 5
    shown = meters(live)
    assert 0 < shown["weight of the face"] < 1
    assert shown["weight of the face"] + shown["weight of the voice"] == pytest.approx(1, abs=0.01)
    live.screenshot(path=screenshots / "live-before.png", full_page=True)
    for control, key in (
        ("face", "End"),
        ("face-kind", "ArrowDown"),
        ("voice", "ArrowRight"),
        ("clip", "ArrowDown"),
    ):
        live.locator(f"[name={control}]").focus()
        live.keyboard.press(key)
        assert meters(live) != shown, control
        shown = meters(live)
    said = live.get_by_label("Face, how far").get_attribute("aria-valuetext")
    assert said == "100% towards another person's"
    assert live.locator(".amount").last.inner_text() == "5%"
    live.get_by_label("The face is there").press("Space")
    assert meters(live)["reliability of the face"] == meters(live)["weight of the face"] == 0
    assert live.get_by_label("Face, how far").is_disabled()
    assert "the voice 1.00" in live.get_by_role("status").inner_text()
    live.emulate_media(color_scheme="dark")
    live.screenshot(path=screenshots / "live-dark.png", full_page=True)
    assert live.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_moved_slider_answers_in_time(live):
    median = moves_of_live(live)
    print(f"\nlive page: median of 30 moves {median:.0f} ms of CPU to the picture, wanted {WANTED}")


def test_a_run_of_a_students_own_is_shown(live, exported, tmp_path):
    before = meters(live)
    other = tmp_path / "weights.js"
    text = (exported[0] / "weights.js").read_text()
    other.write_text(text.replace('"speaker": 0', '"speaker": 1', 1))
    live.get_by_label("Show a run of yours").set_input_files(other)
    live.get_by_role("option", name="speaker 1, English").wait_for(state="attached")
    assert meters(live) != before
    other.write_text("globalThis.other = {};")
    live.get_by_label("Show a run of yours").set_input_files(other)
    live.get_by_text("This is not a weights.js that mraf export wrote.").wait_for()


def test_the_module_answers_in_chromium_as_pytorch_does(live, exported):
    folder, run, twin = exported
    face, voice = clips_with_and_without_faces(twin)
    rows = list(zip(face.tolist(), voice.tolist(), strict=True))
    found = live.evaluate(FORWARD, [(folder / MODULE).read_text(), rows])
    worst = assert_same(json.loads(found), rounded(run, face, voice))
    print(f"\nChromium: {worst:.1e} from PyTorch")
