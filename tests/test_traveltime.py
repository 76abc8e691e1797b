"""Travel time over a surface, and alignments over terrain."""

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import geo.compiled
from geo.errors import CRSError, InputError
from geo.leastcost import least_cost
from geo.traveltime import travel_time, write_travel_time
from tests.test_raster import CRS, tif

ROOT2, ROOT5 = np.sqrt(2), np.sqrt(5)


@pytest.fixture(params=[True, False], ids=["compiled", "library"])
def either(request, monkeypatch):
    monkeypatch.setattr(geo.compiled, "IS_COMPILED", request.param and geo.compiled.IS_COMPILED)


def minute_a_cell(shape):
    return np.full(shape, 60.0)  # 60 km/h and cells of 1 km


def test_eight_and_sixteen_neighbours_on_open_ground(either):
    level = minute_a_cell((5, 5))
    eight = travel_time(level, np.array([12]), cell_m=1000.0)
    assert eight[2, 3] == pytest.approx(1)
    assert eight[1, 1] == pytest.approx(ROOT2)
    assert eight[0, 1] == pytest.approx(1 + ROOT2)
    sixteen = travel_time(level, np.array([12]), cell_m=1000.0, neighbours=16)
    assert sixteen[0, 1] == pytest.approx(ROOT5)


def test_a_knights_move_does_not_jump_over_a_wall(either):
    # source at the left, a wall in column 1, one gap in the last row
    speed = minute_a_cell((4, 3))
    speed[:3, 1] = np.nan
    time = travel_time(speed, np.array([0]), cell_m=1000.0, neighbours=16)
    assert np.isinf(time[:3, 1]).all()
    assert time[0, 2] > 5
    speed[3, 1] = 0.0
    assert np.isinf(travel_time(speed, np.array([0]), cell_m=1000.0, neighbours=16)[:, 2]).all()


def test_a_step_costs_the_mean_of_its_cells(either):
    time = travel_time(np.array([[60.0, 30.0]]), np.array([0]), cell_m=1000.0)
    assert time[0, 1] == pytest.approx(1.5)


def test_cells_may_be_taller_than_wide(either):
    time = travel_time(minute_a_cell((2, 2)), np.array([0]), cell_m=(4000.0, 3000.0))
    assert time.round(9).tolist() == [[0, 3], [4, 5]]


def test_max_minutes_is_inclusive(either):
    level = minute_a_cell((1, 5))
    assert np.isfinite(travel_time(level, np.array([0]), cell_m=1000.0, max_minutes=3)).sum() == 4
    assert np.isfinite(travel_time(level, np.array([0]), cell_m=1000.0, max_minutes=2.999)).sum() == 3


def test_uphill_is_slower_and_direction_turns_it(either):
    speed, foot = np.full((1, 2), 5.0), np.ones((1, 2), dtype=bool)
    height = np.array([[0.0, 100.0]])  # the source lies in the valley
    to = travel_time(speed, np.array([0]), cell_m=1000.0, height_m=height, is_walked=foot)[0, 1]
    back = travel_time(speed, np.array([0]), cell_m=1000.0, height_m=height, is_walked=foot, direction="from")[0, 1]
    tobler = 12.0 * np.exp(3.5 * abs(-0.1 + 0.05) - 0.175)  # down a tenth, 1 km at 5 km/h on level ground
    assert to == pytest.approx(tobler)
    assert back == pytest.approx(12.0 * np.exp(3.5 * 0.15 - 0.175))
    driven = travel_time(speed, np.array([0]), cell_m=1000.0, height_m=height, is_walked=~foot)[0, 1]
    assert driven == pytest.approx(12.0)


def test_no_source_on_passable_ground_reaches_nothing(either):
    speed = minute_a_cell((2, 2))
    speed[0, 0] = np.nan
    assert np.isinf(travel_time(speed, np.array([0]), cell_m=1000.0)).all()
    assert np.isinf(travel_time(speed, np.array([], dtype=int), cell_m=1000.0)).all()


@pytest.mark.parametrize(
    "wrong",
    [{"neighbours": 4}, {"direction": "via"}, {"max_minutes": 0}, {"cell_m": 0.0}, {"height_m": np.zeros((9, 9))}],
)
def test_arguments_out_of_range(wrong):
    with pytest.raises(InputError):
        travel_time(minute_a_cell((2, 2)), np.array([0]), **{"cell_m": 1000.0, **wrong})


