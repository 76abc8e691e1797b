"""A packed tree of boxes along a Hilbert curve: which boxes overlap, which segment is nearest."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.compiled import IS_COMPILED, compiled

NODE = 16  # children of a tree node; fits the caches well
SLACK = 1e-9  # relative and in square metres: a box is left out only when it is surely too far
STACK = 512

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class BoxTree:
    """Boxes sorted along a Hilbert curve (`order`), under levels of boxes that hold `NODE` of the level below."""

    order: Ints
    boxes: Floats
    starts: Ints


def hilbert(xy: Floats) -> NDArray[np.uint32]:
    """Number places along a Hilbert curve through their common box, so that near numbers are near places.

    >>> hilbert(np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0]])).argsort().tolist()
    [0, 1, 2, 3]
    """
    if len(xy) == 0:
        return np.empty(0, np.uint32)
    low = xy.min(axis=0)
    extent = max(float((xy.max(axis=0) - low).max()), 1e-9)
    cells = ((xy - low) * (65535.0 / extent)).astype(np.uint32)
    code = np.zeros(len(xy), np.uint32)
    if IS_COMPILED:
        _trace(cells, code)
        return code
    x, y = cells[:, 0].copy(), cells[:, 1].copy()
    for bit in range(15, -1, -1):
        right, up = (x >> bit) & 1, (y >> bit) & 1
        code = (code << 2) | ((3 * right) ^ up)
        below = np.uint32((1 << bit) - 1)
        x, y = x & below, y & below
        flip = (up == 0) & (right == 1)
        x, y = np.where(flip, below - x, x), np.where(flip, below - y, y)
        x, y = np.where(up == 0, y, x), np.where(up == 0, x, y)
    return code


@compiled
def _trace(cells: Any, code: Any) -> None:
    """Write the place along the curve of every cell of a 65,536 by 65,536 board."""
    for row in range(len(cells)):
        x, y, place = np.int64(cells[row, 0]), np.int64(cells[row, 1]), np.int64(0)
        for bit in range(15, -1, -1):
            right, up = (x >> bit) & 1, (y >> bit) & 1
            place = (place << 2) | ((3 * right) ^ up)
            below = (1 << bit) - 1
            x, y = x & below, y & below
            if up == 0:
                if right == 1:
                    x, y = below - x, below - y
                x, y = y, x
        code[row] = place


def box_tree(boxes: Floats) -> BoxTree:
    """Build the tree over (n,4) boxes minx, miny, maxx, maxy; no box may hold NaN."""
    centre = np.column_stack([boxes[:, 0] + boxes[:, 2], boxes[:, 1] + boxes[:, 3]]) * 0.5
    order = np.argsort(hilbert(centre), kind="stable").astype(np.int64)
    levels, starts = [np.ascontiguousarray(boxes[order])], [0, len(order)]
    while len(levels[-1]) > 1:
        last = levels[-1]
        at = np.arange(0, len(last), NODE)
        low = np.minimum.reduceat(last[:, :2], at)
        high = np.maximum.reduceat(last[:, 2:], at)
        levels.append(np.hstack([low, high]))
        starts.append(starts[-1] + len(at))
    return BoxTree(order, np.ascontiguousarray(np.vstack(levels)), np.array(starts, np.int64))


@compiled
def _walk(boxes: Any, starts: Any, order: Any, queries: Any, turns: Any, after: Any, found: Any) -> int:
    """Write (query, item) for every overlap with item > after[query] while there is room; return how many there are."""
    count = 0
    stack_level = np.empty(STACK, np.int64)
    stack_node = np.empty(STACK, np.int64)
    for query in turns:
        minx, miny, maxx, maxy = queries[query, 0], queries[query, 1], queries[query, 2], queries[query, 3]
        stack_level[0], stack_node[0] = len(starts) - 2, 0
        size = 1
        while size > 0:
            size -= 1
            level, node = stack_level[size], stack_node[size]
            below = max(level - 1, 0)
            first, last = starts[below], starts[below + 1]
            begin, end = (first + node * NODE, min(first + node * NODE + NODE, last)) if level > 0 else (node, node + 1)
            for at in range(begin, end):
                if boxes[at, 0] > maxx or boxes[at, 2] < minx or boxes[at, 1] > maxy or boxes[at, 3] < miny:
                    continue
                if level <= 1:
                    if order[at] > after[query]:
                        if count < len(found):
                            found[count, 0], found[count, 1] = query, order[at]
                        count += 1
                else:
                    stack_level[size], stack_node[size] = below, at - first
                    size += 1
    return count


def overlaps(boxes: Floats | BoxTree, queries: Floats, *, after: Ints | None = None) -> tuple[Ints, Ints]:
    """List which boxes touch which query boxes, borders included -> query, box, sorted.

    `boxes` may be the `box_tree` of them. `after` keeps only boxes numbered above after[query]: for a set of boxes
    against itself, pass their own numbers.

    >>> box = np.array([[0.0, 0, 1, 1], [1, 1, 2, 2], [5, 5, 6, 6]])
    >>> [found.tolist() for found in overlaps(box, box, after=np.arange(3))]
    [[0], [1]]
    """
    if len(queries) == 0 or len(boxes.order if isinstance(boxes, BoxTree) else boxes) == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    tree = boxes if isinstance(boxes, BoxTree) else box_tree(boxes)
    limit = np.full(len(queries), -1, np.int64) if after is None else after.astype(np.int64)
    if IS_COMPILED:
        queries = np.ascontiguousarray(queries)
        turns = np.argsort(hilbert(queries[:, :2]), kind="stable")
        found = np.empty((4 * len(queries) + 64, 2), np.int64)
        count = _walk(tree.boxes, tree.starts, tree.order, queries, turns, limit, found)
        if count > len(found):
            found = np.empty((count, 2), np.int64)
            _walk(tree.boxes, tree.starts, tree.order, queries, turns, limit, found)
        query, item = found[:count, 0], found[:count, 1]
    else:
        leaves = shapely.box(*tree.boxes[: len(tree.order)].T)
        query, item = shapely.STRtree(leaves).query(shapely.box(*queries.T))
        item = tree.order[item]
        keep = item > limit[query]
        query, item = query[keep].astype(np.int64), item[keep].astype(np.int64)
    order = np.lexsort((item, query))
    return query[order], item[order]
