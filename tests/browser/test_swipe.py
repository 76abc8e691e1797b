"""The swipe: one place, two maps, a handle that drags and obeys the keyboard."""

import io
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
PAGE = Path(__file__).resolve().parent / "pages" / "swipe_page.py"
ATLAS = "document.querySelector('.atlas-holder').atlas"


@pytest.fixture(scope="module")
def address(serve) -> str:
    return serve(PAGE)


@pytest.fixture
def view(page, address):
    page.goto(address)
    page.wait_for_selector(".atlas-holder[data-ready]", state="attached")
    settle(page)
    return page


def settle(page) -> None:
    page.wait_for_function(
        f"""() => {ATLAS}.sides.every(s => {{ const n = Object.values(s.tiles._tiles);
            return n.length && n.every(x => x.loaded) && !s.tiles._queue.length && !s.map._animatingZoom; }})"""
    )
    page.wait_for_timeout(350)


def colours(page, y: float = 0.4) -> list[str]:
    """What is seen from left to right, away from controls: r for the left map, b for the right."""
    shot = Image.open(io.BytesIO(page.locator(".atlas-swipe").screenshot())).convert("RGB")
    row = int(shot.height * y)
    found = []
    for part in range(20, 81, 5):
        red, _, blue = shot.getpixel((shot.width * part // 100, row))
        found.append("r" if red > blue + 40 else "b" if blue > red + 40 else "?")
    return found


def views(page) -> list[list[float]]:
    return page.evaluate(
        f"() => {ATLAS}.sides.map(s => [s.map.getCenter().lng, s.map.getCenter().lat, s.map.getZoom()])"
    )


def test_the_handle_parts_two_maps_by_mouse_and_by_keyboard(view) -> None:
    seen = "".join(colours(view))
    assert seen[:6] == "r" * 6, seen
    assert seen[7:] == "b" * 6, seen
    handle = view.locator(".atlas-swipe-handle")
    expect(handle).to_have_attribute("aria-valuenow", "50")
    box = view.locator(".atlas-swipe").bounding_box()
    view.mouse.move(box["x"] + box["width"] / 2, box["y"] + 120)
    view.mouse.down()
    view.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 140, steps=5)
    view.mouse.up()
    expect(handle).to_have_attribute("aria-valuenow", "80")
    assert "".join(colours(view))[:12] == "r" * 12
    handle.focus()
    view.keyboard.press("Home")
    expect(handle).to_have_attribute("aria-valuenow", "12")
    assert set(colours(view)) == {"b"}
    view.keyboard.press("ArrowRight")
    expect(handle).to_have_attribute("aria-valuenow", "16")
    assert view.faults == []
    assert view.outside == []


def test_both_maps_move_together_while_one_is_moved(view) -> None:
    box = view.locator(".atlas-swipe").bounding_box()
    view.mouse.move(box["x"] + 300, box["y"] + 300)
    view.mouse.down()
    view.mouse.move(box["x"] + 220, box["y"] + 260, steps=4)
    one, other = views(view)
    assert one == pytest.approx(other, abs=1e-5), "the other lags behind the hand"
    view.mouse.up()
    view.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 200)
    view.mouse.wheel(0, -240)
    view.wait_for_function(f"z => {ATLAS}.sides.every(s => s.map.getZoom() > z && !s.map._animatingZoom)", arg=one[2])
    settle(view)
    one, other = views(view)
    assert one == pytest.approx(other, abs=1e-5)


def test_a_click_is_told_with_its_side_and_each_side_has_its_legend(view) -> None:
    box = view.locator(".atlas-swipe").bounding_box()
    view.mouse.click(box["x"] + box["width"] * 0.7, box["y"] + 200)
    expect(view.get_by_text("left=None right=('villages', 0)")).to_be_visible()
    view.mouse.click(box["x"] + box["width"] * 0.4, box["y"] + 200)
    expect(view.get_by_text("left=('villages', 0) right=None")).to_be_visible()
    legends = view.locator(".atlas-legend-text")
    expect(legends).to_have_text(["前", "后"])
    expect(view.locator(".atlas-swipe-title")).to_have_text(["2018", "2019"])
