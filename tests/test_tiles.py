"""Vector tiles: what any decoder must find in them."""

import math

import geopandas as gpd
import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Point, Polygon, box

from geo.errors import CRSError, InputError
from geo.mvt import LINE, POINT, POLYGON, encode_layer, varint_lengths, varints
from geo.tiles import FULL_ZOOM, TileSource

LON, LAT = 113.75, 25.08


def address(lon: float, lat: float, z: int) -> tuple[int, int, int]:
    y = (0.5 - math.asinh(math.tan(math.radians(lat))) / (2 * math.pi)) * 2**z
    return z, int((lon + 180) / 360 * 2**z), int(y)


def decode(tile: bytes) -> dict:
    return mapbox_vector_tile.decode(tile, default_options={"y_coord_down": True}) if tile else {}


def frame(shapes: list, crs: str = "EPSG:4490") -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=shapes, crs=crs)


def grid(side: int, step: float = 0.01) -> list[Polygon]:
    return [
        shapely.segmentize(box(LON + i * step, LAT + j * step, LON + (i + 1) * step, LAT + (j + 1) * step), step / 7)
        for i in range(side)
        for j in range(side)
    ]


# --- encoding -----------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 2**35 - 1), max_size=30))
def test_varints_are_those_of_protobuf(values: list[int]) -> None:
    def one(value: int) -> bytes:
        out = b""
        while value >= 128:
            out += bytes([value & 127 | 128])
            value >>= 7
        return out + bytes([value])

    array = np.array(values, dtype=np.int64)
    assert varints(array) == b"".join(map(one, values))
    assert varint_lengths(array).tolist() == [len(one(v)) for v in values]


coordinate = st.integers(-300, 4400)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.tuples(coordinate, coordinate), min_size=2, max_size=6, unique=True), max_size=5))
def test_any_lines_come_back_from_the_decoder(lines: list[list[tuple[int, int]]]) -> None:
    flat = np.array([p for line in lines for p in line], dtype=np.int64).reshape(-1, 2)
    parts = np.cumsum([0] + [len(line) for line in lines])
    tile = encode_layer("l", LINE, np.arange(len(lines)) * 1000, flat, parts, np.arange(len(lines) + 1))
    if not lines:
        assert tile == b""
        return
    found = decode(tile)["l"]["features"]
    assert [f["id"] for f in found] == [i * 1000 for i in range(len(lines))]
    assert [[tuple(p) for p in f["geometry"]["coordinates"]] for f in found] == lines


def test_multipart_lines_and_texts_come_back() -> None:
    xy = np.array([[0, 0], [5, 5], [9, 9], [1, 1], [7, 7], [8, 9]])
    tile = encode_layer(
        "l", LINE, np.array([3, 4]), xy, np.array([0, 2, 4, 6]), np.array([0, 2, 3]), {"名": ["甲", "乙"]}
    )
    first, second = decode(tile)["l"]["features"]
    assert first["geometry"]["coordinates"] == [[[0, 0], [5, 5]], [[9, 9], [1, 1]]]
    assert (first["properties"], second["properties"]) == ({"名": "甲"}, {"名": "乙"})


def test_a_ring_with_a_hole_comes_back() -> None:
    xy = np.array([[0, 0], [10, 0], [10, 10], [0, 10], [2, 2], [2, 4], [4, 4], [4, 2]])
    tile = encode_layer("p", POLYGON, np.array([0]), xy, np.array([0, 4, 8]), np.array([0, 2]))
    shape = shapely.geometry.shape(decode(tile)["p"]["features"][0]["geometry"])
    assert shape.area == 96


def test_the_same_as_the_library_encodes() -> None:
    points = np.array([[1, 2], [300, 4000], [-5, 4100]])
    each = np.arange(4)
    ours = decode(encode_layer("p", POINT, np.arange(3), points, each, each))
    layer = {"name": "p", "features": [{"geometry": Point(p), "properties": {}, "id": i} for i, p in enumerate(points)]}
    theirs = mapbox_vector_tile.decode(
        mapbox_vector_tile.encode([layer], default_options={"y_coord_down": True}),
        default_options={"y_coord_down": True},
    )
    assert ours == theirs