@pytest.mark.parametrize("speed", [-1.0, 201.0, np.inf])
def test_speeds_out_of_range(speed):
    with pytest.raises(InputError, match="速度"):
        travel_time(np.full((2, 2), speed), np.array([0]), cell_m=1000.0)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), neighbours=st.sampled_from([8, 16]), walls=st.floats(0, 0.5))
def test_kernel_agrees_with_the_library_even_in_mazes(seed, neighbours, walls):
    rng = np.random.default_rng(seed)
    speed = rng.choice([0.7, 5.0, 30.0, 90.0], (25, 31))
    speed[rng.random(speed.shape) < walls] = np.nan
    options = {
        "cell_m": (30.0, 28.0),
        "height_m": rng.uniform(0, 60, speed.shape),
        "is_walked": rng.random(speed.shape) < 0.5,
        "neighbours": neighbours,
        "direction": "to" if seed % 2 else "from",
    }
    sources = rng.integers(0, speed.size, 3)
    fast = travel_time(speed, sources, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geo.compiled, "IS_COMPILED", False)
        slow = travel_time(speed, sources, **options)
    np.testing.assert_allclose(fast, slow, rtol=1e-12)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_faster_road_never_makes_anyone_later(seed):
    rng = np.random.default_rng(seed)
    speed = rng.uniform(2, 40, (15, 15))
    source = rng.integers(0, speed.size, 2)
    better = speed.copy()
    better[7] = 60.0
    before = travel_time(speed, source, cell_m=100.0)
    after = travel_time(np.maximum(speed, better), source, cell_m=100.0)
    assert (after <= before + 1e-9).all()


# ---- from files


@pytest.fixture
def files(tmp_path):
    classes = np.ones((3, 5), dtype="uint8")
    classes[1, 2] = 9
    tif(tmp_path / "cover.tif", classes, cell=1000.0, top=3000.0, left=0.0)
    tif(tmp_path / "height.tif", np.zeros((3, 5), dtype="float32"), cell=1000.0, top=3000.0, left=0.0)
    (tmp_path / "speeds.csv").write_text("class,speed_kmh,mode\n1,60,MOTORIZED\n", encoding="utf-8")
    points = gpd.GeoDataFrame(
        {"id": [1, 2, 3]}, geometry=gpd.points_from_xy([500, 2500, 99999], [2500, 1500, 0]), crs=CRS
    )
    points.to_file(tmp_path / "clinics.gpkg")
    return tmp_path


def test_from_files_to_a_raster_of_minutes(files):
    done = write_travel_time(
        sources=files / "clinics.gpkg", out=files / "t.tif", landcover=files / "cover.tif", speeds=files / "speeds.csv",
        dem=files / "height.tif", max_minutes=3,
    )  # fmt: skip
    assert (done["sources"], done["sources_outside"], done["sources_blocked"]) == (3, 1, 1)
    with rasterio.open(files / "t.tif") as made:
        minutes = made.read(1)
        assert made.nodata == -9999
        assert made.crs.to_epsg() == 4547
    assert minutes[0].round(5).tolist() == [0, 1, 2, 3, -9999]
    assert minutes[1, 2] == -9999
    assert done["reached"] == (minutes >= 0).sum()
    assert done["reached"] + done["unreached"] + done["impassable"] == 15
    assert done["impassable"] == 1
    assert not (files / "t.tif.part").exists()


def test_two_ways_to_give_speed_are_one_too_many(files):
    with pytest.raises(InputError, match="二者选一"):
        write_travel_time(sources=files / "clinics.gpkg", out=files / "t.tif")
    with pytest.raises(InputError, match="二者选一"):
        write_travel_time(
            sources=files / "clinics.gpkg", out=files / "t.tif", speed_kmh=files / "cover.tif", landcover=files / "cover.tif",
            speeds=files / "speeds.csv",
        )  # fmt: skip


