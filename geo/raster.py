"""Zonal figures, slope and shading of rasters."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Statistic = Literal["sum", "mean", "min", "max"]


def zonal(raster_path: str | Path, zones: Any, *, stat: Statistic) -> Any:
    """Sum, average, or find the extremes of a raster in each zone (a cell belongs to the zone its centre is in)."""
    raise NotImplementedError


def slope_percent(dem: NDArray[Any], cell_size: float) -> NDArray[np.float32]:
    """Give the steepness of each cell in percent."""
    raise NotImplementedError


def hillshade(dem: NDArray[Any], cell_size: float, azimuth: float = 315, altitude: float = 45) -> NDArray[np.uint8]:
    """Shade terrain as if lit by the sun, 0 dark to 255 bright."""
    raise NotImplementedError


def sample(raster_path: str | Path, points: Any) -> NDArray[np.float64]:
    """Read the raster value under each point, NaN outside and on nodata."""
    raise NotImplementedError
