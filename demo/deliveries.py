"""Turn an invented county into deliveries: one file a bureau, in that bureau's habits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from demo import ledgers, rasters
from demo.bureaus import write_facilities
from demo.faults import some
from demo.plan import NOTE, SIGNED, Delivery, Plan
from demo.sizes import AS_OF, CRS_PLAIN, CRS_ZONED, NAME, Array
from demo.terrain import fine_elevation
from demo.workbook import write_ledger

LISTED = {"poor": "贫困村", "key": "重点村", "none": "非贫困村"}
VILLAGE_KIND = {"administrative": "行政村", "community": "社区"}
EXCEL_HOUSEHOLDS = 200_000
SHAPEFILE_ROADS = 400_000


def write_all(plan: Plan, folder: Path) -> Iterator[Delivery]:
    """Write every layer; yield layer, path and reading options in the order an office would add them."""
    yield write_towns(plan, folder)
    yield write_villages(plan, folder)
    yield write_natural_villages(plan, folder)
    yield write_roads(plan, folder)
    yield write_bridges(plan, folder)
    yield from write_facilities(plan, folder)
    yield write_households(plan, folder)
    yield write_claims(plan, folder)
    yield from write_rest(plan, folder)


def write_towns(plan: Plan, folder: Path) -> Delivery:
    """Civil affairs: town borders, GBK shapefile with code page, eastings with the zone number."""
    towns = plan.places.towns
    path = folder / "乡镇界_虚构数据.zip"
    table = pd.DataFrame({"乡镇代码": towns["town_id"], "乡镇名称": towns["name"].astype(object)})
    ledgers.write_shapefile(path, table, plan.places.town_shapes, zoned=True)
    return "towns", path, {"crs": CRS_ZONED}


def write_villages(plan: Plan, folder: Path) -> Delivery:
    """Natural resources: village borders, GBK shapefile whose code page note is lost, eastings with the zone number."""
    villages = plan.places.villages
    n = len(villages)
    hamlet_village = plan.places.hamlets["village"].to_numpy()
    seat = ledgers.lonlat(villages[["seat_x", "seat_y"]].to_numpy())
    path = folder / "村界_虚构数据.zip"
    table = pd.DataFrame(
        {
            "行政村代码": villages["village_id"],
            "行政村名称": villages["name"].astype(object),
            "乡镇名称": plan.town_name,
            "村类型": villages["kind"].map(VILLAGE_KIND),
            "贫困村类型": villages["list_type"].map(LISTED),
            "总人口": np.bincount(hamlet_village, plan.people["population"], minlength=n).astype(np.int32),
            "总户数": np.bincount(hamlet_village, plan.people["households"], minlength=n).astype(np.int32),
            "驻地经度": seat[:, 0],
            "驻地纬度": seat[:, 1],
        }
    )
    ledgers.write_shapefile(path, table, plan.places.village_shapes, zoned=True, cpg=False)
    return "villages", path, {"crs": CRS_ZONED, "encoding": "GBK"}


def write_natural_villages(plan: Plan, folder: Path) -> Delivery:
    """Poverty office: natural villages in Excel with longitude and latitude, a few populations blank."""
    hamlets = plan.places.hamlets
    village = hamlets["village"].to_numpy()
    population = plan.people["population"].astype("float64")
    blank = some(plan.rng, len(hamlets), 5, 2)
    population.iloc[blank] = np.nan
    plan.planted.add("natural_village_blank_population", blank.size)
    at = ledgers.lonlat(hamlets[["x", "y"]].to_numpy())
    path = folder / "自然村台账_虚构数据.xlsx"
    columns = {
        ("", "序号"): np.arange(1, len(hamlets) + 1),
        ("", "乡镇"): plan.town_name[village],
        ("", "行政村"): plan.village("name")[village],
        ("", "自然村代码"): hamlets["natural_village_id"].to_numpy(),
        ("", "自然村名称"): hamlets["name"].to_numpy(),
        ("基本情况", "户数（户）"): plan.people["households"].to_numpy(),
        ("基本情况", "总人口（人）"): _whole(population),
        ("基本情况", "贫困人口（人）"): plan.people["poor_population"].to_numpy(),
        ("坐标（CGCS2000）", "经度"): at[:, 0],
        ("坐标（CGCS2000）", "纬度"): at[:, 1],
    }
    totals = {
        "户数（户）": int(plan.people["households"].sum()),
        "总人口（人）": int(population.sum()),
        "贫困人口（人）": int(plan.people["poor_population"].sum()),
    }
    write_ledger(path, title=f"{NAME}自然村基本情况台账", note=NOTE, columns=columns, totals=totals, footer=[SIGNED])
    return "natural_villages", path, {"crs": ledgers.STORAGE}


def _whole(numbers: Any) -> Any:
    """Keep whole numbers whole beside blanks."""
    return pd.Series([None if v != v else int(v) for v in pd.Series(numbers).tolist()], dtype=object)


def write_roads(plan: Plan, folder: Path) -> Delivery:
    """Transport: the annual report's road lines, GBK shapefile with cut headers; GeoPackage where it grows too large."""
    if len(plan.roads) > SHAPEFILE_ROADS:
        path = folder / "农村公路_虚构数据.gpkg"
        ledgers.write_geopackage(path, plan.roads, plan.road_lines, layer="农村公路")
        return "roads", path, {"crs": CRS_PLAIN}
    path = folder / "农村公路_虚构数据.zip"
    ledgers.write_shapefile(path, plan.roads, plan.road_lines)
    return "roads", path, {"crs": CRS_PLAIN}


