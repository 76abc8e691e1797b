"""A tiny drawn county for the tests of roads and plans."""

from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS
from shapely import LineString, Point

from analysis.policy import read_policy
from layers.workspace import Source, Workspace

DAY = date(2018, 6, 30)
METRIC = CRS("EPSG:4547")
HEAD = 'id = "tiny"\ntitle = "小政策"\ndocument = "试〔2016〕1号"\nissued = 2016-01-01\n'
USUAL = {
    "hardening.min_population": 200,
    "hardening.surfaces": ["asphalt", "concrete"],
    "hardening.snap_m": 500,
    "hardening.detour_factor": 1.5,
    "cost.hardening_cny10k_per_km": 60,
    "cost.new_road_cny10k_per_km": 100,
    "subsidy.road_cny10k_per_km": 2,
}


def policy(strengths=(), **changes):
    """The usual policy; a keyword with __ for the dot changes a figure, None leaves it out."""
    figures = {**USUAL, **{key.replace("__", "."): value for key, value in changes.items()}}
    text = HEAD
    for key, value in figures.items():
        if value is not None:
            strength = dict(strengths).get(key, "hard")
            shown = str(value).replace("'", '"')
            text += f'[parameters."{key}"]\nlabel = "x"\nunit = "none"\n'
            text += f'values = [{{ value = {shown}, strength = "{strength}", unsourced = true }}]\n'
    return read_policy(text)


def roads(rows):
    """Rows of (road_id, surface, coordinates, further columns)."""
    frame = gpd.GeoDataFrame(
        [{"road_id": i, "surface": s, **(more[0] if more else {})} for i, s, _, *more in rows],
        geometry=[LineString(xy) for _, _, xy, *_ in rows],
        crs=METRIC,
    )
    text = ["route_code", "name", "admin_class", "technical_grade", "town"]
    numbers = ["pavement_width_m", "subgrade_width_m", "built_year"]
    flags = ["has_safety_barrier", "is_duplicate", "is_dead_end"]
    for columns, dtype in ((text, "str"), (numbers, "float64"), (flags, "boolean")):
        for column in columns:
            held = frame[column] if column in frame else pd.Series([None] * len(frame), dtype="object")
            frame[column] = held.astype("object").where(held.notna(), None).astype(dtype)
    return frame


def villages(rows):
    """Rows of (natural_village_id, population, (x, y))."""
    return gpd.GeoDataFrame(
        {
            "natural_village_id": pd.array([row[0] for row in rows], dtype="str"),
            "name": pd.array([f"{row[0]}村" for row in rows], dtype="str"),
            "village_id": pd.array(["V1"] * len(rows), dtype="str"),
            "town": pd.array(["甲镇"] * len(rows), dtype="str"),
            "population": np.array([np.nan if row[1] is None else row[1] for row in rows], dtype="float64"),
            "households": np.full(len(rows), np.nan),
            "poor_population": np.array([np.nan if row[1] is None else row[1] // 10 for row in rows], dtype="float64"),
        },
        geometry=[None if row[2] is None else Point(row[2]) for row in rows],
        crs=METRIC,
    )


def workspace(is_partial=False, as_of=DAY, **layers):
    sources = {
        name: Source(name, "d", f"{name}.shp", as_of, is_partial and name == "roads", len(frame))
        for name, frame in layers.items()
    }
    return Workspace(layers, METRIC, sources, (), "digest")
