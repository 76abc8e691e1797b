"""Spread travel time over cells from sources: compiled buckets where numba is there, a library graph elsewhere."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from geo import compiled
from geo.compiled import compiled as compile_

Floats = NDArray[np.float64]
BUCKETS = 256
EDGE = 2
FLAT = 0.175  # 3.5 x 0.05: Tobler's rate on level ground


def moves(neighbours: int, down_m: float, right_m: float) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """List the steps to 8 neighbours, or to 16 with the knight's moves: rows down, columns right, metres.

    Examples
    --------
    >>> [int(step.size) for step in moves(16, 30.0, 30.0)]
    [16, 16, 16]
    """
    reach = range(-2, 3)
    near = [(d, r) for d in reach for r in reach if max(abs(d), abs(r)) == 1]
    far = [(d, r) for d in reach for r in reach if abs(d) + abs(r) == 3 and 0 not in (d, r)]
    steps = np.array(near + (far if neighbours == 16 else []), dtype=np.int64)
    return steps[:, 0].copy(), steps[:, 1].copy(), np.hypot(steps[:, 0] * down_m, steps[:, 1] * right_m)


def spread(
    minutes_per_m: Floats,
    height_m: Floats | None,
    is_walked: NDArray[np.bool_] | None,
    sources: NDArray[np.int64],
    *,
    steps: tuple[NDArray[np.int64], NDArray[np.int64], Floats],
    towards_source: bool,
    max_minutes: float,
) -> Floats:
    """Give the least minutes between each cell and the nearest source, inf where none is reached in time.

    `minutes_per_m` is inf where nobody passes; `sources` are flat cell numbers. A step costs its length times the mean
    of the cells it touches: two, or for a knight's move four, all of which must be passable. Where people walk, the
    slope of the step changes the pace after Tobler (1993).
    """
    rows, columns = np.divmod(sources, minutes_per_m.shape[1])
    passable = np.isfinite(minutes_per_m[rows, columns])
    rows, columns = rows[passable] + EDGE, columns[passable] + EDGE
    if not rows.size:
        return np.full(minutes_per_m.shape, np.inf)
    has_height = height_m is not None and is_walked is not None
    height = np.pad(height_m, EDGE) if height_m is not None and has_height else np.zeros((1, 1))
    walked = np.pad(is_walked, EDGE) if is_walked is not None and has_height else np.zeros((1, 1), dtype=np.bool_)
    sign = -1.0 if towards_source else 1.0
    inner = (slice(EDGE, -EDGE), slice(EDGE, -EDGE))
    if not compiled.IS_COMPILED:
        pace = np.pad(minutes_per_m, EDGE, constant_values=np.inf)
        return _by_library(pace, height, walked, has_height, rows, columns, steps, sign, max_minutes)[inner]
    field = np.full((minutes_per_m.shape[0] + 2 * EDGE, minutes_per_m.shape[1] + 2 * EDGE, 2), np.inf)
    field[..., 1][inner] = minutes_per_m
    field[rows, columns, 0] = 0.0
    width = float(minutes_per_m.min() * steps[2].min() * (np.exp(-FLAT) if has_height else 1.0))
    offset, side, other = _sides(steps[0], steps[1], field.shape[1])
    flat = (field.reshape(-1), height.reshape(-1), walked.reshape(-1))
    _run_buckets(*flat, has_height, offset, side, other, steps[2], sign, max_minutes, width)
    return field[..., 0][inner].copy()


@compile_
def _wider(store: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give every bucket twice the room."""
    wider = np.empty((store.shape[0], 2 * store.shape[1]), np.int64)
    wider[:, : store.shape[1]] = store
    return wider


