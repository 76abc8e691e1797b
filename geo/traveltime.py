"""Travel time over a surface: how many minutes from anywhere to the nearest source."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.transform import Affine

from geo.errors import CRSError, InputError
from geo.raster import QUIET, crs_of, open_raster, values_of
from geo.read import read
from geo.spread import moves, spread

Direction = Literal["to", "from"]
NODATA = -9999.0
FASTEST_KMH = 200.0
MODES = {
    "motorized": False,
    "motorised": False,
    "机动车": False,
    "车行": False,
    "driving": False,
    "walking": True,
    "步行": True,
    "walk": True,
}


@dataclass(frozen=True)
class Grid:
    """Where a raster lies: its CRS in metres, the corner and size of its cells, its rows and columns."""

    crs: CRS
    transform: Affine
    shape: tuple[int, int]

    def cells(self, points: Any) -> NDArray[np.int64]:
        """Give the flat number of the cell under each point, -1 outside; points in any CRS."""
        if points.crs is None:
            raise CRSError("起点图层没有坐标系。请先说明它的坐标系（如 EPSG:4490）。")
        shapes = points.geometry if CRS.from_user_input(points.crs) == self.crs else points.geometry.to_crs(self.crs)
        at = shapely.point_on_surface(np.asarray(shapes.array, dtype=object))
        back = ~self.transform
        column = np.floor(back.a * shapely.get_x(at) + back.c)
        row = np.floor(back.e * shapely.get_y(at) + back.f)
        inside = (column >= 0) & (row >= 0) & (column < self.shape[1]) & (row < self.shape[0])
        return np.where(inside, np.where(inside, row, 0) * self.shape[1] + np.where(inside, column, 0), -1).astype(
            np.int64
        )


def travel_time(
    speed_kmh: NDArray[Any],
    sources: NDArray[np.int64],
    *,
    cell_m: tuple[float, float] | float,
    height_m: NDArray[Any] | None = None,
    is_walked: NDArray[np.bool_] | None = None,
    neighbours: int = 8,
    direction: Direction = "to",
    max_minutes: float | None = None,
) -> NDArray[np.float64]:
    """Give the least minutes between each cell and the nearest source over a surface.

    Parameters
    ----------
    speed_kmh
        Speed in each cell on level ground, km/h; NaN or 0 where nobody passes.
    sources
        Flat numbers (row times columns plus column) of the source cells; those in impassable cells reach nothing.
    cell_m
        Side of a cell in metres, or (height, width).
    height_m, is_walked
        Heights in metres and where people walk: there the slope changes the pace after Tobler (1993),
        exp(-3.5 |slope + 0.05|), relative to level ground. Both or neither.
    neighbours
        8, or 16 with the knight's moves, which pass two more cells and need both passable.
    direction
        "to" the sources (people go there) or "from" them (help comes); they differ only where people walk on slopes.
    max_minutes
        Cells farther than this are not reached; at most is inclusive.

    Returns
    -------
    ndarray
        Minutes, inf where no source is reached. A step costs its length times the mean of the cells it touches.

    Raises
    ------
    InputError
        When sizes differ, a speed is negative or above 200 km/h, or another argument is out of range.

    Examples
    --------
    >>> level = np.full((1, 4), 60.0)
    >>> travel_time(level, np.array([0]), cell_m=1000.0).round(6).tolist()
    [[0.0, 1.0, 2.0, 3.0]]
    """
    speed = np.asarray(speed_kmh, dtype=np.float64)
    if neighbours not in (8, 16) or direction not in ("to", "from"):
        raise InputError("相邻格数只能是 8 或 16，方向只能是 to（去）或 from（来）。")
    if max_minutes is not None and not max_minutes > 0:
        raise InputError(f"最长时间要大于 0 分钟，给的是 {max_minutes}。")
    down_m, right_m = cell_m if isinstance(cell_m, tuple) else (cell_m, cell_m)
    if not (down_m > 0 and right_m > 0):
        raise InputError("格的边长要大于 0 米。")
    if speed.ndim != 2 or any(a is not None and np.shape(a) != speed.shape for a in (height_m, is_walked)):
        raise InputError("速度、高程、步行范围要一样大。")
    if np.nanmin(speed, initial=0.0) < 0 or np.nanmax(speed, initial=0.0) > FASTEST_KMH:
        raise InputError(f"速度要在 0 到 {FASTEST_KMH:.0f} 公里/小时之间。")
    with np.errstate(divide="ignore"):
        pace = np.where(speed > 0, 60.0 / (1000.0 * np.where(speed > 0, speed, np.nan)), np.inf)
    height = None
    if height_m is not None and is_walked is not None:
        height = np.asarray(height_m, dtype=np.float64)
        pace = np.where(np.isnan(height) & is_walked, np.inf, pace)
        height = np.nan_to_num(height)
    return spread(
        pace,
        height,
        is_walked,
        np.unique(np.asarray(sources, dtype=np.int64)),
        steps=moves(neighbours, down_m, right_m),
        towards_source=direction == "to",
        max_minutes=np.inf if max_minutes is None else float(max_minutes),
    )


def read_speeds(path: str | Path) -> dict[int, tuple[float, bool]]:
    """Read a table of land-cover classes: class, speed_kmh and, if wanted, mode (MOTORIZED or WALKING).

    Returns
    -------
    dict
        Class -> (km/h on level ground, whether people walk).
    """
    frame = read(path).frame
    names = {str(column).strip().lower(): column for column in frame.columns}
    code = next((names[n] for n in ("class", "类别", "地类", "地类代码") if n in names), None)
    pace = next((names[n] for n in ("speed_kmh", "speed", "速度", "速度(公里/小时)") if n in names), None)
    if code is None or pace is None:
        raise InputError(f"速度表“{Path(path).name}”要有 class（地类）和 speed_kmh（公里/小时）两列。")
    mode = next((names[n] for n in ("mode", "方式", "出行方式") if n in names), None)
    table: dict[int, tuple[float, bool]] = {}
    for row, (one, speed, how) in enumerate(
        zip(frame[code], frame[pace], frame[mode] if mode else frame[code] * 0, strict=True), 2
    ):
        key = str(how).strip().lower() if mode else "motorized"
        number, value = pd.to_numeric(one, errors="coerce"), pd.to_numeric(speed, errors="coerce")
        if pd.isna(number) or pd.isna(value) or key not in MODES:
            raise InputError(
                f"速度表“{Path(path).name}”第 {row} 行读不懂：{one}、{speed}、{how if mode else ''}。方式可写 MOTORIZED 或 WALKING。"
            )
        if int(number) in table:
            raise InputError(f"速度表“{Path(path).name}”第 {row} 行：类别 {int(number)} 已经出现过。")
        table[int(number)] = (float(value), MODES[key])
    return table


def speeds_of(
    classes: NDArray[Any], table: Mapping[int, tuple[float, bool]]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Turn land-cover classes into speeds and walking cells; a class the table does not name cannot be passed.

    Examples
    --------
    >>> speed, walked = speeds_of(np.array([[1.0, 2.0, np.nan]]), {1: (50.0, False)})
    >>> speed.tolist(), walked.tolist()
    ([[50.0, nan, nan]], [[False, False, False]])
    """
    speed, walked = np.full(classes.shape, np.nan), np.zeros(classes.shape, dtype=bool)
    for code, (pace, on_foot) in table.items():
        here = classes == code
        speed[here], walked[here] = pace, on_foot
    return speed, walked


