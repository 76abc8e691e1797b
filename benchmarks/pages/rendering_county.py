"""An invented county of the size asked for: villages, roads, households. The same for both ways of drawing."""

import os

import geopandas as gpd
import numpy as np
import shapely

CRS = "EPSG:4546"
WIDTH_M = 60_000


def county(households: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    rng = np.random.default_rng(1)
    big = households > 100_000
    villages, roads = (2000, 150_000) if big else (350, 10_000)
    corner = np.array([400_000.0, 2_770_000.0])
    seats = rng.uniform(0, WIDTH_M, (villages, 2)) + corner
    frame = shapely.box(*corner, *(corner + WIDTH_M))
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(seats), extend_to=frame))
    cells = shapely.segmentize(shapely.intersection(cells, frame), 300)
    starts = rng.uniform(0, WIDTH_M, (roads, 1, 2)) + corner
    steps = rng.normal(0, 60, (roads, 12, 2)) + rng.normal(0, 60, (roads, 1, 2))
    homes = seats[rng.integers(0, villages, households)] + rng.normal(0, 500, (households, 2))

    def made(shapes: np.ndarray, **columns: object) -> gpd.GeoDataFrame:
        return gpd.GeoDataFrame({"id": np.arange(len(shapes)).astype(str), **columns}, geometry=shapes, crs=CRS)

    return (
        made(cells, status=rng.integers(0, 4, len(cells))),
        made(shapely.linestrings(starts + steps.cumsum(axis=1)), surface=rng.integers(0, 4, roads)),
        made(shapely.points(homes), grade=rng.integers(0, 4, households)),
    )


def asked_households() -> int:
    return int(os.environ.get("QIYOU_BENCH_HOUSEHOLDS", "60000"))
