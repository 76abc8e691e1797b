"""The office folder: files in, versions by day, parts side by side, nothing overwritten, no half import."""

import json
import stat
import sys
import tomllib
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from shapely import box
from shapely.geometry import Point

from geo.errors import InputError, PolicyError, StoreError
from layers import store
from layers.match import Mapping
from layers.problem import Problem
from layers.schema import load
from tracker import events, office, parts
from tracker.events import Draft
from tracker.office import create, open_office

YEAR_16, YEAR_17, YEAR_18 = date(2016, 12, 31), date(2017, 12, 31), date(2018, 12, 31)
POLICY = """
id = "test-2016"
title = "试点方案"
[[needs]]
id = "public_toilet"
label = "公共厕所"
"""


@pytest.fixture
def policy(tmp_path):
    file = tmp_path / "方案.toml"
    file.write_text(POLICY, encoding="utf-8")
    return file


@pytest.fixture
def atlas(tmp_path, policy):
    with create(tmp_path / "office", policy=policy, name="东山县扶贫办") as made:
        yield made


def write(path: Path, frame: gpd.GeoDataFrame) -> Path:
    frame.to_file(path, driver="GeoJSON")
    return path


def villages(folder: Path, name="villages.geojson", count=3, population=500) -> Path:
    """Villages side by side on a line, 0.01 degrees wide."""
    rows = [
        {
            "village_id": f"V{i}",
            "name": f"第{i}村",
            "population": population,
            "kind": "administrative",
            "geometry": box(113 + i / 100, 25, 113.01 + i / 100, 25.01),
        }
        for i in range(count)
    ]
    return write(folder / name, gpd.GeoDataFrame(rows, crs=4490))


def points(folder: Path, name: str, kind: str, count: int, first: int = 0) -> Path:
    rows = [
        {
            "facility_id": str(first + i),
            "kind": kind,
            "name": f"{kind}{i}",
            "status": "in_service",
            "geometry": Point(113.005 + i / 100, 25.005),
        }
        for i in range(count)
    ]
    return write(folder / name, gpd.GeoDataFrame(rows, crs=4490))


def test_a_new_office_is_the_folder_of_the_contract(atlas, policy):
    assert sorted(p.name for p in atlas.path.iterdir() if "-" not in p.name) == [
        "evidence",
        "layers",
        "ledger.sqlite",
        "office.toml",
        "private",
        "rasters",
        "results",
        "方案.toml",
    ]
    if sys.platform != "win32":
        assert {stat.S_IMODE((atlas.path / name).stat().st_mode) for name in ("private", "evidence")} == {0o700}
    text = (atlas.path / "office.toml").read_text(encoding="utf-8")
    assert "max_age_days = 0" in text
    assert "可以用记事本修改" in text
    assert atlas.policy_path.read_bytes() == policy.read_bytes()
    assert dict(atlas.settings) == {"max_age_days": 0, "publication_min_count": 5}
    assert (atlas.name, atlas.sources(), atlas.rasters(), atlas.parts()) == ("东山县扶贫办", {}, {}, {})


@pytest.mark.parametrize("name", ['引"号', "反\\斜杠", "两\n行", "㙦𬒈"])
def test_any_name_survives(tmp_path, policy, name):
    create(tmp_path / "o", policy=policy, name=name).close()
    with open_office(tmp_path / "o") as again:
        assert again.name == name


def test_an_office_is_never_made_over_something_else(tmp_path, policy, atlas):
    with pytest.raises(StoreError, match="不是空文件夹"):
        create(atlas.path, policy=policy, name="x")
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="不是空文件夹"):
        create(tmp_path / "file", policy=policy, name="x")
    (tmp_path / "empty").mkdir()
    create(tmp_path / "empty", policy=policy, name="x").close()


