"""Rasters nobody here wrote: Spearfish, Malawi, Lesotho, Andorra, with figures from independent computations."""

import json
import zipfile

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from pyproj import CRS
from rasterio.transform import Affine

from geo.raster import sample, slope_percent, zonal
from geo.read import read
from geo.traveltime import travel_time, write_travel_time

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def spearfish(real, tmp_path_factory):
    folder = tmp_path_factory.mktemp("spearfish")
    with zipfile.ZipFile(real / "spearfish" / "accessmod_demo_2015.zip") as archive:
        wanted = [n for n in archive.namelist() if n.startswith(("demo/base/population__", "demo/base/zone_admin__"))]
        archive.extractall(folder, wanted)
    return folder / "demo" / "base"


def placed(path):
    dropped = read(path)
    frame = dropped.frame
    return frame if frame.crs is not None else frame.set_crs(dropped.crs)


def test_spearfish_people_by_city_exactly(spearfish):
    zones = placed(spearfish / "zone_admin__city" / "zone_admin__city" / "zone_admin__city.shp")
    found = zonal(spearfish / "population__demo" / "population__demo.GeoTIFF", zones, stat="sum")
    assert sorted(found.tolist(), reverse=True) == [60_330, 38_008, 4_972]


def test_lesotho_clusters_by_cell_centre(real):
    zones = placed(real / "lesotho" / "lesotho_clusters.geojson")
    found = zonal(real / "lesotho" / "lesotho_ghs.tif", zones, stat="sum")
    assert round(found.sum()) == 2_014_792
    stated = zones["pop"].to_numpy(dtype=float)
    assert np.corrcoef(found.to_numpy(), stated)[0, 1] == pytest.approx(0.99999, abs=5e-6)


def test_andorra_elevations(real, tmp_path):
    with zipfile.ZipFile(real / "andorra" / "N42E001.hgt.zip") as archive:
        heights = np.frombuffer(archive.read("N42E001.hgt"), dtype=">i2").reshape(1201, 1201)
    cell = 1 / 1200
    with rasterio.open(
        tmp_path / "dem.tif", "w", driver="GTiff", height=1201, width=1201, count=1, dtype="int16", crs="EPSG:4326",
        nodata=-32768, transform=Affine(cell, 0, 1 - cell / 2, 0, -cell, 43 + cell / 2),
    ) as target:  # fmt: skip
        target.write(heights.astype("int16"), 1)
    points = read(real / "andorra" / "andorra.osm.pbf", layer="points").frame
    places = points[points["place"].isin(["town", "village", "hamlet"])].set_index("name").geometry
    assert len(places) == 59
    found = {}
    for name in ("Andorra la Vella", "Ordino", "Canillo"):
        at = gpd.GeoSeries([places[places.index == name].iloc[0]], crs="EPSG:4326")
        found[name] = sample(tmp_path / "dem.tif", at)[0]
    assert found == {"Andorra la Vella": 1031, "Ordino": 1296, "Canillo": 1545}


def malawi_sources(real):
    facilities = placed(real / "malawi" / "vFacility__demo.gpkg")
    with rasterio.open(real / "malawi" / "rLandCoverMerged__demo.tif") as raster:
        classes, place = raster.read(1), raster.transform
        crs = CRS.from_wkt(raster.crs.to_wkt())
    at = facilities.geometry.to_crs(crs)
    column = np.floor((at.x - place.c) / place.a).astype(int)
    row = np.floor((at.y - place.f) / place.e).astype(int)
    return classes, (row * classes.shape[1] + column).to_numpy(), place.a


@pytest.mark.parametrize(("neighbours", "mean", "nulls"), [(8, 29.419, 32_283), (16, 29.522, 31_829)])
def test_malawi_driving_time(real, neighbours, mean, nulls):
    settings = json.loads((real / "malawi" / "config_demo_motorized.json").read_text(encoding="utf-8"))["args"]
    classes, sources, cell = malawi_sources(real)
    speed = np.full(classes.shape, np.nan)
    for line in settings["tableScenario"]:
        speed[classes == line["class"]] = line["speed"]
    minutes = travel_time(speed, sources, cell_m=cell, neighbours=neighbours, max_minutes=settings["maxTravelTime"])
    whole = np.ceil(minutes[np.isfinite(minutes)] - 1e-9)
    assert round(float(whole.mean()), 3) == mean
    assert int((~np.isfinite(minutes)).sum()) == nulls


def test_malawi_from_files(real, tmp_path):
    (tmp_path / "speeds.csv").write_text(
        "class,speed_kmh,mode\n" + "".join(f"{c},50,MOTORIZED\n" for c in (1, 2, 3, 1001, 1002, 1003)), encoding="utf-8"
    )
    done = write_travel_time(
        sources=real / "malawi" / "vFacility__demo.gpkg", landcover=real / "malawi" / "rLandCoverMerged__demo.tif",
        speeds=tmp_path / "speeds.csv", dem=real / "malawi" / "rDem__dem.tif", max_minutes=60, out=tmp_path / "t.tif",
    )  # fmt: skip
    assert (done["sources"], done["sources_outside"], done["sources_blocked"]) == (10, 0, 0)
    assert done["unreached"] + done["impassable"] == 32_283


def test_malawi_population_of_all_zones(real):
    with rasterio.open(real / "malawi" / "rPopulation__demo_patients.tif") as raster:
        assert round(float(np.nansum(raster.read(1).astype(np.float64)))) == 4_140_429
    zones = placed(real / "malawi" / "vZone__demo.gpkg")
    found = zonal(real / "malawi" / "rPopulation__demo_patients.tif", zones, stat="sum")
    assert (found > 0).all()
    assert found.sum() <= 4_140_429 + 1


def test_malawi_slopes_are_hills_not_walls(real):
    with rasterio.open(real / "malawi" / "rDem__dem.tif") as raster:
        steep = slope_percent(raster.read(1), raster.transform.a)
    assert 0 < np.nanmedian(steep) < 20
