"""Road lines as arrays: where they cross, where they lie on each other, what comes near to them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo.boxes import BoxTree, box_tree, overlaps

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
TOUCH_M = 1e-6  # nearer than this is the same place
REPAIR_COLUMNS = ["kind", "road", "other_road", "x", "y", "distance_m", "is_applied"]


@dataclass(frozen=True)
class Lines:
    """Single lines as arrays: vertices with their line and chainage, lines with road, level, length and reach."""

    xy: Floats
    line: Ints
    chainage_m: Floats
    first: Ints
    last: Ints
    road: Ints
    level: Floats
    length_m: Floats
    reach_m: Floats
    segment: Ints  # number of the vertex each segment starts at
    tree: BoxTree  # boxes of the segments


def repair_table(kind: str, road: Any, other: Any, xy: Floats, distance_m: Any, *, is_applied: bool) -> pd.DataFrame:
    """List repairs of one kind."""
    return pd.DataFrame(
        {
            "kind": np.full(len(xy), kind, dtype=object),
            "road": np.broadcast_to(np.asarray(road, np.int64), len(xy)),
            "other_road": np.broadcast_to(np.asarray(other, np.int64), len(xy)),
            "x": xy[:, 0],
            "y": xy[:, 1],
            "distance_m": np.broadcast_to(np.asarray(distance_m, np.float64), len(xy)),
            "is_applied": np.full(len(xy), is_applied),
        },
        columns=REPAIR_COLUMNS,
    )


def read_lines(shapes: Any, levels: Floats, *, tolerance_m: float) -> tuple[Lines, list[pd.DataFrame]]:
    """Take lines apart into arrays; missing shapes and lines without length are listed and left out."""
    parts, road = shapely.get_parts(shapes, return_index=True)
    xy, line = shapely.get_coordinates(parts, return_index=True)
    good = np.isfinite(xy).all(axis=1)
    good[1:] &= (line[1:] != line[:-1]) | (xy[1:] != xy[:-1]).any(axis=1)
    xy, line = xy[good], line[good]
    count = np.bincount(line, minlength=len(parts))
    short, used = np.flatnonzero(count == 1), np.flatnonzero(count >= 2)
    bare = np.flatnonzero(np.bincount(road, weights=count, minlength=len(shapes)) == 0)
    at = xy[count[line] == 1]
    repairs = [
        repair_table("empty", bare, -1, np.full((len(bare), 2), np.nan), 0.0, is_applied=True),
        repair_table("zero_length", road[short], -1, at, 0.0, is_applied=True),
    ]
    keep = count[line] >= 2
    number = np.cumsum(count >= 2) - 1
    xy, line, road = np.ascontiguousarray(xy[keep]), number[line[keep]].astype(np.int64), road[used].astype(np.int64)
    is_first = np.r_[True, line[1:] != line[:-1]] if len(line) else np.empty(0, bool)
    first = np.flatnonzero(is_first)
    last = np.r_[first[1:], len(line)] - 1 if len(first) else first
    step = np.hypot(*np.diff(xy, axis=0, prepend=xy[:1]).T)
    step[first] = 0.0
    run = np.cumsum(step)
    chainage_m = run - run[first][line]
    length_m = chainage_m[last]
    reach_m = np.minimum(tolerance_m, length_m / 3)
    inner = np.ones(len(line), bool)
    inner[last] = False
    segment = np.flatnonzero(inner)
    tree = box_tree(_segment_boxes(xy, segment))
    return Lines(xy, line, chainage_m, first, last, road, levels[road], length_m, reach_m, segment, tree), repairs


def _segment_boxes(xy: Floats, segment: Ints) -> Floats:
    a, b = xy[segment], xy[segment + 1]
    return np.hstack([np.minimum(a, b) - TOUCH_M, np.maximum(a, b) + TOUCH_M])


def crossings(lines: Lines) -> tuple[Ints, Ints, Floats, Floats, Floats]:
    """Find where two lines cross inside both: line, other line, the two chainages, the place."""
    start = lines.segment
    a, b = lines.xy[start], lines.xy[start + 1]
    one, two = overlaps(lines.tree, _segment_boxes(lines.xy, start), after=np.arange(len(start)))
    neighbour = (two == one + 1) & (lines.line[start[one]] == lines.line[start[two]])
    one, two = one[~neighbour], two[~neighbour]
    r, s, w = b[one] - a[one], b[two] - a[two], a[two] - a[one]
    r_m, s_m = np.hypot(*r.T), np.hypot(*s.T)
    turn = r[:, 0] * s[:, 1] - r[:, 1] * s[:, 0]
    is_slanted = np.abs(turn) > 1e-9 * r_m * s_m
    safe = np.where(is_slanted, turn, 1.0)
    along_one = (w[:, 0] * s[:, 1] - w[:, 1] * s[:, 0]) / safe * r_m
    along_two = (w[:, 0] * r[:, 1] - w[:, 1] * r[:, 0]) / safe * s_m
    hit = is_slanted & (along_one >= -TOUCH_M) & (along_one <= r_m + TOUCH_M)
    hit &= (along_two >= -TOUCH_M) & (along_two <= s_m + TOUCH_M)
    touch = _overlaid(a, b, one[~is_slanted], two[~is_slanted])
    first = np.r_[one[hit], touch[0]]
    second = np.r_[two[hit], touch[1]]
    along_first, along_second = np.r_[along_one[hit], touch[2]], np.r_[along_two[hit], touch[3]]
    chain_one = lines.chainage_m[start[first]] + along_first
    chain_two = lines.chainage_m[start[second]] + along_second
    line_one, line_two = lines.line[start[first]], lines.line[start[second]]
    xy = (_along(a[first], b[first], along_first) + _along(a[second], b[second], along_second)) / 2
    inside = (chain_one > TOUCH_M) & (chain_one < lines.length_m[line_one] - TOUCH_M)
    inside &= (chain_two > TOUCH_M) & (chain_two < lines.length_m[line_two] - TOUCH_M)
    return line_one[inside], line_two[inside], chain_one[inside], chain_two[inside], xy[inside]


def _along(a: Floats, b: Floats, along_m: Floats) -> Floats:
    place: Floats = a + (b - a) * (along_m / np.maximum(np.hypot(*(b - a).T), TOUCH_M))[:, None]
    return place


def _overlaid(a: Floats, b: Floats, one: Ints, two: Ints) -> tuple[Ints, Ints, Floats, Floats]:
    """Find where parallel segments lie on each other: at each vertex of one that lies on the other."""
    found: list[tuple[Ints, Ints, Floats, Floats]] = []
    for base, other, is_turned in ((one, two, False), (two, one, True)):
        ahead = b[base] - a[base]
        length = np.hypot(*ahead.T)
        unit = ahead / length[:, None]
        for tip, is_finish in ((a[other], False), (b[other], True)):
            offset = tip - a[base]
            along = (offset * unit).sum(axis=1)
            across = np.abs(offset[:, 0] * unit[:, 1] - offset[:, 1] * unit[:, 0])
            on = (across <= TOUCH_M) & (along >= -TOUCH_M) & (along <= length + TOUCH_M)
            far = np.hypot(*(b[other[on]] - a[other[on]]).T) if is_finish else np.zeros(int(on.sum()))
            pair = (base[on], other[on], along[on], far)
            found.append((pair[1], pair[0], pair[3], pair[2]) if is_turned else pair)
    return (
        np.concatenate([part[0] for part in found]),
        np.concatenate([part[1] for part in found]),
        np.concatenate([part[2] for part in found]),
        np.concatenate([part[3] for part in found]),
    )


def without_runs(line_one: Ints, line_two: Ints, chain_one: Floats, chain_two: Floats) -> Ints:
    """Keep the first and last meeting of every stretch that two lines share, and every single crossing once."""
    order = np.lexsort((chain_two, chain_one, line_two, line_one))
    p, q, s, t = line_one[order], line_two[order], chain_one[order], chain_two[order]
    same = (p[1:] == p[:-1]) & (q[1:] == q[:-1])
    ahead, across = np.abs(np.diff(s)), np.abs(np.diff(t))
    is_repeat = np.r_[False, same & (ahead <= 2 * TOUCH_M) & (across <= 2 * TOUCH_M)][: len(order)]
    order = order[~is_repeat]
    p, q, s, t = line_one[order], line_two[order], chain_one[order], chain_two[order]
    shared = (p[1:] == p[:-1]) & (q[1:] == q[:-1]) & (np.abs(np.abs(np.diff(s)) - np.abs(np.diff(t))) <= 1e-3)
    is_middle = np.r_[False, shared][: len(order)] & np.r_[shared, False][: len(order)]
    return np.asarray(order[~is_middle], np.int64)


def feet(lines: Lines, places: Floats, reach: Floats) -> pd.DataFrame:
    """Find, for each end place, the segments within reach of it, the nearest of each line first."""
    start = lines.segment
    a, b = lines.xy[start], lines.xy[start + 1]
    around = np.hstack([places - reach[:, None], places + reach[:, None]])
    place, segment = overlaps(lines.tree, around)
    ahead, offset = b[segment] - a[segment], places[place] - a[segment]
    length = np.hypot(*ahead.T)
    along = np.clip((offset * ahead).sum(axis=1) / length, 0.0, length)
    foot = a[segment] + ahead * (along / length)[:, None]
    distance = np.hypot(*(places[place] - foot).T)
    line = lines.line[start[segment]]
    chainage = lines.chainage_m[start[segment]] + along
    order = np.lexsort((chainage, distance, line, place))
    order = order[distance[order] <= reach[place[order]]]
    return pd.DataFrame(
        {
            "place": place[order],
            "line": line[order],
            "chainage_m": chainage[order],
            "distance_m": distance[order],
            "x": foot[order, 0],
            "y": foot[order, 1],
        }
    )


def at_vertex(lines: Lines, line: Ints, chainage_m: Floats) -> NDArray[np.bool_]:
    """Say whether a line was drawn with a vertex at each place."""
    offset = np.cumsum(np.r_[0.0, lines.length_m + 1.0])
    known, asked = offset[lines.line] + lines.chainage_m, offset[line] + chainage_m
    after = np.clip(np.searchsorted(known, asked), 1, max(len(known) - 1, 1))
    return np.minimum(np.abs(known[after] - asked), np.abs(known[after - 1] - asked)) <= 2 * TOUCH_M


def duplicates(lines: Lines) -> tuple[pd.DataFrame, Ints]:
    """List lines drawn twice, vertex for vertex in either direction, and give each line its first twin."""
    first, last = lines.xy[lines.first], lines.xy[lines.last]
    is_turned = (first[:, 0] > last[:, 0]) | ((first[:, 0] == last[:, 0]) & (first[:, 1] > last[:, 1]))
    low, high = np.where(is_turned[:, None], last, first), np.where(is_turned[:, None], first, last)
    keys = np.column_stack([low, high, lines.last - lines.first])
    order = np.lexsort(keys.T)
    alike = np.flatnonzero((keys[order[1:]] == keys[order[:-1]]).all(axis=1))
    again = np.unique(np.r_[order[alike], order[alike + 1]])
    seen: dict[bytes, int] = {}
    found: list[tuple[int, int]] = []
    twin = np.arange(len(lines.first))
    for line in again.tolist():
        xy = lines.xy[lines.first[line] : lines.last[line] + 1]
        key = min(xy.tobytes(), xy[::-1].tobytes())
        if seen.setdefault(key, line) != line:
            found.append((line, seen[key]))
            twin[line] = seen[key]
    pairs = np.array(found, np.int64).reshape(-1, 2)
    at = lines.xy[lines.first[pairs[:, 0]]] if len(pairs) else np.empty((0, 2))
    return repair_table("duplicate", lines.road[pairs[:, 0]], lines.road[pairs[:, 1]], at, 0.0, is_applied=False), twin
