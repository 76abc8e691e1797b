"""Shaded relief as image tiles that sit under any colour: black, the darker the slope the less transparent."""

import io
import math
from pathlib import Path

import numpy as np
import rasterio
from PIL import Image
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from geo.errors import InputError

SIZE = 256
_WORLD_M = 20037508.342789244
_ALTITUDE = math.radians(45)
_AZIMUTH = math.radians(315)
_DARKEST = 150


def relief_tile(path: Path, z: int, x: int, y: int) -> bytes:
    """Draw one web-mercator tile of shaded relief from an elevation model.

    Parameters
    ----------
    path
        GeoTIFF of elevations in metres, any CRS. No other format is opened.
    z, x, y
        Tile address, y from the north.

    Returns
    -------
    bytes
        A PNG of 256 by 256 pixels; empty outside the model. Cells without elevation are clear.

    Raises
    ------
    InputError
        If there is no such tile, or the file is not a GeoTIFF with a CRS.

    Notes
    -----
    Light from the north-west at 45 degrees after Horn (1981); flat ground is clear, light slopes are clear too.

    """
    if not (0 <= z <= 22 and 0 <= x < 2**z and 0 <= y < 2**z):
        raise InputError(f"没有这个瓦片：{z}/{x}/{y}。")
    height, cell = _heights(path, z, x, y)
    if height is None:
        return b""
    shade = _shade(height, cell)
    flat = math.sin(_ALTITUDE)
    alpha = np.where(np.isfinite(shade), np.clip((flat - shade) / flat, 0, 1) * _DARKEST, 0).astype(np.uint8)
    if not alpha.any():
        return b""
    image = Image.merge("LA", (Image.new("L", (SIZE, SIZE), 0), Image.fromarray(alpha)))
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=4)
    return out.getvalue()


def _heights(path: Path, z: int, x: int, y: int) -> tuple[np.ndarray | None, float]:
    """Return elevations of the tile with one cell around it, and the ground size of a cell in metres."""
    side = 2 * _WORLD_M / 2**z / SIZE
    west, north = -_WORLD_M + x * SIZE * side, _WORLD_M - y * SIZE * side
    transform = rasterio.Affine(side, 0, west - side, 0, -side, north + side)
    try:
        with rasterio.open(path, driver="GTiff") as model:
            if model.crs is None:
                raise InputError(f"高程数据 {path.name} 没有坐标系。")
            options = {
                "crs": "EPSG:3857",
                "transform": transform,
                "width": SIZE + 2,
                "height": SIZE + 2,
                "resampling": Resampling.bilinear,
                "add_alpha": False,
                "nodata": math.nan,
                "dtype": "float32",
            }
            with WarpedVRT(model, **options) as view:
                height = view.read(1, window=Window(0, 0, SIZE + 2, SIZE + 2))
    except rasterio.errors.RasterioIOError as broken:
        raise InputError(f"高程数据 {path.name} 不是可读的 GeoTIFF。") from broken
    if not np.isfinite(height).any():
        return None, side
    latitude = math.atan(math.sinh((north - SIZE * side / 2) / _WORLD_M * math.pi))
    return height, side * math.cos(latitude)


def _shade(height: np.ndarray, cell: float) -> np.ndarray:
    """Return the brightness (0..1) of the inner cells."""
    a, b, c = height[:-2, :-2], height[:-2, 1:-1], height[:-2, 2:]
    d, f = height[1:-1, :-2], height[1:-1, 2:]
    g, h, i = height[2:, :-2], height[2:, 1:-1], height[2:, 2:]
    east = ((c + 2 * f + i) - (a + 2 * d + g)) / (8 * cell)
    south = ((g + 2 * h + i) - (a + 2 * b + c)) / (8 * cell)
    lit = math.sin(_ALTITUDE) - math.cos(_ALTITUDE) * (east * math.sin(_AZIMUTH) - south * math.cos(_AZIMUTH))
    shade: np.ndarray = np.clip(lit / np.sqrt(1 + east**2 + south**2), 0, 1)
    return shade
