"""One shared network that serves every terminal: a short tree to the root and a bound no tree can go below.

Start (Mehlhorn 1988): nearest terminal of every node, spanning tree over the terminals, pruned - at most twice the
best. Then again with the branching places as terminals, and on the arcs that the dual ascent of Wong (1984) used up.
The dual ascent's sum is a lower bound for every shared network, so the distance to the best is stated, not hoped for.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, dijkstra, minimum_spanning_tree

from geo.compiled import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
ROUNDS = 6


@dataclass(frozen=True)
class Graph:
    """An undirected graph: ends and length of its edges, and how many nodes it has. Node 0 is the root."""

    one: Ints
    two: Ints
    length: Floats
    count: int


@dataclass(frozen=True)
class Joint:
    """A tree to the root: for every node its parent and the edge to it (-1 outside the tree), its length, a bound."""

    parent: Ints
    edge: Ints
    length: float
    bound: float


def matrix_of(graph: Graph, chosen: Ints) -> tuple[Any, Ints, Ints]:
    """Return the symmetric matrix of some edges (of parallel ones the shortest), its sorted keys and their edges."""
    one, two = np.r_[graph.one[chosen], graph.two[chosen]], np.r_[graph.two[chosen], graph.one[chosen]]
    edge = np.r_[chosen, chosen]
    order = np.lexsort((edge, graph.length[edge], two, one))
    key = one[order] * np.int64(graph.count) + two[order]
    first = np.r_[True, key[1:] != key[:-1]][: len(key)]
    order, key = order[first], key[first]
    begin = np.searchsorted(one[order], np.arange(graph.count + 1))
    return csr_array((graph.length[edge[order]], two[order], begin), shape=(graph.count,) * 2), key, edge[order]


def spanning(graph: Graph, terminals: Ints, chosen: Ints) -> Ints:
    """Choose edges that join the terminals and the root, by Mehlhorn's way, among the `chosen` edges."""
    matrix, key, edge_of = matrix_of(graph, chosen)
    seeds = np.unique(np.r_[0, terminals])
    far, before, source = dijkstra(matrix, indices=seeds, min_only=True, return_predecessors=True)
    one, two = graph.one[chosen], graph.two[chosen]
    bridge = (source[one] != source[two]) & (source[one] >= 0) & (source[two] >= 0)
    link, s, t = chosen[bridge], source[one[bridge]].astype(np.int64), source[two[bridge]].astype(np.int64)
    weight = far[one[bridge]] + graph.length[link] + far[two[bridge]]
    between = Graph(np.minimum(s, t), np.maximum(s, t), weight, graph.count)
    links, link_key, link_of = matrix_of(between, np.arange(len(link)))
    tree = minimum_spanning_tree(links).tocoo()
    used = link[link_of[np.searchsorted(link_key, tree.row.astype(np.int64) * graph.count + tree.col)]]
    picked = [used]
    for node in (graph.one[used], graph.two[used]):
        here = np.unique(node)
        while len(here):
            here = here[before[here] >= 0]
            up = before[here].astype(np.int64)
            picked.append(edge_of[np.searchsorted(key, up * graph.count + here)])
            here = np.unique(up)
    return pruned(graph, terminals, np.unique(np.concatenate(picked)))


def pruned(graph: Graph, terminals: Ints, chosen: Ints) -> Ints:
    """Keep a shortest spanning tree of the chosen edges without the twigs that end at no terminal."""
    matrix, key, edge_of = matrix_of(graph, chosen)
    tree = minimum_spanning_tree(matrix).tocoo()
    kept = edge_of[np.searchsorted(key, tree.row.astype(np.int64) * graph.count + tree.col)]
    needed = np.zeros(graph.count, bool)
    needed[terminals] = needed[0] = True
    while True:
        degree = np.bincount(np.r_[graph.one[kept], graph.two[kept]], minlength=graph.count)
        loose = (degree == 1) & ~needed
        twig = loose[graph.one[kept]] | loose[graph.two[kept]]
        if not twig.any():
            return np.asarray(np.sort(kept), np.int64)
        kept = kept[~twig]


