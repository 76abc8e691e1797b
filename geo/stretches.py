"""Places along lines, and the stretches between two of them, for many lines at once."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def _chainage(xy: Floats, line: Ints) -> Floats:
    """Give the metres from the start of its line to every vertex; vertices stand in the order of their lines.

    Each line is added up from its own start, one vertex of every line at a time, so that the sums are those that
    GEOS makes, to the last bit: a place on the border of a raster cell must not fall on the other side.
    """
    at = np.zeros(len(xy))
    if len(xy) < 2:
        return at
    east, north = np.diff(xy, axis=0).T
    step = np.r_[0.0, np.sqrt(east * east + north * north)]
    first = np.flatnonzero(np.r_[True, line[1:] != line[:-1]])
    count = np.diff(np.r_[first, len(line)])
    order = np.argsort(-count, kind="stable")
    first, count = first[order], count[order]
    for turn in range(1, int(count[0])):
        here = first[: np.searchsorted(-count, -turn, side="left")] + turn
        at[here] = at[here - 1] + step[here]
    return at


def stretches(lines: Any, start_m: Any, end_m: Any) -> NDArray[Any]:
    """Cut one stretch out of every line.

    Parameters
    ----------
    lines
        Array of shapely lines of one part, in metres.
    start_m, end_m
        Metres along each line, 0 <= start < end <= length; beyond its ends a line is not prolonged.

    Returns
    -------
    ndarray
        One line each: from the place at the start over the vertices strictly between to the place at the end.

    Examples
    --------
    >>> bent = shapely.LineString([(0, 0), (3, 0), (3, 4)])
    >>> [line.wkt for line in stretches([bent, bent], [1, 3], [5, 7])]
    ['LINESTRING (1 0, 3 0, 3 2)', 'LINESTRING (3 0, 3 4)']
    """
    shapes = np.asarray(lines, dtype=object)
    start, end = np.asarray(start_m, np.float64), np.asarray(end_m, np.float64)
    if not len(shapes):
        return np.empty(0, dtype=object)
    xy, line = shapely.get_coordinates(shapes, return_index=True)
    at = _chainage(xy, line)
    is_last = np.r_[line[1:] != line[:-1], True]
    inside = (at > start[line]) & (at < end[line]) & ~is_last
    number = np.arange(len(shapes))
    ends = [_places(xy, line, at, number, where) for where in (start, end)]
    order = np.argsort(np.r_[3 * number, 3 * line[inside] + 1, 3 * number + 2], kind="stable")
    drawn = np.vstack([ends[0], xy[inside], ends[1]])[order]
    return np.asarray(shapely.linestrings(drawn, indices=np.r_[number, line[inside], number][order]), dtype=object)


def places_along(lines: Any, line: Ints, at_m: Floats) -> Floats:
    """Find the places so many metres along some of the lines, (n, 2); beyond its ends a line is not prolonged.

    Parameters
    ----------
    lines
        Array of shapely lines of one part.
    line, at_m
        Position of the line and metres along it, one a place.

    Examples
    --------
    >>> bent = shapely.LineString([(0, 0), (3, 0), (3, 4)])
    >>> places_along([bent, bent], np.array([0, 1, 1]), np.array([1.0, 5.0, 99.0])).tolist()
    [[1.0, 0.0], [3.0, 2.0], [3.0, 4.0]]
    """
    if not len(line):
        return np.empty((0, 2))
    xy, owner = shapely.get_coordinates(np.asarray(lines, dtype=object), return_index=True)
    return _places(xy, owner, _chainage(xy, owner), line, np.asarray(at_m, np.float64))


def _places(xy: Floats, owner: Ints, at: Floats, line: Ints, at_m: Floats) -> Floats:
    """Find places from the vertices of lines, their line and their metres along it, as GEOS interpolates."""
    count = np.bincount(owner)
    first = np.cumsum(count) - count
    last = first + count - 1
    base = np.cumsum(at[last] + 1.0) - (at[last] + 1.0)
    after = np.searchsorted(base[owner] + at, base[line] + np.clip(at_m, 0.0, at[last][line]), side="right")
    after = np.clip(after, first[line] + 1, last[line])
    after += (at[after] <= at_m) & (after < last[line])
    after -= (at[after - 1] > at_m) & (after - 1 > first[line])
    span = at[after] - at[after - 1]
    step = xy[after] - xy[after - 1]
    metres = np.sqrt(step[:, 0] * step[:, 0] + step[:, 1] * step[:, 1])
    part = np.divide(at_m - at[after - 1], metres, out=np.zeros(len(line)), where=span > 0)
    place: Floats = step * np.clip(part, 0.0, 1.0)[:, None] + xy[after - 1]
    is_end = part >= 1.0
    place[is_end] = xy[after[is_end]]
    return place
