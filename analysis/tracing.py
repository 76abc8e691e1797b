"""A drawn line laid on the road network: where it follows a road, where it leaves it, and where it is new alignment."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.network import Network
from geo.stretches import places_along, stretches

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
STEP_M = 5.0
ALONG = 0.85  # a line follows a road while it advances along it at least so much of its own length (some 30 degrees)
END_M = 0.005


@dataclass(frozen=True)
class Place:
    """A place on the network: an edge and metres along it."""

    edge: int
    at_m: float


@dataclass(frozen=True)
class Step:
    """One stretch of a traced line.

    On an edge from `start` to `stop` (both on the same edge), or new alignment along `line` (metres) from one to the
    other; None is an end that touches no road. `drawn_m` is where along the drawn line it begins.
    """

    edge: int
    start: Place | None
    stop: Place | None
    line: Any
    drawn_m: float

    @property
    def is_new(self) -> bool:
        """Whether it is new alignment."""
        return self.edge < 0


class Roads:
    """The usable edges of a network, ready to be followed."""

    def __init__(self, network: Network, is_usable: NDArray[np.bool_], rank: Ints) -> None:
        self.network, self.rank = network, rank
        self.edges = np.flatnonzero(is_usable)
        self.tree = shapely.STRtree(network.edge_geometry[self.edges])
        self.length_m = shapely.length(network.edge_geometry)
        ends = np.r_[network.edge_from[self.edges], network.edge_to[self.edges]]
        order = np.argsort(ends, kind="stable")
        self._at = np.r_[self.edges, self.edges][order]
        self._begin = np.searchsorted(ends[order], np.arange(len(network.node_xy) + 1))

    def beside(self, node: int) -> list[int]:
        """List the usable edges at a node."""
        return [int(edge) for edge in self._at[self._begin[node] : self._begin[node + 1]]]

    def ends(self, place: Place) -> Iterator[tuple[int, float, float]]:
        """Give the nodes of a place's edge, the metres to them and where on the edge they are."""
        length = float(self.length_m[place.edge])
        yield int(self.network.edge_from[place.edge]), place.at_m, 0.0
        yield int(self.network.edge_to[place.edge]), length - place.at_m, length

    def xy(self, place: Place) -> tuple[float, float]:
        """Give the coordinates of a place."""
        found = places_along(self.network.edge_geometry[[place.edge]], np.array([0]), np.array([place.at_m]))[0]
        return float(found[0]), float(found[1])

    def stretch(self, start: Place, stop: Place) -> Any:
        """Cut out the road between two places of one edge, in the direction of travel."""
        low, high = sorted((start.at_m, stop.at_m))
        if high - low <= END_M:
            return shapely.LineString([self.xy(start), self.xy(stop)])
        line = stretches(self.network.edge_geometry[[start.edge]], [low], [high])[0]
        return line if start.at_m <= stop.at_m else shapely.reverse(line)

    def between(self, start: Place, stop: Place, *, most_m: float) -> list[tuple[Place, Place]] | None:
        """Find the shortest way between two places over the roads, None when it is longer than `most_m`."""
        if start.edge == stop.edge and abs(start.at_m - stop.at_m) <= most_m:
            return [(start, stop)]
        best: dict[int, float] = {}
        came: dict[int, tuple[int, int]] = {}
        queue: list[tuple[float, int]] = []
        for node, metres, _ in self.ends(start):
            if metres <= most_m and metres < best.get(node, np.inf):
                best[node] = metres
                heapq.heappush(queue, (metres, node))
        goals = {node: metres for node, metres, _ in self.ends(stop)}
        found: tuple[float, int] | None = None
        while queue:
            metres, node = heapq.heappop(queue)
            if metres > best[node] or (found is not None and metres >= found[0]):
                continue
            if node in goals and metres + goals[node] <= most_m and (found is None or metres + goals[node] < found[0]):
                found = (metres + goals[node], node)
            for edge in self.beside(node):
                one, two = int(self.network.edge_from[edge]), int(self.network.edge_to[edge])
                other, further = (two if one == node else one), metres + float(self.length_m[edge])
                if further <= most_m and further < best.get(other, np.inf):
                    best[other] = further
                    came[other] = (node, edge)
                    heapq.heappush(queue, (further, other))
        return None if found is None else self._way(start, stop, found[1], came)

    def _way(self, start: Place, stop: Place, node: int, came: dict[int, tuple[int, int]]) -> list[tuple[Place, Place]]:
        """Lay out the found way as stretches of edges."""
        back: list[tuple[Place, Place]] = [(self._end(stop.edge, node), stop)]
        while node in came:
            before, edge = came[node]
            back.append((self._end(edge, before), self._end(edge, node)))
            node = before
        back.append((start, self._end(start.edge, node)))
        return [(one, two) for one, two in reversed(back) if abs(one.at_m - two.at_m) > END_M]

    def _end(self, edge: int, node: int) -> Place:
        return Place(edge, 0.0 if int(self.network.edge_from[edge]) == node else float(self.length_m[edge]))


