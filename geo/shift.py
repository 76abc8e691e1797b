"""GCJ-02 and BD-09: the shifted longitudes and latitudes of Chinese web maps, there and back.

No official formula is published. These are the public reverse-engineered ones (domain.md 3.2; gcoord, PRCoords); the shift
is 300-800 m, the inverse here agrees with the forward direction to less than a centimetre. Outside China nothing moves.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]

_SEMI_MAJOR_M = 6378245.0
_ECCENTRICITY_SQUARED = 0.00669342162296594323
_BD_TURN = np.pi * 3000.0 / 180.0
_CHINA = (72.004, 0.8293, 137.8347, 55.8271)
_INVERSE_ROUNDS = 30
_INVERSE_STEP_DEG = 1e-10


def _floats(lon: ArrayLike, lat: ArrayLike) -> Pair:
    return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)


def in_china(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Say which points lie in the box in which web maps are shifted (bounds inclusive; NaN is outside).

    Examples
    --------
    >>> bool(in_china(113.7, 25.1)), bool(in_china(43.1, 11.6))
    (True, False)
    """
    x, y = _floats(lon, lat)
    with np.errstate(invalid="ignore"):
        inside: NDArray[np.bool_] = (x >= _CHINA[0]) & (x <= _CHINA[2]) & (y >= _CHINA[1]) & (y <= _CHINA[3])
    return inside


def _wave(x: Floats, y: Floats) -> Pair:
    """The two polynomial-and-sine offsets of the published algorithm, in its own units."""
    root = np.sqrt(np.abs(x))
    shared = (20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + shared
    north = north + (20.0 * np.sin(np.pi * y) + 40.0 * np.sin(np.pi / 3.0 * y)) * 2.0 / 3.0
    north = north + (160.0 * np.sin(np.pi / 12.0 * y) + 320.0 * np.sin(np.pi / 30.0 * y)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + shared
    east = east + (20.0 * np.sin(np.pi * x) + 40.0 * np.sin(np.pi / 3.0 * x)) * 2.0 / 3.0
    east = east + (150.0 * np.sin(np.pi / 12.0 * x) + 300.0 * np.sin(np.pi / 30.0 * x)) * 2.0 / 3.0
    return east, north


def _inside_only(lon: ArrayLike, lat: ArrayLike, change: Callable[[Floats, Floats], Pair]) -> Pair:
    """Apply a change where it is defined; leave everything outside China, NaN and infinities as they are."""
    x, y = _floats(lon, lat)
    inside = in_china(x, y)
    moved = change(np.where(inside, x, 105.0), np.where(inside, y, 35.0))
    return np.where(inside, moved[0], x), np.where(inside, moved[1], y)


def _to_gcj(x: Floats, y: Floats) -> Pair:
    east, north = _wave(x - 105.0, y - 35.0)
    phi = np.radians(y)
    magic = 1.0 - _ECCENTRICITY_SQUARED * np.sin(phi) ** 2
    metres_north = _SEMI_MAJOR_M * (1.0 - _ECCENTRICITY_SQUARED) / (magic * np.sqrt(magic))
    metres_east = _SEMI_MAJOR_M / np.sqrt(magic) * np.cos(phi)
    return x + np.degrees(east / metres_east), y + np.degrees(north / metres_north)


def _gcj_to_bd(x: Floats, y: Floats) -> Pair:
    radius = np.hypot(x, y) + 0.00002 * np.sin(y * _BD_TURN)
    angle = np.arctan2(y, x) + 0.000003 * np.cos(x * _BD_TURN)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def _to_bd(x: Floats, y: Floats) -> Pair:
    return _gcj_to_bd(*_to_gcj(x, y))


def _undo(forward: Callable[[Floats, Floats], Pair]) -> Callable[[Floats, Floats], Pair]:
    """Invert by fixed-point iteration: the shift changes slowly, so each round gains about three digits."""

    def backward(x: Floats, y: Floats) -> Pair:
        lon, lat = x.copy(), y.copy()
        for _ in range(_INVERSE_ROUNDS):
            ahead = forward(lon, lat)
            step_lon, step_lat = x - ahead[0], y - ahead[1]
            lon, lat = lon + step_lon, lat + step_lat
            if max(np.max(np.abs(step_lon), initial=0.0), np.max(np.abs(step_lat), initial=0.0)) < _INVERSE_STEP_DEG:
                break
        return lon, lat

    return backward


def gcj02_from_wgs84(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """Shift WGS 84 / CGCS2000 degrees to GCJ-02 degrees, as 高德 and 腾讯 maps draw them.

    Parameters
    ----------
    lon, lat
        Degrees, any shape; NaN stays NaN.

    Returns
    -------
    tuple of ndarray
        Degrees of the same shape; points outside China unchanged.

    Examples
    --------
    >>> lon, lat = gcj02_from_wgs84(113.749, 25.085)
    >>> round(float(lon), 4), round(float(lat), 4)
    (113.7543, 25.0822)
    """
    return _inside_only(lon, lat, _to_gcj)


def wgs84_from_gcj02(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """Repair GCJ-02 degrees to WGS 84 / CGCS2000 degrees; agrees with the forward shift to less than 1 cm.

    Examples
    --------
    >>> lon, lat = wgs84_from_gcj02(*gcj02_from_wgs84(113.749, 25.085))
    >>> abs(float(lon) - 113.749) < 1e-8
    True
    """
    return _inside_only(lon, lat, _undo(_to_gcj))


def bd09_from_wgs84(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """Shift WGS 84 / CGCS2000 degrees to BD-09 degrees, as 百度 maps draw them.

    Examples
    --------
    >>> lon, lat = bd09_from_wgs84(113.749, 25.085)
    >>> round(float(lon), 3), round(float(lat), 3)
    (113.761, 25.088)
    """
    return _inside_only(lon, lat, _to_bd)


def wgs84_from_bd09(lon: ArrayLike, lat: ArrayLike) -> Pair:
    """Repair BD-09 degrees to WGS 84 / CGCS2000 degrees; agrees with the forward shift to less than 1 cm.

    Examples
    --------
    >>> lon, lat = wgs84_from_bd09(*bd09_from_wgs84(113.749, 25.085))
    >>> abs(float(lat) - 25.085) < 1e-8
    True
    """
    return _inside_only(lon, lat, _undo(_to_bd))


REPAIRS: dict[str, Callable[[Any, Any], Pair]] = {"gcj02": wgs84_from_gcj02, "bd09": wgs84_from_bd09}
