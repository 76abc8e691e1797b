"""The app as a planner uses it, in a real browser on the demo county, with nothing from outside."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

pytestmark = pytest.mark.browser
HOME = Path(__file__).resolve().parents[2]
SCRIPT = HOME / "views" / "start" / "script.py"
ATLAS = "document.querySelector('.atlas-holder').atlas"
PAGES = {
    "": "总览",
    "coverage": "七有覆盖",
    "roads": "道路硬化",
    "housing": "危房",
    "compare": "对比",
    "meeting": "会议",
}
STATUSES = {"gap": "缺口", "disputed": "有争议", "unknown": "不明", "met": "已达标"}


def run(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, str(HOME / "cli.py"), *arguments], cwd=HOME, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.fixture(scope="module")
def county(tmp_path_factory) -> Path:
    """A demo county with its findings written beside it by the command."""
    named = os.environ.get("QIYOU_BROWSER_COUNTY")  # a developer may name one that is there already
    folder = Path(named) if named else tmp_path_factory.mktemp("county")
    if not (folder / "office").is_dir():
        run("demo", "--size", "county", "--seed", "1", "--out", str(folder))
    run("assess", str(folder / "office"), "--out", str(folder / "results"))
    return folder


@pytest.fixture(scope="module")
def address(serve, county) -> str:
    return serve(SCRIPT, QIYOU_OFFICE=str(county / "office"))


@pytest.fixture(scope="module")
def findings(county) -> pd.DataFrame:
    return pd.read_csv(county / "results" / "findings.csv", dtype=str)


@pytest.fixture(scope="module")
def villages(county) -> pd.DataFrame:
    """Names, towns and places (longitude, latitude inside the village) by id."""
    from tracker.office import open_office

    with open_office(county / "office") as office:
        frame = office.workspace().get("villages")
    points = frame.geometry.representative_point().to_crs("EPSG:4326")
    return frame[["village_id", "name", "town"]].assign(lon=points.x, lat=points.y).set_index("village_id")


def at_rest(page) -> None:
    """Wait until the page has run to its end; a click takes a moment to reach the server."""
    page.wait_for_timeout(400)
    page.wait_for_selector("[data-testid=stMainBlockContainer]")
    page.wait_for_function(
        """() => !document.querySelector('[data-testid=stStatusWidget], [data-testid=stSpinner]')
        && document.querySelector('[data-testid=stApp]')?.dataset.testScriptState !== 'running'""",
        timeout=90_000,
    )


def drawn(page) -> None:
    page.wait_for_selector(".atlas-holder[data-ready]", state="attached", timeout=90_000)
    page.wait_for_function(
        f"""() => {{ const t = {ATLAS}.tiles, n = Object.values(t._tiles);
            return n.length && n.every(x => x.loaded) && !t._queue.length && !t._map._animatingZoom
            && document.querySelector('canvas.atlas-tile'); }}"""
    )


def is_painted(page) -> bool:
    """Whether any tile holds a pixel that is not transparent."""
    return page.evaluate(
        """() => [...document.querySelectorAll('canvas.atlas-tile')].some(c =>
            c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v, i) => i % 4 === 3 && v > 0))"""
    )


def show(page, address: str, name: str) -> None:
    page.goto(f"{address}/{name}")
    at_rest(page)
    drawn(page)
    at_rest(page)


def where(page) -> list[float]:
    return page.evaluate(f"() => {{ const m = {ATLAS}.map, c = m.getCenter(); return [c.lng, c.lat, m.getZoom()]; }}")


def choose(page, label: str, option: str) -> None:
    """Choose an option of a select box by typing it."""
    box = page.locator("[data-testid=stSelectbox]", has=page.get_by_text(label, exact=True)).first
    box.locator("input").click()
    box.locator("input").fill(option)
    page.get_by_role("option", name=option).first.click()
    at_rest(page)


def pills(page) -> dict[str, int]:
    """Read the counts written on the status buttons."""
    texts = page.locator("[data-testid=stButtonGroup] button").all_inner_texts()
    found = {}
    for text in texts:
        for name in STATUSES.values():
            if match := re.search(rf"{name}\s*([\d,]+)$", text.strip()):
                found[name] = int(match[1].replace(",", ""))
    return found


def click_map(page, lon: float, lat: float) -> None:
    x, y = page.evaluate(
        f"""([lon, lat]) => {{ const a = {ATLAS}, p = a.map.latLngToContainerPoint([lat, lon]);
        const r = a.root.getBoundingClientRect(); return [r.x + p.x, r.y + p.y]; }}""",
        [lon, lat],
    )
    page.mouse.click(x, y)
    at_rest(page)


def excel(page) -> openpyxl.Workbook:
    page.locator("[data-testid=stPopover] button", has_text="下载").first.click()
    with page.expect_download() as coming:
        page.locator("[data-testid=stDownloadButton] button", has_text="Excel").first.click()
    return openpyxl.load_workbook(io.BytesIO(Path(coming.value.path()).read_bytes()))


def own_faults(page) -> list[str]:
    """Everything on the console but Streamlit's own probes, which carry the page name as a folder and find nothing."""
    return [text for text in page.faults if "404 (Not Found)" not in text]


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_in_chinese_with_its_map(page, address, name) -> None:
    missing = []
    page.on("response", lambda answer: missing.append(answer.url) if answer.status == 404 else None)
    show(page, address, name)
    assert PAGES[name] in page.locator("h3").first.inner_text()
    assert is_painted(page)
    assert page.locator("[data-testid=stException], [data-testid=stAlertContentError]").count() == 0
    assert "内部资料" in page.inner_text("body")
    assert page.outside == []
    assert own_faults(page) == []
    assert [url for url in missing if not re.search(r"/_stcore/(health|host-config)", url)] == []


