"""Data as careless or unlucky people send them (safety.md, catalogue C), put through the whole intake."""

import datetime as dt
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import openpyxl
import pandas as pd
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Point, affinity, box
from shapely.geometry import Polygon

from analysis.assess import assess
from analysis.plan import programme
from analysis.roads import natural_villages
from geo.errors import InputError
from geo.nearest import containing, nearest_line, nearest_point
from geo.network import build_network, shortest, to_networkx
from geo.raster import zonal
from geo.read import read
from geo.tiles import TileSource
from layers.intake import take
from layers.workspace import gather
from tests.drawn import DAY, policy, villages, workspace
from tests.drawn_county import RULES, county_layers
from tests.hostile.payloads import PERSON
from tests.layer_drawings import dropped, inside, source
from views import excel
from views.export_table import csv_file, geopackage

METRIC = "EPSG:4547"
SEEDS = st.integers(0, 2**32 - 1)


def households(**columns: Any) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    base = {"户编号": [f"h{n}" for n in range(count)], "行政村": ["甲村"] * count, "乡镇": ["甲镇"] * count}
    return pd.DataFrame(base | columns)


def kinds(taken: Any) -> list[tuple[int | None, str | None, str]]:
    return [(p.row, p.field, p.kind) for p in taken.problems if p.kind not in {"blank", "no_place", "no_geometry"}]


# --- G12, G13: numbers that are names -------------------------------------------------------------------------------


def test_g12_identity_numbers_as_spreadsheets_ruin_them(tmp_path: Path) -> None:
    """G12: float, scientific text, last digits gone, small x, wrong check digit – flagged, text, never repeated."""
    numbers = [
        "11010519491231002X", "11010519491231002x", "110105194912310021", "110105194912310000", "1.10105E+17",
        1.10105194912310e17, "　11010519491231002X ", "'11010519491231002X", "11010519491231002",
    ]  # fmt: skip
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["户编号", "行政村", "乡镇", "户主姓名", "身份证号"])
    for at_row, number in enumerate(numbers):
        sheet.append([f"h{at_row}", "甲村", "甲镇", f"户主{at_row}", number])
    book.save(tmp_path / "户.xlsx")
    taken = take(read(tmp_path / "户.xlsx"), "households")
    faulty = {row for row, field, _ in kinds(taken) if field == "id_number"}
    assert faulty == {4, 5, 6, 7, 10}
    kept = taken.private.set_index("household_id")["id_number"]
    assert kept.dtype == "str"
    assert [kept[f"h{n}"] for n in (0, 6, 7)] == ["11010519491231002X"] * 3
    assert kept["h1"].upper() == "11010519491231002X"
    assert not any("110105" in problem.message + problem.subject for problem in taken.problems)


def test_g13_codes_with_zeros_quotes_widths_and_nothing_visible() -> None:
    """G13: one code however it was typed; what was typed stands in the list of what was refused."""
    codes = ["044022", "'044022", "０４４０２２", " 044022\u3000", "044\u200b022", "\ufeff044022", "044022\u00a0"]
    for code in codes:
        frame = pd.DataFrame({"自然村代码": [code], "自然村名称": ["上屋"]})
        taken = take(
            dropped(gpd.GeoDataFrame(frame, geometry=[inside(0)], crs=4490), crs="EPSG:4490"), "natural_villages"
        )
        assert taken.frame["natural_village_id"].tolist() == ["044022"], repr(code)
    frame = pd.DataFrame({"自然村代码": ["'044022", "044022"], "自然村名称": ["上屋", "下屋"]})
    both = take(
        dropped(gpd.GeoDataFrame(frame, geometry=[inside(0), inside(1)], crs=4490), crs="EPSG:4490"), "natural_villages"
    )
    assert set(both.refused["自然村代码"]) == {"'044022", "044022"}, "the same code twice: both, as they were typed"


# --- G14: days ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "day"),
    [("2020.13.1", None), ("2020.2.30", None), (43281, "2018-06-30"), ("43281", "2018-06-30"), ("农历四月初八", None),
     ("戊戌年", None), ("2018/6/30", "2018-06-30"), ("20180630", "2018-06-30"), ("0000-00-00", None), ("2018年6月30日", "2018-06-30"),
     (99999999, None), ("昨天", None)],
)  # fmt: skip
def test_g14_a_day_is_a_day_or_is_flagged(text: Any, day: str | None) -> None:
    """G14."""
    frame = pd.DataFrame({"unit_id": ["v1"], "need": ["toilet"], "value": ["是"], "day": [text]})
    taken = take(dropped(frame), "claims")
    assert taken.frame["day"].fillna("").tolist() == [day or ""]
    assert [kind for _, field, kind in kinds(taken) if field == "day"] == ([] if day else ["unread"])