def _surface(path: str | Path) -> tuple[NDArray[np.float64], Grid]:
    """Read a raster whole, with its grid; it must be in metres."""
    name = Path(path).name
    with open_raster(path) as raster:
        crs = crs_of(raster, name)
        if not crs.is_projected or crs.axis_info[0].unit_conversion_factor != 1.0:
            raise CRSError(f"栅格“{name}”的坐标不是米（{crs.name}）。请投影到 CGCS2000 高斯-克吕格等米制坐标系。")
        return values_of(raster), Grid(crs, raster.transform, (raster.height, raster.width))


def _same_grid(one: Grid, other: Grid, name: str) -> None:
    """Refuse a second raster that does not lie cell on cell with the first."""
    near = np.allclose(tuple(one.transform), tuple(other.transform), rtol=0, atol=0.01 * abs(one.transform.a))
    if one.shape != other.shape or not near:
        raise InputError(f"“{name}”与地类（速度）栅格的范围或格子不同。请重采样到同一格网。")


def write_travel_time(
    *,
    sources: str | Path,
    out: str | Path,
    speed_kmh: str | Path | None = None,
    landcover: str | Path | None = None,
    speeds: str | Path | None = None,
    dem: str | Path | None = None,
    neighbours: int = 8,
    direction: Direction = "to",
    max_minutes: float | None = None,
) -> dict[str, Any]:
    """Compute travel time from files and write it as a GeoTIFF of minutes.

    Parameters
    ----------
    sources
        Any file with places (clinics, schools); polygons stand for a point inside them.
    out
        The .tif to write; NODATA -9999 where no source is reached.
    speed_kmh
        Raster of speeds, or else
    landcover, speeds
        a raster of classes and the table of their speeds (see `read_speeds`).
    dem
        Heights on the same grid, for people who walk.
    neighbours, direction, max_minutes
        As for `travel_time`.

    Returns
    -------
    dict
        reached, unreached (passable, but not in time), impassable: numbers of cells; sources, sources_outside,
        sources_blocked; mean_minutes; out.

    Raises
    ------
    InputError, CRSError
        When a file cannot be used, the grids differ, or no source lies on a passable cell.
    """
    if (speed_kmh is None) == (landcover is None) or (landcover is None) != (speeds is None):
        raise InputError("请给出速度栅格，或者同时给出地类栅格和速度表，二者选一。")
    values, grid = _surface(speed_kmh if speed_kmh is not None else landcover or "")
    walked = None
    if speeds is not None:
        values, walked = speeds_of(values, read_speeds(speeds))
    height = None
    if dem is not None:
        height, other = _surface(dem)
        _same_grid(grid, other, Path(dem).name)
        walked = np.ones(grid.shape, dtype=bool) if walked is None else walked
    cells = grid.cells(_places(sources))
    inside = cells[cells >= 0]
    passable = values > 0
    usable = inside[passable.reshape(-1)[inside]]
    if not usable.size:
        raise InputError(f"“{Path(sources).name}”没有一个起点落在可通行的格上。请检查坐标系和速度表。")
    minutes = travel_time(
        values,
        usable,
        cell_m=(abs(grid.transform.e), grid.transform.a),
        height_m=height,
        is_walked=walked if height is not None else None,
        neighbours=neighbours,
        direction=direction,
        max_minutes=max_minutes,
    )
    reached = np.isfinite(minutes)
    _write(Path(out), np.where(reached, minutes, NODATA).astype(np.float32), grid)
    return {
        "reached": int(reached.sum()),
        "unreached": int((passable & ~reached).sum()),
        "impassable": int((~passable).sum()),
        "sources": int(cells.size),
        "sources_outside": int((cells < 0).sum()),
        "sources_blocked": int(inside.size - usable.size),
        "mean_minutes": float(minutes[reached].mean()),
        "out": str(out),
    }


def _places(path: str | Path) -> Any:
    """Read the places of a file, in the CRS it states."""
    dropped = read(path)
    if not isinstance(dropped.frame, gpd.GeoDataFrame) or dropped.frame.geometry.isna().all():
        raise InputError(f"“{Path(path).name}”里没有位置。请给出点图层。")
    frame = dropped.frame[dropped.frame.geometry.notna()]
    return frame if frame.crs is not None or dropped.crs is None else frame.set_crs(dropped.crs)


def _write(path: Path, minutes: NDArray[np.float32], grid: Grid) -> None:
    """Write minutes beside the name wanted, then move them there, so that no half file keeps the name."""
    draft = path.with_name(path.name + ".part")
    with (
        rasterio.Env(**QUIET),
        rasterio.open(
            draft,
            "w",
            driver="GTiff",
            height=grid.shape[0],
            width=grid.shape[1],
            count=1,
            dtype="float32",
            crs=grid.crs.to_wkt(),
            transform=grid.transform,
            nodata=NODATA,
            compress="deflate",
            tiled=True,
            blockxsize=256,
            blockysize=256,
        ) as target,
    ):
        target.write(minutes, 1)
        target.update_tags(unit="minute")
    draft.replace(path)
