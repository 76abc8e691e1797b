"""Base maps in a real browser: they lie where they belong, ask nobody but our server, and fail without harm."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from fake_wmts import served
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from geo.shift import gcj02_from_wgs84
from tracker import basemap
from tracker.basemap import BaseMap
from tracker.office import create

pytestmark = pytest.mark.browser
HERE = Path(__file__).resolve().parent
ATLAS = "document.querySelector('.atlas-holder').atlas"
PLACES = ((113.7, 25.1), (113.66, 25.13), (113.75, 25.08))
KEY = "topsecretkey42"


def picture(z: int, x: int, y: int, path: str) -> bytes:
    """A tile with a red dot where the service believes each place to be."""
    image = Image.new("RGB", (1024, 1024), (250, 250, 250))
    pen = ImageDraw.Draw(image)
    for lon, lat in PLACES:
        if "/gcj/" in path:
            lon, lat = (float(v) for v in gcj02_from_wgs84(lon, lat))
        column = (lon + 180) / 360 * 2**z
        row = (0.5 - np.arcsinh(np.tan(np.radians(lat))) / (2 * np.pi)) * 2**z
        if "_c/" in path:
            row = (90 - lat) / 360 * 2**z
        u, v = (column - x) * 1024, (row - y) * 1024
        pen.ellipse((u - 20, v - 20, u + 20, v + 20), fill=(255, 0, 0))
    out = io.BytesIO()
    image.resize((256, 256), Image.Resampling.BOX).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def service():
    with served() as running:
        running.painter = picture
        yield running


@pytest.fixture(scope="module")
def address(serve, service, tmp_path_factory):
    folder = tmp_path_factory.mktemp("office") / "office"
    create(folder, policy=HERE.parents[1] / "policies" / "zhanjiang-edz-2016.toml", name="底图").close()
    at = service.address
    basemap.write(folder, [
        BaseMap("mer", "墨卡托", "wmts", at + "/{layer}_{set}/wmts", ("vec",), key=KEY, notice="天地图"),
        BaseMap("deg", "经纬度", "wmts", at + "/{layer}_{set}/wmts", ("vec",), "c", key=KEY),
        BaseMap("gcj", "偏移", "xyz", at + "/gcj/{z}/{x}/{y}", is_shifted=True, key=KEY, max_zoom=16),
        BaseMap("off", "不通", "xyz", "http://127.0.0.1:9/{z}/{x}/{y}"),
    ])  # fmt: skip
    return serve(HERE / "pages" / "base_page.py", QIYOU_OFFICE=str(folder))


@pytest.fixture
def view(page, address):
    page.goto(address)
    page.wait_for_selector(".atlas-holder[data-ready]", state="attached")
    settle(page)
    return page


def settle(page) -> None:
    page.wait_for_function(
        f"""() => {{ const a = {ATLAS}, n = Object.values(a.tiles._tiles);
            const pictures = [...document.querySelectorAll('.atlas-base img')];
            return n.length && n.every(x => x.loaded) && !a.tiles._queue.length && !a.map._animatingZoom
              && pictures.every(i => i.complete); }}"""
    )
    page.wait_for_timeout(350)  # Leaflet fades tiles in


def choose(page, base: str) -> None:
    page.locator(".atlas-legend-base select").select_option(base)
    page.wait_for_function("() => document.querySelectorAll('.atlas-base img').length > 3")
    settle(page)


def middles(page, lon: float, lat: float) -> tuple[np.ndarray, np.ndarray]:
    """Where our ring and the service's dot stand near a place, in pixels of the map."""
    shot = Image.open(io.BytesIO(page.locator(".atlas-map").first.screenshot())).convert("RGB")
    x, y = page.evaluate(
        f"([x, y]) => {{ const p = {ATLAS}.map.latLngToContainerPoint([y, x]); return [p.x, p.y]; }}", [lon, lat]
    )
    x, y = x + 1, y + 1  # the border of the map is in the picture
    pixels = np.asarray(shot).astype(int)
    rows, columns = np.mgrid[0 : pixels.shape[0], 0 : pixels.shape[1]]
    near = (abs(columns - x) < 40) & (abs(rows - y) < 40)
    red, green, blue = (pixels[..., i] for i in range(3))
    found = []
    for mask in ((blue > 180) & (red < 120) & (green < 120), (red > 180) & (green < 90) & (blue < 90)):
        at = mask & near
        assert at.sum() > 20, "nothing of this colour there"
        found.append(np.array([columns[at].mean(), rows[at].mean()]))
    return found[0], found[1]


@pytest.mark.parametrize("base", ["mer", "deg", "gcj"])
def test_the_base_map_lies_under_our_layers_to_the_pixel(view, base) -> None:
    choose(view, base)
    for zoom, place in ((12, 0), (12, 1), (12, 2), (15, 0), (17, 1)):
        lon, lat = PLACES[place]
        view.evaluate(
            f"([x, y, z]) => {{ {ATLAS}.map.setView([y, x], z, {{animate: false}}); {ATLAS}.map.panBy([90, -60], {{animate: false}}); }}",
            [lon, lat, zoom],
        )
        settle(view)
        ours, theirs = middles(view, lon, lat)
        assert np.hypot(*(ours - theirs)) < 2.0, (base, zoom, ours, theirs)
    assert view.outside == []
    assert view.faults == []


