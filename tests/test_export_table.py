"""What leaves the program is what was shown: text stays text, unknown stays empty, nothing private goes out."""

import csv
import io
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from shapely import Point

from geo.errors import AccessError
from tests.test_excel import PREFIXES
from views.export_table import csv_file, geopackage, refuse_private
from views.tables import totals


def rows(data: bytes) -> list[list[str]]:
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("text", [text for text in PREFIXES if text[0] in "=+-@\t\r"])
def test_no_text_becomes_a_formula_in_csv(text) -> None:
    assert rows(csv_file(pd.DataFrame({text: [text]}))) == [[f"'{text}"], [f"'{text}"]]


def test_numbers_keep_their_sign_and_unknown_is_empty() -> None:
    table = pd.DataFrame({"村": ["甲", "乙,丙"], "差": [-2.5, float("nan")]})
    assert rows(csv_file(table)) == [["村", "差"], ["甲", "-2.5"], ["乙,丙", ""]]


@pytest.mark.parametrize("name", ["head_name", "id_number", "phone", "身份证号", "户主姓名"])
def test_a_private_column_stops_every_export(name) -> None:
    table = pd.DataFrame({name: ["x"]})
    with pytest.raises(AccessError):
        refuse_private(table)
    with pytest.raises(AccessError):
        csv_file(table)
    with pytest.raises(AccessError):
        geopackage(table, gpd.GeoSeries([Point(0, 0)], crs="EPSG:4490"), {}, name="t")


def test_a_geopackage_holds_the_rows_shown_in_their_order_with_their_places(tmp_path: Path) -> None:
    places = gpd.GeoSeries([Point(500_000, 2_700_000), Point(501_000, 2_700_000)], index=["a", "b"], crs="EPSG:4547")
    table = pd.DataFrame({"村": ["乙", "丙", "甲"], "人口": [1.0, 2.0, 3.0]}, index=["b", "none", "a"])
    file = tmp_path / "t.gpkg"
    file.write_bytes(geopackage(table, places, {"政策": "方案"}, name="七有覆盖"))
    held = gpd.read_file(file, layer="七有覆盖")
    assert held["村"].tolist() == ["乙", "丙", "甲"]
    assert held.crs.to_epsg() == 4490
    assert held.geometry.isna().tolist() == [False, True, False]
    assert held.geometry.iloc[2].x == pytest.approx(places.to_crs(4490).iloc[0].x)
    assert gpd.read_file(file, layer="数据依据")["内容"].tolist() == ["方案"]


def test_sums_say_what_they_do_not_know() -> None:
    table = pd.DataFrame({"人口": [100.0, None, 50.0]})
    assert totals(table, {"人口": 0, "没有": 0}, "zh") == "合计：3 行 · 人口 150（1 行不明，未计入）"
