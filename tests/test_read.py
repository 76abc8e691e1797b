"""Every accepted format, as a bureau would send it, through the worker process."""

import datetime
import json
import os
import shutil
import threading
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
import xlsxwriter

from geo.errors import InputError
from geo.pool import Worker, pool
from geo.read import Limits, read

VILLAGES = ["甲村", "乙村", "丙村"]


@pytest.fixture
def villages() -> gpd.GeoDataFrame:
    boxes = [shapely.box(113.7 + n * 0.1, 25.0, 113.8 + n * 0.1, 25.1) for n in range(3)]
    columns = {"行政村名": VILLAGES, "行政村编码": [f"44022400100{n}" for n in range(3)], "人口": [199, 200, 201]}
    return gpd.GeoDataFrame(columns, geometry=boxes, crs=4490)


@pytest.fixture
def shapefile(tmp_path: Path, villages: gpd.GeoDataFrame) -> Path:
    folder = tmp_path / "村界"
    folder.mkdir()
    villages.to_file(folder / "村界.shp", encoding="GBK", engine="pyogrio")
    return folder / "村界.shp"


class GBKName(zipfile.ZipInfo):
    """An entry named as Chinese Windows does: GBK bytes, no UTF-8 flag."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802
        return self.filename.encode("gbk"), self.flag_bits & ~0x800


def zipped(folder: Path, target: Path, kind: type[zipfile.ZipInfo] = zipfile.ZipInfo) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.writestr(kind(file.name), file.read_bytes())
    return target


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


@pytest.mark.parametrize("label", ["GBK", "UTF-8", "GB2312", None])
def test_gbk_shapefile_reads_right_whatever_its_cpg_says(shapefile: Path, label: str | None) -> None:
    cpg = shapefile.with_suffix(".cpg")
    if label is None:
        cpg.unlink()
    else:
        cpg.write_text(label)
    before = snapshot(shapefile.parent)
    dropped = read(shapefile)
    assert list(dropped.frame.columns) == ["行政村名", "行政村编码", "人口", "geometry"]
    assert list(dropped.frame["行政村名"]) == VILLAGES
    assert dropped.encoding == "GB18030"
    assert dropped.frame.crs.to_epsg() == 4490
    assert dropped.rows.tolist() == [1, 2, 3]
    assert any("自称编码" in note for note in dropped.notes) == (label == "UTF-8")
    assert snapshot(shapefile.parent) == before


def test_utf8_shapefile_without_cpg_and_with_a_wrong_one(tmp_path: Path, villages: gpd.GeoDataFrame) -> None:
    file = tmp_path / "a.shp"
    villages.rename(columns={"行政村编码": "code"})[["code", "人口", "geometry"]].assign(名=VILLAGES).to_file(
        file, encoding="UTF-8", engine="pyogrio"
    )
    for label in (None, "GBK"):
        file.with_suffix(".cpg").unlink(missing_ok=True)
        if label:
            file.with_suffix(".cpg").write_text(label)
        dropped = read(file)
        assert (list(dropped.frame["名"]), dropped.encoding) == (VILLAGES, "UTF-8")


def test_a_person_may_overrule_the_encoding(shapefile: Path) -> None:
    assert read(shapefile, encoding="GBK").frame["行政村名"][0] == "甲村"
    assert read(shapefile, encoding="latin-1").frame.iloc[0, 0] != "甲村"
    with pytest.raises(InputError, match="不认识的编码"):
        read(shapefile, encoding="klingon")


def test_any_part_of_a_shapefile_a_folder_and_a_zip_are_the_same_layer(shapefile: Path, tmp_path: Path) -> None:
    whole = read(shapefile)
    for source in (shapefile.with_suffix(".dbf"), shapefile.with_suffix(".prj"), shapefile.parent):
        other = read(source)
        pd.testing.assert_frame_equal(pd.DataFrame(other.frame), pd.DataFrame(whole.frame))
    packed = read(zipped(shapefile.parent, tmp_path / "村界.zip"))
    pd.testing.assert_frame_equal(pd.DataFrame(packed.frame), pd.DataFrame(whole.frame))
    assert packed.layer == "村界"
    assert read(shapefile.with_suffix(".dbf")).digest == whole.digest


def test_zip_names_in_gbk_from_chinese_windows(shapefile: Path, tmp_path: Path) -> None:
    dropped = read(zipped(shapefile.parent, tmp_path / "a.zip", GBKName))
    assert (dropped.layer, list(dropped.frame["行政村名"])) == ("村界", VILLAGES)


def test_upper_case_endings(shapefile: Path, tmp_path: Path) -> None:
    folder = tmp_path / "upper"
    folder.mkdir()
    for file in shapefile.parent.iterdir():
        shutil.copy(file, folder / f"CUN{file.suffix.upper()}")
    assert list(read(folder / "CUN.SHP").frame["行政村名"]) == VILLAGES
    assert len(read(zipped(folder, tmp_path / "U.ZIP")).frame) == 3


def test_missing_shx_is_rebuilt_in_the_copy_only(shapefile: Path) -> None:
    shapefile.with_suffix(".shx").unlink()
    dropped = read(shapefile)
    assert dropped.frame.geometry.notna().all()
    assert any(".shx" in note for note in dropped.notes)
    assert not shapefile.with_suffix(".shx").exists()


def test_missing_dbf_prj_and_shp_are_named(shapefile: Path) -> None:
    shapefile.with_suffix(".prj").unlink()
    dropped = read(shapefile)
    assert (dropped.crs, dropped.frame.crs) == (None, None)
    assert any("没有 .prj" in note for note in dropped.notes)
    table = shapefile.with_suffix(".dbf")
    saved = table.read_bytes()
    table.unlink()
    with pytest.raises(InputError, match=r"村界\.shp：缺少同名的 \.dbf"):
        read(shapefile)
    table.write_bytes(saved)
    shapefile.unlink()
    assert list(read(table).frame["行政村名"]) == VILLAGES
    assert not isinstance(read(table).frame, gpd.GeoDataFrame)
    with pytest.raises(InputError, match=r"缺少 \.shp"):
        read(shapefile.with_suffix(".shx"))


def test_deleted_and_null_records_keep_their_numbers(shapefile: Path) -> None:
    table = shapefile.with_suffix(".dbf")
    data = bytearray(table.read_bytes())
    start, length = int.from_bytes(data[8:10], "little"), int.from_bytes(data[10:12], "little")
    data[start + length] = ord("*")
    table.write_bytes(bytes(data))
    dropped = read(shapefile)
    assert dropped.rows.tolist() == [1, 3]
    assert list(dropped.frame["行政村名"]) == ["甲村", "丙村"]


def test_geopackage_one_layer_several_layers_and_a_named_one(tmp_path: Path, villages: gpd.GeoDataFrame) -> None:
    file = tmp_path / "县.gpkg"
    villages.to_file(file, layer="村界", driver="GPKG")
    assert read(file).layers == ("村界",)
    villages.iloc[:2].to_file(file, layer="重点村", driver="GPKG")
    with pytest.raises(InputError, match=r"多个图层.*村界、重点村"):
        read(file)
    chosen = read(file, layer="重点村")
    assert (len(chosen.frame), chosen.layer, chosen.layers) == (2, "重点村", ("村界", "重点村"))
    assert len(read(file, sheet="重点村").frame) == 2
    with pytest.raises(InputError, match="没有名为“无”的图层"):
        read(file, layer="无")
    assert chosen.frame.crs.to_epsg() == 4490


def test_geojson_and_what_it_may_carry(tmp_path: Path, villages: gpd.GeoDataFrame) -> None:
    file = tmp_path / "村.geojson"
    villages.to_crs(4326).to_file(file, driver="GeoJSON")
    dropped = read(file)
    assert (list(dropped.frame["行政村名"]), dropped.crs) == (VILLAGES, "EPSG:4326")
    assert dropped.frame["行政村编码"][0] == "440224001000"
    bom = tmp_path / "bom.json"
    bom.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert len(read(bom).frame) == 3
    gbk = tmp_path / "gbk.geojson"
    gbk.write_bytes(json.dumps(json.loads(file.read_text("utf-8")), ensure_ascii=False).encode("gbk"))
    assert list(read(gbk).frame["行政村名"]) == VILLAGES
    assert any("已转换" in note for note in read(gbk).notes)
    single = tmp_path / "one.json"
    single.write_text('{"type":"Polygon","coordinates":[[[113,25],[114,25],[114,26],[113,25]]]}')
    assert len(read(single).frame) == 1


def test_a_broken_shape_costs_its_place_not_the_file(tmp_path: Path) -> None:
    rings = [[[113, 25], [114, 25], [114, 26], [113, 25]], [[113, 25], [114, 25], [114, 26]], [[113, 25], [113, 25]]]
    features = [
        {"type": "Feature", "properties": {"名": f"村{n}"}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for n, ring in enumerate(rings)
    ]
    features.append({"type": "Feature", "properties": {"名": "空"}, "geometry": None})
    file = tmp_path / "a.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    dropped = read(file)
    assert list(dropped.frame["名"]) == ["村0", "村1", "村2", "空"]
    assert dropped.frame.geometry.notna().tolist() == [True, False, False, False]
    assert any("第 2、3 条的图形残缺" in note for note in dropped.notes)
    assert any("第 4 条没有图形" in note for note in dropped.notes)


def test_topojson_shares_borders_and_has_no_crs(tmp_path: Path) -> None:
    topology = {
        "type": "Topology",
        "transform": {"scale": [0.1, 0.1], "translate": [113.0, 25.0]},
        "objects": {
            "村": {
                "type": "GeometryCollection",
                "geometries": [
                    {"type": "Polygon", "arcs": [[0, 1]], "properties": {"名": "左", "代码": "0441"}},
                    {
                        "type": "MultiPolygon",
                        "arcs": [[[-1, 2]]],
                        "properties": {"名": "右", "代码": "0442"},
                        "id": "b",
                    },
                    {"type": "Point", "coordinates": [113.5, 25.5], "properties": {"名": "点"}},
                    {"type": "Polygon", "arcs": [[99]], "properties": {"名": "坏"}},
                ],
            },
            "县": {"type": "Polygon", "arcs": [[0, 1]]},
        },
        "arcs": [[[10, 0], [0, 10]], [[10, 10], [-10, 0], [0, -10], [10, 0]], [[10, 0], [10, 0], [0, 10], [-10, 0]]],
    }
    file = tmp_path / "a.topojson"
    file.write_text(json.dumps(topology, ensure_ascii=False), encoding="utf-8")
    dropped = read(file)
    assert (dropped.layer, dropped.layers, dropped.crs) == ("村", ("村", "县"), None)
    assert dropped.frame["代码"].tolist()[:2] == ["0441", "0442"]
    left, right, _, broken = dropped.frame.geometry
    assert left.bounds == pytest.approx((113.0, 25.0, 114.0, 26.0))
    assert right.bounds == pytest.approx((114.0, 25.0, 115.0, 26.0))
    assert left.touches(right)
    assert broken is None
    assert len(read(file, layer="县").frame) == 1


KML = """<?xml version="1.0" encoding="{encoding}"?>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder><name>丹霞街道</name>
<Placemark><name>甲村</name><ExtendedData><Data name="人口"><value>199</value></Data></ExtendedData>{system}
<Point><coordinates>113.7,25.1,0</coordinates></Point></Placemark>
<Placemark><name>路</name><MultiGeometry><LineString><coordinates>113.7,25.1 113.8,25.2</coordinates></LineString>
<LineString><coordinates>113.8,25.2 113.9,25.2</coordinates></LineString></MultiGeometry></Placemark>
<Placemark><name>坏</name><Polygon><outerBoundaryIs><LinearRing><coordinates>1,1 2,2</coordinates></LinearRing>
</outerBoundaryIs></Polygon></Placemark></Folder>
<NetworkLink><Link><href>http://127.0.0.1:9/x.kml</href></Link></NetworkLink></Document></kml>"""


