"""One shared network that serves every terminal: a short tree to the root and a bound no tree can go below.

Dual ascent (Wong 1984) gives a lower bound for every shared network, so that the distance to the best is stated, not
hoped for, and the arcs it uses up. On those, and on all, a tree is grown to the nearest terminal next (Takahashi and
Matsuyama 1980) and spanned over the terminals (Mehlhorn 1988): each at most twice the best. The shortest is bettered by
exchanging key paths (its branching places taken as terminals too) and by dropping and trying branching places.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, dijkstra, minimum_spanning_tree

from analysis.steiner_cuts import tighten
from analysis.steiner_graph import Graph, shrunk
from analysis.steiner_loops import grow, raise_prices

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
TRIES, FIRST_TRIES = 120, 12  # alone, and where cuts are weighed afterwards
FEW, ROUNDS, NEAR = 3_000, 8, 0.004  # terminals for which cuts are weighed, how often, and how near is near enough
SETS = 4_000_000  # arcs of sets that are kept


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


def joint_tree(graph: Graph, terminals: Ints, *, effort: int = 20_000) -> Joint:
    """Find a short tree that joins every terminal to node 0, and a lower bound on any such tree.

    Parameters
    ----------
    graph
        Positive whole lengths; every terminal must reach the root.
    effort
        How much is spent on dropping and trying branching places: at most 120 tries, and effort / terminals.

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
    small = shrunk(graph, wanted)
    kept, bound = _searched(small.graph, small.terminals, effort)
    return _rooted(graph, small.edges(kept), bound)


def _searched(graph: Graph, wanted: Ints, effort: int) -> tuple[Ints, float]:
    """Find a short tree and a bound: ascent, trees grown and exchanged, then cuts weighed while there are few terminals."""
    everything = np.arange(len(graph.one))
    bound, is_spent, sets = _ascent(graph, wanted)
    first = [grown(graph, wanted, np.flatnonzero(is_spent)), grown(graph, wanted, everything)]
    first.append(spanning(graph, wanted, everything))
    best = _bettered(graph, wanted, min(first, key=lambda kept: _total(graph, kept)), everything)
    tries = FIRST_TRIES if len(wanted) <= FEW else TRIES
    best = _tried(graph, wanted, best, min(tries, effort // len(wanted)), bound)
    if len(wanted) > FEW:
        return best, bound

    def build(left: Floats) -> float:
        nonlocal best
        guided = Graph(graph.one, graph.two, left + 1e-3 * graph.length, graph.count)
        for trial in (grown(guided, wanted, everything), spanning(guided, wanted, everything)):
            mixed = np.union1d(trial, best)
            again = _bettered(graph, wanted, pruned(graph, wanted, trial), mixed)
            best = min(best, _bettered(graph, wanted, again, everything), key=lambda kept: _total(graph, kept))
        return _total(graph, best)

    bound = tighten(graph, wanted, sets, _total(graph, best), bound, build, rounds=ROUNDS, target=NEAR)
    return best, bound


def _total(graph: Graph, kept: Ints) -> float:
    return float(graph.length[kept].sum())


def grown(graph: Graph, terminals: Ints, chosen: Ints, extra: Ints | None = None) -> Ints:
    """Grow a tree from the root to the nearest terminal next, over chosen edges and by way of extra places."""
    one, two = np.r_[graph.one[chosen], graph.two[chosen]], np.r_[graph.two[chosen], graph.one[chosen]]
    edge = np.r_[chosen, chosen]
    order = np.lexsort((edge, two, one))
    is_wanted = np.zeros(graph.count, bool)
    is_wanted[terminals] = is_wanted[0] = True
    if extra is not None:
        is_wanted[extra] = True
    begin = np.searchsorted(one[order], np.arange(graph.count + 1))
    kept = grow(begin, two[order], graph.length[edge[order]], edge[order], is_wanted, 0)
    return pruned(graph, terminals, np.asarray(kept, np.int64))


def _inner(graph: Graph, kept: Ints) -> Ints:
    """List the branching places of a tree."""
    degree = np.bincount(np.r_[graph.one[kept], graph.two[kept]], minlength=graph.count)
    return np.flatnonzero(degree > 2)


def _bettered(graph: Graph, terminals: Ints, best: Ints, chosen: Ints) -> Ints:
    """Exchange key paths for shorter ones until none is found."""
    while True:
        again = spanning(graph, np.union1d(terminals, _inner(graph, best)), chosen)
        again = pruned(graph, terminals, again)
        if _total(graph, again) >= _total(graph, best):
            return best
        best = again


def _tried(graph: Graph, terminals: Ints, best: Ints, tries: int, bound: float) -> Ints:
    """Drop some branching places, try some beside the tree, and keep what is shorter (the same draws every time)."""
    rng, everything = np.random.default_rng(1), np.arange(len(graph.one))
    for _ in range(tries):
        if _total(graph, best) <= bound:
            break
        inner = np.setdiff1d(_inner(graph, best), terminals)
        in_tree = np.zeros(graph.count, bool)
        in_tree[graph.one[best]] = in_tree[graph.two[best]] = True
        beside = np.r_[graph.one[in_tree[graph.two]], graph.two[in_tree[graph.one]]]
        beside = np.unique(beside[~in_tree[beside]])
        some = rng.choice(beside, max(1, len(beside) // 50), replace=False) if len(beside) else beside
        kept = inner[rng.random(len(inner)) < rng.choice([0.8, 0.9, 1.0])]
        trial = grown(graph, terminals, everything, np.r_[kept, some])
        both = np.union1d(trial, best)
        mixed = pruned(graph, terminals, spanning(graph, np.union1d(terminals, inner), both))
        best = min((best, _bettered(graph, terminals, trial, both), mixed), key=lambda edges: _total(graph, edges))
    return best


def _rooted(graph: Graph, kept: Ints, bound: float) -> Joint:
    matrix, key, edge_of = matrix_of(graph, kept)
    order, before = breadth_first_order(matrix, 0, directed=False, return_predecessors=True)
    parent, edge = np.full(graph.count, -1, np.int64), np.full(graph.count, -1, np.int64)
    child = order[1:].astype(np.int64)
    parent[child] = before[child]
    edge[child] = edge_of[np.searchsorted(key, parent[child] * graph.count + child)]
    return Joint(parent, edge, float(graph.length[kept].sum()), bound)


def _ascent(graph: Graph, terminals: Ints) -> tuple[float, NDArray[np.bool_], tuple[Ints, Ints]]:
    """Raise dual prices until every terminal is reached from the root over arcs that are used up.

    Returns the bound, which edges are used up, and the sets whose prices rose, as rows and arcs (the second half of
    the arcs are the edges the other way round).
    """
    head = np.r_[graph.two, graph.one]
    order = np.argsort(head, kind="stable")
    begin = np.searchsorted(head[order], np.arange(graph.count + 1))
    tail = np.r_[graph.one, graph.two][order]
    left = np.r_[graph.length, graph.length][order]
    room = SETS if len(terminals) <= FEW else 0
    bound, row, arc = raise_prices(begin, tail, left, terminals, graph.count, room)
    spent = np.zeros(len(graph.one), bool)
    spent[order[left <= 0] % len(graph.one)] = True
    return float(bound), spent, (row, order[arc])
