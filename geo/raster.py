"""Zonal figures, slope and shading of rasters; the only place that opens a raster somebody sent."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import rasterio
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.windows import Window

from geo.errors import CRSError, InputError
from geo.scanlines import zone_totals

Statistic = Literal["sum", "mean", "min", "max"]

MAX_CELLS = 500_000_000
STRIP_CELLS = 16_000_000
MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
QUIET = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "GDAL_HTTP_MAX_RETRY": "0",
}


@contextmanager
def open_raster(path: str | Path) -> Iterator[Any]:
    """Open a GeoTIFF for reading, after its first bytes and its header were found harmless.

    Parameters
    ----------
    path
        A file on this machine. Files beside it (.tfw, .aux.xml, .ovr) are not looked at.

    Raises
    ------
    InputError
        When there is no such file, when it is not a GeoTIFF (whatever its name says), when its header declares more
        than 500 million cells, or when it has no place on the ground.
    """
    file = Path(path)
    name = file.name
    if re.match(r"(/vsi|[A-Za-z][A-Za-z0-9+.-]+:(//|[^\\/]))", str(path)) or not file.is_file():
        raise InputError(f"找不到栅格文件“{name}”。请给出本机上的 GeoTIFF（.tif）文件。")
    with file.open("rb") as head:
        if head.read(4) not in MAGIC:
            raise InputError(f"“{name}”不是 GeoTIFF。请在 GIS 软件里另存为 GeoTIFF（.tif）再试。")
    with rasterio.Env(**QUIET), _opened(file, name) as raster:
        yield raster


def _opened(file: Path, name: str) -> Any:
    """Open a file as GeoTIFF and nothing else, and look at its header."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)  # refused below, in words
        try:
            raster = rasterio.open(file.resolve(), driver="GTiff")
        except rasterio.errors.RasterioError as error:
            raise InputError(f"“{name}”不是可读的 GeoTIFF，可能已损坏。请重新导出。") from error
        try:
            _refuse_odd(raster, name)
        except InputError:
            raster.close()
            raise
    return raster


def _refuse_odd(raster: Any, name: str) -> None:
    """Refuse a raster that is too large, holds no numbers, or lies nowhere."""
    cells = raster.width * raster.height
    if cells > MAX_CELLS:
        raise InputError(
            f"“{name}”声明有 {raster.width}×{raster.height} 个格，超过上限 {MAX_CELLS // 1_000_000} 百万。"
            "请裁剪到本县范围或降低分辨率。"
        )
    if raster.dtypes[0].startswith("complex"):
        raise InputError(f"“{name}”是复数栅格，无法统计。")
    if raster.transform.is_identity or raster.transform.b or raster.transform.d:
        raise InputError(f"“{name}”没有地理位置，或者是旋转的。请导出为正北向、带坐标的 GeoTIFF。")


def crs_of(raster: Any, name: str) -> CRS:
    """Give the CRS of an open raster; refuse one without."""
    if raster.crs is None:
        raise CRSError(f"栅格“{name}”没有坐标系。请在 GIS 软件里定义坐标系后再试。")
    return CRS.from_wkt(raster.crs.to_wkt())


def values_of(raster: Any, window: Window | None = None) -> NDArray[np.float64]:
    """Read a window, or all, as numbers, NaN where the raster holds nothing."""
    return _numbers(raster.read(1, window=window), raster.nodata)


def _numbers(band: NDArray[Any], nodata: float | None) -> NDArray[np.float64]:
    values: NDArray[np.float64] = band.astype(np.float64)
    if nodata is not None and not np.isnan(nodata):
        values[band == np.asarray(nodata).astype(band.dtype)] = np.nan
    values[~np.isfinite(values)] = np.nan
    return values


def _places_in_cells(points: NDArray[Any], crs: Any, raster: Any, name: str) -> NDArray[np.float64]:
    """Bring plain coordinates into the raster's CRS and then into its columns and rows."""
    own = crs_of(raster, name)
    x, y = np.asarray(points, np.float64).T
    given = own if crs is None else CRS.from_user_input(crs)
    if given != own:
        x, y = Transformer.from_crs(given, own, always_xy=True).transform(x, y)
    back = ~raster.transform
    return np.column_stack([back.a * x + back.c, back.e * y + back.f])