@pytest.mark.parametrize(("encoding", "codec"), [("UTF-8", "utf-8"), ("GB2312", "gbk"), ("UTF-16", "utf-16")])
def test_kml_folders_data_and_shapes(tmp_path: Path, encoding: str, codec: str) -> None:
    file = tmp_path / "a.kml"
    file.write_bytes(KML.format(encoding=encoding, system="").encode(codec))
    dropped = read(file)
    assert list(dropped.frame["name"]) == ["甲村", "路", "坏"]
    assert list(dropped.frame["folder"].dropna().unique()) == ["丹霞街道"]
    assert dropped.frame["人口"][0] == 199
    assert [None if g is None else g.geom_type for g in dropped.frame.geometry] == ["Point", "MultiLineString", None]
    assert dropped.crs == "EPSG:4326"
    assert any("不会访问网络" in note for note in dropped.notes)


def test_ovital_is_gcj02_unless_it_says_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "a.ovkml"
    file.write_text(KML.format(encoding="UTF-8", system=""), encoding="utf-8")
    assert (read(file).crs, read(file).default_shift) == (None, "gcj02")
    one = '<kml xmlns="http://www.opengis.net/kml/2.2"><Placemark>{}<Point><coordinates>113,25</coordinates></Point></Placemark></kml>'
    for said, expected in (("CGCS2000", ("EPSG:4490", None)), ("GCJ02", (None, "gcj02"))):
        file.write_text(one.format(f"<OvCoordType>{said}</OvCoordType>"), encoding="utf-8")
        assert (read(file).crs, read(file).default_shift) == expected
    packed = tmp_path / "a.ovkmz"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("doc.kml", one.format(""))
    assert read(packed).default_shift == "gcj02"
    packed.rename(tmp_path / "a.kmz")
    assert (read(tmp_path / "a.kmz").default_shift, read(tmp_path / "a.kmz").crs) == (None, "EPSG:4326")


