"""Where the highest of some planes is lowest within a box: the step from price list to price list."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from geo.compiled import IS_COMPILED, compiled

Floats = NDArray[np.float64]
SMALL = 12  # prices up to which corners are gone through here, else HiGHS is asked


def lowest_of(slopes: Floats, levels: Floats, low: Floats, high: Floats) -> tuple[Floats | None, float]:
    """Find where the highest of some planes is lowest within a box -> place, height (no place: none was found).

    >>> place, height = lowest_of(np.array([[1.0], [-1.0]]), np.array([0.0, 4.0]), np.zeros(1), np.full(1, 9.0))
    >>> round(float(place[0]), 9), round(height, 9)
    (2.0, 2.0)
    """
    if IS_COMPILED and len(low) <= SMALL:
        size, middle = np.maximum((high - low) / 2, 1e-12), (high + low) / 2
        heights = levels + slopes @ middle
        unit = max(float(np.abs(heights - heights.max()).max()), float(np.abs(slopes * size).max()), 1e-12)
        place = np.empty(len(low))
        if descend(slopes * size / unit, (heights - heights.max()) / unit, place, np.empty(len(levels))):
            place = np.clip(middle + size * place, low, high)
            return place, float((levels + slopes @ place).max())
    found = linprog(
        np.r_[np.zeros(len(low)), 1.0],
        A_ub=np.column_stack([slopes, -np.ones(len(slopes))]),
        b_ub=-levels,
        bounds=[*zip(low, high, strict=True), (None, None)],
    )
    return (None, np.inf) if found.x is None else (found.x[:-1], float(found.fun))


@compiled
def descend(slopes: Any, levels: Any, place: Any, weight: Any) -> bool:
    """Go from corner to corner of the planes, within -1 and 1, until none is lower; False when it does not end.

    `place` is where it is lowest, `weight` by how much each plane holds it up there (together one).
    """
    count, size = slopes.shape
    rows, least = np.zeros((count + 2 * size, size + 1)), np.empty(count + 2 * size)
    rows[:count, :size], rows[:count, size], least[:count] = -slopes, 1.0, levels
    for axis in range(size):
        rows[count + 2 * axis, axis], rows[count + 2 * axis + 1, axis] = 1.0, -1.0
    least[count:] = -1.0
    at = np.full(size + 1, -1.0)
    heights = levels - slopes.sum(axis=1)
    held = np.empty(size + 1, np.int64)
    held[:size] = count + 2 * np.arange(size)
    held[size] = heights.argmax()
    at[size] = heights.max()
    turned = np.empty((size + 1, size + 1))
    for step in range(60 * (size + 1)):
        if not _invert(rows, held, turned):
            return False
        pull = turned[size]
        out = -1
        for side in range(size + 1):
            if pull[side] < -1e-11 and (out < 0 or (step < 20 * (size + 1) and pull[side] < pull[out])):
                out = side
        if out < 0:
            place[:] = at[:size]
            weight[:] = 0.0
            for side in range(size + 1):
                if held[side] < count:
                    weight[held[side]] = pull[side]
            return True
        way = turned[:, out].copy()
        far, met = np.inf, -1
        for row in range(len(rows)):
            slope = 0.0
            for axis in range(size + 1):
                slope += rows[row, axis] * way[axis]
            if slope < -1e-11 and row not in held:
                over = -least[row]
                for axis in range(size + 1):
                    over += rows[row, axis] * at[axis]
                if max(over, 0.0) < -slope * far:
                    far, met = max(over, 0.0) / -slope, row
        if met < 0:
            return False
        at += far * way
        held[out] = met
    return False


@compiled
def _invert(rows: Any, held: Any, found: Any) -> bool:
    """Invert the matrix of some rows; False when they do not stand apart."""
    size = len(held)
    left = np.empty((size, size))
    for one in range(size):
        for two in range(size):
            left[one, two] = rows[held[one], two]
            found[one, two] = 1.0 if one == two else 0.0
    for column in range(size):
        best = column
        for row in range(column + 1, size):
            if abs(left[row, column]) > abs(left[best, column]):
                best = row
        if abs(left[best, column]) < 1e-12:
            return False
        for two in range(size):
            left[column, two], left[best, two] = left[best, two], left[column, two]
            found[column, two], found[best, two] = found[best, two], found[column, two]
        pivot = left[column, column]
        for two in range(size):
            left[column, two] /= pivot
            found[column, two] /= pivot
        for row in range(size):
            factor = left[row, column]
            if row != column and factor != 0.0:
                for two in range(size):
                    left[row, two] -= factor * left[column, two]
                    found[row, two] -= factor * found[column, two]
    return True
