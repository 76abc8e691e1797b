"""The demo county: the same bytes for the same seed, no real person in it, and read by the ordinary intake."""

import hashlib
import json
import re
import zipfile
from collections import Counter

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

from demo import names
from demo.county import plan_county, write_county
from demo.register import serial
from demo.sample import write_sample
from demo.sizes import AS_OF, SIZES, size_of
from demo.workbook import letters, write_ledger
from geo.errors import InputError
from geo.read import read
from layers import intake
from layers.match import load_mapping
from layers.workspace import Source, gather


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    return write_county("tiny", 1, folder)


@pytest.fixture(scope="module")
def plan():
    return plan_county("tiny", 1)


@pytest.fixture(scope="module")
def county():
    return plan_county("county", 7)


@pytest.fixture(scope="module")
def taken(tiny):
    """Take every file in as an office does, without an office."""
    done = {}
    for item in tiny.files:
        options = dict(item.options)
        dropped = read(item.path, encoding=options.get("encoding"))
        mapping = load_mapping(options["mapping"]) if "mapping" in options else None
        done[item.path.name] = (item.layer, intake.take(dropped, item.layer, mapping=mapping, crs=options.get("crs")))
    return done


def layer_of(taken, layer):
    frames = [result.frame for name, result in taken.values() if name == layer]
    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)


# ---- the same seed, the same bytes


def test_same_seed_same_bytes(tiny, tmp_path):
    write_county("tiny", 1, tmp_path)
    assert digests(tmp_path) == digests(tiny.files[0].path.parent)


def test_another_seed_is_another_county(plan):
    other = plan_county("tiny", 2)
    assert not np.array_equal(other.terrain.elevation, plan.terrain.elevation)


def test_no_archive_knows_the_clock(tiny):
    for item in tiny.files:
        if zipfile.is_zipfile(item.path):
            with zipfile.ZipFile(item.path) as archive:
                assert {entry.date_time[:3] for entry in archive.infolist()} == {(AS_OF.year, AS_OF.month, AS_OF.day)}


def test_progress_is_told_and_unknown_sizes_are_refused(tmp_path):
    stages = []
    write_county("tiny", 3, tmp_path, stages.append)
    assert stages[0] == "地形"
    assert stages[-1] == "写文件"
    with pytest.raises(InputError, match="tiny、county、city、province"):
        write_county("town", 1, tmp_path)


# ---- the figures the brief asks for


def test_a_county_has_the_size_asked_for(county):
    size = size_of("county")
    assert len(county.places.villages) == 110
    assert len(county.places.towns) == 11
    assert len(county.places.hamlets) == 1200
    assert len(county.households) == 60_000
    assert county.households["is_poor"].sum() == 3_700
    assert abs(len(county.roads) - size.road_edges) < 0.03 * size.road_edges
    assert county.people["population"].sum() == pytest.approx(county.households["members"].sum(), abs=60)
    due = (county.people["population"] >= 200).mean()
    assert 0.15 < due < 0.6


def test_villages_tile_the_county_and_towns_are_made_of_villages(county):
    shapes = county.places.village_shapes
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    whole = shapely.coverage_union_all(shapes)
    assert whole.geom_type == "Polygon"
    assert shapely.area(shapes).sum() == pytest.approx(whole.area, rel=1e-9)
    assert shapely.union_all(county.places.town_shapes).symmetric_difference(whole).area < 1.0


def test_places_lie_in_their_villages(county):
    places = county.places
    seats = places.villages[["seat_x", "seat_y"]].to_numpy()
    assert shapely.contains_xy(places.village_shapes, seats[:, 0], seats[:, 1]).all()
    own = places.village_shapes[places.hamlets["village"]]
    assert shapely.contains_xy(own, places.hamlets["x"].to_numpy(), places.hamlets["y"].to_numpy()).all()
    rows = county.households.dropna(subset="x")
    outside = ~shapely.contains_xy(places.village_shapes[rows["village"]], rows["x"].to_numpy(), rows["y"].to_numpy())
    assert outside.sum() == county.planted.count["household_outside_village"] > 0


def test_codes_are_unique_and_of_no_real_county(county):
    villages, hamlets = county.places.villages["village_id"], county.places.hamlets["natural_village_id"]
    assert villages.is_unique
    assert hamlets.is_unique
    assert county.places.towns["town_id"].is_unique
    assert villages.str.fullmatch(r"999901\d{6}").all()
    assert hamlets.str.fullmatch(r"999901\d{9}").all()
    assert county.facilities["id"].is_unique
    assert county.roads["路段编号"].is_unique


def test_one_village_name_is_borne_twice_in_two_towns(county):
    villages = county.places.villages
    twice = villages["short_name"].value_counts()
    assert (twice == 2).sum() == 1
    assert twice.max() == 2
    assert villages.loc[villages["short_name"] == twice.index[0], "town"].nunique() == 2