def joint_tree(graph: Graph, terminals: Ints, *, rounds: int = ROUNDS) -> Joint:
    """Find a short tree that joins every terminal to node 0, and a lower bound on any such tree.

    Parameters
    ----------
    graph
        Positive whole lengths; every terminal must reach the root.
    rounds
        How often the tree is tried again with its branching places as terminals.

    Examples
    --------
    >>> star = Graph(np.array([0, 1, 1]), np.array([1, 2, 3]), np.array([4.0, 3.0, 3.0]), 4)
    >>> found = joint_tree(star, np.array([2, 3]))
    >>> found.length, found.bound, found.parent.tolist()
    (10.0, 10.0, [-1, 0, 1, 1])

    """
    wanted = np.unique(terminals[terminals > 0]).astype(np.int64)
    if len(wanted) == 0:
        none = np.full(graph.count, -1, np.int64)
        return Joint(none, none.copy(), 0.0, 0.0)
    everything = np.arange(len(graph.one))
    bound, is_spent = _ascent(graph, wanted)
    pools = [everything, np.flatnonzero(is_spent)]
    best = min((spanning(graph, wanted, pool) for pool in pools), key=lambda kept: float(graph.length[kept].sum()))
    for pool in pools * rounds:
        degree = np.bincount(np.r_[graph.one[best], graph.two[best]], minlength=graph.count)
        inner = np.flatnonzero(degree > 2)
        again = pruned(graph, wanted, spanning(graph, np.union1d(wanted, inner), np.union1d(pool, best)))
        if graph.length[again].sum() < graph.length[best].sum():
            best = again
    return _rooted(graph, best, bound)


def _rooted(graph: Graph, kept: Ints, bound: float) -> Joint:
    matrix, key, edge_of = matrix_of(graph, kept)
    order, before = breadth_first_order(matrix, 0, directed=False, return_predecessors=True)
    parent, edge = np.full(graph.count, -1, np.int64), np.full(graph.count, -1, np.int64)
    child = order[1:].astype(np.int64)
    parent[child] = before[child]
    edge[child] = edge_of[np.searchsorted(key, parent[child] * graph.count + child)]
    return Joint(parent, edge, float(graph.length[kept].sum()), bound)


def _ascent(graph: Graph, terminals: Ints) -> tuple[float, NDArray[np.bool_]]:
    """Raise dual prices until every terminal is reached from the root over arcs that are used up."""
    head = np.r_[graph.two, graph.one]
    order = np.argsort(head, kind="stable")
    begin = np.searchsorted(head[order], np.arange(graph.count + 1))
    tail = np.r_[graph.one, graph.two][order]
    left = np.r_[graph.length, graph.length][order]
    bound = float(_raise_prices(begin, tail, left, terminals, graph.count))
    spent = np.zeros(len(graph.one), bool)
    spent[order[left <= 0] % len(graph.one)] = True
    return bound, spent


@compiled
def _raise_prices(begin: Any, tail: Any, left: Any, terminals: Any, count: int) -> float:
    """Lower what is left of the arcs into the set that reaches a terminal, smallest sets first; return the sum.

    A terminal whose set holds the root or another waiting terminal needs nothing more: it is reached through that.
    """
    waiting = np.zeros(count, np.bool_)
    size = np.zeros(count, np.int64)
    for terminal in terminals:
        waiting[terminal] = True
        size[terminal] = begin[terminal + 1] - begin[terminal]
    mark = np.zeros(count, np.int64)
    members = np.empty(count, np.int64)
    stamp, bound, active = 0, 0.0, len(terminals)
    queue = terminals.copy()
    while active > 0:
        ranked = queue[:active][np.argsort(size[queue[:active]])]
        limit = size[ranked[len(ranked) // 4]] + 8
        kept = 0
        for terminal in ranked:
            done = False
            while not done and size[terminal] <= limit:
                stamp += 1
                mark[terminal] = stamp
                members[0] = terminal
                found, at = 1, 0
                while at < found and not done:
                    node = members[at]
                    at += 1
                    for arc in range(begin[node], begin[node + 1]):
                        other = tail[arc]
                        if left[arc] <= 0 and mark[other] != stamp:
                            if other == 0 or (waiting[other] and other != terminal):
                                done = True
                                break
                            mark[other] = stamp
                            members[found] = other
                            found += 1
                if done:
                    break
                least, cut = np.inf, 0
                for row in range(found):
                    for arc in range(begin[members[row]], begin[members[row] + 1]):
                        if mark[tail[arc]] != stamp:
                            cut += 1
                            least = min(least, left[arc])
                if cut == 0:
                    done = True
                    break
                bound += least
                for row in range(found):
                    for arc in range(begin[members[row]], begin[members[row] + 1]):
                        if mark[tail[arc]] != stamp:
                            left[arc] -= least
                size[terminal] = cut
            if done:
                waiting[terminal] = False
            else:
                queue[kept] = terminal
                kept += 1
        active = kept
    return bound
