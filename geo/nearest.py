"""Nearest feature and its distance; the polygon that holds a point."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def nearest_point(points: Any, targets: Any) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the nearest target of every point: (n,2) arrays in metres -> index (-1 none), distance_m (inf none)."""
    raise NotImplementedError


def nearest_line(points: Any, lines: Any) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Find the nearest line of every point -> index, distance_m, snap_xy (n,2); ties go to the lowest index."""
    raise NotImplementedError


def containing(points: Any, polygons: Any) -> NDArray[np.int64]:
    """Find the polygon that covers every point (border included), -1 none; the lowest index wins."""
    raise NotImplementedError
