"""Rasters as coloured image tiles: people a cell, land-cover classes – whatever a GeoTIFF holds, over any map."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from PIL import Image
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from geo.errors import InputError

SIZE = 256
MOST_CLASSES = 8
_WORLD_M = 20037508.342789244
_SAMPLE = 512  # cells a side, from which the bounds of the classes are taken


@dataclass(frozen=True)
class Ramp:
    """How values become colours: `bounds[i]` is the upper bound (inclusive) of `colors[i]`; classes: the value itself.

    Values at or below `least` (exclusive lower bound of the first colour) are clear.
    """

    bounds: tuple[float, ...]
    colors: tuple[str, ...]
    least: float = -math.inf
    is_classes: bool = False


def bounds_of_values(path: Path, count: int) -> tuple[float, ...]:
    """Give upper bounds (inclusive) of classes that hold about the same number of cells above zero.

    Raises
    ------
    InputError
        If the file is not a GeoTIFF.

    """
    values = _sample(path)
    known = np.sort(values[np.isfinite(values) & (values > 0)])
    if not len(known):
        return ()
    ends = [float(known[math.ceil(len(known) * part / count) - 1]) for part in range(1, count + 1)]
    return tuple(dict.fromkeys(ends))


def classes_of_values(path: Path) -> tuple[float, ...]:
    """List the classes of a raster of classes, the most frequent first and no more than `MOST_CLASSES`, in order."""
    values = _sample(path)
    found, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    return tuple(sorted(float(value) for value in found[np.argsort(-counts, kind="stable")][:MOST_CLASSES]))


def surface_tile(path: Path, ramp: Ramp, z: int, x: int, y: int) -> bytes:
    """Draw one web-mercator tile of a raster in the colours of a ramp.

    Parameters
    ----------
    path
        GeoTIFF in any CRS; its first band is drawn, nearest cell, so that counts stay counts.
    z, x, y
        Tile address, y from the north.

    Returns
    -------
    bytes
        A PNG of 256 by 256 pixels; empty where nothing is to be seen. Cells without data are clear, never a colour.

    Raises
    ------
    InputError
        If there is no such tile, or the file is not a GeoTIFF with a CRS.

    """
    if not (0 <= z <= 22 and 0 <= x < 2**z and 0 <= y < 2**z):
        raise InputError(f"没有这个瓦片：{z}/{x}/{y}。")
    values = _cells(path, z, x, y)
    codes = _codes(values, ramp)
    if not codes.any():
        return b""
    image = Image.fromarray(codes)
    image.putpalette(_palette(ramp.colors))
    out = io.BytesIO()
    image.save(out, "PNG", transparency=0, compress_level=4)
    return out.getvalue()


def _codes(values: np.ndarray, ramp: Ramp) -> np.ndarray:
    """Give every cell the place of its colour from 1; 0 is clear."""
    ends = np.asarray(ramp.bounds, dtype=np.float64)
    places = np.searchsorted(ends, values, side="left")
    if ramp.is_classes:
        is_shown = np.isin(values, ends)
    else:
        is_shown = np.isfinite(values) & (values > ramp.least)
        places = np.minimum(places, len(ends) - 1)  # what is rarer than the sample is of the last class
    codes: np.ndarray = np.where(is_shown, places + 1, 0).astype(np.uint8)
    return codes


def _palette(colors: Sequence[str]) -> list[int]:
    entries = ["#000000", *colors]
    return [int(color[place : place + 2], 16) for color in entries for place in (1, 3, 5)]


def _cells(path: Path, z: int, x: int, y: int) -> np.ndarray:
    side = 2 * _WORLD_M / 2**z / SIZE
    west, north = -_WORLD_M + x * SIZE * side, _WORLD_M - y * SIZE * side
    transform = rasterio.Affine(side, 0, west, 0, -side, north)
    try:
        with rasterio.open(path, driver="GTiff") as held:
            if held.crs is None:
                raise InputError(f"栅格 {path.name} 没有坐标系。")
            options = {
                "crs": "EPSG:3857", "transform": transform, "width": SIZE, "height": SIZE,
                "resampling": Resampling.nearest, "add_alpha": False, "nodata": math.nan, "dtype": "float64",
            }  # fmt: skip
            with WarpedVRT(held, **options) as view:
                values: np.ndarray = view.read(1, window=Window(0, 0, SIZE, SIZE))
                return values
    except rasterio.errors.RasterioIOError as broken:
        raise InputError(f"栅格 {path.name} 不是可读的 GeoTIFF。") from broken


def _sample(path: Path) -> np.ndarray:
    try:
        with rasterio.open(path, driver="GTiff") as held:
            shape = (min(held.height, _SAMPLE), min(held.width, _SAMPLE))
            values = held.read(1, out_shape=shape, resampling=Resampling.nearest, masked=True)
    except rasterio.errors.RasterioIOError as broken:
        raise InputError(f"栅格 {path.name} 不是可读的 GeoTIFF。") from broken
    filled: np.ndarray = values.astype("float64").filled(math.nan)
    return filled
