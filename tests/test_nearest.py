import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import boxes, nearest
from geo.errors import InputError
from geo.nearest import containing, line_index, nearest_line, nearest_point

SEEDS = st.integers(0, 2**32 - 1)


def wandering_lines(rng, count, whole=False):
    lines = []
    for _ in range(count):
        steps = rng.normal(0, 50, (int(rng.integers(2, 6)), 2))
        xy = rng.uniform(0, 2000, 2) + steps.cumsum(axis=0)
        lines.append(shapely.LineString(np.round(xy, -1) if whole else xy))
    return np.array(lines, dtype=object)


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_nearest_point_is_what_brute_force_finds(seed):
    rng = np.random.default_rng(seed)
    points, targets = rng.integers(0, 12, (40, 2)) * 10.0, rng.integers(0, 12, (rng.integers(1, 30), 2)) * 10.0
    apart = ((points[:, None] - targets[None]) ** 2).sum(axis=2)
    index, distance_m = nearest_point(points, targets)
    assert index.tolist() == apart.argmin(axis=1).tolist()  # argmin: lowest position on a tie
    np.testing.assert_allclose(distance_m, np.sqrt(apart.min(axis=1)))


def test_nothing_near_is_minus_one_and_infinite():
    index, distance_m = nearest_point([[0, 0]], np.empty((0, 2)))
    assert index.tolist() == [-1]
    assert distance_m.tolist() == [np.inf]
    index, distance_m, snap_xy = nearest_line([[0, 0]], np.array([None, shapely.LineString()], dtype=object))
    assert index.tolist() == [-1]
    assert distance_m.tolist() == [np.inf]
    assert np.isnan(snap_xy).all()
    assert nearest_point([[np.nan, 0]], [[0, 0]])[0].tolist() == [-1]
    assert nearest_line([[np.nan, 0]], [shapely.LineString([(0, 0), (1, 1)])])[0].tolist() == [-1]
    assert nearest_line(np.empty((0, 2)), [shapely.LineString([(0, 0), (1, 1)])])[0].tolist() == []


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.booleans())
def test_nearest_line_agrees_with_shapely_and_with_its_own_fallback(seed, whole):
    rng = np.random.default_rng(seed)
    lines, points = wandering_lines(rng, int(rng.integers(1, 40)), whole), rng.uniform(-500, 2500, (60, 2))
    if whole:
        points = np.round(points, -1)
    index, distance_m, snap_xy = nearest_line(points, lines)
    exact = shapely.distance(shapely.points(points)[:, None], lines[None])
    np.testing.assert_allclose(distance_m, exact.min(axis=1), atol=1e-9)
    np.testing.assert_allclose(exact[np.arange(len(points)), index], exact.min(axis=1), atol=1e-9)
    np.testing.assert_allclose(np.hypot(*(points - snap_xy).T), distance_m, atol=1e-9)
    kept = line_index(lines)
    plain = nearest.LineIndex(*_in_given_order(kept), None)
    for ours, fallback in zip(nearest_line(points, kept), nearest_line(points, plain), strict=True):
        assert ours.tobytes() == fallback.tobytes()


def _in_given_order(kept):
    if kept.tree is None:
        return kept.segments, kept.owner
    back = np.argsort(kept.tree.order)
    return kept.segments[back], kept.owner[back]


def test_nearest_line_agrees_with_geopandas():
    rng = np.random.default_rng(3)
    lines, points = wandering_lines(rng, 300), rng.uniform(0, 2000, (500, 2))
    left, right = gpd.GeoDataFrame(geometry=shapely.points(points)), gpd.GeoDataFrame(geometry=lines)
    theirs = left.sjoin_nearest(right, distance_col="d")
    theirs = theirs[~theirs.index.duplicated()]
    index, distance_m, _ = nearest_line(points, lines)
    np.testing.assert_allclose(distance_m, theirs["d"], atol=1e-9)
    assert (index == theirs["index_right"]).mean() > 0.99  # geopandas keeps ties in no stated order