@pytest.mark.parametrize("epoch", ["1900", "1904"])
def test_g14_a_workbook_of_a_mac_counts_from_1904(tmp_path: Path, epoch: str) -> None:
    """G14: a cell that is a date is the day its author saw, whichever year the workbook counts from."""
    book = openpyxl.Workbook()
    if epoch == "1904":
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    book.active.append(["unit_id", "need", "value", "day"])
    book.active.append(["v1", "toilet", "是", dt.datetime(2018, 6, 30)])
    book.active.append(["v2", "toilet", "是", dt.datetime(2018, 7, 1)])
    book.save(tmp_path / "a.xlsx")
    assert take(read(tmp_path / "a.xlsx"), "claims").frame["day"].tolist() == ["2018-06-30", "2018-07-01"]


# --- G15: units ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "written", "metres"),
    [("路面宽度（米）", 3.5, 3.5), ("路面宽度(cm)", 350, 3.5), ("路面宽度", "3.5米", 3.5), ("路面宽度", "350cm", 3.5),
     ("路面宽度", "3.5亩", None), ("路面宽度", 3500, None), ("路面宽度", -3, None)],
)  # fmt: skip
def test_g15_units_are_read_from_header_or_cell_and_what_cannot_be_is_flagged(
    head: str, written: Any, metres: float | None
) -> None:
    """G15: a wrong unit and a width no road has are both unknown, and said."""
    frame = pd.DataFrame({"路段编号": ["r1"], "路面类型": ["水泥"], head: [written]})
    line = gpd.GeoDataFrame(frame, geometry=[LineString([(113.7, 25.1), (113.71, 25.1)])], crs=4490)
    taken = take(dropped(line, crs="EPSG:4490"), "roads")
    value = taken.frame["pavement_width_m"].iloc[0]
    assert (value == pytest.approx(metres)) if metres is not None else np.isnan(value)
    if metres is None:
        assert [field for _, field, kind in kinds(taken) if kind in {"unread", "range"}] == ["pavement_width_m"]


# --- G16: sheets as they are kept -------------------------------------------------------------------------------------


