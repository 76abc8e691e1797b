"""Zonal figures, slope, shading, sampling – and what may be opened at all."""

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.transform import Affine

import geo.compiled
from geo.errors import CRSError, InputError
from geo.raster import hillshade, sample, slope_percent, zonal
from geo.scanlines import zone_totals

CRS = "EPSG:4547"


def tif(path, cells, *, cell=10.0, left=1000.0, top=2000.0, crs=CRS, nodata=None, **options):
    cells = np.asarray(cells)
    with rasterio.open(
        path, "w", driver="GTiff", height=cells.shape[0], width=cells.shape[1], count=1, dtype=cells.dtype, crs=crs,
        transform=Affine(cell, 0, left, 0, -cell, top), nodata=nodata, **options,
    ) as target:  # fmt: skip
        target.write(cells, 1)
    return path


def zones(*shapes, crs=CRS):
    return gpd.GeoDataFrame({"name": [f"z{k}" for k in range(len(shapes))]}, geometry=list(shapes), crs=crs)


@pytest.fixture(params=[True, False], ids=["compiled", "library"])
def either(request, monkeypatch):
    """Run with the compiled kernel and without."""
    monkeypatch.setattr(geo.compiled, "IS_COMPILED", request.param and geo.compiled.IS_COMPILED)
    return request.param


@pytest.fixture
def people(tmp_path):
    # 4 x 4 cells of 10 m: 0..15, the north-west corner at (1000, 2000)
    return tif(tmp_path / "people.tif", np.arange(16, dtype="float32").reshape(4, 4))


def test_a_cell_belongs_to_the_zone_its_centre_is_in(people, either):
    # centres of column 0 lie at x=1005: a zone that ends at 1004 has none, at 1006 has them
    found = zonal(people, zones(shapely.box(1000, 1960, 1004, 2000), shapely.box(1000, 1960, 1006, 2000)), stat="sum")
    assert np.isnan(found.iloc[0])
    assert found.iloc[1] == 0 + 4 + 8 + 12


@pytest.mark.parametrize(("stat", "expected"), [("sum", 10.0), ("mean", 2.5), ("min", 0.0), ("max", 5.0)])
def test_statistics_of_a_corner(people, either, stat, expected):
    found = zonal(people, zones(shapely.box(1000, 1980, 1020, 2000)), stat=stat)
    assert found.tolist() == [expected]


def test_neighbours_share_no_cell_and_lose_none(people, either):
    # the border runs exactly through the centres of column 1
    west, east = shapely.box(1000, 1960, 1015, 2000), shapely.box(1015, 1960, 1040, 2000)
    assert zonal(people, zones(west, east), stat="sum").sum() == 120
    north, south = shapely.box(1000, 1985, 1040, 2000), shapely.box(1000, 1960, 1040, 1985)
    assert zonal(people, zones(north, south), stat="sum").sum() == 120


def test_overlapping_zones_each_have_all_their_cells(people, either):
    whole = shapely.box(1000, 1960, 1040, 2000)
    assert zonal(people, zones(whole, whole, shapely.box(1000, 1990, 1040, 2000)), stat="sum").tolist() == [120, 120, 6]


def test_holes_and_several_parts(people, either):
    ring = shapely.Polygon(
        [(1000, 1960), (1040, 1960), (1040, 2000), (1000, 2000)],
        [[(1010, 1970), (1030, 1970), (1030, 1990), (1010, 1990)]],
    )
    two = shapely.MultiPolygon([shapely.box(1000, 1990, 1010, 2000), shapely.box(1030, 1960, 1040, 1970)])
    assert zonal(people, zones(ring, two), stat="sum").tolist() == [120 - (5 + 6 + 9 + 10), 0 + 15]


@pytest.mark.parametrize("nodata", [-9999.0, 0.0, np.nan])
def test_nodata_counts_for_nothing(tmp_path, either, nodata):
    cells = np.full((2, 2), 3.0, dtype="float32")
    cells[0, 0] = nodata
    path = tif(tmp_path / "r.tif", cells, nodata=nodata)
    found = zonal(path, zones(shapely.box(1000, 1980, 1020, 2000)), stat="mean")
    assert found.tolist() == [3.0]


def test_nothing_known_is_not_zero(tmp_path, either):
    path = tif(tmp_path / "r.tif", np.full((2, 2), -1.0, dtype="float32"), nodata=-1.0)
    found = zonal(path, zones(shapely.box(1000, 1980, 1020, 2000), shapely.box(5000, 0, 5010, 10)), stat="sum")
    assert found.isna().all()
    assert "2 个分区" in found.attrs["note"]