def test_what_a_planner_does(page, address, findings, villages) -> None:
    rows = findings[(findings["unit_kind"] == "village") & (findings["need"] == "public_toilet")]
    town = rows["town"].value_counts().index[0]
    expected = rows[rows["town"] == town]["status"].value_counts()
    show(page, address, "coverage")
    before = where(page)
    choose(page, "看哪一项", "公共厕所")
    choose(page, "乡镇", town)
    drawn(page)
    assert where(page) != before, "the map moves to the town"
    assert pills(page) == {text: int(expected.get(name, 0)) for name, text in STATUSES.items()}

    kept = where(page)
    status = next(name for name in ("gap", "unknown", "met") if expected.get(name, 0))
    page.locator("[data-testid=stButtonGroup] button", has_text=STATUSES[status]).first.click()
    at_rest(page)
    drawn(page)
    assert where(page) == kept, "a filter keeps the view"
    page.wait_for_function("text => document.body.innerText.includes(text)", arg=f"共 {expected[status]} 个村")

    of_status = rows[(rows["town"] == town) & (rows["status"] == status)]
    chosen = of_status["unit_id"].iloc[0]
    place = villages.loc[chosen]
    click_map(page, place["lon"], place["lat"])
    page.wait_for_function("name => document.querySelector('h4')?.innerText.includes(name)", arg=place["name"])
    card = page.inner_text("body")
    row = of_status.iloc[0]
    assert STATUSES[status] in card
    assert "规则" in card
    assert row["reference"] in card

    book = excel(page)
    sheet = book[book.sheetnames[0]]
    head = [cell.value for cell in sheet[1]]
    names = {line[head.index("村")] for line in sheet.iter_rows(min_row=2, values_only=True)}
    assert names == set(villages.loc[of_status["unit_id"], "name"])
    assert sheet.max_row - 1 == len(of_status)
    assert book.sheetnames[-1] == "数据依据"
    assert page.outside == []
    assert own_faults(page) == []


def test_a_row_of_the_table_moves_the_map(page, address) -> None:
    show(page, address, "roads")
    before = where(page)
    table = page.locator("[data-testid=stDataFrame]").last
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    page.mouse.click(box["x"] + 14, box["y"] + 55)
    page.wait_for_selector("h4")
    at_rest(page)
    drawn(page)
    assert where(page) != before
    assert page.evaluate(f"() => {ATLAS}.overlay.selected?.length ?? 1") >= 1


