"""Fingers and pens: what is swept is selected, two fingers still zoom, and the bar fits a tablet."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
PAGE = Path(__file__).resolve().parent / "pages" / "engine_page.py"
ATLAS = "document.querySelector('.atlas-holder').atlas"
LON, LAT, STEP = 113.0, 25.0, 0.02


@pytest.fixture(scope="module")
def address(serve) -> str:
    return serve(PAGE)


@pytest.fixture
def tablet(chromium, address):
    context = chromium.new_context(viewport={"width": 1024, "height": 768}, locale="zh-CN", has_touch=True)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector(".atlas-holder[data-ready]", state="attached")
    middle = f"[{LAT + STEP}, {LON + STEP}]"  # so far out that no bar lies over what is swept
    page.evaluate(f"() => {{ {ATLAS}.map.setView({middle}, 13, {{ animate: false }}); }}")
    page.wait_for_function(
        f"""() => {{ const n = Object.values({ATLAS}.tiles._tiles);
            return n.length && n.every(x => x.loaded) && !{ATLAS}.tiles._queue.length; }}"""
    )
    yield page
    context.close()


def touch(page, kind: str, *places: tuple[float, float]) -> None:
    if not hasattr(page, "fingers"):
        page.fingers = page.context.new_cdp_session(page)
    points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places)]
    page.fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def on_screen(page, lon: float, lat: float) -> tuple[float, float]:
    x, y = page.evaluate(
        f"""([lon, lat]) => {{ const p = {ATLAS}.map.latLngToContainerPoint([lat, lon]);
        const r = {ATLAS}.root.getBoundingClientRect(); return [r.x + p.x, r.y + p.y]; }}""",
        [lon, lat],
    )
    return x, y


@pytest.mark.parametrize("tool", ["box", "lasso"])
def test_one_finger_sweeps_a_selection_and_the_page_stays(tablet, tool) -> None:
    tablet.locator(f".atlas-tool-{tool}").tap()
    corners = [(0.001, 0.001), (0.45 * STEP, 0.001), (0.45 * STEP, 0.45 * STEP), (0.001, 0.45 * STEP)]
    places = [on_screen(tablet, LON + x, LAT + y) for x, y in corners]
    start, middle, end = places[0], places[1], places[2]
    touch(tablet, "touchStart", start)
    path = [end] if tool == "box" else [middle, end, places[3]]
    last = start
    for goal in path:
        for part in (0.25, 0.5, 0.75, 1.0):
            touch(tablet, "touchMove", (last[0] + (goal[0] - last[0]) * part, last[1] + (goal[1] - last[1]) * part))
        last = goal
    touch(tablet, "touchEnd")
    expect(tablet.get_by_text("selected=").first).not_to_contain_text("selected=0")
    assert tablet.evaluate("() => document.querySelector('[data-testid=stMain]').scrollTop") == 0


def test_two_fingers_zoom_also_while_a_tool_waits(tablet) -> None:
    before = tablet.evaluate(f"() => {ATLAS}.map.getZoom()")
    tablet.locator(".atlas-tool-box").tap()
    x, y = on_screen(tablet, LON + STEP, LAT + STEP)
    touch(tablet, "touchStart", (x - 20, y))
    touch(tablet, "touchStart", (x - 20, y), (x + 20, y))
    for reach in (40, 60, 80, 100):
        touch(tablet, "touchMove", (x - reach, y), (x + reach, y))
    touch(tablet, "touchEnd")
    tablet.wait_for_function(f"z => {ATLAS}.map.getZoom() > z", arg=before)
    expect(tablet.get_by_text("selected=0")).to_be_visible()