# --- sources ------------------------------------------------------------------------------------------------------


def test_a_point_lands_where_it_is() -> None:
    source = TileSource(frame([Point(LON, LAT)]), kind="point")
    z, x, y = address(LON, LAT, 12)
    (found,) = decode(source.tile(z, x, y))["features"]["features"]
    column, row = found["geometry"]["coordinates"]
    lon = (x + column / 4096) / 2**z * 360 - 180
    lat = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * (y + row / 4096) / 2**z))))
    assert abs(lon - LON) < 360 / 2**z / 4096
    assert abs(lat - LAT) < 360 / 2**z / 4096
    assert found["id"] == 0


def test_metric_and_degrees_give_the_same_tile() -> None:
    shapes = grid(2)
    degrees = frame(shapes)
    metres = degrees.to_crs("EPSG:4547")
    here = address(LON + 0.005, LAT + 0.005, 13)
    assert TileSource(degrees, kind="polygon").tile(*here) == TileSource(metres, kind="polygon").tile(*here)


def test_no_crs_is_refused() -> None:
    with pytest.raises(CRSError, match="没有坐标系"):
        TileSource(gpd.GeoDataFrame(geometry=[Point(0, 0)]), kind="point")


def test_an_array_of_another_length_is_refused() -> None:
    with pytest.raises(InputError, match="1 行"):
        TileSource(frame([Point(LON, LAT)]), kind="point", priority=np.array([1, 2]))


@pytest.mark.parametrize("place", [(-1, 0, 0), (0, 1, 0), (0, 0, 1), (3, -1, 0), (3, 8, 0), (23, 0, 0)])
def test_no_such_tile(place: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match="没有这个瓦片"):
        TileSource(frame([Point(LON, LAT)]), kind="point").tile(*place)


def test_rows_without_geometry_keep_the_others_ids() -> None:
    source = TileSource(frame([None, Point(), Point(LON, LAT)]), kind="point")
    assert [f["id"] for f in decode(source.tile(0, 0, 0))["features"]["features"]] == [2]
    assert source.bounds_of(0) is None
    assert source.bounds_of(99) is None
    assert source.bounds_of(2) == pytest.approx((LON, LAT, LON, LAT))


def test_an_empty_frame_is_an_empty_map() -> None:
    for kind in ("polygon", "line", "point"):
        source = TileSource(frame([]), kind=kind)
        assert source.tile(0, 0, 0) == b""
        assert source.bounds is None
        assert source.within([(0, 0), (1, 0), (1, 1)]).tolist() == []


def test_the_frame_is_not_changed() -> None:
    before = frame([*grid(2), None])
    copy = before.copy(deep=True)
    TileSource(before, kind="polygon").tile(0, 0, 0)
    assert before.geometry.to_wkb().equals(copy.geometry.to_wkb())


def test_digest_follows_the_content() -> None:
    one = frame([Point(LON, LAT), Point(LON, LAT + 1)])
    same = TileSource(one.copy(), kind="point").digest
    assert TileSource(one, kind="point").digest == same
    assert TileSource(one.iloc[::-1], kind="point").digest != same
    assert TileSource(one, kind="point", priority=np.array([0, 1])).digest != same
    assert TileSource(one, kind="point", min_zooms=np.array([0, 1])).digest != same
    assert TileSource(one.set_crs("EPSG:4326", allow_override=True), kind="point").digest != same
    moved = frame([Point(LON, LAT), Point(LON, LAT + 1.0000001)])
    assert TileSource(moved, kind="point").digest != same