def write_bridges(plan: Plan, folder: Path) -> Delivery:
    """Transport: the bridge ledger in Excel."""
    bridges = plan.bridges
    at = ledgers.lonlat(bridges[["x", "y"]].to_numpy())
    path = folder / "桥梁台账_虚构数据.xlsx"
    columns = {("", "序号"): np.arange(1, len(bridges) + 1)}
    for name in ("桥梁代码", "桥梁名称", "路线编号"):
        columns[("桥梁信息", name)] = bridges[name].to_numpy()
    columns[("桥梁信息", "行政等级")] = bridges["行政等级"].to_numpy()
    columns[("技术指标", "桥梁全长（米）")] = bridges["桥梁全长"].to_numpy()
    columns[("技术指标", "单孔最大跨径（米）")] = bridges["单孔最大跨径"].to_numpy()
    columns[("技术指标", "桥面净宽（米）")] = bridges["桥面净宽"].to_numpy()
    columns[("技术指标", "技术状况评定等级")] = bridges["技术状况评定等级"].to_numpy()
    columns[("坐标", "经度")], columns[("坐标", "纬度")] = at[:, 0], at[:, 1]
    write_ledger(path, title=f"{NAME}桥梁基本情况表", note=NOTE, columns=columns, totals={}, footer=[SIGNED])
    return "bridges", path, {"crs": ledgers.STORAGE}


def write_households(plan: Plan, folder: Path) -> Delivery:
    """Poverty office: the household ledger, Excel up to 200,000 families, else one GeoPackage (Excel ends at a million)."""
    columns = _household_columns(plan)
    if len(plan.households) > EXCEL_HOUSEHOLDS:
        path = folder / "农户台账_虚构数据.gpkg"
        table = pd.DataFrame({name: values for (_, name), values in columns.items()})
        at = table[["经度", "纬度"]].to_numpy(dtype=float)
        points = np.full(len(table), None, dtype=object)
        known = np.isfinite(at).all(axis=1)
        points[known] = shapely.points(at[known])
        ledgers.write_geopackage(
            path, table.drop(columns=["经度", "纬度"]), points, layer="农户台账", crs=ledgers.STORAGE
        )
        return "households", path, {"crs": ledgers.STORAGE}
    path = folder / "农户台账_虚构数据.xlsx"
    totals = {"家庭人口（人）": int(plan.households["members"].sum())}
    write_ledger(
        path,
        title=f"{NAME}农户住房与保障情况台账（虚构数据）",
        note=NOTE,
        columns=columns,
        totals=totals,
        footer=[SIGNED],
    )
    return "households", path, {"crs": ledgers.STORAGE}


def _household_columns(plan: Plan) -> dict[tuple[str, str], Any]:
    """Lay out the household ledger: place, head of family, family, house, services, coordinates."""
    rows = plan.households
    village, lost = rows["village"].to_numpy(), rows["lost"].to_numpy()
    hamlet = plan.places.hamlets["name"].to_numpy()[rows["hamlet"].to_numpy()]
    town, name = plan.town_name[village], plan.village("name")[village]
    at = np.full((len(rows), 2), np.nan)
    known = rows["x"].notna().to_numpy()
    at[known] = ledgers.lonlat(rows.loc[known, ["x", "y"]].to_numpy())
    columns: dict[tuple[str, str], Any] = {
        ("", "户编号"): rows["户编号"].to_numpy(),
        ("所在地", "乡镇"): np.where(lost, None, town),
        ("所在地", "行政村"): np.where(lost, None, name),
        ("所在地", "自然村"): np.where(lost, None, hamlet),
        ("户主", "户主姓名"): rows["户主姓名"].to_numpy(),
        ("户主", "身份证号"): rows["身份证号"].to_numpy(),
        ("户主", "联系电话"): rows["联系电话"].to_numpy(),
        ("户主", "住址"): np.where(lost, None, town + name + hamlet),
        ("家庭", "家庭人口（人）"): _whole(rows["members"]),
    }
    for group, headers in (
        ("家庭", ("户类型", "有无劳动力")),
        ("住房", ("危房等级", "是否唯一住房", "住房面积", "建房年份")),
        ("保障", ("饮水安全", "卫生厕所", "通生活用电")),
    ):
        for header in headers:
            columns[(group, header)] = rows[header].to_numpy()
    columns[("坐标", "经度")], columns[("坐标", "纬度")] = at[:, 0], at[:, 1]
    return columns