def test_policy_is_checked_before_anything_is_made(tmp_path):
    bad = tmp_path / "bad.toml"
    for text, match in (("id = ", "写错了"), ("title = 'x'", "缺少 id")):
        bad.write_text(text)
        with pytest.raises(PolicyError, match=match):
            create(tmp_path / "o", policy=bad, name="x")
    with pytest.raises(PolicyError, match="打不开"):
        create(tmp_path / "o", policy=tmp_path / "none.toml", name="x")
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("name = ", "写错了"),
        ("policy = 'a.toml'", "缺少 name"),
        ("name = 'x'", "缺少 policy"),
        ("name = 'x'\npolicy = '../../etc/passwd'", "不能带路径"),
        ("name = 'x'\npolicy = 'a.toml'\n[settings]\nmax_age_days = -1", "max_age_days"),
        ("name = 'x'\npolicy = 'a.toml'\n[settings]\nmax_age_days = '多'", "max_age_days"),
    ],
)
def test_mistakes_in_office_toml_are_named(tmp_path, text, match):
    (tmp_path / "office.toml").write_text(text, encoding="utf-8")
    with pytest.raises(StoreError, match=match):
        open_office(tmp_path)


def test_notepad_may_save_office_toml_with_a_mark(atlas):
    file = atlas.path / "office.toml"
    content = file.read_text(encoding="utf-8").replace("max_age_days = 0", "max_age_days = 365")
    file.write_text(content, encoding="utf-8-sig")
    with open_office(atlas.path) as again:
        assert again.settings["max_age_days"] == 365


def test_not_an_office(tmp_path):
    with pytest.raises(StoreError, match=r"不是办公室文件夹.*new"):
        open_office(tmp_path)
    (tmp_path / "office.toml").write_text("name='x'\npolicy='a.toml'")
    with pytest.raises(StoreError, match="找不到账本"):
        open_office(tmp_path)


def test_adding_a_layer(atlas, tmp_path):
    added = atlas.add_layer("villages", villages(tmp_path), as_of=YEAR_16, by="李工")
    assert (added.rows_read, added.stored, added.refused, added.layer, added.part) == (3, 3, 0, "villages", "")
    assert added.problems == ()
    source = atlas.sources()["villages"]
    assert (source.digest, source.file_name, source.as_of, source.is_partial, source.rows) == (
        added.digest,
        "villages.geojson",
        YEAR_16,
        False,
        3,
    )
    assert atlas.default_day() == YEAR_16
    [part] = atlas.parts()["villages"]
    assert (part.by, part.rows_read, part.refused) == ("李工", 3, 0)
    assert len(store.read_layer(atlas.path, "villages", added.digest)) == 3
    assert events.verify(atlas.ledger) == []


def test_an_earlier_day_can_be_opened_again(atlas, tmp_path):
    old = atlas.add_layer("villages", villages(tmp_path, count=2), as_of=YEAR_16)
    new = atlas.add_layer("villages", villages(tmp_path, count=3), as_of=YEAR_18)
    assert atlas.default_day() == YEAR_18
    assert atlas.sources(date(2016, 12, 30)) == {}
    assert atlas.sources(YEAR_16)["villages"].digest == old.digest
    assert atlas.sources(YEAR_17)["villages"].digest == old.digest
    assert atlas.sources(YEAR_18)["villages"].digest == new.digest
    assert len(store.read_layer(atlas.path, "villages", old.digest)) == 2


def test_of_one_day_the_file_added_later_holds(atlas, tmp_path):
    atlas.add_layer("villages", villages(tmp_path, count=2), as_of=YEAR_16)
    new = atlas.add_layer("villages", villages(tmp_path, count=3), as_of=YEAR_16)
    assert atlas.sources()["villages"].digest == new.digest


def test_an_older_file_added_later_does_not_replace_a_newer_one(atlas, tmp_path):
    new = atlas.add_layer("villages", villages(tmp_path, count=3), as_of=YEAR_18)
    atlas.add_layer("villages", villages(tmp_path, count=2), as_of=YEAR_16)
    assert atlas.sources()["villages"].digest == new.digest


