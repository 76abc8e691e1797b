"""A line an engineer draws from a natural village to the hardened core: what of it exists, what it costs, where it ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from analysis.costing import Costing, Table, computed_line, costed
from analysis.hardened import edge_facts
from analysis.tracing import Place, Step, follow, trace
from geo.errors import InputError
from geo.stretches import places_along

__all__ = ["Costing", "DrawnLine", "Table", "clean_line", "computed_line", "metric_line", "recost"]
TOLERANCE_M = 15.0  # how far a drawn line may run beside a road and still follow it; shown, and can be changed
MOST_VERTICES, MOST_KM = 20_000, 200.0


@dataclass(frozen=True)
class DrawnLine:
    """A named line for one natural village, as (longitude, latitude) in EPSG:4490, village first."""

    natural_village_id: str
    name: str
    points: tuple[tuple[float, float], ...]
    tolerance_m: float = TOLERANCE_M


def metric_line(points: Any, crs: CRS) -> Any:
    """Bring drawn places (longitude, latitude) to metres and refuse what is no line.

    Raises
    ------
    InputError
        Fewer than two different places, a place that is no place on earth, or far too many.
    """
    xy = np.asarray(points, np.float64).reshape(-1, 2) if len(points) else np.empty((0, 2))
    if len(xy) > MOST_VERTICES:
        raise InputError(f"画的线有 {len(xy):,} 个点，最多 {MOST_VERTICES:,} 个：请先抽稀再用。")
    if not np.isfinite(xy).all() or (np.abs(xy[:, 0]) > 180).any() or (np.abs(xy[:, 1]) > 90).any():
        raise InputError("画的线有不是经纬度的点：请重画，或检查粘贴的坐标。")
    metres = gpd.GeoSeries(shapely.points(xy), crs="EPSG:4490").to_crs(crs)
    return clean_line(np.column_stack([metres.x, metres.y]) if len(xy) else np.empty((0, 2)))


def clean_line(xy: Any) -> Any:
    """Make a line of places in metres, repeated ones once; InputError when fewer than two are left.

    >>> clean_line([(0, 0), (0, 0), (3, 4)]).length
    5.0
    """
    places = np.asarray(xy, np.float64).reshape(-1, 2)
    if not np.isfinite(places).all():
        raise InputError("画的线有坐标换算不出来的点：请检查是否在本县范围内。")
    keep = np.r_[True, np.hypot(*np.diff(places, axis=0).T) > 0.001] if len(places) else np.empty(0, bool)
    places = places[keep]
    if len(places) < 2:
        raise InputError("只有一个点，画不成线：请至少点两个不同的位置（从村子到已硬化的路）。")
    line = shapely.LineString(places)
    if line.length > MOST_KM * 1000:
        raise InputError(f"画的线长 {line.length / 1000:,.0f} 公里，超过 {MOST_KM:g} 公里：请检查是否点到了县外。")
    return line


def recost(
    table: Table, row: int, point_xy: Sequence[float], line: Any, *, tolerance_m: float = TOLERANCE_M
) -> Costing:
    """Cost a drawn line from a natural village.

    Parameters
    ----------
    row
        Position of the natural village in its layer.
    point_xy
        Where it lies, metres.
    line
        The drawn LineString in metres (`metric_line`), beginning at the village or at the place where it meets its
        road.
    tolerance_m
        While the line runs beside a usable road at most so far away (inclusive) it follows that road.

    Returns
    -------
    Costing
        What comes after the first touch of the core is `beyond` and costs nothing. The bit from a village to the
        road it is counted on (within the policy's snap distance) is `access` and costs nothing either, just as in the
        computed gap. A line beside no road at all is new alignment.

    Raises
    ------
    InputError
        When the line begins elsewhere, leaves the county, or the tolerance is no positive number.
    """
    if not (np.isfinite(tolerance_m) and 0 < tolerance_m <= 100):
        raise InputError(f"贴路容差应在 0 到 100 米之间，得到 {tolerance_m}。")
    _stay_inside(table.county, line)
    join = tuple(table.states.join_xy[row])
    _begin_there(line, point_xy, join, tolerance_m)
    line, has_access = _past_access(table, row, point_xy, line, tolerance_m)
    beside = table.roads.beside(int(table.states.node[row])) if has_access else ()
    steps = trace(table.roads, line, tolerance_m=tolerance_m, first_edges=beside)
    if has_access:
        steps = _from_joining_place(table, row, steps, tolerance_m)
    built, beyond, is_reaching = _to_core(table, steps)
    if not is_reaching and built:
        built, is_reaching = _last_bit(table, built, tolerance_m)
    is_apart = has_access and float(np.hypot(*np.subtract(point_xy, join))) > 0.01
    access = shapely.LineString([tuple(point_xy), join]) if is_apart else None
    return costed(table, row, access, built, beyond, is_reaching, has_access)


def _stay_inside(county: Any, line: Any) -> None:
    """Refuse a line that runs more than a kilometre outside the county."""
    if county is None or shapely.is_empty(county):
        return
    far = shapely.distance(shapely.points(shapely.get_coordinates(line)), county)
    if far.max() > 1000:
        place = int(np.argmax(far))
        raise InputError(
            f"第 {place + 1} 个点在县界外 {far[place] / 1000:,.1f} 公里：线要画在本县范围内（出界至多 1 公里）。"
        )


def _begin_there(line: Any, point_xy: Sequence[float], join: tuple[float, ...], tolerance_m: float) -> None:
    start = shapely.get_coordinates(line)[0]
    far = [float(np.hypot(*(start - np.asarray(place)))) for place in (point_xy, join) if np.isfinite(place).all()]
    if not far or min(far) > tolerance_m:
        gap = f"起点离村 {min(far):,.0f} 米" if far else "这个自然村没有位置"
        raise InputError(f"线要从村子（或村口接路处）开始：{gap}，超过 {tolerance_m:g} 米。请把第一个点拖到村子上。")


def _past_access(table: Table, row: int, point_xy: Sequence[float], line: Any, tolerance_m: float) -> tuple[Any, bool]:
    """Cut off the bit between a village and the road it is counted on: it costs nothing, as in the computed gap.

    Returns the line from where it passes that place on, and whether it passes it at all; a village that no road
    serves, or a line that leaves it another way, is left as it is.
    """
    join = table.states.join_xy[row]
    if str(table.states.high_state[row]) == "build" or not np.isfinite(join).all():
        return line, False
    straight = float(np.hypot(*(np.asarray(point_xy, np.float64) - join)))
    near = _cut(line, 1.5 * straight + 2 * tolerance_m)[0]
    if shapely.distance(near, shapely.Point(join)) > tolerance_m:
        return line, False
    rest = _cut(line, float(shapely.line_locate_point(near, shapely.Point(join))), is_tail=True)[1]
    return (rest if rest is not None else near), True


def _from_joining_place(table: Table, row: int, steps: list[Step], tolerance_m: float) -> list[Step]:
    """Let a traced line begin exactly where the village joins its road."""
    start = _edge_at(table, int(table.states.node[row]))
    first = steps[0] if steps else None
    if start is None or first is None:
        return steps
    if first.is_new:
        xy = np.vstack([table.states.join_xy[[row]], shapely.get_coordinates(first.line)])
        xy = xy[np.r_[True, np.hypot(*np.diff(xy, axis=0).T) > 0.001]]
        line = shapely.LineString(xy if len(xy) > 1 else np.vstack([xy, xy]))
        return [Step(-1, start, first.stop, line, 0.0), *steps[1:]]
    way = table.roads.between(start, first.start, most_m=4 * tolerance_m) if first.start is not None else None
    ahead: list[Step] = []
    for one, two in way or []:
        follow(table.roads, ahead, one, two, 0.0)
    if first.start is not None and first.stop is not None:
        follow(table.roads, ahead, first.start, first.stop, first.drawn_m)
    return [*ahead, *steps[1:]]


def _edge_at(table: Table, node: int) -> Place | None:
    """Give a node as a place on one of its usable edges."""
    beside = table.roads.beside(node) if node >= 0 else []
    if not beside:
        return None
    edge = beside[0]
    is_first = int(table.states.network.edge_from[edge]) == node
    return Place(edge, 0.0 if is_first else float(table.roads.length_m[edge]))


def _to_core(table: Table, steps: list[Step]) -> tuple[list[Step], list[Step], bool]:
    """Cut a traced line where it first touches the core -> up to there, beyond, whether it does."""
    is_core = edge_facts(table.core, table.states)[2]
    built: list[Step] = []
    for place, step in enumerate(steps):
        rest = steps[place + 1 :]
        if not step.is_new:
            if is_core[step.edge]:
                return built, steps[place:], True
            built.append(step)
            if step.stop is not None and _node_of(table, step.stop) in table.core_nodes:
                return built, rest, True
            continue
        touched = _first_touch(table, step)
        if touched is None:
            built.append(step)
            continue
        cut, over = touched
        return [*built, cut], [*([over] if over is not None else []), *rest], True
    return built, [], False


def _node_of(table: Table, place: Place) -> int:
    if place.at_m <= 0:
        return int(table.states.network.edge_from[place.edge])
    is_end = place.at_m >= float(table.roads.length_m[place.edge])
    return int(table.states.network.edge_to[place.edge]) if is_end else -1


def _first_touch(table: Table, step: Step) -> tuple[Step, Step | None] | None:
    """Cut new alignment where it first meets a road of the core; None when it does not."""
    edges, tree = table.core_tree
    near = tree.query(step.line, predicate="dwithin", distance=0.01)
    if step.start is not None:  # the road it leaves is not the core: what touches there is behind it
        near = near[edges[near] != step.start.edge]
    if not len(near):
        return None
    best: tuple[float, int, Any] | None = None
    for place in near.tolist():
        shape = table.states.network.edge_geometry[int(edges[place])]
        met = shapely.intersection(step.line, shape)
        if shapely.is_empty(met):
            met = shapely.shortest_line(step.line, shape)
        for xy in shapely.get_coordinates(met):
            along = float(shapely.line_locate_point(step.line, shapely.Point(xy)))
            if best is None or along < best[0] - 1e-9:
                best = (along, int(edges[place]), xy)
    if best is None:
        return None
    along, edge, xy = best
    at = _within(table, edge, xy)
    front, back = _cut(step.line, along)
    over = None if back is None else Step(-1, None, step.stop, back, step.drawn_m + along)
    return Step(-1, step.start, at, front, step.drawn_m), over


def _within(table: Table, edge: int, xy: Any) -> Place:
    at = float(shapely.line_locate_point(table.states.network.edge_geometry[edge], shapely.Point(xy)))
    return Place(edge, min(max(at, 0.0), float(table.roads.length_m[edge])))


def _cut(line: Any, along_m: float, *, is_tail: bool = False) -> tuple[Any, Any | None]:
    """Cut a line at some metres from its start; a cut at an end leaves nothing behind it."""
    if along_m >= line.length - 1e-6:
        return line, None
    if is_tail and along_m <= 1e-6:
        return line, line
    xy = shapely.get_coordinates(line)
    at = np.r_[0.0, np.cumsum(np.hypot(*np.diff(xy, axis=0).T))]
    middle = places_along(np.array([line], dtype=object), np.array([0]), np.array([along_m]))
    front = np.vstack([xy[at < along_m - 1e-9], middle])
    back = np.vstack([middle, xy[at > along_m + 1e-9]])
    return shapely.LineString(front if len(front) > 1 else np.vstack([front, front])), shapely.LineString(back)


def _last_bit(table: Table, built: list[Step], tolerance_m: float) -> tuple[list[Step], bool]:
    """Let a line that ends within the tolerance of the core end on it."""
    end = shapely.Point(shapely.get_coordinates(built[-1].line)[-1])
    edges, tree = table.core_tree
    near = tree.query_nearest(end, max_distance=tolerance_m) if len(edges) else []
    if not len(near):
        return built, False
    goal = _within(table, int(edges[near[0]]), shapely.get_coordinates(end)[0])
    last = built[-1]
    if last.is_new:
        xy = np.vstack([shapely.get_coordinates(last.line), [table.roads.xy(goal)]])
        xy = xy[np.r_[True, np.hypot(*np.diff(xy, axis=0).T) > 1e-6]]
        if len(xy) < 2:
            return built, False
        return [*built[:-1], Step(-1, last.start, goal, shapely.LineString(xy), last.drawn_m)], True
    way = table.roads.between(last.stop, goal, most_m=2 * tolerance_m) if last.stop is not None else None
    if way is None:
        return built, False
    is_core = edge_facts(table.core, table.states)[2]
    more = [Step(one.edge, one, two, table.roads.stretch(one, two), 0.0) for one, two in way if not is_core[one.edge]]
    return [*built, *more], True
