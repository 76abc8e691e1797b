"""Add up raster cells whose centres lie in polygons, row by row."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo import compiled
from geo.compiled import compiled as compile_

Floats = NDArray[np.float64]
Totals = tuple[Floats, Floats, Floats, Floats]


def zone_totals(values: Floats, shapes: NDArray[Any], left: int, top: int) -> Totals:
    """Count, add up and find the extremes of the cells in each polygon.

    Parameters
    ----------
    values
        Cells, NaN where unknown; the first lies at column `left` and row `top` of the raster.
    shapes
        Polygons in raster coordinates: x in columns from the left border, y in rows from the top border.

    Returns
    -------
    count, total, low, high
        One number a polygon; a centre on a left border is out, on a right border in, so that neighbours that share a
        border share no cell. `low` is inf and `high` -inf where the count is 0.

    Examples
    --------
    >>> cells = np.arange(9.0).reshape(3, 3)
    >>> count, total, low, high = zone_totals(cells, np.array([shapely.box(0, 0, 2, 2)]), 0, 0)
    >>> count.tolist(), total.tolist(), low.tolist(), high.tolist()
    ([4.0], [8.0], [0.0], [4.0])
    """
    if not compiled.IS_COMPILED:
        return _by_library(values, shapes, left, top)
    rings, owner = _rings(shapes)
    if not rings.size:
        return _by_library(values, shapes[:0], left, top) if not len(shapes) else _nothing(len(shapes))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    xy = xy - np.array([float(left), float(top)])
    start = np.flatnonzero(ring[1:] == ring[:-1])
    zone = owner[ring[start]]
    order = np.argsort(zone, kind="stable")
    start, zone = start[order], zone[order]
    first = np.searchsorted(zone, np.arange(len(shapes) + 1))
    return _scan(values, xy[start, 0], xy[start, 1], xy[start + 1, 0], xy[start + 1, 1], first)


def _rings(shapes: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Take polygons apart into rings, with the position of the polygon each belongs to."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    flat = shapely.get_type_id(parts) == 3
    rings, within = shapely.get_rings(parts[flat], return_index=True)
    return rings, owner[flat][within]


def _nothing(n: int) -> Totals:
    return np.zeros(n), np.zeros(n), np.full(n, np.inf), np.full(n, -np.inf)


def _by_library(values: Floats, shapes: NDArray[Any], left: int, top: int) -> Totals:
    """Do the same with the library's rasterising, zone by zone in its own window."""
    from rasterio.features import geometry_mask
    from rasterio.transform import Affine

    count, total, low, high = _nothing(len(shapes))
    for k, shape in enumerate(shapes):
        if shape is None or shape.is_empty or shape.geom_type not in ("Polygon", "MultiPolygon"):
            continue
        x0, y0, x1, y1 = shape.bounds
        c0, r0 = max(0, int(np.floor(x0)) - left), max(0, int(np.floor(y0)) - top)
        c1 = min(values.shape[1], int(np.ceil(x1)) - left)
        r1 = min(values.shape[0], int(np.ceil(y1)) - top)
        if c1 <= c0 or r1 <= r0:
            continue
        place = Affine.translation(left + c0, top + r0)
        inside = geometry_mask([shape], (r1 - r0, c1 - c0), place, invert=True)
        cells = values[r0:r1, c0:c1][inside]
        cells = cells[~np.isnan(cells)]
        if cells.size:
            count[k], total[k], low[k], high[k] = cells.size, cells.sum(), cells.min(), cells.max()
    return count, total, low, high


@compile_
def _scan(values: Floats, x0: Floats, y0: Floats, x1: Floats, y1: Floats, first: NDArray[np.int64]) -> Totals:
    """Walk each zone's rows: find where its borders cross the middle of the row, add up the cells between."""
    zones = first.size - 1
    height, width = values.shape
    count, total = np.zeros(zones), np.zeros(zones)
    low, high = np.full(zones, np.inf), np.full(zones, -np.inf)
    for zone in range(zones):
        a, b = first[zone], first[zone + 1]
        if a == b:
            continue
        bottom, top = -1e300, 1e300
        for e in range(a, b):
            bottom, top = max(bottom, max(y0[e], y1[e])), min(top, min(y0[e], y1[e]))
        row_from, row_to = max(0, int(np.floor(top - 0.5))), min(height - 1, int(np.ceil(bottom)))
        if row_to < row_from:
            continue
        rows = row_to - row_from + 1
        number = np.zeros(rows + 1, np.int64)
        for e in range(a, b):
            lo, hi = min(y0[e], y1[e]), max(y0[e], y1[e])
            for r in range(max(row_from, int(np.ceil(lo - 0.5))), min(row_to, int(np.ceil(hi - 0.5)) - 1) + 1):
                number[r - row_from + 1] += 1
        for k in range(rows):
            number[k + 1] += number[k]
        crossing = np.empty(number[rows])
        filled = number[:rows].copy()
        for e in range(a, b):
            lo, hi = min(y0[e], y1[e]), max(y0[e], y1[e])
            for r in range(max(row_from, int(np.ceil(lo - 0.5))), min(row_to, int(np.ceil(hi - 0.5)) - 1) + 1):
                share = (r + 0.5 - y0[e]) / (y1[e] - y0[e])
                crossing[filled[r - row_from]] = x0[e] + share * (x1[e] - x0[e])
                filled[r - row_from] += 1
        for k in range(rows):
            here = np.sort(crossing[number[k] : number[k + 1]])
            for pair in range(0, here.size - 1, 2):
                begin = max(0, int(np.floor(here[pair] + 0.5)))
                end = min(width, int(np.floor(here[pair + 1] + 0.5)))
                for c in range(begin, end):
                    value = values[row_from + k, c]
                    if value == value:
                        count[zone] += 1
                        total[zone] += value
                        low[zone], high[zone] = min(low[zone], value), max(high[zone], value)
    return count, total, low, high