def test_facilities_come_from_several_bureaus(atlas, tmp_path):
    atlas.add_layer("facilities", points(tmp_path, "卫生室.geojson", "clinic", 2), as_of=YEAR_16)
    atlas.add_layer("facilities", points(tmp_path, "公厕.geojson", "public_toilet", 3), as_of=YEAR_17, is_partial=True)
    source = atlas.sources()["facilities"]
    assert source.rows == 5
    assert source.kinds == {"clinic": (YEAR_16, False), "public_toilet": (YEAR_17, True)}
    assert "school" not in source.kinds, "never delivered: unknown, not a gap"
    assert (source.as_of, source.is_partial) == (YEAR_16, True)
    assert source.file_name == "卫生室.geojson; 公厕.geojson"
    assert atlas.sources(YEAR_16)["facilities"].kinds == {"clinic": (YEAR_16, False)}


def test_a_later_partial_file_does_not_undo_a_census(atlas, tmp_path):
    atlas.add_layer("facilities", points(tmp_path, "普查.geojson", "clinic", 2), as_of=YEAR_16)
    atlas.add_layer(
        "facilities", points(tmp_path, "补充.geojson", "clinic", 1, first=9), as_of=YEAR_18, is_partial=True
    )
    assert atlas.sources()["facilities"].kinds == {"clinic": (YEAR_16, False)}
    atlas.add_layer("facilities", points(tmp_path, "复查.geojson", "clinic", 2, first=20), as_of=YEAR_17)
    assert atlas.sources()["facilities"].kinds == {"clinic": (YEAR_17, False)}


def test_a_new_file_of_the_same_name_replaces_only_its_part(atlas, tmp_path):
    atlas.add_layer("facilities", points(tmp_path, "卫生室.geojson", "clinic", 2), as_of=YEAR_16)
    atlas.add_layer("facilities", points(tmp_path, "公厕.geojson", "public_toilet", 3), as_of=YEAR_16)
    atlas.add_layer("facilities", points(tmp_path, "卫生室.geojson", "clinic", 1), as_of=YEAR_18)
    assert {p.part: p.rows for p in atlas.parts()["facilities"]} == {"公厕": 3, "卫生室": 1}
    assert {p.part: p.rows for p in atlas.parts(YEAR_17)["facilities"]} == {"卫生室": 2, "公厕": 3}


def test_one_file_read_twice_for_two_kinds_is_two_parts(atlas, tmp_path):
    both = gpd.GeoDataFrame(
        {"FID": ["a", "b"], "T": ["Medical", "WC"]}, geometry=[Point(113.005, 25.005), Point(113.006, 25.005)], crs=4490
    )
    file = write(tmp_path / "all.geojson", both)
    for kind, theirs in (("clinic", "Medical"), ("public_toilet", "WC")):
        mapping = Mapping({"facility_id": "FID"}, {"kind": kind}, {}, {"T": [theirs]})
        assert atlas.add_layer("facilities", file, mapping=mapping, as_of=YEAR_16).stored == 1
    assert [p.part for p in atlas.parts()["facilities"]] == ["all:clinic", "all:public_toilet"]


def test_a_second_file_of_the_same_kind_is_pointed_out(atlas, tmp_path):
    atlas.add_layer("facilities", points(tmp_path, "卫生室2016.geojson", "clinic", 2), as_of=YEAR_16)
    added = atlas.add_layer("facilities", points(tmp_path, "卫生室2018.geojson", "clinic", 2, first=5), as_of=YEAR_18)
    [problem] = [p for p in added.problems if p.kind == "part_overlap"]
    assert "--part 卫生室2016" in problem.message
    again = atlas.add_layer("facilities", points(tmp_path, "x.geojson", "school", 1), part="卫生室2018", as_of=YEAR_18)
    [problem] = [p for p in again.problems if p.kind == "part_replaced"]
    assert "clinic" in problem.message


def test_dropping_a_part_from_a_day_on(atlas, tmp_path):
    atlas.add_layer("facilities", points(tmp_path, "a.geojson", "clinic", 2), as_of=YEAR_16)
    atlas.add_layer("facilities", points(tmp_path, "b.geojson", "school", 2), as_of=YEAR_16)
    atlas.drop_part("facilities", "a", as_of=YEAR_18, reason="重复", by="李工")
    assert [p.part for p in atlas.parts()["facilities"]] == ["b"]
    assert [p.part for p in atlas.parts(YEAR_17)["facilities"]] == ["a", "b"]
    with pytest.raises(InputError, match=r"没有名为“c”.*现有：b"):
        atlas.drop_part("facilities", "c", reason="x", by="x")