CSV = "村名,村代码,人口,经度,纬度\n甲村,0440224,199,113°42′,25.1\n乙村,0440225,,１１３．８,25.2\n\n丙村,0440226,201,,\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_csv_in_every_encoding_and_separator(tmp_path: Path, encoding: str, separator: str) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(CSV.replace(",", separator).encode(encoding))
    dropped = read(file)
    assert list(dropped.frame.columns) == ["村名", "村代码", "人口", "经度", "纬度", "geometry"]
    assert list(dropped.frame["村代码"]) == ["0440224", "0440225", "0440226"]
    assert dropped.rows.tolist() == [2, 3, 5]
    assert (dropped.frame["人口"][0], np.isnan(dropped.frame["人口"][1])) == (199, True)
    assert dropped.frame.geometry[0].coords[0] == (113.7, 25.1)
    assert dropped.frame.geometry[1].coords[0] == (113.8, 25.2)
    assert dropped.frame.geometry[2] is None
    assert dropped.crs is None


def test_csv_oddities(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text('sep=;\n村名;备注\n甲村;"一;二\n三"\n乙村;x\n', encoding="utf-8")
    dropped = read(file)
    assert dropped.frame["备注"][0] == "一;二\n三"
    assert dropped.rows.tolist() == [3, 4]
    file.write_text(
        "村名,备注\n" + "".join(f'村{n},"{n}寸\n' if n == 3 else f"村{n},x\n" for n in range(2000)), encoding="utf-8"
    )
    dropped = read(file)
    assert len(dropped.frame) == 2000
    assert any("引号" in note for note in dropped.notes)
    file.write_text("村名,村名,\n甲,乙,丙\n", encoding="utf-8")
    assert list(read(file).frame.columns) == ["村名", "村名_2", "列3"]


def ledger(path: Path) -> Path:
    """A household ledger as a town office keeps it: title, merged two-row header, totals, signature; codes as text."""
    book = xlsxwriter.Workbook(str(path))
    book.add_worksheet("说明").write(0, 0, "本表由各村填报")
    sheet = book.add_worksheet("台账")
    sheet.merge_range(0, 0, 0, 7, "仁化县农村危房台账")
    for column, name in ((0, "序号"), (1, "乡镇"), (2, "户编号"), (3, "证件号码"), (6, "鉴定日期"), (7, "人口（人）")):
        sheet.merge_range(1, column, 2, column, name)
    sheet.merge_range(1, 4, 1, 5, "坐标")
    sheet.write_row(2, 4, ["经度", "纬度"])
    sheet.merge_range(3, 1, 4, 1, "丹霞街道")
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for n in range(3):
        sheet.write(3 + n, 0, n + 1)
        sheet.write_string(3 + n, 2, f"00{n}")
        sheet.write_string(3 + n, 3, f"44022419900101123{n}")
        sheet.write_row(3 + n, 4, [113.7 + n, 25.1])
        sheet.write_datetime(3 + n, 6, datetime.datetime(2016, 11, 8), day)
        sheet.write(3 + n, 7, 3)
    sheet.write(5, 1, "闻韶镇")
    sheet.write(6, 0, "合计")
    sheet.write(6, 7, 9)
    sheet.write(7, 0, "填表人：张三")
    book.add_worksheet("隐藏").hide()
    book.close()
    return path


def test_workbook_as_a_town_office_keeps_it(tmp_path: Path) -> None:
    file = ledger(tmp_path / "台账.xlsx")
    before = file.read_bytes()
    dropped = read(file)
    assert list(dropped.frame.columns) == [
        "序号",
        "乡镇",
        "户编号",
        "证件号码",
        "坐标/经度",
        "坐标/纬度",
        "鉴定日期",
        "人口(人)",
        "geometry",
    ]
    assert dropped.rows.tolist() == [4, 5, 6]
    assert list(dropped.frame["乡镇"]) == ["丹霞街道", "丹霞街道", "闻韶镇"]
    assert list(dropped.frame["户编号"]) == ["000", "001", "002"]
    assert list(dropped.frame["证件号码"])[2] == "440224199001011232"
    assert dropped.frame["鉴定日期"][0] == "2016-11-08"
    assert dropped.frame["人口(人)"].sum() == 9
    assert dropped.frame.geometry[1].coords[0] == (114.7, 25.1)
    assert (dropped.layer, dropped.layers, dropped.header_rows) == ("台账", ("说明", "台账", "隐藏"), 2)
    assert file.read_bytes() == before
    assert read(file, sheet="说明").layer == "说明"
    with pytest.raises(InputError, match="没有名为“甲”的工作表。现有：说明、台账、隐藏"):
        read(file, sheet="甲")


def test_workbooks_under_the_wrong_ending(tmp_path: Path) -> None:
    file = ledger(tmp_path / "a.xlsx")
    wrong = tmp_path / "b.xls"
    shutil.copy(file, wrong)
    dropped = read(wrong)
    assert len(dropped.frame) == 3
    assert "已按 .xlsx 读取" in dropped.notes[0]
    text = tmp_path / "c.xls"
    text.write_bytes("村名\t人口\n甲村\t199\n".encode("gbk"))
    assert read(text).frame["人口"][0] == 199
    page = tmp_path / "d.xls"
    page.write_text("<html><table><tr><td>甲村</td></tr></table></html>", encoding="utf-8")
    with pytest.raises(InputError, match=r"不是真正的 Excel.*另存为"):
        read(page)


def test_geoparquet_with_and_without_a_system(tmp_path: Path, villages: gpd.GeoDataFrame) -> None:
    file = tmp_path / "a.parquet"
    villages.to_parquet(file)
    dropped = read(file)
    assert (dropped.crs, list(dropped.frame["行政村名"])) == ("EPSG:4490", VILLAGES)
    villages.set_crs(None, allow_override=True).to_parquet(file)
    assert read(file).crs is None
    pd.DataFrame({"a": [1]}).to_parquet(file)
    assert list(read(file).frame["a"]) == [1]


def test_file_geodatabase_folder_and_zip(tmp_path: Path, villages: gpd.GeoDataFrame) -> None:
    folder = tmp_path / "县.gdb"
    pyogrio.write_dataframe(villages.astype({"人口": "int32"}), folder, layer="villages", driver="OpenFileGDB")
    assert list(read(folder).frame["行政村名"]) == VILLAGES
    packed = tmp_path / "县.gdb.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"县.gdb/{file.name}")
    assert len(read(packed).frame) == 3


def test_zip_with_two_layers_lists_them(shapefile: Path, tmp_path: Path, villages: gpd.GeoDataFrame) -> None:
    villages.to_file(shapefile.parent / "村点.gpkg", driver="GPKG")
    (shapefile.parent / "说明.txt").write_text("说明")
    packed = zipped(shapefile.parent, tmp_path / "a.zip")
    with pytest.raises(InputError, match=r"2 个图层文件.*村界.shp"):
        read(packed)
    assert read(packed, layer="村界").driver == "ESRI Shapefile"
    assert read(packed, layer="村点").driver == "GPKG"
    with pytest.raises(InputError, match="2 个图层文件"):
        read(packed, layer="别的")


def test_empty_layers_are_frames_without_rows(tmp_path: Path, villages: gpd.GeoDataFrame) -> None:
    plain = villages.rename(columns={"行政村名": "name", "行政村编码": "code", "人口": "people"})
    for name, driver in (("a.gpkg", "GPKG"), ("a.geojson", "GeoJSON"), ("a.shp", "ESRI Shapefile")):
        plain.iloc[:0].to_file(tmp_path / name, driver=driver)
        dropped = read(tmp_path / name)
        assert (len(dropped.frame), len(dropped.rows)) == (0, 0)
    (tmp_path / "a.csv").write_text("村名,人口\n", encoding="utf-8")
    assert list(read(tmp_path / "a.csv").frame.columns) == ["村名", "人口"]


def test_frames_have_the_shape_others_expect(shapefile: Path) -> None:
    dropped = read(shapefile)
    assert isinstance(dropped.frame.index, pd.RangeIndex)
    assert list(dropped.frame.columns)[-1] == "geometry"
    assert dropped.frame["行政村名"].dtype == "str"
    assert len(dropped.digest) == 64


def test_digest_is_of_the_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("村名\n甲\n", encoding="utf-8")
    second.write_text("村名\n甲\n", encoding="utf-8")
    assert read(first).digest == read(second).digest
    second.write_text("村名\n乙\n", encoding="utf-8")
    assert read(first).digest != read(second).digest


def test_threads_share_the_workers(tmp_path: Path) -> None:
    files = []
    for n in range(8):
        files.append(tmp_path / f"{n}.csv")
        files[-1].write_text(f"村名,人口\n村{n},{n}\n", encoding="utf-8")
    found: dict[int, int] = {}

    def work(n: int) -> None:
        found[n] = int(read(files[n]).frame["人口"][0])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: n for n in range(8)}