def _in_cells(zones: Any, raster: Any, name: str) -> NDArray[Any]:
    """Bring zones into the raster's CRS and then into its rows and columns."""
    if zones.crs is None:
        raise CRSError("分区图层没有坐标系。请先说明它的坐标系（如 EPSG:4490）。")
    crs = crs_of(raster, name)
    shapes = zones.geometry if CRS.from_user_input(zones.crs) == crs else zones.geometry.to_crs(crs)
    shapes = np.asarray(shapes.array, dtype=object)
    back = ~raster.transform

    def place(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack([back.a * xy[:, 0] + back.c, back.e * xy[:, 1] + back.f])

    return np.asarray(shapely.transform(shapes, place))


def zonal(raster_path: str | Path, zones: Any, *, stat: Statistic) -> Any:
    """Sum, average, or find the extremes of a raster in each zone (a cell belongs to the zone its centre is in).

    Parameters
    ----------
    raster_path
        GeoTIFF; cells without value (nodata, NaN) count for nothing.
    zones
        GeoDataFrame of polygons in any CRS; they are brought into the raster's. Zones may overlap.
    stat
        sum, mean, min or max of the cells.

    Returns
    -------
    Series
        Indexed as `zones`; NaN where no cell with a value has its centre in the zone – outside the raster, on nodata,
        or smaller than a cell – because nothing is known there. `attrs["note"]` says for how many zones.

    Raises
    ------
    InputError
        When the file is not a usable GeoTIFF, or no zone touches it.
    CRSError
        When the zones or the raster have no CRS.
    """
    if stat not in ("sum", "mean", "min", "max"):
        raise InputError(f"不认识的统计方式“{stat}”。可用：sum、mean、min、max。")
    name = Path(raster_path).name
    with open_raster(raster_path) as raster:
        shapes = _in_cells(zones, raster, name)
        extent = shapely.box(0, 0, raster.width, raster.height)
        if len(shapes) and not shapely.intersects(extent, shapes).any():
            raise InputError(f"没有一个分区落在栅格“{name}”的范围内。请检查两者的坐标系。")
        count, total, low, high = _totals(raster, shapes)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = {"sum": total, "mean": total / count, "min": low, "max": high}[stat]
    result = pd.Series(np.where(count > 0, value, np.nan), index=zones.index, name=stat)
    blank = int((count == 0).sum())
    result.attrs["note"] = f"{blank} 个分区内没有有效的格" if blank else ""
    return result


def _totals(raster: Any, shapes: NDArray[Any]) -> tuple[NDArray[np.float64], ...]:
    """Go through the raster in strips of rows that fit memory, adding up every zone."""
    bounds = shapely.bounds(shapes)
    known = np.isfinite(bounds).all(axis=1)
    count, total = np.zeros(len(shapes)), np.zeros(len(shapes))
    low, high = np.full(len(shapes), np.inf), np.full(len(shapes), -np.inf)
    if not known.any():
        return count, total, low, high
    left = int(max(0, np.floor(bounds[known, 0].min())))
    right = int(min(raster.width, np.ceil(bounds[known, 2].max())))
    top = int(max(0, np.floor(bounds[known, 1].min())))
    bottom = int(min(raster.height, np.ceil(bounds[known, 3].max())))
    step = max(1, STRIP_CELLS // max(1, right - left))
    for row in range(top, bottom, step):
        rows = min(step, bottom - row)
        values = values_of(raster, Window(left, row, right - left, rows))
        here = np.flatnonzero(known & (bounds[:, 3] > row) & (bounds[:, 1] < row + rows))
        n, s, lo, hi = zone_totals(values, shapes[here], left, row)
        count[here] += n
        total[here] += s
        low[here] = np.minimum(low[here], lo)
        high[here] = np.maximum(high[here], hi)
    return count, total, low, high


def slope_percent(dem: NDArray[Any], cell_size: float) -> NDArray[np.float32]:
    """Give the steepness of each cell in percent (rise over run times 100), after Horn (1981).

    Parameters
    ----------
    dem
        Heights in metres, two dimensions; NaN where unknown.
    cell_size
        Side of a cell in metres.

    Returns
    -------
    ndarray
        As large as `dem`; NaN where the cell or one of its eight neighbours is unknown. At the border the nearest
        cells stand in for those beyond it.

    Examples
    --------
    >>> ramp = np.arange(25.0).reshape(5, 5) % 5 * 3
    >>> float(slope_percent(ramp, 30.0)[2, 2])
    10.0
    """
    east, south = _gradient(dem, cell_size)
    return np.asarray(100 * np.hypot(east, south), dtype=np.float32)


def hillshade(dem: NDArray[Any], cell_size: float, azimuth: float = 315, altitude: float = 45) -> NDArray[np.uint8]:
    """Shade terrain as if lit by the sun: 1 in shadow to 255 facing it, 0 where the height is unknown.

    Parameters
    ----------
    dem
        Heights in metres, two dimensions, north up; NaN where unknown.
    cell_size
        Side of a cell in metres.
    azimuth, altitude
        Where the sun stands, in degrees clockwise from north and above the horizon.

    Examples
    --------
    >>> int(hillshade(np.zeros((3, 3)), 30.0)[1, 1])
    181
    """
    east, south = _gradient(dem, cell_size)
    up, round_ = np.deg2rad(altitude), np.deg2rad(azimuth)
    lit = np.sin(up) - np.cos(up) * (east * np.sin(round_) - south * np.cos(round_))
    shade = np.clip(lit / np.sqrt(1 + east**2 + south**2), 0, 1)
    return np.where(np.isfinite(shade), 1 + np.nan_to_num(shade) * 254.0 + 0.5, 0).astype(np.uint8)


def _gradient(dem: NDArray[Any], cell_size: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the rise towards east and towards south per metre, after Horn."""
    if np.ndim(dem) != 2 or min(np.shape(dem)) < 2:
        raise InputError("高程要有两行两列以上。")
    if not cell_size > 0:
        raise InputError(f"格的边长要大于 0 米，给的是 {cell_size}。")
    z = np.pad(np.asarray(dem, dtype=np.float64), 1, mode="edge")
    wide, tall = z[1:-1, 2:] - z[1:-1, :-2], z[2:, 1:-1] - z[:-2, 1:-1]
    east = (z[:-2, 2:] + z[2:, 2:] - z[:-2, :-2] - z[2:, :-2] + 2 * wide) / (8 * cell_size)
    south = (z[2:, :-2] + z[2:, 2:] - z[:-2, :-2] - z[:-2, 2:] + 2 * tall) / (8 * cell_size)
    unknown = np.isnan(z[1:-1, 1:-1])
    return np.where(unknown, np.nan, east), np.where(unknown, np.nan, south)


def sample(raster_path: str | Path, points: Any, *, crs: Any = None) -> NDArray[np.float64]:
    """Read the raster value of the cell under each point.

    Parameters
    ----------
    raster_path
        GeoTIFF.
    points
        GeoSeries or GeoDataFrame of points in any CRS, or an (n, 2) array; they are brought into the raster's CRS.
    crs
        The CRS of an array of points; the raster's own when not given.

    Returns
    -------
    ndarray
        One number a point; NaN outside the raster, on nodata, and for a missing point.

    Raises
    ------
    InputError, CRSError
        As for `zonal`.
    """
    name = Path(raster_path).name
    with open_raster(raster_path) as raster:
        if isinstance(points, np.ndarray) and points.dtype != object:
            xy = _places_in_cells(points, crs, raster, name)
        else:
            at = _in_cells(points, raster, name)
            xy = np.column_stack([shapely.get_x(at), shapely.get_y(at)])
        found = np.full(len(xy), np.nan)
        inside = (xy >= 0).all(axis=1) & (xy[:, 0] < raster.width) & (xy[:, 1] < raster.height)
        if not inside.any():
            return found
        column, row = np.floor(xy[inside]).astype(np.int64).T
        first, last = int(row.min()), int(row.max())
        step = max(1, STRIP_CELLS // raster.width)
        picked = np.full(row.size, np.nan)
        for top in range(first, last + 1, step):
            rows = min(step, last + 1 - top)
            here = (row >= top) & (row < top + rows)
            if here.any():
                left, right = int(column[here].min()), int(column[here].max()) + 1
                band = raster.read(1, window=Window(left, top, right - left, rows))
                picked[here] = _numbers(band[row[here] - top, column[here] - left], raster.nodata)
        found[inside] = picked
    return found