def test_roads_have_codes_classes_and_a_hardened_core(county):
    roads = county.roads
    assert roads["路线编号"].str.fullmatch(r"[GSXYCW][0-9A-Z]{3}\d{6}").all()
    kinds = roads["路线编号"].str[0].value_counts()
    assert set(kinds.index) == set("GSXYCW")
    assert (
        roads.loc[roads["路线编号"].str[0].isin(["G", "S", "X"]), "面层类型"].isin(["沥青混凝土", "水泥混凝土"]).all()
    )
    assert (shapely.length(county.road_lines) > 1).all()
    bounds = shapely.total_bounds(county.places.village_shapes)
    assert shapely.box(*bounds).buffer(500).contains(shapely.box(*shapely.total_bounds(county.road_lines)))
    assert roads["重复路段线"].notna().sum() == county.planted.count["road_duplicate_section"] > 0
    assert county.planted.count["road_missed_junction"] > 50


def test_roads_keep_to_the_valleys(county):
    terrain = county.terrain
    xy = shapely.get_coordinates(county.road_lines)
    steep = terrain.slope_percent.ravel()[terrain.cell(xy)]
    assert np.median(steep) < 0.8 * np.median(terrain.slope_percent[terrain.inside])


def test_rivers_run_downhill_to_the_edge(plan):
    terrain = plan.terrain
    assert terrain.river.any()
    assert terrain.drained_km2.max() > 0.2 * terrain.drained_km2.size * terrain.cell_m**2 / 1e6


def test_nobody_in_it_is_real(county):
    people = county.households
    assert people["身份证号"].str.startswith("999999").all()
    assert people["身份证号"].str.len().eq(18).all()
    assert people["联系电话"].str.fullmatch(r"000\d{8}").all()
    assert people["户主姓名"].str.fullmatch(f".某[{names.GIVEN}]").all()


def test_identity_numbers_have_a_right_check_digit():
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    for number in names.id_numbers(np.random.default_rng(3), 200):
        total = sum(int(digit) * weight for digit, weight in zip(number[:17], weights, strict=True))
        assert "10X98765432"[total % 11] == number[17]


def test_contradictions_are_against_the_files(county):
    from demo.facilities import CLAIMED, truth

    kind = {need: facility for _, _, need, facility in CLAIMED}
    label = {need: (group, label) for group, label, need, _ in CLAIMED}
    row = {code: k for k, code in enumerate(county.places.villages["village_id"])}
    assert len(county.claims.contradictions) > 5
    for village, need in county.claims.contradictions:
        has = truth(county.facilities, kind[need], len(row))[row[village]]
        says = county.claims.columns[label[need]][row[village]]
        assert (has, says) in {(0, "是"), (1, "否")}
        assert county.places.villages["list_type"][row[village]] == "poor"


def test_every_size_can_be_asked_for():
    assert set(SIZES) == {"tiny", "county", "city", "province"}
    assert (SIZES["city"].villages, SIZES["city"].natural_villages, SIZES["city"].households) == (
        2_000,
        20_000,
        1_100_000,
    )
    assert (SIZES["province"].villages, SIZES["province"].poor, SIZES["province"].poor_only) == (20_000, 700_000, True)


# ---- it says everywhere that it is invented


def test_it_is_labelled_invented_wherever_it_appears(tiny):
    folder = tiny.files[0].path.parent
    assert "虚构" in tiny.name
    assert all("虚构数据" in path.name for path in folder.iterdir() if path.suffix not in (".json", ".toml"))
    assert "虚构数据" in json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["note"]
    for _, path in tiny.rasters:
        with rasterio.open(path) as raster:
            assert raster.tags()["note"] == "虚构数据"
    for item in tiny.files:
        if item.path.suffix == ".xlsx":
            with zipfile.ZipFile(item.path) as book:
                assert "虚构数据" in book.read("xl/sharedStrings.xml").decode()


# ---- files as bureaus send them


def test_village_borders_are_gbk_without_code_page_and_zoned(tiny):
    path = next(item.path for item in tiny.files if item.layer == "villages")
    with zipfile.ZipFile(path) as archive:
        parts = {name.rsplit(".", 1)[1]: archive.read(name) for name in archive.namelist()}
    assert "cpg" not in parts
    assert "行政村代码".encode("gbk") in parts["dbf"]
    assert parts["dbf"][1:4] == bytes([AS_OF.year - 1900, AS_OF.month, AS_OF.day])
    dropped = read(path, encoding="GBK")
    assert shapely.get_coordinates(dropped.frame.geometry.iloc[0])[0, 0] > 38_000_000


def test_road_headers_are_cut_at_ten_bytes(tiny):
    path = next(item.path for item in tiny.files if item.layer == "roads")
    headers = [column for column in read(path).frame.columns if column != "geometry"]
    assert {"面层类型代", "技术等级代", "重复路段线", "是否断头路"} <= set(headers)
    assert all(len(header.encode("gbk")) <= 10 for header in headers)


def test_ledger_has_title_merged_headers_and_footer(tiny):
    import openpyxl

    path = next(item.path for item in tiny.files if item.layer == "households")
    sheet = openpyxl.load_workbook(path).active
    assert "虚构" in sheet["A1"].value
    merged = {str(area) for area in sheet.merged_cells.ranges}
    assert "A1:T1" in merged
    assert "A3:A4" in merged
    assert "B3:D3" in merged
    assert sheet.cell(sheet.max_row - 1, 1).value == "合计"
    assert sheet.cell(sheet.max_row, 1).value.startswith("填表人")


