"""Lay a new road over terrain: the cheapest alignment that keeps to a grade."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.transform import Affine
from rasterio.windows import Window
from scipy import sparse
from scipy.sparse import csgraph

from geo.errors import CRSError, InputError
from geo.raster import crs_of, open_raster, values_of
from geo.spread import moves

MARGIN = 0.6
LEAST_MARGIN_M = 600.0
LARGEST_WINDOW = 1_500_000
TOO_STEEP = 400.0


@dataclass(frozen=True)
class Alignments:
    """One alignment a pair of points: lines (None where the terrain is unknown), their length and steepest stretch.

    `is_feasible` says whether the steepest stretch keeps to the grade asked for; where none does, the line is the one
    that breaks it least.
    """

    lines: NDArray[Any]
    length_m: NDArray[np.float64]
    max_grade_percent: NDArray[np.float64]
    is_feasible: NDArray[np.bool_]


def least_cost(dem_path: str | Path, starts: Any, ends: Any, *, crs: Any, max_grade_percent: float = 9.0) -> Alignments:
    """Lay a road from each start to its end over a height model, going round rather than over what is too steep.

    Parameters
    ----------
    dem_path
        GeoTIFF of heights in metres, in the CRS of the points.
    starts, ends
        (n, 2) arrays of metres.
    crs
        The CRS of the points; the model must be in the same.
    max_grade_percent
        Steepest stretch allowed (the limit itself is allowed); between two cells of the model.

    Returns
    -------
    Alignments
        A road costs its length times 1 + (grade / limit) squared, and 400 times more where it is too steep, so that a
        short steep stretch remains where there is no other way – `is_feasible` then says no. NaN length and no line
        where an end lies outside the model or on unknown ground.

    Raises
    ------
    InputError, CRSError
        When the model cannot be used, or is in another CRS.
    """
    starts, ends = np.asarray(starts, dtype=np.float64), np.asarray(ends, dtype=np.float64)
    if starts.ndim != 2 or starts.shape != ends.shape or starts.shape[1:] != (2,):
        raise InputError("起点和终点要是一样多的坐标对。")
    if not max_grade_percent > 0:
        raise InputError(f"最大纵坡要大于 0，给的是 {max_grade_percent}。")
    n = len(starts)
    found = Alignments(np.full(n, None, dtype=object), np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, dtype=bool))
    file = Path(dem_path).stat() if Path(dem_path).exists() else None  # what is not there is refused when it is opened
    version = (str(dem_path), *((file.st_mtime_ns, file.st_size) if file else (0, 0)))
    for k in range(n):
        ends_k = tuple(starts[k].tolist()), tuple(ends[k].tolist())
        laid = _laid(version, CRS.from_user_input(crs), *ends_k, float(max_grade_percent))
        if laid is not None:
            found.lines[k], found.length_m[k], found.max_grade_percent[k], found.is_feasible[k] = laid
    return found


@lru_cache(maxsize=20_000)
def _laid(
    version: tuple[str, int, int], crs: CRS, start: tuple[float, float], end: tuple[float, float], limit: float
) -> tuple[Any, float, float, bool] | None:
    """Lay one road, once for a version of the model: line, metres, steepest percent, whether it keeps to the limit."""
    name = Path(version[0]).name
    with open_raster(version[0]) as raster:
        if crs_of(raster, name) != crs:
            raise CRSError(f"高程“{name}”与道路的坐标系不同。请把高程投影到 {crs.name}。")
        return _one(raster, np.array(start), np.array(end), limit)


def _one(
    raster: Any, start: NDArray[np.float64], end: NDArray[np.float64], limit: float
) -> tuple[Any, float, float, bool] | None:
    """Lay one road; None where the terrain is unknown or there is no way."""
    height, place = _around(raster, start, end)
    if height is None:
        return None
    at, to = _cell(place, start), _cell(place, end)
    rows, columns = height.shape
    cell = [int(p[1]) * columns + int(p[0]) for p in (at, to)]
    inside = all(0 <= p[0] < columns and 0 <= p[1] < rows for p in (at, to))
    if not inside or np.isnan(height.reshape(-1)[cell]).any():
        return None
    graph = _graph(height, abs(place.e), place.a, limit)
    cost, above = csgraph.dijkstra(graph, indices=cell[0], return_predecessors=True)
    if not np.isfinite(cost[cell[1]]):
        return None
    path = [cell[1]]
    while path[-1] != cell[0]:
        path.append(int(above[path[-1]]))
    row, column = np.divmod(np.array(path[::-1]), columns)
    xy = np.column_stack([place.c + (column + 0.5) * place.a, place.f + (row + 0.5) * place.e])
    step = np.hypot(*np.diff(xy, axis=0).T)
    rise = np.abs(np.diff(height[row, column]))
    grade = float((100 * rise / step).max()) if step.size else 0.0
    line = shapely.LineString(np.vstack([start, xy[1:-1], end]))
    return line, float(line.length), grade, grade <= limit + 1e-9


def _cell(place: Any, xy: Any) -> tuple[float, float]:
    """Give the column and row of a place, with fractions."""
    back = ~place
    return float(back.a * xy[0] + back.c), float(back.e * xy[1] + back.f)


def _around(raster: Any, start: NDArray[np.float64], end: NDArray[np.float64]) -> tuple[Any, Any]:
    """Read the heights around both ends, with room to go round; None where there are none."""
    place = raster.transform
    margin = max(LEAST_MARGIN_M, MARGIN * float(np.hypot(*(end - start))))
    low, high = np.minimum(start, end) - margin, np.maximum(start, end) + margin
    left, top = _cell(place, (low[0], high[1]))
    right, bottom = _cell(place, (high[0], low[1]))
    c0, r0 = max(0, int(left)), max(0, int(top))
    c1, r1 = min(raster.width, int(right) + 1), min(raster.height, int(bottom) + 1)
    if c1 <= c0 or r1 <= r0:
        return None, place
    if (c1 - c0) * (r1 - r0) > LARGEST_WINDOW:
        raise InputError(
            f"两点相距 {float(np.hypot(*(end - start))) / 1000:.1f} 公里，在这样细的高程上选线太大。请用较粗的高程。"
        )
    window = Window(c0, r0, c1 - c0, r1 - r0)
    moved = Affine(place.a, 0.0, place.c + c0 * place.a, 0.0, place.e, place.f + r0 * place.e)
    return values_of(raster, window), moved


def _graph(height: NDArray[np.float64], down_m: float, right_m: float, limit: float) -> sparse.csr_matrix:
    """Join each cell to sixteen others by what a road between them costs."""
    rows, columns = height.shape
    index = np.arange(height.size).reshape(height.shape)
    starts, ends, costs = [], [], []
    for down, right, length in zip(*moves(16, down_m, right_m), strict=True):
        here = (slice(max(0, -down), rows - max(0, down)), slice(max(0, -right), columns - max(0, right)))
        there = (slice(max(0, down), rows + min(0, down)), slice(max(0, right), columns + min(0, right)))
        grade = 100 * np.abs(height[there] - height[here]) / length
        cost = length * (1 + (grade / limit) ** 2) * np.where(grade > limit + 1e-9, TOO_STEEP, 1.0)
        known = ~np.isnan(cost)
        starts.append(index[here][known])
        ends.append(index[there][known])
        costs.append(cost[known])
    pairs = (np.concatenate(starts), np.concatenate(ends))
    return sparse.csr_matrix((np.concatenate(costs), pairs), shape=(height.size, height.size))