def test_a_link_shows_the_same_and_back_leads_back(page, address, findings) -> None:
    rows = findings[(findings["unit_kind"] == "village") & (findings["need"] == "public_toilet")]
    town = rows["town"].value_counts().index[0]
    count = int(((rows["town"] == town) & (rows["status"] == "gap")).sum())
    query = f"?town={town}&need=public_toilet&status=gap&view=113.3,24.6,11.5"
    show(page, address, f"coverage{query}")
    page.wait_for_function("text => document.body.innerText.includes(text)", arg=f"共 {count} 个村")
    longitude, latitude, zoom = where(page)
    assert (round(longitude, 2), round(latitude, 2)) == (113.3, 24.6)
    assert abs(zoom - 11.5) <= 0.5
    page.locator("[data-testid=stButtonGroup] button", has_text="缺口").first.click()
    page.wait_for_function("() => !location.search.includes('status')")
    page.go_back()
    page.wait_for_function("text => document.body.innerText.includes(text)", arg=f"共 {count} 个村")
    show(page, address, "coverage?lang=en&need=nonsense&day=never")
    assert "Seven facilities" in page.locator("h3").first.inner_text()


def test_a_drawn_area_is_the_table(page, address) -> None:
    show(page, address, "coverage")
    asked = int(re.search(r"共 (\d+) 个村", page.inner_text("body"))[1])
    page.get_by_role("button", name="框选").click()
    box = page.locator(".atlas-map").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(middle[0] - 90, middle[1] - 90)
    page.mouse.down()
    page.mouse.move(middle[0] + 60, middle[1] + 60, steps=4)
    page.mouse.up()
    page.wait_for_selector("text=/框选 \\d+ 个/")
    at_rest(page)
    inside = int(re.search(r"框选 (\d+) 个", page.inner_text("body"))[1])
    shown = int(re.search(r"共 (\d+) 个村", page.inner_text("body"))[1])
    assert 0 < shown <= inside < 110
    page.locator("[data-testid=stCheckbox]", has_text="只看选中").locator("label").click()
    page.wait_for_function("text => document.body.innerText.includes(text)", arg=f"共 {asked} 个村")


def test_two_maps_move_together_and_changes_have_reasons(page, address) -> None:
    show(page, address, "compare?mode=scenario&against_threshold=100")
    page.wait_for_function("() => document.querySelectorAll('.atlas-holder[data-ready]').length === 2")
    assert "规则、门槛或条款不同" in page.inner_text("body") or "规则不同" in page.inner_text("body")
    maps = "[...document.querySelectorAll('.atlas-holder')].map(h => h.atlas.map)"
    page.evaluate(f"() => {maps}[0].setView([24.6, 113.3], 12, {{animate: false}})")
    there = page.evaluate(f"() => {{ const m = {maps}[1], c = m.getCenter(); return [c.lat, c.lng, m.getZoom()]; }}")
    assert [round(value, 2) for value in there] == [24.6, 113.3, 12]


def test_a_meeting_is_turned_by_keys_and_its_decision_is_frozen(page, address, findings) -> None:
    page.set_viewport_size({"width": 1920, "height": 1080})
    show(page, address, "meeting")
    gaps = findings[(findings["unit_kind"] == "village") & (findings["status"] == "gap") & (findings["rule"] != "all")]
    assert f"{len(gaps):,}" in page.inner_text("body")
    for slide in ("2 分镇", "3 道路", "4 危房", "5 清单"):
        page.keyboard.press("ArrowRight")
        page.locator("[data-testid=stBaseButton-primary]", has_text=slide).wait_for()
        at_rest(page)
    page.get_by_label("决定的标题").fill("七月调度会")
    page.get_by_label("会议纪要（不要写农户姓名）").fill("先修三条路。")
    page.get_by_role("button", name="冻结").click()
    page.wait_for_selector("text=/已冻结，编号 [0-9a-f]{12}/", timeout=40_000)
    assert page.locator("[data-testid=stException]").count() == 0
    assert page.outside == []
