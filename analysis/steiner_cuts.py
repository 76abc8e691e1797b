"""A sharper bound for the joint network, and a shorter tree on the way: a linear programme over cuts.

Every set of places with a terminal and without the root must be entered (Wong 1984). Dual ascent names sets; a linear
programme weighs them better than the ascent can, flows find the sets its answer forgets, and what it nearly takes
guides the next tree. Every round's weights are checked against the lengths, so its sum is a bound by itself.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from analysis.steiner_graph import Graph

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
UNIT = 100_000  # a whole unit of flow


class Cuts:
    """The arcs of an undirected graph, both ways, and the sets known to be entered, as rows of arcs."""

    def __init__(self, graph: Graph) -> None:
        """Start without sets; arcs into the root are left out."""
        self.tail, self.head = np.r_[graph.one, graph.two], np.r_[graph.two, graph.one]
        self.length = np.r_[graph.length, graph.length]
        self.is_open = self.head != 0
        self.count, self.size = graph.count, 0
        self.rows: list[Ints] = []
        self.arcs: list[Ints] = []

    def enter(self, inside: NDArray[np.bool_]) -> None:
        """Ask that a set of places is entered."""
        arcs = np.flatnonzero(inside[self.head] & ~inside[self.tail] & self.is_open)
        self.take(np.full(len(arcs), 0), arcs)

    def take(self, row: Ints, arc: Ints) -> None:
        """Ask for one or more sets, given as rows from 0 and their arcs."""
        if len(row):
            self.rows.append(row + self.size)
            self.arcs.append(arc)
            self.size += int(row.max()) + 1

    def weigh(self) -> tuple[float, Floats, Floats]:
        """Solve the linear programme over the sets -> a bound, what is taken of every arc, what is left of its length."""
        row, arc = np.concatenate(self.rows), np.concatenate(self.arcs)
        used = np.unique(arc)
        table = coo_array((-np.ones(len(row)), (row, np.searchsorted(used, arc))), (self.size, len(used))).tocsr()
        found = linprog(self.length[used], A_ub=table, b_ub=-np.ones(self.size), bounds=(0, None), method="highs")
        taken, left = np.zeros(len(self.length)), self.length.copy()
        if found.x is None:
            return 0.0, taken, left
        taken[used] = np.clip(found.x, 0.0, 1.0)
        weight = np.maximum(-found.ineqlin.marginals, 0.0)
        load = np.asarray(-(table.T @ weight))
        weight = weight / max(1.0, float((load / np.maximum(self.length[used], 1e-9)).max(initial=1.0)))
        left[used] -= np.asarray(-(table.T @ weight))
        return float(weight.sum()), taken, np.maximum(left, 0.0)

    def forgotten(self, taken: Floats, terminals: Ints) -> Iterator[NDArray[np.bool_]]:
        """Find sets around terminals that the answer does not enter, each the smallest of its kind."""
        flow = np.rint(taken * UNIT).astype(np.int32)
        some = np.flatnonzero((flow > 0) & self.is_open)
        net = csr_array((flow[some], (self.tail[some], self.head[some])), shape=(self.count,) * 2)
        met = np.zeros(self.count, bool)
        for terminal in terminals.tolist():
            if met[terminal]:
                continue
            found = maximum_flow(net, 0, terminal)
            if found.flow_value >= UNIT * 0.999:
                continue
            rest = (net - found.flow).tocsr()
            rest.data[rest.data < 0] = 0
            rest.eliminate_zeros()
            inside = np.zeros(self.count, bool)
            inside[breadth_first_order(rest.T.tocsr(), terminal, return_predecessors=False)] = True
            met |= inside
            yield inside


def tighten(
    graph: Graph,
    terminals: Ints,
    sets: tuple[Ints, Ints],
    length: float,
    bound: float,
    build: Callable[[Floats], float],
    *,
    rounds: int,
    target: float,
) -> float:
    """Raise a bound on the joint network, and let `build` make a tree from what is left of every edge's length.

    Parameters
    ----------
    sets
        Rows and arcs of the sets that dual ascent met.
    build
        Function (length still to pay of every edge) -> the length of the shortest tree it knows now.
    rounds, target
        Stop after so many rounds, or when length / bound - 1 is so small.
    """
    cuts, edges = Cuts(graph), len(graph.one)
    cuts.take(*sets)
    for _ in range(rounds):
        if length <= bound * (1 + target):
            break
        found, taken, _ = cuts.weigh()
        bound = max(bound, found)
        length = build(graph.length * (1.0 - np.minimum(taken[:edges] + taken[edges:], 1.0)))
        size = cuts.size
        for inside in cuts.forgotten(taken, terminals):
            cuts.enter(inside)
        if cuts.size == size:
            break
    return bound