@compile_
def _run_buckets(
    field: Floats,
    height: Floats,
    walked: NDArray[np.bool_],
    has_height: bool,
    offset: NDArray[np.int64],
    side: NDArray[np.int64],
    other: NDArray[np.int64],
    length: Floats,
    sign: float,
    limit: float,
    width: float,
) -> None:
    """Settle cells bucket by bucket, a bucket being the cells reached within the same `width` of minutes.

    `field` holds minutes and pace of each cell side by side, for the memory's sake; impassable cells are inf in both.
    All arrays are flat; `offset` leads to a neighbour, `side` and `other` to the cells a knight's move passes (0: none).
    """
    store = np.empty((BUCKETS, 4096), np.int64)
    count = np.zeros(BUCKETS, np.int64)
    start = np.flatnonzero(field[::2] == 0.0)
    while start.size > store.shape[1]:
        store = _wider(store)
    store[0, : start.size] = start
    count[0] = start.size
    waiting, bucket, per_width = start.size, 0, 1.0 / width
    while waiting > 0:
        slot, k = bucket % BUCKETS, 0
        while k < count[slot]:
            cell = store[slot, k]
            k += 1
            waiting -= 1
            now = field[2 * cell]
            due = int(now * per_width)
            if due < bucket:
                continue
            if due > bucket:
                put = min(due, bucket + BUCKETS - 1) % BUCKETS
                if count[put] == store.shape[1]:
                    store = _wider(store)
                store[put, count[put]] = cell
                count[put] += 1
                waiting += 1
                continue
            here = field[2 * cell + 1]
            for m in range(offset.size):
                beyond = cell + offset[m]
                former = field[2 * beyond]
                if former <= now:
                    continue
                first, last = here, field[2 * beyond + 1]
                if has_height:
                    slope = sign * (height[beyond] - height[cell]) / length[m]
                    factor = np.exp(3.5 * abs(slope + 0.05) - FLAT)
                    if walked[cell]:
                        first *= factor
                    if walked[beyond]:
                        last *= factor
                if side[m] == 0:
                    then = now + length[m] * (first + last) / 2
                else:
                    then = (
                        now
                        + length[m]
                        * (first + last + field[2 * (cell + side[m]) + 1] + field[2 * (cell + other[m]) + 1])
                        / 4
                    )
                if then < former and then <= limit:
                    field[2 * beyond] = then
                    due = max(bucket, int(then * per_width))
                    put = min(due, bucket + BUCKETS - 1) % BUCKETS
                    if count[put] == store.shape[1]:
                        store = _wider(store)
                    store[put, count[put]] = beyond
                    count[put] += 1
                    waiting += 1
        count[slot] = 0
        bucket += 1


def _sides(down: NDArray[np.int64], right: NDArray[np.int64], columns: int) -> tuple[NDArray[np.int64], ...]:
    """Give the flat offsets of each step and of the two cells a knight's move passes on its way."""
    is_knight = np.abs(down) + np.abs(right) == 3
    tall = np.abs(down) == 2
    side = np.where(tall, down // 2 * columns, right // 2)
    other = np.where(tall, down // 2 * columns + right, down * columns + right // 2)
    return down * columns + right, np.where(is_knight, side, 0), np.where(is_knight, other, 0)


def _by_library(
    pace: Floats,
    height: Floats,
    walked: NDArray[np.bool_],
    has_height: bool,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    steps: tuple[NDArray[np.int64], NDArray[np.int64], Floats],
    sign: float,
    max_minutes: float,
) -> Floats:
    """Do the same with a sparse graph and the library's Dijkstra."""
    shape = pace.shape
    index = np.arange(pace.size).reshape(shape)
    starts, ends, minutes = [], [], []
    i, j = np.nonzero(np.isfinite(pace))
    for down, right, length in zip(*steps, strict=True):
        y, x = i + down, j + right
        open_ = np.isfinite(pace[y, x])
        a, b, c, d = i[open_], j[open_], y[open_], x[open_]
        first, last = pace[a, b].copy(), pace[c, d].copy()
        if has_height:
            slope = sign * (height[c, d] - height[a, b]) / length
            factor = np.exp(3.5 * np.abs(slope + 0.05) - FLAT)
            first = np.where(walked[a, b], first * factor, first)
            last = np.where(walked[c, d], last * factor, last)
        if abs(down) + abs(right) < 3:
            cost = length * (first + last) / 2
        else:
            one = (a + down // 2, b) if abs(down) == 2 else (a, b + right // 2)
            two = (a + down // 2, d) if abs(down) == 2 else (c, b + right // 2)
            cost = length * (first + last + pace[one] + pace[two]) / 4
        fine = np.isfinite(cost)
        starts.append(index[a, b][fine])
        ends.append(index[c, d][fine])
        minutes.append(cost[fine])
    graph = sparse.csr_matrix(
        (np.concatenate(minutes), (np.concatenate(starts), np.concatenate(ends))), (pace.size, pace.size)
    )
    time = csgraph.dijkstra(graph, indices=index[rows, columns], min_only=True, limit=max_minutes)
    return np.asarray(time.reshape(shape))