def test_a_whole_file_hides_the_parts_before_it(atlas, tmp_path):
    for town in ("东", "西"):
        atlas.add_layer("villages", villages(tmp_path, f"{town}.geojson"), part=town, as_of=YEAR_16)
    assert [p.part for p in atlas.parts()["villages"]] == ["东", "西"]
    atlas.add_layer("villages", villages(tmp_path), as_of=YEAR_17)
    assert [p.part for p in atlas.parts()["villages"]] == [""]
    assert [p.part for p in atlas.parts(YEAR_16)["villages"]] == ["东", "西"]


def test_a_wrong_import_can_be_withdrawn(atlas, tmp_path):
    good = atlas.add_layer("villages", villages(tmp_path, count=3), as_of=YEAR_16)
    bad = atlas.add_layer("villages", villages(tmp_path, count=1), as_of=YEAR_16)
    assert atlas.sources()["villages"].digest == bad.digest
    events.withdraw(atlas.ledger, bad.seq, by="李工", reason="拿错了文件")
    assert atlas.sources()["villages"].digest == good.digest


def test_nothing_is_added_when_the_ledger_cannot_be_written(atlas, tmp_path, monkeypatch):
    atlas.add_layer("villages", villages(tmp_path, count=3), as_of=YEAR_16)
    before = atlas.sources()

    def full(*_, **__):
        raise StoreError("磁盘已满")

    monkeypatch.setattr(office.events, "append", full)
    with pytest.raises(StoreError, match="磁盘已满"):
        atlas.add_layer("villages", villages(tmp_path, count=2), as_of=YEAR_17)
    monkeypatch.undo()
    assert atlas.sources() == before
    assert len(list((atlas.path / "layers" / "villages").glob("*.parquet"))) == 2, "an orphan file does no harm"


def test_unreadable_file_adds_nothing(atlas, tmp_path):
    bad = tmp_path / "bad.geojson"
    bad.write_text("not json")
    with pytest.raises(InputError):
        atlas.add_layer("villages", bad)
    with pytest.raises(InputError, match="没有名为“村庄”的图层"):
        atlas.add_layer("村庄", bad)
    assert events.history(atlas.ledger, "layer:villages") == []
    assert not (atlas.path / "layers" / "villages").exists()


def test_default_day_of_an_empty_office(atlas):
    with pytest.raises(InputError, match="还没有图层"):
        atlas.default_day()
    with pytest.raises(InputError, match="没有图层"):
        atlas.workspace()


def test_problems_of_the_import_stay_with_it(atlas, tmp_path):
    rows = gpd.GeoDataFrame(
        {"village_id": ["V1", "V1", "V2"], "name": ["甲", "乙", None]},
        geometry=[box(113 + i, 25, 113.5 + i, 26) for i in range(3)],
        crs=4490,
    )
    added = atlas.add_layer("villages", write(tmp_path / "v.geojson", rows), as_of=YEAR_16)
    assert added.problems
    assert atlas.problems() == added.problems
    atlas.add_layer("villages", villages(tmp_path), as_of=YEAR_17)
    assert atlas.problems() == ()
    assert atlas.problems(YEAR_16) == added.problems


def test_nothing_personal_reaches_the_ledger(atlas, tmp_path):
    people = pd.DataFrame(
        {
            "户编号": ["H1", "H2"],
            "户主姓名": ["王小明", "李四"],
            "身份证号码": ["440224198001011235", "44022419800101"],
            "联系电话": ["13812345678", "1381234"],
            "行政村": ["第0村", "第1村"],
            "村编码": ["V0", "V1"],
            "人数": ["4", "不详13987654321"],
        }
    )
    people.to_csv(tmp_path / "贫困户.csv", index=False, encoding="gbk")
    added = atlas.add_layer("households", tmp_path / "贫困户.csv", as_of=YEAR_16)
    assert added.stored + added.refused == 2
    rows = atlas.ledger.read(lambda t: t.rows("SELECT payload, evidence, subject FROM events"))
    text = json.dumps(rows, ensure_ascii=False)
    for private in ("王小明", "李四", "440224198001011235", "44022419800101", "13812345678", "1381234", "13987654321"):
        assert private not in text