def test_g16_a_ledger_with_everything_that_is_not_data(tmp_path: Path) -> None:
    """G16: title rows, a header of three rows on row 5, blank rows, a hidden row, subtotals, signatures, a hidden sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["甲镇自然村台账"], [], ["填报单位：甲镇", None, None, None], [],
                ["自然村", None, "人口", None], ["代码", "名称", "情况", None], [None, None, "总人口（人）", "贫困人口（人）"],
                ["0001", "上屋", 200, 5], [], ["0002", "下屋", 199, 0], ["0003", "老屋", 30, 1], ["合计", None, 429, 6],
                [], ["填表人：王五", None, None, "2018年6月30日"]):  # fmt: skip
        sheet.append(row)
    sheet.merge_cells("A1:D1")
    sheet.merge_cells("A5:B5")
    sheet.merge_cells("C5:D5")
    sheet.merge_cells("C6:D6")
    sheet.row_dimensions[11].hidden = True
    hidden = book.create_sheet("去年")
    for number in range(40):
        hidden.append([f"9{number}", "旧", 1, 1])
    hidden.sheet_state = "hidden"
    book.save(tmp_path / "台账.xlsx")
    held = read(tmp_path / "台账.xlsx")
    frame = held.frame
    assert len(frame) == 3, frame
    first = frame.columns[0]
    assert frame[first].astype(str).tolist() == ["0001", "0002", "0003"], "a hidden row is a row"
    people = next(name for name in frame.columns if "总人口" in name)
    assert frame[people].tolist() == [200, 199, 30]
    assert held.rows.tolist() == [8, 10, 11]
    assert any("隐藏" in note for note in held.notes)


# --- G17: names that changed -------------------------------------------------------------------------------------------


def test_g17_a_renamed_village_is_tied_by_the_offices_list_and_the_rest_are_listed() -> None:
    """G17: by alias; a village nobody knows any more stays, untied and named; nothing goes to a neighbour."""
    frame = villages("新庄村", "李村", "河口村")
    register = take(
        dropped(pd.DataFrame({"行政村": ["老庄村", "李村", "并掉村"], "need": ["toilet"] * 3, "value": ["是"] * 3})),
        "claims",
    )
    stored = frame.to_crs(4490)
    seats = gpd.GeoSeries(gpd.points_from_xy(frame["seat_x"], frame["seat_y"]), crs=frame.crs).to_crs(4490)
    stored = stored.assign(seat_x=seats.x, seat_y=seats.y)
    held = {"villages": stored, "claims": register.frame}
    sources = {name: source(name) for name in held}
    ws = gather(held, sources, aliases={"老庄村": "新庄村"})
    tied = dict(zip(ws.get("claims")["village"], ws.get("claims")["unit_id"].fillna(""), strict=True))
    assert tied == {"老庄村": "v0", "李村": "v1", "并掉村": ""}
    assert any("并掉村" in problem.message for problem in ws.problems)


# --- G18: places that cannot be -----------------------------------------------------------------------------------------


def test_g18_households_far_from_their_village_and_two_hundred_on_one_point() -> None:
    """G18: both listed, with the distance and with the number."""
    homes = pd.DataFrame({"户编号": [f"h{n}" for n in range(201)], "行政村代码": ["v0"] * 201})
    places = [inside(0)] * 200 + [inside(9)]
    taken = take(dropped(gpd.GeoDataFrame(homes, geometry=places, crs=4490), crs="EPSG:4490"), "households")
    assert any("200" in problem.message and "同一" in problem.message for problem in taken.problems)
    frame = (
        villages("甲村").to_crs(4490).assign(geometry=[box(113.70, 25.10, 113.71, 25.11)], seat_x=np.nan, seat_y=np.nan)
    )
    ws = gather(
        {"villages": frame, "households": taken.frame}, {name: source(name) for name in ("villages", "households")}
    )
    assert any("h200" in f"{p.subject}{p.message}" and "米" in p.message for p in ws.problems)
    assert not any(value in p.message for p in ws.problems for value in PERSON.values())


# --- G19: heavy shapes ------------------------------------------------------------------------------------------------


def test_g19_a_road_of_a_million_vertices_is_thinned_for_the_map_and_measured_whole() -> None:
    """G19: what is drawn is small, what is computed on is the original; and nothing takes minutes."""
    count = 1_000_000
    x = np.linspace(0, 20_000, count)
    wave = LineString(np.column_stack([500_000 + x, 2_700_000 + 30 * np.sin(x / 50)]))
    roads = gpd.GeoDataFrame({"road_id": ["r"]}, geometry=[wave], crs=METRIC)
    drawn = TileSource(roads, kind="line", name="road_id")
    west, south, east, north = drawn.bounds or (0, 0, 0, 0)
    column = int(((west + east) / 2 + 180) / 360 * 2**11)
    lat = np.radians((south + north) / 2)
    row = int((0.5 - np.arcsinh(np.tan(lat)) / (2 * np.pi)) * 2**11)
    assert 0 < len(drawn.tile(11, column, row)) < 100_000
    network = build_network(roads)
    assert network.edge_length_mm.sum() / 1000 == pytest.approx(wave.length, rel=1e-6)
    index, distance, _ = nearest_line(np.array([[505_000.0, 2_700_500.0]]), np.array([wave]))
    assert index[0] == 0
    assert distance[0] == pytest.approx(shapely.distance(Point(505_000, 2_700_500), wave), abs=1e-6)


def test_g19_a_multipolygon_of_fifty_thousand_parts_is_drawn_and_answered() -> None:
    """G19."""
    grid = np.arange(0, 224) * 100.0
    xs, ys = (axis.ravel()[:50_000] for axis in np.meshgrid(grid + 500_000, grid + 2_700_000))
    parts = MultiPolygon(shapely.box(xs, ys, xs + 50, ys + 50).tolist())
    frame = gpd.GeoDataFrame({"area_id": ["a"]}, geometry=[parts], crs=METRIC)
    drawn = TileSource(frame, kind="polygon", name="area_id")
    assert drawn.bounds is not None
    found = containing(np.array([[500_025.0, 2_700_025.0], [500_075.0, 2_700_075.0]]), np.array([parts], dtype=object))
    assert found.tolist() == [0, -1]


# --- G20: odd graphs ------------------------------------------------------------------------------------------------


def test_g20_islands_loops_doubles_and_nothing_long() -> None:
    """G20: unreachable is unreachable, never 0; loops and doubles change no distance; no edge has a length below 1 mm."""
    lines = [
        LineString([(0, 0), (100, 0)]), LineString([(0, 0), (100, 0)]), LineString([(100, 0), (200, 0)]),
        LineString([(200, 0), (220, 20), (180, 20), (200, 0)]), LineString([(5000, 5000), (5100, 5000)]),
        LineString([(50, 0), (50, 0)]),
    ]  # fmt: skip
    network = build_network(gpd.GeoDataFrame(geometry=lines, crs=METRIC))
    assert (network.edge_length_mm > 0).all()
    start = int(np.hypot(*(network.node_xy - [0, 0]).T).argmin())
    distance, before, origin = shortest(network, weight_mm=network.edge_length_mm, sources=np.array([start]))
    graph = to_networkx(network)
    island = [node for node in range(len(network.node_xy)) if network.node_xy[node][0] > 4000]
    assert np.isinf(distance[island]).all()
    assert (before[island] < 0).all()
    assert (origin[island] < 0).all()
    end = int(np.hypot(*(network.node_xy - [200, 0]).T).argmin())
    assert distance[end] / 1000 == pytest.approx(200, abs=0.01)
    assert not nx.has_path(graph, start, island[0])


def test_g20_an_island_is_not_in_an_average() -> None:
    """G20: the reach of a village no road leads to is unknown in its row and left out of the mean."""
    layers = county_layers()
    done = assess(workspace(layers), RULES, DAY)
    access = done.access
    assert not np.isinf(access[["straight_m", "network_m", "minutes"]].to_numpy(dtype=float)).any()
    assert (access["network_m"].dropna() >= 0).all()
    assert not np.isinf(done.natural_villages[["gap_km", "new_km", "cost_cny10k"]].to_numpy(dtype=float)).any()


# --- G21: nothing there -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "missing", ["facilities", "households", "natural_villages", "roads", "claims", "hazards", "towns"]
)
@pytest.mark.parametrize("how", ["absent", "empty"])
def test_g21_a_county_without_one_thing_has_results_without_numbers_out_of_nothing(missing: str, how: str) -> None:
    """G21: no division by zero, no infinite cost, no village in two statuses."""
    layers = county_layers()
    if how == "absent":
        del layers[missing]
    else:
        layers[missing] = layers[missing].iloc[:0]
    done = assess(workspace(layers), RULES, DAY)
    for frame in (done.findings, done.coverage, done.natural_villages, done.access, done.housing):
        numbers = pd.DataFrame(frame).select_dtypes("number")
        assert not np.isinf(numbers.to_numpy(dtype=float)).any()
    whole = done.coverage
    assert (
        (whole["low"].isna()) | ((whole["low"] >= 0) & (whole["low"] <= whole["high"]) & (whole["high"] <= 1))
    ).all()
    assert set(done.findings["status"]) <= {"met", "gap", "unknown", "disputed"}


def test_g21_no_money_gives_an_empty_programme_and_no_prices_a_sentence() -> None:
    """G21: budget 0 buys nothing; costs nobody knows stop the plan and name the parameter to fill in."""
    prices = {"cost__hardening_cny10k_per_km": 50.0, "cost__new_road_cny10k_per_km": 80.0}
    base = {"hardening__surfaces": ["asphalt"], "hardening__snap_m": 500, "hardening__min_population": 200}
    made = natural_villages(workspace(county_layers()), policy(**base, **prices), DAY)
    assert len(made.candidates) > 0
    plan = programme(made, budgets={2018: 0.0})
    assert (len(plan.projects), plan.objective) == (0, 0)
    unpriced = natural_villages(workspace(county_layers()), policy(**base), DAY)
    assert unpriced.natural_villages["cost_cny10k"].isna().all()
    with pytest.raises(InputError, match="hardening_cny10k_per_km"):
        programme(unpriced, budgets={2018: 100.0})


# --- G22: rasters ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nodata", [-9999.0, 0.0, float("nan"), None])
def test_g22_cells_without_data_count_for_nothing(tmp_path: Path, nodata: float | None) -> None:
    """G22: a sum is of known cells; where none is known it is unknown, not 0."""
    values = np.full((10, 10), 2.0, dtype="float32")
    if nodata is not None:
        values[:, :5] = nodata
    grid = {"driver": "GTiff", "width": 10, "height": 10, "count": 1, "dtype": "float32", "nodata": nodata}
    file = tmp_path / "p.tif"
    with rasterio.open(
        file, "w", crs=METRIC, transform=rasterio.Affine(100, 0, 500_000, 0, -100, 2_701_000), **grid
    ) as out:
        out.write(values, 1)
    zones = gpd.GeoDataFrame(
        geometry=[box(500_000, 2_700_000, 500_500, 2_701_000), box(500_500, 2_700_000, 501_000, 2_701_000)], crs=METRIC
    )
    found = zonal(file, zones, stat="sum")
    assert found.iloc[1] == 100.0
    assert (found.iloc[0] == 100.0) if nodata is None else np.isnan(found.iloc[0])


# --- G23: rare characters ---------------------------------------------------------------------------------------------

RARE = "㙦寮𬒈塱𠮷村"


def test_g23_rare_characters_survive_every_way_out_and_back(tmp_path: Path) -> None:
    """G23: workbook, CSV, GeoPackage, shapefile; GBK cannot hold them and is not asked to."""
    table = pd.DataFrame({"村名": [RARE]}, index=["a"])
    (tmp_path / "a.xlsx").write_bytes(excel.workbook({RARE: table}, {RARE: RARE}))
    (tmp_path / "a.csv").write_bytes(csv_file(table))
    place = gpd.GeoSeries([Point(113.7, 25.1)], index=["a"], crs=4490)
    (tmp_path / "a.gpkg").write_bytes(geopackage(table, place, {"村": RARE}, name="表"))
    gpd.GeoDataFrame({"CUNMC": [RARE]}, geometry=[Point(113.7, 25.1)], crs=4490).to_file(
        tmp_path / "a.shp", encoding="UTF-8"
    )
    assert read(tmp_path / "a.xlsx", sheet=RARE).frame["村名"].tolist() == [RARE]
    assert read(tmp_path / "a.csv").frame["村名"].tolist() == [RARE]
    assert read(tmp_path / "a.gpkg", layer="表").frame["村名"].tolist() == [RARE]
    assert read(tmp_path / "a.shp").frame["CUNMC"].tolist() == [RARE]


# --- G25: laws -----------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_g25_parts_of_a_county_add_up_and_buffers_grow(seed: int) -> None:
    """G25: the pieces villages cut out of a county add up to it; a larger buffer holds a smaller one."""
    draw = np.random.default_rng(seed)
    cells = shapely.voronoi_polygons(
        shapely.multipoints(draw.uniform(0, 1000, (12, 2))), extend_to=box(0, 0, 1000, 1000)
    )
    county = Polygon(draw.uniform(0, 1000, (6, 2)))
    county = shapely.make_valid(county, method="structure", keep_collapsed=False)
    pieces = shapely.area(
        shapely.intersection(shapely.get_parts(cells), shapely.intersection(county, box(0, 0, 1000, 1000)))
    )
    assert pieces.sum() == pytest.approx(shapely.intersection(county, box(0, 0, 1000, 1000)).area, rel=1e-6, abs=1e-6)
    near, far = np.sort(draw.uniform(1, 200, 2))
    inner = county.buffer(near)
    assert county.buffer(far).area >= inner.area >= county.area
    assert shapely.difference(inner, county.buffer(far)).area < 1e-6


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.floats(-1e5, 1e5), st.floats(-1e5, 1e5), st.floats(0, 360))
def test_g25_the_nearest_is_nearest_wherever_the_county_lies(seed: int, dx: float, dy: float, angle: float) -> None:
    """G25: no other target is nearer; moving and turning everything changes no distance."""
    draw = np.random.default_rng(seed)
    points, targets = draw.uniform(0, 5000, (7, 2)), draw.uniform(0, 5000, (9, 2))
    _, distance = nearest_point(points, targets)
    every = np.hypot(*(points[:, None] - targets[None]).transpose(2, 0, 1))
    assert distance == pytest.approx(every.min(axis=1))

    def moved(xy: Any) -> Any:
        shape = affinity.translate(affinity.rotate(shapely.multipoints(xy), angle, origin=(0, 0)), dx, dy)
        return shapely.get_coordinates(shape)

    _, again = nearest_point(moved(points), moved(targets))
    assert again == pytest.approx(distance, abs=1e-4)
    lines = shapely.linestrings(draw.uniform(0, 5000, (5, 3, 2)))
    _, to_line, _ = nearest_line(points, lines)
    turned = shapely.linestrings([moved(shapely.get_coordinates(one)) for one in lines])
    _, to_turned, _ = nearest_line(moved(points), turned)
    assert to_turned == pytest.approx(to_line, abs=1e-4)
    assert (to_line[:, None] <= shapely.distance(shapely.points(points)[:, None], lines[None]) + 1e-9).all()
