"""Write the rasters of the demo county: heights, people, land cover."""

from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import Affine
from scipy import ndimage

from demo.sizes import AS_OF, CRS_PLAIN, Array
from demo.terrain import Terrain

NODATA = -9999.0
FOREST, FIELD, BUILT, WATER = 10, 20, 30, 40


def write_raster(path: Path, grid: Array, *, left_x: float, top_y: float, cell_m: float, title: str) -> None:
    """Write a compressed GeoTIFF in the demo's zone."""
    is_float = grid.dtype.kind == "f"
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=grid.shape[0],
        width=grid.shape[1],
        count=1,
        dtype=grid.dtype,
        crs=CRS_PLAIN,
        transform=Affine(cell_m, 0, left_x, 0, -cell_m, top_y),
        nodata=NODATA if is_float else 0,
        compress="deflate",
        predictor=3 if is_float else 1,
        zlevel=4,
        tiled=True,
        blockxsize=256,
        blockysize=256,
    ) as target:
        target.write(grid, 1)
        target.update_tags(title=title, note="虚构数据", day=AS_OF.isoformat())


def outside_as_nodata(terrain: Terrain, grid: Array) -> Array:
    """Blank what lies more than two kilometres beyond the county, as delivered height models are clipped."""
    reach = max(1, int(2000.0 / terrain.cell_m))
    near = ndimage.binary_dilation(terrain.inside, iterations=1)
    distance = ndimage.distance_transform_edt(~near)
    wide = distance <= reach
    rows = np.minimum((np.arange(grid.shape[0]) * wide.shape[0]) // grid.shape[0], wide.shape[0] - 1)
    columns = np.minimum((np.arange(grid.shape[1]) * wide.shape[1]) // grid.shape[1], wide.shape[1] - 1)
    return np.where(wide[np.ix_(rows, columns)], grid, np.float32(NODATA)).astype(np.float32)


def count_grid(terrain: Terrain, xy: Array, weight: Array, cell_m: float) -> Array:
    """Add up weights (people) in square cells over the terrain's extent."""
    side = terrain.elevation.shape[0] * terrain.cell_m
    n = int(np.ceil(side / cell_m))
    column = np.clip(((xy[:, 0] - terrain.left_x) / cell_m).astype(np.int64), 0, n - 1)
    row = np.clip(((terrain.top_y - xy[:, 1]) / cell_m).astype(np.int64), 0, n - 1)
    return np.asarray(np.bincount(row * n + column, weight, minlength=n * n).reshape(n, n), dtype=np.float32)


def land_cover(terrain: Terrain, people: Array, cell_m: float) -> Array:
    """Class the lattice into forest 10, fields 20, settlements 30 and water 40; 0 beyond the county."""
    cover = np.where((terrain.slope_percent < 12) & (terrain.above_river_m < 60), FIELD, FOREST)
    rows = np.minimum((np.arange(cover.shape[0]) * terrain.cell_m / cell_m).astype(int), people.shape[0] - 1)
    columns = np.minimum((np.arange(cover.shape[1]) * terrain.cell_m / cell_m).astype(int), people.shape[1] - 1)
    cover = np.where(people[np.ix_(rows, columns)] > 20, BUILT, cover)
    cover = np.where(terrain.river, WATER, cover)
    return np.where(terrain.inside, cover, 0).astype(np.uint8)
