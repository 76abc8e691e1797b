"""Coordinate systems: chosen, required, guessed, repaired."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from geo.crs import (
    STORAGE_CRS,
    bd09_from_wgs84,
    coordinate_faults,
    gcj02_from_wgs84,
    guess_crs,
    measurement_crs,
    require_metric,
    require_same_crs,
    to_storage,
    wgs84_from_bd09,
    wgs84_from_gcj02,
)
from geo.errors import CRSError
from geo.guess import PROVEN, metres_apart

CHINA_LON = st.floats(73.6, 135.0)
CHINA_LAT = st.floats(3.6, 53.5)


def grid(west: float, south: float, *, cells: int = 5, size: float = 0.05) -> gpd.GeoDataFrame:
    """Villages as a grid of squares with ragged corners, so that borders can be recognised."""
    boxes = [
        shapely.box(west + i * size, south + j * size, west + (i + 1) * size, south + (j + 1) * size)
        for i in range(cells)
        for j in range(cells)
    ]
    return gpd.GeoDataFrame({"name": range(len(boxes))}, geometry=shapely.segmentize(boxes, size / 6), crs=4490)


def points_within(frame: gpd.GeoDataFrame, count: int, seed: int = 1) -> np.ndarray:
    west, south, east, north = frame.total_bounds
    draw = np.random.default_rng(seed)
    return np.column_stack([draw.uniform(west, east, count), draw.uniform(south, north, count)])


def as_frame(points: np.ndarray, crs: object = None) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"n": range(len(points))}, geometry=gpd.points_from_xy(points[:, 0], points[:, 1]), crs=crs)


@given(CHINA_LON, CHINA_LAT)
def test_gcj02_and_bd09_come_back_within_a_centimetre(lon: float, lat: float) -> None:
    for forward, backward in ((gcj02_from_wgs84, wgs84_from_gcj02), (bd09_from_wgs84, wgs84_from_bd09)):
        there = forward(lon, lat)
        back = np.column_stack(backward(*there)).reshape(1, 2)
        assert metres_apart(back, np.array([[lon, lat]]))[0] < 0.01


@given(CHINA_LON, CHINA_LAT)
def test_shift_is_a_few_hundred_metres(lon: float, lat: float) -> None:
    shifted = np.column_stack(gcj02_from_wgs84(lon, lat)).reshape(1, 2)
    assert 20.0 < metres_apart(shifted, np.array([[lon, lat]]))[0] < 1500.0


@given(st.floats(-180, 70) | st.floats(140, 180), st.floats(-90, 90))
def test_outside_china_nothing_moves(lon: float, lat: float) -> None:
    for change in (gcj02_from_wgs84, wgs84_from_gcj02, bd09_from_wgs84, wgs84_from_bd09):
        x, y = change(lon, lat)
        assert (float(x), float(y)) == (lon, lat)


@pytest.mark.parametrize(
    ("lon", "lat", "gcj_m", "bd_m"),
    [(113.749, 25.085, 623.6, 1248.0), (116.727, 23.286, 547.8, 1192.0), (116.1, 24.3, 570.2, 1209.0)],
)
def test_shift_agrees_with_two_independent_libraries(lon: float, lat: float, gcj_m: float, bd_m: float) -> None:
    """domain.md 3.2 measured these with coord-convert and prcoords (points near the ones named there)."""
    here = np.array([[lon, lat]])
    assert metres_apart(np.column_stack(gcj02_from_wgs84(*here.T)), here)[0] == pytest.approx(gcj_m, rel=0.02)
    assert metres_apart(np.column_stack(bd09_from_wgs84(*here.T)), here)[0] == pytest.approx(bd_m, rel=0.02)


def test_nan_stays_nan_and_shape_is_kept() -> None:
    lon, _ = wgs84_from_gcj02(np.array([[113.0, np.nan], [np.inf, 114.0]]), np.array([[25.0, 25.0], [25.0, 25.0]]))
    assert lon.shape == (2, 2)
    assert np.isnan(lon[0, 1])
    assert np.isinf(lon[1, 0])
    assert np.isfinite(lon[[0, 1], [0, 1]]).all()


@pytest.mark.parametrize(
    ("lon", "lat", "epsg"),
    [
        (113.75, 25.1, 4547), (116.7, 23.3, 4548), (110.4, 21.1, 4546), (73.5, 39.0, 4534), (136.5, 48.0, 4554),
        (136.6, 48.0, 32653), (73.4, 39.0, 32643), (77.5, 34.1, 4535), (43.1, 11.6, 32638), (27.8, -29.3, 32735),
        (179.9, 1.0, 32660), (180.0, -1.0, 32760),
    ],
)  # fmt: skip
def test_measurement_crs_follows_the_contract(lon: float, lat: float, epsg: int) -> None:
    assert measurement_crs(lon, lat).to_epsg() == epsg


def test_measurement_crs_refuses_metres() -> None:
    with pytest.raises(CRSError, match="不是有效的经纬度"):
        measurement_crs(474678.9, 2775493.4)


def test_require_metric_and_same() -> None:
    degrees, metres = grid(113.7, 25.0), grid(113.7, 25.0).to_crs(4547)
    require_metric(metres, what="道路")
    require_same_crs(metres, metres, what="叠加")
    with pytest.raises(CRSError, match=r"道路.*不是米"):
        require_metric(degrees, what="道路")
    with pytest.raises(CRSError, match=r"道路.*没有坐标系"):
        require_metric(as_frame(np.zeros((1, 2))), what="道路")
    with pytest.raises(CRSError, match="坐标系不同"):
        require_same_crs(degrees, metres, what="叠加")
    with pytest.raises(CRSError, match="没有坐标系"):
        require_same_crs(degrees, as_frame(np.zeros((1, 2))), what="叠加")


@pytest.mark.parametrize(
    ("epsg", "lon", "expected"),
    [(4526, 113.749, "EPSG:4526"), (4527, 116.7, "EPSG:4527"), (4525, 110.4, "EPSG:4525"), (4497, 113.7, "EPSG:4497")],
)
def test_zone_with_prefix_is_read_from_the_numbers(epsg: int, lon: float, expected: str) -> None:
    east, north = Transformer.from_crs(4490, epsg, always_xy=True).transform(lon, 25.0)
    plain = guess_crs(as_frame(np.array([[east, north]] * 5)))
    assert plain[0].code == expected
    assert plain[0].score < PROVEN
    assert any("西安 80" in guess.reason for guess in plain)
    assert guess_crs(as_frame(np.array([[north, east]] * 5)))[0].code == f"{expected}+swapped"


def test_domain_sample_point() -> None:
    stored, _ = to_storage(as_frame(np.array([[38474678.9, 2775493.4]])), "EPSG:4526")
    assert stored.geometry[0].x == pytest.approx(113.749, abs=1e-6)
    assert stored.geometry[0].y == pytest.approx(25.085, abs=1e-6)


def test_six_digit_easting_needs_a_meridian_and_a_reference_finds_it() -> None:
    known = grid(113.7, 25.0)
    metres = points_within(known, 300)
    metres = np.column_stack(Transformer.from_crs(4490, 4547, always_xy=True).transform(*metres.T))
    with pytest.raises(CRSError, match="中央经线要另外说明"):
        to_storage(as_frame(metres), None)
    best = guess_crs(as_frame(metres), known)[0]
    assert best.code == "EPSG:4547"
    assert best.score >= PROVEN
    stored, notes = to_storage(as_frame(metres), None, known)
    assert stored.crs == STORAGE_CRS
    assert stored.within(known.union_all().buffer(1e-6)).all()
    assert any("EPSG:4547" in note for note in notes)


def test_degrees_without_a_system_are_asked_for_never_assumed() -> None:
    with pytest.raises(CRSError, match="--crs") as refused:
        to_storage(as_frame(points_within(grid(113.7, 25.0), 50)), None)
    for code in ("EPSG:4490", "gcj02", "bd09"):
        assert code in str(refused.value)


@pytest.mark.parametrize(("code", "forward"), [("gcj02", gcj02_from_wgs84), ("bd09", bd09_from_wgs84)])
def test_shifted_borders_posing_as_true_are_found_by_the_borders(code: str, forward: object) -> None:
    known = grid(113.7, 25.0)
    shifted = known.copy()
    shifted.geometry = shapely.transform(known.geometry.array, lambda p: np.column_stack(forward(p[:, 0], p[:, 1])))
    best = guess_crs(shifted, known)[0]
    assert (best.code, best.score >= PROVEN) == (code, True)
    assert best.shift_m is not None
    assert best.shift_m > 400
    kept, notes = to_storage(shifted, None, known)
    assert kept.geometry.iloc[0].equals(shifted.geometry.iloc[0])
    assert any("疑似偏移坐标" in note and f"--crs {code}" in note for note in notes)
    repaired, notes = to_storage(shifted, code, known)
    gap = shapely.hausdorff_distance(repaired.geometry.array, known.geometry.array)
    assert gap.max() < 1e-7
    assert any("移动约" in note for note in notes)


def test_true_borders_are_not_suspected() -> None:
    known = grid(113.7, 25.0)
    _, notes = to_storage(known, None, known)
    assert notes == []
    assert guess_crs(known, known)[0].code == "EPSG:4490"


def test_shifted_points_are_found_when_enough_fall_outside() -> None:
    known = grid(113.7, 25.0)
    inside = points_within(known, 2000)
    shifted = as_frame(np.column_stack(gcj02_from_wgs84(*inside.T)))
    assert guess_crs(shifted, known)[0].code == "gcj02"
    assert guess_crs(as_frame(inside), known)[0].code == "EPSG:4490"


def test_few_points_prove_nothing() -> None:
    known = grid(113.7, 25.0)
    centres = np.array([[113.8, 25.1], [113.82, 25.12], [113.84, 25.14]])
    assert guess_crs(as_frame(centres), known)[0].score < PROVEN
    with pytest.raises(CRSError, match="拿不准时请询问"):
        to_storage(as_frame(centres), None, known)


def test_reference_points_tell_the_system_too() -> None:
    truth = points_within(grid(113.7, 25.0), 200)
    shifted = as_frame(np.column_stack(gcj02_from_wgs84(*truth.T)))
    assert guess_crs(shifted, as_frame(truth, 4490))[0].code == "gcj02"


def test_whole_file_swapped_is_turned_because_no_latitude_exceeds_90() -> None:
    points = points_within(grid(113.7, 25.0), 20)
    stored, notes = to_storage(as_frame(points[:, ::-1], 4490), None)
    assert np.allclose(shapely.get_coordinates(stored.geometry), points)
    assert any("整个文件" in note and "放反" in note for note in notes)
    assert guess_crs(as_frame(points[:, ::-1]))[0].code == "EPSG:4490+swapped"
    given, _ = to_storage(as_frame(points[:, ::-1]), "EPSG:4490+swapped")
    assert np.allclose(shapely.get_coordinates(given.geometry), points)


def test_half_swapped_sheet_is_turned_row_by_row() -> None:
    points = points_within(grid(87.5, 43.7), 20)
    mixed = points.copy()
    mixed[[3, 7]] = mixed[[3, 7]][:, ::-1]
    stored, notes = to_storage(as_frame(mixed), "EPSG:4490")
    assert np.allclose(shapely.get_coordinates(stored.geometry), points)
    assert any("第 4、8 条（共 2 条）" in note for note in notes)


def test_metres_posing_as_degrees_and_degrees_posing_as_metres() -> None:
    with pytest.raises(CRSError, match="数值却是米") as refused:
        to_storage(as_frame(np.array([[38474678.9, 2775493.4]]), 4490), None)
    assert "EPSG:4526" in str(refused.value)
    with pytest.raises(CRSError, match="数值却是经纬度"):
        to_storage(as_frame(np.array([[113.7, 25.1]])), "EPSG:4547")


def test_wrong_zone_is_refused_not_drawn_in_the_sea() -> None:
    with pytest.raises(CRSError, match="不在该坐标系的适用范围"):
        to_storage(as_frame(np.array([[38474678.9, 2775493.4]] * 3)), "EPSG:4547")
    with pytest.raises(CRSError, match="不在该坐标系的适用范围"):
        to_storage(as_frame(np.array([[38474678.9, 2775493.4]] * 3)), "EPSG:4527")


def test_a_northern_utm_zone_may_be_used_south_of_the_equator() -> None:
    stored, _ = to_storage(as_frame(np.array([[725000.0, -1725000.0]])), "EPSG:32636")
    assert stored.geometry[0].y == pytest.approx(-15.59, abs=0.05)


@pytest.mark.parametrize("code", ["EPSG:2362", "EPSG:2414"])
def test_xian_and_beijing_say_that_they_are_only_approximate(code: str) -> None:
    _, notes = to_storage(as_frame(np.array([[38474678.9, 2775493.4]])), code)
    assert any("没有公开的精确参数" in note for note in notes)


def test_unusable_coordinates_lose_their_place_not_their_row() -> None:
    points = np.array([[113.7, 25.0], [np.nan, 25.0], [np.inf, 25.0], [0.0, 0.0], [1e308, 1e308], [200.0, 25.0]])
    frame = as_frame(points, 4490)
    frame.loc[len(frame)] = [9, None]
    before = frame.copy(deep=True)
    stored, notes = to_storage(frame, None)
    assert list(stored["n"]) == list(frame["n"])
    assert list(stored.geometry.notna()) == [True, False, False, False, False, False, False]
    assert any("(0, 0)" in note for note in notes)
    assert coordinate_faults(frame).notna().tolist() == [False, True, True, True, True, False, False]
    pd.testing.assert_frame_equal(frame.drop(columns="geometry"), before.drop(columns="geometry"))
    assert frame.geometry.geom_equals(before.geometry).sum() >= 4


def test_index_geometry_name_and_input_survive() -> None:
    frame = grid(113.7, 25.0).rename_geometry("shape")
    frame.index = [f"row {n}" for n in range(len(frame))]
    wkb = frame.geometry.to_wkb().tolist()
    stored, _ = to_storage(frame, "gcj02")
    assert list(stored.index) == list(frame.index)
    assert list(stored.columns) == ["name", "geometry"]
    assert frame.geometry.to_wkb().tolist() == wkb
    assert frame.crs.to_epsg() == 4490


def test_frames_without_any_place() -> None:
    plain = pd.DataFrame({"a": [1]})
    assert to_storage(plain, None)[0] is plain
    empty = gpd.GeoDataFrame({"a": []}, geometry=gpd.GeoSeries([]))
    stored, notes = to_storage(empty, None)
    assert (len(stored), stored.crs, notes) == (0, STORAGE_CRS, [])
    assert guess_crs(empty) == []


def test_unknown_code_is_named() -> None:
    with pytest.raises(CRSError, match="不认识的坐标系“EPSG:99999”"):
        to_storage(as_frame(np.array([[113.7, 25.0]])), "EPSG:99999")


def test_places_outside_china_need_no_china() -> None:
    stored, notes = to_storage(as_frame(np.array([[43.1, 11.6], [42.9, 11.2]])), "EPSG:4326")
    assert np.allclose(shapely.get_coordinates(stored.geometry), [[43.1, 11.6], [42.9, 11.2]])
    assert notes == []
    assert guess_crs(as_frame(np.array([[43.1, 11.6]])))[0].code == "EPSG:4326"


@pytest.mark.parametrize("written", ["EPSG:4526", "epsg:4526", "4526", " EPSG：4526 "])
def test_codes_as_people_type_them(written: str) -> None:
    stored, _ = to_storage(as_frame(np.array([[38474678.9, 2775493.4]])), written)
    assert stored.geometry[0].x == pytest.approx(113.749, abs=1e-6)


@pytest.mark.parametrize("written", ["gcj02", "GCJ-02", "GCJ02", "gcj 02"])
def test_shifts_as_people_type_them(written: str) -> None:
    stored, notes = to_storage(as_frame(np.array([[113.749, 25.085]])), written)
    assert stored.geometry[0].x < 113.745
    assert "内部参考" in notes[0]
    assert to_storage(as_frame(np.array([[113.749, 25.085]])), "CGCS2000")[1] == []
