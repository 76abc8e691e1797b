"""Ways over a network that are shortest by one measure and, among those, by a second."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from geo.network import Network

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Ways:
    """For every node the way to its source: both measures in mm (inf none), the next node, the edge to it, the source.

    `before`, `edge` and `source` are -1 where there is none.
    """

    first_mm: Floats
    then_mm: Floats
    before: Ints
    edge: Ints
    source: Ints


def _arcs(one: Ints, two: Ints, edge: Ints, *measures: Floats) -> Ints:
    """Order arcs by their nodes and keep the lightest of parallel ones (ties: the lowest edge)."""
    key = one * (two.max(initial=0) + np.int64(1)) + two
    order = np.argsort(key, kind="stable")
    begin = np.flatnonzero(np.r_[True, np.diff(key[order]) != 0][: len(order)])
    size = np.diff(np.r_[begin, len(order)])
    arc = order[begin]
    many = np.flatnonzero(size > 1)
    group = np.repeat(many, size[many])
    rival = order[
        np.repeat(begin[many], size[many])
        + np.arange(len(group))
        - np.repeat(np.cumsum(size[many]) - size[many], size[many])
    ]
    ranked = np.lexsort((edge[rival], *[measure[edge[rival]] for measure in reversed(measures)], group))
    first = np.flatnonzero(np.r_[True, np.diff(group[ranked]) != 0][: len(ranked)])
    arc[group[ranked[first]]] = rival[ranked[first]]
    return np.asarray(arc, np.int64)


def _matrix(one: Ints, two: Ints, weight: Floats, count: int) -> Any:
    return csr_array((weight, two, np.searchsorted(one, np.arange(count + 1))), shape=(count, count))


def ways(network: Network, *, first_mm: Any, then_mm: Any, sources: Any) -> Ways:
    """Find the way from every node to a source that is shortest by one measure, ties broken by the second.

    Two searches: the first finds the least sum of `first_mm`; the second looks for the least sum of `then_mm` over
    those arcs alone that lie on a least way (distance + arc = distance). Every way over such arcs is least by the
    first measure, and every least way consists of them, so the result is exactly lexicographic. Nothing is packed
    into one number: both sums are whole millimetres in float64, exact up to 2**53 mm (nine thousand million km).

    Parameters
    ----------
    first_mm, then_mm
        Measures of every edge in whole millimetres; zero allowed in the first; infinite closes an edge.
    sources
        Node numbers.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> from geo.network import build_network
    >>> roads = [shapely.LineString([(0, 0), (3, 0)]), shapely.LineString([(3, 0), (3, 4)])]
    >>> network = build_network(gpd.GeoDataFrame(geometry=roads, crs="EPSG:4547"))
    >>> found = ways(network, first_mm=[0, 4000], then_mm=network.edge_length_mm, sources=[0])
    >>> sorted(zip(found.first_mm.tolist(), found.then_mm.tolist()))
    [(0.0, 0.0), (0.0, 3000.0), (4000.0, 7000.0)]

    """
    count, wanted = len(network.node_xy), np.unique(np.asarray(sources, np.int64))
    first, then = np.asarray(first_mm, np.float64), np.asarray(then_mm, np.float64)
    none = np.full(count, -1, np.int64)
    if count == 0 or len(wanted) == 0:
        return Ways(np.full(count, np.inf), np.full(count, np.inf), none, none.copy(), none.copy())
    is_open = np.flatnonzero(np.isfinite(first) & np.isfinite(then) & (network.edge_from != network.edge_to))
    one = np.r_[network.edge_from[is_open], network.edge_to[is_open]]
    two = np.r_[network.edge_to[is_open], network.edge_from[is_open]]
    edge = np.r_[is_open, is_open]
    arc = _arcs(one, two, edge, first, then)
    least, _, source = dijkstra(
        _matrix(one[arc], two[arc], first[edge[arc]], count), indices=wanted, min_only=True, return_predecessors=True
    )
    tight = np.flatnonzero(np.isfinite(least[one]) & (least[one] + first[edge] == least[two]))
    arc = tight[_arcs(one[tight], two[tight], edge[tight], then)]
    total, before, source = dijkstra(
        _matrix(one[arc], two[arc], then[edge[arc]], count), indices=wanted, min_only=True, return_predecessors=True
    )
    before, source = np.where(before >= 0, before, -1).astype(np.int64), np.where(np.isfinite(total), source, -1)
    via, has_way = none.copy(), before >= 0
    key = one[arc] * np.int64(count) + two[arc]
    wanted_key = before[has_way] * np.int64(count) + np.flatnonzero(has_way)
    via[has_way] = edge[arc][np.searchsorted(key, wanted_key)]
    return Ways(least, total, before, via, source.astype(np.int64))


def walk(found: Ways, nodes: Any) -> tuple[Ints, Ints]:
    """List the edges on the way from each node to its source.

    Returns
    -------
    position, edge
        For every step: the position in `nodes` and the edge; in order along each way, source last.
    """
    here = np.asarray(nodes, np.int64).copy()
    position = np.arange(len(here))
    steps: list[tuple[Ints, Ints]] = []
    while len(here):
        keep = (here >= 0) & (found.edge[here] >= 0)
        here, position = here[keep], position[keep]
        if len(here):
            steps.append((position, found.edge[here]))
            here = found.before[here]
    if not steps:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    all_position, all_edge = np.concatenate([step[0] for step in steps]), np.concatenate([step[1] for step in steps])
    order = np.argsort(all_position, kind="stable")
    return all_position[order], all_edge[order]


def pieces_of(network: Network, edge_mask: Any) -> Ints:
    """Number, for every node, the connected piece it belongs to over the edges of the mask."""
    edge = np.flatnonzero(edge_mask)
    count = len(network.node_xy)
    one, two = network.edge_from[edge], network.edge_to[edge]
    tie = csr_array((np.ones(len(edge), np.int32), (one, two)), shape=(count, count))
    return np.asarray(connected_components(tie, directed=False)[1], np.int64)