# ---- through the ordinary intake


def test_every_file_is_taken_in(taken, tiny):
    for name, (layer, result) in taken.items():
        refused = tiny.faults["household_duplicate_id"] * 2 if layer == "households" else 0
        assert len(result.refused) == refused, name
    stored = Counter()
    for layer, result in taken.values():
        stored[layer] += len(result.frame)
    for layer in ("towns", "villages", "natural_villages", "roads", "bridges", "facilities", "lines", "hazards"):
        assert stored[layer] == tiny.counts[layer], layer


def test_planted_faults_are_all_found(taken, tiny):
    problems = Counter(p.kind for _, result in taken.values() for p in result.problems if p.layer == "households")
    assert problems["no_place"] == tiny.faults["household_without_place"]
    assert problems["identity"] == tiny.faults["household_wrong_identity"]
    villages = layer_of(taken, "natural_villages")
    assert villages["population"].isna().sum() == tiny.faults["natural_village_blank_population"]
    roads = layer_of(taken, "roads")
    assert (roads["surface"] == "unknown").sum() == tiny.faults["road_unknown_surface"]
    repaired = [p for _, result in taken.values() for p in result.problems if p.kind == "repaired"]
    assert len(repaired) == tiny.faults["hazard_self_crossing"]


def test_shifted_schools_come_back_to_their_place(taken, plan):
    result = next(result for name, (_, result) in taken.items() if name.endswith(".ovkml"))
    wanted = plan.facilities[plan.facilities["kind"].isin(["school", "kindergarten"])].set_index("id")
    found = result.frame.set_index("facility_id").geometry.to_crs("EPSG:4547")
    for code, point in found.items():
        assert point.distance(shapely.Point(wanted.loc[code, "x"], wanted.loc[code, "y"])) < 0.1


def test_borders_come_back_to_their_place(taken, plan):
    frame = layer_of(taken, "villages").set_index("village_id").geometry.to_crs("EPSG:4547")
    for code, shape in zip(plan.places.villages["village_id"], plan.places.village_shapes, strict=True):
        assert frame[code].symmetric_difference(shape).area < 5.0


def test_gathered_workspace_ties_everything(taken):
    frames = {layer: layer_of(taken, layer) for layer in {name for name, _ in taken.values()}}
    sources = {layer: Source(layer, layer, layer, AS_OF, False, len(frame)) for layer, frame in frames.items()}
    workspace = gather(frames, sources)
    assert workspace.crs.to_epsg() == 4547
    assert workspace.layers["natural_villages"]["village_id"].notna().all()
    assert workspace.layers["facilities"]["village_id"].notna().all()


# ---- rasters


def test_rasters_share_a_crs_and_hold_people_and_heights(tiny, plan):
    paths = dict(tiny.rasters)
    assert set(paths) == {"dem", "population", "landcover"}
    for path in paths.values():
        with rasterio.open(path) as raster:
            assert raster.crs.to_epsg() == 4547
    with rasterio.open(paths["population"]) as raster:
        people = raster.read(1)
    placed = plan.households.dropna(subset=["x", "members"])
    assert people.sum() == pytest.approx(placed["members"].sum())
    with rasterio.open(paths["dem"]) as raster:
        heights = raster.read(1, masked=True)
    assert 0 < heights.min() < heights.max() < 1500


# ---- the small cut


def test_the_small_cut_is_what_the_demo_makes(tmp_path, pytestconfig):
    kept = pytestconfig.rootpath / "data" / "boundaries"
    for path in write_sample(tmp_path):
        there = kept / path.name
        if path.suffix == ".csv":
            made, held = pd.read_csv(path, dtype=str), pd.read_csv(there, dtype=str)
        else:
            made, held = gpd.read_file(path), gpd.read_file(there)
        assert list(made.columns) == list(held.columns), path.name
        assert made.iloc[:, 0].tolist() == held.iloc[:, 0].tolist(), f"{path.name}: run the command in data/SOURCES.md"
    assert sum(path.stat().st_size for path in kept.iterdir()) < 1_000_000
    assert re.search("write_sample", (kept.parent / "SOURCES.md").read_text(encoding="utf-8"))


# ---- small parts


def test_serials_count_past_a_thousand_without_repeating():
    many = serial(np.arange(1, 30_000))
    assert len(set(many.tolist())) == many.size
    assert {len(text) for text in many.tolist()} == {3}


def test_column_letters():
    assert [letters(k) for k in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_ledger_escapes_text_and_leaves_blanks(tmp_path):
    import openpyxl

    write_ledger(
        tmp_path / "a.xlsx",
        title="<标题>&",
        note="n",
        columns={("组", "甲"): ["a<b", None], ("组", "乙"): [1.5, np.nan]},
    )
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    assert sheet["A1"].value == "<标题>&"
    assert [[cell.value for cell in row] for row in sheet["A5:B6"]] == [["a<b", 1.5], [None, None]]