@pytest.mark.parametrize("z", [8, 10, 12])
def test_shared_edges_stay_shared(z: int) -> None:
    rng = np.random.default_rng(7)
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.MultiPoint(np.array([LON, LAT]) + rng.uniform(0, 0.2, (40, 2))))
    )
    wavy = frame(list(shapely.set_precision(shapely.segmentize(cells, 0.003), 1e-9)))
    assert shapely.coverage_is_valid(wavy.geometry.values)
    found = decode(TileSource(wavy, kind="polygon").tile(*address(LON + 0.1, LAT + 0.1, z)))["features"]["features"]
    shapes = [shapely.geometry.shape(f["geometry"]) for f in found]
    whole = shapely.union_all(shapely.set_precision(shapes, 1))
    overlap = sum(s.area for s in shapes) - whole.area
    assert overlap <= 0.002 * whole.area
    gaps = [Polygon(ring) for part in shapely.get_parts(whole) for ring in part.interiors]
    assert all(shapely.buffer(gap, -2).is_empty for gap in gaps), "a gap between neighbours wider than half a pixel"


def test_exterior_rings_run_clockwise_on_screen_and_holes_the_other_way() -> None:
    ring = Polygon(
        box(LON, LAT, LON + 0.02, LAT + 0.02).exterior, [box(LON + 0.005, LAT + 0.005, LON + 0.01, LAT + 0.01).exterior]
    )
    for shape in (ring, shapely.reverse(ring)):
        tile = decode(TileSource(frame([shape]), kind="polygon").tile(*address(LON + 0.01, LAT + 0.01, 10)))
        outer, hole = tile["features"]["features"][0]["geometry"]["coordinates"]

        def doubled(r: list) -> float:
            return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(r, r[1:] + r[:1], strict=True))

        assert doubled(outer) > 0 > doubled(hole)


def test_multipolygon_and_bow_tie_are_drawn() -> None:
    parts = MultiPolygon([box(LON, LAT, LON + 0.01, LAT + 0.01), box(LON + 0.02, LAT, LON + 0.03, LAT + 0.01)])
    bow = Polygon([(LON, LAT), (LON + 0.01, LAT + 0.01), (LON + 0.01, LAT), (LON, LAT + 0.01)])
    tile = decode(TileSource(frame([parts, bow]), kind="polygon").tile(*address(LON, LAT, 9)))
    kinds = {f["id"]: f["geometry"]["type"] for f in tile["features"]["features"]}
    assert kinds[0] == "MultiPolygon"
    assert 1 in kinds


def test_a_name_stands_in_one_tile_only() -> None:
    source = TileSource(frame(grid(1, 0.3)), kind="polygon")
    z, x, y = address(LON, LAT, 12)
    span = 5
    seen = [
        f["id"]
        for i in range(-span, span)
        for j in range(-span, span)
        for f in decode(source.tile(z, x + i, y + j)).get("anchors", {"features": []})["features"]
    ]
    assert seen == [0]


def test_lines_are_cut_at_the_buffer_and_low_classes_wait() -> None:
    long = LineString([(LON - 5, LAT), (LON + 5, LAT)])
    source = TileSource(frame([long, long]), kind="line", min_zooms=np.array([0, 11]))
    low = decode(source.tile(*address(LON, LAT, 10)))["features"]["features"]
    high = decode(source.tile(*address(LON, LAT, 11)))["features"]["features"]
    assert [f["id"] for f in low] == [0]
    assert [f["id"] for f in high] == [0, 1]
    xs = [p[0] for p in low[0]["geometry"]["coordinates"]]
    assert -200 <= min(xs) < 0
    assert 4096 < max(xs) <= 4296


def test_a_point_at_an_edge_is_in_both_tiles() -> None:
    z, x, y = address(LON, LAT, 12)
    edge = x / 2**z * 360 - 180
    source = TileSource(frame([Point(edge + 1e-6, LAT)]), kind="point")
    assert source.tile(z, x, y)
    assert source.tile(z, x - 1, y)


def crowd(n: int) -> tuple[gpd.GeoDataFrame, np.ndarray]:
    rng = np.random.default_rng(5)
    points = np.array([LON, LAT]) + rng.normal(0, 0.001, (n, 2))
    return frame(list(shapely.points(points))), rng.integers(0, 4, n)