def test_masking_keeps_the_sentence_and_cuts_the_person():
    schema = load()["households"]
    rows = [
        Problem("households", 3, "head_name", "第 3 行：户主“王小明”含数字。", "warning"),
        Problem("households", 4, "members", "第 4 行：人数“13812345678”太大。", "warning"),
        Problem("households", 5, "id_number", "第 5 行：440224198001011235 校验位不对。", "warning"),
        Problem("households", 6, "members", "第 6 行：人数 40 太多。", "warning"),
    ]
    texts = [p.message for p in parts.without_private_values(rows, schema)]
    assert texts == [
        "第 3 行：户主（已隐去）含数字。",
        "第 4 行：人数“（已隐去）”太大。",
        "第 5 行：（已隐去） 校验位不对。",
        "第 6 行：人数 40 太多。",
    ]
    assert parts.without_private_values(rows, load()["roads"]) == rows


def test_two_bureaus_that_both_number_from_one(atlas, tmp_path):
    atlas.add_layer("facilities", points(tmp_path, "卫生室.geojson", "clinic", 2), as_of=YEAR_16)
    atlas.add_layer("facilities", points(tmp_path, "公厕.geojson", "public_toilet", 2), as_of=YEAR_16)
    items = atlas.parts()["facilities"]
    frames = [store.read_layer(atlas.path, "facilities", p.digest) for p in items]
    whole, problems = parts.joined(load()["facilities"], items, frames)
    assert sorted(whole["facility_id"]) == ["0", "1", "公厕/0", "公厕/1"]
    assert list(whole.index) == [0, 1, 2, 3]
    assert [p.kind for p in problems] == ["duplicate_between_files"] * 2
    assert frames[1]["facility_id"].tolist() in (["0", "1"], ["1", "0"]), "the stored frame is not touched"
    assert list(whole.columns) == list(frames[0].columns)
    assert whole.crs == frames[0].crs
    assert {str(a) for a in whole.dtypes} == {str(a) for a in frames[0].dtypes}


def test_a_household_in_two_files_is_one_household(atlas, tmp_path):
    for name, members in (("东山.csv", 3), ("民安.csv", 5)):
        pd.DataFrame({"household_id": ["H1", f"{name}2"], "village_id": ["V0", "V0"], "members": [members, 1]}).to_csv(
            tmp_path / name, index=False
        )
        atlas.add_layer("households", tmp_path / name, as_of=YEAR_16)
    items = atlas.parts()["households"]
    frames = [store.read_layer(atlas.path, "households", p.digest) for p in items]
    whole, problems = parts.joined(load()["households"], items, frames)
    assert dict(zip(whole["household_id"], whole["members"], strict=True)) == {"H1": 5, "东山.csv2": 1, "民安.csv2": 1}
    assert len(problems) == 1
    assert "东山.csv" in problems[0].message
    assert "民安.csv" in problems[0].message


def test_rasters_by_day(atlas, tmp_path):
    def raster(name, value):
        shape = {"driver": "GTiff", "width": 2, "height": 2, "count": 1, "dtype": "uint8"}
        with rasterio.open(
            tmp_path / name, "w", crs="EPSG:4547", transform=rasterio.Affine(9, 0, 5, 0, -9, 5), **shape
        ) as out:
            out.write(np.full((1, 2, 2), value, dtype="uint8"))
        return tmp_path / name

    first = atlas.add_raster("dem", raster("a.tif", 1), as_of=YEAR_16)
    second = atlas.add_raster("dem", raster("b.tif", 2), as_of=YEAR_18)
    assert atlas.rasters(YEAR_17)["dem"].stem == first
    assert atlas.rasters()["dem"].stem == second
    assert atlas.rasters(date(2016, 1, 1)) == {}
    with pytest.raises(InputError, match="栅格名称"):
        atlas.add_raster("../x", tmp_path / "a.tif")


