"""Files that somebody else made: what must come out of them (shared/data/README.md)."""

import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.crs import to_storage
from geo.errors import InputError
from geo.guess import metres_apart
from geo.read import read

pytestmark = pytest.mark.real


def test_national_counties_in_utf8_without_cpg(real: Path) -> None:
    dropped = read(real / "no_cpg_utf8" / "china.shp")
    assert (len(dropped.frame), dropped.encoding) == (1367, "UTF-8")
    assert dropped.frame["FCNAME"][0] == "黑龙江省"
    assert dropped.frame.geometry.notna().all()
    assert sorted(file.suffix for file in (real / "no_cpg_utf8").iterdir()) == [".dbf", ".prj", ".shp", ".shx"]


@pytest.mark.parametrize("label", [None, "GBK", "UTF-8"])
def test_national_counties_turned_to_gbk(real: Path, tmp_path: Path, label: str | None) -> None:
    original = read(real / "no_cpg_utf8" / "china.shp").frame
    file = tmp_path / "china.shp"
    columns = ["FCNAME", "NAME", "FENAME", "geometry"]
    original[columns].to_file(file, encoding="GBK")
    file.with_suffix(".cpg").unlink()
    if label:
        file.with_suffix(".cpg").write_text(label)
    dropped = read(file)
    assert dropped.encoding == "GB18030"
    assert dropped.frame["FCNAME"].equals(original["FCNAME"])
    assert dropped.frame["NAME"].equals(original["NAME"])


def test_taiwan_villages_lie_in_their_towns(real: Path) -> None:
    villages, towns = read(real / "taiwan" / "villages-10t.json"), read(real / "taiwan" / "towns-10t.json")
    assert (len(villages.frame), villages.layer, villages.crs) == (7701, "villages", None)
    assert (len(towns.frame), towns.layer) == (368, "towns")
    assert int((~villages.frame.is_valid).sum()) == 7
    points = gpd.GeoSeries(villages.frame.geometry.representative_point())
    tree = shapely.STRtree(towns.frame.geometry.array)
    point, town = tree.query(points.array, predicate="intersects")
    codes = villages.frame["TOWNCODE"].to_numpy()[point] == towns.frame["TOWNCODE"].to_numpy()[town]
    assert len(np.unique(point[codes])) == 7701
    nantou = villages.frame[villages.frame["COUNTYNAME"] == "南投縣"]
    assert (len(nantou), nantou["TOWNCODE"].nunique()) == (262, 13)
    assert villages.frame["VILLCODE"].str.len().min() >= 8


@pytest.mark.parametrize("suffix", [".ovkml", ".ovkmz", ".ovjsn"])
def test_ovital_objects(real: Path, suffix: str) -> None:
    points = read(real / "ovital" / f"测试点{suffix}")
    assert len(points.frame) == 3
    assert points.frame.geometry[0].coords[0] == (100.27230263, 29.67552520)
    assert (points.crs, points.default_shift) == ("EPSG:4490", None)
    area = read(real / "ovital" / f"多边形{suffix}").frame.geometry[0]
    assert (area.geom_type, len(area.exterior.coords)) == ("Polygon", 5)
    line = read(real / "ovital" / f"CAD多段线{suffix}").frame.geometry[0]
    assert line.geom_type == "LineString"
    with pytest.raises(InputError, match="ovjsn"):
        read(real / "ovital" / "多边形.ovobj")


def test_forms_read_to_single_names(real: Path) -> None:
    types = read(real / "forms" / "family_type_list.xls")
    assert list(types.frame.columns) == [
        "序号", "村名", "贫困户类型/有劳动能力的低保户", "贫困户类型/无劳动能力的低保户",
        "贫困户类型/有劳动能力的低收入困难家庭", "贫困户类型/无劳动能力的低收入困难家庭", "合计", "低保户",
        "低收入困难家庭", "有劳动能力", "无劳动能力", "有劳动能力所占比例",
    ]  # fmt: skip
    assert (len(types.frame), types.header_rows) == (0, 2)
    first = read(real / "forms" / "q1.xls")
    assert list(first.frame.columns) == ["编号", "填表项目", "单位", "数量"]
    assert first.rows[0] == 4
    assert first.frame["编号"][1] == "101"
    assert list(read(real / "forms" / "q2.xls").frame.columns)[:4] == ["代码", "填表项目", "单位", "数量"]


