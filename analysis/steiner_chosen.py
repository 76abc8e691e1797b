"""One shared network in which some terminals keep the way that was chosen for them."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import breadth_first_order, dijkstra

from analysis.steiner import Joint, matrix_of
from analysis.steiner_graph import Graph

Ints = NDArray[np.int64]


def with_chosen(
    graph: Graph,
    terminals: Ints,
    ways: Mapping[int, Ints],
    is_closed: NDArray[np.bool_],
    grow_rest: Callable[[Graph, Ints], Joint],
) -> Joint:
    """Find a short tree in which some nodes keep the way that was chosen for them.

    Parameters
    ----------
    ways
        Node -> the edges of its way to node 0, in any order. Where a way meets one laid before (in the order of the
        nodes) it goes on along that one: a tree has one way from every place.
    is_closed
        Edges nothing but a chosen way may use.
    grow_rest
        Joins the other terminals to what is laid (`joint_tree`).

    Examples
    --------
    >>> from analysis.steiner import joint_tree
    >>> square = Graph(np.array([0, 1, 2, 0]), np.array([1, 2, 3, 3]), np.array([1.0, 1.0, 9.0, 9.0]), 4)
    >>> with_chosen(square, np.array([2]), {2: np.array([2, 3])}, np.zeros(4, bool), joint_tree).parent.tolist()
    [-1, -1, 3, 0]

    """
    laid = np.zeros(graph.count, bool)
    laid[0] = True
    kept: list[Ints] = []
    for node in sorted(ways):
        edges = _way_to(graph, node, ways[node], laid)
        kept.append(edges)
        laid[graph.one[edges]] = laid[graph.two[edges]] = True
    number = np.cumsum(~laid)
    number[laid] = 0
    one, two = number[graph.one], number[graph.two]
    free = np.flatnonzero((one != two) & ~is_closed)
    rest = grow_rest(Graph(one[free], two[free], graph.length[free], int(number.max()) + 1), number[terminals])
    own = np.concatenate(kept)
    bound = rest.bound + float(graph.length[own].sum())
    return _rooted(graph, np.unique(np.r_[own, free[rest.edge[rest.edge >= 0]]]), bound)


def _way_to(graph: Graph, node: int, edges: Ints, laid: NDArray[np.bool_]) -> Ints:
    """Walk from a node over some edges to the nearest place that is laid."""
    matrix, key, edge_of = matrix_of(graph, edges)
    far, before = dijkstra(matrix, indices=node, return_predecessors=True)
    goals = np.flatnonzero(laid & np.isfinite(far))
    if not len(goals):
        return np.empty(0, np.int64)
    here = int(goals[np.argmin(far[goals])])
    walked: list[int] = []
    while here != node:
        up = int(before[here])
        walked.append(int(edge_of[np.searchsorted(key, up * graph.count + here)]))
        here = up
    return np.array(walked, np.int64)


def _rooted(graph: Graph, kept: Ints, bound: float) -> Joint:
    matrix, key, edge_of = matrix_of(graph, kept)
    order, before = breadth_first_order(matrix, 0, directed=False, return_predecessors=True)
    parent, edge = np.full(graph.count, -1, np.int64), np.full(graph.count, -1, np.int64)
    child = order[1:].astype(np.int64)
    parent[child] = before[child]
    edge[child] = edge_of[np.searchsorted(key, parent[child] * graph.count + child)]
    return Joint(parent, edge, float(graph.length[kept].sum()), bound)
