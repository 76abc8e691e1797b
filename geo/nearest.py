"""Nearest feature and its distance; the polygon that holds a point."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo.boxes import NODE, SLACK, STACK, BoxTree, box_tree, hilbert
from geo.compiled import IS_COMPILED, compiled
from geo.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class LineIndex:
    """Segments of lines in tree order, kept so that the next question does not sort them again."""

    segments: Floats
    owner: Ints
    tree: BoxTree | None


def _pairs(points: Any, *, what: str) -> Floats:
    xy = np.asarray(points, dtype=np.float64)
    if xy.size == 0:
        return np.empty((0, 2))
    if xy.ndim != 2 or xy.shape[1] != 2:
        raise InputError(f"{what}: 应为 n×2 的坐标数组（米），得到的形状是 {xy.shape}")
    return xy


def nearest_point(points: Any, targets: Any) -> tuple[Ints, Floats]:
    """Find the nearest target of every point.

    Parameters
    ----------
    points, targets
        (n,2) and (m,2) coordinates in metres of one metric CRS. A NaN point finds nothing, a NaN target is not found.

    Returns
    -------
    index, distance_m
        Position in `targets` (-1 none) and straight distance in metres (inf none). Equal distance: lowest position.

    Examples
    --------
    >>> index, distance_m = nearest_point([[0, 0]], [[3, 4], [30, 40]])
    >>> index.tolist(), distance_m.tolist()
    ([0], [5.0])
    """
    xy, goals = _pairs(points, what="points"), _pairs(targets, what="targets")
    index, distance_m = np.full(len(xy), -1, np.int64), np.full(len(xy), np.inf)
    here = np.flatnonzero(np.isfinite(xy).all(axis=1))
    there = np.flatnonzero(np.isfinite(goals).all(axis=1))
    if len(here) == 0 or len(there) == 0:
        return index, distance_m
    places, first = np.unique(goals[there], axis=0, return_index=True)
    tree = cKDTree(places)
    distance, position = tree.query(xy[here], k=min(2, len(places)))
    distance, position = distance.reshape(len(here), -1), position.reshape(len(here), -1)
    best = position[:, 0].copy()
    for row in np.flatnonzero(distance[:, -1] <= distance[:, 0] * (1 + SLACK)) if len(places) > 1 else ():
        near = np.array(tree.query_ball_point(xy[here[row]], distance[row, 0] * (1 + SLACK) + SLACK))
        apart = ((places[near] - xy[here[row]]) ** 2).sum(axis=1)
        best[row] = near[np.lexsort((first[near], apart))[0]]
    index[here] = there[first[best]]
    distance_m[here] = np.hypot(*(goals[index[here]] - xy[here]).T)
    return index, distance_m


def line_index(lines: Any) -> LineIndex:
    """Sort the segments of lines for `nearest_line`; missing and empty lines are left out.

    >>> len(line_index([shapely.LineString([(0, 0), (1, 0), (1, 1)])]).segments)
    2
    """
    shapes = np.asarray(lines, dtype=object)
    kinds = shapely.get_type_id(shapes)
    wrong = np.flatnonzero(~np.isin(kinds, (-1, 1, 2, 5, 7)))
    if len(wrong):
        raise InputError(f"第 {wrong[0]} 个要素不是线（{shapes[wrong[0]].geom_type}）: 只接受线或多线")
    if (kinds <= 1).all():
        parts, part_owner = shapes, np.arange(len(shapes))
    else:
        parts, part_owner = shapely.get_parts(shapes, return_index=True)
    xy, part = shapely.get_coordinates(parts, return_index=True)
    joined = np.flatnonzero(
        (part[1:] == part[:-1]) & np.isfinite(xy[1:]).all(axis=1) & np.isfinite(xy[:-1]).all(axis=1)
    )
    segments = np.hstack([xy[joined], xy[joined + 1]])
    owner = part_owner[part[joined]].astype(np.int64)
    if not IS_COMPILED or len(segments) == 0:
        return LineIndex(segments, owner, None)
    boxes = np.hstack([np.minimum(segments[:, :2], segments[:, 2:]), np.maximum(segments[:, :2], segments[:, 2:])])
    tree = box_tree(boxes)
    return LineIndex(np.ascontiguousarray(segments[tree.order]), owner[tree.order], tree)


@compiled
def _nearest_segment(boxes: Any, starts: Any, segments: Any, number: Any, points: Any, order: Any, found: Any) -> None:
    """Write the nearest segment (in tree order) of every point; the last answer bounds the next search."""
    stack_level = np.empty(STACK, np.int64)
    stack_node = np.empty(STACK, np.int64)
    best = 0
    for turn in range(len(order)):
        px, py = points[order[turn], 0], points[order[turn], 1]
        best_d2 = np.inf
        candidate, end = best, best + 1
        stack_level[0], stack_node[0] = len(starts) - 2, 0
        size = 1
        while True:
            while candidate < end:
                ax, ay, bx, by = segments[candidate]
                dx, dy = bx - ax, by - ay
                length2 = dx * dx + dy * dy
                along = (px - ax) * dx + (py - ay) * dy
                if along <= 0.0 or length2 == 0.0:
                    qx, qy = ax, ay
                elif along >= length2:
                    qx, qy = bx, by
                else:
                    part = along / length2
                    qx, qy = ax + part * dx, ay + part * dy
                ex, ey = px - qx, py - qy
                d2 = ex * ex + ey * ey
                if d2 < best_d2 or (d2 == best_d2 and number[candidate] < number[best]):
                    best_d2, best = d2, candidate
                candidate += 1
            if size == 0:
                break
            size -= 1
            level, node = stack_level[size], stack_node[size]
            at = starts[level] + node
            ex = max(boxes[at, 0] - px, px - boxes[at, 2], 0.0)
            ey = max(boxes[at, 1] - py, py - boxes[at, 3], 0.0)
            if ex * ex + ey * ey > best_d2 * (1 + SLACK) + SLACK:
                continue
            if level <= 1:
                candidate = node * NODE if level == 1 else node
                end = min(node * NODE + NODE, starts[1]) if level == 1 else node + 1
                continue
            width = starts[level] - starts[level - 1]
            for child in range(node * NODE, min(node * NODE + NODE, width)):
                stack_level[size], stack_node[size] = level - 1, child
                size += 1
        found[order[turn]] = best


def _foot(points: Floats, segments: Floats) -> tuple[Floats, Floats]:
    """Return the place on each segment nearest to its point and the squared distance, as the kernel reckons it."""
    ax, ay, bx, by = segments.T
    px, py = points.T
    dx, dy = bx - ax, by - ay
    length2 = dx * dx + dy * dy
    along = (px - ax) * dx + (py - ay) * dy
    part = np.divide(along, length2, out=np.zeros_like(along), where=length2 > 0)
    before, beyond = (along <= 0) | (length2 == 0), along >= length2
    qx = np.where(before, ax, np.where(beyond, bx, ax + part * dx))
    qy = np.where(before, ay, np.where(beyond, by, ay + part * dy))
    ex, ey = px - qx, py - qy
    return np.column_stack([qx, qy]), ex * ex + ey * ey


def _nearest_by_tree(points: Floats, index: LineIndex) -> Ints:
    """Find the nearest segment through shapely alone: every segment that could tie, then our own arithmetic."""
    tree = shapely.STRtree(shapely.linestrings(index.segments.reshape(-1, 2, 2)))
    (row, _), distance = tree.query_nearest(shapely.points(points), return_distance=True, all_matches=False)
    reach = np.zeros(len(points))
    reach[row] = distance * (1 + SLACK) + 1e-6
    row, segment = tree.query(shapely.points(points), predicate="dwithin", distance=reach)
    _, d2 = _foot(points[row], index.segments[segment])
    ranked = np.lexsort((segment, d2, row))
    chosen = ranked[np.unique(row[ranked], return_index=True)[1]]
    return np.asarray(segment[chosen], np.int64)


def nearest_line(points: Any, lines: Any) -> tuple[Ints, Floats, Floats]:
    """Find the nearest line of every point.

    Parameters
    ----------
    points
        (n,2) coordinates in metres. A NaN point finds nothing.
    lines
        Array of shapely lines in the same metric CRS (several parts allowed, missing ones are never found), or
        the `line_index` of them.

    Returns
    -------
    index, distance_m, snap_xy
        Position in `lines` (-1 none), straight distance in metres (inf none), the nearest place on the line (NaN
        none). Equal distance: lowest position.

    Examples
    --------
    >>> index, distance_m, snap_xy = nearest_line([[0, 4]], [shapely.LineString([(-9, 0), (9, 0)])])
    >>> index.tolist(), distance_m.tolist(), snap_xy.tolist()
    ([0], [4.0], [[0.0, 0.0]])
    """
    xy = _pairs(points, what="points")
    kept = lines if isinstance(lines, LineIndex) else line_index(lines)
    index, distance_m = np.full(len(xy), -1, np.int64), np.full(len(xy), np.inf)
    snap_xy = np.full((len(xy), 2), np.nan)
    here = np.flatnonzero(np.isfinite(xy).all(axis=1))
    if len(here) == 0 or len(kept.segments) == 0:
        return index, distance_m, snap_xy
    near = np.ascontiguousarray(xy[here])
    if kept.tree is None:
        segment = _nearest_by_tree(near, kept)
    else:
        segment = np.empty(len(near), np.int64)
        order = np.argsort(hilbert(near), kind="stable").astype(np.int64)
        tree = kept.tree
        _nearest_segment(tree.boxes, tree.starts, kept.segments, tree.order, near, order, segment)
    foot, d2 = _foot(near, kept.segments[segment])
    index[here], distance_m[here], snap_xy[here] = kept.owner[segment], np.sqrt(d2), foot
    return index, distance_m, snap_xy


def containing(points: Any, polygons: Any) -> Ints:
    """Find the polygon that covers every point, its border included.

    Parameters
    ----------
    points
        (n,2) coordinates. A NaN point is in nothing.
    polygons
        Array of shapely polygons (several parts allowed, missing ones cover nothing) in the same CRS.

    Returns
    -------
    index
        Position in `polygons`, -1 where none covers the point. On a shared border the lowest position wins.

    Examples
    --------
    >>> containing([[0, 0], [1, 1], [5, 5]], [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 2)]).tolist()
    [0, 0, -1]
    """
    xy = _pairs(points, what="points")
    shapes = np.asarray(polygons, dtype=object)
    index = np.full(len(xy), -1, np.int64)
    finite = np.flatnonzero(np.isfinite(xy).all(axis=1))
    order = finite[np.argsort(xy[finite, 0], kind="stable")]
    x, y = np.ascontiguousarray(xy[order, 0]), np.ascontiguousarray(xy[order, 1])
    bounds = shapely.bounds(shapes) if len(shapes) else np.empty((0, 4))
    shapely.prepare(shapes)
    first, last = np.searchsorted(x, bounds[:, 0], "left"), np.searchsorted(x, bounds[:, 2], "right")
    for position in np.flatnonzero(np.isfinite(bounds).all(axis=1) & (last > first)):
        slab = slice(first[position], last[position])
        inside = (y[slab] >= bounds[position, 1]) & (y[slab] <= bounds[position, 3])
        some = np.flatnonzero(inside & (index[order[slab]] < 0)) + first[position]
        covered = some[shapely.intersects_xy(shapes[position], x[some], y[some])]
        index[order[covered]] = position
    return index
