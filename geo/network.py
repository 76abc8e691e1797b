"""Road lines -> noded graph; snapping points to it; shortest paths over it (`geo.splits` cuts it where points join)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from geo.crs import require_metric
from geo.errors import InputError
from geo.lines import REPAIR_COLUMNS, read_lines
from geo.nearest import LineIndex, line_index, nearest_line
from geo.noding import meetings
from geo.pieces import cut_lines

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
TRUE_WORDS = frozenset({"1", "1.0", "true", "t", "yes", "y", "是", "viaduct"})


@dataclass(frozen=True)
class Network:
    """A noded road network as arrays. Edge e runs from node edge_from[e] to edge_to[e] along edge_geometry[e].

    Lengths are whole millimetres, so that sums are the same on every machine. `edge_road` is the position of the
    road in the frame it was built from. `repairs` lists every mend (kind, road, other_road, x, y, distance_m,
    is_applied) in coordinates of that frame.
    """

    node_xy: Floats
    edge_from: Ints
    edge_to: Ints
    edge_length_mm: NDArray[np.uint32]
    edge_road: Ints
    edge_geometry: NDArray[Any]
    repairs: pd.DataFrame


@dataclass(frozen=True)
class Snaps:
    """Where points meet the network: edge (-1 none), fraction along it (0..1), straight distance (inf none)."""

    edge: Ints
    fraction: Floats
    distance_m: Floats


@dataclass(frozen=True)
class EdgeIndex:
    """Edges sorted for `snap_to`; their order decides between edges that are equally near."""

    edges: Ints
    lines: LineIndex


def _levels(roads: Any) -> Floats:
    """Return the level of each road: `level` or `layer` where given, else 1 on a bridge, -1 in a tunnel, else 0."""
    level = np.zeros(len(roads))
    for column, value in (("tunnel", -1.0), ("bridge", 1.0)):
        if column in roads:
            words = roads[column].astype("object").map(lambda word: str(word).strip().lower())
            level[words.isin(TRUE_WORDS).to_numpy()] = value
    for column in ("layer", "level"):
        if column in roads:
            given = pd.to_numeric(roads[column], errors="coerce").to_numpy(np.float64, na_value=np.nan)
            level = np.where(np.isfinite(given), given, level)
    return level


def build_network(roads: Any, *, tolerance_m: float = 2.0, keep_apart: Any = None) -> Network:
    """Turn road lines as delivered into a network whose junctions are joined and whose bridges are not.

    The rules are those of `geo.noding`. Nothing is lost silently: every end that was moved, every crossing that was
    joined or left apart (a bridge), every line without length, every duplicate and every loose end that stops a
    little beyond the tolerance is a row of `repairs`. Duplicates stay in as parallel edges.

    Parameters
    ----------
    roads
        Line frame in a metric CRS (several parts allowed). Optional columns `level` or `layer` (number), `bridge`,
        `tunnel` (yes/no) say which lines pass over which.
    tolerance_m
        Ends at most so far from another line meet it (inclusive).
    keep_apart
        (n,2) places, taken from `repairs`, where nothing is joined: the way to undo a repair.

    Returns
    -------
    Network
        Nodes are numbered along a Hilbert curve, whatever the order of the rows. Empty roads: an empty network.

    Raises
    ------
    CRSError
        When the frame has no CRS or is not in metres.
    InputError
        When a shape is not a line, or the tolerance is not a positive number.

    Examples
    --------
    >>> import geopandas as gpd
    >>> street, lane = shapely.LineString([(0, 0), (10, 0)]), shapely.LineString([(5, 1), (5, 9)])  # misses by 1 m
    >>> network = build_network(gpd.GeoDataFrame(geometry=[street, lane], crs="EPSG:4547"))
    >>> network.edge_road.tolist(), network.edge_length_mm.tolist(), network.repairs["kind"].tolist()
    ([0, 0, 1], [5000, 5000, 9000], ['undershoot'])

    """
    require_metric(roads, what="道路 roads")
    if not (np.isfinite(tolerance_m) and tolerance_m > 0):
        raise InputError(f"道路咬合容差应为正数（米），得到 {tolerance_m}")
    shapes = roads.geometry.to_numpy()
    wrong = np.flatnonzero(~np.isin(shapely.get_type_id(shapes), (-1, 1, 2, 5)))
    if len(wrong):
        raise InputError(f"道路 roads 第 {wrong[0] + 1} 行不是线（{shapes[wrong[0]].geom_type}）: 只接受线或多线")
    apart = np.empty((0, 2)) if keep_apart is None else np.asarray(keep_apart, np.float64).reshape(-1, 2)
    lines, repairs = read_lines(shapes, _levels(roads), tolerance_m=tolerance_m)
    if len(lines.first) == 0:
        none = np.empty(0, np.int64)
        return _finish(np.empty((0, 2)), none, none, none, np.empty(0, object), repairs)
    met, mended = meetings(lines, tolerance_m=tolerance_m, keep_apart=apart)
    cut = cut_lines(lines, met, tolerance_m=tolerance_m)
    return _finish(cut.node_xy, cut.one, cut.two, cut.road, cut.shapes, [*repairs, *mended, cut.stubs])


def _finish(
    node_xy: Floats, one: Ints, two: Ints, road: Ints, shapes: NDArray[Any], repairs: list[pd.DataFrame]
) -> Network:
    """Measure the edges, leave out nodes nothing uses and gather the repairs."""
    length_mm = np.maximum(np.rint(shapely.length(shapes) * 1000.0), 1.0)
    if length_mm.max(initial=0) > np.iinfo(np.uint32).max:
        raise InputError("道路 roads: 有一段超过 4294 公里，请检查坐标系和单位")
    used = np.unique(np.r_[one, two])
    filled = [table for table in repairs if len(table)]
    table = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=REPAIR_COLUMNS)
    return Network(
        node_xy[used],
        np.searchsorted(used, one),
        np.searchsorted(used, two),
        length_mm.astype(np.uint32),
        road.astype(np.int64),
        shapes,
        table,
    )


def snap(
    network: Network, points: Any, *, max_distance_m: float, edge_mask: Any = None, preferred: Any = None
) -> Snaps:
    """Find the nearest place on the network for every point.

    Parameters
    ----------
    points
        (n,2) coordinates in metres of the network's CRS.
    max_distance_m
        Farther than this nothing is found (the bound itself is).
    edge_mask
        Which edges may be met; all when missing.
    preferred
        A number for every edge: of edges that are equally near the highest is met (two records of one road lie on
        each other); the lowest edge number when missing.

    Examples
    --------
    >>> import geopandas as gpd
    >>> street = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (10, 0)])], crs="EPSG:4547")
    >>> snaps = snap(build_network(street), [[4, 3], [4, 99]], max_distance_m=3)
    >>> snaps.edge.tolist(), snaps.fraction.tolist(), snaps.distance_m.tolist()
    ([0, -1], [0.4, 0.0], [3.0, inf])

    """
    return snap_to(network, edge_index(network, edge_mask, preferred), points, max_distance_m=max_distance_m)


def edge_index(network: Network, edge_mask: Any = None, preferred: Any = None) -> EdgeIndex:
    """Sort the edges of a mask once for many calls of `snap_to`."""
    allowed = np.arange(len(network.edge_road)) if edge_mask is None else np.flatnonzero(edge_mask)
    if preferred is not None:
        allowed = allowed[np.argsort(-np.asarray(preferred, np.int64)[allowed], kind="stable")]
    return EdgeIndex(allowed, line_index(network.edge_geometry[allowed]))


def snap_to(network: Network, kept: EdgeIndex, points: Any, *, max_distance_m: float) -> Snaps:
    """Find the nearest place on the edges of an index, as `snap` does."""
    allowed = kept.edges
    index, distance_m, snap_xy = nearest_line(points, kept.lines)
    found = (index >= 0) & (distance_m <= max_distance_m)
    edge, fraction = np.full(len(index), -1, np.int64), np.zeros(len(index))
    edge[found] = allowed[index[found]]
    shapes = network.edge_geometry[edge[found]]
    fraction[found] = shapely.line_locate_point(shapes, shapely.points(snap_xy[found]), normalized=True)
    return Snaps(edge, fraction, np.where(found, distance_m, np.inf))


def cheapest_edges(network: Network, weight: Any) -> tuple[Any, Ints]:
    """Return the network as a symmetric matrix of weights, and for each entry the edge it stands for.

    Of parallel edges the lightest counts (ties: the lowest number); an infinite weight closes an edge; a weight of
    zero stays an edge. The second result is aligned with the matrix's `data`.
    """
    cost = np.asarray(weight, np.float64)
    open_edge = np.flatnonzero(np.isfinite(cost) & (network.edge_from != network.edge_to))
    one = np.r_[network.edge_from[open_edge], network.edge_to[open_edge]]
    two = np.r_[network.edge_to[open_edge], network.edge_from[open_edge]]
    edge = np.r_[open_edge, open_edge]
    order = np.lexsort((edge, cost[edge], two, one))
    one, two, edge = one[order], two[order], edge[order]
    first = np.r_[True, (np.diff(one) != 0) | (np.diff(two) != 0)][: len(edge)]
    one, two, edge = one[first], two[first], edge[first]
    count = len(network.node_xy)
    begin = np.searchsorted(one, np.arange(count + 1))
    return csr_array((cost[edge], two, begin), shape=(count, count)), edge


def shortest(network: Network, *, weight_mm: Any, sources: Any) -> tuple[Floats, Ints, Ints]:
    """Find the shortest way from every node to the nearest of the source nodes.

    Parameters
    ----------
    weight_mm
        Weight of every edge in whole millimetres, zero allowed, infinite where an edge is closed. Sums stay exact as
        long as they are below 2**53.
    sources
        Node numbers; none: nothing is reached.

    Returns
    -------
    distance_mm, predecessor, source_index
        Distance (inf where not reached), the node before on the way (-1 at a source or where not reached) and the
        position in `sources` of the source that is reached (-1 none).

    Examples
    --------
    >>> import geopandas as gpd
    >>> roads = [shapely.LineString([(0, 0), (3, 0)]), shapely.LineString([(3, 0), (3, 4)])]
    >>> network = build_network(gpd.GeoDataFrame(geometry=roads, crs="EPSG:4547"))
    >>> sorted(shortest(network, weight_mm=network.edge_length_mm, sources=[0])[0].tolist())
    [0.0, 3000.0, 7000.0]

    """
    count, wanted = len(network.node_xy), np.asarray(sources, np.int64)
    none = np.full(count, -1, np.int64)
    if count == 0 or len(wanted) == 0:
        return np.full(count, np.inf), none, none.copy()
    matrix, _ = cheapest_edges(network, weight_mm)
    distance, before, source = dijkstra(matrix, indices=wanted, min_only=True, return_predecessors=True)
    place = np.full(count, -1, np.int64)
    place[wanted[::-1]] = np.arange(len(wanted))[::-1]
    reached = np.isfinite(distance)
    return (
        distance,
        np.where(before >= 0, before, -1).astype(np.int64),
        np.where(reached, place[np.maximum(source, 0)], -1),
    )


def to_networkx(network: Network) -> Any:
    """Return the network as a networkx MultiGraph: nodes with x, y; edges with key = edge number, length_m, road.

    >>> import geopandas as gpd
    >>> street = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (3, 4)])], crs="EPSG:4547")
    >>> list(to_networkx(build_network(street)).edges(keys=True, data="length_m"))
    [(0, 1, 0, 5.0)]
    """
    import networkx

    graph = networkx.MultiGraph()
    graph.add_nodes_from((node, {"x": x, "y": y}) for node, (x, y) in enumerate(network.node_xy.tolist()))
    ends = zip(
        network.edge_from.tolist(),
        network.edge_to.tolist(),
        network.edge_length_mm.tolist(),
        network.edge_road.tolist(),
        strict=True,
    )
    graph.add_edges_from(
        (one, two, edge, {"length_m": mm / 1000, "road": road}) for edge, (one, two, mm, road) in enumerate(ends)
    )
    return graph
