"""The exported page opens from a file with no network at all."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from shapely import box

from geo.errors import StoreError
from views import assets
from views.maps import LayerState, MapSpec, TileLayer, register_column, register_labels, register_source, style_of
from views.palette import STATUS

pytestmark = pytest.mark.browser
EVIL = "</script><img src=x onerror=window.__x=1>${window.__x=1}"


def test_it_draws_and_answers_offline(chromium, tmp_path: Path) -> None:
    try:
        assets.load()
    except StoreError as missing:
        pytest.skip(str(missing))
    from views.export_html import export_html

    cells = [box(113 + i * 0.02, 25, 113.02 + i * 0.02, 25.02) for i in range(2)]
    frame = gpd.GeoDataFrame({"village_id": ["a", "b"]}, geometry=cells, crs=4490)
    layer = TileLayer("v", "村" + EVIL, register_source(frame, id_field="village_id", kind="polygon"), "polygon")
    classes = tuple(style_of(swatch) for swatch in STATUS.values())
    state = LayerState(
        {"s": register_column(np.array([0, 1]))}, "s", classes, labels_column=register_labels([EVIL, "乙村"])
    )
    spec = MapSpec((layer,), (113, 25, 113.04, 25.02))
    target = tmp_path / "map.html"
    target.write_bytes(export_html(spec, {"v": state}, title="县" + EVIL, basis={"政策": EVIL}, max_zoom=12))
    context = chromium.new_context(offline=True, viewport={"width": 1366, "height": 768})
    page = context.new_page()
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(target.as_uri())
    page.wait_for_function("() => document.getElementById('map').atlas?.key")
    page.wait_for_selector("canvas.atlas-tile")
    page.wait_for_function(
        """() => [...document.querySelectorAll('canvas.atlas-tile')].some(c =>
             c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v))"""
    )
    page.mouse.move(600, 420)
    page.wait_for_selector(".atlas-tooltip:not([hidden])")
    assert EVIL in page.inner_text(".atlas-tooltip")
    assert [a for a in asked if not a.startswith(("file:", "data:", "blob:"))] == []
    assert faults == []
    assert page.evaluate("() => window.__x === undefined")
    context.close()


def test_the_live_map_of_an_office_answers_offline(chromium, tmp_path: Path) -> None:
    from tests.test_livemap import POLICY
    from views.briefing_files import export_office

    try:
        assets.load()
    except StoreError as missing:
        pytest.skip(str(missing))
    from demo.county import write_county
    from tracker.office import create

    made = write_county("tiny", 1, tmp_path / "files")
    office = create(tmp_path / "office", policy=POLICY, name="示范县（虚构）")
    for file in made.files:
        office.add_layer(file.layer, file.path, **{"as_of": made.as_of, **dict(file.options)})
    target = tmp_path / "map.html"
    assert export_office(office, target, kind="map").size_bytes < 5_000_000
    office.close()
    context = chromium.new_context(offline=True, viewport={"width": 1366, "height": 768})
    page = context.new_page()
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(target.as_uri())
    page.wait_for_function("() => document.getElementById('map').atlas?.key")
    counted = page.locator(".atlas-legend-row:has(.atlas-legend-count)").first
    counted.wait_for()
    status = counted.locator(".atlas-legend-text").inner_text()
    row = page.locator(".atlas-legend-row", has_text=status)
    page.get_by_label(status).uncheck()
    row.wait_for(state="detached")  # what is switched off is no longer counted
    page.get_by_label(status).check()
    row.wait_for()
    page.get_by_label("看哪一项").select_option(index=1)
    where = "document.getElementById('map').atlas.map.getBounds().toBBoxString()"
    place = page.evaluate(f"() => {where}")
    page.get_by_label("找村（名称、拼音首字母）").fill("村委会")
    first = page.locator("#found button").first
    name = first.inner_text().split(" · ")[0]
    first.click()
    page.locator("#card h2", has_text=name).wait_for()
    page.wait_for_function(f"() => {where} !== '{place}'")
    assert page.locator("#card dt").count() > 5
    page.keyboard.press("Escape")
    page.locator("#card .hint", has_text="点一个村").wait_for()
    box = page.locator("#map").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator("#card h2").wait_for()
    assert "内部资料 不得公开" in page.inner_text(".mark")
    assert [a for a in asked if not a.startswith(("file:", "data:", "blob:"))] == []
    assert faults == []
    context.close()