def test_degrees_and_other_grids_are_refused(files):
    tif(files / "degrees.tif", np.ones((3, 5)), cell=0.01, left=113.0, top=25.0, crs="EPSG:4490")
    with pytest.raises(CRSError, match="不是米"):
        write_travel_time(sources=files / "clinics.gpkg", out=files / "t.tif", speed_kmh=files / "degrees.tif")
    tif(files / "shifted.tif", np.zeros((3, 5)), cell=1000.0, left=500.0, top=3000.0)
    with pytest.raises(InputError, match="同一格网"):
        write_travel_time(
            sources=files / "clinics.gpkg",
            out=files / "t.tif",
            speed_kmh=files / "cover.tif",
            dem=files / "shifted.tif",
        )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("class,kmh\n1,60\n", "两列"),
        ("class,speed_kmh,mode\n1,60,FLYING\n", "第 2 行"),
        ("class,speed_kmh\n1,60\n1,70\n", "已经出现"),
    ],
)
def test_speed_tables_that_cannot_be_read(files, text, what):
    (files / "speeds.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=what):
        write_travel_time(
            sources=files / "clinics.gpkg",
            out=files / "t.tif",
            landcover=files / "cover.tif",
            speeds=files / "speeds.csv",
        )


def test_no_usable_source_is_said(files):
    far = gpd.GeoDataFrame(geometry=[shapely.Point(10**6, 10**6)], crs=CRS)
    far.to_file(files / "far.gpkg")
    with pytest.raises(InputError, match="没有一个起点"):
        write_travel_time(sources=files / "far.gpkg", out=files / "t.tif", speed_kmh=files / "cover.tif")


# ---- alignments


@pytest.fixture
def ridge(tmp_path):
    """A ridge of 60 m across the middle, with a pass in the last rows."""
    height = np.zeros((60, 60), dtype="float32")
    height[:, 28:32] = 60.0
    height[52:, :] = 0.0
    return tif(tmp_path / "ridge.tif", height, cell=20.0, left=0.0, top=1200.0)


def test_a_road_goes_round_what_is_too_steep(ridge):
    way = least_cost(ridge, np.array([[210.0, 610.0]]), np.array([[990.0, 610.0]]), crs=CRS, max_grade_percent=8.0)
    assert way.is_feasible.tolist() == [True]
    assert way.length_m[0] > 1.2 * 780
    assert shapely.get_y(shapely.points(shapely.get_coordinates(way.lines[0]))).min() < 160
    assert shapely.get_coordinates(way.lines[0])[[0, -1]].tolist() == [[210, 610], [990, 610]]


def test_a_road_over_level_ground_is_straight(ridge):
    way = least_cost(ridge, np.array([[210.0, 610.0]]), np.array([[210.0, 910.0]]), crs=CRS)
    assert way.length_m[0] == pytest.approx(300.0)
    assert way.max_grade_percent[0] == 0


def test_where_no_road_keeps_the_grade_it_says_so(tmp_path):
    wall = np.zeros((40, 40), dtype="float32")
    wall[:, 20:] = 100.0
    path = tif(tmp_path / "wall.tif", wall, cell=20.0, left=0.0, top=800.0)
    way = least_cost(path, np.array([[110.0, 410.0]]), np.array([[710.0, 410.0]]), crs=CRS)
    assert way.is_feasible.tolist() == [False]
    assert way.max_grade_percent[0] > 9
    assert np.isfinite(way.length_m[0])


def test_off_the_model_there_is_no_line(ridge):
    way = least_cost(
        ridge, np.array([[210.0, 610.0], [-900.0, 0.0]]), np.array([[5000.0, 610.0], [-950.0, 0.0]]), crs=CRS
    )
    assert np.isnan(way.length_m).all()
    assert [line is None for line in way.lines] == [True, True]


def test_alignments_refuse_another_crs_and_no_grade(ridge):
    with pytest.raises(CRSError):
        least_cost(ridge, np.zeros((1, 2)), np.zeros((1, 2)), crs="EPSG:4490")
    with pytest.raises(InputError):
        least_cost(ridge, np.zeros((1, 2)), np.zeros((1, 2)), crs=CRS, max_grade_percent=0)
    with pytest.raises(InputError):
        least_cost(ridge, np.zeros((2, 2)), np.zeros((1, 2)), crs=CRS)


def test_another_model_under_the_same_name_is_laid_anew(ridge, tmp_path):
    ask = np.array([[210.0, 610.0]]), np.array([[990.0, 610.0]])
    round_it = least_cost(ridge, *ask, crs=CRS, max_grade_percent=8.0)
    again = least_cost(ridge, *ask, crs=CRS, max_grade_percent=8.0)
    assert again.lines[0] is round_it.lines[0]  # asked once
    tif(tmp_path / "ridge.tif", np.zeros((61, 60), dtype="float32"), cell=20.0, left=0.0, top=1200.0)
    assert least_cost(ridge, *ask, crs=CRS, max_grade_percent=8.0).length_m[0] == pytest.approx(780.0)