def test_where_points_are_thinned_the_worst_stays() -> None:
    people, worst = crowd(3000)
    source = TileSource(people, kind="point", priority=worst)
    few = [f["id"] for f in decode(source.tile(*address(LON, LAT, 8)))["features"]["features"]]
    assert 0 < len(few) < 60
    assert worst[few].min() == 3, "a milder status hides a worse one"
    drawn = worst[few]
    assert (np.diff(drawn) >= 0).all(), "the worst is drawn last, on top"


def test_points_only_come_as_one_zooms_in_and_all_are_there_at_last() -> None:
    people, worst = crowd(500)
    source = TileSource(people, kind="point", priority=worst)
    before: set[int] = set()
    for z in range(FULL_ZOOM + 1):
        middle = address(LON, LAT, z)
        now = {
            f["id"]
            for i in range(-20, 21) if z >= 12 or abs(i) <= 1
            for j in range(-20, 21) if z >= 12 or abs(j) <= 1
            if 0 <= middle[1] + i < 2**z and 0 <= middle[2] + j < 2**z
            for f in decode(source.tile(z, middle[1] + i, middle[2] + j)).get("features", {"features": []})["features"]
        }  # fmt: skip
        assert before <= now
        before = now
    assert before == set(range(500))


def test_within_a_ring_by_hand() -> None:
    source = TileSource(frame([Point(LON, LAT), Point(LON + 1, LAT), Point(LON + 2, LAT)]), kind="point")
    ring = [(LON - 0.1, LAT - 0.1), (LON + 1.1, LAT - 0.1), (LON + 1.1, LAT + 0.1), (LON - 0.1, LAT + 0.1)]
    assert source.within(ring).tolist() == [0, 1]
    assert source.within(ring[:2]).tolist() == []
    assert source.within([(float("nan"), 0), (1, 1), (2, 0)]).tolist() == []
    assert TileSource(frame(grid(2)), kind="polygon").within(
        [(LON, LAT), (LON + 0.001, LAT), (LON, LAT + 0.001)]
    ).tolist() == [0]


def test_a_tile_holds_no_attribute_unless_asked() -> None:
    private = frame([Point(LON, LAT)]).assign(head_name="王秀兰", id_number="440224195001010021", phone="13800000000")
    plain = TileSource(private, kind="point").tile(0, 0, 0)
    for canary in ("王秀兰", "440224195001010021", "13800000000", "head_name"):
        assert canary.encode() not in plain
    named = TileSource(private, kind="point", texts={"kind": ["house"]}).tile(0, 0, 0)
    assert decode(named)["features"]["features"][0]["properties"] == {"kind": "house"}


def test_polygons_drawn_as_points_stand_inside() -> None:
    shape = Polygon([(0, 0), (3, 0), (3, 3), (2, 3), (2, 1), (1, 1), (1, 3), (0, 3)])
    horseshoe = shapely.transform(shape, lambda xy: xy * 0.01 + np.array([LON, LAT]))
    west, south, *_ = TileSource(frame([horseshoe]), kind="point").bounds or (0, 0)
    assert horseshoe.covers(Point(west, south))


@pytest.mark.real
def test_every_village_of_taiwan_is_in_some_tile(real) -> None:
    villages = gpd.read_file(real / "taiwan" / "villages-10t.json", layer="villages")
    villages = villages.set_crs("EPSG:4326", allow_override=True)
    source = TileSource(villages, kind="polygon")
    z = 10
    west, south, east, north = source.bounds or (0, 0, 0, 0)
    (_, x0, y0), (_, x1, y1) = address(west, north, z), address(east, south, z)
    seen = {
        f["id"]
        for x in range(x0, x1 + 1)
        for y in range(y0, y1 + 1)
        for f in decode(source.tile(z, x, y)).get("anchors", {"features": []})["features"]
    }
    assert seen == set(np.flatnonzero(villages.geometry.notna() & ~villages.geometry.is_empty))
