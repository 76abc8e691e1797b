"""A raster over the map: every cell in the colour of its class, nothing where there is nothing."""

import io
import math
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from geo.errors import InputError
from geo.surface import MOST_CLASSES, Ramp, bounds_of_values, classes_of_values, surface_tile

WEST, SOUTH, EAST, NORTH = 112.5, 21.943045533438177, 123.75, 31.952162238024968  # tile 5/26/13
TILE = (5, 26, 13)
RAMP = Ramp((4.0, 9.0), ("#ff0000", "#0000ff"), least=0.0)


def raster(folder: Path, cells: list[list[float]], nodata: float | None = -1.0) -> Path:
    file = folder / f"r{len(list(folder.glob('*.tif')))}.tif"
    values = np.array(cells, dtype="float32")
    rows, columns = values.shape
    transform = rasterio.Affine((EAST - WEST) / columns, 0, WEST, 0, -(NORTH - SOUTH) / rows, NORTH)
    options = {"crs": "EPSG:4326", "transform": transform, "count": 1, "dtype": "float32", "nodata": nodata}
    with rasterio.open(file, "w", driver="GTiff", height=values.shape[0], width=values.shape[1], **options) as out:
        out.write(values, 1)
    return file


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))


def test_every_cell_has_the_colour_of_its_class_and_bounds_are_inclusive(tmp_path: Path) -> None:
    seen = pixels(surface_tile(raster(tmp_path, [[4, 5], [0, -1]]), RAMP, *TILE))
    assert seen[40, 40].tolist() == [255, 0, 0, 255]
    assert seen[40, 200].tolist() == [0, 0, 255, 255]
    assert seen[220, 40, 3] == 0  # nobody lives there
    assert seen[220, 200, 3] == 0  # nobody knows


def test_what_is_above_the_last_bound_is_of_the_last_class(tmp_path: Path) -> None:
    seen = pixels(surface_tile(raster(tmp_path, [[100, 100], [100, 100]]), RAMP, *TILE))
    assert seen[100, 100].tolist() == [0, 0, 255, 255]


def test_classes_are_drawn_and_others_are_not(tmp_path: Path) -> None:
    ramp = Ramp((10.0, 30.0), ("#00ff00", "#ffff00"), is_classes=True)
    seen = pixels(surface_tile(raster(tmp_path, [[10, 20], [30, -1]]), ramp, *TILE))
    assert seen[40, 40].tolist() == [0, 255, 0, 255]
    assert seen[40, 200, 3] == 0
    assert seen[220, 40].tolist() == [255, 255, 0, 255]


def test_a_tile_beside_the_raster_is_empty(tmp_path: Path) -> None:
    assert surface_tile(raster(tmp_path, [[4, 5], [1, 2]]), RAMP, 5, 2, 2) == b""


@pytest.mark.parametrize("address", [(5, 32, 0), (-1, 0, 0), (23, 0, 0)])
def test_no_such_tile(tmp_path: Path, address: tuple[int, int, int]) -> None:
    with pytest.raises(InputError):
        surface_tile(raster(tmp_path, [[4, 5], [1, 2]]), RAMP, *address)


def test_only_geotiffs_are_opened(tmp_path: Path) -> None:
    other = tmp_path / "x.tif"
    other.write_text("GIF89a")
    for act in (lambda: surface_tile(other, RAMP, *TILE), lambda: bounds_of_values(other, 5)):
        with pytest.raises(InputError):
            act()


def test_bounds_hold_about_as_many_cells_and_leave_out_zero(tmp_path: Path) -> None:
    cells = [[0.0, 1.0, 2.0], [3.0, 4.0, -1.0]]
    assert bounds_of_values(raster(tmp_path, cells), 2) == (2.0, 4.0)
    assert bounds_of_values(raster(tmp_path, [[0.0, -1.0], [0.0, math.nan]]), 5) == ()


def test_no_more_classes_than_can_be_told_apart(tmp_path: Path) -> None:
    cells = [[float(place) for place in range(1, 13)], [1.0] * 12]
    found = classes_of_values(raster(tmp_path, cells))
    assert len(found) == MOST_CLASSES
    assert found[0] == 1.0
    assert list(found) == sorted(found)