def test_index_kept_and_input_unchanged(people):
    given_zones = zones(shapely.box(1000, 1990, 1010, 2000), shapely.box(1010, 1990, 1020, 2000)).set_index("name")
    before = given_zones.copy()
    found = zonal(people, given_zones.iloc[::-1], stat="max")
    assert found.index.tolist() == ["z1", "z0"]
    assert found.tolist() == [1.0, 0.0]
    assert given_zones.equals(before)


def test_missing_and_empty_shapes_are_unknown(people):
    shapes = [None, shapely.Polygon(), shapely.box(1000, 1990, 1010, 2000), shapely.Point(1001, 1999)]
    found = zonal(people, zones(*shapes), stat="sum")
    assert found.isna().tolist() == [True, True, False, True]


def test_zones_in_another_crs_are_brought_over(people):
    metric = zones(shapely.box(1001, 1981, 1019, 1999))
    there = gpd.GeoDataFrame(metric.drop(columns="geometry"), geometry=metric.geometry.to_crs("EPSG:4490"))
    assert zonal(people, there, stat="sum").tolist() == [10.0]


def test_zones_without_crs_and_raster_without_crs_are_refused(people, tmp_path):
    with pytest.raises(CRSError, match="没有坐标系"):
        zonal(people, zones(shapely.box(0, 0, 1, 1), crs=None), stat="sum")
    bare = tif(tmp_path / "bare.tif", np.zeros((2, 2), dtype="float32"), crs=None)
    with pytest.raises(CRSError, match=r"bare\.tif"):
        zonal(bare, zones(shapely.box(1000, 1990, 1010, 2000)), stat="sum")


def test_no_overlap_is_said(people):
    with pytest.raises(InputError, match="没有一个分区"):
        zonal(people, zones(shapely.box(0, 0, 10, 10)), stat="sum")


def test_negative_northings(tmp_path, either):
    path = tif(tmp_path / "south.tif", np.arange(4, dtype="float64").reshape(2, 2), top=-1_632_000.0, crs="EPSG:32636")
    zone = zones(shapely.box(1000, -1_632_020, 1020, -1_632_000), crs="EPSG:32636")
    assert zonal(path, zone, stat="sum").tolist() == [6.0]


def test_strips_give_the_same_answer(tmp_path, monkeypatch):
    cells = np.random.default_rng(1).integers(0, 9, (60, 50)).astype("float32")
    path = tif(tmp_path / "r.tif", cells)
    shapes = zones(shapely.Point(1250, 1700).buffer(180), shapely.box(1000, 1400, 1500, 2000))
    whole = [zonal(path, shapes, stat=stat).tolist() for stat in ("sum", "mean", "min", "max")]
    monkeypatch.setattr("geo.raster.STRIP_CELLS", 130)
    assert [zonal(path, shapes, stat=stat).tolist() for stat in ("sum", "mean", "min", "max")] == whole


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), corners=st.integers(3, 9))
def test_kernel_agrees_with_the_library(seed, corners):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(23, 31))
    values[rng.random(values.shape) < 0.2] = np.nan
    hull = [shapely.MultiPoint(rng.uniform(-5, 35, (corners, 2))).convex_hull for _ in range(3)]
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners + 2))
    star = shapely.Polygon(np.column_stack([np.cos(angle), np.sin(angle)]) * rng.uniform(3, 14, (corners + 2, 1)) + 12)
    shapes = np.array([h for h in hull if h.geom_type == "Polygon"] + [star], dtype=object)
    fast = zone_totals(values, shapes, 0, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geo.compiled, "IS_COMPILED", False)
        slow = zone_totals(values, shapes, 0, 0)
    assert fast[0].tolist() == slow[0].tolist()
    for one, other in zip(fast[1:], slow[1:], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), parts=st.integers(2, 12))
def test_a_tiling_adds_up_to_the_whole(seed, parts):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 100, (20, 20)).astype(float)
    cells = shapely.voronoi_polygons(
        shapely.MultiPoint(rng.uniform(0, 20, (parts, 2))), extend_to=shapely.box(0, 0, 20, 20)
    )
    tiles = np.array([c.intersection(shapely.box(0, 0, 20, 20)) for c in cells.geoms], dtype=object)
    assert zone_totals(values, tiles, 0, 0)[1].sum() == pytest.approx(values.sum())


# ---- what may be opened


def test_not_a_tiff_whatever_its_name(tmp_path):
    secret = tmp_path / "secret.bin"
    secret.write_bytes(bytes(range(64)))
    vrt = tmp_path / "vrt.tif"
    vrt.write_text(
        '<VRTDataset rasterXSize="8" rasterYSize="8"><VRTRasterBand dataType="Byte" band="1" subClass="VRTRawRasterBand">'
        f'<SourceFilename relativetoVRT="0">{secret}</SourceFilename></VRTRasterBand></VRTDataset>'
    )
    with pytest.raises(InputError, match="不是 GeoTIFF"):
        zonal(vrt, zones(shapely.box(0, 0, 1, 1)), stat="sum")