def test_a_worker_starts_without_pandas_and_with_few_drivers() -> None:
    read_once = pool()
    assert read_once is pool()
    worker = Worker("")
    try:
        assert "OGR_VRT" in worker.extra
        assert not {"GPKG", "GeoJSON", "ESRI Shapefile"} & set(worker.extra)
    finally:
        worker.stop()
    assert not worker.is_alive


def test_limits_are_said_in_numbers(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("村名,人口\n" + "甲,1\n" * 50, encoding="utf-8")
    with pytest.raises(InputError, match="超过上限"):
        read(file, limits=Limits(file_bytes=10))
    with pytest.raises(InputError, match="超过 20 行"):
        read(file, limits=Limits(rows=20))
    with pytest.raises(InputError, match="超过上限 1 列"):
        read(file, limits=Limits(columns=1))
    assert len(read(file, limits=Limits(rows=51)).frame) == 50


def test_slow_files_are_stopped_and_the_next_one_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("村名,人口\n" + "甲,1\n" * 100_000, encoding="utf-8")
    with pytest.raises(InputError, match="已停止"):
        read(file, limits=Limits(seconds=0.05))
    assert len(read(file, limits=Limits(seconds=100.0)).frame) == 100_000


@pytest.mark.skipif(os.name == "nt", reason="Windows has no per-process memory limit here")
def test_memory_is_bounded(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"a,b\n" + b"1,2\n" * 8_000_000)
    with pytest.raises(InputError, match=r"内存|上限"):
        read(file, limits=Limits(memory_bytes=700_000_000, rows=50_000_000, cells=10**9))
