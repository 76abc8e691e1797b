"""A small invented county on a map, with everything a page may ask of it."""

import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely
import streamlit as st

from views.maps import (
    LayerState,
    MapSpec,
    TileLayer,
    register_column,
    register_hillshade,
    register_labels,
    register_source,
    show_map,
    style_of,
)
from views.palette import GRADE, STATUS, SURFACE

LON, LAT, STEP = 113.0, 25.0, 0.02
STATUSES = list(STATUS)
EVIL = "<img src=x onerror='window.__x=1'>${window.__x=1}`{{7*7}}"


@st.cache_resource
def county() -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Four villages in a square (one status each), two roads along the middle, forty houses."""
    cells = [
        shapely.box(LON + i * STEP, LAT + j * STEP, LON + (i + 1) * STEP, LAT + (j + 1) * STEP)
        for j in (0, 1)
        for i in (0, 1)
    ]
    villages = gpd.GeoDataFrame(
        {"village_id": list("abcd"), "name": ["甲村", "乙村", EVIL, "丁村"]}, geometry=cells, crs=4490
    )
    middle = LAT + STEP * 1.5
    lines = [shapely.LineString([(LON + i * STEP, middle), (LON + (i + 1) * STEP, middle)]) for i in (0, 1)]
    roads = gpd.GeoDataFrame({"road_id": ["r0", "r1"]}, geometry=lines, crs=4490)
    places = shapely.points(np.random.default_rng(1).uniform(0.1, 0.4, (40, 2)) * STEP + (LON, LAT))
    houses = gpd.GeoDataFrame({"household_id": [f"h{i}" for i in range(40)]}, geometry=places, crs=4490)
    return villages, roads, houses


@st.cache_resource
def hill() -> str:
    """A cone of 900 m in the middle of the county."""
    path = Path(tempfile.mkdtemp()) / "dem.tif"
    rows, columns = np.mgrid[0:120, 0:120]
    height = (900 - 14 * np.hypot(rows - 60, columns - 60)).clip(0).astype("float32")
    grid = rasterio.Affine(STEP / 40, 0, LON - STEP / 2, 0, -STEP / 40, LAT + STEP * 2.5)
    shape = {"driver": "GTiff", "width": 120, "height": 120, "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", crs="EPSG:4490", transform=grid, **shape) as out:
        out.write(height, 1)
    return register_hillshade(path)


villages, roads, houses = county()
st.set_page_config(layout="wide")
left, right = st.columns([3, 1])
with right:
    keep = [i for i, key in enumerate(STATUSES) if st.checkbox(STATUS[key].label, value=True, key=f"keep-{key}")]
    is_swapped = st.checkbox("换色", key="swap")
    has_houses = st.checkbox("显示住户", value=True, key="houses")
    is_here = st.checkbox("显示地图", value=True, key="here")
    flash = st.button("闪烁甲村")
    focus = st.button("定位丁村")

spec = MapSpec(
    layers=(
        TileLayer("villages", "村" + EVIL, register_source(villages, id_field="village_id", kind="polygon"), "polygon"),
        TileLayer("roads", "道路", register_source(roads, id_field="road_id", kind="line"), "line"),
        TileLayer("houses", "住户", register_source(houses, id_field="household_id", kind="point"), "point"),
    ),
    bounds=(LON, LAT, LON + 2 * STEP, LAT + 2 * STEP),
    hillshade=hill(),
    title="测试县",
)
codes = np.array([3, 2, 1, 0] if is_swapped else [0, 1, 2, 3])
states = {
    "villages": LayerState(
        columns={"status": register_column(codes)},
        color_by="status",
        classes=tuple(style_of(STATUS[key], rank=i) for i, key in enumerate(STATUSES)),
        filters={"status": tuple(keep)},
        labels_column=register_labels(villages["name"].tolist()),
        show_labels=True,
    ),
    "roads": LayerState(
        columns={"surface": register_column(np.array([0, 4]))},
        color_by="surface",
        classes=tuple(style_of(swatch, width=4) for swatch in SURFACE.values()),
    ),
    "houses": LayerState(
        columns={"grade": register_column(np.arange(40) % 4)},
        color_by="grade",
        classes=tuple(style_of(swatch, radius=4, rank=i) for i, swatch in enumerate(GRADE.values())),
        visible=has_houses,
    ),
}
if is_here:
    with left:
        event = show_map(
            spec,
            states,
            key="county",
            height=560,
            flash=("villages", 0) if flash else None,
            focus=("villages", 3) if focus else None,
            nonce=1 if flash or focus else 0,
        )
    with right:
        st.text(f"clicked={event.clicked} selected={len(event.selected)} nonce={event.nonce > 0}")
