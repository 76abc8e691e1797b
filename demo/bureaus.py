"""Facility files, one a bureau, each in that bureau's habits."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import shapely

from demo import ledgers
from demo.plan import NOTE, SIGNED, Delivery, Plan
from demo.sizes import CRS_PLAIN, NAME, Array
from demo.workbook import write_ledger
from geo.crs import gcj02_from_wgs84

APART = frozenset({"clinic", "public_toilet", "school", "kindergarten", "bus_stop", "bus_station"})


def write_facilities(plan: Plan, folder: Path) -> Iterator[Delivery]:
    """One file a bureau: clinics Excel, toilets CSV, schools Ovital, bus stops GeoJSON, everything else GeoPackage."""
    table = plan.facilities.assign(
        village_id=plan.village("village_id")[plan.facilities["village"].to_numpy()],
        town_name=plan.town_name[plan.facilities["village"].to_numpy()],
        village_name=plan.village("name")[plan.facilities["village"].to_numpy()],
    )
    yield _clinics(table[table["kind"] == "clinic"], folder)
    yield _toilets(table[table["kind"] == "public_toilet"], folder)
    yield _schools(table[table["kind"].isin(["school", "kindergarten"])], folder)
    yield _stops(table[table["kind"].isin(["bus_stop", "bus_station"])], folder)
    yield _others(table[~table["kind"].isin(APART)], folder)


def _clinics(rows: pd.DataFrame, folder: Path) -> Delivery:
    """Health: Excel with a merged header."""
    at = ledgers.lonlat(rows[["x", "y"]].to_numpy())
    path = folder / "卫生站_虚构数据.xlsx"
    columns = {
        ("", "序号"): np.arange(1, len(rows) + 1),
        ("所在地", "乡镇"): rows["town_name"].to_numpy(),
        ("所在地", "行政村"): rows["village_name"].to_numpy(),
        ("机构信息", "机构代码"): rows["id"].to_numpy(),
        ("机构信息", "机构名称"): rows["name"].to_numpy(),
        ("机构信息", "是否标准化"): rows["standard"].to_numpy(),
        ("机构信息", "使用状态"): rows["status"].where(rows["status"] != "未知").to_numpy(),
        ("坐标", "经度"): at[:, 0],
        ("坐标", "纬度"): at[:, 1],
    }
    write_ledger(path, title=f"{NAME}村卫生站一览表", note=NOTE, columns=columns, totals={}, footer=[SIGNED])
    mapping = ledgers.write_mapping(folder / "卫生站_对应表.toml", {"constants": {"kind": "clinic"}})
    return "facilities", path, {"crs": ledgers.STORAGE, "mapping": mapping}


def _toilets(rows: pd.DataFrame, folder: Path) -> Delivery:
    """Housing and construction: CSV in GBK."""
    at = ledgers.lonlat(rows[["x", "y"]].to_numpy())
    path = folder / "公厕_虚构数据.csv"
    table = pd.DataFrame(
        {
            "设施编号": rows["id"].to_numpy(),
            "设施名称": rows["name"].to_numpy(),
            "设施类型": "公共厕所",
            "所属乡镇": rows["town_name"].to_numpy(),
            "行政村": rows["village_name"].to_numpy(),
            "使用状态": rows["status"].to_numpy(),
            "经度": at[:, 0],
            "纬度": at[:, 1],
        }
    )
    ledgers.write_csv(path, table)
    return "facilities", path, {"crs": ledgers.STORAGE, "encoding": "GBK"}


def _schools(rows: pd.DataFrame, folder: Path) -> Delivery:
    """Education: points drawn in Ovital, so shifted to GCJ-02."""
    at = ledgers.lonlat(rows[["x", "y"]].to_numpy())
    shifted = np.column_stack(gcj02_from_wgs84(at[:, 0], at[:, 1]))
    path = folder / "学校幼儿园_虚构数据.ovkml"
    fields = {
        "学校代码": "id",
        "学校名称": "name",
        "设施类型": "label",
        "行政村代码": "village_id",
        "使用状态": "status",
    }
    ledgers.write_ovkml(path, rows, shifted, title=f"{NAME}学校幼儿园（虚构数据）", fields=fields)
    return "facilities", path, {"crs": "gcj02"}


def _stops(rows: pd.DataFrame, folder: Path) -> Delivery:
    """Transport: bus stops and stations as GeoJSON."""
    path = folder / "客运站点_虚构数据.geojson"
    table = pd.DataFrame(
        {
            "站点编号": rows["id"].to_numpy(),
            "站点名称": rows["name"].to_numpy(),
            "设施类型": rows["label"].to_numpy(),
            "使用状态": rows["status"].to_numpy(),
        }
    )
    ledgers.write_geojson(path, table, _points(rows), title="客运站点（虚构数据）")
    return "facilities", path, {"crs": ledgers.STORAGE}


def _others(rows: pd.DataFrame, folder: Path) -> Delivery:
    """The county's platform: every other facility in one GeoPackage, in metres."""
    path = folder / "其他设施_虚构数据.gpkg"
    table = pd.DataFrame(
        {
            "设施编号": rows["id"].to_numpy(),
            "设施名称": rows["name"].to_numpy(),
            "设施类型": rows["label"].to_numpy(),
            "行政村代码": rows["village_id"].to_numpy(),
            "使用状态": rows["status"].to_numpy(),
            "规模": rows["capacity"].to_numpy(),
        }
    )
    ledgers.write_geopackage(path, table, _points(rows), layer="公共设施")
    return "facilities", path, {"crs": CRS_PLAIN}


def _points(rows: pd.DataFrame) -> Array:
    """Make points of `x` and `y`."""
    return np.asarray(shapely.points(rows[["x", "y"]].to_numpy()))
