"""The map in a real browser: what a planner sees and does, with nothing from outside."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
PAGE = Path(__file__).resolve().parent / "pages" / "engine_page.py"
LON, LAT, STEP = 113.0, 25.0, 0.02
MIDDLES = {name: (LON + (i + 0.5) * STEP, LAT + (j + 0.72) * STEP) for name, i, j in
           (("a", 0, 0), ("b", 1, 0), ("c", 0, 1), ("d", 1, 1))}  # fmt: skip
ATLAS = "document.querySelector('.atlas-holder').atlas"


@pytest.fixture(scope="module")
def address(serve) -> str:
    return serve(PAGE)


@pytest.fixture
def view(page, address):
    page.goto(address)
    page.wait_for_selector(".atlas-holder[data-ready]", state="attached")
    page.wait_for_function(f"() => {ATLAS}.tiles._queue.length === 0 && document.querySelector('canvas.atlas-tile')")
    page.wait_for_function("() => !document.querySelector('[data-testid=stStatusWidget]')")
    settle(page)
    return page


def settle(page) -> None:
    page.wait_for_function(
        f"""() => {{ const t = {ATLAS}.tiles; const n = Object.values(t._tiles);
            return n.length && n.every(x => x.loaded) && !t._queue.length && !t._map._animatingZoom; }}"""
    )


def where(page) -> list[float]:
    return page.evaluate(f"() => {{ const m = {ATLAS}.map, c = m.getCenter(); return [c.lng, c.lat, m.getZoom()]; }}")


def colour_at(page, place: tuple[float, float]) -> list[int]:
    """Mean colour and its spread in a patch of 25 by 25 pixels on the tiles, at a longitude and latitude."""
    return page.evaluate(
        f"""([lon, lat]) => {{ const a = {ATLAS}, z = a.tiles._tileZoom, p = a.map.project([lat, lon], z);
        const x = Math.floor(p.x / 512), y = Math.floor(p.y / 512);
        const tile = Object.values(a.tiles._tiles).find(t => t.coords.x === x && t.coords.y === y);
        const [u, v] = [p.x - x * 512, p.y - y * 512];
        const d = tile.el.getContext('2d').getImageData(u - 12, v - 12, 25, 25).data;
        const sum = [0, 0, 0, 0]; for (let i = 0; i < d.length; i++) sum[i % 4] += d[i];
        const mean = sum.map(s => s / 625); let spread = 0;
        for (let i = 0; i < d.length; i += 4) spread += Math.abs(d[i] - mean[0]) + Math.abs(d[i + 1] - mean[1]);
        return [...mean.map(Math.round), Math.round(spread / 625)]; }}""",
        list(place),
    )


def on_screen(page, place: tuple[float, float]) -> tuple[float, float]:
    x, y = page.evaluate(
        f"""([lon, lat]) => {{ const a = {ATLAS}, p = a.map.latLngToContainerPoint([lat, lon]);
        const r = a.root.getBoundingClientRect(); return [r.x + p.x, r.y + p.y]; }}""",
        list(place),
    )
    return x, y


def tick(page, label: str) -> None:
    """Click a checkbox or button of the page, not the same words in the legend."""
    page.locator("[data-testid=stCheckbox] label, [data-testid=stButton] button", has_text=label).first.click()


def said(page, pattern: str) -> None:
    page.wait_for_function("p => new RegExp(p).test(document.body.innerText)", arg=pattern)


def test_the_map_is_drawn_and_nothing_was_asked_from_outside(view) -> None:
    assert view.outside == []
    assert view.faults == []
    for name in "abcd":
        alpha = colour_at(view, MIDDLES[name])[3]
        assert alpha > 120, f"village {name} is blank"
    zoom = where(view)[2]
    view.mouse.move(*on_screen(view, MIDDLES["a"]))
    view.mouse.wheel(0, -200)
    view.wait_for_function(f"z => {ATLAS}.map.getZoom() > z", arg=zoom)
    settle(view)
    assert view.outside == []
    assert view.faults == []


def test_relief_lies_under_the_layers(view) -> None:
    view.wait_for_function(
        """() => { const all = [...document.querySelectorAll('img.leaflet-tile')];
            return all.length && all.every(i => i.complete) && all.some(i => i.naturalWidth === 256); }"""
    )
    assert view.text_content(".leaflet-control-layers-overlays").strip() == "地形阴影"
    order = view.evaluate(
        """() => { const z = s => +getComputedStyle(document.querySelector(s).closest('.leaflet-layer')).zIndex;
            return [z('img.leaflet-tile'), z('canvas.atlas-tile')]; }"""
    )
    assert order[0] <= order[1]
    assert view.faults == []


def test_statuses_differ_in_colour_and_in_pattern(view) -> None:
    found = {name: colour_at(view, MIDDLES[name]) for name in "abcd"}
    for first in "abcd":
        for second in "abcd":
            if first < second:
                apart = sum(abs(p - q) for p, q in zip(found[first][:3], found[second][:3], strict=True))
                assert apart > 40, (first, second, found)
    assert found["a"][4] <= 6, "met is plain"
    assert min(found[name][4] for name in "bcd") >= 14, "gap, disputed and unknown have a pattern"


def test_a_filter_changes_pixels_and_not_the_view(view) -> None:
    view.evaluate(
        f"() => {{ {ATLAS}.map.setZoom(15, {{animate: false}}); {ATLAS}.map.panBy([-120, 40], {{animate: false}}); }}"
    )
    settle(view)
    before = where(view)
    view.evaluate(f"() => {{ {ATLAS}.root.dataset.same = 'yes'; }}")
    requests: list[str] = []
    view.on("request", lambda r: requests.append(r.url))
    tick(view, "已达标")
    view.wait_for_function(f"() => {ATLAS}.tiles.view('villages').filters[0]?.[1].size === 3")
    settle(view)
    assert colour_at(view, MIDDLES["a"])[3] == 0, "filtered out"
    assert colour_at(view, MIDDLES["b"])[3] > 120
    assert where(view) == before
    assert view.evaluate(f"() => {ATLAS}.root.dataset.same") == "yes", "the map was mounted anew"
    assert [url for url in requests if "/atlas/tiles/" in url] == [], "geometry was sent again"


def test_recolouring_fetches_values_and_no_geometry(view) -> None:
    before, place = colour_at(view, MIDDLES["a"]), where(view)
    requests: list[str] = []
    view.on("request", lambda r: requests.append(r.url))
    tick(view, "换色")
    view.wait_for_function(f"() => {ATLAS}.tiles.view('villages').by[0] === 3")
    settle(view)
    assert colour_at(view, MIDDLES["a"]) != before
    assert colour_at(view, MIDDLES["d"])[:3] == before[:3]
    assert where(view) == place
    sent = [url for url in requests if "/atlas/" in url]
    assert len(sent) == 1
    assert re.search(r"/atlas/values/[0-9a-f]{32}\.bin$", sent[0])


@pytest.mark.parametrize(("place", "expected"), [
    (MIDDLES["b"], r"clicked=\('villages', 1\)"),
    ((LON + STEP * 0.5, LAT + STEP * 1.5), r"clicked=\('roads', 0\)"),
    ((LON - STEP * 0.5, LAT + STEP), r"clicked=None.*nonce=True"),
])  # fmt: skip
def test_a_click_tells_the_page_what_was_clicked(view, place, expected) -> None:
    view.mouse.click(*on_screen(view, place))
    said(view, expected)


def test_a_house_is_clicked_before_the_village_under_it(view) -> None:
    spot = view.evaluate(
        f"""() => {{ const a = {ATLAS}, v = a.tiles.view('houses');
        const [c, x, y] = a.tiles.anchors(v)[0]; const z = a.tiles._tileZoom;
        const p = a.map.unproject([c.x * 512 + x / 8, c.y * 512 + y / 8], z); return [p.lng, p.lat]; }}"""
    )
    view.mouse.click(*on_screen(view, tuple(spot)))
    said(view, r"clicked=\('houses', \d+\)")
    tick(view, "显示住户")
    view.wait_for_function(f"() => !{ATLAS}.tiles.view('houses').isVisible")
    settle(view)
    view.mouse.click(*on_screen(view, tuple(spot)))
    said(view, r"clicked=\('villages', 0\)")


def test_a_box_selects_all_houses_even_those_thinned_away(view) -> None:
    view.evaluate(f"() => {ATLAS}.map.setZoom(11, {{animate: false}})")
    settle(view)
    view.locator(".atlas-tool-box").click()
    left, bottom = on_screen(view, (LON - 0.001, LAT - 0.001))
    right, top = on_screen(view, (LON + STEP * 0.45, LAT + STEP * 0.45))
    view.mouse.move(left, bottom)
    view.mouse.down()
    view.mouse.move(right, top, steps=4)
    view.mouse.up()
    said(view, r"selected=41 ")  # forty houses and the village they stand in
    said(view, "clicked=None")


def test_hostile_names_are_shown_as_text(view) -> None:
    view.mouse.move(*on_screen(view, MIDDLES["c"]))
    view.wait_for_selector(".atlas-tooltip:not([hidden])")
    text = view.inner_text(".atlas-tooltip")
    assert "<img src=x onerror='window.__x=1'>${window.__x=1}`{{7*7}}" in text
    assert "有争议" in text
    assert "{{7*7}}" in view.inner_text(".atlas-legend")
    assert view.evaluate("() => window.__x === undefined")
    assert view.faults == []


def test_the_legend_counts_what_passes_the_filter(view) -> None:
    rows = view.locator(".atlas-legend-layer", has_text="村").locator(".atlas-legend-row")
    expect(rows).to_have_count(4)
    tick(view, "缺口")
    view.wait_for_function(f"() => {ATLAS}.tiles.view('villages').filters[0]?.[1].size === 3")
    expect(rows).to_have_count(3)
    layer = view.locator(".atlas-legend-head", has_text="道路")
    layer.click()
    view.wait_for_function(f"() => !{ATLAS}.tiles.view('roads').isVisible")


def test_the_view_is_kept_when_the_map_comes_back(view) -> None:
    view.evaluate(f"() => {ATLAS}.map.setView([25.01, 113.02], 16, {{animate: false}})")
    before = where(view)
    tick(view, "显示地图")
    view.wait_for_selector(".atlas-map", state="detached")
    tick(view, "显示地图")
    view.wait_for_selector(".atlas-holder[data-ready]", state="attached")
    assert where(view) == pytest.approx(before, abs=1e-4)
    assert view.locator(".atlas-map").count() == 1


def test_the_page_can_move_the_map_and_flash_a_feature(view) -> None:
    tick(view, "闪烁甲村")
    view.wait_for_function(f"() => {ATLAS}.overlay.flashing?.feature[1] === 0")
    tick(view, "定位丁村")
    view.wait_for_function(f"() => {ATLAS}.map.getCenter().lng > {LON + 1.4 * STEP}")


def test_it_can_be_worked_from_the_keyboard(view) -> None:
    view.locator(".atlas-map").focus()
    start = where(view)
    view.keyboard.press("ArrowRight")
    view.wait_for_function(f"x => {ATLAS}.map.getCenter().lng > x", arg=start[0])
    view.keyboard.press("+")
    view.wait_for_function(f"z => {ATLAS}.map.getZoom() > z", arg=start[2])
    settle(view)
    view.evaluate(f"([lon, lat]) => {ATLAS}.map.setView([lat, lon], 14, {{animate: false}})", list(MIDDLES["d"]))
    settle(view)
    view.keyboard.press("Enter")
    said(view, r"clicked=\('villages', 3\)")
    names = view.locator(".atlas-tools button").evaluate_all("all => all.map(b => [b.textContent, b.tabIndex])")
    assert names == [["框选", 0], ["套索", 0], ["测距", 0], ["测面", 0]]


def test_measured_lengths_and_areas_are_those_of_pyproj(view) -> None:
    from pyproj import Geod, Transformer

    module = view.evaluate(
        "() => [...document.querySelectorAll('script')].length >= 0 && performance.getEntriesByType('resource').map(r => r.name).find(n => n.endsWith('/atlas.js'))"
    )
    assert module
    geod = Geod(ellps="GRS80")
    ring = [(113.0, 25.0), (113.04, 25.0), (113.04, 25.03), (113.0, 25.03)]
    length, area = view.evaluate(f"ring => [{ATLAS}.lengthOf(ring), {ATLAS}.areaOf(ring)]", ring)
    lon, lat = zip(*ring, strict=True)
    assert length == pytest.approx(geod.line_length(lon, lat), rel=1e-5)
    assert area == pytest.approx(abs(geod.polygon_area_perimeter(lon, lat)[0]), rel=2e-5)
    for x, y in ((113.0, 25.0), (75.2, 39.9), (134.9, 48.1)):
        east, north, code = view.evaluate(f"([x, y]) => {ATLAS}.projected(x, y)", [x, y])
        expected = Transformer.from_crs("EPSG:4490", code, always_xy=True).transform(x, y)
        assert (east, north) == pytest.approx(expected, abs=0.001)