def test_a_shifted_service_would_be_hundreds_of_metres_off_if_it_were_not_moved(view) -> None:
    choose(view, "gcj")
    found = view.evaluate(
        f"""() => {{ const a = {ATLAS}; const layer = Object.values(a.map._layers).find(l => l.options?.className === 'atlas-base');
        const [key, tile] = Object.entries(layer._tiles)[0];
        const plain = a.L.TileLayer.prototype._getTilePos.call(layer, tile.coords), own = layer._getTilePos(tile.coords);
        const z = tile.coords.z; return Math.hypot(plain.x - own.x, plain.y - own.y) * 40075016 * Math.cos(25.1 * Math.PI / 180) / 256 / 2 ** z; }}"""
    )
    assert 300 < found < 800


def test_clicks_and_coordinates_stay_true_over_a_shifted_base(view) -> None:
    choose(view, "gcj")
    lon, lat = PLACES[1]
    x, y = view.evaluate(
        f"""([x, y]) => {{ const p = {ATLAS}.map.latLngToContainerPoint([y, x]), r = {ATLAS}.root.getBoundingClientRect();
        return [r.x + p.x + 1, r.y + p.y + 1]; }}""",
        [lon, lat],
    )
    view.mouse.move(x, y)
    shown = view.locator(".atlas-readout output")
    expect(shown).to_have_text(re.compile(r"^\d"))
    said = [float(part) for part in shown.inner_text().split(",")]
    assert said == pytest.approx([lon, lat], abs=3e-4)  # a pixel; the shift is 5e-3
    view.mouse.click(x, y)
    expect(view.get_by_text("clicked=('marks', 1)")).to_be_visible()


def test_nothing_is_asked_until_a_base_is_chosen_and_nothing_tells_the_key(view, service, address) -> None:
    answers: list[tuple[str, str]] = []
    view.on("response", lambda r: answers.append((r.url, r.headers.get("cache-control", ""))))
    service.asked.clear()
    view.reload()
    view.wait_for_selector(".atlas-holder[data-ready]", state="attached")
    settle(view)
    assert service.asked == []
    assert not [url for url, _ in answers if "/atlas/base/" in url]
    choose(view, "mer")
    pictures = [(url, kept) for url, kept in answers if "/atlas/base/" in url]
    assert pictures
    assert {kept for _, kept in pictures} == {"no-store"}
    assert service.asked
    assert KEY in service.asked[0]
    assert not [url for url, _ in answers if KEY in url or service.address in url]
    seen = view.content() + view.evaluate(
        "() => JSON.stringify(performance.getEntriesByType('resource').map(r => r.name))"
    )
    assert KEY not in seen
    assert service.address not in seen
    definition = next(url for url, _ in answers if re.search(r"/atlas/map/\w+\.json$", url))
    told = view.evaluate("url => fetch(url).then(r => r.text())", definition)
    assert "墨卡托" in told
    assert KEY not in told
    assert service.address not in told


def test_a_base_that_cannot_be_reached_is_said_and_the_rest_goes_on(view) -> None:
    view.locator(".atlas-legend-base select").select_option("off")
    expect(view.locator(".atlas-notice")).to_have_text("底图暂时取不到，其余图层照常")
    lon, lat = PLACES[0]
    x, y = view.evaluate(
        f"""([x, y]) => {{ const p = {ATLAS}.map.latLngToContainerPoint([y, x]), r = {ATLAS}.root.getBoundingClientRect();
        return [r.x + p.x + 1, r.y + p.y + 1]; }}""",
        [lon, lat],
    )
    view.mouse.click(x, y)
    expect(view.get_by_text("clicked=('marks', 0)")).to_be_visible()
    choose(view, "mer")
    expect(view.locator(".atlas-notice")).to_have_count(0)


def test_layers_are_reordered_from_the_keyboard_and_by_dragging(view) -> None:
    order = f"() => {ATLAS}.tiles.views.map(v => v.id).join()"
    assert view.evaluate(order) == "county,marks"
    grip = view.locator("[data-layer=county] .atlas-legend-grip")
    grip.focus()
    view.keyboard.press("ArrowUp")
    assert view.evaluate(order) == "marks,county"
    expect(view.get_by_text("look=marks,county")).to_be_visible()
    assert view.evaluate("() => document.activeElement.closest('[data-layer]').dataset.layer") == "county", (
        "focus was lost"
    )
    first = view.locator("[data-layer=marks] .atlas-legend-grip").bounding_box()
    above = view.locator("[data-layer=county]").bounding_box()
    view.mouse.move(first["x"] + 5, first["y"] + 8)
    view.mouse.down()
    view.mouse.move(first["x"] + 5, above["y"] + 2, steps=5)
    view.mouse.up()
    assert view.evaluate(order) == "county,marks"
    expect(view.get_by_text("look=None")).to_be_visible()
    slider = view.locator("[data-layer=county] input[type=range]")
    slider.focus()
    view.keyboard.press("ArrowLeft")
    expect(view.get_by_text("look=county*90,marks")).to_be_visible()
