"""A road drawn on the map as an engineer would, costed, saved, chosen, undone; and a repair kept apart and restored."""

import re
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

pytestmark = pytest.mark.browser
HOME = Path(__file__).resolve().parents[2]
SCRIPT = HOME / "views" / "start" / "script.py"
SKETCH = "document.querySelector('.atlas-holder').atlas.sketch"
SPOT = """([lon, lat]) => {
  const atlas = document.querySelector('.atlas-holder').atlas;
  const at = atlas.map.latLngToContainerPoint([lat, lon]);
  const box = atlas.root.getBoundingClientRect();
  return [at.x + box.left, at.y + box.top];
}"""


@pytest.fixture(scope="module")
def office(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("drawing")
    command = [sys.executable, str(HOME / "cli.py"), "demo", "--size", "tiny", "--seed", "1", "--out", str(out)]
    done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    return out / "office"


@pytest.fixture(scope="module")
def address(serve, office) -> str:
    return serve(SCRIPT, QIYOU_OFFICE=str(office))


@pytest.fixture(scope="module")
def due(office):
    """The first natural village to connect, where it lies, and the nearest place on the core, in degrees."""
    from analysis.policy import load_policy
    from analysis.setting import Setting
    from tracker.office import open_office

    with open_office(office) as desk:
        ws = desk.workspace()
        plan = Setting(ws, load_policy(desk.policy_path), desk.default_day()).plan
    row = plan.candidates.iloc[0]
    core = shapely.union_all(plan.core.network.edge_geometry[plan.core.is_core])
    goal = shapely.Point(shapely.get_coordinates(shapely.shortest_line(row.geometry, core))[1])
    aside = shapely.Point(
        (row.geometry.x + goal.x) / 2 + (row.geometry.y - goal.y) / 3,
        (row.geometry.y + goal.y) / 2 + (goal.x - row.geometry.x) / 3,
    )
    places = gpd.GeoSeries([row.geometry, aside, goal], crs=ws.crs).to_crs("EPSG:4326")
    return row["natural_village_id"], [(point.x, point.y) for point in places]


def at_rest(page) -> None:
    page.wait_for_timeout(400)
    page.wait_for_function(
        """() => !document.querySelector('[data-testid=stStatusWidget], [data-testid=stSpinner]')
        && document.querySelector('[data-testid=stApp]')?.dataset.testScriptState !== 'running'""",
        timeout=90_000,
    )


def click(page, place, times=1) -> None:
    x, y = page.evaluate(SPOT, list(place))
    page.mouse.move(x, y)
    page.mouse.click(x, y, click_count=times)
    page.wait_for_timeout(350)  # two clicks nearer in time are a double click


def points(page) -> int:
    return int(page.evaluate(f"{SKETCH}.points.length"))


def open_village(page, address, village) -> None:
    page.goto(f"{address}/roads")
    page.wait_for_selector(".atlas-holder[data-ready]", state="attached", timeout=90_000)
    box = page.get_by_role("combobox", name="找自然村")
    box.click()
    box.fill(village)
    page.locator("[role=option]").first.click()
    page.get_by_text("线路：计算的与画的").wait_for()
    at_rest(page)


def draw(page, places, clicked) -> None:
    page.get_by_role("button", name="画一条线").click()
    page.wait_for_selector(".atlas-sketch", state="visible")
    at_rest(page)
    west, east = sorted(place[0] for place in (places[0], places[-1]))
    south, north = sorted(place[1] for place in (places[0], places[-1]))
    page.evaluate(f"([w, s, e, n]) => {SKETCH}.map.fitBounds([[s, w], [n, e]], {{ padding: [110, 110], animate: false }})", [west, south, east, north])  # fmt: skip
    page.wait_for_timeout(500)
    assert points(page) == 1  # it begins at the village
    for place in clicked:
        click(page, place)


def test_a_line_is_drawn_edited_and_costed(page, address, due) -> None:
    from playwright.sync_api import expect

    village, places = due
    open_village(page, address, village)
    draw(page, places, places[1:])
    assert points(page) == 3
    page.keyboard.press("Control+z")
    assert points(page) == 2
    page.keyboard.press("Control+y")
    assert points(page) == 3
    page.keyboard.press("Enter")
    expect(page.get_by_text("已接上硬化路网")).to_be_visible(timeout=30_000)
    at_rest(page)
    page.locator(".atlas-midpoint").first.click()
    assert points(page) == 4
    at_rest(page)
    before = page.evaluate(f"{SKETCH}.points[1]")
    x, y = page.evaluate(SPOT, before)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 24, y + 20, steps=4)
    page.mouse.up()
    assert page.evaluate(f"{SKETCH}.points[1]") != before
    at_rest(page)
    page.locator(".atlas-vertex").nth(1).click(button="right")
    page.wait_for_function(f"() => {SKETCH}.points.length === 3")
    assert page.outside == []