def test_workspace_of_a_day_is_kept_and_shared(atlas, tmp_path):
    atlas.add_layer("villages", villages(tmp_path, count=2), as_of=YEAR_16)
    atlas.add_layer("villages", villages(tmp_path, count=3), as_of=YEAR_18)
    now = atlas.workspace()
    assert len(now.get("villages")) == 3
    assert atlas.workspace(YEAR_18) is now
    then = atlas.workspace(YEAR_17)
    assert len(then.get("villages")) == 2
    assert then.digest != now.digest
    assert atlas.workspace(YEAR_16) is then, "the same files: the same workspace"
    with pytest.raises(InputError, match="没有任何图层"):
        atlas.workspace(date(2010, 1, 1))


def test_only_two_workspaces_are_kept(atlas, tmp_path):
    days = (YEAR_16, YEAR_17, YEAR_18)
    for count, day in enumerate(days, start=1):
        atlas.add_layer("villages", villages(tmp_path, count=count), as_of=day)
    first, _, third = (atlas.workspace(day) for day in days)
    assert atlas.workspace(YEAR_18) is third
    assert atlas.workspace(YEAR_16) is not first
    assert atlas.workspace(YEAR_16).digest == first.digest


def test_workspace_knows_the_misspellings_of_the_document(atlas, tmp_path):
    atlas.add_layer("villages", villages(tmp_path), as_of=YEAR_16)
    plain = atlas.workspace()
    text = atlas.policy_path.read_text(encoding="utf-8")
    atlas.policy_path.write_text(text + '[aliases]\n"峯村" = "峄村"\n', encoding="utf-8")
    assert atlas.workspace() is not plain
    assert atlas.workspace().digest != plain.digest


def test_workspace_tells_of_ids_in_two_files(atlas, tmp_path):
    atlas.add_layer("villages", villages(tmp_path), as_of=YEAR_16)
    atlas.add_layer("facilities", points(tmp_path, "卫生室.geojson", "clinic", 2), as_of=YEAR_16)
    atlas.add_layer("facilities", points(tmp_path, "公厕.geojson", "public_toilet", 2), as_of=YEAR_16)
    made = atlas.workspace()
    assert len(made.get("facilities")) == 4
    assert made.sources["facilities"].kinds["clinic"] == (YEAR_16, False)
    assert sum(p.kind == "duplicate_between_files" for p in made.problems) == 2


def test_layers_known_on_a_day(atlas, tmp_path, monkeypatch):
    """A file that arrived later was not known earlier, whatever day it describes."""
    added = atlas.add_layer("villages", villages(tmp_path), as_of=YEAR_16)
    today = events.event(atlas.ledger, added.seq).entered.astimezone(events.OFFICE_ZONE).date()
    assert atlas.sources(known_on=YEAR_18) == {}
    assert set(atlas.sources(known_on=today)) == {"villages"}


def test_ledger_may_be_a_server(tmp_path, policy, postgresql_url):
    with create(tmp_path / "o", policy=policy, name="局", ledger=postgresql_url) as made:
        made.add_layer("villages", villages(tmp_path), as_of=YEAR_16)
    assert not (tmp_path / "o" / "ledger.sqlite").exists()
    assert tomllib.loads((tmp_path / "o" / "office.toml").read_text(encoding="utf-8"))["ledger"] == postgresql_url
    with open_office(tmp_path / "o") as again:
        assert again.sources()["villages"].rows == 3


test_ledger_may_be_a_server = pytest.mark.postgis(test_ledger_may_be_a_server)


def test_an_office_can_be_moved(atlas, tmp_path):
    atlas.add_layer("villages", villages(tmp_path), as_of=YEAR_16)
    atlas.close()
    moved = atlas.path.rename(tmp_path / "搬到 这里")
    with open_office(moved) as again:
        assert again.sources()["villages"].rows == 3
        events.append(again.ledger, Draft("office", "note", YEAR_16, "李工"))