@pytest.mark.parametrize(
    ("name", "count", "kind"),
    [("Habitation", 346, "Point"), ("Bound_Block", 16, "Polygon"), ("Facilities", 664, "Point"), ("Road_DRRP", 567, "LineString")],
)  # fmt: skip
def test_leh_archives(real: Path, name: str, count: int, kind: str) -> None:
    dropped = read(real / "leh" / f"leh_{name}.zip")
    assert (dropped.crs, dropped.layer) == ("EPSG:4326", name)
    assert len(dropped.frame) == count
    assert dropped.frame.geom_type.str.removeprefix("Multi").eq(kind).all()
    if name == "Habitation":
        assert dropped.frame["TOT_POPULA"].sum() == 134_231


def test_folder_of_archives_names_them(real: Path) -> None:
    with pytest.raises(InputError, match=r"4 个图层文件.*leh_Habitation.zip"):
        read(real / "leh")
    assert len(read(real / "leh", layer="leh_Habitation").frame) == 346


def test_djibouti_edges_and_settlements(real: Path) -> None:
    edges = read(real / "djibouti" / "dj_road_edges.gpq")
    assert (len(edges.frame), edges.crs) == (652, "EPSG:4326")
    paved = edges.frame["paved"].astype(bool)
    assert int((paved & edges.frame["tag_surface"].isin(["gravel", "ground", "unpaved", "dirt"])).sum()) >= 7
    places = read(real / "djibouti" / "dj_settlements_onsset.csv")
    assert (len(places.frame), places.crs) == (1473, None)
    assert places.frame.geometry.notna().all()


def test_andorra_extract_keeps_the_tags_that_matter(real: Path) -> None:
    file = real / "andorra" / "andorra.osm.pbf"
    with pytest.raises(InputError, match="points、lines"):
        read(file)
    points, lines, areas = (read(file, layer=name).frame for name in ("points", "lines", "multipolygons"))
    assert int(points["place"].isin(["city", "town", "village", "hamlet"]).sum()) == 59
    assert {"highway", "surface", "name", "bridge"} <= set(lines.columns)
    hospitals = (points["amenity"] == "hospital").sum() + (areas["amenity"] == "hospital").sum()
    assert hospitals == 7
    tracks = lines[lines["highway"] == "track"].to_crs(32631).length.sum() / 1000
    assert tracks == pytest.approx(117.65, rel=0.01)


def test_spearfish_archive_lists_what_it_holds(real: Path) -> None:
    file = real / "spearfish" / "accessmod_demo_2015.zip"
    with pytest.raises(InputError, match="请指定要读哪一个"):
        read(file)
    assert len(read(file, layer="zone_admin__city.shp").frame) == 3
    assert len(read(file, layer="table_land_cover__demo.xlsx").frame) > 0


@pytest.mark.parametrize(("name", "shift_m"), [("440224", 616), ("440512", 543)])
def test_county_outlines_in_gcj02_are_repaired(real: Path, name: str, shift_m: int) -> None:
    dropped = read(real / "china" / f"{name}_fence_gcj02.json")
    stored, notes = to_storage(dropped.frame, "gcj02")
    before, after = (shapely.get_coordinates(frame.geometry) for frame in (dropped.frame, stored))
    assert float(np.mean(metres_apart(before, after))) == pytest.approx(shift_m, abs=8)
    assert any("GCJ-02" in note for note in notes)
    _, notes = to_storage(dropped.frame, None, stored)
    assert any("疑似偏移坐标" in note for note in notes)


def test_gcj02_points_of_the_county_are_proven_against_its_outline(real: Path, tmp_path: Path) -> None:
    outline, _ = to_storage(read(real / "china" / "440224_fence_gcj02.json").frame, "gcj02")
    shutil.copy(real / "china" / "440224.csv", tmp_path / "a.csv")
    assert len(read(tmp_path / "a.csv").frame) == 137
    assert outline.total_bounds[0] == pytest.approx(113.5, abs=0.3)


def test_negative_northings_and_odd_systems(real: Path) -> None:
    for name, count in (("vRoad__demo", 63), ("vZone__demo", None)):
        dropped = read(real / "malawi" / f"{name}.gpkg")
        stored, _ = to_storage(dropped.frame, None)
        assert count is None or len(stored) == count
        assert -18 < stored.total_bounds[1] < -9
