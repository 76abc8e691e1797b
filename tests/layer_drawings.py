"""Small drawn layers for the tests of layers/: a strip of square villages near 113.7 E, 25.1 N."""

from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.read import Dropped
from layers.workspace import Source

WEST, SOUTH, STEP = 113.70, 25.10, 0.01


def square(column: int, row: int = 0) -> Any:
    x, y = WEST + column * STEP, SOUTH + row * STEP
    return shapely.box(x, y, x + STEP, y + STEP)


def inside(column: int, row: int = 0, dx: float = 0.5, dy: float = 0.5) -> Any:
    return shapely.Point(WEST + (column + dx) * STEP, SOUTH + (row + dy) * STEP)


def dropped(frame: Any, *, crs: str | None = None, name: str = "文件", first_row: int = 2) -> Dropped:
    rows = np.arange(first_row, first_row + len(frame), dtype=np.int64)
    return Dropped(frame, crs, None, "0" * 64, name, (name,), rows, 1, (), "test", None)


def source(layer: str, digest: str = "d", as_of: date = date(2018, 6, 30), is_partial: bool = False) -> Source:
    return Source(layer, digest, f"{layer}.shp", as_of, is_partial, 1)


def towns() -> Any:
    """Two towns side by side: 甲镇 columns 0-1, 乙镇 columns 2-3."""
    frame = pd.DataFrame({"town_id": ["440224101", "440224102"], "name": ["甲镇", "乙镇"]})
    shapes = [shapely.union_all([square(0), square(1)]), shapely.union_all([square(2), square(3)])]
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=4490)


def villages_raw() -> Any:
    """Four villages, one a square; 张庄 exists in both towns."""
    frame = pd.DataFrame(
        {
            "行政村代码": ["440224101201", "440224101202", "440224102201", "440224102202"],
            "行政村": ["张庄村", "李村", "张庄村", "河口社区"],
            "乡镇": ["甲镇", "甲镇", "乙镇", "乙镇"],
            "人口（万人）": [0.12, 0.05, 0.08, None],
        }
    )
    return gpd.GeoDataFrame(frame, geometry=[square(0), square(1), square(2), square(3)], crs=4490)