@pytest.mark.parametrize(
    "name",
    [
        "/vsicurl/http://127.0.0.1:9/a.tif",
        "http://127.0.0.1:9/a.tif",
        "GTIFF_DIR:1:a.tif",
        "/vsizip/a.zip/a.tif",
        "none.tif",
    ],
)
def test_only_files_on_this_machine(name):
    with pytest.raises(InputError, match="找不到"):
        zonal(name, zones(shapely.box(0, 0, 1, 1)), stat="sum")


def test_declared_size_is_refused_before_reading(tmp_path):
    path = tmp_path / "sparse.tif"
    with rasterio.open(
        path, "w", driver="GTiff", height=1_000_000, width=1_000_000, count=1, dtype="uint8", crs=CRS, sparse_ok=True,
        tiled=True, bigtiff="yes", transform=Affine(1, 0, 5, 0, -1, 5), blockxsize=8192, blockysize=8192,
    ):  # fmt: skip
        pass
    with pytest.raises(InputError, match="超过上限"):
        zonal(path, zones(shapely.box(0, 0, 1, 1)), stat="sum")


def test_truncated_and_placeless_tiffs(tmp_path):
    whole = tif(tmp_path / "a.tif", np.zeros((64, 64), dtype="float32")).read_bytes()
    cut = tmp_path / "cut.tif"
    cut.write_bytes(whole[:100])
    with pytest.raises(InputError, match=r"cut\.tif"):
        zonal(cut, zones(shapely.box(1000, 1990, 1010, 2000)), stat="sum")
    nowhere = tmp_path / "nowhere.tif"
    with (
        pytest.warns(rasterio.errors.NotGeoreferencedWarning),
        rasterio.open(nowhere, "w", driver="GTiff", height=2, width=2, count=1, dtype="uint8") as target,
    ):
        target.write(np.zeros((1, 2, 2), dtype="uint8"))
    with pytest.raises(InputError, match="没有地理位置"):
        zonal(nowhere, zones(shapely.box(0, 0, 1, 1)), stat="sum")


def test_files_beside_the_raster_are_not_looked_at(tmp_path):
    path = tif(tmp_path / "a.tif", np.ones((2, 2), dtype="float32"))
    (tmp_path / "a.tif.aux.xml").write_text("<PAMDataset><SRS>EPSG:3857</SRS></PAMDataset>")
    assert zonal(path, zones(shapely.box(1000, 1980, 1020, 2000)), stat="sum").tolist() == [4.0]


def test_unknown_statistic_is_refused(people):
    with pytest.raises(InputError, match="median"):
        zonal(people, zones(shapely.box(1000, 1990, 1010, 2000)), stat="median")


# ---- slope, shade, sample


def test_slope_of_a_three_four_five_plane():
    rows, columns = np.indices((5, 6))
    plane = rows * 10 * 0.03 + columns * 10 * 0.04
    assert slope_percent(plane, 10.0)[1:-1, 1:-1] == pytest.approx(5.0)


def test_slope_beside_unknown_is_unknown():
    dem = np.zeros((5, 5))
    dem[0, 0] = np.nan
    steep = slope_percent(dem, 10.0)
    assert np.isnan(steep[:2, :2]).all()
    assert (steep[2:, 2:] == 0).all()


@pytest.mark.parametrize(("dem", "cell"), [(np.zeros(5), 10.0), (np.zeros((1, 5)), 10.0), (np.zeros((3, 3)), 0.0)])
def test_slope_refuses_what_has_none(dem, cell):
    with pytest.raises(InputError):
        slope_percent(dem, cell)


def test_hillshade_faces_the_sun():
    east = -np.indices((5, 5))[1] * 10.0  # falls towards the east
    lit_from_east, lit_from_west = hillshade(east, 10.0, azimuth=90), hillshade(east, 10.0, azimuth=270)
    assert lit_from_east[2, 2] == 255
    assert lit_from_west[2, 2] == 1
    east[2, 2] = np.nan
    assert hillshade(east, 10.0)[2, 2] == 0


def test_sample_reads_the_cell_under_the_point(people):
    at = gpd.GeoSeries([shapely.Point(1005, 1995), shapely.Point(1019.9, 1960.1), shapely.Point(0, 0), None], crs=CRS)
    found = sample(people, at)
    assert found[:2].tolist() == [0.0, 13.0]
    assert np.isnan(found[2:]).all()
    assert sample(people, np.array([[1005.0, 1995.0]])).tolist() == [0.0]
    degrees = at.iloc[:1].to_crs("EPSG:4490")
    assert sample(people, np.array([[degrees.x.iloc[0], degrees.y.iloc[0]]]), crs="EPSG:4490").tolist() == [0.0]