def test_a_tie_goes_to_the_lowest_line():
    cross = np.array([shapely.LineString([(0, 0), (d, e)]) for d, e in [(5, 0), (0, 5), (-5, 0), (0, -5)]])
    assert nearest_line([[0, 0], [3, 3], [-3, -3]], cross)[0].tolist() == [0, 0, 2]
    assert nearest_line([[0, 0], [3, 3], [-3, -3]], cross[::-1])[0].tolist() == [0, 2, 0]
    assert nearest_point([[0, 0]], [[0, 3], [3, 0], [0, -3], [0, 3]])[0].tolist() == [0]


def test_parts_of_one_line_count_as_that_line():
    lines = [shapely.MultiLineString([[(0, 0), (1, 0)], [(0, 9), (1, 9)]]), shapely.LineString([(0, 4), (1, 4)])]
    assert nearest_line([[0, 8], [0, 5], [0, 1]], lines)[0].tolist() == [0, 1, 0]


def test_a_line_of_no_length_is_a_point():
    index, distance_m, _ = nearest_line([[3, 4]], [shapely.LineString([(0, 0), (0, 0)])])
    assert (index.tolist(), distance_m.tolist()) == ([0], [5.0])


def test_shapes_that_are_no_lines_are_refused():
    with pytest.raises(InputError, match="不是线"):
        nearest_line([[0, 0]], [shapely.Point(0, 0)])
    with pytest.raises(InputError, match="n×2"):
        nearest_point([[0, 0, 0]], [[0, 0]])


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_containing_agrees_with_covers(seed):
    rng = np.random.default_rng(seed)
    centres = rng.integers(0, 20, (15, 2)) * 10.0
    sides = rng.integers(1, 6, 15) * 10.0
    shapes = np.array([shapely.box(x, y, x + s, y + s) for (x, y), s in zip(centres, sides, strict=True)])
    shapes[3] = shapely.MultiPolygon([shapes[3], shapely.box(900, 900, 950, 950)])
    points = rng.integers(0, 25, (80, 2)) * 10.0  # many fall on borders and corners
    covers = shapely.covers(shapes[None], shapely.points(points)[:, None])
    expected = np.where(covers.any(axis=1), covers.argmax(axis=1), -1)
    assert containing(points, shapes).tolist() == expected.tolist()


def test_containing_agrees_with_sjoin():
    rng = np.random.default_rng(5)
    cells = [shapely.box(x, y, x + 100, y + 100) for x in range(0, 1000, 100) for y in range(0, 1000, 100)]
    points = rng.uniform(-50, 1050, (2000, 2))
    joined = gpd.GeoDataFrame(geometry=shapely.points(points)).sjoin(gpd.GeoDataFrame(geometry=cells), how="left")
    joined = joined[~joined.index.duplicated()]["index_right"].fillna(-1)
    assert containing(points, cells).tolist() == joined.astype(int).tolist()


def test_holes_missing_shapes_and_missing_points_are_outside():
    ring = shapely.box(0, 0, 9, 9).difference(shapely.box(3, 3, 6, 6))
    shapes = np.array([None, shapely.Polygon(), ring], dtype=object)
    assert containing([[1, 1], [4, 4], [3, 3], [np.nan, 1]], shapes).tolist() == [2, -1, 2, -1]
    assert containing(np.empty((0, 2)), shapes).tolist() == []
    assert containing([[1, 1]], []).tolist() == [-1]


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_overlapping_boxes_are_those_a_library_finds(seed):
    rng = np.random.default_rng(seed)
    low = rng.integers(0, 50, (int(rng.integers(1, 200)), 2)).astype(float)
    box = np.hstack([low, low + rng.integers(0, 6, low.shape)])
    query, item = boxes.overlaps(box, box[:40])
    theirs = shapely.STRtree(shapely.box(*box.T)).query(shapely.box(*box[:40].T))
    assert sorted(zip(query.tolist(), item.tolist(), strict=True)) == sorted(map(tuple, theirs.T.tolist()))
    later = boxes.overlaps(box, box, after=np.arange(len(box)))
    assert (later[1] > later[0]).all()


def test_the_caller_keeps_his_arrays():
    points, lines = np.array([[0.0, 1.0]]), np.array([shapely.LineString([(0, 0), (1, 0)])], dtype=object)
    before = points.copy(), lines.copy()
    nearest_line(points, lines)
    nearest_point(points, points)
    containing(points, np.array([shapely.box(0, 0, 1, 1)]))
    assert (points == before[0]).all()
    assert (lines == before[1]).all()
