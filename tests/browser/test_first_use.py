"""The first minutes of an empty office: it explains itself, a file is dropped, looked at, stored, and taken back."""

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
HOME = Path(__file__).resolve().parents[2]
SCRIPT = HOME / "views" / "start" / "script.py"
POLICY = HOME / "policies" / "zhanjiang-edz-2016.toml"


@pytest.fixture(scope="module")
def office(tmp_path_factory) -> Path:
    from tracker.office import create

    folder = tmp_path_factory.mktemp("empty") / "office"
    create(folder, policy=POLICY, name="新单位").close()
    return folder


def square(number: int) -> dict[str, object]:
    west = 113.5 + number / 50
    ring = [[west, 24.5], [west + 0.02, 24.5], [west + 0.02, 24.52], [west, 24.52], [west, 24.5]]
    return {
        "type": "Feature",
        "properties": {"village_id": f"99990110{number}", "name": f"村{number}", "town": "甲镇"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def test_a_file_is_dropped_looked_at_stored_and_taken_back(page, serve, office, tmp_path) -> None:
    from tracker.office import open_office

    file = tmp_path / "行政村.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [square(1), square(2)]}), "utf-8")
    page.goto(serve(SCRIPT, QIYOU_OFFICE=str(office)))
    page.get_by_text("这个办公文件夹里还没有数据").wait_for()
    assert page.get_by_text("行政村界（面）").count() == 1
    page.wait_for_function("() => document.documentElement.lang === 'zh-CN'")
    page.locator("input[type=file]").set_input_files(str(file))
    page.get_by_text("2 行").first.wait_for()  # what is in it, before anything is stored
    with open_office(office) as held:
        assert held.sources() == {}
    page.get_by_role("button", name="入库").click()
    page.get_by_text("入库 2 行").wait_for()
    with open_office(office) as held:
        assert held.sources()["villages"].rows == 2
    page.get_by_role("button", name="撤销这次导入").click()
    page.get_by_text("已撤销导入").wait_for()
    with open_office(office) as held:
        assert held.sources() == {}
    assert page.outside == []
    assert page.locator("[data-testid=stException]").count() == 0