def write_claims(plan: Plan, folder: Path) -> Delivery:
    """Poverty office: the register of what each village says it has, one column a need."""
    n = len(plan.places.villages)
    path = folder / "七有登记册_虚构数据.xlsx"
    columns: dict[tuple[str, str], Any] = {
        ("", "序号"): np.arange(1, n + 1),
        ("", "行政村代码"): plan.village("village_id"),
        ("", "乡镇"): plan.town_name,
        ("", "行政村"): plan.village("name"),
        **plan.claims.columns,
    }
    write_ledger(
        path,
        title=f"{NAME}七有及公共服务登记册（虚构数据）",
        note=NOTE,
        columns=columns,
        totals={},
        footer=[SIGNED],
    )
    need_columns = {need: label for label, need in plan.claims.need_of.items()}
    mapping = ledgers.write_mapping(
        folder / "七有登记册_对应表.toml",
        {
            "columns": {"unit_id": "行政村代码", "town": "乡镇", "village": "行政村", **need_columns},
            "constants": {"source": "七有登记册", "by": "扶贫办", "day": AS_OF.isoformat()},
        },
    )
    return "claims", path, {"mapping": mapping}


def write_rest(plan: Plan, folder: Path) -> Iterator[Delivery]:
    """Pipes and lines, service areas, hazards."""
    path = folder / "管线_虚构数据.gpkg"
    ledgers.write_geopackage(path, plan.lines[0], plan.lines[1], layer="管线")
    yield "lines", path, {"crs": CRS_PLAIN}
    path = folder / "服务范围_虚构数据.geojson"
    ledgers.write_geojson(path, plan.service_areas[0], plan.service_areas[1], title="服务范围（虚构数据）")
    yield "service_areas", path, {"crs": ledgers.STORAGE}
    path = folder / "隐患点_虚构数据.zip"
    ledgers.write_shapefile(path, plan.hazards[0], plan.hazards[1])
    yield "hazards", path, {"crs": CRS_PLAIN}


def write_rasters(plan: Plan, folder: Path) -> tuple[tuple[str, Path], ...]:
    """Write heights, people and land cover as GeoTIFF in the demo's zone."""
    terrain = plan.terrain
    place = {"left_x": terrain.left_x, "top_y": terrain.top_y}
    dem = rasters.outside_as_nodata(terrain, fine_elevation(terrain, plan.size.dem_m, plan.rng))
    rasters.write_raster(folder / "高程_虚构数据.tif", dem, cell_m=plan.size.dem_m, title="高程（虚构数据）", **place)
    cell = max(100.0, terrain.cell_m)
    xy, weight = _where_people_live(plan)
    people = rasters.count_grid(terrain, xy, weight, cell)
    rasters.write_raster(folder / "人口_虚构数据.tif", people, cell_m=cell, title="人口（虚构数据）", **place)
    cover = rasters.land_cover(terrain, people, cell)
    rasters.write_raster(folder / "地类_虚构数据.tif", cover, cell_m=terrain.cell_m, title="地类（虚构数据）", **place)
    return (
        ("dem", folder / "高程_虚构数据.tif"),
        ("population", folder / "人口_虚构数据.tif"),
        ("landcover", folder / "地类_虚构数据.tif"),
    )


def _where_people_live(plan: Plan) -> tuple[Array, Array]:
    """Give points and people: houses where all are known, else natural villages."""
    if plan.size.poor_only:
        return plan.places.hamlets[["x", "y"]].to_numpy(), plan.people["population"].to_numpy()
    rows = plan.households.dropna(subset=["x", "members"])
    return rows[["x", "y"]].to_numpy(), rows["members"].to_numpy()


def counts(plan: Plan) -> dict[str, int]:
    """Count the features of each layer as written."""
    return {
        "towns": len(plan.places.towns),
        "villages": len(plan.places.villages),
        "natural_villages": len(plan.places.hamlets),
        "households": len(plan.households),
        "poor_households": int(plan.households["is_poor"].sum()),
        "roads": len(plan.roads),
        "bridges": len(plan.bridges),
        "facilities": len(plan.facilities),
        "lines": len(plan.lines[0]),
        "service_areas": len(plan.service_areas[0]),
        "hazards": len(plan.hazards[0]),
    }