def test_a_line_is_saved_chosen_and_undone(page, address, office, due) -> None:
    from playwright.sync_api import expect

    village, places = due
    open_village(page, address, village)
    draw(page, places, places[1:])
    page.keyboard.press("Enter")
    page.get_by_text("已接上硬化路网").wait_for(timeout=30_000)
    page.get_by_label("线路名称").fill("直走")
    page.get_by_label("理由", exact=True).fill("现场踏勘")
    page.get_by_role("button", name="保存这条线").click()
    page.get_by_text("计划采用哪一条").wait_for(timeout=30_000)
    page.locator("[role=radiogroup]").get_by_text("直走").click()
    page.get_by_role("button", name="采用", exact=True).click()
    expect(page.get_by_text("采用画定线路“直走”").first).to_be_visible(
        timeout=60_000
    )  # on the card; perhaps in the table, too
    assert chosen_lines(office) == [(village, "直走")]
    page.get_by_role("button", name="撤销选用").click()
    expect(page.get_by_text("采用画定线路“直走”")).to_have_count(0, timeout=60_000)
    assert chosen_lines(office) == []


def chosen_lines(office) -> list[tuple[str, str]]:
    from tracker.office import open_office
    from views.choices import road_choices

    with open_office(office) as desk:
        held = road_choices(desk, desk.default_day())
    return [(line.natural_village_id, line.name) for line in held.drawn]


def test_escape_drops_the_line_and_roads_and_village_draw_it_to_them(page, address, due) -> None:
    village, places = due
    open_village(page, address, village)
    draw(page, places, [])
    x, y = page.evaluate(SPOT, list(places[2]))
    page.mouse.move(x + 5, y)
    page.wait_for_function(f"() => {SKETCH}.hint.textContent.includes('吸附')")
    page.mouse.click(x + 5, y)
    lon, lat = page.evaluate(f"{SKETCH}.points[1]")
    assert np.hypot(lon - places[2][0], lat - places[2][1]) < 0.0005
    page.keyboard.press("Escape")
    page.wait_for_selector(".atlas-sketch", state="hidden")
    at_rest(page)
    page.get_by_role("button", name="画一条线").wait_for()


def test_a_repair_is_kept_apart_and_restored(page, address, office) -> None:
    from playwright.sync_api import expect

    page.goto(f"{address}/network")
    page.get_by_text("图面修补", exact=True).click()
    box = page.get_by_role("combobox", name="哪一类")
    box.wait_for()
    at_rest(page)
    box.click()
    page.locator("[role=option]").filter(has_text="差一点没接到").click()
    page.wait_for_selector(".atlas-holder[data-ready]", state="attached", timeout=60_000)
    at_rest(page)
    tick(page, page.get_by_label("为什么不应相接"))
    page.get_by_label("为什么不应相接").fill("隔着河")
    page.get_by_role("button", name="这里不应相接").click()
    expect(page.get_by_text(re.compile("已重算：.*自然村的状态变了"))).to_be_visible(timeout=60_000)
    assert kept_apart(office) == 1
    at_rest(page)
    box.click()
    page.locator("[role=option]").filter(has_text="已标为不应相接 1").click()
    at_rest(page)
    tick(page, page.get_by_role("button", name="恢复相接"))
    page.get_by_role("button", name="恢复相接").click()
    expect(page.get_by_text(re.compile("已重算："))).to_be_visible(timeout=60_000)
    assert kept_apart(office) == 0
    assert page.outside == []


def tick(page, offered) -> None:
    """Tick the first row of the table, which is drawn and not written, until what can be done with it is offered."""
    for _ in range(6):
        page.wait_for_timeout(700)
        table = page.locator("[data-testid=stDataFrame]").first.bounding_box()
        if table is not None and not offered.count():
            page.mouse.click(table["x"] + 20, table["y"] + 53)
        at_rest(page)
        if offered.count():
            return
    offered.wait_for()


def kept_apart(office) -> int:
    from tracker.office import open_office
    from views.choices import road_choices

    with open_office(office) as desk:
        return len(road_choices(desk, desk.default_day()).apart)