def densified(line: Any) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Give places along a line at most five metres apart, their metres along it, and which are its own vertices."""
    xy = shapely.get_coordinates(line)
    leg = np.hypot(*np.diff(xy, axis=0).T)
    count = np.maximum(np.ceil(leg / STEP_M).astype(np.int64), 1)
    part = np.concatenate([np.arange(n) / n for n in count])
    owner = np.repeat(np.arange(len(leg)), count)
    places = xy[owner] + part[:, None] * (xy[owner + 1] - xy[owner])
    along = np.r_[0.0, np.cumsum(leg)]
    at = np.r_[along[owner] + part * leg[owner], along[-1]]
    return np.vstack([places, xy[-1]]), at, np.r_[part == 0, True]


def _followed(roads: Roads, xy: Floats, tolerance_m: float, first_edges: Sequence[int]) -> tuple[Ints, Floats, Floats]:
    """Say of every short piece of a line which edge it follows (-1 none), and from where to where along it."""
    count = len(xy) - 1
    edge, begin, end = np.full(count, -1, np.int64), np.zeros(count), np.zeros(count)
    if not len(roads.edges):
        return edge, begin, end
    middle = shapely.points((xy[1:] + xy[:-1]) / 2)
    piece, near = roads.tree.query(middle, predicate="dwithin", distance=tolerance_m)
    shapes = roads.network.edge_geometry[roads.edges[near]]
    ends = [shapely.points(xy[piece]), shapely.points(xy[piece + 1])]
    far = np.maximum(*(shapely.distance(shapes, point) for point in ends))
    along = [shapely.line_locate_point(shapes, point) for point in ends]
    leg = np.hypot(*(xy[1:] - xy[:-1]).T)[piece]
    keep = (far <= tolerance_m) & (np.abs(along[1] - along[0]) >= ALONG * leg) & (leg > 0)
    found = roads.edges[near]
    is_other = ~np.isin(found, first_edges)
    order = np.lexsort((found, is_other, -roads.rank[found], np.round(far, 2), piece))
    order = order[keep[order]]
    first = order[np.r_[True, piece[order][1:] != piece[order][:-1]][: len(order)]]
    edge[piece[first]] = found[first]
    begin[piece[first]], end[piece[first]] = along[0][first], along[1][first]
    return edge, begin, end


def trace(roads: Roads, line: Any, *, tolerance_m: float, first_edges: Sequence[int] = ()) -> list[Step]:
    """Lay a drawn line on the roads.

    Parameters
    ----------
    roads
        The usable edges.
    line
        LineString in metres, at least two different places.
    tolerance_m
        While the line runs along a road at most so far away (inclusive), it follows that road and is measured along
        it. A road that is only crossed is not followed.
    first_edges
        Edges where the line begins: of records that lie on each other these are followed.

    Returns
    -------
    list
        Stretches of road and of new alignment in the order drawn, joined end to end.
    """
    xy, along, is_vertex = densified(line)
    edge, begin, end = _followed(roads, xy, tolerance_m, first_edges)
    edge = _without_crossings(edge, along, tolerance_m)
    steps: list[Step] = []
    here: Place | None = None  # where the traced line stands on a road
    left = 0  # the piece from which it runs off the road
    for piece in range(len(edge)):
        if edge[piece] < 0:
            continue
        start, stop = (
            Place(int(edge[piece]), _clean(roads, int(edge[piece]), at)) for at in (begin[piece], end[piece])
        )
        gap_m = float(along[piece] - along[left])
        way = None
        if here is not None:
            if here.edge == start.edge and gap_m == 0:
                way = [(here, start)]
            else:
                way = (
                    roads.between(here, start, most_m=1.5 * gap_m + 2 * tolerance_m)
                    if gap_m <= 4 * tolerance_m
                    else None
                )
        if way is None and (here is not None or piece > 0):
            steps.append(_new(roads, here, start, _bends(xy, is_vertex, left, piece), float(along[left])))
            way = []
        for one, two in [*(way or []), (start, stop)]:
            follow(roads, steps, one, two, float(along[piece]))
        here, left = stop, piece + 1
    if left < len(edge):
        steps.append(_new(roads, here, None, _bends(xy, is_vertex, left, len(edge)), float(along[left])))
    return steps


def _bends(xy: Floats, is_vertex: NDArray[np.bool_], first: int, last: int) -> Floats:
    """Give the ends of a stretch of places and the vertices between them."""
    keep = is_vertex[first : last + 1].copy()
    keep[0] = keep[-1] = True
    return np.asarray(xy[first : last + 1][keep])


def _without_crossings(edge: Ints, along: Floats, tolerance_m: float) -> Ints:
    """Let a line that keeps to a road for less than the tolerance, with new alignment on both sides, not follow it."""
    kept = edge.copy()
    on = np.r_[False, kept >= 0, False]
    starts, stops = np.flatnonzero(on[1:] & ~on[:-1]), np.flatnonzero(on[:-1] & ~on[1:])
    for first, last in zip(starts.tolist(), stops.tolist(), strict=True):
        if first > 0 and last < len(kept) and along[last] - along[first] < tolerance_m:
            kept[first:last] = -1
    return kept


def _clean(roads: Roads, edge: int, at_m: float) -> float:
    """Take a place within half a centimetre of a node as the node."""
    length = float(roads.length_m[edge])
    return 0.0 if at_m <= END_M else length if at_m >= length - END_M else float(at_m)


def follow(roads: Roads, steps: list[Step], start: Place, stop: Place, drawn_m: float) -> None:
    """Add a stretch of road; what goes on along the same edge prolongs the last step."""
    if abs(start.at_m - stop.at_m) <= END_M and steps:
        return
    last = steps[-1] if steps else None
    if last is not None and last.edge == start.edge and last.start is not None and last.stop is not None:
        is_onward = (stop.at_m - start.at_m) * (last.stop.at_m - last.start.at_m) >= 0
        if is_onward and abs(last.stop.at_m - start.at_m) <= END_M:
            steps[-1] = Step(last.edge, last.start, stop, roads.stretch(last.start, stop), last.drawn_m)
            return
    steps.append(Step(start.edge, start, stop, roads.stretch(start, stop), drawn_m))


def _new(roads: Roads, start: Place | None, stop: Place | None, xy: Floats, drawn_m: float) -> Step:
    """Make new alignment from road to road along the drawn places."""
    ends = [np.array([roads.xy(place)]) if place is not None else np.empty((0, 2)) for place in (start, stop)]
    whole = np.vstack([ends[0], xy, ends[1]])
    keep = np.r_[True, np.hypot(*np.diff(whole, axis=0).T) > 1e-6]
    whole = whole[keep]
    return Step(-1, start, stop, shapely.LineString(whole if len(whole) > 1 else np.vstack([whole, whole])), drawn_m)
